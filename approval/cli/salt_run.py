"""How the runner answers: a person at salt-run gets a few lines of text, whoever else calls a function gets data."""

import difflib
import inspect

from ..errors import InputError
from . import alarms, audit, busy, compliance, contacts, jobs, layout, minions, outbox, policy, render, returns, rollout

TEXT = "text"


def _done(answer):
    return f"request {answer['request']}: {answer['state']}"


def _asked(answer):
    """A request, and what a target was resolved to."""
    resolved = answer.get("resolved")
    return render.request(answer) + (f"\n  resolved: {layout.fold(resolved)}" if resolved else "")


# Function of the runner -> what makes text of its answer. The others are nested, as Salt shows data.
TEXTS = {
    "types": policy.types_text,
    "what_if": render.what_if,
    "request": _asked,
    "amend": _asked,
    "revert": _asked,
    "resolve": render.request,
    "cancel": _done,
    "approve": _done,
    "reject": _done,
    "review": render.request,
    "break_glass": render.request,
    "delegate": lambda answer: f"delegation {answer['delegation']}",
    "undelegate": lambda answer: "ended" if answer["ended"] else "you have none of this number",
    "delegations": render.delegations,
    "list": render.requests,
    "inbox": render.inbox,
    "returns": returns.returns_text,
    "quarantine": returns.quarantine_text,
    "jobs": jobs.jobs_text,
    "busy": busy.busy_text,
    "show": render.request,
    "plan": render.plan,
    "state": render.state,
    "why": render.why,
    "calendars": policy.calendars_text,
    "freezes": policy.freezes_text,
    "minions": minions.minions_text,
    "compliance": compliance.compliance_text,
    "outbox": outbox.outbox_text,
    "retry_outbox": lambda answer: f"{answer['retried']} will be tried again",
    "drop_outbox": lambda answer: f"{answer['dropped']} dropped",
    "reinstalls": outbox.reinstalls_text,
    "rollout": rollout.rollout_text,
    "resume": rollout.rollout_text,
    "pause_all": rollout.paused_text,
    "resume_all": rollout.paused_text,
    "paused": rollout.paused_text,
    "catch_ups": outbox.catch_ups_text,
    "show_minion": minions.minion_text,
    "packages": minions.packages_text,
    "sync_packages": minions.synced_text,
    "alarms": alarms.alarms_text,
    "acknowledge": alarms.judged_text,
    "mute": alarms.judged_text,
    "contacts": contacts.contacts_text,
    "set_contact": contacts.set_text,
    "drop_contact": contacts.dropped_text,
    "mute_contact": contacts.muted_text,
    "unmute_contact": contacts.muted_text,
    "sync_minions": lambda answer: f"{answer['added']} of {answer['known']} were new",
    "remove_minions": minions.removed_text,
    "audit": audit.trail_text,
    "audit_head": lambda head: head["hash"] if head else "no seal yet",
    "verify_audit": audit.broken_text,
}


def shape(opts, function, surplus, options):
    """
    A function that makes of an answer of the client what the runner's ``function`` returns.

    opts
        The configuration that the runner runs with.
    surplus, options
        Positional and named arguments that are not in its signature. ``text`` is one that each function takes.

    Raises InputError for any other.
    """
    name = function.__name__.rstrip("_")
    # Salt adds names of its own, such as __pub_user.
    given = {key: value for key, value in options.items() if not key.startswith("__")}
    text = given.pop(TEXT, None)
    known = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    for key in given:
        raise InputError(_misspelt(name, key, known))
    if surplus:
        takes = f"at most {len(known)}: {', '.join(known)}" if known else "none"
        raise InputError(f"approval.{name} was given {len(known) + len(surplus)} arguments and takes {takes}")
    if text not in (None, True, False):
        raise InputError(f"{TEXT} must be true or false")
    if text is None:
        text = _is_at_salt_run(opts, name)
    if not text or name not in TEXTS:
        return _without_nulls
    return lambda answer: _text(name, answer)


def _without_nulls(answer):
    """An answer without the fields that are None, for Salt's outputters, which give each its own lines."""
    if isinstance(answer, dict):
        return {name: _without_nulls(value) for name, value in answer.items() if value is not None}
    if isinstance(answer, list):
        return [_without_nulls(value) for value in answer]
    return answer


def _is_at_salt_run(opts, name):
    """
    Whether a person waits for this very function at salt-run, and did not say in which form. Elsewhere (in the master,
    for its API and for salt-run -a; in an orchestration) the configuration does not name the function.
    """
    return opts.get("fun") == f"approval.{name}" and not opts.get("output") and not opts.get("async")


def _text(name, answer):
    with layout.looking():
        return TEXTS[name](answer)


def _misspelt(name, key, known):
    similar = difflib.get_close_matches(key, known, 1, 0.5)
    hint = f"did you mean {similar[0]}?" if similar else f"it takes {', '.join(known) or 'none'}"
    return f"approval.{name} takes no argument {key!r}: {hint}"
