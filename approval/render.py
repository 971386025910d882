"""Answers of the client as text for a terminal."""

MAX_COLUMN = 60
OUTCOME = {"outcome": "OUTCOME", "observed": "OBSERVED"}


def table(rows, columns):
    """Rows (dicts) as aligned columns: {key: heading}."""
    lines = [list(columns.values())] + [[_cell(row.get(key)) for key in columns] for row in rows]
    widths = [max(len(line[number]) for line in lines) for number in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
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
    asked_by = shown["requester"]
    if shown["on_behalf_of"]:
        asked_by += f" for {shown['on_behalf_of']}"
    lines = [
        f"request {shown['request']}: {shown['type']}, {shown['state']}",
        f"  asked for by {asked_by} ({shown['assurance']}), {_cell(shown['submitted_at'])}: {_cell(shown['reason'])}",
    ]
    lines += [f"  {what}" for what in _circumstances(shown)]
    lines.append(f"  digest: {shown['digest']}")
    for stage in shown["chain"]:
        lines.append(f"  stage {stage['stage']} ({stage['name']}): {_stage_state(stage)}")
        lines += [f"    {_decision(decision)}" for decision in stage["decisions"]]
    if not shown["chain"]:
        lines.append("  pre-approved: its type needs no approval")
    columns = {"minion": "MINION", "name": "NAME", "wanted": "APPROVED", **OUTCOME, "text": ""}
    if shown["state"] in ("pending", "rejected", "cancelled", "expired"):
        columns = {"minion": "MINION", "name": "NAME", "wanted": "ASKED FOR"}
    elif not any(item["text"] for item in shown["items"]):
        del columns["text"]
    lines += ["", *(f"  {line}" for line in _items(shown["items"], columns).splitlines())]
    if len(shown["items"]) < shown["item_count"]:
        lines.append(f"  ... of {shown['item_count']} items")
    return "\n".join(lines)


def plan(shown):
    """What Client.plan() returned."""
    if shown["summary"] is None:
        return f"request {shown['request']} has no plan; salt-run approval.plan makes one"
    lines = [f"request {shown['request']}", *(f"  {line}" for line in _plan(shown["summary"])), ""]
    for minion in shown["answers"]:
        lines.append(f"  {minion['minion']}: {minion['outcome']}")
        lines += [f"    {_printable(line)}" for line in minion["comment"].splitlines()]
    return "\n".join(lines)


def why(shown):
    """What Client.why() returned."""
    lines = [f"{shown['kind']} {shown['name']} on {shown['minion']}"]
    for story in shown["requests"]:
        value = wanted({"type": story["what"], "value": story["value"]})
        lines.append(f"  {_cell(value)}: request {story['request']} ({story['type']}), {story['standing']}")
        lines.append(f"    asked for by {story['requester']}: {_cell(story['reason'])}")
        lines += [f"    {_cell(decision)}" for decision in story["decided_by"]]
        for key, what in (
            ("approved_at", "approved"), ("effective_at", "effective from"), ("applied_at", "applied"),
            ("expires_at", "holds until"), ("break_glass_at", "let past windows and freezes"),
        ):  # fmt: skip
            if story[key]:
                lines.append(f"    {what} {_cell(story[key])}")
        if story["before"]:
            before = story["before"]["value"]
            lines.append(f"    before: {'absent' if before is None else _cell(before)}")
    if not shown["requests"]:
        lines.append("  no request ever named it")
    return "\n".join(lines)


def what_if(shown):
    """What Client.what_if() returned."""
    may = "may" if shown["may_request"] else "may not"
    lines = [f"{shown['type']} (version {shown['version']}): this requester {may} ask for it"]
    for stage in shown["stages"]:
        lines.append(f"  stage {stage['stage']} ({stage['name']}), at least {stage['min_assurance']}" + _timeout(stage))
        for way in stage["any_of"]:
            names = ", ".join(way["approvers"]) or "nobody"
            blocked = "" if way["possible"] else " (blocked: too few)"
            lines.append(f"    {way['quorum']} of {way['group']}: {names}{blocked}")
    if shown["pre_approved"]:
        lines.append("  pre-approved: needs no approval")
    return "\n".join(lines)


def state(shown):
    """What Client.state() returned."""
    lines = [f"minion {shown['minion']}"]
    for document in shown["documents"]:
        when = "in force" if document["in_force"] else f"from {_cell(document['valid_from'])}"
        lines.append(f"  revision {document['revision']}, {when}")
        columns = {"name": "NAME", "wanted": "APPROVED", "request": "REQUEST", **OUTCOME}
        rows = document["items"]
        lines += [f"    {line}" for line in _items(rows, columns).splitlines()] if rows else ["    nothing"]
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
                f"  stage {number} ({stage['name']}): {groups}, at least {stage.get('min_assurance', 'asserted')}"
            )
        if row["pre_approved"]:
            lines.append("  pre-approved: needs no approval")
    return "\n".join(lines) or "no request types"


def freezes(rows):
    """What Client.freezes() returned."""
    columns = {
        "freeze": "FREEZE", "starts_at": "FROM", "ends_at": "UNTIL", "type": "TYPE",
        "minion_group": "MINION GROUP", "reason": "REASON",
    }  # fmt: skip
    return table(rows, columns) if rows else "no freezes"


def calendars(rows):
    """What Client.calendars() returned."""
    lines = []
    for row in rows:
        counted = f"from {row['starts_on']} {row['time_zone']}"
        lines.append(f"{row['calendar']}: {row['duration']}, {row['rule']} {counted}")
        lines += [f"  {_cell(opening)}" for opening in row["next_openings"]] or ["  no opening to come"]
    return "\n".join(lines) or "no calendars"


def delegations(rows):
    """What Client.delegations() returned."""
    columns = {
        "delegation": "NUMBER", "from_principal": "FROM", "to_principal": "TO", "starts_at": "SINCE",
        "ends_at": "UNTIL",
    }  # fmt: skip
    return table(rows, columns) if rows else "no delegations"


def replay(rows):
    """What Client.replay() returned for one or more types, each row with its type."""
    columns = {
        "type": "TYPE", "request_id": "REQUEST", "state": "STATE", "would_pass": "WOULD PASS",
        "stage": "STOPS AT",
    }  # fmt: skip
    rows = [{**row, "would_pass": "yes" if row["would_pass"] else "no"} for row in rows]
    return table(rows, columns) if rows else "no requests of these types were ever decided"


def audit(rows):
    """What Client.audit() returned."""
    columns = {
        "seq": "NO", "at": "TIME", "act": "ACT", "actor": "BY", "assurance": "ASSURANCE", "hash": "HASH",
    }  # fmt: skip
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


def _items(items, columns):
    """Items as a table; their kind is shown if they are not all packages."""
    if any(item["kind"] != "package" for item in items):
        columns = {
            name: title
            for column in columns.items()
            for name, title in ([("kind", "KIND"), column] if column[0] == "name" else [column])
        }
    return table([{**item, "wanted": wanted(item)} for item in items], columns)


def _circumstances(shown):
    """What is not so of every request, a line for each."""
    if shown["external_ref"]:
        yield f"reference: {shown['source']} {shown['external_ref']}"
    if shown["reverts"]:
        yield f"takes back: request {shown['reverts']}"
    for left in shown["left_out"] or ():
        what = f"{left['kind']} {_cell(left['name'])} on {_cell(left['minion'])}"
        yield f"not taken back: {what}: {_printable(left['reason'])}"
    if shown["renews"]:
        yield f"renews: request {shown['renews']}"
    if shown["after"]:
        yield f"takes effect: not before {_cell(shown['after'])}"
    for overlap in shown["overlaps"]:
        resolution = overlap["resolution"] or "to be resolved: supersede or wait"
        yield f"contradicts: request {overlap['other']} ({_cell(overlap['example'])}): {resolution}"
    if shown["break_glass_at"]:
        yield f"let past windows and freezes: {_cell(shown['break_glass_at'])}"
    if shown["review"]:
        review = shown["review"]
        if review["at"]:
            yield f"reviewed: {_cell(review['at'])} by {review['by']}"
        else:
            yield f"to be reviewed afterwards: by {review['group']}"
    if shown["plan"]:
        yield from _plan(shown["plan"])
    elif shown["plan_within"]:
        yield f"plan: none; the first approval needs one of the last {shown['plan_within']}"
    if shown["waiting_for"]:
        yield f"waits for: {shown['waiting_for']}"


def _plan(summary):
    """The newest plan, a line for each change over all minions."""
    outcomes = ", ".join(f"{outcome} on {count}" for outcome, count in sorted(summary["outcomes"].items()))
    outdated = "" if summary["of_present_items"] else "; VOID, the items were amended since"
    made = f"{_cell(summary['planned_at'])} by {summary['planned_by']}"
    yield f"plan of {made}: {outcomes} of {summary['minions']} minions{outdated}"
    for change in summary["changes"]:
        brought = "" if change["asked_for"] else ", brought along"
        how = f"{change['old'] or 'absent'} -> {change['new'] or 'absent'}"
        yield f"  {_cell(change['name'])}: {_cell(how)} on {change['minions']}{brought}"


def _decision(decision):
    by = decision["by"]
    if decision["counts_for"] != by:
        by += f" for {decision['counts_for']}"
    comment = f": {_cell(decision['comment'])}" if decision["comment"] else ""
    return (
        f"{decision['decision']} by {by} ({decision['identity']}, {decision['assurance']}), "
        f"{_cell(decision['at'])}{comment}"
    )


def _stage_state(stage):
    if stage["satisfied_at"]:
        return f"passed {_cell(stage['satisfied_at'])}"
    groups = " or ".join(f"{way['quorum']} of {way['group']}" for way in stage["any_of"])
    return f"needs {groups}, at least {stage['min_assurance']}{_timeout(stage)}"


def _timeout(stage):
    if not stage["timeout"]:
        return ""
    then = f"{stage['escalate_to']} may pass it too" if stage["escalate_to"] else "it is rejected"
    return f"; after {stage['timeout']} {then}"


def _cell(value):
    if value is None:
        return "-"
    text = _printable(" ".join(str(value).split()))
    # A time to the second is enough to read; --json has all of it.
    if len(text) >= 25 and text[4:5] == "-" and text[10:11] == "T":
        text = text[:19].replace("T", " ") + " UTC"
    return text if len(text) <= MAX_COLUMN else text[: MAX_COLUMN - 3] + "..."


def _printable(text):
    # Some of it comes from minions: nothing there may speak to the terminal.
    return "".join(character if character.isprintable() else "?" for character in text)
