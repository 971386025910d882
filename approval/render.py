"""Answers of the client as text for a terminal."""

MAX_COLUMN = 60
OUTCOME = {"outcome": "OUTCOME", "observed": "OBSERVED"}


def table(rows, columns):
    """Rows (dicts) as aligned columns: {key: heading}."""
    lines = [list(columns.values())] + [[_cell(row.get(key)) for key in columns] for row in rows]
    widths = [max(len(line[number]) for line in lines) for number in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def requests(rows):
    """What Client.list() returned."""
    columns = {
        "request_id": "REQUEST", "type": "TYPE", "state": "STATE", "requester": "REQUESTER",
        "submitted_at": "SUBMITTED", "minions": "MINIONS", "items": "ITEMS", "waiting_for": "WAITING FOR",
        "reason": "REASON",
    }  # fmt: skip
    return table(rows, columns) if rows else "no requests"


def request(shown):
    """What Client.show() returned."""
    lines = [
        f"request {shown['request']}: {shown['type']}, {shown['state']}",
        f"  asked for by {shown['requester']} ({shown['assurance']}), "
        f"{_cell(shown['submitted_at'])}: {_cell(shown['reason'])}",
    ]
    if shown["external_ref"]:
        lines.append(f"  reference: {shown['source']} {shown['external_ref']}")
    if shown["after"]:
        lines.append(f"  takes effect: not before {_cell(shown['after'])}")
    if shown["waiting_for"]:
        lines.append(f"  waits for: {shown['waiting_for']}")
    lines.append(f"  digest: {shown['digest']}")
    for stage in shown["chain"]:
        lines.append(f"  stage {stage['stage']} ({stage['name']}): {_stage_state(stage)}")
        lines += [
            f"    {decision['decision']} by {decision['by']} ({decision['identity']}, "
            f"{decision['assurance']}), {_cell(decision['at'])}"
            + (f": {_cell(decision['comment'])}" if decision["comment"] else "")
            for decision in stage["decisions"]
        ]
    if not shown["chain"]:
        lines.append("  pre-approved: its type needs no approval")
    columns = {"minion": "MINION", "name": "NAME", "wanted": "APPROVED", **OUTCOME, "text": ""}
    if shown["state"] in ("pending", "rejected", "cancelled", "expired"):
        columns = {"minion": "MINION", "name": "NAME", "wanted": "ASKED FOR"}
    elif not any(item["text"] for item in shown["items"]):
        del columns["text"]
    rows = [{**item, "wanted": wanted(item)} for item in shown["items"]]
    lines += ["", *(f"  {line}" for line in table(rows, columns).splitlines())]
    if len(rows) < shown["item_count"]:
        lines.append(f"  ... of {shown['item_count']} items")
    return "\n".join(lines)


def state(shown):
    """What Client.state() returned."""
    lines = [f"minion {shown['minion']}"]
    for document in shown["documents"]:
        when = "in force" if document["in_force"] else f"from {_cell(document['valid_from'])}"
        lines.append(f"  revision {document['revision']}, {when}")
        columns = {"name": "NAME", "wanted": "APPROVED", "request": "REQUEST", **OUTCOME}
        rows = [{**item, "wanted": wanted(item)} for item in document["items"]]
        lines += [f"    {line}" for line in table(rows, columns).splitlines()] if rows else ["    nothing"]
    if not shown["documents"]:
        lines.append("  nothing is approved")
    return "\n".join(lines)


def types(rows):
    """What Client.types() returned."""
    lines = []
    for row in rows:
        asked_by = "anyone known" if "*" in row["requesters"] else ", ".join(row["requesters"])
        lines.append(f"{row['type']} (version {row['version']}): {row['title']}; requested by {asked_by}")
        for number, stage in enumerate(row["chain"], 1):
            groups = " or ".join(f"{way.get('quorum', 1)} of {way['group']}" for way in stage["any_of"])
            lines.append(
                f"  stage {number} ({stage['name']}): {groups}, "
                f"at least {stage.get('min_assurance', 'asserted')}"
            )
        if row["pre_approved"]:
            lines.append("  pre-approved: needs no approval")
    return "\n".join(lines) or "no request types"


def audit(rows):
    """What Client.audit() returned."""
    columns = {
        "seq": "NO",
        "at": "TIME",
        "act": "ACT",
        "actor": "BY",
        "assurance": "ASSURANCE",
        "hash": "HASH",
    }
    return table([{**row, "hash": row["hash"][:16]} for row in rows], columns) if rows else "no entries"


def verdict(answer):
    """What the validator returned."""
    proven = "with valid evidence" if answer["authenticated"] else "without valid evidence"
    lines = [f"{answer['verdict']} ({proven})"]
    lines += [
        f"  {_cell(finding['kind'])} {_cell(finding['name'])}: {finding['verdict']} ({finding['reason']}): "
        f"{_cell(finding['text'])}"
        for finding in answer["findings"]
    ]
    if answer["unapproved"]:
        lines.append(f"  changed without approval: {', '.join(map(_cell, answer['unapproved']))}")
    return "\n".join(lines)


def findings(rows):
    """What check.run() returned."""
    lines = []
    for row in rows:
        lines.append(f"{row['severity']}: {row['subject']}: {row['problem']}")
        if row["remedy"]:
            lines += [f"    {line}" for line in row["remedy"].splitlines()]
    return "\n".join(lines) or "everything is configured right"


def wanted(item):
    """What an item asks for, in one word."""
    if item["type"] == "absent":
        return "absent"
    if item.get("pinned"):
        return f"{item['value']} ({item['pinned']})"
    return item["value"]


def _stage_state(stage):
    if stage["satisfied_at"]:
        return f"passed {_cell(stage['satisfied_at'])}"
    groups = " or ".join(f"{way['quorum']} of {way['group']}" for way in stage["any_of"])
    return f"needs {groups}, at least {stage['min_assurance']}"


def _cell(value):
    if value is None:
        return "-"
    text = " ".join(str(value).split())
    # Some of it comes from minions: nothing there may speak to the terminal.
    text = "".join(character if character.isprintable() else "?" for character in text)
    # A time to the second is enough to read; --json has all of it.
    if len(text) >= 25 and text[4:5] == "-" and text[10:11] == "T":
        text = text[:19].replace("T", " ") + " UTC"
    return text if len(text) <= MAX_COLUMN else text[: MAX_COLUMN - 3] + "..."
