"""The engine as Salt starts it: the real loader, the real database, threads, and servers that go away."""

import contextlib
import logging
import os
import pathlib
import signal
import threading
import time

import psycopg
import pytest
import salt.loader

from saltext.approval import _core
from saltext.approval.engine import bus, heartbeat, runner, saying, supervisor, workers
from saltext.approval.engine import worker as worker_module
from saltext.approval.engine.supervisor import Supervisor
from saltext.approval.errors import Unavailable
from saltext.approval.settings import Settings

BOUND_S = 120


@pytest.fixture
def engine_opts(approved, master_opts):
    """A function that gives the options of a master with the engine, with changed settings of it."""

    def build(**settings):
        opts = master_opts()
        opts["approval"]["engine"].update(settings)
        return opts

    return build


@pytest.fixture
def running():
    """A function that runs a Supervisor in a thread until the test is over; gives it."""
    with contextlib.ExitStack() as stack:

        def start(opts, names=tuple(worker_module.WORKERS)):
            supervisor = Supervisor(Settings.from_master(opts), names)
            thread = threading.Thread(target=supervisor.run)
            thread.start()
            stack.callback(thread.join)
            stack.callback(supervisor.stop)
            return supervisor

        yield start


@pytest.fixture
def plugged(monkeypatch):
    """A function that makes a Worker known to the engine under a name, as if it had a module."""
    import_module = runner.importlib.import_module
    known = {}

    class Module:
        def __init__(self, worker):
            self.worker = lambda settings: worker

    def find(name):
        return known[name] if name in known else import_module(name)

    monkeypatch.setattr(runner.importlib, "import_module", find)

    def plug(name, worker):
        known[f"{workers.__name__}.{name}"] = Module(worker)
        monkeypatch.setitem(worker_module.WORKERS, name, f"{workers.__name__}.{name}")
        return worker

    return plug


def until(condition, bound_s=BOUND_S):
    """Wait for the thing itself."""
    deadline = time.monotonic() + bound_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def unsealed(database):
    return database.execute("SELECT count(*) FROM approval.audit_stream WHERE sealed_seq < head_seq")[0][0]


class Counting(worker_module.Worker):
    """Counts its rounds, and raises what it is told to."""

    every_s = 0.05

    def __init__(self, error=None):
        self.rounds = 0
        self.closed = 0
        self.error = error

    def round(self):
        self.rounds += 1
        if self.error:
            raise self.error

    def close(self):
        self.closed += 1


def test_salt_finds_and_starts_it(engine_opts, approved):
    """In a process of its own, as Salt does; which ends when told to."""
    opts = engine_opts()
    functions = salt.loader.engines(opts, {}, {}, {})
    assert "approval.start" in functions
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            functions["approval.start"]()
            os._exit(0)
        os._exit(1)
    try:
        until(lambda: unsealed(approved) == 0)
    finally:
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_it_ends_with_the_process_that_started_it(engine_opts, approved, tmp_path):
    parent = os.fork()
    if parent == 0:
        with contextlib.suppress(BaseException):
            child = os.fork()
            if child == 0:
                supervisor.run(engine_opts())
                os._exit(0)
            (tmp_path / "pid").write_text(str(child))
            until(lambda: unsealed(approved) == 0)
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(1)
    _, status = os.waitpid(parent, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    child = int((tmp_path / "pid").read_text())
    until(lambda: not _runs(child))


def _runs(pid):
    """Whether the process is there and no zombie, as nobody may wait for it."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"  # the name before it may hold anything


def test_what_happens_is_sealed_within_a_second(engine_opts, running, client, approved):
    running(engine_opts())
    until(lambda: unsealed(approved) == 0)
    client("alice").request("package", ["web1"], {"hello": "1"}, "a test")
    until(lambda: unsealed(approved) == 0, bound_s=2)


def test_partitions_are_made_for_as_long_as_jobs_are_kept(engine_opts, running, approved):
    running({**engine_opts(), "keep_jobs_seconds": 36 * 3600})
    until(lambda: approved.execute("SELECT content FROM approval.setting WHERE name = 'keep_jobs_hours'") == [("36",)])


def test_requests_expire(engine_opts, running, client, approved):
    alice = client("alice")
    number = alice.request("package", ["web1"], {"hello": "1"}, "a test")["request"]
    approved.execute("UPDATE approval.request SET expires_at = now() WHERE request_id = %s", (number,))
    running(engine_opts())
    until(lambda: alice.show(number)["state"] == "expired")


def test_requests_expire_at_their_time(engine_opts, running, client, approved):
    alice = client("alice")
    number = alice.request("package", ["web1"], {"hello": "1"}, "a test")["request"]
    approved.execute("UPDATE approval.request SET expires_at = now() + interval '2 s' WHERE request_id = %s", (number,))
    running(engine_opts())
    until(lambda: alice.show(number)["state"] == "expired", bound_s=10)


def test_workers_can_be_switched_off(engine_opts, running, approved):
    opts = engine_opts(workers={"seal": False})
    running({**opts, "keep_jobs_seconds": 36 * 3600})
    until(lambda: approved.execute("SELECT content FROM approval.setting WHERE name = 'keep_jobs_hours'") == [("36",)])
    assert unsealed(approved) > 0


def test_one_that_raises_stops_no_other_and_is_reported_once(engine_opts, running, plugged, caplog):
    bad, good = plugged("bad", Counting(ValueError("broken"))), plugged("good", Counting())
    supervisor = running(engine_opts(), ("bad", "good"))
    until(lambda: bad.rounds >= 2 and good.rounds >= 10)
    assert [record.message for record in caplog.records if "worker bad" in record.message] == [
        "approval: worker bad: ValueError: broken"
    ]
    bad.error = None
    until(lambda: "worker bad: over, it works again" in caplog.text)
    supervisor.stop()
    until(lambda: good.closed == 1)


def test_one_that_cannot_be_made_stops_no_other(engine_opts, running, plugged, monkeypatch):
    good = plugged("good", Counting())
    monkeypatch.setitem(worker_module.WORKERS, "missing", f"{workers.__name__}.missing")
    running(engine_opts(), ("missing", "good"))
    until(lambda: good.rounds >= 3)


def test_a_round_that_is_stuck_is_interrupted(engine_opts, running, plugged, caplog):
    class Stuck(Counting):
        limit_s = 0.1

        def __init__(self):
            super().__init__()
            self.interrupted = threading.Event()

        def round(self):
            if not self.interrupted.wait(BOUND_S):
                raise AssertionError("it was not interrupted")
            super().round()

        def interrupt(self):
            self.interrupted.set()

    stuck = plugged("stuck", Stuck())
    running(engine_opts(), ("stuck",))
    until(lambda: stuck.rounds >= 1)
    assert "worker stuck is stuck" in caplog.text


def test_a_database_that_does_not_answer_is_given_up(engine_opts, running, plugged):
    class Waiting(worker_module.DatabaseWorker):
        gave_up = False

        def round(self):
            try:
                self.conn.execute("SELECT pg_sleep(600)")
            except psycopg.OperationalError:
                self.gave_up = True
                raise

    waiting = plugged("waiting", Waiting(Settings.from_master(engine_opts(timeout_ms=200))))
    running(engine_opts(), ("waiting",))
    until(lambda: waiting.gave_up)


def test_notices_start_rounds(engine_opts, running, plugged, approved):
    class Told(Counting):
        every_s = 600.0
        channels = ("approval_test",)

    told, other = plugged("told", Told()), plugged("other", Told())
    other.channels = ()
    running(engine_opts(), ("told", "other"))
    until(lambda: _listening(approved, "approval_test"))
    before = told.rounds, other.rounds

    def noticed():
        approved.execute("NOTIFY approval_test")
        return told.rounds >= before[0] + 3

    until(noticed)
    assert other.rounds <= 2, "its own, and one when notices began to come"


def _listening(database, channel):
    # Of other sessions, only what they last did can be seen.
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN %%' || %s || '%%' AND pid <> pg_backend_pid()"
    )
    return database.execute(query, (channel,))[0][0] > 0


def test_workers_go_on_when_the_server_was_gone(engine_opts, running, client, approved, database_server, caplog):
    if approved.options:
        pytest.skip("the pooler has its clients wait for the server")
    running(engine_opts())
    until(lambda: unsealed(approved) == 0)
    server = database_server.server
    server.stop()
    until(lambda: "worker seal: the approval database" in caplog.text)
    server.start()
    client("alice").request("package", ["web1"], {"hello": "1"}, "a test")
    until(lambda: unsealed(approved) == 0)
    until(lambda: "worker seal: over, it works again" in caplog.text)
    assert caplog.text.count("worker seal: the approval database") <= 4, "once per change, not once per round"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"engine": None}, "approval:engine is not configured"),
        ({"engine": {"dsn": "host=/x", "color": "red"}}, "unknown setting 'color'"),
        ({"engine": {"dsn": "host=/x", "workers": ["seal"]}}, "workers must be a mapping"),
    ],
)
def test_wrong_settings_are_named_and_nothing_runs(master_opts, running, caplog, change, said):
    supervisor = running({**master_opts(), "approval": change})
    until(lambda: said in caplog.text)
    supervisor.stop()
    assert caplog.text.count("the engine does nothing") == 1


@pytest.mark.parametrize(
    ("setting", "said"),
    [({"drfit": False}, "there is no worker 'drfit': did you mean drift?"), ({"drift": True}, "workers:drift must be")],
)
def test_a_wrong_setting_of_one_worker_stops_no_other(engine_opts, running, client, approved, caplog, setting, said):
    opts = engine_opts(workers=setting)
    running(opts)
    client("alice").request("package", ["web1"], {"hello": "1"}, "a test")
    until(lambda: unsealed(approved) == 0)
    assert said in caplog.text
    until(lambda: (beat := heartbeat.read(opts["cachedir"])) and beat.is_alive and "seal" in beat.workers)


def test_what_fails_is_in_the_sign_of_life(engine_opts, plugged, running):
    class Failing(worker_module.Worker):
        every_s = 0.01

        def round(self):
            raise ValueError("password=hunter2")

    plugged("failing", Failing())
    opts = engine_opts()
    running(opts, ("failing",))
    until(
        lambda: (beat := heartbeat.read(opts["cachedir"])) and beat.failing == {"failing": "ValueError"},
        4 * heartbeat.EVERY_S,
    )


def test_a_bus_that_cannot_be_read_is_in_the_sign_of_life(engine_opts, plugged, running, monkeypatch, caplog):
    def fail(self):
        raise OSError("password=hunter2")

    monkeypatch.setattr(bus.Bus, "_read", fail)
    plugged("hearing", Counting()).events = ("salt/auth",)
    opts = engine_opts()
    running(opts, ("hearing",))
    expected = {"hearing": "it hears no events: OSError"}
    until(
        lambda: (beat := heartbeat.read(opts["cachedir"])) and beat.failing == expected,
        4 * heartbeat.EVERY_S,
    )
    assert caplog.text.count("the master's events cannot be read") == 1


@pytest.mark.parametrize(
    "error", [_core.Unavailable("no server"), psycopg.OperationalError("no server"), Unavailable("no server")]
)
def test_a_server_that_stops_is_one_line_whatever_worker_meets_it(caplog, error):
    said = saying.Saying("approval: worker spool")
    for _ in range(3):
        said.failed(error)
    assert [(record.getMessage(), record.exc_info) for record in caplog.records] == [
        ("approval: worker spool: no server", None)
    ]


def test_a_file_that_comes_later_is_enough(engine_opts, running, approved, tmp_path, caplog):
    opts = engine_opts()
    file = tmp_path / "engine.dsn"
    file.rename(tmp_path / "away")
    running(opts)
    until(lambda: "cannot be read" in caplog.text)
    (tmp_path / "away").rename(file)
    until(lambda: unsealed(approved) == 0)


def test_what_is_not_supported_is_an_error_at_the_start(master_opts, monkeypatch, caplog):
    monkeypatch.setattr(Supervisor, "run", lambda self: None)
    with caplog.at_level(logging.ERROR):
        supervisor.run(master_opts(pillar_cache=True))
        supervisor.run(master_opts(), {"dsn": "host=/x"})
    assert "pillar_cache: True serves pillars past their time" in caplog.text
    assert "belong under approval:engine" in caplog.text
