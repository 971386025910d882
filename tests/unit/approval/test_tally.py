"""Pillars are counted by many processes at once, and whatever goes wrong keeps nobody from being served."""

import os
import signal
import threading

import pytest

from saltext.approval import tally

ROUNDS = 200


@pytest.fixture(autouse=True)
def fresh():
    """Nothing is taken by this process, before and after."""
    tally._forget()
    yield
    tally._forget()


@pytest.fixture
def place(tmp_path):
    return tally.path(str(tmp_path))


def child(work):
    """The id of a process that does this, and ends with 0 if it could."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return pid


def ended(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_nobody_counted(place):
    assert tally.counted(place) == {}


def test_each_source_is_counted(place):
    for source in ("database", "snapshot", "database", "failed"):
        tally.count(place, source)
    assert tally.counted(place) == {"database": 2, "snapshot": 1, "failed": 1}
    assert os.stat(place).st_mode & 0o777 == 0o600


def test_processes_and_threads_lose_no_count(place):
    def work():
        threads = [
            threading.Thread(target=lambda: [tally.count(place, "database") for _ in range(ROUNDS)]) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    tally.count(place, "database")  # a slot that the children must not write into
    children = [child(work) for _ in range(5)]
    tally.count(place, "database")
    assert [ended(pid) for pid in children] == [0] * 5
    assert tally.counted(place)["database"] == 2 + 5 * 3 * ROUNDS


def test_what_a_process_counted_that_was_killed_stays(place):
    def work():
        tally.count(place, "snapshot")
        os.kill(os.getpid(), signal.SIGKILL)

    for _ in range(3):
        assert ended(child(work)) == -signal.SIGKILL
    assert tally.counted(place)["snapshot"] == 3


def test_a_slot_of_a_process_that_ended_is_counted_on(place, monkeypatch):
    monkeypatch.setattr(tally, "SLOTS", 1)
    for _ in range(3):
        assert ended(child(lambda: tally.count(place, "database"))) == 0
    assert tally.counted(place)["database"] == 3


def test_without_a_free_slot_nothing_is_counted(place, monkeypatch):
    monkeypatch.setattr(tally, "SLOTS", 1)
    tally.count(place, "database")
    assert ended(child(lambda: tally.count(place, "database"))) == 0
    assert tally.counted(place)["database"] == 1


def test_a_file_that_cannot_be_had_keeps_nobody_from_going_on(tmp_path):
    (tmp_path / "file").write_text("")
    tally.count(str(tmp_path / "file" / "pillars"), "database")
    kept = tmp_path / "kept"
    kept.write_text("kept")
    (tmp_path / "link").symlink_to(kept)
    tally.count(str(tmp_path / "link"), "database")
    assert kept.read_text() == "kept"
