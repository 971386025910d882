"""Bring the database's schema to the version of this package.

The package ``saltext.approval.sql`` holds roles.sql, then migrations, applied once each in order, then one
file per function and grants.sql, applied whenever any of it changed. A migration and the record that it was
applied are one transaction; the record keeps the file's sha256, so that an edited file is found. An
advisory lock on the session that does it all keeps two upgrades apart and goes when that session does.
"""

import hashlib
import importlib.resources
import re
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from .errors import MigrationError

SQL_PACKAGE = "saltext.approval.sql"
MIGRATION_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
LOCK_KEY = 0x6170_7076  # any number, as long as it stays the same: "appv"
LOCK_TIMEOUT = "60s"
AS_OWNER = "SET LOCAL ROLE approval_owner"
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
GRANT SELECT ON approval.migration, approval.code_version TO
    approval_policy_admin, approval_operator, approval_person, approval_exporter,
    approval_returner, approval_minion_returner, approval_engine, approval_auditor;
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


@dataclass(frozen=True)
class Status:
    """
    How the database compares with this package.

    applied, pending: names of migrations. code_is_current: functions and grants are those of this package.
    problems: sentences that say why an upgrade is impossible. An empty database has nothing applied.
    """

    applied: list
    pending: list
    code_is_current: bool
    problems: list

    @property
    def is_current(self):
        """Whether there is nothing to do, and nothing wrong."""
        return self.code_is_current and not self.pending and not self.problems


class Schema:
    """The SQL of this version, or of the folder given (a Path or Traversable)."""

    def __init__(self, folder=None):
        folder = folder or importlib.resources.files(SQL_PACKAGE)
        self.roles = _script(folder / "roles.sql")
        self.migrations = [_script(file) for file in _sql_files(folder / "migrations")]
        self.code = [
            *(_script(file) for file in _sql_files(folder / "functions")),
            _script(folder / "grants.sql"),
        ]
        numbers = []
        for migration in self.migrations:
            match = MIGRATION_FILE.fullmatch(migration.name)
            if not match or match[1] in numbers:
                raise MigrationError(f"{migration.name} is not named NNNN_verb_noun.sql with a number of its own")
            numbers.append(match[1])

    @property
    def code_sha256(self):
        """The digest over all that is not a migration."""
        files = [self.roles, *self.code]
        return hashlib.sha256("\n".join(f"{file.name} {file.sha256}" for file in files).encode()).hexdigest()

    def status(self, conn):
        """Compare the database with this version; changes nothing."""
        exists = conn.execute("SELECT to_regclass('approval.migration') IS NOT NULL AS found").fetchone()["found"]
        if not exists:
            return Status([], [file.name for file in self.migrations], False, [])
        rows = conn.execute("SELECT migration_id, sha256 FROM approval.migration ORDER BY migration_id").fetchall()
        applied = {row["migration_id"]: row["sha256"] for row in rows}
        code = conn.execute("SELECT sha256 FROM approval.code_version").fetchone()
        pending = [file.name for file in self.migrations if file.name not in applied]
        return Status(
            list(applied),
            pending,
            bool(code) and code["sha256"] == self.code_sha256,
            self._problems(applied, pending),
        )

    def upgrade(self, conn, report=lambda line: None):
        """
        Apply what is missing; ``report`` is told each step. Returns whether anything was done.

        Needs a login that may create roles and schemas. Raises MigrationError; what was applied before
        stays, and the next try goes on from there.
        """
        with _locked(conn):
            status = self.status(conn)
            if status.problems:
                raise MigrationError("; ".join(status.problems))
            if status.is_current:
                return False
            _apply(conn, self.roles)
            with conn.transaction():
                conn.execute(AS_OWNER)
                conn.execute("SET LOCAL client_min_messages = warning")
                conn.execute(RECORDS)
            for migration in self.migrations:
                if migration.name in status.pending:
                    report(f"migration {migration.name}")
                    self._migrate(conn, migration)
            report(f"{len(self.code) - 1} functions and their grants")
            self._replace_code(conn)
            return True

    def _problems(self, applied, pending):
        known = {file.name: file.sha256 for file in self.migrations}
        problems = [
            f"the database has migration {name}, which this version does not know: it was upgraded by a newer one"
            for name in applied
            if name not in known
        ]
        problems += [
            f"migration {name} was changed after it was applied: restore the file as it was, and add a new one"
            for name, sha256 in applied.items()
            if known.get(name, sha256) != sha256
        ]
        problems += [
            f"migration {name} comes before some that are applied already: give it a higher number"
            for name in pending
            if applied and name < max(applied)
        ]
        return problems

    def _migrate(self, conn, migration):
        with conn.transaction():
            conn.execute(AS_OWNER)
            conn.execute("INSERT INTO approval.migration VALUES (%s, %s, now())", (migration.name, migration.sha256))
            _apply(conn, migration)

    def _replace_code(self, conn):
        with conn.transaction():
            conn.execute(AS_OWNER)
            # Functions call each other; which file comes first must not matter.
            conn.execute("SET LOCAL check_function_bodies = off")
            for script in self.code:
                _apply(conn, script)
            conn.execute(
                "INSERT INTO approval.code_version (sha256, applied_at) VALUES (%s, now()) "
                "ON CONFLICT (only_row) DO UPDATE "
                "SET sha256 = excluded.sha256, applied_at = excluded.applied_at",
                (self.code_sha256,),
            )


def _sql_files(folder):
    return sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)


def _script(file):
    return Script(file.name, file.read_text(encoding="utf-8"))


def _apply(conn, script):
    try:
        with conn.transaction():
            conn.execute(script.text)
    except psycopg.Error as exc:
        where = script.name
        if exc.diag.statement_position:
            where += f", line {script.text.count(chr(10), 0, int(exc.diag.statement_position)) + 1}"
        raise MigrationError(f"{where}: {exc.diag.message_primary or exc}") from None


@contextmanager
def _locked(conn):
    try:
        conn.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        conn.execute("SELECT pg_advisory_lock(%s)", (LOCK_KEY,))
        conn.execute("RESET lock_timeout")
    except psycopg.errors.LockNotAvailable:
        raise MigrationError("another upgrade of this database has been at work for a minute") from None
    try:
        yield
    finally:
        if not conn.closed:
            conn.execute("SELECT pg_advisory_unlock(%s)", (LOCK_KEY,))
