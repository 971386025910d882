"""The watch for reinstalled minions: what it makes of the master's events and keys."""

import pytest

from saltext.approval.engine.workers import reinstall
from saltext.approval.settings import Settings

OLD, NEW = "-----BEGIN PUBLIC KEY-----\nold\n-----END PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\nnew\n"


class Bus:
    """The events that the worker is to hear in front of its next round."""

    def __init__(self):
        self.events = []


@pytest.fixture
def bus(monkeypatch):
    monkeypatch.setattr(reinstall, "SETTLE_EVERY_S", 0.0)
    return Bus()


@pytest.fixture
def keys(master_opts, accept_key):
    """A function by which the master accepts a minion's key; some it has accepted."""
    for minion in ("web1", "not-ours"):
        accept_key(master_opts(), minion, OLD)
    return lambda minion, key: accept_key(master_opts(), minion, key)


@pytest.fixture
def worker(master_opts, bus, keys):
    worker = reinstall.worker(Settings.from_master(master_opts()))
    round_of_its_own = worker.round

    def hear_and_round():
        while bus.events:
            event = bus.events.pop(0)
            assert event["tag"].startswith(worker.events)
            worker.heard(event["tag"], event["data"])
        return round_of_its_own()

    worker.round = hear_and_round
    yield worker
    worker.close()


def auth(minion, key, act, result=True):
    return {"tag": "salt/auth", "data": {"id": minion, "pub": key, "act": act, "result": result}}


def accepted(minion):
    """The event of `salt-key --accept`."""
    return {"tag": "salt/key", "data": {"id": minion, "act": "accept", "result": True}}


def known_ids(acting):
    return {row["minion_id"] for row in acting.minions()}


def test_whose_key_is_accepted_becomes_known(worker, bus, acting, keys):
    """Also such as were accepted while nobody watched, by the keys of this very Salt."""
    worker.round()
    assert "not-ours" in known_ids(acting)
    keys("fresh1", NEW)
    bus.events += [accepted("fresh1")]
    worker.round()
    keys("fresh2", OLD)
    bus.events += [auth("fresh2", OLD, "accept")]
    worker.round()
    assert {"fresh1", "fresh2"} <= known_ids(acting)
    assert acting.request("flush", ["fresh1", "fresh2"], reason="a test")["state"] == "approved"
    bus.events += [auth("fresh1", OLD, "denied", False)]
    worker.round()
    assert [row["minion"] for row in acting.reinstalls()] == ["fresh1"], "another one under its name is noticed"


def test_who_is_unknown_comes_first(worker, keys, acting, monkeypatch, approved):
    for number in range(9):
        keys(f"web{number}", OLD)
    approved.execute("SELECT approval.put_minions(%s)", ([f"web{number}" for number in range(8)],), login="operator")
    monkeypatch.setattr(reinstall, "AT_ONCE", 2)
    worker.round()
    assert {"web8", "not-ours"} <= known_ids(acting)


def test_a_removed_minion_comes_back_once_its_key_is_accepted_again(
    worker, bus, acting, keys, delete_key, master_opts, approved, monkeypatch
):
    worker.round()
    remove = "SELECT approval.remove_minions('pg', 'policy_admin', '{web1}', 'gone')"
    delete_key(master_opts(), "web1")
    approved.execute(remove, login="policy_admin")
    bus.events += [auth("web1", OLD, "pend", False), accepted("web1")]
    monkeypatch.setattr(reinstall, "KEYS_EVERY_S", 0.0)
    worker.round()
    assert "web1" not in known_ids(acting)
    assert acting.reinstalls() == []
    monkeypatch.setattr(reinstall, "KEYS_EVERY_S", 3600.0)
    keys("web1", OLD)
    bus.events += [accepted("web1")]
    worker.round()
    assert "web1" in known_ids(acting)
    assert acting.reinstalls() == [], "as a new one"
    approved.execute(remove, login="policy_admin")
    monkeypatch.setattr(reinstall, "KEYS_EVERY_S", 0.0)
    worker.round()
    assert "web1" in known_ids(acting), "a key that is still accepted is found there"


def test_a_name_that_no_minion_may_have_stops_nothing(worker, bus, acting, keys):
    keys("a\nb", NEW)
    keys("fresh1", NEW)
    bus.events += [accepted("a\nb")]
    worker.round()
    assert "fresh1" in known_ids(acting)


def test_another_key_is_noticed_and_its_acceptance_too(worker, bus, acting, keys):
    bus.events += [auth("web1", OLD, "accept")]
    worker.round()
    assert acting.reinstalls() == []
    bus.events += [auth("web1", NEW, "denied", False), auth("web1", NEW, "denied", False)]
    worker.round()
    ((row),) = acting.reinstalls("web1")
    assert (row["state"], row["key"]) == ("waiting", reinstall.digest_of(NEW))
    keys("web1", NEW)
    bus.events += [auth("web1", NEW, "accept")]
    worker.round()
    (row,) = acting.reinstalls()
    assert row["state"] == "accepted"


def test_an_acceptance_that_the_master_knows_nothing_of(worker, bus, acting, approved):
    """Any minion can put it on the bus."""
    worker.round()
    bus.events += [auth("web1", NEW, "accept"), auth("web2", NEW, "accept"), auth("web1", OLD, "accept")]
    bus.events += [auth("made-up", NEW, "accept"), accepted("made-up"), accepted("web2")]
    worker.round()
    assert acting.reinstalls() == []
    known = approved.execute(
        "SELECT minion_id, key_digest FROM approval.minion WHERE key_digest IS NOT NULL ORDER BY 1"
    )
    assert known == [("not-ours", reinstall.digest_of(OLD)), ("web1", reinstall.digest_of(OLD))]
    assert "made-up" not in known_ids(acting)


def test_many_keys_are_read_bit_by_bit(worker, bus, keys, approved, monkeypatch):
    """Even if the connection ends in between; meanwhile the bus is heard."""
    monkeypatch.setattr(reinstall, "AT_ONCE", 1)
    keys("web2", NEW)
    bus.events += [auth("web3", NEW, "pend")]
    worker.round()
    assert not bus.events
    worker.close()
    for _ in range(3):
        worker.round()
    known = approved.execute("SELECT minion_id FROM approval.minion WHERE key_digest IS NOT NULL ORDER BY 1")
    assert known == [("not-ours",), ("web1",), ("web2",)]


def test_what_is_refused_is_not_accepted(worker, bus, acting):
    worker.round()
    bus.events += [auth("web1", NEW, "accept", False)]
    worker.round()
    assert [row["state"] for row in acting.reinstalls()] == ["waiting"]


def test_a_key_that_was_changed_while_nobody_watched(worker, bus, acting, keys, monkeypatch):
    worker.round()
    keys("web1", NEW)
    monkeypatch.setattr(reinstall, "KEYS_EVERY_S", 0.0)
    worker.round()
    assert [row["state"] for row in acting.reinstalls()] == ["accepted"]


def test_keys_are_looked_through_where_events_were_lost(worker, bus, acting, keys, monkeypatch):
    """Not at once: every minion can send more events than anybody reads."""
    worker.round()
    keys("web1", NEW)
    worker.missed()
    worker.round()
    assert acting.reinstalls() == []
    monkeypatch.setattr(reinstall, "KEYS_AGAIN_S", 0.0)
    worker.round()
    assert [row["state"] for row in acting.reinstalls()] == ["accepted"]
    listed = worker._keys_at
    worker.round()
    assert worker._keys_at == listed, "once"


def test_another_machine_id(worker, bus, acting, master_opts, remember_grains):
    remember_grains(master_opts(), "web1", {"machine_id": "one"})
    bus.events += [{"tag": "salt/minion/web1/start", "data": {}}]
    worker.round()
    assert acting.reinstalls() == []
    remember_grains(master_opts(), "web1", {"machine_id": "two"})
    worker._settled_at = None
    worker.round()
    assert [(row["state"], row["machine_id"]) for row in acting.reinstalls()] == [("accepted", "two")]


def test_odd_events_do_no_harm(worker, bus, acting):
    bus.events += [
        {"tag": "salt/auth", "data": {"id": 1, "pub": NEW, "act": "accept"}},
        {"tag": "salt/auth", "data": {"id": "web1", "pub": b"bytes"}},
        {"tag": "salt/auth", "data": {"act": "pend"}},
        {"tag": "salt/minion/start", "data": {}},
        auth("nobody", NEW, "pend"),
        auth("nobody", "\ud800", "pend"),
        auth("a\0b", NEW, "pend"),
        auth("a\ud800", NEW, "pend"),
        auth("../../x", NEW, "accept"),
        {"tag": "salt/minion/a\0b/start", "data": {}},
        {"tag": "salt/minion/\ud800/start", "data": {}},
    ]
    worker.round()
    assert acting.reinstalls() == []


def test_who_starts_after_it_was_told_to_reboot_is_asked_at_once(
    worker, bus, acting, published, returned, approved, master_opts
):
    from saltext.approval.engine.workers import dispatch

    sender = dispatch.worker(Settings.from_master(master_opts()))
    acting.request("reboot", ["web1"], reason="a test")
    sender.round()
    returned(published.jobs[0][0], "web1", {})
    sender.round()
    approved.execute("UPDATE approval.outbox SET due_at = '-infinity' WHERE state = 'waiting'")
    sender.round()
    sender.close()
    assert len(published.jobs) == 2
    bus.events += [{"tag": f"salt/minion/{minion}/start", "data": {}} for minion in ("web2", "web1")]
    worker.round()
    assert [job[1:4] for job in published.jobs[2:]] == [(["web1"], "approval.observe", [])]
