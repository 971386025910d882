"""The proof in the authentic return of an action's job: that the action happened, or why not."""

import json

from ..errors import InputError
from ..intake import items
from ..jobs import packing

MAX_TEXT = 1000


def evidence_in(load):
    """
    The evidence in a job return's load: a mapping, empty if it has none.

    Nor has it any if there are several, of which the database may have found another one authentic.
    """
    chunks = load.get("return")
    chunks = chunks.values() if isinstance(chunks, dict) else ()
    parts = [chunk.get("approval") for chunk in chunks if isinstance(chunk, dict)]
    found = [part for part in parts if isinstance(part, dict)]
    return found[0] if len(found) == 1 else {}


def judged(action, load):
    """
    Judge the return of the job that carried out an action.

    action
        {item_id, proof, function, kwarg, returns} as the function list_dispatches of the database gives it.
    load
        The return's load. Its evidence is authentic: the database gives no other.

    Returns (success, observed, reason): whether it did what was approved, what the minion told of it (or None),
    and a sentence for people, both cut. Of a reboot the function's own success says only that the minion was
    willing. A return that a minion made up can raise anything, as RecursionError.
    """
    success, observed, reason = _judged(action, load)
    return success, None if observed is None else _cut(observed), _cut(reason)


def _judged(action, load):
    evidence = evidence_in(load)
    text = _section(evidence, "observed", "actions").get(str(action["item_id"]))
    try:
        outcome = json.loads(text)
        function, retcode, success = (outcome[name] for name in ("fun", "retcode", "success"))
    except (TypeError, ValueError, KeyError):
        return False, None, "the evidence does not tell of this action"
    name = action["function"]
    if function != name:
        return False, text, f"the minion ran {function} in place of {name}"
    if success is not True or retcode != 0:
        return False, text, f"{name} failed with retcode {retcode}"
    problem = _schema_problem(action["returns"], outcome)
    if problem:
        return False, text, f"{name} did not return what it should: {problem}"
    if action["proof"] == "restart":
        return _restarted(action["kwarg"].get("name"), evidence, text)
    return True, text, f"{name} succeeded"


def _restarted(service, evidence, text):
    before = _section(evidence, "before", "starts").get(service)
    after = _section(evidence, "observed", "starts").get(service)
    if after is None:
        return False, text, f"the minion does not tell when {service} was started"
    if before is not None and not _is_later(after, before):
        return False, text, f"{service} was not started again"
    return True, text, f"{service} was started again"


def _is_later(after, before):
    """Of two times as evidence has them, ``<boot id> <microseconds since that boot>``."""
    boot_after, _, moment_after = after.partition(" ")
    boot_before, _, moment_before = before.partition(" ")
    try:
        return boot_after != boot_before or int(moment_after) > int(moment_before)
    except ValueError:
        return False


def _schema_problem(schema, outcome):
    if schema is None:
        return None
    if "digest" in outcome:
        return "it is too long to be compared with the type's schema"
    try:
        return items.problem("returns", schema, outcome.get("return"))
    except InputError as exc:
        return str(exc)


def _cut(text):
    text = packing.as_text(text)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."


def _section(evidence, part, name):
    section = evidence.get(part)
    section = section.get(name) if isinstance(section, dict) else None
    return section if isinstance(section, dict) else {}
