"""Plans: what the items of a pending request would change, asked of its minions before anybody approves.

The minions run ``approval.planned``, which changes nothing. Their answers come by an ordinary job: they are
claims, kept with the request for those who decide, and no evidence.
"""

from ..intake import fields
from ..settings import Settings
from . import keys

STATE = "approval.planned"
# How long minions get, and what is kept of an answer: enough for people, and never more than the database takes.
TIMEOUT_S = 60
MAX_CHANGES = 500
MAX_TEXT = 255
MAX_COMMENT_BYTES = 16_384
NOT_HELD = "This master has not accepted the minion's key: plan on the one that has."


def make(opts, client, request_id, sample=None, timeout=TIMEOUT_S):
    """
    Plan a pending request and attach the plan to it.

    opts
        The master's configuration, for the jobs.
    client
        The Client of the runner.
    sample
        On so many of the request's minions; None: on all. The items decide which ones.
    timeout
        Seconds that minions get to answer.

    Returns the plan as Client.plan() does. Raises as the client does; a minion that cannot be asked is in the
    plan, as silent.
    """
    import salt.client

    timeout = fields.count("timeout", timeout)
    rows = client.plan_items(request_id, sample)
    held = set(keys.accepted(opts))
    answers = [
        {"minion": row["minion_id"], "outcome": "silent", "changes": {}, "comment": NOT_HELD}
        for row in rows
        if row["minion_id"] not in held
    ]
    with salt.client.get_local_client(mopts=opts) as local:
        for items, minions in _grouped([row for row in rows if row["minion_id"] in held]):
            returns = local.cmd(
                minions,
                "state.single",
                [STATE],
                kwarg={"name": "plan", "items": items, **Settings.from_master(opts).state_arguments()},
                tgt_type="list",
                timeout=timeout,
                full_return=True,
            )
            answers += [{"minion": minion, **read(returns.get(minion))} for minion in minions]
    client.put_plan(request_id, rows[0]["digest"], answers)
    return client.plan(request_id)


def read(returned):
    """
    The content of one minion's return of the state: {outcome, changes, comment}. Anything that is no answer is
    ``silent``.
    """
    chunk = None
    content = returned.get("ret") if isinstance(returned, dict) else None
    if isinstance(content, dict):
        chunk = next((chunk for key, chunk in content.items() if str(key).endswith("_|-planned")), None)
    if not isinstance(chunk, dict) or chunk.get("result", "") not in (None, True, False):
        why = "The minion did not answer." if returned is None else f"This is no answer: {content!r}"
        return {"outcome": "silent", "changes": {}, "comment": _text(why, MAX_COMMENT_BYTES)}
    outcome = {None: "changes", True: "nothing", False: "impossible"}[chunk["result"]]
    return {
        "outcome": outcome,
        "changes": _changes(chunk.get("changes")),
        "comment": _text(chunk.get("comment", ""), MAX_COMMENT_BYTES),
    }


def _grouped(rows):
    """(items, minions) of the rows of plan_items(), minions with the same items together."""
    groups = {}
    for row in rows:
        groups.setdefault(repr(row["items"]), (row["items"], []))[1].append(row["minion_id"])
    return groups.values()


def _changes(changes):
    """Salt's changes as {name: {old, new}}, all text and of bounded length."""
    if not isinstance(changes, dict):
        return {}
    return {
        _text(name): {side: _text(change.get(side) or "") for side in ("old", "new")}
        for name, change in list(changes.items())[:MAX_CHANGES]
        if isinstance(change, dict)
    }


def _text(value, limit=MAX_TEXT):
    """``value`` as lines of printable text, cut to ``limit`` bytes."""
    text = "".join(character if character.isprintable() or character == "\n" else "?" for character in str(value))
    return text.encode()[:limit].decode("utf-8", "ignore")
