"""Entries of the spool that time out: what always does is set aside; nothing is while the database is slow for all."""

import contextlib

import pytest

from saltext.approval import _core, config
from saltext.approval.jobs import drain, late, packing, spool
from saltext.approval.jobs.database import JobDatabase

LOCKED = "SELECT pg_advisory_lock(hashtextextended(%s || '/' || %s, 0))"
RUNS = 60  # at most, until something is as it should be


@pytest.fixture
def drained(line, returner_in, monkeypatch):
    """A function that records what waits by calls that may take as long as given; returns the Drained."""
    monkeypatch.setattr(late, "AGAIN_S", 0.0)
    waiting = returner_in().spool

    def run(timeout_ms=400):
        settings = {**line.settings, "connect_timeout_ms": 400, "timeout_ms": timeout_ms}
        return drain.run(waiting, JobDatabase(config.connection(settings, "test")))

    return run


@pytest.fixture
def until(drained):
    """A function that drains again and again until what it is given holds."""

    def run(reached):
        for _ in range(RUNS):
            with contextlib.suppress(_core.Unavailable):
                drained()
            if reached():
                return
        raise AssertionError(f"not within {RUNS} runs")

    return run


@pytest.fixture
def job(returner_in):
    """(a returner in mode spool, the jid of a job of some minions that it has published)."""
    cache = returner_in(mode="spool")
    jid = cache.prep_jid()
    cache.save_load(jid, {"fun": "test.ping", "arg": [], "tgt": "*", "tgt_type": "glob"}, ["web1", "web2", "web3"])
    return cache, jid


def put(cache, jid, *minions):
    for minion in minions:
        load = {"id": minion, "jid": jid, "fun": "test.ping", "fun_args": [], "return": True, "retcode": 0}
        cache.spool.put("return", jid, packing.pack(load))


def names(database):
    return [row[0] for row in database.execute("SELECT minion_id FROM approval.job_return ORDER BY 1")]


def test_one_that_always_times_out_is_set_aside_while_others_are_recorded(job, drained, until, database):
    cache, jid = job
    with database.connect() as holder:
        holder.execute(LOCKED, (jid, "web2"))
        put(cache, jid, "web1", "web2", "web3")
        until(lambda: names(database) == ["web1", "web3"])
        assert not cache.spool.read(aside=True), "once is not always"
        more = iter(range(RUNS))

        def aside():
            put(cache, jid, f"more{next(more)}")
            return cache.spool.info()["aside"]

        until(aside)
        (entry,) = cache.spool.read(aside=True)
        assert packing.unpack(entry.payload)["id"] == "web2"
        assert "timed out 3 times" in entry.reason
        until(lambda: cache.spool.info()["entries"] == 0)
        assert "web2" not in names(database)
    assert cache.spool.retry(entry.seq)
    assert drained(5000).recorded == 1
    assert "web2" in names(database)


def test_several_beside_each_other_do_not_hide_behind_each_other(job, until, database):
    cache, jid = job
    slow = [f"slow{number}" for number in range(2 * late.IN_A_ROW)]
    with database.connect() as holder:
        for minion in slow:
            holder.execute(LOCKED, (jid, minion))
        put(cache, jid, *slow, "web1")
        more = iter(range(RUNS))

        def aside():
            put(cache, jid, f"more{next(more)}")
            return cache.spool.info()["aside"] == len(slow)

        until(aside)
        assert "web1" in names(database)


def test_nothing_overtakes_what_it_belongs_to(job, drained, database, monkeypatch):
    """Behind a return that times out wait those of the same minion; behind a load its whole job."""
    monkeypatch.setattr(late, "AGAIN_S", 3600.0)
    cache, jid = job
    other = str(int(jid) + 1)
    with database.connect() as holder:
        holder.execute(LOCKED, (jid, "web2"))
        put(cache, jid, "web1", "web2", "web3")
        put(cache, other, "web2", "web1")
        done = drained(5000)
        assert (done.recorded, done.late, done.finished) == (4, 2, True), "with the job's load"
        assert names(database) == ["web1", "web1", "web3"]
    passed = late.PassedOver()
    load, *returns = (_entry(1, "load", jid), _entry(2, "return", jid, "a"), _entry(3, "return", other, "b"))
    passed.add(load)
    assert [passed.holds(entry) for entry in returns] == [True, False]


def test_nothing_is_set_aside_while_all_time_out(job, drained, database):
    """Somebody rebuilds a table, say: the database answers, but records no return."""
    cache, jid = job
    drained(5000)
    with database.connect() as holder, holder.transaction():
        holder.execute("LOCK TABLE approval.job_return IN ACCESS EXCLUSIVE MODE")
        put(cache, jid, *(f"m{number}" for number in range(8)))
        for _ in range(4 * late.TRIES):
            with contextlib.suppress(_core.Unavailable):
                drained()
    assert (cache.spool.info()["aside"], cache.spool.info()["entries"]) == (0, 8)
    # One that timed out by itself comes after all others.
    assert sum(drained(5000).recorded for _ in range(2)) == 8


def test_nothing_is_set_aside_while_a_server_is_stopped(job, drained, database_server, line):
    cache, jid = job
    put(cache, jid, "web1", "web2")
    with database_server.server.suspended():
        for _ in range(2 * late.TRIES):
            with pytest.raises(_core.Unavailable):
                drained()
    line.cut()
    for _ in range(2 * late.TRIES):
        with pytest.raises(_core.Unavailable):
            drained()
    line.restore()
    assert (cache.spool.info()["aside"], cache.spool.info()["entries"]) == (0, 3)
    assert drained(5000).recorded == 3


def _entry(seq, kind, jid, minion=None):
    return spool.Entry(seq, kind, 0.0, jid, packing.pack({"id": minion}), None, 0.0)
