"""The snapshot on the master's disk: what gets in, when it is asked, and what it survives."""

import concurrent.futures
import contextlib
import fcntl
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import psycopg
import pytest
import salt.pillar
from private_postgres import PrivatePostgres
from run_directory import RunDirectory

from saltext.approval import _core, settings
from saltext.approval.admin import check
from saltext.approval.cli import main
from saltext.approval.engine.worker import WORKERS
from saltext.approval.engine.workers import snapshot as snapshot_worker
from saltext.approval.settings import Settings

WAIT_S = 120
INSERT = """
INSERT INTO approval.document
    (minion_id, valid_from, revision, digest, evidence_key, kinds, names, types, contents, item_ids)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@pytest.fixture
def path(tmp_path):
    """The directory of the snapshot."""
    return str(tmp_path / "snapshot")


@pytest.fixture
def refresh(database, path):
    """A function that brings the snapshot up to date; gives what that did."""
    return lambda **options: _core.snapshot_refresh(database.dsn("exporter"), path, **options)


def write(session, minion, packages, revision=1, valid_from="-infinity", digest=None):
    """Write a document past all rules."""
    items = [("package", name, "version", version) for name, version in packages.items()]
    columns = [list(column) for column in zip(*items, strict=True)] if items else [[], [], [], []]
    digest = digest or _core.digest(minion, revision, items)
    session.execute(
        "INSERT INTO approval.minion (minion_id, registered_at) VALUES (%s, now()) ON CONFLICT DO NOTHING", [minion]
    )
    session.execute(INSERT, [minion, valid_from, revision, digest, os.urandom(32), *columns, [0] * len(items)])


def rewrite(session, minion, packages, revision):
    """Replace all documents of the minion."""
    session.execute("DELETE FROM approval.document WHERE minion_id = %s", [minion])
    write(session, minion, packages, revision)


def without_source(document):
    return {key: value for key, value in document.items() if key not in ("source", "as_of")}


def wait_for(condition, what):
    """Wait until the condition holds; gives what it gave."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited in vain: {what}")


# ---- what gets in ----


def test_it_has_what_the_database_has(approved, approve, database, refresh, path):
    approve(["web1"], {"hello": "2.10-3", "sl": "absent", "vim": "latest"})
    done = refresh()
    assert (done["built"], done["written"], done["unusable"]) == (True, done["minions"], 0)
    for minion in ("web1", "web2", "never-seen"):
        ours, theirs = _core.snapshot_read(path, minion), _core.document(database.dsn("exporter"), minion)
        assert without_source(ours) == without_source(theirs)
        assert (ours["source"], theirs["source"]) == ("snapshot", "database")


def test_what_was_changed_since_is_added(database, refresh, path):
    with database.connect() as session:
        for number in range(50):
            write(session, f"m{number}", {"hello": "1"})
        assert refresh()["minions"] == 50
        rewrite(session, "m7", {"hello": "2"}, 2)
        write(session, "new", {"hello": "3"})
        done = refresh()
    assert (done["built"], done["written"], done["minions"]) == (False, 2, 51)
    versions = {minion: _core.snapshot_read(path, minion)["packages"]["hello"] for minion in ("m7", "m8", "new")}
    assert versions == {"m7": "2", "m8": "1", "new": "3"}
    assert refresh()["built"] is False


def test_a_long_transaction_that_commits_late_is_not_missed(database, refresh, path):
    refresh()
    with psycopg.connect(database.dsn()) as long, database.connect() as short:
        write(long, "long", {"hello": "1"})
        write(short, "short", {"hello": "1"})
        assert refresh()["written"] == 1
        write(short, "short2", {"hello": "1"})
        refresh()
        assert _core.snapshot_read(path, "long")["revision"] == 0
        long.commit()
        refresh()
    assert _core.snapshot_read(path, "long")["revision"] == 1


def test_ids_in_another_order_than_that_of_bytes(database, refresh, path):
    odd = ["Zoo", "zoo", "a-b", "ab", "a_b", "äb", "%", "1", "é.example.org", "𝄞"]
    with database.connect() as session:
        for minion in odd:
            write(session, minion, {"only-here": str(len(minion))})
    assert refresh()["minions"] == len(odd)
    for minion in odd:
        assert _core.snapshot_read(path, minion)["packages"] == {"only-here": str(len(minion))}


def test_a_change_with_a_due_time_becomes_true_without_a_refresh(database, refresh, path):
    with database.connect() as session:
        write(session, "web1", {"hello": "1"})
        (due,) = session.execute("SELECT now() + interval '2 seconds'").fetchone()
        write(session, "web1", {"hello": "2"}, revision=2, valid_from=due)
        refresh()
    assert _core.snapshot_read(path, "web1")["packages"] == {"hello": "1"}
    wait_for(lambda: _core.snapshot_read(path, "web1")["packages"] == {"hello": "2"}, "the due time")
    assert time.time() >= due.timestamp()


def test_a_document_that_does_not_match_its_digest_harms_no_other(database, refresh, path):
    with database.connect() as session:
        write(session, "bad", {"hello": "1"}, digest="sha256:" + "0" * 64)
        write(session, "good", {"hello": "1"})
    done = refresh()
    assert (done["minions"], done["unusable"]) == (2, 1)
    assert _core.snapshot_read(path, "good")["packages"] == {"hello": "1"}
    with pytest.raises(_core.Error) as caught:
        _core.snapshot_read(path, "bad")
    assert caught.value.code == "damaged"


def test_another_database_is_built_anew(database, new_database, refresh, path):
    with database.connect() as session:
        write(session, "here", {"hello": "1"})
    first = refresh()
    with new_database("other") as other:
        with other.connect() as session:
            write(session, "there", {"hello": "1"})
        done = _core.snapshot_refresh(other.dsn("exporter"), path)
    assert (done["built"], done["minions"]) == (True, 1)
    assert done["generation"] > first["generation"]
    assert _core.snapshot_read(path, "here")["revision"] == 0


def test_only_the_exporter_fills_it(database, path):
    for login in ("auditor", "returner", "operator", "engine"):
        with pytest.raises(_core.DatabaseError):
            _core.snapshot_refresh(database.dsn(login), path)
    assert not [name for name in os.listdir(path) if name.startswith("generation")]


# ---- when it is asked ----


@pytest.fixture
def away(tmp_path):
    """The connection string of a database that is away."""
    return f"host={tmp_path} user=exporter"


def test_it_helps_out_while_the_database_is_away(database, refresh, path, away):
    with database.connect() as session:
        write(session, "web1", {"hello": "1"})
    refresh()
    assert _core.document(database.dsn("exporter"), "web1", snapshot=path)["source"] == "database"
    document = _core.document(away, "web1", snapshot=path)
    assert (document["source"], document["packages"]) == ("snapshot", {"hello": "1"})
    assert document["as_of"].endswith("Z")
    assert _core.document(away, "nobody", snapshot=path)["revision"] == 0


def test_it_does_not_where_the_database_says_no(database, refresh, path):
    refresh()
    with pytest.raises(_core.DatabaseError):
        _core.document(database.dsn("auditor"), "web1", snapshot=path)


def test_without_either_it_raises(path, away):
    with pytest.raises(_core.Unavailable, match="there is no snapshot"):
        _core.document(away, "web1", snapshot=path)


def test_too_old_is_as_good_as_none(refresh, path, away):
    refresh()
    wait_for(lambda: time.time() - _core.snapshot_info(path)["refreshed_at"] > 0.3, "it gets old")
    with pytest.raises(_core.Unavailable, match="too old"):
        _core.document(away, "web1", snapshot=path, max_age=0.2)


def test_snapshot_first(database, refresh, path):
    dsn = database.dsn("exporter")
    refresh()
    assert _core.document(dsn, "web1", snapshot=path, snapshot_first=60.0)["source"] == "snapshot"
    wait_for(lambda: time.time() - _core.snapshot_info(path)["refreshed_at"] > 0.3, "it gets old")
    assert _core.document(dsn, "web1", snapshot=path, snapshot_first=0.2)["source"] == "database"
    assert _core.document(dsn, "web1", snapshot=path, snapshot_first=60.0, max_age=0.2)["source"] == "database"


def test_settings():
    base = {"dsn": "host=x"}
    assert settings.source(base, "/c").reading == {"snapshot": "/c/approval/snapshot"}
    fresh = {**base, "mode": "snapshot", "snapshot": "/s"}
    assert settings.source(fresh, "/c").reading == {"snapshot": "/s", "snapshot_first": settings.FRESH_S}
    limited = settings.source({**fresh, "max_age": 5}, "/c").reading
    assert limited == {"snapshot": "/s", "snapshot_first": 5.0, "max_age": 5.0}
    for wrong in ({"mode": "both"}, {"snapshot": "relative"}, {"max_age": 0}, {"max_age": True}, {"max_age": "1d"}):
        with pytest.raises(check.config.ConfigError):
            settings.source({**base, **wrong}, "/c")


def test_the_pillar_of_a_master_whose_database_is_away(master_opts, approved, approve, refresh, path, away):
    approve(["web1"], {"hello": "2.10-3"})
    refresh()
    opts = master_opts(ext_pillar=[{"approval": {"dsn": away, "snapshot": path}}])
    pillar = salt.pillar.Pillar(opts, {"os": "Debian"}, "web1", "base").compile_pillar()
    assert "_errors" not in pillar
    assert (pillar["approval"]["source"], pillar["approval"]["packages"]) == ("snapshot", {"hello": "2.10-3"})


# ---- what it survives ----

READ = "import json, sys; from saltext.approval import _core; print(json.dumps(_core.snapshot_read(*sys.argv[1:])))"
REBUILD = "import sys; from saltext.approval import _core; _core.snapshot_refresh(*sys.argv[1:], rebuild=True)"


def python(program, *arguments):
    return [sys.executable, "-P", "-c", program, *arguments]


def read_elsewhere(path, minion):
    result = subprocess.run(python(READ, path, minion), check=True, capture_output=True, text=True)
    return json.loads(result.stdout)


def test_a_builder_that_is_killed(database, refresh, path):
    with database.connect() as session:
        for number in range(1500):
            write(session, f"m{number}", {f"p{n}": "1.2-3" for n in range(20)})
    start = time.monotonic()
    refresh()
    took = time.monotonic() - start
    interrupted, chance = 0, random.Random(5)
    for _ in range(10):
        builder = subprocess.Popen(python(REBUILD, database.dsn("exporter"), path))
        time.sleep(chance.uniform(0, 0.15 + took))
        builder.send_signal(signal.SIGKILL)
        interrupted += builder.wait() != 0
        assert read_elsewhere(path, "m77")["packages"]["p0"] == "1.2-3"
        assert _core.snapshot_verify(path)["minions"] == 1500
    assert interrupted > 0
    done = refresh(rebuild=True)
    assert done["minions"] == 1500
    assert len([name for name in os.listdir(path) if name.startswith("generation")]) <= 2


def test_readers_in_other_processes_see_every_change(database, refresh, path):
    reader = """
import sys, time
from saltext.approval import _core
path, wanted = sys.argv[1], int(sys.argv[2])
seen, end = 0, time.monotonic() + 60
while seen < wanted and time.monotonic() < end:
    revision = _core.snapshot_read(path, "web1")["revision"]
    assert revision >= seen, (revision, seen)
    seen = revision
print(seen)
"""
    last = 40
    with database.connect() as session:
        write(session, "web1", {"hello": "1"})
        refresh()
        readers = [
            subprocess.Popen(python(reader, path, str(last)), stdout=subprocess.PIPE, text=True) for _ in range(3)
        ]
        for revision in range(2, last + 1):
            rewrite(session, "web1", {"hello": str(revision)}, revision)
            refresh(rebuild=revision % 10 == 0)
    assert [reader.communicate(timeout=WAIT_S)[0].strip() for reader in readers] == [str(last)] * 3


def test_a_fork_and_threads_read_on(database, refresh, path):
    with database.connect() as session:
        write(session, "web1", {"hello": "1"})
    refresh()
    wrong = []

    def read():
        for _ in range(200):
            if _core.snapshot_read(path, "web1")["packages"] != {"hello": "1"}:
                wrong.append(1)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os._exit(_core.snapshot_read(path, "web1")["packages"] != {"hello": "1"})
        os._exit(2)
    for thread in threads:
        thread.join()
    assert os.waitpid(child, 0)[1] == 0
    assert not wrong


def damage(path, where=None):
    """Overwrite a part of the file with what it never was."""
    file = pathlib.Path(path, "current", "data.mdb")
    with open(file, "r+b") as data:
        content = data.read()
        data.seek(content.index(b"version-in-question") if where is None else where)
        data.write(b"X" * 8)


def test_a_damaged_value_is_never_served(database, refresh, path, away):
    with database.connect() as session:
        write(session, "web1", {"hello": "version-in-question"})
        write(session, "web2", {"hello": "1"})
    refresh()
    damage(path)
    with pytest.raises(_core.Error) as caught:
        _core.snapshot_read(path, "web1")
    assert caught.value.code == "damaged"
    dsn = database.dsn("exporter")
    document = _core.document(dsn, "web1", snapshot=path, snapshot_first=60.0)
    assert (document["source"], document["packages"]) == ("database", {"hello": "version-in-question"})
    with pytest.raises(_core.Unavailable, match="damaged"):
        _core.document(away, "web1", snapshot=path)
    assert _core.snapshot_read(path, "web2")["packages"] == {"hello": "1"}
    assert snapshot_worker.verified(path) is False
    assert refresh(rebuild=True)["built"]
    assert _core.snapshot_read(path, "web1")["packages"] == {"hello": "version-in-question"}
    assert snapshot_worker.verified(path) is True


@pytest.mark.parametrize("harm", ["head", "emptied", "no-link", "gone"])
def test_what_cannot_be_continued_is_built_anew(database, path, harm):
    dsn = database.dsn("exporter")
    refresh = f"from saltext.approval import _core; r = _core.snapshot_refresh({dsn!r}, {path!r}); print(r['built'])"
    subprocess.run(python(refresh), check=True, capture_output=True)
    if harm == "head":
        damage(path, where=16)
        damage(path, where=4096 + 16)
    elif harm == "emptied":
        os.truncate(os.path.join(path, "current", "data.mdb"), 0)
    elif harm == "no-link":
        os.unlink(os.path.join(path, "current"))
    else:
        shutil.rmtree(path)
    result = subprocess.run(python(refresh), check=True, capture_output=True, text=True)
    assert result.stdout == "True\n"
    assert read_elsewhere(path, "web1")["revision"] == 0


def test_modes_of_files(refresh, path):
    refresh()
    for folder, folders, files in os.walk(path):
        assert os.stat(folder).st_mode & 0o777 == 0o700
        for name in files:
            assert os.stat(os.path.join(folder, name)).st_mode & 0o777 == 0o600
        assert folders is not None
    os.chmod(path, 0o750)  # noqa: S103
    with pytest.raises(_core.DataError, match="chmod 700"):
        refresh()


def test_one_refreshes_at_a_time(database, refresh, path):
    refresh()
    # The kernel's locks are between open files, not processes, so that this one will do.
    with open(os.path.join(path, "lock"), encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(_core.DataError, match="another process"):
            refresh()
        assert _core.snapshot_read(path, "web1")["revision"] == 0
    refresh()


def test_children_do_not_inherit_the_lock_of_a_refresh(refresh):
    """Processes that are forked while another thread refreshes keep nobody from refreshing later."""
    stop = threading.Event()

    def refresh_on():
        while not stop.is_set():
            refresh(rebuild=True)

    thread = threading.Thread(target=refresh_on)
    thread.start()
    children = []
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                signal.pause()
                os._exit(0)
            children.append(child)
            time.sleep(0.005)  # another moment of the refresh
    finally:
        stop.set()
        thread.join()
    try:
        refresh()
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def test_a_signal_handler_that_reads_during_a_refresh_is_refused(database, refresh, path):
    """The handler would wait for the very call that it interrupts."""
    refresh()
    seen = []

    def read(*_):
        dsn = database.dsn("exporter")
        calls = (
            lambda: _core.snapshot_read(path, "web1"),
            # The database is asked on another connection, and gives no answer in its time.
            lambda: _core.document(dsn, "web1", snapshot=path, timeout_ms=1000),
        )
        for call in calls:
            with pytest.raises(_core.Error, match="this signal handler interrupts") as caught:
                call()
            seen.append(type(caught.value))

    before = signal.signal(signal.SIGALRM, read)
    try:
        with database.connect() as holder, holder.transaction():
            holder.execute("LOCK TABLE approval.document IN ACCESS EXCLUSIVE MODE")
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            # Long enough for the signal to come in that time on a busy machine, too.
            with pytest.raises(_core.Unavailable, match="4000 ms"):
                refresh(timeout_ms=4000)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert seen == [_core.StoreError, _core.Unavailable]
    assert _core.snapshot_read(path, "web1")["revision"] == 0


def test_a_signal_handler_that_raises_ends_the_wait_for_a_refresh(database, refresh, path):
    """The call ends at once, and does not ask the database first."""
    refresh()

    class Alarmed(Exception):
        pass

    def raise_alarmed(*_):
        raise Alarmed

    calls = (
        lambda: _core.snapshot_read(path, "web1"),
        lambda: _core.document(database.dsn("exporter"), "web1", snapshot=path, snapshot_first=60),
    )
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    before = signal.signal(signal.SIGALRM, raise_alarmed)
    try:
        with database.connect() as holder, concurrent.futures.ThreadPoolExecutor(1) as pool:
            with holder.transaction():
                holder.execute("LOCK TABLE approval.document IN ACCESS EXCLUSIVE MODE")
                refreshing = pool.submit(refresh, timeout_ms=60_000)
                wait_for(lambda: database.execute(waiting) == [(1,)], "it has the snapshot, and waits for the lock")
                for call in calls:
                    signal.setitimer(signal.ITIMER_REAL, 0.2)
                    with pytest.raises(Alarmed):
                        call()
                assert not refreshing.done()
            refreshing.result()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert _core.snapshot_read(path, "web1")["revision"] == 0


# ---- the worker and the commands ----


def test_the_worker(database, settings_of, path, tmp_path):
    opts = {
        "cachedir": str(tmp_path / "cache"),
        "ext_pillar": [{"approval": settings_of("exporter")}],
        "approval": {"engine": settings_of("engine")},
    }
    assert "snapshot" in WORKERS
    worker = snapshot_worker.worker(Settings.from_master(opts))
    place = tmp_path / "cache" / "approval" / "snapshot"
    with database.connect() as session:
        write(session, "web1", {"hello": "1"})
        worker.round()
        assert _core.snapshot_read(str(place), "web1")["packages"] == {"hello": "1"}
        rewrite(session, "web1", {"hello": "2"}, 2)
        worker.round()
    assert _core.snapshot_read(str(place), "web1")["packages"] == {"hello": "2"}
    worker.close()
    assert snapshot_worker.worker(Settings.from_master({**opts, "ext_pillar": []})) is None
    opts["approval"]["engine"]["workers"] = {"snapshot": False}
    assert snapshot_worker.worker(Settings.from_master(opts)) is None


def test_whoever_decides_tells_the_worker(approved, approve, database):
    with psycopg.connect(database.dsn("engine", direct=True), autocommit=True) as session:
        for channel in snapshot_worker.Snapshot.channels:
            session.execute(f"LISTEN {channel}")
        approve(["web1"], {"hello": "1"})
        notices = list(session.notifies(timeout=WAIT_S, stop_after=1))
    assert [notice.payload for notice in notices] == [""]


def test_commands(database, refresh, path, capsys):
    with database.connect() as session:
        write(session, "web1", {"hello": "version-in-question"})
    refresh()
    assert main(["snapshot", "show", "web1", "--path", path]) == 0
    text = capsys.readouterr().out
    assert "hello: version-in-question" in text
    assert "evidence_key" not in text
    assert main(["--json", "snapshot", "info", "--path", path]) == 0
    assert json.loads(capsys.readouterr().out)["minions"] == 1
    assert main(["snapshot", "info", "--path", path]) == 0
    assert capsys.readouterr().out.startswith("holds what is approved for 1 minions: ")
    assert main(["snapshot", "verify", "--path", path]) == 0
    damage(path)
    assert main(["snapshot", "verify", "--path", path]) == 1
    assert main(["snapshot", "show", "web1", "--path", path]) == 1
    assert main(["snapshot", "info", "--path", path + "-none"]) == 2
    assert "there is no snapshot" in capsys.readouterr().err


# ---- the breaker ----


def test_a_server_that_is_away_is_seldom_asked_and_used_again_when_it_comes_back():
    with RunDirectory() as directory, PrivatePostgres(directory / "pg") as server:
        server.execute("CREATE SCHEMA approval; CREATE FUNCTION approval.one() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        dsn = server.dsn()

        def call():
            return _core.call(dsn, "one", [], repeatable=True, connect_timeout_ms=500, timeout_ms=1000)

        assert call() == [(1,)]
        server.stop()
        with pytest.raises(_core.Unavailable):
            call()
        told, tried = 0, 0
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            with pytest.raises(_core.Unavailable) as caught:
                call()
            if re.search(r"so for \d+\.\d s; tried again in 0\.\d s", str(caught.value)):
                told += 1
            else:
                assert "cannot be reached" in str(caught.value)
                tried += 1
        # The pauses between tries take 0.1 s and more; the others ask nobody.
        assert tried <= 26
        assert told > tried
        server.start()
        wait_for(lambda: _works(call), "the server")


def _works(call):
    try:
        return call() == [(1,)]
    except _core.Unavailable:
        return False
