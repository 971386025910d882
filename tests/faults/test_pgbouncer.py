"""A PgBouncer in transaction mode in front, with fewer connections than it has clients: `prepare: false`."""

import pytest
from crowd import reader, recorder

from saltext.approval import _core, config, db
from saltext.approval.client.database import DatabaseClient

UNPREPARED = {"prepare": False}


def test_all_goes_through_a_pooler_that_is_killed(site, pooler, crowd, settle, times):
    kills = times(2, 20)
    busy = crowd(
        read=reader({"dsn": pooler.through(site.dsn("exporter")), **UNPREPARED}),
        record=recorder({"dsn": pooler.through(site.dsn("returner")), **UNPREPARED}),
        approver=pooler.through(site.dsn("bob")),
    )
    for _ in range(kills):
        busy.wait("return", 10)
        pooler.kill()
        busy.wait("read-failed")
        pooler.start()
    busy.wait("return", 10)
    settle(busy, site, kills=kills)


def test_a_client_keeps_no_state_in_the_session(site, pooler):
    site.execute("ALTER DATABASE test SET timezone = 'Pacific/Chatham'")
    dsn = pooler.through(site.dsn("bob"))
    connections = [db.connect(config.Connection(dsn)) for _ in range(5)]
    people = [DatabaseClient(connection, "pg", "bob") for connection in connections]
    for number in range(10):
        for person in people:
            shown = person.request("standard", ["web1"], {"app": f"1.{number}"}, "a test", overlap="supersede")
            assert shown["submitted_at"].endswith("+00:00")
            assert all(row["submitted_at"].endswith("+00:00") for row in person.list())
    for connection in connections:
        connection.close()


def test_the_error_names_the_setting(site, pooler):
    def read_as_many_clients():
        for name in range(20):
            _core.document(f"{exporter} application_name=client{name}", "web1")

    exporter = pooler.through(site.dsn("exporter"))
    with pytest.raises(_core.DatabaseError, match="behind PgBouncer set prepare to false"):
        read_as_many_clients()
