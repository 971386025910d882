"""
Ask for packages, services, values or actions on minions, approve or reject what others ask for, and see what
came of it.

.. code-block:: yaml

    approval:
      runner:
        dsn_file: /etc/salt/approval/runner.dsn
        provider: salt        # whose user names these are; an identity is provider:user

The caller is the user whom Salt names. As root on the master can claim to be anyone, what is decided here
counts as ``asserted``. A request type may demand more, and delegating and breaking the glass always do:
``salt-approval`` with one's own PostgreSQL login.

Times are ISO 8601, UTC where no zone is named; a day is its start. Answers leave out what is not known yet.
A refusal is one sentence, with exit code 1.
"""

import contextlib

import salt.exceptions

__virtualname__ = "approval"
__func_alias__ = {"list_": "list"}


def __virtual__():
    return __virtualname__


def types():
    """
    Which kinds of request there are, who may make them, and which approvals they need.

        salt-run approval.types
    """
    return _call("types")


def show_type(name=None, version=None):
    """
    One request type as it was loaded: its newest version, or this one.

        salt-run approval.show_type package
    """
    return _call("type", name, version)


def what_if(request_type=None, minions=1, requester=None):
    """
    Who would have to approve a request.

    minions: over so many.
    requester: made by this principal; else by the caller.

        salt-run approval.what_if package minions=30
    """
    return _call("what_if", request_type, minions, requester)


def request(
    request_type=None,
    minions=None,
    packages=None,
    reason=None,
    after=None,
    external_ref=None,
    services=None,
    values=None,
    parameters=None,
    on_behalf_of=None,
    overlap=None,
    tgt=None,
    tgt_type="glob",
):
    """
    Ask for something on minions.

    request_type: one of approval.types.
    minions: a list of exact ids; patterns are not expanded.
    tgt, tgt_type: instead of minions a target as salt takes it. It is resolved now, and the request names the
        ids that it means: the answer lists them as resolved.
    packages: for a type of this kind, a mapping of name to version, latest or absent. A version with * is a pattern.
        Quote what looks like a number.
    services: a mapping of name to running or dead.
    values: a mapping of name to anything that JSON has a form for. Text that looks like something else is quoted:
        {release: "1.10"}. Whoever calls this other than by salt-run gives numbers, true, false and null in JSON text.
    parameters: of an action, as far as its type takes any; likewise.
    reason: why, for those who approve.
    after: not before this time.
    external_ref: the key of a ticket in the system that asks; the same key again is the same request.
    on_behalf_of: the principal for whom it is made, who cannot approve it either.
    overlap: what to do about open requests that it contradicts: supersede or wait.

        salt-run approval.request package minions='[web1, web2]' packages='{hello: 2.10-3}' reason=CHG-7
        salt-run approval.request package tgt='G@os:Debian and web*' tgt_type=compound \\
            packages='{vlc: absent}' reason=CHG-8 after=2026-12-01T20:00+01:00 external_ref=CHG-8
        salt-run approval.request service minions=web1 services='{cron: running}' reason=CHG-9
        salt-run approval.request value minions=web1 values='{motd: Welcome}' reason=CHG-9
        salt-run approval.request reboot minions=web1 parameters='{at_time: 5}' reason=CHG-9
    """
    return _call_on(
        "request",
        (minions, tgt, tgt_type),
        request_type,
        packages=packages,
        services=services,
        values=values,
        parameters=parameters,
        reason=reason,
        after=after,
        external_ref=external_ref,
        on_behalf_of=on_behalf_of,
        overlap=overlap,
    )


def amend(
    request_id=None,
    minions=None,
    packages=None,
    comment="",
    services=None,
    values=None,
    parameters=None,
    tgt=None,
    tgt_type="glob",
):
    """
    Give a pending request of one's own another content: all of it, in the form of approval.request.

    Decisions made so far stay if it only takes something away, and are void if it adds or changes anything.

        salt-run approval.amend 7 minions=web1 packages='{hello: 2.10-3}' comment='web2 is gone'
    """
    return _call_on(
        "amend",
        (minions, tgt, tgt_type),
        request_id,
        packages=packages,
        services=services,
        values=values,
        parameters=parameters,
        comment=comment,
    )


def resolve(request_id=None, other=None, resolution=None):
    """
    Say what becomes of another open request that one's own contradicts, before anybody decided on it.

    resolution: supersede (one's own wins, the other is cancelled) or wait (until the other is done).

        salt-run approval.resolve 8 7 supersede
    """
    return _call("resolve", request_id, other, resolution)


def cancel(request_id=None, comment=""):
    """
    Take back a request of one's own that is not in force yet.

        salt-run approval.cancel 7
    """
    return _call("cancel", request_id, comment)


def revert(request_id=None, minions=None, reason=None, request_type="revert", tgt=None, tgt_type="glob"):
    """
    Ask to restore what held before a request: that is a request of its own, with its own chain.

    minions, or tgt and tgt_type: only on these of its minions; else on all.

        salt-run approval.revert 7 reason='hello 2.10-3 crashes'
        salt-run approval.revert 7 minions=web1
    """
    return _call_on("revert", (minions, tgt, tgt_type), request_id, reason=reason, request_type=request_type)


def approve(request_id=None, comment="", digest=None):
    """
    Approve the stage that a request waits at.

    digest: of the items, as approval.show gave it; refused if they have changed since.

        salt-run approval.approve 7
        salt-run approval.approve 7 comment='tested on staging' digest=sha256:...
    """
    return _call("approve", request_id, comment, digest)


def reject(request_id=None, comment="", digest=None):
    """
    Reject a request, which ends it.

        salt-run approval.reject 7 comment='not this week'
    """
    return _call("reject", request_id, comment, digest)


def review(request_id=None, comment=""):
    """
    Record the review that an emergency needs afterwards, by somebody who had no part in it.

        salt-run approval.review 7 comment='it was one'
    """
    return _call("review", request_id, comment)


def break_glass(request_id=None, comment=None):
    """
    Let an approved request past windows and freezes. Refused here, since it needs one's own PostgreSQL login:

        salt-approval break-glass 7 --comment 'the shop is down'

        salt-run approval.break_glass 7 comment='the shop is down'
    """
    return _call("break_glass", request_id, comment)


def delegate(to=None, until=None, start=None):
    """
    Let somebody else decide in one's stead. Refused here, since it needs one's own PostgreSQL login:

        salt-approval delegate carol --until 2026-12-24

        salt-run approval.delegate carol until=2026-12-24
    """
    return _call("delegate", to, until, start)


def undelegate(delegation=None):
    """
    End a delegation of one's own.

        salt-run approval.undelegate 3
    """
    return _call("undelegate", delegation)


def delegations():
    """
    The delegations that are on or to come.

        salt-run approval.delegations
    """
    return _call("delegations")


def list_(state=None, minion=None, limit=50):
    """
    The newest requests, of one state or one minion if given.

        salt-run approval.list
        salt-run approval.list state=pending minion=web1
    """
    return _call("list", state, minion, limit)


def show(request_id=None):
    """
    One request: its items, its chain, who decided, and what the minions proved.

        salt-run approval.show 7
    """
    return _call("show", request_id)


def plan(request_id=None, sample=None, timeout=60):
    """
    Have the minions of a pending request say what it would change there, and attach that to the request.
    Nothing is changed.

    sample: on so many of its minions; else on all.
    timeout: the seconds that they get to answer. One that does not is in the plan, as silent.

        salt-run approval.plan 7
        salt-run approval.plan 7 sample=20
    """
    from saltext.approval import planning
    from saltext.approval.client import without_nulls

    with _client() as client:
        return without_nulls(planning.make(__opts__, client, request_id, sample, timeout))


def state(minion=None):
    """
    What is approved for a minion, now and at known later times, and what it last proved.

        salt-run approval.state web1
    """
    return _call("state", minion)


def why(minion=None, resource=None):
    """
    Why a minion has what it has: every request about it, newest first, which is in force, who decided.

    resource: the name of a package, or kind:name, the kind being package, service, value or action.

        salt-run approval.why web1 hello
        salt-run approval.why web1 service:cron
    """
    return _call("why", minion, resource)


def calendars():
    """
    The maintenance windows, and when they open next.

        salt-run approval.calendars
    """
    return _call("calendars")


def freezes():
    """
    The freezes that are on or to come.

        salt-run approval.freezes
    """
    return _call("freezes")


def minions():
    """
    The minions that requests may name.

        salt-run approval.minions
    """
    return _call("minions")


def compliance(limit=50):
    """
    Who is out of line with what is approved, since when and why, and how many minions stand how.

        salt-run approval.compliance
        salt-run approval.compliance limit=1000 --out=json
    """
    return _call("compliance", limit)


def outbox(state=None, limit=50):
    """
    What waits to be sent to minions or other systems, and what failed for good (dead), with the last error.

    state: waiting, delivered or dead; else all that is not delivered.

        salt-run approval.outbox
        salt-run approval.outbox state=dead
    """
    return _call("outbox", state, limit)


def retry_outbox(request_id=None, destination="salt"):
    """
    Give the dead messages of a request another chance.

        salt-run approval.retry_outbox 7
    """
    return _call("retry_outbox", request_id, destination)


def reinstalls(minion=None, limit=50):
    """
    Minions that came back with another key or machine id: waiting (for the key to be accepted, if it is the machine),
    accepted, or converged since.

        salt-run approval.reinstalls
        salt-run approval.reinstalls web1
    """
    return _call("reinstalls", minion, limit)


def sync_minions():
    """
    Make every minion whose key is accepted known to the approval database.

        salt-run approval.sync_minions
    """
    import salt.key

    with salt.key.get_key(__opts__) as keys:
        return _call("add_minions", keys.list_keys()["minions"])


def audit(request_id=None):
    """
    Every act on a request, oldest first.

        salt-run approval.audit 7
    """
    return _call("audit", request_id)


def audit_head():
    """
    The hash that the whole audit leads to: kept elsewhere, it shows later whether that was rewritten.

        salt-run approval.audit_head
    """
    return _call("audit_head")


def verify_audit():
    """
    Check the audit's chains; lists each broken place, and nothing when all is whole.

        salt-run approval.verify_audit
    """
    return _call("verify_audit")


def _call(method, *args):
    from saltext.approval.client import without_nulls

    with _client() as client:
        return without_nulls(getattr(client, method)(*args))


def _call_on(method, target, request, **kwargs):
    """The same for what is asked for on minions: target is (minions, tgt, tgt_type)."""
    from saltext.approval import targets, typed
    from saltext.approval.client import without_nulls

    with _client() as client:
        for name in kwargs.keys() & {"values", "parameters"}:
            kwargs[name] = typed.given(__opts__, f"{__virtualname__}.{method}", name, kwargs[name])
        minions = targets.choose(__opts__, *target)
        shown = getattr(client, method)(request, minions=minions, **kwargs)
        resolved = {} if target[1] is None else {"resolved": minions}
        return {**without_nulls(shown), **resolved}


@contextlib.contextmanager
def _client():
    # Imported here, since Salt loads every runner module for every runner call.
    from saltext.approval.client import operator
    from saltext.approval.errors import ApprovalError

    try:
        with operator(__opts__, globals().get("__user__")) as client:
            yield client
    except ApprovalError as exc:
        # The one exception whose text Salt shows as it is, with exit code 1; any other becomes a traceback.
        raise salt.exceptions.NotImplemented(str(exc)) from None
