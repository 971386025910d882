"""What operators and approvers do, once for the runner and the command line.

A client acts as one identity, (provider, subject). Whether that may do what it asks for is decided in the
database; so is what the caller's login proves about it. Answers are plain dicts and lists, times ISO 8601
in UTC.
"""

import datetime
from contextlib import contextmanager

from . import config, db, intake
from .errors import ConfigError

DEFAULT_LIMIT = 50


class Client:
    """Acts on the database ``conn`` (see db.connect) as ``subject`` of ``provider``."""

    def __init__(self, conn, provider, subject):
        self._conn = conn
        self._identity = (provider, subject)

    @classmethod
    def of_login(cls, conn):
        """A client that acts as the person whose PostgreSQL login the connection uses."""
        row = conn.execute("SELECT session_user::text AS subject").fetchone()
        return cls(conn, "pg", row["subject"])

    def request(self, request_type, minions, packages, reason, after=None, external_ref=None):
        """
        Submit a request: every one of ``packages`` on every one of ``minions``.

        minions, packages, after
            As intake.minions(), intake.packages() and intake.after() take them.
        external_ref
            Its key in another system; the same key again answers with the request made first.

        Returns the request as show() does.
        """
        request_type = intake.text("the request type", request_type)
        ids = intake.minions(minions)
        wanted = intake.packages(packages)
        reason = intake.text("the reason", reason)
        after = intake.after(after)
        external_ref = intake.optional_text("external_ref", external_ref)
        items = [(minion, name, version) for minion in ids for name, version in wanted.items()]
        number = db.value(
            self._conn,
            "submit_request",
            *self._identity,
            request_type,
            reason,
            [minion for minion, _, _ in items],
            ["package"] * len(items),
            [name for _, name, _ in items],
            [version for _, _, version in items],
            after,
            self._identity[0],
            external_ref,
        )
        return self.show(number)

    def approve(self, request_id, comment="", digest=None):
        """
        Approve the current stage; ``digest`` of the items that were reviewed binds the decision to them.
        """
        return self._decide(request_id, "approve", comment, digest)

    def reject(self, request_id, comment="", digest=None):
        """Reject the request, which ends it."""
        return self._decide(request_id, "reject", comment, digest)

    def cancel(self, request_id, comment=""):
        """Take back a request that is not in force yet."""
        number = intake.request_id(request_id)
        comment = _comment(comment)
        state = db.value(self._conn, "cancel_request", *self._identity, number, comment)
        return {"request": number, "state": state}

    def list(self, state=None, minion=None, limit=DEFAULT_LIMIT):
        """The newest requests, of one state or one minion where given."""
        rows = db.call(
            self._conn,
            "list_requests",
            intake.optional_text("state", state),
            intake.optional_text("minion", minion),
            intake.limit(limit),
        )
        return [_plain(row) for row in rows]

    def show(self, request_id):
        """One request: its items, its chain, who decided, and what the minions proved."""
        return db.value(self._conn, "show_request", intake.request_id(request_id))

    def state(self, minion):
        """What is approved for a minion now and later, and what it last proved."""
        return db.value(self._conn, "show_state", intake.text("the minion id", minion))

    def types(self):
        """The request types, newest version each."""
        return [_plain(row) for row in db.call(self._conn, "list_types")]

    def minions(self):
        """The minions that requests may name."""
        return [_plain(row) for row in db.call(self._conn, "list_minions")]

    def add_minions(self, minions):
        """Make minions known; returns how many were new."""
        ids = intake.minions(minions)
        return {"known": len(ids), "added": db.value(self._conn, "put_minions", ids)}

    def audit(self, request_id):
        """Every act on a request, oldest first."""
        rows = db.call(self._conn, "audit_trail", intake.request_id(request_id))
        return [_plain(row) for row in rows]

    def verify_audit(self):
        """Where the audit's chains are broken; an empty list says that they are whole."""
        return [_plain(row) for row in db.call(self._conn, "verify_audit")]

    def export_audit(self):
        """The whole audit as JSON lines, one by one; audit.verify() checks them without the database."""
        return db.stream(self._conn, "export_audit")

    def audit_head(self):
        """The newest seal, {seal_no, sealed_at, hash}, or None: who keeps it can tell a rewritten audit."""
        rows = db.call(self._conn, "audit_head")
        return _plain(rows[0]) if rows else None

    def _decide(self, request_id, decision, comment, digest):
        number = intake.request_id(request_id)
        comment = _comment(comment)
        digest = intake.optional_text("digest", digest)
        state = db.value(self._conn, "decide", *self._identity, number, decision, comment, digest)
        return {"request": number, "state": state}


@contextmanager
def operator(opts, user):
    """
    A client for Salt's runner, to be used in a ``with``.

    opts
        The master's configuration; its ``approval:runner`` says where the database is.
    user
        Whom Salt names as the caller. That is a claim (anyone who is root on the master can make it), which
        the database counts as asserted.

    Afterwards what was done is sealed into the audit's global chain.
    """
    settings = (opts.get("approval") or {}).get("runner") or {}
    connection = config.connection(settings, "approval:runner", also=("provider",))
    if not isinstance(user, str) or not user:
        raise ConfigError("Salt does not say who calls this function: use salt-run, the API or salt-approval")
    with db.connect(connection) as conn:
        yield Client(conn, settings.get("provider", "salt"), user)
        db.call(conn, "seal_audit")


def _comment(value):
    return intake.text("the comment", value) if value else ""


def _plain(row):
    """A row with times as text, as JSON has them."""
    return {
        name: value.isoformat() if isinstance(value, datetime.datetime) else value
        for name, value in row.items()
    }


def without_nulls(answer):
    """An answer without the fields that are None, for Salt's outputters, which give each its own lines."""
    if isinstance(answer, dict):
        return {name: without_nulls(value) for name, value in answer.items() if value is not None}
    if isinstance(answer, list):
        return [without_nulls(value) for value in answer]
    return answer
