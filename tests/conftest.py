"""The fixtures of all tests: a private PostgreSQL server, and in it a new database with the schema for each test.

APPROVAL_POOLER=yes puts a PgBouncer in transaction mode between them and the server, as `make faults` does.
"""

import contextlib
import importlib.util
import logging
import os
import pathlib
import sys

import psycopg
import pytest
import salt._logging

# Importing Salt adds a finder of the old kind, without find_spec(), which pytest's importlib mode calls; it stays, as
# Salt 3006 finds its own Tornado by it. And a handler that writes what was logged when all is over, to a stream that
# pytest has closed by then.
for finder in sys.meta_path:
    if not hasattr(finder, "find_spec"):
        finder.find_spec = lambda name, path=None, target=None, finder=finder: (
            importlib.util.spec_from_loader(name, finder) if finder.find_module(name, path) else None
        )
salt._logging.shutdown_temp_handler()
# Salt has the root logger take each of its many steps; with pytest's handlers that takes longer than the steps.
logging.getLogger("salt").setLevel(logging.WARNING)
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
# The stand-ins of other systems, which tests import as ``standins``; last, so that no folder here hides a module.
sys.path.append(str(pathlib.Path(__file__).resolve().parent))

from approval_database import NAME, ApprovalDatabase  # noqa: E402
from private_pgbouncer import PrivatePgBouncer  # noqa: E402
from run_directory import RunDirectory  # noqa: E402

# One login for each role, and three people.
LOGINS = {
    "exporter": "approval_exporter",
    "returner": "approval_returner",
    "minion_returner": "approval_minion_returner",
    "operator": "approval_operator",
    "policy_admin": "approval_policy_admin",
    "engine": "approval_engine",
    "itsm": "approval_itsm",
    "chat": "approval_chat",
    "portal": "approval_portal",
    "auditor": "approval_auditor",
    "alice": "approval_person",
    "bob": "approval_person",
    "carol": "approval_person",
}
_COUNTS = pytest.StashKey()


class Database:
    """
    A database with the schema and nothing in it. A login is a key of LOGINS, or None for the superuser, who always
    reaches the server itself.
    """

    def __init__(self, server, name, pooler=None):
        self._server = server
        self._pooler = pooler
        self.name = name

    @property
    def options(self):
        """The settings beside the connection string."""
        return {"prepare": False} if self._pooler else {}

    def dsn(self, login=None, direct=False):
        """The libpq connection string of a login; direct: past the pooler."""
        dsn = self._server.dsn_of(login, self.name)
        return self._pooler.through(dsn) if self._pooler and login and not direct else dsn

    def connect(self, login=None):
        """A new psycopg connection in autocommit mode, for a `with` statement."""
        connection = psycopg.connect(self.dsn(login), autocommit=True)
        # Statements that were prepared would be there for others behind a pooler, or not for this one.
        connection.prepare_threshold = None
        return connection

    def execute(self, query, parameters=None, login=None):
        """Run one statement in a session of its own; its rows as tuples, or None if it gives none."""
        with self.connect(login) as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else None


@contextlib.contextmanager
def approval_server(directory):
    """An ApprovalDatabase below `directory` with the logins made."""
    with ApprovalDatabase(directory / "postgres") as server:
        for login, role in LOGINS.items():
            server.add_login(login, role)
        yield server


@pytest.fixture(scope="session")
def database_server():
    """The ApprovalDatabase that the databases of the tests are copied from."""
    with RunDirectory() as directory, approval_server(directory) as server:
        yield server


@pytest.fixture(scope="session")
def pooler(database_server):
    """A PrivatePgBouncer in front of the server of the tests."""
    with RunDirectory() as directory, PrivatePgBouncer(database_server.server, directory / "pgbouncer") as running:
        yield running


@pytest.fixture(scope="session")
def new_database(request, database_server):
    """
    A function that gives a context manager around a new Database, a copy of another if that is named; for fixtures of a
    wider scope.
    """

    pooler = request.getfixturevalue("pooler") if "APPROVAL_POOLER" in os.environ else None

    administration = Database(database_server, "postgres")

    @contextlib.contextmanager
    def create(name, template=NAME):
        # Copied as files, which costs the server less than a log of all that is in them.
        administration.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        try:
            yield Database(database_server, name, pooler)
        finally:
            administration.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    return create


@pytest.fixture
def own_server():
    """An ApprovalDatabase of this test's own, for tests that end it; and the folder in which others can be made."""
    with RunDirectory() as directory, approval_server(directory) as server:
        yield server, directory


@pytest.fixture
def database(new_database):
    """A Database of this test's own."""
    with new_database("test") as new:
        yield new


@pytest.fixture
def dsn_file(database, tmp_path):
    """A function that writes the connection string of a login to a file of mode 0600 and returns its path."""

    def write(login, direct=False):
        path = tmp_path / (f"{login}-direct.dsn" if direct else f"{login}.dsn")
        path.touch(mode=0o600)
        path.write_text(database.dsn(login, direct) + "\n")
        return path

    return write


@pytest.fixture
def settings_of(database, dsn_file):
    """A function that gives what stands in settings for a login to get to the database: its DSN file and options."""
    return lambda login: {"dsn_file": str(dsn_file(login)), **database.options}


@pytest.fixture
def print_counts(request):
    """A function that has counts of this test printed at the end, each under its name."""

    def note(**counts):
        text = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in counts.items())
        request.config.stash.setdefault(_COUNTS, []).append(f"{request.node.path.stem}::{request.node.name}: {text}")

    return note


def pytest_terminal_summary(terminalreporter, config):
    lines = config.stash.get(_COUNTS, [])
    if lines:
        terminalreporter.section("counts")
        for line in lines:
            terminalreporter.write_line(line)
