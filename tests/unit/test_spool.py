"""The type Spool of the core: what it takes, gives and refuses, and its use by threads and children."""

import concurrent.futures
import os
import stat

import pytest

from saltext.approval import _core, spool

BOUND = 4 * 1024 * 1024


@pytest.fixture
def kept(tmp_path):
    opened = _core.Spool(str(tmp_path / "spool"), BOUND)
    yield opened
    opened.close()


def put(kept, kind="return", jid="1", payload=b"p", accepted=1.5):
    return kept.put([(kind, accepted, jid, payload)])


def test_entries_come_back_as_they_were(kept):
    assert kept.put([("load", 1.25, "Zürich", b"\0\xff"), ("events", 2.0, "", b"")]) == 1
    assert kept.read() == [(1, "load", 1.25, "Zürich", b"\0\xff", None, 0.0), (2, "events", 2.0, "", b"", None, 0.0)]
    assert kept.read(2) == kept.read(count=1, first=2) == kept.read()[1:]
    assert kept.find("Zürich") == kept.find(kind="load") == kept.read()[:1]
    assert kept.find("Z") == kept.find("Zürich", "return") == []
    assert (kept.has("Zürich"), kept.has("")) == (True, False)
    kept.remove([1, 2, 7])
    assert kept.read() == []


def test_what_is_set_aside(kept):
    put(kept)
    assert kept.set_aside(1, "why", 3.5) is True
    assert kept.set_aside(1, "why", 3.5) is False
    assert kept.read(aside=True) == [(1, "return", 1.5, "1", b"p", "why", 3.5)]
    assert kept.retry(1) == 2
    assert kept.retry(1) == 0
    kept.set_aside(2, "x" * 300, 3.5)
    assert kept.read(aside=True)[0][5] == "x" * 255
    assert kept.drop(2) is True
    assert kept.drop(2) is False


def test_info(kept, tmp_path):
    put(kept)
    put(kept, "load")
    kept.count_dropped(3)
    info = kept.info()
    assert info["kinds"] == {"load": 1, "return": 1, "minions": 0, "endtime": 0, "events": 0}
    assert (info["entries"], info["aside"], info["dropped_events"]) == (2, 0, 3)
    assert (info["oldest_seq"], info["oldest"], info["bound_bytes"]) == (1, 1.5, BOUND)
    assert 0 < info["used_bytes"] < BOUND
    files = (tmp_path / "spool").iterdir()
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        (("other", 1.0, "1", b""), _core.DataError),
        (("load", 1.0, "1" * 256, b""), _core.DataError),
        (("load", 1.0, "\udc80", b""), _core.DataError),
        (("load", float("nan"), "1", b""), _core.DataError),
        (("load", 1e300, "1", b""), _core.DataError),
        (("load", 1.0, "1", "text"), TypeError),
        (("load", 1.0, 1, b""), TypeError),
        (("load", 1.0, "1"), TypeError),
        ("load", TypeError),
    ],
)
def test_a_put_is_whole_or_refused(kept, entry, error):
    with pytest.raises(error):
        kept.put([("load", 1.0, "1", b""), entry])
    assert kept.info()["entries"] == 0


def test_refusals(kept, tmp_path):
    for bound in (1, -1):
        with pytest.raises(_core.DataError):
            _core.Spool(str(tmp_path / "other"), bound)
    with pytest.raises(_core.DataError):
        _core.Spool("/nowhere/at/all", BOUND)
    for call in (lambda: kept.put([]), lambda: kept.read(count=-1), lambda: kept.find(kind="x")):
        with pytest.raises(_core.DataError):
            call()
    for call in (lambda: kept.remove(["x"]), lambda: kept.remove(1), lambda: kept.retry("1"), lambda: kept.has(1)):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(OverflowError):
        kept.remove([-1])


def test_full(kept):
    with pytest.raises(_core.StoreError, match="the spool is full") as caught:
        put(kept, payload=bytes(BOUND))
    assert caught.value.code == "full"
    assert put(kept) == 1


def test_closed(kept):
    kept.close()
    kept.close()
    with pytest.raises(_core.DataError, match="closed"):
        put(kept)


def test_threads_take_turns(kept):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        seqs = list(pool.map(lambda number: put(kept, jid=str(number % 3)), range(100)))
    assert sorted(seqs) == list(range(1, 101))
    assert [entry[0] for entry in kept.read()] == sorted(seqs)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_has_to_open_its_own(kept):
    child = os.fork()
    if child == 0:
        try:
            put(kept)
        except _core.Unavailable as exc:
            os._exit(7 if exc.code == "forked" else 1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert put(kept) == 1


@pytest.mark.parametrize("jid", ["1", "", "x" * 1000, "ü" * 200, "\0", "\udc80", 20261122150000000000, None])
def test_every_jid_has_a_key(kept, jid):
    """Whatever a minion calls a job: it is stored and found."""
    key = spool.job_key(jid)
    put(kept, jid=key)
    assert kept.find(key) == (kept.read() if key else [])
