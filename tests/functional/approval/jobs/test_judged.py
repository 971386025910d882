"""A return that the database has not judged is never lost by an error that is not about this very return."""

import errno
import logging
import os
import signal
import time

import pytest

from saltext.approval import _core, config
from saltext.approval.jobs import drain, packing, spool, store
from saltext.approval.jobs.database import JobDatabase

NO_RETURN = {"cmd": "_return", "fun": "test.ping", "fun_args": [], "return": True, "retcode": 0, "success": True}
JID = "20261122150000000000"

BAD_IDS = {
    "a line break": "a\nb",
    "300 bytes": "x" * 300,
    "a NUL": "a\0b",
    "a slash": "a/b",
    "nothing": "",
    "no text": 7,
    "bytes": b"web1",
}


def returned(minion, jid=JID, **changes):
    return {**NO_RETURN, "id": minion, "jid": jid, **changes}


@pytest.fixture
def cache(returner_in):
    return returner_in(connect_timeout_ms=500)


@pytest.fixture
def drained(line, cache):
    """A function that records what waits; returns the Drained."""

    def run():
        line.restore()
        return drain.run(cache.spool, JobDatabase(config.connection(line.settings, "test")))

    return run


def stored(database):
    return database.execute("SELECT minion_id FROM approval.job_return ORDER BY 1")


@pytest.fixture
def dead(cache, line):
    """The database is away, and known to be: the settings of a call, as positional and named arguments."""
    line.cut()
    cache.returner(returned("first", cache.prep_jid()))
    connection = config.connection({**line.settings, "connect_timeout_ms": 500}, "test")
    return connection.conninfo, connection.options


def until_it_is_the_probe(call):
    """Make the call, which no database is needed to refuse, until it is the one that is let through."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            call()
        except _core.DataError as exc:
            return exc
        except _core.Unavailable:
            continue
    raise AssertionError("it was never let through")


@pytest.mark.parametrize("bad", BAD_IDS)
def test_a_bad_probe_and_then_fifty_good_returns(bad, cache, dead, drained, database, caplog):
    conninfo, options = dead
    packed = packing.pack(returned(BAD_IDS[bad]))
    refusal = until_it_is_the_probe(lambda: _core.record_return(conninfo, packed, **options))
    assert "names no minion" in str(refusal)
    with caplog.at_level(logging.ERROR), pytest.raises(_core.DataError, match="names no minion"):
        cache.returner(returned(BAD_IDS[bad]))
    assert "is refused: the return names no minion" in caplog.text
    for number in range(50):
        cache.returner(returned(f"good{number}", cache.prep_jid()))
    assert len(cache.spool.read()) == 51
    assert drained().aside == 0
    assert len(stored(database)) == 51


@pytest.mark.parametrize("names", [["x"] * 10_001, ["a\0b"]])
def test_documents_that_are_not_asked_for_tell_nothing_of_the_database(names, cache, dead):
    conninfo, options = dead
    until_it_is_the_probe(lambda: _core.documents(conninfo, names, **options))
    with pytest.raises(_core.Unavailable):
        _core.call(conninfo, "get_load", ["x"], **options)
    cache.returner(returned("web2"))
    assert len(cache.spool.read()) == 2


def test_a_pillar_after_a_bad_probe_comes_from_the_snapshot(approved, approve, dead, tmp_path):
    conninfo, options = dead
    approve(["web1"], {"hello": "1"})
    path = str(tmp_path / "snapshot")
    _core.snapshot_refresh(approved.dsn("exporter"), path)
    packed = packing.pack(returned("a\nb"))
    for bad in (
        lambda: _core.record_return(conninfo, packed, **options),
        lambda: _core.call(conninfo, "get_load", ["a\0b"], **options),
        lambda: _core.documents(conninfo, ["a\0b"], **options),
    ):
        until_it_is_the_probe(bad)
        document = _core.document(conninfo, "web1", snapshot=path, **options)
        assert (document["source"], document["packages"]) == ("snapshot", {"hello": "1"})
    with pytest.raises(_core.DataError):
        _core.document(conninfo, "a\0b", snapshot=path, **options)


FAILURES = {
    "a bug": TypeError("unsupported operand"),
    "no memory": MemoryError(),
    "no memory for a stack": RecursionError("maximum recursion depth exceeded"),
    "the end of the interpreter": RuntimeError("can't start new thread at interpreter shutdown"),
    "a disk": OSError(errno.EIO, "Input/output error"),
    "an error of ours": _core.Error("something new"),
    "data that is not this return": _core.DataError("the arrays differ in length"),
    "a signal": KeyboardInterrupt(),
    "an exit": SystemExit(1),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_whatever_is_raised_the_return_is_kept(failure, cache, drained, database, monkeypatch):
    raised = FAILURES[failure]

    def fail(*_args, **_kwargs):
        raise raised

    def give():
        jid = cache.prep_jid()
        cache.save_load(jid, {"fun": "test.ping", "arg": [], "tgt": "*", "tgt_type": "glob", "user": "root"}, ["web1"])
        cache.returner(returned("web1", jid))

    with monkeypatch.context() as patched:
        patched.setattr(_core, "call", fail)
        patched.setattr(_core, "Returns", fail)
        if isinstance(raised, Exception):
            give()
        else:
            with pytest.raises(type(raised)):
                give()
    kinds = [entry.kind for entry in cache.spool.read()]
    assert kinds == (["load", "return"] if isinstance(raised, Exception) else ["load"])
    done = drained()
    assert (done.recorded, done.aside) == (len(kinds), 0)


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), SystemExit(1)])
def test_a_signal_while_it_goes_to_the_spool(failure, cache, line, monkeypatch):
    line.cut()
    put, failures = spool.Spool.put, [failure]

    def interrupted(self, *args):
        if failures:
            raise failures.pop()
        return put(self, *args)

    monkeypatch.setattr(spool.Spool, "put", interrupted)
    with pytest.raises(type(failure)):
        cache.returner(returned("web1"))
    assert [entry.kind for entry in cache.spool.read()] == ["return"]


@pytest.mark.parametrize("harm", ["missing", "open to all", "empty", "half written"])
def test_settings_that_cannot_be_read_for_a_moment(harm, cache, line, database, tmp_path):
    path = tmp_path / "returner.dsn"
    text = path.read_text()
    if harm == "missing":
        path.rename(tmp_path / "away")
    elif harm == "open to all":
        path.chmod(0o644)
    else:
        path.write_text("" if harm == "empty" else text.split("=")[0] + "\n")
    cache.returner(returned("web1"))
    cache.event_return([{"tag": "t", "data": {}}])
    cache.clean_old_jobs()
    assert [entry.kind for entry in cache.spool.read()] == ["return", "events"]
    (tmp_path / "away").rename(path) if harm == "missing" else path.write_text(text)
    path.chmod(0o600)
    cache.clean_old_jobs()
    assert (cache.spool.read(), cache.spool.info()["aside"]) == ([], 0)


def test_nothing_is_set_aside_because_the_settings_are_wrong(cache, line):
    line.cut()
    cache.returner(returned("web1"))
    cache.returner(returned("web2"))
    broken = JobDatabase(config.Connection("host"))
    with pytest.raises(_core.DataError, match="settings"):
        drain.run(cache.spool, broken)
    assert (len(cache.spool.read()), cache.spool.info()["aside"]) == (2, 0)


def test_an_event_that_cannot_be_kept_takes_no_others_with_it(cache, database, caplog):
    events = [{"tag": "a", "data": {}}, {"tag": "b", "data": {"x": object()}}, {"data": {}}, {"tag": "c", "data": 1}]
    with caplog.at_level(logging.ERROR):
        cache.event_return(events)
    assert database.execute("SELECT tag FROM approval.event ORDER BY 1") == [("a",), ("c",)]
    assert cache.spool.info()["dropped_events"] == 2
    assert caplog.text.count("1 events are lost") == 2


def test_a_return_that_cannot_be_packed_is_refused_and_logged(cache, database, caplog):
    with caplog.at_level(logging.ERROR), pytest.raises(TypeError):
        cache.returner(returned("web1", **{"return": object()}))
    assert "The return of 'web1' for job '20261122150000000000' is refused" in caplog.text
    cache.returner(returned("web2"))
    assert cache.spool.read() == []


@pytest.mark.parametrize("jid", ["a\0b", 5, "x" * 300])
def test_odd_jids_fail_nothing(jid, cache, database, drained):
    cache.save_load(jid, returned("web1", jid))
    cache.returner(returned("web1", jid))
    cache.save_minions(jid, ["web1"], syndic_id="a\0b")
    cache.update_endtime(jid, "2026, Nov 22 15:00:01.000005")
    assert drained().aside == 0


@pytest.mark.parametrize("mode", ["database", "spool"])
def test_a_damaged_spool_stops_nothing_that_the_database_takes(mode, returner_in, database, spool_path, caplog):
    spool_path.mkdir(mode=0o700)
    (spool_path / "data.mdb").write_bytes(b"\xff" * 65536)
    cache = returner_in(mode=mode)
    cache.returner(returned("web1"))
    cache.event_return([{"tag": "t", "data": {}}])
    assert "The spool" in caplog.text
    assert database.execute("SELECT count(*) FROM approval.event") == [(1,)]
    quarantined = database.execute("SELECT count(*) FROM approval.quarantine")
    assert len(stored(database)) + quarantined[0][0] == 1


def test_spooled_jobs_are_read_in_parts(returner_in, line, monkeypatch):
    monkeypatch.setattr(spool, "PAGE", 3)
    monkeypatch.setattr(store, "PRUNED", 2)
    cache = returner_in(mode="spool")
    line.cut()
    jids = sorted(cache.prep_jid() for _ in range(20))
    load = {"fun": "test.ping", "arg": [], "tgt": "*", "tgt_type": "glob", "user": "root"}
    for jid in [*jids[::2], *jids[1::2]]:
        cache.save_load(jid, load, ["web1"])
        cache.returner(returned("web1", jid))
    cache.save_load(jids[0], load, ["web2"])
    assert list(cache.get_jids()) == jids[::-1]
    assert [job["JID"] for job in cache.get_jids_filter(4)] == jids[-4:]
    assert cache.get_load(jids[0])["Minions"] == ["web1", "web2"]
    assert len(list(cache.spool.find_all("load"))) == 21


def test_children_do_not_inherit_the_lock_of_a_drain(cache, drained, line):
    line.cut()
    cache.returner(returned("web1"))
    with drain._only_one(cache.spool.settings.path) as mine:
        assert mine
        child = os.fork()
        if child == 0:
            signal.pause()
            os._exit(0)
    try:
        assert drained().busy is False
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
