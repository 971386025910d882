"""Connections for commands and upgrades. Pillars and returns use ``_core`` alone."""

from contextlib import contextmanager, suppress

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row, tuple_row
from psycopg.types.json import Jsonb

from .errors import ConfigError, Refused, Unavailable

APPLICATION_NAME = "salt-approval"
CONNECT_TIMEOUT_MS = 5_000
GIVE_WAYS_MAX = 5
ROLES_OF = """
SELECT DISTINCT r.rolname FROM pg_catalog.pg_proc AS p, pg_catalog.pg_roles AS r
WHERE p.pronamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'approval') AND p.proname = %s
    AND starts_with(r.rolname, 'approval_') AND NOT r.rolcanlogin AND r.rolname <> 'approval_owner'
    AND pg_catalog.has_function_privilege(r.oid, p.oid, 'EXECUTE')
ORDER BY 1
"""
OUR_CLASS = "AP"  # SQLSTATEs that the functions of schema approval raise


def connect(connection, what="the approval database"):
    """
    Open a psycopg connection (autocommit, rows as dicts) to what config.connection() returned; ``what`` names it in
    errors.

    Raises ConfigError for a connection string that libpq does not understand, Unavailable otherwise.
    """
    seconds = -(-connection.options.get("connect_timeout_ms", CONNECT_TIMEOUT_MS) // 1000)
    try:
        given = conninfo_to_dict(connection.conninfo)
    except psycopg.Error:
        # libpq quotes the word that it stumbled over, which may be a password.
        raise ConfigError("the connection string is not one that libpq understands") from None
    given.setdefault("connect_timeout", max(2, seconds))
    given.setdefault("application_name", APPLICATION_NAME)
    try:
        # Nothing is prepared: behind a PgBouncer the next statement may run on another connection of the server.
        conn = psycopg.connect(make_conninfo(**given), autocommit=True, row_factory=dict_row, prepare_threshold=None)
        conn.execute("SET TIME ZONE 'UTC'")
        return conn
    except psycopg.OperationalError as exc:
        raise Unavailable(f"{what} cannot be reached: {_first_line(exc)}") from None


def call(conn, function, *args):
    """The rows of ``SELECT * FROM approval.<function>(args)`` as dicts. Raises as translated() does."""
    query = _query(function, args)
    with translated(lambda: _roles_of(conn, function)):
        # A call that is a transaction of its own did nothing when it had to give way to another one.
        alone = conn.info.transaction_status == TransactionStatus.IDLE
        for _ in range(GIVE_WAYS_MAX if alone else 0):
            with suppress(psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
                return conn.execute(query, args).fetchall()
        return conn.execute(query, args).fetchall()


def value(conn, function, *args):
    """The one value that the function returns."""
    (row,) = call(conn, function, *args)
    return next(iter(row.values()))


def json(content):
    """``content`` as an argument of type jsonb."""
    return Jsonb(content)


def stream(conn, function, *args):
    """Yield the one column that the function returns, row by row, however many there are."""
    query = _query(function, args)
    with translated(lambda: _roles_of(conn, function)), conn.cursor(row_factory=tuple_row) as cursor:
        for (content,) in cursor.stream(query, args):
            yield content


@contextmanager
def translated(roles=list):
    """
    Turn psycopg's errors into Refused (the server says no) and Unavailable (it says nothing). ``roles`` gives the names
    of the roles that may do what is tried, for whoever has none of them.
    """
    try:
        yield
    except psycopg.Error as exc:
        state = exc.sqlstate
        if state is None or state.startswith(("08", "57P")):
            raise Unavailable(f"the approval database went away: {_first_line(exc)}") from None
        if state.startswith(OUR_CLASS):
            hint = exc.diag.message_hint
            raise Refused(f"{_first_line(exc)}. {hint}" if hint else _first_line(exc), state) from None
        if state in ("3F000", "42883", "42P01"):
            text = "the database has no approval schema of this version: run salt-approval db upgrade"
            raise Refused(f"{text} ({_first_line(exc)})", state) from None
        if state == "42501":
            needed = " or ".join(roles())
            named = f" ({needed})" if needed else ""
            raise Refused(f"this login has not the role that it needs{named}: {_first_line(exc)}", state) from None
        raise Refused(f"the database refuses: {_first_line(exc)} (SQLSTATE {state})", state) from None


def _query(function, args):
    return sql.SQL("SELECT * FROM {}({})").format(
        sql.Identifier("approval", function), sql.SQL(", ").join([sql.Placeholder()] * len(args))
    )


def _roles_of(conn, function):
    """The group roles that may call the function; none where that cannot be asked now, inside a failed transaction."""
    if conn.info.transaction_status != TransactionStatus.IDLE:
        return []
    with suppress(psycopg.Error):
        return [row["rolname"] for row in conn.execute(ROLES_OF, (function,)).fetchall()]
    return []


def _first_line(exc):
    """The message without the context, which would show functions' insides."""
    if exc.diag.message_primary:
        return " ".join(exc.diag.message_primary.split())
    lines = str(exc).removeprefix("connection is bad: ").strip().splitlines()
    return lines[0] if lines else type(exc).__name__
