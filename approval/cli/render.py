"""Requests, and what they bring, as text for a terminal."""

import json

from .layout import cell as _cell
from .layout import fold, grouped, paged, plain, sentence, table
from .layout import printable as _printable

DECIDED = {"approve": "approved", "reject": "rejected"}
OUTCOME = {"outcome": "OUTCOME", "observed": "OBSERVED"}
EXACT = ("wanted", "observed", "value", "name", "minion")
LINES = 50  # of answers that differ, unless all are asked for
# How items stand that `show --failed` shows.
FAILED = ["failed", "drift", "drifted"]
# From so many minions on those that are alike are grouped by the database.
MANY_MINIONS = 10
# Of the revisions to come that a window brings and takes away again.
SHOWN_REVISIONS = 2


def requests(rows):
    """The answer of Client.list()."""
    columns = {
        "request_id": "REQUEST", "type": "TYPE", "state": "STATE", "requester": "REQUESTER",
        "submitted_at": "SUBMITTED", "minions": "MINIONS", "items": "ITEMS", "waiting_for": "WAITING FOR",
        "reason": "REASON",
    }  # fmt: skip
    shown = [{**row, "waiting_for": sentence(row["waiting_for"])} for row in rows]
    return table(shown, columns) + _more(rows, "requests") if rows else "no requests"


def inbox(rows):
    """The answer of Client.inbox()."""
    lines = []
    for row in rows:
        what = f"stage {row['stage']} ({row['stage_name']})" if row["act"] == "decide" else "review"
        size = _number(row["minions"], "minion")
        lines.append(f"request {row['request_id']}: {row['type']} on {size}, {what}")
        lines.append(f"  asked for by {row['requester']}, {_cell(row['submitted_at'])}: {_cell(row['reason'])}")
        why = f"as one of {', '.join(row['groups'])}"
        if row["in_stead_of"]:
            why += f", in {row['in_stead_of']}'s stead"
        if row["escalated"]:
            why += "; it was escalated"
        lines.append(f"  {why}")
        if row["until"]:
            lines.append(f"  until {_cell(row['until'])}, {row['until_what']}")
        if row["min_assurance"]:
            enough = {True: "", False: "; this login is not: use your own", None: ""}[row["suffices"]]
            lines.append(f"  by an identity that is at least {row['min_assurance']}{enough}")
        if row["obstacle"]:
            lines.append(f"  cannot be approved yet: {sentence(row['obstacle'])}")
    return "\n".join(lines) + _more(rows, "requests") if rows else "nothing waits"


def request(shown, each=False, only_failed=False):
    """
    What Client.show() returned, or what Client.request() gave for a dry run; alike minions of many are one line,
    unless ``each`` item shall be. ``only_failed``: of its items, those that failed were asked for.
    """
    asked_by = shown["requester"]
    if shown["on_behalf_of"]:
        asked_by += f" for {shown['on_behalf_of']}"
    lines = [
        f"{_named(shown)}: {shown['type']}, {shown['state']}",
        f"  asked for by {asked_by} ({shown['assurance']}), {_cell(shown['submitted_at'])}: {_cell(shown['reason'])}",
    ]
    lines += [f"  {what}" for what in _circumstances(shown)]
    lines.append(f"  digest: {shown['digest']}")
    for stage in shown["chain"]:
        lines.append(f"  stage {stage['stage']} ({stage['name']}): {_stage_state(stage)}")
        lines += [f"    {_decision(decision)}" for decision in stage["decisions"]]
    if not shown["chain"]:
        lines.append("  pre-approved: its type needs no approval")
    standings = ", ".join(f"{count} {standing}" for standing, count in sorted(shown["standings"].items()))
    lines.append(f"  {_number(shown['item_count'], 'item')} on {_number(shown['minion_count'], 'minion')}: {standings}")
    # If all items are at hand, each minion of a line can be told; else only the first and the last.
    is_grouped = not (each or only_failed) and shown["minion_count"] > MANY_MINIONS and bool(shown["next"])
    rows = [_told(item) for item in (_grouped(shown["groups"]) if is_grouped else shown["items"])]
    columns = {"minion": "MINION", "name": "NAME", "wanted": "APPROVED", **OUTCOME, "text": ""}
    if is_grouped or shown["state"] in ("pending", "rejected", "cancelled", "expired"):
        columns = {"minion": "MINION", "name": "NAME", "wanted": "ASKED FOR"}
    elif not any(item["text"] for item in rows):
        del columns["text"]
    if "would_be" in shown:
        lines += [f"  {line}" for line in what_if(shown["would_be"]).splitlines()]
    if not is_grouped and not each:
        rows = _alike(rows, columns)
    lines += ["", *(f"  {line}" for line in _items(rows, columns).splitlines())] if rows else ["", "  none of them"]
    if is_grouped and len(shown["groups"]) < shown["group_count"]:
        lines.append(
            f"  ... {len(shown['groups'])} of {shown['group_count']} kinds of minions; --items shows each item"
        )
    if is_grouped and shown["deviating"]:
        columns = {"minion": "MINION", "name": "NAME", "wanted": "APPROVED", **OUTCOME, "text": ""}
        deviating = _items([_told(item) for item in shown["deviating"]], columns)
        lines += ["", "  the first that failed; --failed shows all:", *(f"  {line}" for line in deviating.splitlines())]
    elif not is_grouped and shown["next"]:
        lines.append(f"  ... of {shown['item_count']} items; go on with --after {' '.join(shown['next'])}")
    return "\n".join(lines)


def _named(shown):
    if "would_be" not in shown:
        return f"request {shown['request']}"
    known = shown["request"] and f"it is request {shown['request']} already"
    return f"nothing was submitted; {known or 'it would be a request'}"


def plan(shown, limit=LINES):
    """The answer of Client.plan(); of its minions at most ``limit`` groups (None: all)."""
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
    """The answer of Client.why()."""
    lines = [f"{shown['kind']} {shown['name']} on {shown['minion']}"]
    if shown["catch_up"]:
        lines.append(
            f"  the minion started {_cell(shown['catch_up']['started_at'])}: {_cell(shown['catch_up']['text'])}"
        )
    for story in shown["requests"]:
        value = wanted({"type": story["what"], "value": story["value"]})
        lines.append(f"  {plain(value)}: request {story['request']} ({story['type']}), {_standing(story)}")
        lines.append(f"    asked for by {story['requester']}: {_cell(story['reason'])}")
        lines += [f"    {_cell(decision)}" for decision in story["decided_by"]]
        for key, what in (
            ("approved_at", "approved"), ("effective_at", "effective from"), ("applied_at", "applied"),
            ("expires_at", "holds until"), ("break_glass_at", "let past windows and freezes"),
        ):  # fmt: skip
            if story[key]:
                lines.append(f"    {what} {_cell(story[key])}")
        if story["drift"]:
            lines.append(f"    drifted: {_drift(story['drift'])}")
        if story["before"]:
            before = story["before"]["value"]
            lines.append(f"    before: {'absent' if before is None else plain(before)}")
    if not shown["requests"]:
        lines.append("  no request ever named it")
    return "\n".join(lines)


def what_if(shown):
    """The answer of Client.what_if()."""
    may = "may" if shown["may_request"] else "may not"
    asked_by = shown.get("requester") or "this requester"
    lines = [f"{shown['type']} (version {shown['version']}): {asked_by} {may} ask for it"]
    for stage in shown["stages"]:
        lines.append(f"  stage {stage['stage']} ({stage['name']}), {_demand(stage)}")
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
    """The answer of Client.state()."""
    lines = [f"minion {shown['minion']}"]
    for change in shown["held"]:
        lines.append(f"  {change['name']} {_cell(wanted(change))} (request {change['request']}): {_held(change)}")
    documents, repeated = _unrepeated(shown["documents"])
    for document in documents:
        when = "in force" if document["in_force"] else f"from {_cell(document['valid_from'])}"
        lines.append(f"  revision {document['revision']}, {when}")
        columns = {"name": "NAME", "wanted": "APPROVED", "request": "REQUEST", **OUTCOME, "text": ""}
        rows = [_told(item) for item in document["items"]]
        if not any(item["text"] for item in rows):
            del columns["text"]
        lines += [f"    {line}" for line in _items(rows, columns).splitlines()] if rows else ["    nothing"]
    if repeated:
        ends = _cell(repeated[-1]["valid_from"])
        lines.append(f"  then the same by turns, {_number(len(repeated), 'more time')} until {ends}")
    if not shown["documents"]:
        lines.append("  nothing is approved")
    return "\n".join(lines)


def delegations(rows):
    """The answer of Client.delegations()."""
    columns = {
        "delegation": "NUMBER", "from_principal": "FROM", "to_principal": "TO", "starts_at": "SINCE",
        "ends_at": "UNTIL",
    }  # fmt: skip
    return table(rows, columns) if rows else "no delegations"


def wanted(item):
    """The content that an item asks for, in one word."""
    if item["type"] == "absent":
        return "absent"
    if item.get("pinned"):
        return f"{item['value']} ({item['pinned']})"
    return item["value"]


def observed(item):
    """The observation: ``absent`` where it was proven to be, None where nothing is known."""
    is_read = (item["type"], item.get("outcome")) == ("absent", "converged") or (
        (item["kind"], item.get("outcome")) == ("package", "drift")
    )
    return "absent" if is_read and item.get("observed") is None else item.get("observed")


def _standing(story):
    """How a request about a resource stands, and on account of what."""
    if story["held"]:
        return _held(story["held"])
    if story["standing"] == "overtaken":
        return f"overtaken by request {story['overtaken_by']}, which is not proven yet"
    return story["standing"]


def _held(held):
    if held["by"] == "after":
        return f"takes effect {_cell(held['until'])} (after)"
    if held["until"] is None:
        return f"held by {held['by']}, no end is known"
    return f"held until {_cell(held['until'])} by {held['by']}"


def _drift(drift):
    observed = "absent" if drift["observed"] is None else _cell(drift["observed"])
    return f"{observed} since {_cell(drift['since'])}, last seen {_cell(drift['last_seen'])}: {plain(drift['text'])}"


def _told(item):
    """An item with what was seen last, where that is no longer what was proven."""
    drift = item["drift"]
    if not drift:
        return {**item, "outcome": item["standing"]}
    observed = "absent" if drift["observed"] is None else drift["observed"]
    text = f"since {_cell(drift['since'])}: {drift['text']}"
    return {**item, "outcome": item["standing"], "observed": observed, "text": text}


def _grouped(groups):
    """The items of each group of alike minions, under how many there are and which."""
    for group in groups:
        name = group["first"]
        if group["minions"] > 1:
            name = f"{group['minions']} minions: {name} ... {group['last']}"
        for item in group["items"]:
            yield {**item, "minion": name}


def _every_item(shown):
    yield from shown["items"]
    for group in shown["groups"]:
        yield from group["items"]


def _unrepeated(documents):
    """Documents in order of time: those to show, and those which only repeat one of these, to the end."""
    seen = [document["items"] for document in documents[: SHOWN_REVISIONS + 1]]
    shown = max(
        (number + 1 for number, document in enumerate(documents) if document["items"] not in seen),
        default=SHOWN_REVISIONS + 1,
    )
    shown = max(shown, SHOWN_REVISIONS + 1)
    return documents[:shown], documents[shown:]


def _more(rows, what):
    total = rows[0]["total"]
    if total <= len(rows):
        return ""
    return f"\n... {len(rows)} of {total} {what}; go on with --after {rows[-1]['request_id']}"


def _number(count, what):
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _alike(items, columns):
    """Items that differ in their minion only, as one."""
    rows = [{**item, "wanted": wanted(item), "observed": observed(item)} for item in items]
    rows = grouped(rows, ["kind", *(name for name in columns if name != "minion")])
    return [{**row, "minion": fold(row["minion"])} for row in rows]


def _items(items, columns):
    """Items as a table; their kind is shown if they are not all packages."""
    if any(item["kind"] != "package" for item in items):
        columns = {
            name: title
            for column in columns.items()
            for name, title in ([("kind", "KIND"), column] if column[0] == "name" else [column])
        }
    return table([{**item, "wanted": wanted(item), "observed": observed(item)} for item in items], columns, EXACT)


def _rollout(rollout):
    """How far the waves of a request have come, in a line."""
    waves = rollout["waves"]
    if rollout["state"] == "planned":
        sizes = ", ".join(f"{wave['minions']}{' canaries' if wave['canaries'] else ''}" for wave in waves)
        return f"in waves: {sizes}"
    opened = sum(wave["opened_at"] is not None for wave in waves)
    halted = f" {_cell(rollout['halted_at'])}: {sentence(rollout['because'])}" if rollout["state"] == "halted" else ""
    paused = "; all sending is paused" if rollout["paused"] else ""
    return f"in waves: {opened} of {len(waves)} opened, {rollout['state']}{halted}{paused}"


def _circumstances(shown):
    """Facts that are not so of every request, a line for each."""
    if shown.get("shown_to") is not None:
        people = "1 person" if shown["shown_to"] == 1 else f"{shown['shown_to']} people"
        yield f"sensitive: --show-values shows the values, and is recorded; so far they were shown to {people}"
    if shown["external_ref"]:
        yield f"reference: {shown['source']} {shown['external_ref']}"
    if shown.get("ticket"):
        yield from _ticket(shown["ticket"])
    if shown["reverts"]:
        yield f"takes back: request {shown['reverts']}"
    for left in shown["left_out"] or ():
        what = f"{left['kind']} {_cell(left['name'])} on {_cell(left['minion'])}"
        done = "renewed" if shown["renews"] else "taken back"
        yield f"not {done}: {what}: {_printable(left['reason'])}"
    for note in shown["notes"] or ():
        more = note["minion_count"] - len(note["minions"])
        named = fold(note["minions"]) + (f" and {more} more" if more else "")
        yield f"note: on {named} {sentence(note['note'])}"
    if shown["renews"]:
        yield f"renews: request {shown['renews']}"
    if shown["not_renewed"]:
        yield f"not renewed: {plain(shown['not_renewed'])}"
    if shown["after"]:
        yield f"takes effect: not before {_cell(shown['after'])}"
    for overlap in shown["overlaps"]:
        resolution = overlap["resolution"] or "to be resolved: supersede or wait"
        yield f"contradicts: request {overlap['other']} ({_cell(overlap['example'])}): {resolution}"
    for name, arguments in sorted({(i["name"], i["value"]) for i in _every_item(shown) if i["kind"] == "action"}):
        yield f"carries out: {' '.join([name, *_positional(shown['action']), plain(arguments)])}"
    if shown["glass"]:
        glass = shown["glass"]
        yield f"let past windows and freezes: {_cell(glass['at'])} by {glass['by']}: {plain(glass['comment'])}"
    for revert in shown["reverted_by"]:
        yield f"taken back by: request {revert['request']}, {revert['state']}"
    for job in shown["sent"]:
        yield f"sent: {_cell(job['at'])}, job {job['jid']}, to {_number(job['minions'], 'minion')}"
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
    if shown.get("rollout"):
        yield _rollout(shown["rollout"])
    if shown["waits"]:
        if shown["waits_of"]:
            yield f"of the first {shown['waits_of']} items that wait:"
        for cause in shown["waits"]:
            alone = cause["minions"] == shown["minion_count"]
            minions = "" if alone else f" ({_number(cause['minions'], 'minion')}, {cause['minion_id']} among them)"
            yield f"now{minions}: {sentence(cause['text'])}"
    elif shown["waiting_for"]:
        yield f"waits for: {sentence(shown['waiting_for'])}"


def _ticket(ticket):
    """The ticket that a request is of, and why that holds it."""
    yield f"ticket: {plain(ticket['key'])}{' ' + plain(ticket['url']) if ticket['url'] else ''}"
    if ticket["held"]:
        yield f"held: {_cell(ticket['held_at'])}: {sentence(ticket['held'])}"


def _positional(action):
    """The arguments without a name that a type has for an action which somebody carries out by hand."""
    return [plain(json.dumps(value, ensure_ascii=False)) for value in action.get("arg") or []]


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
        f"{DECIDED[decision['decision']]} by {by} ({decision['identity']}, {decision['assurance']}), "
        f"{_cell(decision['at'])}{comment}"
    )


def _stage_state(stage):
    if stage["satisfied_at"]:
        return f"passed {_cell(stage['satisfied_at'])}"
    groups = " or ".join(f"{way['quorum']} of {way['group']}" for way in stage["any_of"])
    return f"needs {groups}, {_demand(stage)}"


def _demand(stage):
    """How a stage has to be decided, and until when."""
    demand = f"at least {stage['min_assurance']}"
    if stage.get("accept") is not None:
        demand += f"; in tickets of {', '.join(stage['accept'])} too" if stage["accept"] else "; not in tickets"
    if stage["timeout"]:
        then = f"{stage['escalate_to']} may pass it too" if stage["escalate_to"] else "it is rejected"
        demand += f"; after {stage['timeout']} {then}"
    return demand
