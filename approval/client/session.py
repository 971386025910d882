"""The client of a person who signed in on the web: what they see and decide there, by the token of their session.

Whose session it is, and so what they may do, the database finds out by the token: there is nothing here by which
anybody could act as somebody else. The methods are those of api.Client with the same names.
"""

from .. import db
from ..errors import Refused
from ..intake import items
from .api import DEFAULT_LIMIT, SHOWN_ITEMS
from .database import OF_MINIONS, OF_PLANS, columns, masked


class SessionClient:
    """
    What the person with a session can do on the connection ``conn`` (see db.connect).

    token
        Of the session, as bytes.
    masker
        Hides the secrets in what minions said.

    Each method raises Refused, with AP021 where there is no such session or it has ended, and Unavailable.
    """

    def __init__(self, conn, token, masker):
        self._conn = conn
        self._token = token
        self._masker = masker

    def whoami(self):
        """
        Whose session it is: {session: its number, name, provider, subject, assurance, credential, ends_at,
        can_be_surer: whether a sign-in of now would have a higher assurance, reads: {requests, values, job_log or
        audit, of what they may not read of all minions: the groups of minions of which they may}}. It ends the later
        for it.
        """
        return db.call(self._conn, "use_session", self._token)[0]

    def watch(self, request_id=None):
        """
        For a page that is open: what whoami() says, though the session does not last longer for it; and ``change``, a
        number that another one takes the place of when what is shown of a request changes, or (None) of what waits
        for people.
        """
        return db.call(self._conn, "watch_by_session", self._token, request_id)[0]

    def inbox(self, limit=DEFAULT_LIMIT, after=None):
        """See Client.inbox(); times are datetimes."""
        return db.call(self._conn, "inbox_by_session", self._token, after, limit)

    def show(self, request_id, outcomes=None, after=None, limit=SHOWN_ITEMS):
        """
        See Client.show(); besides, ``stage`` is the number of the stage that it is at, and ``may`` says of approve,
        reject and review: {yes, in_stead_of} or {yes: False, code, why_not, hint}.
        """
        shown = db.value(
            self._conn, "show_request_by_session", self._token, request_id, outcomes, after and list(after), limit
        )
        return masked(shown, OF_MINIONS, self._masker)

    def values(self, request_id, after=None, limit=SHOWN_ITEMS):
        """See Client.values()."""
        # Two transactions: nothing is shown before the first has committed.
        look = db.value(self._conn, "note_look_by_session", self._token, request_id)
        shown = db.value(self._conn, "show_values", look, after and list(after), limit)
        return masked(shown, OF_MINIONS, self._masker)

    def plan(self, request_id):
        """See Client.plan()."""
        return masked(db.value(self._conn, "show_plan_by_session", self._token, request_id), OF_PLANS, self._masker)

    def decide(self, request_id, decision, comment, digest, stage):
        """
        Approve or reject what was shown: the items with this digest, at the stage of this number; the same again
        changes nothing. Gives the state after.
        """
        return db.value(self._conn, "decide_by_session", self._token, request_id, decision, comment, digest, stage)

    def review(self, request_id, comment):
        """Record the review that an emergency needs afterwards."""
        db.value(self._conn, "review_by_session", self._token, request_id, comment)

    def list(self, state=None, minion=None, limit=DEFAULT_LIMIT, mine=False, before=None, decided=False):
        """See Client.list(); times are datetimes."""
        return db.call(self._conn, "list_requests_by_session", self._token, state, minion, mine, decided, before, limit)

    def cancel(self, request_id, comment):
        """Take a request of theirs back, see Client.cancel(); gives what became of it."""
        return db.value(self._conn, "cancel_by_session", self._token, request_id, comment)

    def revert(self, request_id, minions, reason, request_type, overlap, key=None):
        """
        Ask to restore what held before a request, see Client.revert(); gives the number of the new one.

        key
            Of the form in which it was asked for, if it was: the same form again is the same request.
        """
        return db.value(
            self._conn, "revert_by_session", self._token, request_id, minions, reason, request_type, overlap, key
        )

    def types(self):
        """
        The types in which something can be asked for: [{type, title, kind, pre_approved, may_request, requesters,
        stages}].
        """
        return db.call(self._conn, "list_types_by_session", self._token)

    def type(self, name):
        """See Client.type()."""
        return db.value(self._conn, "show_type_by_session", self._token, name)

    def what_if(self, request_type, minions, requester=None):
        """See Client.what_if(); the requester is by default the person themselves."""
        return db.value(self._conn, "what_if_by_session", self._token, request_type, requester, minions)

    def replay(self, definition, limit=DEFAULT_LIMIT):
        """See Client.replay(); raises Refused with AP017, too, where the policy could not have this definition."""
        return db.call(self._conn, "replay_type_by_session", self._token, db.json(definition), limit)

    def request(self, request_type, minions, given, reason, after, overlap, key, digest=None):
        """
        Submit a request of what is ``given``, {argument: value} as items.of_type() takes it, and give its number.

        key
            Of the form in which it was asked for: the same form again is the same request.
        digest
            Of what tried() has shown for it: of anything else no request is made.

        Raises InputError besides.
        """
        wanted = items.of_type(self.type(request_type)["definition"], given)
        return db.value(
            self._conn,
            "submit_request_by_session",
            self._token,
            request_type,
            reason,
            *columns(minions, wanted),
            after,
            overlap,
            key,
            digest,
        )

    def tried(self, request_type, minions, *asked):
        """
        The request that request() would submit, as show() has it, with ``would_be``, the answer of what_if(): nothing
        is submitted. ``request`` is None, or the number of the one that this form has made before.
        """
        with db.translated(), self._conn.transaction(force_rollback=True):
            shown = self.show(self.request(request_type, minions, *asked))
        return {
            **shown,
            "request": shown["request"] if self._is_there(shown["request"]) else None,
            "would_be": self.what_if(request_type, len(minions)),
        }

    def groups(self):
        """The groups of minions: [{minion_group, title, minions: how many}]."""
        return db.call(self._conn, "list_groups_by_session", self._token)

    def group(self, name):
        """The names of the minions of a group."""
        return [row["minion_id"] for row in db.call(self._conn, "list_group_by_session", self._token, name)]

    def packages(self, pattern, minion=None, limit=DEFAULT_LIMIT):
        """See Client.packages()."""
        return db.call(self._conn, "search_packages_by_session", self._token, pattern, minion, limit)

    def minions(self, part=None, after=None, limit=DEFAULT_LIMIT):
        """
        Minions in the order of their names: [{minion_id, os, os_release, seen_at, revision, standings, silent_since}].

        part
            Only those that have this text in their names; where it has one or two characters, that begin with it.
        after
            Only those that come behind this name.
        """
        return db.call(self._conn, "list_minions_by_session", self._token, part, after, limit)

    def minion(self, minion):
        """
        What Client.state() says of a minion, and besides its system, its groups, what it is late with, and as
        ``requests`` those that want something of it which is not proven yet.
        """
        shown = db.value(self._conn, "show_minion_by_session", self._token, minion)
        return masked(shown, OF_MINIONS, self._masker)

    def returns(self, minion, before=None, limit=DEFAULT_LIMIT):
        """See Client.returns(), of one minion; times are datetimes."""
        rows = db.call(self._conn, "list_returns_by_session", self._token, minion, before and list(before), limit)
        return masked(rows, OF_MINIONS, self._masker)

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
        """See Client.jobs(); times are datetimes."""
        place = before or (None, None)
        return db.call(
            self._conn, "list_jobs_by_session", self._token, minion, start, until, fun, user, request_id, *place, limit
        )

    def compliance(self):
        """
        {group of minions: {standing: how many}}, of all minions under None; see Client.compliance() for the standings.
        """
        counts = {None: {}}
        for row in db.call(self._conn, "compliance_by_session", self._token):
            counts.setdefault(row["minion_group"], {})[row["standing"]] = row["minions"]
        return counts

    def out_of_line(self, standing=None, group=None, after=None, limit=DEFAULT_LIMIT):
        """
        Deviations from what is approved, the longest first: [{minion_id, standing, kind, name, expected, observed,
        since, last_seen, why}], times are datetimes.

        standing, group
            Only those that are ``drifting``, ``failed`` or ``silent``; only of the minions of a group.
        after
            (since, minion, standing, kind, name), as texts: only what comes behind it.
        """
        rows = db.call(self._conn, "out_of_line_by_session", self._token, limit, standing, group, after and list(after))
        return masked(rows, OF_MINIONS, self._masker)

    def calendar(self, start, until, limit=DEFAULT_LIMIT):
        """
        What is on between two times, as JSON has it: {events: [{kind: window or freeze, name, starts_at, ends_at,
        types, minion_group, reason}], so many at the most; held: [{request, type, reason, until, by}], approved
        requests that wait for an opening now; calendars: as Client.calendars() has them}.
        """
        return db.value(self._conn, "show_calendar_by_session", self._token, start, until, limit)

    def next_opening(self, request_id):
        """
        When a request may be applied next: [{opens_at: a datetime, or None where none is known, text: the cause}], one
        for each cause.
        """
        return db.call(self._conn, "next_opening_by_session", self._token, request_id)

    def acts(self, stream=None, who=None, act=None, start=None, until=None, before=None, limit=DEFAULT_LIMIT):
        """
        What the audit has, the newest first: [{stream: the number of a request, or 0 for policy and inventory, seq, at,
        actor, assurance, act, detail, hash}].

        stream, who, act, start, until
            Only of one stream; by a principal, an identity or a login; of a kind; between two times.
        before
            (at, stream, seq): only what comes behind that.
        """
        place = before or (None, None, None)
        return db.call(self._conn, "list_audit_by_session", self._token, stream, who, act, start, until, *place, limit)

    def act(self, stream, seq):
        """
        One entry of the audit whole: besides its content ``gives_hash``, whether that gives its hash; ``is_sealed``,
        whether a seal covers it; and ``last``, the number of the last entry of its stream.
        """
        return db.value(self._conn, "show_audit_entry_by_session", self._token, stream, seq)

    def verify_audit(self, head, seconds):
        """
        Recompute the whole audit: {problem_count, problems: the first of them, as Client.verify_audit() has them, head:
        {seal_no, sealed_at, hash} or None, unsealed: how many streams have acts that no seal covers, kept: the number
        of the seal that has the hash ``head``, None: none}.

        Raises Refused besides: with 57014 where so many seconds do not suffice, and with 55P03 while somebody else does
        it.
        """
        with db.translated(), self._conn.transaction():
            self._conn.execute("SELECT pg_catalog.set_config('statement_timeout', %s, true)", (f"{seconds}s",))
            return db.value(self._conn, "verify_audit_by_session", self._token, head)

    def export_audit(self):
        """See Client.export_audit()."""
        return db.stream(self._conn, "export_audit_by_session", self._token)

    def health(self):
        """
        What the database knows of how all goes: {findings: [{severity, subject, problem, remedy}], as `salt-approval
        check` has them; numbers: [{name, labels, value}], as engine/metrics.py names them}.
        """
        return db.value(self._conn, "show_health_by_session", self._token)

    def sessions(self):
        """Their sessions, the last used first: [{session, provider, address, began_at, seen_at, ends_at, present}]."""
        return db.call(self._conn, "list_sessions", self._token)

    def end(self, session=None):
        """End a session of theirs by its number, or (None) this one; tells whether there was one."""
        return db.value(self._conn, "end_session", self._token, session)

    def end_others(self):
        """End all of their sessions but this one; gives how many."""
        return db.value(self._conn, "end_other_sessions", self._token)

    def tokens(self):
        """Their tokens of the API, the newest first: [{token: number, title, scopes, made_at, used_at, ends_at}]."""
        return db.call(self._conn, "list_api_tokens", self._token)

    def make_token(self, new, title, scopes, days):
        """
        Make ``new``, as api_token.new() gives it, a token by which programs act for them; gives its number. The
        session has to be authenticated.

        title
            What they call it.
        scopes
            What it is for: some of ``read``, ``request`` and ``decide``.
        days
            So long it lasts, 90 at the most.
        """
        return db.value(self._conn, "make_api_token", self._token, new.encode(), title, scopes, days)

    def end_token(self, number=None):
        """End a token of theirs by its number, or (None) all of them; gives how many there were."""
        return db.value(self._conn, "end_api_token", self._token, number)

    def delegations(self):
        """Delegations by them and to them: [{delegation, from_principal, to_principal, starts_at, ends_at}]."""
        return db.call(self._conn, "list_delegations_by_session", self._token)

    def delegate(self, to, until, start=None):
        """See Client.delegate(), with datetimes; the session has to be authenticated. Gives its number."""
        return db.value(self._conn, "delegate_by_session", self._token, to, start, until)

    def undelegate(self, number):
        """End a delegation of theirs before its time; tells whether it was still open."""
        return db.value(self._conn, "end_delegation_by_session", self._token, number)

    def _is_there(self, number):
        try:
            self.show(number, limit=1)
        except Refused:
            return False
        return True


class TokenClient(SessionClient):
    """
    The same for a program that has a token of the API, as far as that is for it; each method raises Refused with AP022
    where it is not.

    token
        The token as text.
    """

    def __init__(self, conn, token, masker):
        super().__init__(conn, token.encode(), masker)

    def whoami(self):
        """Whose token it is: {token: its number, name, provider, subject, assurance, credential, scopes, ends_at}."""
        return db.call(self._conn, "use_api_token", self._token)[0]

    def once(self, scope, key, content, work):
        """
        What ``work`` gives, JSON that is kept for a day in the transaction of what it does: the same call again, which
        has the same key and content, is given that and does nothing.

        scope
            What the token has to be for.
        content
            The sha256 of all that the call says.
        """
        call = (self._token, scope, key)
        with db.translated(), self._conn.transaction():
            known = db.value(self._conn, "begin_api_call", *call, content)
            if known is not None:
                return known
            answer = work()
            db.value(self._conn, "end_api_call", *call, content, db.json(answer))
            return answer
