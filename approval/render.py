"""Answers of the client as text for a terminal."""

from .layout import cell as _cell
from .layout import fold, grouped, looking, paged, plain, table
from .layout import printable as _printable

OUTCOME = {"outcome": "OUTCOME", "observed": "OBSERVED"}
EXACT = ("wanted", "observed", "value", "name", "minion")
LINES = 50  # of a table, unless all are asked for


def requests(rows):
    """What Client.list() returned."""
    columns = {
        "request_id": "REQUEST", "type": "TYPE", "state": "STATE", "requester": "REQUESTER",
        "submitted_at": "SUBMITTED", "minions": "MINIONS", "items": "ITEMS", "waiting_for": "WAITING FOR",
        "reason": "REASON",
    }  # fmt: skip
    return table(rows, columns) if rows else "no requests"


def request(shown, limit=LINES):
    """What Client.show() returned; of its items at most ``limit`` lines (None: all)."""
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
    else:
        lines.append(f"  {_totals(shown)}")
        if not any(item["text"] for item in shown["items"]):
            del columns["text"]
    lines += ["", *_items(shown["items"], columns, "  ", limit)]
    if len(shown["items"]) < shown["item_count"]:
        lines.append(f"  ... of {shown['item_count']} items")
    return "\n".join(lines)


def plan(shown, limit=LINES):
    """What Client.plan() returned; of its minions at most ``limit`` groups (None: all)."""
    if shown["summary"] is None:
        return f"request {shown['request']} has no plan; salt-run approval.plan makes one, or plan --make on the master"
    lines = [f"request {shown['request']}", *(f"  {line}" for line in _plan(shown["summary"])), ""]
    answers = [
        "\n".join(
            [
                f"  {fold(answer['minion'])}: {answer['outcome']}",
                *(f"    {_printable(line)}" for line in answer["comment"].splitlines()),
            ]
        )
        for answer in grouped(shown["answers"], ("outcome", "comment"))
    ]
    return "\n".join(lines + paged(answers, limit, "--all shows them"))


def why(shown):
    """What Client.why() returned."""
    lines = [f"{shown['kind']} {shown['name']} on {shown['minion']}"]
    for story in shown["requests"]:
        value = wanted({"type": story["what"], "value": story["value"]})
        lines.append(f"  {plain(value)}: request {story['request']} ({story['type']}), {story['standing']}")
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
            lines.append(f"    before: {'absent' if before is None else plain(before)}")
    if not shown["requests"]:
        lines.append("  no request ever named it")
    return "\n".join(lines)


def what_if(shown):
    """What Client.what_if() returned."""
    may = "may" if shown["may_request"] else "may not"
    asked_by = shown.get("requester") or "this requester"
    lines = [f"{shown['type']} (version {shown['version']}): {asked_by} {may} ask for it"]
    for stage in shown["stages"]:
        lines.append(f"  stage {stage['stage']} ({stage['name']}), at least {stage['min_assurance']}" + _timeout(stage))
        for way in stage["any_of"]:
            lines.append(f"    {way['quorum']} of {way['group']}: {_approvers(way, asked_by)}")
    if shown["pre_approved"]:
        lines.append("  pre-approved: needs no approval")
    return "\n".join(lines)


def _approvers(way, asked_by):
    names = ", ".join(way["approvers"]) or "nobody"
    if way.get("excluded"):
        names += f" ({asked_by} asks, so cannot approve)"
    missing = way["quorum"] - len(way["approvers"])
    return names if way["possible"] else f"{names}: blocked, {missing} more member{'s' if missing > 1 else ''} needed"


def state(shown):
    """What Client.state() returned."""
    lines = [f"minion {shown['minion']}"]
    for document in shown["documents"]:
        when = "in force" if document["in_force"] else f"from {_cell(document['valid_from'])}"
        lines.append(f"  revision {document['revision']}, {when}")
        columns = {"name": "NAME", "wanted": "APPROVED", "request": "REQUEST", **OUTCOME}
        lines += _items(document["items"], columns, "    ") if document["items"] else ["    nothing"]
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


def minions(rows):
    """What Client.minions() returned."""
    columns = {"minion_id": "MINION", "revision": "REVISION", "last_return": "LAST RETURN"}
    return table(rows, columns) if rows else "no minions"


def removed_minions(result):
    """What Client.remove_minions() returned."""
    if result["removed"]:
        return f"{result['removed']} removed. One whose key is accepted becomes known again: salt-key --delete"
    return f"{fold(result['minions'])}\n{len(result['minions'])} would be removed: say yes (--yes, yes=True)"


def compliance(shown):
    """What Client.compliance() returned."""
    columns = {
        "minion_id": "MINION", "standing": "STANDING", "name": "RESOURCE", "since": "SINCE", "last_seen": "LAST SEEN",
        "why": "WHY",
    }  # fmt: skip
    numbers = ", ".join(f"{count} {standing}" for standing, count in shown["minions"].items())
    if not shown["out_of_line"]:
        return f"minions: {numbers}"
    rows = grouped(shown["out_of_line"], [key for key in columns if key != "minion_id"], "minion_id")
    return f"minions: {numbers}\n\n{table([{**row, 'minion_id': fold(row['minion_id'])} for row in rows], columns)}"


def outbox(rows):
    """What Client.outbox() returned."""
    columns = {
        "request": "REQUEST", "destination": "TO", "topic": "ABOUT", "state": "STATE", "attempts": "FAILED", "due_at": "DUE",
        "last_error": "LAST ERROR",
    }  # fmt: skip
    return table(rows, columns) if rows else "the outbox is empty"


def reinstalls(rows):
    """What Client.reinstalls() returned."""
    columns = {
        "minion": "MINION", "state": "STATE", "noticed_at": "NOTICED", "accepted_at": "ACCEPTED",
        "converged_at": "CONVERGED", "jid": "JOB",
    }  # fmt: skip
    return table(rows, columns) if rows else "no minion was reinstalled"


def broken_audit(rows):
    """What Client.verify_audit() returned."""
    columns = {"stream": "STREAM", "seq": "ENTRY", "problem": "PROBLEM"}
    return table(rows, columns) if rows else "the audit is intact"


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


def findings(rows, looked_at=None):
    """What check.run() found, alike findings as one; then what it looked at, as Report.looked_at has it."""
    lines = []
    for row in grouped(rows, ("severity", "problem", "remedy"), "subject"):
        lines.append(f"{row['severity']}: {', '.join(row['subject'])}: {row['problem']}")
        if row["remedy"]:
            lines += [f"    {line}" for line in row["remedy"].splitlines()]
    if looked_at:
        counts = [
            f"{number} {severity}{'' if number == 1 else 's'}"
            for severity in ("error", "warning")
            for number in [sum(row["severity"] == severity for row in rows)]
        ]
        lines.append(f"looked at: {', '.join(looked_at)}: {', '.join(counts)}")
    return "\n".join(lines) or "everything is configured right"


def wanted(item):
    """What an item asks for, in one word."""
    if item["type"] == "absent":
        return "absent"
    if item.get("pinned"):
        return f"{item['value']} ({item['pinned']})"
    return item["value"]


def observed(item):
    """What was found: ``absent`` where it was proven to be, None where nothing is known."""
    is_read = (item["type"], item.get("outcome")) == ("absent", "converged") or (
        (item["kind"], item.get("outcome")) == ("package", "drift")
    )
    return "absent" if is_read and item.get("observed") is None else item.get("observed")


def _totals(shown):
    """How many items stand how."""
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted((shown["outcomes"] or {}).items()))
    return f"items: {shown['item_count']} ({outcomes})" if outcomes else f"items: {shown['item_count']}"


def _items(items, columns, indent="", limit=None):
    """
    Items as the lines of a table: those that differ in their minion only are one, and their kind is shown if they
    are not all packages. At most ``limit`` lines (None: all).
    """
    if any(item["kind"] != "package" for item in items):
        columns = {
            name: title
            for column in columns.items()
            for name, title in ([("kind", "KIND"), column] if column[0] == "name" else [column])
        }
    rows = [{**item, "wanted": wanted(item), "observed": observed(item)} for item in items]
    if "minion" in columns:
        rows = grouped(rows, ["kind", *(name for name in columns if name != "minion")])
        rows = [{**row, "minion": fold(row["minion"])} for row in rows]
    shown = rows if limit is None else rows[:limit]
    lines = table(shown, columns, EXACT, indent).splitlines()
    if len(shown) < len(rows):
        lines.append(f"{indent}... {len(rows) - len(shown)} more lines: --all shows them")
    return lines


def _circumstances(shown):
    """What is not so of every request, a line for each."""
    if shown["external_ref"]:
        yield f"reference: {shown['source']} {shown['external_ref']}"
    if shown["reverts"]:
        yield f"takes back: request {shown['reverts']}"
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
