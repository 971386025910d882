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

Times are ISO 8601, UTC where no zone is named; a day is its start. A refusal is one sentence, with exit code 1.

``salt-run`` prints a few lines, as ``salt-approval`` does; with ``--out=json`` (yaml, nested, ...) all there is.
Any other caller (Salt's API, a reactor, ``salt-run -a``) gets the answer as data. Every function takes
``text=True`` or ``text=False``, which says otherwise. Data leaves out what is not known yet.
"""

import salt.exceptions

__virtualname__ = "approval"
__func_alias__ = {"list_": "list"}


def __virtual__():
    return __virtualname__


def types(*surplus, **options):
    """
    The types of requests, who may make them, and which approvals they need.

        salt-run approval.types
    """
    return _answer(types, surplus, options, "types")


def show_type(name=None, version=None, *surplus, **options):
    """
    One request type as it was loaded: its newest version, or this one.

        salt-run approval.show_type package
    """
    return _answer(show_type, surplus, options, "type", name, version)


def what_if(request_type=None, minions=1, requester=None, *surplus, **options):
    """
    The people who would have to approve a request.

    minions: over so many.
    requester: made by this principal; else by the caller.

        salt-run approval.what_if package minions=30
    """
    return _answer(what_if, surplus, options, "what_if", request_type, minions, requester)


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
    dry_run=False,
    rollout=None,
    *surplus,
    **options,
):
    """
    Ask for something on minions.

    request_type: one of approval.types.
    minions: a list of exact ids; patterns are not expanded.
    tgt, tgt_type: instead of minions a target as salt takes it. The target is resolved now, and the request names the
        ids that it means: the answer lists them as resolved.
    packages: for a type of this kind, a mapping of name to version, latest or absent. A version with * is a pattern.
        Quote what looks like a number.
    services: a mapping of name to running or dead.
    values: a mapping of name to anything that JSON has a form for. Text that looks like something else is quoted:
        {release: "1.10"}. Callers other than salt-run give numbers, true, false and null in JSON text.
    parameters: of an action, as far as its type takes any; likewise.
    reason: why, for those who approve.
    after: not before this time.
    external_ref: the key of a ticket in the system that asks; the same key again is the same request.
    on_behalf_of: the principal for whom it is made, who cannot approve it either.
    overlap: what to do about open requests that it contradicts: supersede or wait.
    dry_run: True only shows what would be asked, and who could approve it.
    rollout: a mapping of the parts of the type's rollout that shall be stricter, as '{canaries: 2, soak: 1 hour}'.

        salt-run approval.request package minions='[web1, web2]' packages='{hello: 2.10-3}' reason=CHG-7
        salt-run approval.request package tgt='G@os:Debian and web*' tgt_type=compound \\
            packages='{vlc: absent}' reason=CHG-8 after=2026-12-01T20:00+01:00 external_ref=CHG-8
        salt-run approval.request service minions=web1 services='{cron: running}' reason=CHG-9
        salt-run approval.request value minions=web1 values='{motd: Welcome}' reason=CHG-9
        salt-run approval.request reboot minions=web1 parameters='{at_time: 5}' reason=CHG-9
    """
    return _answer_on(
        request,
        surplus,
        options,
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
        dry_run=dry_run,
        rollout=rollout,
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
    *surplus,
    **options,
):
    """
    Give a pending request of one's own another content: all of it, in the form of approval.request.

    Decisions made so far stay if it only takes something away, and are void if it adds or changes anything.

        salt-run approval.amend 7 minions=web1 packages='{hello: 2.10-3}' comment='web2 is gone'
    """
    return _answer_on(
        amend,
        surplus,
        options,
        "amend",
        (minions, tgt, tgt_type),
        request_id,
        packages=packages,
        services=services,
        values=values,
        parameters=parameters,
        comment=comment,
    )


def resolve(request_id=None, other=None, resolution=None, *surplus, **options):
    """
    Say what becomes of another open request that one's own contradicts, before anybody decided on it.

    resolution: supersede (one's own wins, the other is cancelled) or wait (until the other is done).

        salt-run approval.resolve 8 7 supersede
    """
    return _answer(resolve, surplus, options, "resolve", request_id, other, resolution)


def cancel(request_id=None, comment="", *surplus, **options):
    """
    Take back what was not sent or proven yet of a request of one's own. What was stays: for that see revert.

        salt-run approval.cancel 7
    """
    return _answer(cancel, surplus, options, "cancel", request_id, comment)


def revert(
    request_id=None,
    minions=None,
    reason=None,
    request_type="revert",
    tgt=None,
    tgt_type="glob",
    overlap=None,
    *surplus,
    **options,
):
    """
    Ask to restore what held before a request: that is a request of its own, with its own chain.

    minions, or tgt and tgt_type: only on these of its minions; else on all.
    overlap: what to do about open requests that it contradicts: supersede or wait.

        salt-run approval.revert 7 reason='hello 2.10-3 crashes'
        salt-run approval.revert 7 minions=web1
    """
    return _answer_on(
        revert,
        surplus,
        options,
        "revert",
        (minions, tgt, tgt_type),
        request_id,
        reason=reason,
        request_type=request_type,
        overlap=overlap,
    )


def approve(request_id=None, comment="", digest=None, stage=None, *surplus, **options):
    """
    Approve the stage that a request waits at.

    digest: of the items, as approval.show gave it; refused if they have changed since.
    stage: its number, as approval.show gave it; refused if the request is at another one by now.

        salt-run approval.approve 7
        salt-run approval.approve 7 comment='tested on staging' digest=sha256:... stage=1
    """
    return _answer(approve, surplus, options, "approve", request_id, comment, digest, stage)


def reject(request_id=None, comment="", digest=None, stage=None, *surplus, **options):
    """
    Reject a request, which ends it; digest and stage as of approve.

        salt-run approval.reject 7 comment='not this week'
    """
    return _answer(reject, surplus, options, "reject", request_id, comment, digest, stage)


def review(request_id=None, comment="", *surplus, **options):
    """
    Record the review that an emergency needs afterwards, by somebody who had no part in it.

        salt-run approval.review 7 comment='it was one'
    """
    return _answer(review, surplus, options, "review", request_id, comment)


def break_glass(request_id=None, comment=None, *surplus, **options):
    """
    Let an approved request past windows and freezes. Refused here, since it needs one's own PostgreSQL login:

        salt-approval break-glass 7 --comment 'the shop is down'

        salt-run approval.break_glass 7 comment='the shop is down'
    """
    return _answer(break_glass, surplus, options, "break_glass", request_id, comment)


def delegate(to=None, until=None, start=None, *surplus, **options):
    """
    Let somebody else decide in one's stead. Refused here, since it needs one's own PostgreSQL login:

        salt-approval delegate carol --until 2026-12-24

        salt-run approval.delegate carol until=2026-12-24
    """
    return _answer(delegate, surplus, options, "delegate", to, until, start)


def undelegate(delegation=None, *surplus, **options):
    """
    End a delegation of one's own.

        salt-run approval.undelegate 3
    """
    return _answer(undelegate, surplus, options, "undelegate", delegation)


def delegations(*surplus, **options):
    """
    The delegations that are on or to come.

        salt-run approval.delegations
    """
    return _answer(delegations, surplus, options, "delegations")


def list_(state=None, minion=None, limit=50, mine=False, before=None, decided=False, *surplus, **options):
    """
    The newest requests, of one state or one minion if given.

    mine: only those asked for by or for the caller.
    before: the next page: only those with a lower number.
    decided: only those of which the caller decided something.

        salt-run approval.list
        salt-run approval.list state=pending minion=web1
        salt-run approval.list mine=True
    """
    return _answer(list_, surplus, options, "list", state, minion, limit, mine, before, decided)


def inbox(person=None, limit=50, after=None, *surplus, **options):
    """
    Requests that the caller can decide or review now: why, until when, and whether salt-run is sure enough for it.

    person: what waits for this principal instead.
    after: the next page: only those with a higher number.

        salt-run approval.inbox
        salt-run approval.inbox carol
    """
    return _answer(inbox, surplus, options, "inbox", person, limit, after)


def show(request_id=None, outcomes=None, after=None, limit=1000, *surplus, **options):
    """
    One request: its items, its chain, who decided, what it waits for, and what the minions proved.

    outcomes: only the items that stand so, a list of waiting, converged, failed, drift, drifted.
    after: the next page of items: those behind this one, [minion, kind, name], as the page before gave it as next.

        salt-run approval.show 7
        salt-run approval.show 7 outcomes='[failed, drifted]'
    """
    return _answer(show, surplus, options, "show", request_id, outcomes, after, limit)


def show_values(request_id=None, after=None, limit=1000, *surplus, **options):
    """
    The items of a request that are sensitive, as they are; the audit records who looked.

    after: the next page: those behind this one, [minion, kind, name], as the page before gave it as next.

        salt-run approval.show_values 7
    """
    return _answer(show_values, surplus, options, "values", request_id, after, limit)


def plan(request_id=None, sample=None, timeout=60, *surplus, **options):
    """
    Have the minions of a pending request say what it would change there, and attach that to the request.
    Nothing is changed.

    sample: on so many of its minions; else on all.
    timeout: the seconds that they get to answer. One that does not is in the plan, as silent.

        salt-run approval.plan 7
        salt-run approval.plan 7 sample=20
    """
    from saltext.approval.master import planning

    def make(client):
        return planning.make(__opts__, client, request_id, sample, timeout)

    return _shaped(plan, surplus, options, make)


def state(minion=None, *surplus, **options):
    """
    The state that is approved for a minion, now and at known later times, and what it last proved.

        salt-run approval.state web1
    """
    return _answer(state, surplus, options, "state", minion)


def why(minion=None, resource=None, *surplus, **options):
    """
    Why a minion has what it has: every request about it, newest first, which is in force, who decided.

    resource: the name of a package, or kind:name, the kind being package, service, value or action.

        salt-run approval.why web1 hello
        salt-run approval.why web1 service:cron
    """
    return _answer(why, surplus, options, "why", minion, resource)


def calendars(*surplus, **options):
    """
    The maintenance windows, and when they open next.

        salt-run approval.calendars
    """
    return _answer(calendars, surplus, options, "calendars")


def freezes(*surplus, **options):
    """
    The freezes that are on or to come.

        salt-run approval.freezes
    """
    return _answer(freezes, surplus, options, "freezes")


def minions(*surplus, **options):
    """
    The minions that requests may name.

        salt-run approval.minions
    """
    return _answer(minions, surplus, options, "minions")


def compliance(limit=50, *surplus, **options):
    """
    Minions that are out of line with what is approved, since when and why, and how many minions stand how.

        salt-run approval.compliance
        salt-run approval.compliance limit=1000 --out=json
    """
    return _answer(compliance, surplus, options, "compliance", limit)


def returns(
    minion=None, verdict=None, flagged=None, since=None, before=None, limit=50, every=False, *surplus, **options
):
    """
    Returns of minions and what the validator made of them, the newest job first.

    verdict: converged, partial, failed, not-applied, drift, invalid or unproven.
    flagged: True for what is odd (claim, replayed, stale, unknown-job, untargeted), False for the rest.
    since: received since this time.
    before: the next page: what comes behind this one, [jid, minion, attempt].
    every: True lists also those of functions that can prove nothing, such as test.ping.

        salt-run approval.returns web1
        salt-run approval.returns verdict=failed since=2026-12-01
    """
    return _answer(returns, surplus, options, "returns", minion, verdict, flagged, since, before, limit, every)


def quarantine(minion=None, since=None, before=None, limit=50, *surplus, **options):
    """
    Returns that were put aside since no job can have brought them, the newest first.

        salt-run approval.quarantine
        salt-run approval.quarantine web1 since=2026-12-01
    """
    return _answer(quarantine, surplus, options, "quarantine", minion, since, before, limit)


def jobs(
    minion=None,
    start=None,
    until=None,
    fun=None,
    user=None,
    request_id=None,
    before=None,
    limit=50,
    *surplus,
    **options,
):
    """
    What ran where, when and by whom, and how it ended, the newest first: the job log.

    from (or start), until: published since, and before: ISO 8601, or a time of today such as 14:00.
    fun: a function, as pkg.install or 'pkg.*'.
    user: as Salt names them.
    request_id: sent for this request.
    before: the next page: what comes behind this one, [published_at, jid].

        salt-run approval.jobs web1 from=14:00 until=15:00
        salt-run approval.jobs fun='cmd.*' user=root from=2026-12-01
    """
    start = options.pop("from", start)
    return _answer(jobs, surplus, options, "jobs", minion, start, until, fun, user, request_id, before, limit)


def busy(minion=None, *surplus, **options):
    """
    What to know before you run something: what runs on a minion now, what is due there, windows and freezes.

    minion: without it, of all.

        salt-run approval.busy web1
    """
    return _answer(busy, surplus, options, "busy", minion)


def outbox(state=None, limit=50, *surplus, **options):
    """
    Messages that wait to be sent to minions or other systems, or failed for good (dead), with the last error.

    state: waiting, delivered or dead; else all that is not delivered.

        salt-run approval.outbox
        salt-run approval.outbox state=dead
    """
    return _answer(outbox, surplus, options, "outbox", state, limit)


def retry_outbox(request_id=None, destination="salt", *surplus, **options):
    """
    Give the dead messages of a request, or of another thread, another chance.

        salt-run approval.retry_outbox 7
        salt-run approval.retry_outbox drift/web1 destination=chat
    """
    return _answer(retry_outbox, surplus, options, "retry_outbox", request_id, destination)


def drop_outbox(request_id=None, destination="chat", *surplus, **options):
    """
    Drop the messages of a request, or of another thread, to a destination that nobody consumes.

        salt-run approval.drop_outbox 7
        salt-run approval.drop_outbox drift/web1 destination=chat
    """
    return _answer(drop_outbox, surplus, options, "drop_outbox", request_id, destination)


def reinstalls(minion=None, limit=50, *surplus, **options):
    """
    Minions that came back with another key or machine id: waiting (for the key to be accepted, if it is the machine),
    accepted, or converged since.

        salt-run approval.reinstalls
        salt-run approval.reinstalls web1
    """
    return _answer(reinstalls, surplus, options, "reinstalls", minion, limit)


def rollout(request_id=None, *surplus, **options):
    """
    The waves in which the minions of a request are sent: which are open, what came of each, which minions failed, and
    who decides when it is halted.

        salt-run approval.rollout 7
    """
    return _answer(rollout, surplus, options, "rollout", request_id)


def resume(request_id=None, decision=None, comment=None, *surplus, **options):
    """
    Decide on a rollout that failures have halted. Who asked for the request cannot.

    decision: go-on (the failures there are count no more) or give-up (what was not sent is withdrawn).
    comment: why; it is recorded.

        salt-run approval.resume 7 go-on comment='web3 had a full disk'
        salt-run approval.resume 7 give-up comment='the package is broken'
    """
    return _answer(resume, surplus, options, "resume", request_id, decision, comment)


def pause_all(comment=None, *surplus, **options):
    """
    Stop all sending to minions at once; what was sent goes on there. Only those who may let a rollout go on end the
    pause.

    comment: why; it is recorded.

        salt-run approval.pause_all comment='fire in room 3'
    """
    return _answer(pause_all, surplus, options, "pause_all", comment)


def resume_all(comment=None, *surplus, **options):
    """
    Let sending go on after approval.pause_all.

    comment: why; it is recorded.

        salt-run approval.resume_all comment='the fire is out'
    """
    return _answer(resume_all, surplus, options, "resume_all", comment)


def paused(*surplus, **options):
    """
    Whether all sending to minions is paused; by whom, and why.

        salt-run approval.paused
    """
    return _answer(paused, surplus, options, "paused")


def catch_ups(minion=None, limit=50, *surplus, **options):
    """
    Minions that started behind what is approved for them: those that are to be caught up, in their order, then those
    that were, the last first.

        salt-run approval.catch_ups
        salt-run approval.catch_ups web1
    """
    return _answer(catch_ups, surplus, options, "catch_ups", minion, limit)


def show_minion(minion=None, *surplus, **options):
    """
    What is known of a minion: its system, when it was last seen, and which catalog of packages it has.

        salt-run approval.show_minion web1
    """
    return _answer(show_minion, surplus, options, "minion", minion)


def packages(pattern=None, minion=None, limit=50, *surplus, **options):
    """
    Packages whose names begin with a text, then those that have it elsewhere, with the versions there are.

    minion: only those that it could get.

        salt-run approval.packages hello
        salt-run approval.packages ssl minion=web1
    """
    return _answer(packages, surplus, options, "packages", pattern, minion, limit)


def sync_packages(minions=None, wait=60, tgt=None, tgt_type="glob", *surplus, **options):
    """
    Have minions asked now which packages they could get, and wait for their answers; else each is asked once a day.

    minions, or tgt and tgt_type: these; else all.
    wait: for so many seconds at most, 0 for none. The engine goes on when nobody waits.

        salt-run approval.sync_packages web1
        salt-run approval.sync_packages tgt='G@os:Debian' tgt_type=compound wait=600
    """

    def sync(client):
        from saltext.approval.client import syncing
        from saltext.approval.master import targets

        return syncing.run(client, targets.choose(__opts__, minions, tgt, tgt_type), wait)

    return _shaped(sync_packages, surplus, options, sync)


def alarms(minion=None, kind=None, state=None, since=None, before=None, limit=50, *surplus, **options):
    """
    Alarms that nobody has acknowledged, the newest first: what was seen, where, by whom, how often.

    kind: unapproved-job, overlapping-run, run-in-freeze, drift, break-glass, halted-wave, forged-return, replaced-key,
        failing-seal, ticket-held, ticket-gone, ticket-delivery-dead or token-expiry.
    state: only open, muted or acknowledged ones.
    since: last seen since this time.
    before: the next page: only those with a lower number.

        salt-run approval.alarms
        salt-run approval.alarms web1 kind=drift
    """
    return _answer(alarms, surplus, options, "alarms", minion, kind, state, since, before, limit)


def acknowledge(alarm=None, comment=None, *surplus, **options):
    """
    Close an alarm, with a reason. The same seen again is a new one.

        salt-run approval.acknowledge 3 comment='that was me, see CHG-7'
    """
    return _answer(acknowledge, surplus, options, "acknowledge", alarm, comment)


def mute(alarm=None, until=None, comment=None, *surplus, **options):
    """
    Have an alarm counted, and nobody told of it, until a time; with a reason.

        salt-run approval.mute 3 until=2026-12-24 comment='the vendor is at it'
    """
    return _answer(mute, surplus, options, "mute", alarm, until, comment)


def contacts(*surplus, **options):
    """
    Where you are told of what waits for you, and until when you muted it.

        salt-run approval.contacts
    """
    return _answer(contacts, surplus, options, "contacts")


def set_contact(channel=None, address=None, *surplus, **options):
    """
    Be told by a channel of what waits for you.

    channel: its name in the configuration of chats.
    address: as the channel has it: TEAM/USER of Slack, or an address of mail.

        salt-run approval.set_contact mail bob@example.com
    """
    return _answer(set_contact, surplus, options, "set_contact", channel, address)


def drop_contact(channel=None, *surplus, **options):
    """
    Be told no more by a channel.

        salt-run approval.drop_contact mail
    """
    return _answer(drop_contact, surplus, options, "drop_contact", channel)


def mute_contact(channel=None, until=None, *surplus, **options):
    """
    Be told nothing by a channel until a time.

        salt-run approval.mute_contact mail until=2026-12-24T12:00
    """
    return _answer(mute_contact, surplus, options, "mute_contact", channel, until)


def unmute_contact(channel=None, *surplus, **options):
    """
    Be told by a channel again, from now on.

        salt-run approval.unmute_contact mail
    """
    return _answer(unmute_contact, surplus, options, "unmute_contact", channel)


def sync_minions(*surplus, **options):
    """
    Make every minion whose key is accepted known to the approval database. The engine does so by itself, soon after a
    key is accepted.

        salt-run approval.sync_minions
    """
    from saltext.approval.master import keys

    return _answer(sync_minions, surplus, options, "add_minions", keys.accepted(__opts__))


def remove_minions(minions=None, yes=False, comment="", *surplus, **options):
    """
    Make minions unknown that are gone: what was approved for them ends, what they return proves nothing, and what
    happened before stays on record. Delete their keys first, or they become known again.

    minions: ids, or patterns such as web*.
    yes: True, or it is only said which minions are meant.

        salt-run approval.remove_minions web1 yes=True comment='out of service'
        salt-run approval.remove_minions 'lab*'
    """
    from saltext.approval.master import keys

    accepted = keys.accepted(__opts__)
    return _answer(remove_minions, surplus, options, "remove_minions", minions, yes, comment, accepted)


def audit(request_id=None, *surplus, **options):
    """
    Every act on a request, oldest first; without a number those on policy and inventory.

        salt-run approval.audit 7
        salt-run approval.audit
    """
    return _answer(audit, surplus, options, "audit", request_id)


def audit_head(*surplus, **options):
    """
    The hash that the whole audit leads to: kept elsewhere, it shows later whether that was rewritten.

        salt-run approval.audit_head
    """
    return _answer(audit_head, surplus, options, "audit_head")


def verify_audit(*surplus, **options):
    """
    Check the audit's chains; lists each broken place, and nothing when all is whole.

        salt-run approval.verify_audit
    """
    return _answer(verify_audit, surplus, options, "verify_audit")


def _answer(function, surplus, options, method, *args):
    """The answer of the client's method; ``surplus`` and ``options``: what ``function`` was given beside its own."""
    return _shaped(function, surplus, options, lambda client: getattr(client, method)(*args))


def _answer_on(function, surplus, options, method, target, request, **kwargs):
    """The same for what is asked for on minions: target is (minions, tgt, tgt_type)."""

    def ask(client):
        from saltext.approval.intake import typed
        from saltext.approval.master import targets

        for name in kwargs.keys() & {"values", "parameters"}:
            kwargs[name] = typed.given(__opts__, f"{__virtualname__}.{method}", name, kwargs[name])
        minions = targets.choose(__opts__, *target)
        shown = getattr(client, method)(request, minions=minions, **kwargs)
        return shown if target[1] is None else {**shown, "resolved": minions}

    return _shaped(function, surplus, options, ask)


def _shaped(function, surplus, options, act):
    """The result of ``act`` on a client: data, or for a person at salt-run a few lines of text."""
    # Imported here, since Salt loads every runner module for every runner call.
    from saltext.approval.cli import salt_run
    from saltext.approval.client.database import operator
    from saltext.approval.errors import ApprovalError

    try:
        shape = salt_run.shape(__opts__, function, surplus, options)
        with operator(__opts__, globals().get("__user__")) as client:
            return shape(act(client))
    except ApprovalError as exc:
        # The one exception whose text Salt shows as it is, with exit code 1; any other becomes a traceback.
        raise salt.exceptions.NotImplemented(str(exc)) from None
    except TypeError as exc:
        # Salt takes a TypeError for wrong arguments, prints the help, and exits with 0.
        raise RuntimeError(str(exc)) from exc
