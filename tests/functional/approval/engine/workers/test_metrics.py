"""Metrics as Prometheus gets them: real scrapes of a real engine, a real file, and databases that give nothing."""

import contextlib
import http.client
import http.server
import importlib.util
import os
import pathlib
import socket
import stat
import threading
import time

import pytest
from prometheus_client import parser

from saltext.approval import config, db
from saltext.approval.engine import exposition, heartbeat, metrics
from saltext.approval.engine.supervisor import Supervisor
from saltext.approval.engine.worker import problems
from saltext.approval.engine.workers import metrics as worker_module
from saltext.approval.errors import ConfigError
from saltext.approval.settings import Settings

BOUND_S = 120
QUICK_S = 2.0  # for a scrape, whatever the database does


@pytest.fixture
def free_port():
    """A port that nobody listens at."""
    with socket.socket() as stream:
        stream.bind(("127.0.0.1", 0))
        return stream.getsockname()[1]


@pytest.fixture
def engine(approved, master_opts, monkeypatch):
    """
    A function that runs an engine with these workers and metrics in a thread until the test is over; gives its
    Supervisor. It comes around often.
    """
    monkeypatch.setattr(worker_module.Metrics, "every_s", 0.1)
    monkeypatch.setattr(heartbeat, "EVERY_S", 0.5)
    with contextlib.ExitStack() as stack:

        def start(where, names=("seal", "metrics"), **changes):
            opts = master_opts()
            opts["approval"]["engine"]["metrics"] = where
            opts["approval"]["engine"].update(changes)
            supervisor = Supervisor(Settings.from_master(opts), names)
            thread = threading.Thread(target=supervisor.run)
            thread.start()
            stack.callback(thread.join)
            stack.callback(supervisor.stop)
            return supervisor

        yield start


def until(condition):
    """Wait for the thing itself; gives what it is."""
    deadline = time.monotonic() + BOUND_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)
    return found


def scraped(place):
    """The text that a scrape of a port, or of a socket's path, gives; None while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", place if isinstance(place, int) else None, timeout=BOUND_S)
    try:
        if not isinstance(place, int):
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(str(place))
        began = time.monotonic()
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert answer.status == 200
        text = answer.read().decode()
    except (ConnectionRefusedError, FileNotFoundError):
        return None
    finally:
        connection.close()
    assert time.monotonic() - began < QUICK_S
    return text


def samples(text):
    """{(name without what all begin with, values of labels ...): value} of such a text."""
    return {
        (sample.name.removeprefix("saltext_approval_"), *sample.labels.values()): sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }


def told(place, name, *labels):
    """The value of a metric; None while it is not told."""
    text = scraped(place)
    return None if text is None else samples(text).get((name, *labels))


def test_a_scrape(engine, free_port, client, promtool):
    client("alice").request("package", ["web1"], {"hello": "1"}, "a test")
    engine({"port": free_port}, ("seal", "reinstall", "snapshot", "spool", "metrics"))
    until(lambda: told(free_port, "requests", "pending") == 1)
    until(lambda: told(free_port, "audit_unsealed_streams") == 0)
    until(lambda: told(free_port, "snapshot_refreshed_timestamp_seconds"))
    text = scraped(free_port)
    promtool("check", "metrics", text=text)
    found = samples(text)
    assert found["minions", "unknown"] > 2
    assert found["spool_entries",] == 0
    assert ("spool_oldest_timestamp_seconds",) not in found, "nothing waits there"
    assert found["worker_rounds_total", "seal"] >= 1
    assert found["worker_errors_total", "seal"] == 0
    assert found["worker_interval_seconds", "seal"] == 0.5
    assert found["inbox_events", "reinstall"] == found["inbox_lag_seconds", "reinstall"] == 0
    assert found["bus_up",] in (0, 1), "some releases of Salt do not tell that there is no master"
    assert found["database_up",] == 1
    now = time.time()
    for source in ("engine", "disk", "database"):
        assert abs(found["collected_timestamp_seconds", source] - now) < BOUND_S
    for name in ("oldest_request_timestamp_seconds", "worker_last_success_timestamp_seconds"):
        values = [value for (found_name, *_), value in found.items() if found_name == name]
        assert values
        assert all(abs(value - now) < BOUND_S for value in values)


def test_without_more_it_listens_on_this_machine_alone(engine, free_port):
    engine({"port": free_port}, ("metrics",))
    until(lambda: scraped(free_port))
    listening = pathlib.Path("/proc/net/tcp").read_text() + pathlib.Path("/proc/net/tcp6").read_text()
    assert [line.split()[1] for line in listening.splitlines() if line.split()[1].endswith(f":{free_port:04X}")
            and line.split()[3] == "0A"] == [f"0100007F:{free_port:04X}"]  # fmt: skip


def test_errors_of_workers_are_counted(engine, free_port):
    engine({"port": free_port}, ("drift", "metrics"), workers={"drift": 3})
    until(lambda: told(free_port, "worker_errors_total", "drift"))
    assert told(free_port, "worker_last_success_timestamp_seconds", "drift") is None
    assert told(free_port, "worker_interval_seconds", "drift") is None, "it could not be made"


def test_an_address_in_use_is_said_and_the_other_places_and_workers_go_on(engine, free_port, tmp_path, master_opts):
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port))
        other.listen()
        engine({"port": free_port, "socket": str(tmp_path / "socket"), "textfile": str(tmp_path / "x.prom")})
        until(lambda: (tmp_path / "x.prom").exists() and told(tmp_path / "socket", "worker_errors_total", "metrics"))
        until(lambda: told(tmp_path / "socket", "audit_unsealed_streams") == 0)
        beat = until(lambda: (beat := heartbeat.read(master_opts()["cachedir"])) and beat.failing and beat)
        assert beat.failing["metrics"] == (
            f"approval:engine:metrics: 127.0.0.1:{free_port} cannot be listened at: Address already in use"
        )
    until(lambda: scraped(free_port))


def test_a_database_that_answers_late_holds_up_no_scrape(engine, free_port, approved, monkeypatch):
    monkeypatch.setattr(worker_module, "LONGEST_ANSWER_S", 1.0)
    with approved.connect() as conn:
        conn.autocommit = False
        conn.execute("LOCK TABLE approval.outbox")
        engine({"port": free_port})
        until(lambda: scraped(free_port))
        assert told(free_port, "requests", "pending") is None
        until(lambda: told(free_port, "database_up") == 0)
        assert told(free_port, "worker_rounds_total", "seal") >= 1
    until(lambda: told(free_port, "database_up") == 1)


def test_without_the_database_what_the_engine_knows_is_told(engine, free_port, approved, database_server, monkeypatch):
    engine({"port": free_port})
    until(lambda: told(free_port, "database_up") == 1)
    server = database_server.server
    server.stop()
    try:
        monkeypatch.setattr(worker_module, "SHARE", 0)
        until(lambda: told(free_port, "database_up") == 0)
        assert told(free_port, "requests", "pending") is None
        assert told(free_port, "collected_timestamp_seconds", "database") is None
        assert told(free_port, "worker_rounds_total", "seal") >= 1
        if not os.environ.get("APPROVAL_POOLER"):
            # A pooler lets a worker wait for a server for longer than this test does.
            until(lambda: told(free_port, "worker_errors_total", "seal"))
    finally:
        server.start()
    until(lambda: told(free_port, "database_up") == 1)


def test_a_socket(engine, tmp_path):
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))  # and nobody listens there any more
    supervisor = engine({"socket": str(path)})
    until(lambda: told(path, "database_up") == 1)
    status = path.stat()
    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) & ~exposition.SOCKET_MODE == 0
    supervisor.stop()
    until(lambda: not path.exists())


def test_a_socket_has_its_rights_before_it_is_there(tmp_path):
    before = os.umask(0)
    try:
        server = exposition._Server(
            str(tmp_path / "socket"), type("Handler", (http.server.BaseHTTPRequestHandler,), {})
        )
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "socket").stat().st_mode) == exposition.SOCKET_MODE
    server.stop()


def test_a_socket_that_is_anothers_is_left_alone(tmp_path):
    path, file = tmp_path / "socket", tmp_path / "file"
    file.write_text("kept")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        for place, said in ((path, "another process listens there"), (file, "there is a file that is no socket")):
            with pytest.raises(ConfigError, match=f"{place} cannot be listened at: {said}"):
                exposition.Exposition(Settings.from_master(where(socket=str(place))).metrics(), tuple).open()
    assert file.read_text() == "kept"


def where(**given):
    """The options of a master with such metrics."""
    return {"approval": {"engine": {"metrics": given}}}


def exposed(tmp_path, rows, **given):
    return exposition.Exposition(Settings.from_master(where(**given)).metrics(), lambda: rows)


def test_a_file_is_replaced_and_never_half_of_one(tmp_path):
    path = tmp_path / "approval.prom"
    rows = [metrics.row("database_up", True), ("saltext_approval_of_tomorrow", {}, 1.0)]
    exposed(tmp_path, rows, textfile=str(path)).write()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644, "node_exporter is another account"
    assert samples(path.read_text()) == {("database_up",): 1}
    with open(path) as reading:
        exposed(
            tmp_path, [*rows, *[metrics.row("requests", 1, state=f"s{n}") for n in range(1000)]], textfile=str(path)
        ).write()
        assert reading.read().count("\n") == 3, "who has it open has the old one"
    assert len(samples(path.read_text())) == 1001
    assert os.listdir(tmp_path) == ["approval.prom"]


def test_a_file_that_cannot_be_written_is_said(tmp_path):
    path = tmp_path / "none" / "approval.prom"
    with pytest.raises(ConfigError, match=f"{path} cannot be written: No such file or directory"):
        exposed(tmp_path, [], textfile=str(path)).write()


def test_nobody_is_led_to_another_file(tmp_path):
    """The folder may be another account's, which foresees the name that is written first."""
    kept = tmp_path / "kept"
    kept.write_text("kept")
    path = tmp_path / "approval.prom"
    pathlib.Path(f"{path}.{os.getpid()}").symlink_to(kept)
    exposed(tmp_path, [], textfile=str(path)).write()
    assert kept.read_text() == "kept"
    assert not path.is_symlink()


def test_clients_that_say_nothing_keep_nobody_out_for_long(free_port, monkeypatch):
    monkeypatch.setattr(exposition, "CLIENT_TIMEOUT_S", 1.0)
    offered = exposed(None, [metrics.row("database_up", True)], port=free_port)
    offered.open()
    with contextlib.ExitStack() as stack:
        for _ in range(exposition.MOST_AT_ONCE):
            stack.enter_context(socket.create_connection(("127.0.0.1", free_port)))
        began = time.monotonic()
        until(lambda: answered(free_port))
        assert time.monotonic() - began < BOUND_S / 2
    offered.close()
    assert scraped(free_port) is None


def answered(port):
    try:
        return told(port, "database_up")
    except (http.client.RemoteDisconnected, ConnectionResetError):
        return None


def test_what_the_database_counts_is_known(approved):
    with db.connect(config.Connection(approved.dsn("engine"))) as conn:
        rows = db.call(conn, "metrics")
    assert rows
    for row in rows:
        assert set(row["labels"]) == set(metrics.METRICS[row["name"]].labels), row


def test_without_its_package_the_worker_says_what_to_install(monkeypatch, master_opts):
    opts = {"approval": {"engine": {"dsn": "host=/x", "metrics": {"port": 9810}}}}
    settings = Settings.from_master(opts)
    assert problems(settings) == []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    said = "the Python package prometheus_client is missing: install it .* salt-pip install prometheus_client"
    with pytest.raises(ConfigError, match=said):
        worker_module.worker(settings)
    (problem,) = problems(settings)
    assert problem.startswith("approval:engine:metrics: the Python package prometheus_client is missing")


@pytest.mark.parametrize("engine_settings", [{}, {"metrics": {"port": 9810}, "workers": {"metrics": False}}])
def test_where_nobody_wants_them_there_are_none(engine_settings):
    assert worker_module.worker(Settings.from_master({"approval": {"engine": engine_settings}})) is None
