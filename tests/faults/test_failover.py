"""The primary dies and its standby takes over, while all go on with the same connection strings."""

import contextlib
import time

import psycopg
from approval_database import NAME
from crowd import reader, recorder
from psycopg.conninfo import make_conninfo

from saltext.approval import _core

TIMES = {"connect_timeout_ms": 1000, "timeout_ms": 1000}
SYNCHRONOUS = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"


class Cluster:
    """Takes the place of a Database: whichever of the servers takes writes."""

    def __init__(self, server, folders):
        self._server = server
        self._hosts = ",".join(str(folder / "socket") for folder in folders)

    def dsn(self, login=None):
        dsn = self._server.dsn_of(login, NAME)
        return make_conninfo(dsn, host=self._hosts, target_session_attrs="read-write")

    def connect(self, login=None):
        return psycopg.connect(self.dsn(login), autocommit=True)

    def execute(self, query, parameters=None, login=None):
        with self.connect(login) as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else None


def test_a_standby_takes_over(own_server, furnish, crowd, settle, times):
    failovers = times(1, 5)
    server, directory = own_server
    folders = [server.server.directory, *(directory / f"standby{number}" for number in range(failovers))]
    cluster = Cluster(server, folders)
    furnish(cluster)
    with contextlib.ExitStack() as stack:
        primary = server.server
        standby = follow(stack, primary, folders[1])
        busy = crowd(
            read=reader({"dsn": cluster.dsn("exporter"), **TIMES}),
            record=recorder({"dsn": cluster.dsn("returner"), **TIMES}),
            approver=cluster.dsn("bob"),
        )
        for number in range(failovers):
            busy.wait("return", 5)
            primary.kill()
            busy.wait("read-failed")
            standby.execute("SELECT pg_promote()")
            busy.wait("return", 5)
            primary = standby
            if number + 1 < failovers:
                standby = follow(stack, primary, folders[number + 2])
        settle(busy, cluster, failovers=failovers)


def test_a_snapshot_does_not_go_on_from_a_server_that_is_gone(own_server, furnish):
    """The last checkpoint's timeline is the old one until minutes after the promotion."""
    server, directory = own_server
    cluster = Cluster(server, [server.server.directory, directory / "standby"])
    furnish(cluster)
    path = str(directory / "snapshot")
    with contextlib.ExitStack() as stack:
        standby = follow(stack, server.server, directory / "standby")
        dsn = cluster.dsn("exporter")
        assert _core.snapshot_refresh(dsn, path)["built"]
        assert not _core.snapshot_refresh(dsn, path)["built"]
        # Writes enough that the checkpoint takes its time.
        server.server.execute(
            "SET synchronous_commit = remote_apply; CREATE TABLE ballast AS "
            "SELECT repeat('x', 500) FROM generate_series(1, 50000)"
        )
        server.server.kill()
        standby.execute("SELECT pg_promote()")
        assert standby.execute("SELECT timeline_id FROM pg_control_checkpoint()").strip() == "1"
        assert _core.snapshot_refresh(dsn, path)["built"]
        assert not _core.snapshot_refresh(dsn, path)["built"]


def follow(stack, primary, folder):
    """A standby without whose word the primary acknowledges nothing from now on."""
    standby = stack.enter_context(primary.standby(folder))
    primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
    primary.execute("SELECT pg_reload_conf()")
    deadline = time.monotonic() + 30
    while primary.execute(SYNCHRONOUS).strip() != "1":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return standby
