"""The fixtures of the tests with faults: a site with a policy and minions, a crowd that uses it, and the counts.

APPROVAL_FAULTS=full makes each fault happen as often as the promise says; otherwise each takes seconds.
"""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from crowd import Crowd
from ledger import POLICY, check
from run_directory import RunDirectory

MINIONS = [f"web{number}" for number in range(24)]


@pytest.fixture(scope="session")
def times():
    """A function that picks how often something happens: in `make test`, and in `make faults`."""
    full = os.environ.get("APPROVAL_FAULTS") == "full"
    return lambda few, many: many if full else few


@pytest.fixture(scope="session")
def minions():
    """The ids of the minions of a site."""
    return MINIONS


@pytest.fixture
def server(database_server):
    """The PrivatePostgres that the site is on, running again afterwards."""
    yield database_server.server
    if not database_server.server.running:
        database_server.server.start()


@pytest.fixture
def folder():
    """A folder on a disk, for this test."""
    with RunDirectory() as directory:
        yield directory


@pytest.fixture
def site(database, furnish):
    """A Database with POLICY and MINIONS."""
    furnish(database)
    return database


@pytest.fixture(scope="session")
def furnish():
    """A function that gives a Database the policy and the minions."""
    from saltext.approval import config, db
    from saltext.approval.policy import loader

    def put(database):
        with db.connect(config.Connection(database.dsn("policy_admin"))) as conn:
            loader.load(conn, loader.parse(POLICY))
        database.execute("SELECT approval.put_minions(%s)", (MINIONS,), login="operator")

    return put


@pytest.fixture
def crowd(tmp_path):
    """A function that starts a Crowd on a folder of this test's."""
    started = []

    def start(**settings):
        crowd = Crowd(tmp_path / f"crowd{len(started)}", MINIONS, **settings)
        started.append(crowd)
        crowd.start()
        return crowd

    yield start
    for crowd in started:
        crowd.kill()


@pytest.fixture
def settle(print_counts):
    """A function that ends the crowd, holds what it saw against the database, and has the counts printed."""

    def settle_up(crowd, database, **counts):
        crowd.stop()
        print_counts(**counts, **check(crowd.events(), database))

    return settle_up
