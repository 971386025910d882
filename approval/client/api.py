"""All that people can do, as one interface: the runner and the command know no more of what is behind it.

Arguments may be as somebody typed them, in the forms that ``intake/fields.py`` takes, or as JSON has them. Answers
are JSON: dicts and lists, times in ISO 8601 and UTC. Each method raises InputError for what cannot be meant, Refused
for what may not be, and Unavailable where nobody answers.
"""

from typing import Protocol

DEFAULT_LIMIT = 50
SHOWN_ITEMS = 1000

# Method of Client -> the request of HTTP that stands for it. Names in braces are arguments of the method,
# percent-encoded; the others are the query of a GET, and the body, a JSON object, of any other. No two methods share a
# route, so that a server finds the method by it.
ROUTES = {
    "request": ("POST", "/requests"),
    "amend": ("PUT", "/requests/{request_id}"),
    "resolve": ("PUT", "/requests/{request_id}/overlaps/{other}"),
    "cancel": ("POST", "/requests/{request_id}/cancellation"),
    "revert": ("POST", "/requests/{request_id}/reverts"),
    "approve": ("POST", "/requests/{request_id}/approvals"),
    "reject": ("POST", "/requests/{request_id}/rejections"),
    "review": ("POST", "/requests/{request_id}/reviews"),
    "break_glass": ("POST", "/requests/{request_id}/break-glass"),
    "delegate": ("POST", "/delegations"),
    "undelegate": ("DELETE", "/delegations/{delegation}"),
    "delegations": ("GET", "/delegations"),
    "list": ("GET", "/requests"),
    "inbox": ("GET", "/inbox"),
    "show": ("GET", "/requests/{request_id}"),
    "values": ("POST", "/requests/{request_id}/values"),
    "returns": ("GET", "/returns"),
    "quarantine": ("GET", "/quarantine"),
    "jobs": ("GET", "/jobs"),
    "busy": ("GET", "/busy"),
    "readings": ("GET", "/readings"),
    "plan": ("GET", "/requests/{request_id}/plan"),
    "plan_items": ("GET", "/requests/{request_id}/plan/items"),
    "put_plan": ("PUT", "/requests/{request_id}/plan"),
    "state": ("GET", "/minions/{minion}"),
    "why": ("GET", "/minions/{minion}/resources/{resource}"),
    "types": ("GET", "/types"),
    "type": ("GET", "/types/{name}"),
    "what_if": ("GET", "/types/{request_type}/what-if"),
    "replay": ("POST", "/types/replay"),
    "freezes": ("GET", "/freezes"),
    "calendars": ("GET", "/calendars"),
    "minions": ("GET", "/minions"),
    "add_minions": ("POST", "/minions"),
    "remove_minions": ("POST", "/minions/removal"),
    "audit": ("GET", "/audit"),
    "verify_audit": ("GET", "/audit/verification"),
    "export_audit": ("GET", "/audit/export"),
    "audit_head": ("GET", "/audit/head"),
    "compliance": ("GET", "/compliance"),
    "outbox": ("GET", "/outbox"),
    "retry_outbox": ("POST", "/outbox/{thread}/retries"),
    "drop_outbox": ("DELETE", "/outbox/{thread}"),
    "reinstalls": ("GET", "/reinstalls"),
    "rollout": ("GET", "/requests/{request_id}/rollout"),
    "resume": ("POST", "/requests/{request_id}/rollout/decisions"),
    "pause_all": ("POST", "/pause"),
    "resume_all": ("POST", "/pause/end"),
    "paused": ("GET", "/pause"),
    "catch_ups": ("GET", "/catch-ups"),
    "minion": ("GET", "/minions/{minion}/facts"),
    "packages": ("GET", "/packages"),
    "sync_packages": ("POST", "/packages/sync"),
    "sync_progress": ("GET", "/packages/sync"),
    "alarms": ("GET", "/alarms"),
    "acknowledge": ("POST", "/alarms/{alarm}/acknowledgement"),
    "mute": ("POST", "/alarms/{alarm}/mute"),
    "contacts": ("GET", "/contacts"),
    "set_contact": ("PUT", "/contacts/{channel}"),
    "drop_contact": ("DELETE", "/contacts/{channel}"),
    "mute_contact": ("POST", "/contacts/{channel}/mute"),
    "unmute_contact": ("DELETE", "/contacts/{channel}/mute"),
}


class Client(Protocol):
    """All that one identity can ask for, decide and see."""

    # To ask.

    def request(
        self,
        request_type,
        minions,
        packages=None,
        reason=None,
        after=None,
        external_ref=None,
        on_behalf_of=None,
        overlap=None,
        dry_run=False,
        *,
        services=None,
        values=None,
        parameters=None,
        rollout=None,
    ):
        """
        Submit a request: all that is asked for, on every one of ``minions``.

        minions, after
            As fields.minions() and fields.time() take them.
        packages, services, values, parameters
            The one that the type's kind takes, as the functions of these names in fields take it.
        external_ref
            Its key in another system; the same key again answers with the request made first.
        on_behalf_of
            The principal for whom it is made; who cannot approve it either.
        overlap
            What to do about open requests that it contradicts: ``supersede`` or ``wait``.
        rollout
            The parts of the type's rollout that shall be stricter for this request, as fields.rollout() takes them.
        dry_run
            Only find out what the database would say: nothing is submitted. The request as it would be shown has
            ``would_be``, the answer of what_if(); ``request`` is None, or the number of the one with this external_ref.

        Returns the request as show() does.
        """

    def amend(self, request_id, minions, packages=None, comment="", *, services=None, values=None, parameters=None):
        """
        Give a pending request another content, all of it, in the form of request(). Decisions made so far
        stay if it only takes something away. Returns the request as show() does.
        """

    def resolve(self, request_id, other, resolution):
        """
        Say what becomes of the request ``other`` that this one contradicts: ``supersede`` or ``wait``.
        Returns this one as show() does.
        """

    def cancel(self, request_id, comment=""):
        """
        Take back what was not sent or proven yet of a request. Returns its number, and as ``state`` what became of it:
        ``cancelled``, ``withdrawn``, or ``partly-withdrawn`` where something was, and stays.
        """

    def revert(self, request_id, minions=None, reason=None, request_type="revert", overlap=None):
        """
        Ask to restore what held before a request, on these of its minions or (None) all; ``overlap`` as in
        request(). Returns the request that asks for it as show() does.
        """

    # To decide.

    def approve(self, request_id, comment="", digest=None, stage=None):
        """
        Approve the current stage; ``digest`` of the items that were reviewed, and ``stage``, the number of the one that
        it was at, bind the decision to them.
        """

    def reject(self, request_id, comment="", digest=None, stage=None):
        """Reject the request, which ends it; likewise."""

    def review(self, request_id, comment=""):
        """Record the review that an emergency needs afterwards. Returns the request as show() does."""

    def break_glass(self, request_id, comment):
        """
        Let an approved request past windows and freezes, for the reason in ``comment``. Returns it as show()
        does.
        """

    def delegate(self, to, until, start=None):
        """
        Let the principal ``to`` decide in one's stead, from ``start`` (None: now) until ``until``, both as
        fields.time() takes them. Returns {delegation: its number}.
        """

    def undelegate(self, delegation):
        """End a delegation of one's own; tells whether it was still open."""

    def delegations(self):
        """The delegations that are on or to come."""

    # To see, and to administer.

    def readings(self):
        """
        What they may not read of all minions: {requests, values, job_log or audit: the groups of minions of which they
        may}; empty, where they may read all.
        """

    def list(self, state=None, minion=None, limit=DEFAULT_LIMIT, mine=False, before=None, decided=False):
        """
        The newest requests, of one state, one minion, asked for by or for oneself (``mine``), or of which oneself
        ``decided`` something, where given.

        before
            Only those with a lower number: the last one of the page before.

        Each row has in ``total`` how many there are on all pages, up to ten thousand.
        """

    def inbox(self, person=None, limit=DEFAULT_LIMIT, after=None):
        """
        The requests that oneself, or the principal ``person``, can decide or review now, the oldest first: why,
        until when, and whether the present login is sure enough.

        after
            Only those with a higher number: the last one of the page before.

        Each row has in ``total`` how many there are on all pages.
        """

    def show(self, request_id, outcomes=None, after=None, limit=SHOWN_ITEMS):
        """
        One request: its items, its chain, who decided, what it waits for, and what the minions proved.

        outcomes
            Only the items that stand so: of ``waiting converged failed drift drifted``.
        after
            Only the items behind this one, [minion, kind, name]: what the page before gave as ``next``.

        What is sensitive is ``•••``, but for operators, policy administrators and auditors; ``shown_to`` is how many
        people looked at it, None where nothing is.
        """

    def values(self, request_id, after=None, limit=SHOWN_ITEMS):
        """
        The items of a request that are sensitive, as they are, for whoever may read values: {request, items, next}, as
        show() has them. That they were looked at is recorded in the audit before they are given.
        """

    def returns(
        self, minion=None, verdict=None, flagged=None, since=None, before=None, limit=DEFAULT_LIMIT, every=False
    ):
        """
        The returns of minions, the newest job first: of one minion, with one verdict, flagged or not, received
        since a time (see fields.time()), where given.

        before
            Only the returns behind this one: [jid, minion, attempt], the last one of the page before.
        every
            Also those of functions that can prove nothing, such as ``test.ping``: without a verdict these are listed
            only where they are flagged, or were sent for a request.
        """

    def quarantine(self, minion=None, since=None, before=None, limit=DEFAULT_LIMIT):
        """
        Returns that were put aside, and why, the newest first: of one minion, received since a time, with a
        number lower than ``before``, where given.
        """

    def jobs(
        self,
        minion=None,
        start=None,
        until=None,
        fun=None,
        user=None,
        request_id=None,
        before=None,
        limit=DEFAULT_LIMIT,
    ):
        """
        The jobs of the job log, the newest first: that name a minion, were published from ``start`` on and before
        ``until``, are of a function, by a user, for a request, where given.

        start, until
            As fields.lately() takes them.
        fun
            Its name, in which ``*`` stands for any characters and ``?`` for one.
        before
            Only the jobs behind this one: [published_at, jid], of the last one of the page before.
        """

    def plan(self, request_id):
        """
        The newest plan of a request: {request, summary, answers}; the summary is None where none was made.
        """

    def plan_items(self, request_id, sample=None):
        """
        The items that a plan of a pending request is of: rows of digest, minion_id, items; on all minions or so many.
        """

    def put_plan(self, request_id, digest, answers):
        """Attach a plan of the items with this digest: [{minion, outcome, changes, comment}]."""

    def state(self, minion):
        """The state that is approved for a minion now and later, and what it last proved."""

    def why(self, minion, resource):
        """
        Why a minion has a resource (see fields.resource()) as it has: every request about it, newest first.
        """

    def types(self):
        """The request types, newest version each."""

    def type(self, name, version=None):
        """One request type as it was loaded: its newest version, or this one."""

    def what_if(self, request_type, minions=1, requester=None):
        """
        The people who would have to approve a request of a type over so many minions, made by a principal (None: by
        oneself).
        """

    def replay(self, definition, limit=DEFAULT_LIMIT):
        """The last requests of a type, and what a changed definition would have made of them."""

    def freezes(self):
        """The freezes that are on or to come."""

    def calendars(self):
        """The maintenance windows, with their next openings."""

    def minions(self):
        """The minions that requests may name."""

    def add_minions(self, minions):
        """Make minions known; returns how many were new."""

    def remove_minions(self, minions, yes=False, comment="", accepted=()):
        """
        Make minions unknown: nothing is approved for them any more, and what they return proves nothing.

        minions
            As fields.minions() takes them; one that is no known minion's id is a pattern as ``salt`` takes it.
        yes
            Else nothing is removed: the answer has ``removed`` 0 beside the ``minions`` that would be.
        accepted
            Ids whose keys are accepted here: those minions would soon be known again, so they are refused.

        Raises InputError.
        """

    def audit(self, request_id=None):
        """Every act on a request, or (None, 0) on the policy and the inventory, oldest first."""

    def verify_audit(self):
        """The places where the audit's chains are broken; an empty list says that they are whole."""

    def export_audit(self):
        """The whole audit as JSON lines, one by one; audit.verify() checks them without the database."""

    def audit_head(self):
        """The newest seal, {seal_no, sealed_at, hash}, or None: who keeps it can tell a rewritten audit."""

    def compliance(self, limit=DEFAULT_LIMIT):
        """
        How minions stand to what is approved: ``minions`` has the number of each standing, ``resources`` how many
        resources drifted, ``out_of_line`` at most ``limit`` of those that are not as approved, the longest first.
        """

    def outbox(self, state=None, limit=DEFAULT_LIMIT):
        """Messages to other systems, newest first: those of one state, or those not delivered."""

    def retry_outbox(self, thread, destination="salt"):
        """Give the dead messages of a thread, or of a request by its number, another chance; returns how many."""

    def drop_outbox(self, thread, destination):
        """Drop those of a thread, or of a request by its number, that nobody consumes; returns how many."""

    def reinstalls(self, minion=None, limit=DEFAULT_LIMIT):
        """Minions that were noticed to be installed anew, those not done first."""

    # Waves.

    def rollout(self, request_id):
        """
        The rollout of a request: its state, its waves and what came of them, the minions that failed, and who decides
        when it is halted. Raises InputError where the request has none.
        """

    def resume(self, request_id, decision, comment):
        """Decide on a halted rollout: ``go-on`` or ``give-up``, for the reason in ``comment``. Returns rollout()."""

    def pause_all(self, comment):
        """Stop all sending to minions at once, for the reason in ``comment``. Returns paused()."""

    def resume_all(self, comment):
        """Let sending go on, for the reason in ``comment``. Returns paused()."""

    def paused(self):
        """Whether all sending is paused: {paused}, and if so since when (paused_at), by whom (paused_by) and why."""

    def catch_ups(self, minion=None, limit=DEFAULT_LIMIT):
        """Minions that started behind what is approved for them: those to be caught up in their order, then others."""

    # The inventory.

    def minion(self, minion):
        """What is known of a minion: its system, when it was last seen, and which catalog of packages it has."""

    def packages(self, pattern, minion=None, limit=DEFAULT_LIMIT):
        """
        Packages whose names begin with ``pattern``, then those that have it elsewhere, that the minion, or (None) any,
        could get: rows of name, versions, gone, minions.
        """

    def sync_packages(self, minions=None):
        """
        Have minions (see fields.minions()), or (None) all, asked now which packages they could get. Returns {wanted:
        how many, since: when}; sync_progress() says how far that is.
        """

    def sync_progress(self, since, minions=None):
        """How many of these minions answered since then: {minions, answered, refused}."""

    def alarms(self, minion=None, kind=None, state=None, since=None, before=None, limit=DEFAULT_LIMIT):
        """
        The alarms that nobody has acknowledged, the newest first: of one minion, of one kind, last seen since a time
        (see fields.time()), where given.

        state
            Only those that are ``open``, ``muted``, or ``acknowledged``.
        before
            Only those with a lower number: the last one of the page before.
        """

    def busy(self, minion=None):
        """
        What to know before something is run on a minion, or (None) on any: {as_of, minion, running, due, windows,
        freezes}. Running are the jobs of the last hour that it has not returned from; due is what is approved and not
        proven there.
        """

    def acknowledge(self, alarm, comment):
        """Close an alarm, for the reason in ``comment``; the same seen again is a new one. Returns {alarm, state}."""

    def mute(self, alarm, until, comment):
        """
        Have an alarm counted and nobody told of it until a time, for the reason in ``comment``. Returns {alarm, state}.
        """

    def contacts(self):
        """One's own contacts, where one is told of what waits for one: [{principal, channel, address, muted_until}]."""

    def set_contact(self, channel, address):
        """
        Be told by a channel of what waits for one, at an address as the channel has it. Returns {channel, changed};
        one that is there as given stays as it is.
        """

    def drop_contact(self, channel):
        """Be told no more by a channel. Returns {channel, changed}; one that is not there changes nothing."""

    def mute_contact(self, channel, until):
        """Be told nothing by a channel until a time. Returns {channel, muted_until}."""

    def unmute_contact(self, channel):
        """Be told by a channel again from now on. Returns {channel, muted_until}, of which the second is None."""
