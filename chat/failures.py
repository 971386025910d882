"""Why a minion failed, in the words of what it returned: of which states, or of what Salt raised."""

MOST = 20
# The parts of the name under which Salt returns a state: module, id, name, function.
PARTS, MARK = 4, "_|-"


def reasons(returned):
    """
    Texts, one for each state that failed, in the order in which the states ran, at most twenty; or what the return says
    where it is no mapping of states: Salt returns texts and lists of texts for what cannot be run at all.

    returned
        The value of a return, whatever a minion may have made of it. Each text may have secrets in it, and any length.
    """
    if isinstance(returned, str):
        return [returned] if returned.strip() else []
    if isinstance(returned, list | tuple):
        return [one for one in returned[:MOST] if isinstance(one, str) and one.strip()]
    if not isinstance(returned, dict):
        return []
    failed = [
        (_order(state), f"{_name(name)}: {_comment(state)}")
        for name, state in returned.items()
        if isinstance(state, dict) and state.get("result") is False
    ]
    return [text for _, text in sorted(failed, key=lambda row: row[0])[:MOST]]


def _order(state):
    number = state.get("__run_num__")
    return number if isinstance(number, int) else 0


def _name(name):
    """A state as people call it: module.function and its id."""
    parts = str(name).split(MARK)
    # Names of files and commands may have the mark in them.
    return f"{parts[0]}.{parts[-1]} {parts[1]}" if len(parts) >= PARTS else str(name)


def _comment(state):
    comment = state.get("comment")
    if isinstance(comment, list | tuple):
        return " ".join(str(one) for one in comment[:MOST])
    return str(comment) if comment else ""
