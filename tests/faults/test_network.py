"""Packets between master and server are lost: nobody says that the connection is gone."""

import namespace
import pytest
from crowd import reader, recorder
from psycopg.conninfo import make_conninfo
from relay import Relay

TIMES = {"connect_timeout_ms": 500, "timeout_ms": 500}
LONGEST_S = 2 * (0.5 + 0.5) + 2


def crowd_at(crowd, site, address, port, **settings):
    """A crowd that reaches the site's server at this address. Approvals are asked for where nothing is lost."""

    def dsn(login):
        return make_conninfo(site.dsn(login), host=address, port=port)

    return crowd(
        read=reader({"dsn": dsn("exporter"), **TIMES}),
        record=recorder({"dsn": dsn("returner"), **TIMES}),
        approver=site.dsn("bob"),
        **settings,
    )


def assert_bounded(busy):
    calls = [event for event in busy.events() if event["what"] in ("read", "read-failed", "return", "return-failed")]
    assert max(event["end"] - event["start"] for event in calls) < LONGEST_S


@pytest.fixture
def unix_socket(database_server):
    """The socket of the server."""
    return database_server.server.socket / ".s.PGSQL.5432"


def test_a_relay_drops_all(site, crowd, settle, times, unix_socket):
    cuts = times(2, 20)
    with Relay(unix_socket) as relay:
        busy = crowd_at(crowd, site, "127.0.0.1", relay.port)
        for _ in range(cuts):
            busy.wait("return", 5)
            relay.cut()
            # Each is let down twice: by a connection that it had, and by one that it tries to make.
            busy.wait("read-failed", 2)
            relay.mend()
        busy.wait("return", 5)
        assert_bounded(busy)
        settle(busy, site, cuts=cuts)


# The cable pulled; and the way back missing, so that the server does what is asked, but its answers are lost.
CUTS = {
    "cable": ("ip link set cable down", "ip link set cable up"),
    "way back": (f"ip route add blackhole {namespace.CLIENT}", f"ip route del blackhole {namespace.CLIENT}"),
}


@pytest.mark.parametrize("what", CUTS)
def test_a_namespace_is_cut_off(site, crowd, settle, times, unix_socket, what):
    reason = namespace.why_not()
    if reason:
        pytest.skip(reason)
    cut, mend = (command.split() for command in CUTS[what])
    cuts = times(1, 20)
    with namespace.Cable() as cable, Relay(unix_socket, namespace.SERVER, cable.server) as relay:
        busy = crowd_at(crowd, site, namespace.SERVER, relay.port, inside=cable.client)
        for _ in range(cuts):
            busy.wait("return", 5)
            cable.at_server(*cut)
            busy.wait("read-failed", 2)
            cable.at_server(*mend)
        busy.wait("return", 5)
        assert_bounded(busy)
        settle(busy, site, cuts=cuts)
