"""The client on a connection to the database.

Whether an identity may do what it asks for is decided there; so is what the caller's login proves about it. What
somebody typed is parsed here, once, before it goes there.
"""

import contextlib
import datetime
import fnmatch

from .. import db
from ..errors import ConfigError, InputError, Refused
from ..intake import durations, fields, items, masking
from ..settings import Settings
from .api import DEFAULT_LIMIT, SHOWN_ITEMS, Client

# The parts of answers that are in the words of minions, in which secrets may be: a state's comment may be the command
# that it ran, with its output.
OF_MINIONS = frozenset({"text", "observed", "findings", "why"})
NOT_OF_MINIONS = frozenset({"value", "before"})  # what was asked for, with names of its own
OF_PLANS = frozenset({"changes", "comment"})
OF_QUARANTINE = frozenset({"minion", "jid", "fun", "reason"})


class DatabaseClient(Client):
    """
    The Client that acts on the database ``conn`` (see db.connect) as ``subject`` of ``provider``.

    masker
        Hides the secrets in what minions said: masking.of_site() where the configuration of the site is known.
    """

    def __init__(self, conn, provider, subject, masker=masking.usual):
        self._conn = conn
        self._identity = (provider, subject)
        self._masker = masker

    @classmethod
    def of_login(cls, conn):
        """A client that acts as the person whose PostgreSQL login the connection uses."""
        row = conn.execute("SELECT session_user::text AS subject").fetchone()
        return cls(conn, "pg", row["subject"])

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
        request_type = fields.text("the request type", request_type, "one of `types`")
        minions = fields.minions(minions)
        reason = fields.text("the reason", reason, "reason='...'")
        after = fields.time("after", after)
        external_ref = fields.optional_text("external_ref", external_ref)
        on_behalf_of = fields.optional_text("on_behalf_of", on_behalf_of)
        overlap = fields.optional_text("overlap", overlap)
        rollout = fields.rollout(rollout)
        given = {"packages": packages, "services": services, "values": values, "parameters": parameters}
        columns = self._items(request_type, None, minions, given)

        def submit():
            return self.show(
                db.value(
                    self._conn,
                    "submit_request",
                    *self._identity,
                    request_type,
                    reason,
                    *columns,
                    after,
                    self._identity[0],
                    external_ref,
                    on_behalf_of,
                    overlap,
                    None if rollout is None else db.json(rollout),
                )
            )

        return self._tried(submit, request_type, len(minions)) if fields.flag("dry_run", dry_run) else submit()

    def amend(self, request_id, minions, packages=None, comment="", *, services=None, values=None, parameters=None):
        number = fields.request_id(request_id)
        minions = fields.minions(minions)
        shown = self.show(number)
        given = {"packages": packages, "services": services, "values": values, "parameters": parameters}
        columns = self._items(shown["type"], shown["type_version"], minions, given)
        db.value(self._conn, "amend_request", *self._identity, number, *columns, _comment(comment))
        return self.show(number)

    def resolve(self, request_id, other, resolution):
        number = fields.request_id(request_id)
        resolution = fields.text("the resolution", resolution, "supersede or wait")
        db.call(self._conn, "resolve_overlap", *self._identity, number, fields.request_id(other), resolution)
        return self.show(number)

    def cancel(self, request_id, comment=""):
        number = fields.request_id(request_id)
        state = db.value(self._conn, "cancel_request", *self._identity, number, _comment(comment))
        return {"request": number, "state": state}

    def revert(self, request_id, minions=None, reason=None, request_type="revert", overlap=None):
        number = db.value(
            self._conn,
            "revert_request",
            *self._identity,
            fields.request_id(request_id),
            None if minions is None else fields.minions(minions),
            fields.optional_text("the reason", reason),
            fields.text("the request type", request_type),
            fields.optional_text("overlap", overlap),
        )
        return self.show(number)

    def approve(self, request_id, comment="", digest=None, stage=None):
        return self._decide(request_id, "approve", comment, digest, stage)

    def reject(self, request_id, comment="", digest=None, stage=None):
        return self._decide(request_id, "reject", comment, digest, stage)

    def review(self, request_id, comment=""):
        number = fields.request_id(request_id)
        db.call(self._conn, "review_request", *self._identity, number, _comment(comment))
        return self.show(number)

    def break_glass(self, request_id, comment):
        number = fields.request_id(request_id)
        comment = fields.text("the comment", comment, "comment='...'")
        db.call(self._conn, "break_glass", *self._identity, number, comment)
        return self.show(number)

    def delegate(self, to, until, start=None):
        to = fields.text("whom to delegate to", to, "the name of a principal")
        start, until = fields.time("start", start), fields.time("until", until)
        return {"delegation": db.value(self._conn, "delegate", *self._identity, to, start, until)}

    def undelegate(self, delegation):
        number = fields.request_id(delegation, "delegation")
        ended = db.value(self._conn, "end_delegation", *self._identity, number)
        return {"delegation": number, "ended": ended}

    def delegations(self):
        return self._rows("list_delegations")

    def readings(self):
        return db.value(self._conn, "show_readings")

    def list(self, state=None, minion=None, limit=DEFAULT_LIMIT, mine=False, before=None, decided=False):
        return self._rows(
            "list_requests",
            fields.optional_text("state", state),
            fields.optional_text("minion", minion),
            self._whoami() if fields.flag("mine", mine) else None,
            self._whoami() if fields.flag("decided", decided) else None,
            None if before is None else fields.request_id(before),
            fields.count("limit", limit),
        )

    def inbox(self, person=None, limit=DEFAULT_LIMIT, after=None):
        page = (None if after is None else fields.request_id(after), fields.count("limit", limit))
        if person is None:
            return self._rows("inbox", *self._identity, *page)
        return self._rows("inbox_of", fields.text("whose", person), None, *page)

    def show(self, request_id, outcomes=None, after=None, limit=SHOWN_ITEMS):
        shown = db.value(
            self._conn,
            "show_request",
            fields.request_id(request_id),
            None if outcomes is None else fields.texts("outcomes", outcomes),
            None if after is None else fields.texts("after", after),
            fields.count("limit", limit),
        )
        return self._masked(shown, OF_MINIONS)

    def values(self, request_id, after=None, limit=SHOWN_ITEMS):
        after = None if after is None else fields.texts("after", after)
        limit = fields.count("limit", limit)
        # Two transactions: nothing is shown before the first has committed.
        look = db.value(self._conn, "note_look", *self._identity, fields.request_id(request_id))
        return self._masked(db.value(self._conn, "show_values", look, after, limit), OF_MINIONS)

    def returns(
        self, minion=None, verdict=None, flagged=None, since=None, before=None, limit=DEFAULT_LIMIT, every=False
    ):
        rows = self._rows(
            "list_returns",
            fields.optional_text("minion", minion),
            fields.optional_text("verdict", verdict),
            None if flagged is None else fields.flag("flagged", flagged),
            fields.time("since", since),
            None if before is None else fields.texts("before", before),
            fields.count("limit", limit),
            fields.flag("every", every),
        )
        return self._masked(rows, OF_MINIONS)

    def quarantine(self, minion=None, since=None, before=None, limit=DEFAULT_LIMIT):
        rows = self._rows(
            "list_quarantine",
            fields.optional_text("minion", minion),
            fields.time("since", since),
            None if before is None else fields.request_id(before, "return"),
            fields.count("limit", limit),
        )
        return self._masked(rows, OF_QUARANTINE)

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
        place = (None, None)
        if before is not None:
            place = fields.texts("before", before)
            if len(place) != 2:
                raise InputError("before: give the time and the number of the last job of the page before")
            place = (fields.time("before", place[0]), place[1])
        return self._rows(
            "list_jobs",
            fields.optional_text("minion", minion),
            fields.lately("start", start),
            fields.lately("until", until),
            fields.optional_text("fun", fun),
            fields.optional_text("user", user),
            None if request_id is None else fields.request_id(request_id),
            *place,
            fields.count("limit", limit),
        )

    def plan(self, request_id):
        return self._masked(db.value(self._conn, "show_plan", fields.request_id(request_id)), OF_PLANS)

    def plan_items(self, request_id, sample=None):
        return self._rows(
            "plan_items", fields.request_id(request_id), None if sample is None else fields.count("sample", sample)
        )

    def put_plan(self, request_id, digest, answers):
        number = fields.request_id(request_id)
        db.value(self._conn, "put_plan", *self._identity, number, digest, db.json(answers))

    def state(self, minion):
        shown = db.value(self._conn, "show_state", fields.text("the minion id", minion, "one of `minions`"))
        return self._masked(shown, OF_MINIONS)

    def why(self, minion, resource):
        kind, name = fields.resource(resource)
        shown = db.value(self._conn, "why", fields.text("the minion id", minion, "one of `minions`"), kind, name)
        return self._masked(shown, OF_MINIONS)

    def types(self):
        return self._rows("list_types")

    def type(self, name, version=None):
        version = None if version is None else fields.count("version", version)
        return db.value(self._conn, "show_type", fields.text("the request type", name, "one of `types`"), version)

    def what_if(self, request_type, minions=1, requester=None):
        request_type = fields.text("the request type", request_type, "one of `types`")
        count = fields.count("minions", minions)
        requester = fields.optional_text("the requester", requester)
        if requester is None:
            requester = self._whoami()
        return db.value(self._conn, "what_if", request_type, requester, count)

    def replay(self, definition, limit=DEFAULT_LIMIT):
        return self._rows("replay_type", db.json(definition), fields.count("limit", limit))

    def freezes(self):
        return self._rows("list_freezes")

    def calendars(self):
        return self._rows("list_calendars")

    def minions(self):
        return self._rows("list_minions")

    def add_minions(self, minions):
        ids = fields.minions(minions)
        return {"known": len(ids), "added": db.value(self._conn, "put_minions", ids)}

    def remove_minions(self, minions, yes=False, comment="", accepted=()):
        known = {row["minion_id"] for row in self.minions()}
        ids = []
        for given in fields.minions(minions):
            found = [given] if given in known else sorted(fnmatch.filter(known, given))
            if not found:
                raise InputError(f"{given!r} is no minion that is known, nor a pattern of any")
            ids += found
        ids = list(dict.fromkeys(ids))
        kept = [minion for minion in ids if minion in set(accepted)]
        if kept:
            raise InputError(
                f"the key of {kept[0]!r} is accepted, so the engine would make it known again: delete it first, "
                "as with salt-key --delete"
            )
        if not fields.flag("yes", yes):
            return {"removed": 0, "minions": ids}
        removed = db.value(self._conn, "remove_minions", *self._identity, ids, _comment(comment))
        return {"removed": removed, "minions": ids}

    def audit(self, request_id=None):
        number = 0 if request_id in (None, 0, "0") else fields.request_id(request_id)
        return self._rows("audit_trail", number)

    def verify_audit(self):
        return self._rows("verify_audit")

    def export_audit(self):
        return db.stream(self._conn, "export_audit")

    def audit_head(self):
        rows = self._rows("audit_head")
        return rows[0] if rows else None

    def compliance(self, limit=DEFAULT_LIMIT):
        counts = self._rows("compliance")
        return {
            "minions": {row["standing"]: row["minions"] for row in counts},
            "resources": sum(row["resources"] or 0 for row in counts),
            "out_of_line": self._masked(self._rows("out_of_line", fields.count("limit", limit)), OF_MINIONS),
        }

    def outbox(self, state=None, limit=DEFAULT_LIMIT):
        return self._rows("list_outbox", fields.optional_text("state", state), fields.count("limit", limit))

    def retry_outbox(self, thread, destination="salt"):
        thread = fields.thread(thread)
        destination = fields.text("the destination", destination)
        return {
            "thread": thread,
            "retried": db.value(self._conn, "retry_outbox", *self._identity, destination, thread),
        }

    def drop_outbox(self, thread, destination):
        thread = fields.thread(thread)
        destination = fields.text("the destination", destination, "destination=chat")
        return {
            "thread": thread,
            "dropped": db.value(self._conn, "drop_outbox", *self._identity, destination, thread),
        }

    def reinstalls(self, minion=None, limit=DEFAULT_LIMIT):
        return self._rows("list_reinstalls", fields.optional_text("minion", minion), fields.count("limit", limit))

    def rollout(self, request_id):
        number = fields.request_id(request_id)
        shown = db.value(self._conn, "show_rollout", number)
        if shown is None:
            raise InputError(f"request {number} has no rollout: its minions are not sent in waves")
        return shown

    def resume(self, request_id, decision, comment):
        number = fields.request_id(request_id)
        decision = fields.text("the decision", decision, "go-on or give-up")
        comment = fields.text("the comment", comment, "comment='...'")
        db.value(self._conn, "resume_rollout", *self._identity, number, decision, comment)
        return self.rollout(number)

    def pause_all(self, comment):
        db.call(self._conn, "pause_all", *self._identity, fields.text("the comment", comment, "comment='...'"))
        return self.paused()

    def resume_all(self, comment):
        db.call(self._conn, "resume_all", *self._identity, fields.text("the comment", comment, "comment='...'"))
        return self.paused()

    def paused(self):
        rows = self._rows("sending_paused")
        return {"paused": bool(rows), **(rows[0] if rows else {})}

    def catch_ups(self, minion=None, limit=DEFAULT_LIMIT):
        return self._rows("list_catch_ups", fields.optional_text("minion", minion), fields.count("limit", limit))

    def minion(self, minion):
        return db.value(self._conn, "show_minion", fields.text("the minion id", minion, "one of `minions`"))

    def packages(self, pattern, minion=None, limit=DEFAULT_LIMIT):
        return self._rows(
            "search_packages",
            fields.text("a part of the name", pattern, "the name of a package"),
            fields.optional_text("minion", minion),
            fields.count("limit", limit),
        )

    def sync_packages(self, minions=None):
        since = self._conn.execute("SELECT clock_timestamp() AS now").fetchone()["now"]
        wanted = db.value(self._conn, "want_catalogs", None if minions is None else fields.minions(minions))
        return plain({"wanted": wanted, "since": since})

    def sync_progress(self, since, minions=None):
        minions = None if minions is None else fields.minions(minions)
        return self._rows("catalog_progress", minions, fields.time("since", since))[0]

    def alarms(self, minion=None, kind=None, state=None, since=None, before=None, limit=DEFAULT_LIMIT):
        return self._rows(
            "list_alarms",
            fields.optional_text("state", state),
            fields.optional_text("kind", kind),
            fields.optional_text("minion", minion),
            fields.time("since", since),
            None if before is None else fields.request_id(before, "alarm"),
            fields.count("limit", limit),
        )

    def busy(self, minion=None):
        return db.value(self._conn, "busy", fields.optional_text("minion", minion))

    def acknowledge(self, alarm, comment):
        number = fields.request_id(alarm, "alarm")
        comment = fields.text("the comment", comment, "comment='...'")
        db.call(self._conn, "acknowledge_alarm", *self._identity, number, comment)
        return {"alarm": number, "state": "acknowledged"}

    def mute(self, alarm, until, comment):
        number = fields.request_id(alarm, "alarm")
        until = fields.time("until", until)
        comment = fields.text("the comment", comment, "comment='...'")
        db.call(self._conn, "mute_alarm", *self._identity, number, until, comment)
        return {"alarm": number, "state": "muted"}

    def contacts(self):
        return self._rows("list_contacts", *self._identity)

    def set_contact(self, channel, address):
        channel = fields.channel(channel)
        address = fields.text("the address", address, "address=..., as T0123ABCD/U0456EFGH or bob@example.com")
        return {
            "channel": channel,
            "changed": db.value(self._conn, "put_contact", *self._identity, None, channel, address),
        }

    def drop_contact(self, channel):
        channel = fields.channel(channel)
        return {"channel": channel, "changed": db.value(self._conn, "drop_contact", *self._identity, None, channel)}

    def mute_contact(self, channel, until):
        until = fields.time("until", until)
        if until is None:
            raise InputError("say until when: until=2026-12-24T12:00")
        return self._muted(fields.channel(channel), until)

    def unmute_contact(self, channel):
        return self._muted(fields.channel(channel), None)

    def _muted(self, channel, until):
        db.call(self._conn, "mute_contact", *self._identity, channel, until)
        return {"channel": channel, "muted_until": until and until.isoformat()}

    def _tried(self, submit, request_type, count):
        """The answer that ``submit`` would give, in a transaction that is rolled back; see request()."""
        with db.translated(), self._conn.transaction(force_rollback=True):
            shown = submit()
        # One with the same external_ref was there before, and still is.
        number = shown["request"] if self._is_there(shown["request"]) else None
        return {**shown, "request": number, "would_be": self.what_if(request_type, count)}

    def _is_there(self, number):
        try:
            self.show(number)
        except Refused:
            return False
        return True

    def _items(self, request_type, version, minions, given):
        """The items as the four columns that the database takes."""
        return columns(minions, items.of_type(self.type(request_type, version)["definition"], given))

    def _whoami(self):
        return db.value(self._conn, "whoami", *self._identity)

    def _masked(self, answer, names):
        return masked(answer, names, self._masker)

    def _rows(self, function, *args):
        return [plain(row) for row in db.call(self._conn, function, *args)]

    def _decide(self, request_id, decision, comment, digest, stage):
        number = fields.request_id(request_id)
        comment = _comment(comment)
        digest = fields.optional_text("digest", digest)
        stage = None if stage is None else fields.count("stage", stage)
        state = db.value(self._conn, "decide", *self._identity, number, decision, comment, digest, stage)
        return {"request": number, "state": state}


@contextlib.contextmanager
def operator(opts, user):
    """
    A client for Salt's runner, to be used in a ``with``.

    opts
        The master's configuration; its ``approval:runner`` says where the database is.
    user
        The caller as Salt names them. The name is a claim (anyone who is root on the master can make it), which
        the database counts as asserted.
    """
    settings = Settings.from_master(opts)
    connection = settings.connection("runner")
    if not isinstance(user, str) or not user:
        raise ConfigError("Salt does not say who calls this function: use salt-run, the API or salt-approval")
    with db.connect(connection) as conn:
        yield DatabaseClient(conn, settings.provider(), user, masking.of_site(settings.masking_patterns))


def columns(minions, wanted):
    """What items.of_type() gave, on each of the minions, as the four columns that the database takes."""
    rows = [(minion, *item) for minion in minions for item in wanted]
    return [[row[column] for row in rows] for column in range(4)]


def masked(answer, names, masker):
    """The answer with the secrets hidden in all that stands under one of these names."""
    if isinstance(answer, list):
        return [masked(content, names, masker) for content in answer]
    if not isinstance(answer, dict):
        return answer
    hidden = {name: masker.masked_data(answer[name]) for name in names.intersection(answer)}
    others = {name: masked(answer[name], names, masker) for name in answer.keys() - names - NOT_OF_MINIONS}
    return {**answer, **others, **hidden}


def _comment(value):
    return fields.text("the comment", value) if value else ""


def plain(value):
    """A value, or all in a row or list, as JSON has it: times in ISO 8601, durations in words."""
    if isinstance(value, dict):
        return {name: plain(content) for name, content in value.items()}
    if isinstance(value, list):
        return [plain(content) for content in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return durations.text(value)
    return value
