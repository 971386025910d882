"""saltext.approval._core against a real server: values, documents, errors, connections."""

import calendar
import contextlib
import os
import signal
import socket
import sys
import threading
import time

import pytest
from private_postgres import PrivatePostgres
from run_directory import RunDirectory

from saltext.approval import _core

SIMPLE_FUNCTION = "CREATE FUNCTION approval.{name}() RETURNS {type} LANGUAGE sql AS $$SELECT {value}$$;"
ITEMS = [
    ("package", "hello", "version", "2.10-3"),
    ("package", "newest", "latest", "latest"),
    ("package", "sl", "absent", None),
    ("service", "cron", "state", "running"),
    ("value", "limits", "json", '{"big":12345678901234567890,"x":[1,2.5,null,"ü"]}'),
]


def backend(conninfo, **options):
    return _core.call(conninfo, "test_backend", [], **options)[0][0]


# ---- values ----


def test_values_survive_both_ways(conninfo):
    arguments = [True, -5, 2**62, 0.1, "ü'%_\\", b"\0\xff", ["a", None, ""], [b"\0", None]]
    row = _core.call(conninfo, "test_echo", [*arguments, "2026-11-22 15:00:00.25+00", '{"a": 1}'])[0]
    assert row == (*arguments, 1795359600.25, '{"a": 1}', '{"x": 1}', [1, None])


def test_nulls_and_empty_arrays(conninfo):
    row = _core.call(conninfo, "test_echo", [None] * 6 + [[], ()] + [None, None])[0]
    assert row == (*[None] * 6, [], [], None, None, '{"x": 1}', [1, None])


def test_infinite_times(conninfo):
    rows = [_core.call(conninfo, "test_echo", [*[None] * 8, when, None])[0] for when in ("infinity", "-infinity")]
    assert [row[8] for row in rows] == [float("inf"), float("-inf")]


@pytest.mark.parametrize("value", ["a\0b", "\udc80", ["\udc80"], ["a\0b"], 1 << 63, -(1 << 63) - 1])
def test_values_that_cannot_be_sent(conninfo, value):
    with pytest.raises(_core.DataError) as caught:
        _core.call(conninfo, "test_backend", [value])
    assert caught.value.code == "invalid"


@pytest.mark.parametrize("value", [object(), {}, ["a", b"b"], [1], bytearray(b"x")])
def test_types_that_cannot_be_sent(conninfo, value):
    with pytest.raises(TypeError):
        _core.call(conninfo, "test_backend", [value])


def test_too_many_arguments(conninfo):
    with pytest.raises(_core.DataError):
        _core.call(conninfo, "test_backend", [1] * 65)


@pytest.mark.parametrize("function", ["", "a b", "pg_sleep(1);--", "x" * 41, "Ä"])
def test_function_names_are_no_sql(conninfo, function):
    with pytest.raises(_core.DataError):
        _core.call(conninfo, function, [])


def test_answers_without_a_python_form(conninfo):
    with pytest.raises(_core.Error, match="OID 1700"):
        _core.call(conninfo, "test_numeric", [])
    with pytest.raises(_core.Error, match="malformed array"):
        _core.call(conninfo, "test_matrix", [])


# ---- documents ----


def test_document(core_database, insert_document):
    insert_document("web1", ITEMS)
    before = time.time()
    document = _core.document(core_database.dsn("exporter"), "web1")
    as_of = document.pop("as_of")
    assert abs(calendar.timegm(time.strptime(as_of, "%Y-%m-%dT%H:%M:%SZ")) - before) < 60
    assert document == {
        "revision": 17,
        "digest": _core.digest("web1", 17, ITEMS),
        "evidence_key": "00" * 32,
        "minion": "web1",
        "source": "database",
        "packages": {"hello": "2.10-3", "newest": "latest", "sl": None},
        "services": {"cron": "running"},
        "values": {"limits": {"big": 12345678901234567890, "x": [1, 2.5, None, "ü"]}},
    }


@pytest.mark.parametrize("minion", ["%", "_", "web%", "web1' OR '1'='1", "ünïcode", "", "x" * 5000])
def test_nobody_elses_document(core_database, minion):
    document = _core.document(core_database.dsn("exporter"), minion)
    assert document["revision"] == 0
    assert document["digest"] == _core.digest(minion, 0, [])
    assert (document["packages"], document["services"], document["values"]) == ({}, {}, {})
    assert "evidence_key" not in document


@pytest.mark.parametrize(
    "item",
    [
        ("reboot", "now", "state", "done"),
        ("package", "a", "version", None),
        ("package", "a", "absent", "1"),
        ("package", "a", "sometimes", "1"),
        ("service", "a", "state", "restarted"),
        ("value", "a", "json", None),
    ],
)
def test_a_document_that_is_not_understood_is_not_served(core_database, insert_document, item):
    minion = f"odd-{item[0]}-{item[2]}-{item[3]}"
    insert_document(minion, [ITEMS[0], item])
    with pytest.raises(_core.Error, match="doesn't know") as caught:
        _core.document(core_database.dsn("exporter"), minion)
    assert caught.value.code == "protocol"


def test_a_document_that_was_altered_is_not_served(core_database, insert_document):
    insert_document("altered", ITEMS, digest="sha256:" + "0" * 64)
    with pytest.raises(_core.Error, match="does not match its digest"):
        _core.document(core_database.dsn("exporter"), "altered")


def test_documents_of_many(core_database, insert_document):
    dsn = core_database.dsn("exporter")
    insert_document("many-good", ITEMS)
    insert_document("many-altered", ITEMS, digest="sha256:" + "1" * 64)
    names = [*(f"many-{number}" for number in range(500)), "many-altered", "", "many-good"]
    found = _core.documents(dsn, names)
    assert list(found) == names
    altered = found.pop("many-altered")
    assert isinstance(altered, _core.Error)
    assert (altered.code, str(altered)) == ("protocol", "a document does not match its digest")
    for minion, document in found.items():
        document.pop("as_of")
        alone = _core.document(dsn, minion)
        alone.pop("as_of")
        assert document == alone
    assert found["many-good"]["packages"]["hello"] == "2.10-3"
    assert found[""]["revision"] == 0


def test_documents_of_many_that_the_server_refuses(core_database):
    found = _core.documents(core_database.dsn("operator"), ["many-a", "many-b"])
    assert [(type(refused), refused.sqlstate) for refused in found.values()] == [(_core.DatabaseError, "42501")] * 2


def test_documents_of_many_whose_names_cannot_be(conninfo):
    assert _core.documents(conninfo, []) == {}
    assert list(_core.documents(conninfo, (name for name in ["b", "a", "b"]))) == ["b", "a"]
    for names in ("web1", ["web1", 1], [b"web1"], None):
        with pytest.raises(TypeError):
            _core.documents(conninfo, names)
    for names in (["web1", "a\0b"], ["\udc80"], ["web1"] * 10_001):
        with pytest.raises(_core.DataError):
            _core.documents(conninfo, names)


def test_nothing_is_kept_prepared_for_many(core_database):
    conninfo = core_database.dsn()
    before = _core.call(conninfo, "test_prepared", [], prepare=False)
    _core.documents(conninfo, ["a", "b"] * 300, prepare=False)
    assert _core.call(conninfo, "test_prepared", [], prepare=False) == before


# ---- errors ----


def test_our_own_refusals_are_quoted(conninfo):
    with pytest.raises(_core.DatabaseError, match=r"^You may not approve your own request\.$") as caught:
        _core.call(conninfo, "test_raise", ["AP007", "You may not approve your own request."])
    assert (caught.value.code, caught.value.sqlstate) == ("database", "AP007")


def test_long_refusals_are_cut_between_characters(conninfo):
    for start in ["x", "xx"]:
        with pytest.raises(_core.DatabaseError) as caught:
            _core.call(conninfo, "test_raise", ["AP005", start + "ü" * 500])
        assert set(str(caught.value)) == {"x", "ü"}


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [
        ("22012", "database"),
        ("42501", "database"),
        ("53100", "unavailable"),
        ("55P03", "timeout"),
        ("57014", "timeout"),
        ("P0001", "database"),
    ],
)
def test_other_errors_say_nothing_of_what_was_asked(conninfo, sqlstate, kind):
    with pytest.raises(_core.Error, match=sqlstate) as caught:
        _core.call(conninfo, "test_raise", [sqlstate, "s3cret value"])
    assert (caught.value.code, caught.value.sqlstate) == (kind, sqlstate)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("conninfo", "kind"),
    [
        ("host=/nowhere-s3cret dbname=s3cret user=s3cret password=s3cret", "unavailable"),
        ("host=127.0.0.1 port=1 dbname=s3cret password=s3cret", "unavailable"),
        ("host=s3cret.invalid password=s3cret", "unavailable"),
        ("service=s3cret password=s3cret", "unavailable"),
        ("pasword=s3cret", "invalid"),
        ("postgresql://u:s3cret@[::1", "invalid"),
    ],
)
def test_no_settings_in_texts(conninfo, kind):
    with pytest.raises(_core.Error) as caught:
        _core.document(conninfo, "s3cret-minion")
    assert caught.value.code == kind
    assert "s3cret" not in str(caught.value)


def test_a_wrong_password_is_told_from_a_server_that_is_away(core_database):
    conninfo = core_database.dsn("exporter").rsplit("password=", 1)[0] + "password=s3cret"
    with pytest.raises(_core.DatabaseError, match="refused the login") as caught:
        _core.document(conninfo, "web1")
    assert caught.value.sqlstate == "28P01"
    assert "s3cret" not in str(caught.value)


def test_a_login_without_the_right(core_database):
    with pytest.raises(_core.DatabaseError, match="may not") as caught:
        _core.document(core_database.dsn("operator"), "web1")
    assert caught.value.sqlstate == "42501"


@pytest.mark.parametrize("options", [{"timeout_ms": 0}, {"connect_timeout_ms": -1}])
def test_times_must_be_positive(conninfo, options):
    with pytest.raises(_core.DataError, match="positive"):
        backend(conninfo, **options)


# ---- connections ----


def test_the_connection_is_kept_and_shared(conninfo):
    first = backend(conninfo)
    assert [backend(conninfo) for _ in range(3)] == [first] * 3
    assert backend(conninfo + " application_name=other") != first


def test_few_connections_are_kept(core_database, conninfo):
    for number in range(40):
        backend(f"{conninfo} application_name=many{number}")
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'many%'"
    wait_until(lambda: core_database.execute(count)[0][0] <= 16)


def test_the_name_under_which_the_server_sees_us(core_database, conninfo):
    query = "SELECT application_name FROM pg_stat_activity WHERE pid = %s"
    assert core_database.execute(query, [backend(conninfo)]) == [("saltext-approval",)]
    assert core_database.execute(query, [backend(conninfo + " application_name=mine")]) == [("mine",)]


def test_statements_are_prepared_unless_told_otherwise(conninfo):
    for _ in range(3):
        prepared = _core.call(conninfo, "test_prepared", [])[0][0]
        unprepared = _core.call(conninfo, "test_prepared", [], prepare=False)[0][0]
    assert prepared >= 1
    assert unprepared == 0


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def end_backend(database, pid):
    database.execute("SELECT pg_terminate_backend(%s)", [pid])
    query = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
    wait_until(lambda: database.execute(query, [pid]) == [(0,)])


@pytest.mark.parametrize("repeatable", [False, True])
def test_an_ended_connection_is_replaced_unnoticed(core_database, conninfo, repeatable):
    first = backend(conninfo)
    end_backend(core_database, first)
    assert backend(conninfo, repeatable=repeatable) != first


def test_a_repeatable_call_survives_the_end_of_its_connection(core_database, conninfo):
    first = backend(conninfo)
    ended = threading.Timer(0.2, end_backend, [core_database, first])
    ended.start()
    assert _core.call(conninfo, "test_sleep", [0.5], repeatable=True) == [(None,)]
    ended.join()
    assert backend(conninfo) != first


def test_another_call_does_not_run_twice(core_database, conninfo):
    ended = threading.Timer(0.2, end_backend, [core_database, backend(conninfo)])
    ended.start()
    with pytest.raises(_core.Unavailable) as caught:
        _core.call(conninfo, "test_sleep", [0.5])
    ended.join()
    assert (caught.value.code, caught.value.sqlstate) == ("unavailable", "57P01")
    assert backend(conninfo) > 0


def test_a_call_given_up_for_another_is_made_again(conninfo):
    assert _core.call(conninfo, "test_give_way", [4]) == [(1,)]
    with pytest.raises(_core.DatabaseError, match="for another one") as caught:
        _core.call(conninfo, "test_give_way", [100])
    assert caught.value.sqlstate == "40P01"


def test_a_changed_function_is_prepared_again(core_database, conninfo):
    core_database.execute(SIMPLE_FUNCTION.format(name="test_shape", type="integer", value=1))
    assert _core.call(conninfo, "test_shape", []) == [(1,)]
    core_database.execute("DROP FUNCTION approval.test_shape()")
    core_database.execute(SIMPLE_FUNCTION.format(name="test_shape", type="text", value="'a'"))
    assert _core.call(conninfo, "test_shape", []) == [("a",)]


def test_more_statements_than_are_prepared(core_database, conninfo):
    letters = [chr(ord("a") + number) for number in range(9)]
    names = [f"test_{x}_{y}" for x in letters for y in letters]
    core_database.execute("".join(SIMPLE_FUNCTION.format(name=name, type="text", value=f"'{name}'") for name in names))
    for _ in range(2):
        assert [_core.call(conninfo, name, [])[0][0] for name in names] == names
    assert _core.call(conninfo, "test_prepared", [])[0][0] == 64


# ---- deadlines ----


@contextlib.contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_stopped_backend_costs_the_deadline_and_no_more(conninfo):
    first = backend(conninfo, timeout_ms=300)
    with stopped(first):
        start = time.monotonic()
        with pytest.raises(_core.Unavailable, match="300 ms") as caught:
            backend(conninfo, timeout_ms=300)
        assert 0.3 <= time.monotonic() - start < 20
        assert caught.value.code == "timeout"
        assert backend(conninfo, timeout_ms=300) != first


@pytest.fixture
def silent_socket():
    """The folder of a unix socket that takes connections and says nothing."""
    with RunDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / ".s.PGSQL.5432"))
        listener.listen()
        yield folder


def test_a_silent_server_costs_the_connect_timeout_and_no_more(silent_socket):
    start = time.monotonic()
    with pytest.raises(_core.Unavailable, match="300 ms") as caught:
        _core.document(f"host={silent_socket} user=x dbname=x", "web1", connect_timeout_ms=300)
    assert 0.3 <= time.monotonic() - start < 20
    assert caught.value.code == "timeout"


@pytest.mark.parametrize("where", ["first", "middle", "last"])
def test_a_silent_host_is_passed_over(conninfo, silent_socket, where):
    real = conninfo.split()[0].removeprefix("host=")
    hosts = {
        "first": [silent_socket, real],
        "middle": ["/nowhere", silent_socket, real],
        "last": [silent_socket, real, silent_socket],
    }[where]
    settings = conninfo.replace(f"host={real}", "host=" + ",".join(map(str, hosts)))
    assert backend(settings, connect_timeout_ms=900) > 0
    assert backend(settings + " target_session_attrs=prefer-standby", connect_timeout_ms=900) > 0


def test_all_hosts_together_get_the_connect_timeout(silent_socket):
    start = time.monotonic()
    with pytest.raises(_core.Unavailable):
        _core.document(f"host={silent_socket},{silent_socket} user=x dbname=x", "web1", connect_timeout_ms=2000)
    assert time.monotonic() - start < 3.9


def test_a_restarted_server_is_found_again():
    with RunDirectory() as directory, PrivatePostgres(directory / "pg") as server:
        server.execute("CREATE SCHEMA approval")
        server.execute(SIMPLE_FUNCTION.format(name="test_backend", type="integer", value="pg_backend_pid()"))
        first = backend(server.dsn())
        server.stop()
        with pytest.raises(_core.Unavailable):
            backend(server.dsn())
        server.start()
        wait_until(lambda: is_up(server.dsn()))
        assert backend(server.dsn()) != first


def is_up(dsn):
    with contextlib.suppress(_core.Unavailable):
        return backend(dsn) > 0
    return False


# ---- signals ----


class Alarmed(Exception):
    pass


def raise_alarmed(_signal, _frame):
    raise Alarmed


@pytest.fixture
def timer():
    """A function that has a handler called once after some seconds, or again and again."""
    previous = signal.getsignal(signal.SIGALRM)

    def set_timer(handler, seconds, interval=0):
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, seconds, interval)

    yield set_timer
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, previous)


def test_a_handler_that_raises_ends_the_call(conninfo, timer):
    first = backend(conninfo, timeout_ms=60_000)
    timer(raise_alarmed, 0.1)
    start = time.monotonic()
    with pytest.raises(Alarmed):
        _core.call(conninfo, "test_sleep", [60.0], timeout_ms=60_000)
    assert time.monotonic() - start < 20
    assert backend(conninfo, timeout_ms=60_000) != first


def test_other_signals_cost_the_call_no_time(conninfo, timer):
    count = 0

    def note(_signal, _frame):
        nonlocal count
        count += 1

    timer(note, 0.01, 0.01)
    start = time.monotonic()
    with pytest.raises(_core.Unavailable):
        _core.call(conninfo, "test_sleep", [60.0], timeout_ms=300)
    assert 0.3 <= time.monotonic() - start < 20
    assert count > 3


def test_the_exceptions():
    assert issubclass(_core.Unavailable, _core.Error)
    assert issubclass(_core.DatabaseError, _core.Error)
    assert issubclass(_core.DataError, _core.Error)
    assert issubclass(_core.DataError, ValueError)
    assert (_core.Error.code, _core.Error.sqlstate) == (None, None)
    assert sys.modules["saltext.approval._core"] is _core


# ---- calls that were given up ----


@pytest.mark.parametrize("how", ["call", "documents", "refresh"])
def test_what_gives_up_cancels(core_database, insert_document, how, tmp_path):
    """Nobody piles up behind a lock that others hold; what waited for it ends before it is let go."""
    dsn = core_database.dsn("exporter") + f" application_name=given-up-{how}"
    calls = {
        "call": lambda: _core.document(dsn, "web1", timeout_ms=150),
        "documents": lambda: _core.documents(dsn, ["a", "b"], timeout_ms=150),
        "refresh": lambda: _core.snapshot_refresh(dsn, str(tmp_path / "snapshot"), timeout_ms=150),
    }
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    calls[how]()
    with core_database.connect() as holder, holder.transaction():
        holder.execute("LOCK TABLE approval.document IN ACCESS EXCLUSIVE MODE")
        for _ in range(12):
            with pytest.raises(_core.Unavailable, match="150 ms"):
                calls[how]()
        wait_until(lambda: core_database.execute(waiting) == [(0,)])
    calls[how]()


def test_a_call_that_a_signal_ends_is_canceled(core_database, conninfo):
    class Interrupted(Exception):
        pass

    def interrupt(*_):
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(Interrupted):
            _core.call(conninfo + " application_name=interrupted", "test_sleep", [600.0], timeout_ms=600_000)
    finally:
        signal.signal(signal.SIGALRM, before)
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'interrupted'"
    wait_until(lambda: core_database.execute(query) == [(0,)])


def parent_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        return int(stat.read().rpartition(")")[2].split()[1])


def test_a_server_that_is_stopped_costs_one_thread():
    """The server takes the request to cancel, and does not answer."""
    with RunDirectory() as directory, PrivatePostgres(directory / "pg") as server:
        server.execute("CREATE SCHEMA approval")
        server.execute(SIMPLE_FUNCTION.format(name="test_backend", type="integer", value="pg_backend_pid()"))
        pids = [backend(server.dsn() + f" application_name=stopped{number}") for number in range(2)]
        threads = len(os.listdir("/proc/self/task"))
        with stopped(parent_of(pids[0])), stopped(pids[0]), stopped(pids[1]):
            start = time.monotonic()
            for number in [0, 1, 0, 1]:
                with pytest.raises(_core.Unavailable):
                    backend(server.dsn() + f" application_name=stopped{number}", timeout_ms=200, connect_timeout_ms=200)
            assert time.monotonic() - start < 20
            assert len(os.listdir("/proc/self/task")) <= threads + 2, "one for each connection"
        wait_until(lambda: len(os.listdir("/proc/self/task")) == threads)
        assert is_up(server.dsn())
