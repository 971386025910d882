"""What the authentic return of an action's job shows: that it happened, or why not."""

import json

from . import items
from .errors import InputError

MAX_OBSERVED = 1000


def evidence_in(load):
    """
    The evidence in a job return's load: a mapping, empty if it has none.

    Nor has it any if there are several, of which the database may have found another one authentic.
    """
    chunks = load.get("return")
    chunks = chunks.values() if isinstance(chunks, dict) else ()
    found = [chunk["approval"] for chunk in chunks if isinstance(chunk, dict) and isinstance(chunk.get("approval"), dict)]
    return found[0] if len(found) == 1 else {}


def judged(action, load):
    """
    Judge the return of the job that carried out an action.

    action
        {item_id, proof, function, kwarg, returns} as the function open_dispatches of the database gives it.
    load
        The return's load. Its evidence is authentic: the database gives no other.

    Returns (success, observed, reason): whether it did what was approved, what the minion told of it, and a
    sentence for people. Of a reboot the function's own success says only that the minion was willing.
    """
    evidence = evidence_in(load)
    text = _section(evidence, "observed", "actions").get(str(action["item_id"]))
    try:
        outcome = json.loads(text)
        function, retcode, success = (outcome[name] for name in ("fun", "retcode", "success"))
    except (TypeError, ValueError, KeyError):
        return False, None, "the evidence does not tell of this action"
    observed = text if len(text) <= MAX_OBSERVED else text[: MAX_OBSERVED - 3] + "..."
    name = action["function"]
    if function != name:
        return False, observed, f"the minion ran {function} in place of {name}"
    if success is not True or retcode != 0:
        return False, observed, f"{name} failed with retcode {retcode}"
    problem = _schema_problem(action["returns"], outcome)
    if problem:
        return False, observed, f"{name} did not return what it should: {problem}"
    if action["proof"] == "restart":
        return _restarted(action["kwarg"].get("name"), evidence, observed)
    return True, observed, f"{name} succeeded"


def _restarted(service, evidence, observed):
    before = _section(evidence, "before", "starts").get(service)
    after = _section(evidence, "observed", "starts").get(service)
    if after is None:
        return False, observed, f"the minion does not tell when {service} was started"
    if before is not None and not _is_later(after, before):
        return False, observed, f"{service} was not started again"
    return True, observed, f"{service} was started again"


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


def _section(evidence, part, name):
    section = evidence.get(part)
    section = section.get(name) if isinstance(section, dict) else None
    return section if isinstance(section, dict) else {}
