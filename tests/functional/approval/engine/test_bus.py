"""The reader of the master's events, with a real event bus of Salt's, and workers that are slow."""

import contextlib
import multiprocessing
import sys
import tempfile
import threading
import time

import pytest
import salt.config
import salt.transport
import salt.utils.event

from saltext.approval.engine import bus
from saltext.approval.engine.runner import Runner
from saltext.approval.engine.worker import WORKERS, Worker
from saltext.approval.settings import Settings

BOUND_S = 120


def until(condition, bound_s=BOUND_S):
    """Wait for the thing itself."""
    deadline = time.monotonic() + bound_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


class Hearing(Worker):
    """Notes what it hears; waits before each event for what is to be waited for."""

    every_s = 600.0
    events = ("salt/auth", "salt/minion/")

    def __init__(self):
        self.heard_events = []
        self.misses = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.error = None

    def round(self):
        return None

    def missed(self):
        self.misses += 1

    def heard(self, tag, data):
        assert self.go_on.wait(BOUND_S)
        if self.error:
            raise self.error
        self.heard_events.append((tag, data))


@pytest.fixture
def reader():
    """A Bus that no master sends anything; events are handed to it."""
    return bus.Bus(Settings.from_master({"sock_dir": "/nonexistent"}), threading.Event())


@pytest.fixture
def hearing(monkeypatch):
    """A function that runs a Hearing worker on a Bus; gives it, and its runner."""
    with contextlib.ExitStack() as stack:

        def run(reader, name="hearing"):
            worker = Hearing()

            class Module:
                pass

            Module.worker = staticmethod(lambda settings: worker)
            monkeypatch.setitem(WORKERS, name, name)
            monkeypatch.setitem(sys.modules, name, Module)
            runner = Runner(Settings.from_master({}), name, reader)
            runner.thread.start()
            stack.callback(runner.thread.join, BOUND_S)
            stack.callback(runner.stop)
            stack.callback(worker.go_on.set)
            until(lambda: runner.inbox is not None)
            return worker, runner

        yield run


def test_a_worker_hears_what_it_named_in_order(reader, hearing):
    worker, _ = hearing(reader)
    for number in range(100):
        reader.hear(f"salt/minion/web{number}/start", {"n": number})
        reader.hear("salt/job/1/ret/web1", {"n": number})
    until(lambda: len(worker.heard_events) == 100)
    assert worker.heard_events == [(f"salt/minion/web{number}/start", {"n": number}) for number in range(100)]
    assert worker.misses == 1, "whatever was before it came"


def test_a_slow_worker_holds_up_neither_the_bus_nor_another(reader, hearing, monkeypatch, caplog):
    monkeypatch.setattr(bus, "MAX_EVENTS", 10)
    (slow, its_runner), (quick, _) = hearing(reader, "slow"), hearing(reader, "quick")
    slow.go_on.clear()
    for number in range(100):
        reader.hear("salt/auth", {"n": number})
        until(lambda number=number: len(quick.heard_events) == number + 1)
    assert its_runner.inbox.dropped >= 100 - 10 - 1, "one was being heard"
    slow.go_on.set()
    until(lambda: slow.misses == 2 and len(slow.heard_events) >= 10)
    assert len(slow.heard_events) + its_runner.inbox.dropped == 100
    assert [event[1]["n"] for event in slow.heard_events[:10]] == list(range(10)), "the newest are dropped"
    assert caplog.text.count("worker slow is too slow for the master's events") == 1
    until(lambda: "worker slow hears all events again" in caplog.text)
    assert "quick" not in caplog.text


def test_an_inbox_is_bounded_in_bytes_too(reader):
    inbox = reader.open_inbox("x", ("salt/",), lambda: None)
    data = {"x": "y" * (bus.MAX_EVENT_BYTES // 2)}
    for _ in range(1000):
        reader.hear("salt/auth", data)
    assert inbox.dropped >= 1000 - bus.MAX_BYTES / (bus.MAX_EVENT_BYTES // 2)
    kept = 0
    while inbox.take():
        kept += 1
    assert kept + inbox.dropped == 1000
    reader.hear("salt/auth", data)
    assert inbox.take() == ("salt/auth", data), "there is room again"


NESTED = {}
for _ in range(100_000):
    NESTED = {"x": NESTED}


@pytest.mark.parametrize(
    ("tag", "data"),
    [
        ("salt/auth", None),
        ("salt/auth", []),
        ("salt/auth", "text"),
        ("salt/auth", {"pub": "x" * 10_000_000}),
        ("salt/auth", {"x": [0] * 1_000_000}),
        ("salt/auth", {number: number for number in range(100_000)}),
        ("salt/auth", NESTED),
        ("salt/minion/" + "x" * 1_000_000 + "/start", {}),
        (None, {}),
        (b"salt/auth", {}),
        (7, {}),
    ],
    ids=["none", "list", "text", "large", "long", "wide", "deep", "tag", "no tag", "bytes", "number"],
)
def test_junk_is_counted_and_changes_nothing(reader, tag, data):
    woken = []
    inbox = reader.open_inbox("x", ("salt/",), lambda: woken.append(1))
    inbox.take_missed()
    reader.hear(tag, data)
    assert (reader.junk, inbox.dropped, inbox.take(), inbox.take_missed(), woken) == (1, 0, None, False, [])


def test_an_event_that_a_worker_fails_of_is_told_as_missed(reader, hearing, monkeypatch, caplog):
    from saltext.approval.engine import runner

    monkeypatch.setattr(runner, "FIRST_PAUSE_S", 0.01)
    worker, its_runner = hearing(reader)
    until(lambda: worker.misses == 1)
    worker.error = ValueError("broken")
    reader.hear("salt/auth", {})
    until(lambda: worker.misses == 2)
    assert "worker hearing: ValueError: broken" in caplog.text
    worker.error = None
    reader.hear("salt/auth", {"n": 2})
    until(lambda: worker.heard_events == [("salt/auth", {"n": 2})])
    assert worker.misses == 2
    until(lambda: its_runner.error is None)


class Master:
    """The part of a master that hands events around, in a process of its own."""

    def __init__(self, folder):
        self.opts = salt.config.master_config(None)
        self.opts.update(sock_dir=folder, ipc_mode="ipc", transport="zeromq", __role="master", id="test")
        self._process = None

    def start(self):
        self._process = multiprocessing.get_context("fork").Process(target=self._serve)
        self._process.start()

    def _serve(self):
        if hasattr(salt.utils.event, "EventPublisher"):  # Salt 3006
            salt.utils.event.EventPublisher(self.opts).run()
        else:
            server = salt.transport.ipc_publish_server("master", self.opts)
            server.publish_daemon(server.publish_payload)

    def stop(self):
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None

    def fire(self, tag):
        with salt.utils.event.get_event("master", opts=self.opts, listen=False) as events:
            events.fire_event({"n": 1}, tag, timeout=1000)


@pytest.fixture
def master():
    """A Master that is not started."""
    with tempfile.TemporaryDirectory(prefix="bus") as folder:
        master = Master(folder)
        yield master
        master.stop()


def test_the_real_bus_also_when_the_master_comes_back(master, hearing, monkeypatch):
    monkeypatch.setattr(bus, "FIRST_PAUSE_S", 0.05)
    stopping = threading.Event()
    reader = bus.Bus(Settings.from_master(master.opts), stopping)
    reader.thread.start()
    try:
        worker, _ = hearing(reader)

        def heard(tag):
            """Whether it was heard; it is sent until it is, as nobody knows when the other side listens."""
            with contextlib.suppress(Exception):
                master.fire(tag)
            return any(event[0] == tag for event in worker.heard_events)

        master.start()
        until(lambda: heard("salt/minion/web1/start"))
        misses = worker.misses
        master.stop()
        master.start()
        until(lambda: heard("salt/minion/web2/start"))
        until(lambda: worker.misses > misses)
    finally:
        stopping.set()
        reader.thread.join(BOUND_S)
    assert not reader.thread.is_alive()
