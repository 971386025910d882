"""Bring the database's schema to the version of this package.

The package ``saltext.approval.sql`` holds roles.sql, then migrations, applied once each in order, then one
file per function, in a folder per noun, one per view, and grants.sql, applied whenever any of it changed. All of
an upgrade is one transaction: it happens as a whole or not at all, however it ends, and other sessions see nothing
between the two versions. The record of each migration keeps the file's sha256, so that an edited file is found.

Code that the new version no longer has goes: functions, old overloads of them, views and triggers that no
migration made. What belongs to another owner, or lies in another schema, is not ours.
"""

import hashlib
import importlib.resources
import re
import time
from dataclasses import dataclass

import psycopg

from .. import __version__, db
from ..errors import MigrationError
from . import stale

SQL_PACKAGE = "saltext.approval.sql"
MIGRATION_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
LOCK_KEY = 0x6170_7076  # any number, as long as it stays the same: "appv"
LOCK_TIMEOUT = "60s"  # for another upgrade to end
# While a migration waits for a table, whoever wants that table waits behind it: rather briefly and often.
TABLE_TIMEOUT = "3s"
ATTEMPTS = 5
PAUSE_S = 2
AS_OWNER = "SET LOCAL ROLE approval_owner"
# The administrator's own settings are for other work than this.
SETTINGS = """
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL client_min_messages = warning;
SET LOCAL search_path = pg_catalog, pg_temp;
"""
# Made here and not by a migration, since it must be there before the first one.
RECORDS = """
CREATE TABLE IF NOT EXISTS approval.migration (
    migration_id text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL
);
COMMENT ON TABLE approval.migration IS 'The migrations applied, with the sha256 of each file.';
CREATE TABLE IF NOT EXISTS approval.code_version (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL
);
COMMENT ON TABLE approval.code_version IS
    'The sha256 over the files of roles, functions and grants that were applied last.';
"""
# What was granted on views to others than our group roles, for which see grants.sql: an administrator did that.
GIVEN = """
SELECT format('GRANT %%s ON %%s TO %%s%%s', a.privilege_type, c.oid::regclass, quote_ident(r.rolname),
    CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS statement
FROM pg_catalog.pg_class AS c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS a
JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
WHERE c.oid = to_regclass(%s) AND a.grantee <> c.relowner AND NOT starts_with(r.rolname, 'approval_')
"""
# Who is at an upgrade, or else has tables of ours in use; those first that have been so the longest.
HOLDERS = """
SELECT l.pid, concat_ws(', ', 'login ' || a.usename, nullif(a.application_name, ''), a.state,
    'since ' || to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')) AS session
FROM pg_catalog.pg_locks AS l LEFT JOIN pg_catalog.pg_stat_activity AS a USING (pid)
WHERE l.granted AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
    AND CASE WHEN %s THEN l.locktype = 'advisory' AND l.classid = 0 AND l.objid = %s
        ELSE l.relation IN (SELECT c.oid FROM pg_catalog.pg_class AS c
                            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                            WHERE n.nspname = 'approval') END
GROUP BY l.pid, a.usename, a.application_name, a.state, a.xact_start
ORDER BY a.xact_start NULLS LAST LIMIT 5
"""


@dataclass(frozen=True)
class Script:
    """A file of SQL."""

    name: str
    text: str

    @property
    def sha256(self):
        """The digest of its content."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def stem(self):
        """The name of the function or view that it makes."""
        return self.name.removesuffix(".sql")

    @property
    def title(self):
        """What it says of itself in its first line, or nothing."""
        first = self.text.partition("\n")[0]
        return first[2:].strip() if first.startswith("--") else ""


@dataclass(frozen=True)
class Status:
    """
    How the database compares with this package.

    applied, pending: names of migrations. code_is_current: functions and grants are those of this package.
    problems: sentences that say why an upgrade is impossible, and what to do. version, package_version: the
    version that wrote the database's functions (None: not recorded, as 0.1.0 did not) and this one. steps: what
    an upgrade does, in words. An empty database has nothing applied.
    """

    applied: list
    pending: list
    code_is_current: bool
    problems: list
    version: str | None
    package_version: str
    steps: list

    @property
    def is_current(self):
        """Whether there is nothing to do, and nothing wrong."""
        return self.code_is_current and not self.pending and not self.problems


class Schema:
    """The SQL of this version; or of the folder (a Path or Traversable) and the version given."""

    def __init__(self, folder=None, version=None):
        folder = folder or importlib.resources.files(SQL_PACKAGE)
        self.version = version or __version__
        self.roles = _script(folder / "roles.sql")
        self.migrations = [_script(file) for file in _sql_files(folder / "migrations")]
        self.functions = [_script(file) for file in _sql_files(folder / "functions")]
        self.views = [_script(file) for file in _sql_files(folder / "views")]
        self.grants = _script(folder / "grants.sql")
        self._made = stale.Made.by(self.migrations, [*self.functions, *self.views])
        numbers = []
        for migration in self.migrations:
            match = MIGRATION_FILE.fullmatch(migration.name)
            if not match or match[1] in numbers:
                raise MigrationError(f"{migration.name} is not named NNNN_verb_noun.sql with a number of its own")
            numbers.append(match[1])

    @property
    def code_sha256(self):
        """The digest over all that is not a migration."""
        files = [self.roles, *self.functions, *self.views, self.grants]
        return hashlib.sha256("\n".join(f"{file.name} {file.sha256}" for file in files).encode()).hexdigest()

    def status(self, conn):
        """Compare the database with this version; changes nothing, and any login of ours may ask."""
        exists = conn.execute("SELECT to_regclass('approval.migration') IS NOT NULL AS found").fetchone()["found"]
        if not exists:
            pending = [file.name for file in self.migrations]
            return Status([], pending, False, [], None, self.version, self._steps(pending, []))
        rows = conn.execute("SELECT migration_id, sha256 FROM approval.migration ORDER BY migration_id").fetchall()
        applied = {row["migration_id"]: row["sha256"] for row in rows}
        # Only a later migration made the column for the version.
        code = conn.execute(
            "SELECT c.sha256, to_jsonb(c) ->> 'version' AS version FROM approval.code_version AS c"
        ).fetchone()
        code = code or {"sha256": None, "version": None}
        pending = [file.name for file in self.migrations if file.name not in applied]
        code_is_current = code["sha256"] == self.code_sha256
        steps = [] if code_is_current and not pending else self._steps(pending, stale.unknown(conn, self._made))
        return Status(
            list(applied),
            pending,
            code_is_current,
            self._problems(applied, pending, code["version"]),
            code["version"],
            self.version,
            steps,
        )

    def upgrade(self, conn, report=lambda line: None, dry_run=False):
        """
        Do what is missing, in one transaction; ``report`` is told each step before it is done, and what went in
        the end. Returns whether anything was done. ``dry_run`` takes everything back when all went well.

        Needs a login that may create roles and schemas. Waits for another upgrade, and for tables in use, within
        bounds. Raises MigrationError; then everything is as it was.
        """
        tries, tell = 1, report
        while True:
            try:
                with conn.transaction(force_rollback=dry_run):
                    gone = self._upgrade(conn, tell)
                break
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                if tries == ATTEMPTS:
                    raise MigrationError(_in_use(conn)) from None
            except psycopg.OperationalError as exc:
                raise MigrationError(_interrupted(exc)) from None
            report("tables are in use by others: tried again in a moment")
            time.sleep(PAUSE_S)
            tries, tell = tries + 1, lambda line: None  # the steps were told
        for line in gone or []:
            report(line)
        return gone is not None

    def _upgrade(self, conn, report):
        """Lines that say what is no longer there; None if there was nothing to do."""
        conn.execute(SETTINGS)
        if conn.execute("SHOW transaction_read_only").fetchone()["transaction_read_only"] == "on":
            raise MigrationError(
                "this server takes no writes: name the primary, or add target_session_attrs=read-write"
            )
        _lock(conn)
        status = self.status(conn)
        if status.problems:
            raise MigrationError("; ".join(status.problems))
        if status.is_current:
            return None
        if status.applied:
            report(f"from version {_named(status.version)} to {self.version}, in one transaction")
        for line in status.steps:
            report(line)
        _apply(conn, self.roles)
        conn.execute(AS_OWNER)
        conn.execute(RECORDS)
        if status.applied:
            # Partitions come and go by this function, which then leaves it for later.
            conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('approval.maintain_jobs', 0))")
        for migration in self.migrations:
            if migration.name in status.pending:
                _apply(conn, migration)
                conn.execute(
                    "INSERT INTO approval.migration VALUES (%s, %s, now())", (migration.name, migration.sha256)
                )
        return self._replace_code(conn)

    def _replace_code(self, conn):
        before = stale.code(conn)
        # Functions call each other; which file comes first must not matter.
        conn.execute("SET LOCAL check_function_bodies = off")
        for script in self.functions:
            _apply(conn, script)
        _make_views(conn, self.views, same := self._same_views(conn))
        gone = stale.drop(conn, before, self._made, same)
        granted = stale.grants(conn)
        _apply(conn, self.grants)
        gone += [f"withdrew the grant of {privilege}" for privilege in sorted(granted - stale.grants(conn))]
        conn.execute(
            "INSERT INTO approval.code_version (sha256, applied_at, version, views) VALUES (%s, now(), %s, %s) "
            "ON CONFLICT (only_row) DO UPDATE SET sha256 = excluded.sha256, applied_at = excluded.applied_at, "
            "version = excluded.version, views = excluded.views",
            (self.code_sha256, self.version, db.json({view.stem: view.sha256 for view in self.views})),
        )
        return gone

    def _same_views(self, conn):
        """The names of the views that are there as this version has them."""
        row = conn.execute("SELECT views FROM approval.code_version").fetchone()
        applied = row["views"] if row else {}
        there = {row["name"] for kind, row in stale.code(conn).items() if kind[0] == "view"}
        return {view.stem for view in self.views if applied.get(view.stem) == view.sha256} & there

    def _steps(self, pending, unknown):
        titles = {file.name: file.title for file in self.migrations}
        return [
            *(f"migration {name}" + (f": {titles[name]}" if titles[name] else "") for name in pending),
            f"{len(self.functions)} functions, {len(self.views)} views and their grants",
            *(f"drop {name}, which this version does not have" for name in unknown),
        ]

    def _problems(self, applied, pending, version):
        known = {file.name: file.sha256 for file in self.migrations}
        newer = [name for name in applied if name not in known]
        if newer or _release(version) > _release(self.version):
            made_by = f"version {version}" if version else "a newer version"
            because = f" (it has migration {newer[-1]})" if newer else ""
            return [
                f"this database is of {made_by} of saltext-approval{because}, and {self.version} is installed here: "
                f"install {version or 'that version'} here. Databases are not downgraded; to go back, restore the "
                "backup made before its upgrade"
            ]
        odd = [name for name, sha256 in applied.items() if known[name] != sha256]
        odd += [name for name in pending if applied and name < max(applied)]
        if odd:
            return [
                f"this database was made by a development version of saltext-approval: its {', '.join(sorted(odd))} "
                f"is not that of a release, and {self.version} cannot upgrade it. Go on with the version that made "
                "it, or save its policy with that one (salt-approval policy show > policy.yaml) and its audit "
                "(audit export), make a new database with db init, and load the policy there; requests do not "
                "come along"
            ]
        return []


def _named(version):
    return version or "0.1.0"


def _release(version):
    """The numbers of a version, to compare; a version that is not known is older than any."""
    return tuple(int(number) for number in re.match(r"[0-9.]*", version or "")[0].split(".") if number)


def _sql_files(folder):
    """The files of SQL in a folder and below it, by name."""
    files = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    for below in folder.iterdir():
        files += _sql_files(below) if below.is_dir() else []
    return sorted(files, key=lambda file: file.name)


def _script(file):
    return Script(file.name, file.read_text(encoding="utf-8"))


def _apply(conn, script):
    """Run a file in the present transaction. An error names file and line, unless another try may mend it."""
    try:
        conn.execute(script.text)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
        raise
    except psycopg.OperationalError as exc:
        if conn.closed:
            raise
        raise _failure(script, exc) from None
    except psycopg.Error as exc:
        raise _failure(script, exc) from None


def _make_views(conn, views, same):
    """
    Make or replace the views but those that are the ``same`` already, each after those that it reads.

    PostgreSQL replaces no view in place of which columns went, moved or have another type: it is made anew, with
    those of ours that read it, and what an administrator granted on them.
    """
    left, given, is_dropped = [script for script in views if script.stem not in same], [], False
    while left:
        refused = {}
        for script in left:
            try:
                with conn.transaction():
                    conn.execute(script.text)
            except psycopg.ProgrammingError as exc:
                refused[script] = exc
        if len(refused) < len(left):
            left = list(refused)
            continue
        changed = {
            _view(script) for script, exc in refused.items() if isinstance(exc, psycopg.errors.InvalidTableDefinition)
        }
        if not changed or is_dropped:
            raise _failure(*next(iter(refused.items())))
        names = [_view(script) for script in views]
        given = [row["statement"] for name in names for row in conn.execute(GIVEN, (name,)).fetchall()]
        kept = stale.drop_in_turn(conn, [f"VIEW IF EXISTS {name}" for name in names])
        for name in changed:
            if users := kept.get(f"VIEW IF EXISTS {name}"):
                raise MigrationError(f"view {name} cannot be made anew: {users}. Drop that first. Nothing was changed")
        left, is_dropped = views, True
    for statement in given:
        conn.execute(statement)


def _view(script):
    return f"approval.{script.stem}"


def _failure(script, exc):
    where = script.name
    if exc.diag.statement_position:
        where += f", line {script.text.count(chr(10), 0, int(exc.diag.statement_position)) + 1}"
    text = f"{where}: {exc.diag.message_primary or exc}. Nothing was changed"
    if isinstance(exc, psycopg.errors.InsufficientPrivilege):
        text += ". Use the administrator's login that made the database"
    return MigrationError(text)


def _lock(conn):
    """Wait for another upgrade of this database to end; then set how long tables are waited for."""
    conn.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    try:
        # A savepoint, so that the other one can still be named.
        with conn.transaction():
            conn.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_KEY,))
    except psycopg.errors.LockNotAvailable:
        raise MigrationError(
            f"another upgrade of this database has been at work for {LOCK_TIMEOUT}: {_holders(conn, upgrades=True)}. "
            "Nothing was changed"
        ) from None
    conn.execute(f"SET LOCAL lock_timeout = '{TABLE_TIMEOUT}'")


def _in_use(conn):
    return (
        f"tables are in use: waited {ATTEMPTS} times {TABLE_TIMEOUT} for {_holders(conn)}. Nothing was changed. Wait "
        "for those sessions or end them (SELECT pg_terminate_backend(PROCESS)), then run salt-approval db upgrade again"
    )


def _holders(conn, upgrades=False):
    rows = conn.execute(HOLDERS, (upgrades, LOCK_KEY)).fetchall()
    names = [
        f"process {row['pid']} ({row['session']})" if row["pid"] else "a prepared transaction (see pg_prepared_xacts)"
        for row in rows
    ]
    return "; ".join(names) or "sessions that have ended meanwhile"


def _interrupted(exc):
    lines = (exc.diag.message_primary or str(exc)).strip().splitlines()
    return (
        f"the connection ended in the midst ({lines[0] if lines else type(exc).__name__}): run it again. The upgrade "
        "was either done as a whole or not at all; salt-approval db status says which"
    )
