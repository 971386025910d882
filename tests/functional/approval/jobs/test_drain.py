"""The returner while the database is away, and in mode spool: nothing is lost, and the job cache answers."""

import datetime
import gc
import itertools
import logging
import multiprocessing
import os
import signal
import stat

import pytest
import salt.minion
import salt.runner
import salt.utils.jid
import salt.utils.job

from saltext.approval import _core, config
from saltext.approval.jobs import drain, packing, spool
from saltext.approval.jobs.database import JobDatabase

NO_RETURN = {"cmd": "_return", "fun": "test.ping", "fun_args": [], "return": True, "retcode": 0, "success": True}


@pytest.fixture
def drained(line, returner_in):
    """A function that records what waits; returns the Drained."""

    def run():
        line.restore()
        database = JobDatabase(config.connection(line.settings, "test"))
        return drain.run(returner_in().spool, database)

    return run


def publish(cache, minions=("web1", "web2"), jid=None, **changes):
    jid = jid or cache.prep_jid()
    load = {
        "cmd": "publish", "fun": "test.ping", "arg": [], "jid": jid, "tgt": "*", "tgt_type": "glob", "ret": "",
        "user": "root", "kwargs": {}, "key": "the root key of the master", **changes,
    }  # fmt: skip
    cache.save_load(jid, load, list(minions))
    return jid


def returned(minion, jid, **changes):
    return {**NO_RETURN, "id": minion, "jid": jid, **changes}


def stored(database):
    return database.execute("SELECT jid, minion_id, attempt, flags FROM approval.job_return ORDER BY 1, 2, 3")


@pytest.mark.parametrize("mode", ["database", "spool"])
def test_nothing_is_lost_while_the_database_is_away(mode, line, returner_in, drained, database, caplog):
    cache = returner_in(mode=mode)
    line.cut()
    with caplog.at_level(logging.ERROR):
        jid = publish(cache)
        cache.returner(returned("web1", jid))
        cache.returner(returned("web2", jid, retcode=1, success=False))
        cache.update_endtime(jid, "2026, Nov 22 15:00:01.000005")
        cache.event_return([{"tag": "salt/auth", "data": {"id": "web1"}}])
    assert "hunter2" not in caplog.text
    assert stored(database) == []
    assert cache.spool.info()["kinds"] == {"load": 1, "return": 2, "minions": 0, "endtime": 1, "events": 1}

    done = drained()
    assert (done.recorded, done.aside, done.finished) == (5, 0, True)
    assert stored(database) == [(jid, "web1", 1, []), (jid, "web2", 1, [])], "not of an unknown job"
    assert cache.get_load(jid)["Minions"] == ["web1", "web2"]
    assert cache.get_endtime(jid) == "2026, Nov 22 15:00:01.000005"
    assert database.execute("SELECT tag FROM approval.event") == [("salt/auth",)]
    assert cache.spool.info()["entries"] == 0
    assert drained().recorded == 0


@pytest.mark.parametrize("mode", ["database", "spool"])
def test_the_job_cache_answers_from_the_spool(mode, line, returner_in):
    cache = returner_in(mode=mode)
    line.cut()
    jid = publish(cache, ["web1"], tgt="web*", arg=[{"__kwarg__": True, "password": "hunter2"}])
    publish(cache, ["web2"], jid=jid)
    cache.save_minions(jid, ["web3"], syndic_id="syndic")
    cache.returner(returned("web1", jid, out="nested"))
    cache.update_endtime(jid, "2026, Nov 22 15:00:01.000005")

    load = cache.get_load(int(jid))
    assert (load["fun"], load["tgt"], load["user"]) == ("test.ping", "web*", "root")
    assert load["Minions"] == ["web1", "web2", "web3"]
    assert load["arg"][0]["password"] == "********"  # noqa: S105
    assert "key" not in load
    assert cache.get_jid(jid) == {"web1": {"return": True, "retcode": 0, "success": True, "out": "nested"}}
    assert list(cache.get_jids()) == [jid]
    assert cache.get_jids()[jid]["Function"] == "test.ping"
    assert [job["JID"] for job in cache.get_jids_filter(5)] == [jid]
    assert cache.get_fun("test.ping")["web1"]["jid"] == jid
    assert cache.get_minions() == ["web1"]
    assert cache.get_endtime(jid) == "2026, Nov 22 15:00:01.000005"


def test_what_the_spool_does_not_know_is_not_denied(line, returner_in):
    """With the database away an unknown job is an error, not a job that doesn't exist."""
    cache = returner_in()
    line.cut()
    for read in (cache.get_load, cache.get_jid, cache.get_endtime):
        with pytest.raises(_core.Unavailable):
            read("20261122150000000000")
    with pytest.raises(_core.Unavailable):
        cache.get_jids()
    jid = publish(cache)
    assert cache.get_jid(jid) == {}, "of a job that it knows, no returns are an answer"
    with pytest.raises(_core.Unavailable):
        cache.get_load("20261122150000000000")


def test_answers_are_of_both(line, returner_in, drained):
    cache = returner_in()
    old = publish(cache)
    cache.returner(returned("web1", old))
    line.cut()
    cache.returner(returned("web2", old))
    new = publish(cache)
    cache.returner(returned("web2", new))
    line.restore()
    assert set(cache.get_jid(old)) == {"web1", "web2"}
    assert list(cache.get_jids()) == [new, old]
    assert [job["JID"] for job in cache.get_jids_filter(1)] == [new]
    assert cache.get_minions() == ["web1", "web2"]
    before = (cache.get_jid(old), cache.get_jids(), cache.get_load(new), cache.get_fun("test.ping"))
    drained()
    assert (cache.get_jid(old), cache.get_jids(), cache.get_load(new), cache.get_fun("test.ping")) == before


def test_secrets_are_hidden_before_they_are_spooled(line, returner_in, spool_path):
    cache = returner_in(mode="spool")
    jid = publish(cache, fun="user.add", arg=["joe", {"__kwarg__": True, "password": "hunter2"}])
    cache.returner(returned("web1", jid, fun_args=[{"password": "hunter2"}]))
    cache.event_return([{"tag": "t", "data": {"fun": "user.add", "arg": [{"password": "hunter2"}]}}])
    assert b"hunter2" not in (spool_path / "data.mdb").read_bytes()
    assert stat.S_IMODE(spool_path.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in spool_path.iterdir()} == {0o600}


def test_a_job_waits_with_what_came_before_it(line, returner_in, drained, database):
    """The database is back, but the load is not there yet: its returns stay behind it."""
    cache = returner_in()
    line.cut()
    jid = publish(cache)
    line.restore()
    cache.returner(returned("web1", jid))
    assert stored(database) == []
    other = publish(cache)
    cache.returner(returned("web1", other))
    assert stored(database) == [(other, "web1", 1, [])]
    drained()
    assert stored(database) == [(jid, "web1", 1, []), (other, "web1", 1, [])]


def test_a_job_is_as_old_as_its_publication(line, returner_in, drained, database):
    cache = returner_in(mode="spool")
    jid = publish(cache)
    (entry,) = cache.spool.find(jid)
    drained()
    ((published,),) = database.execute("SELECT extract(epoch FROM published_at)::float8 FROM approval.job")
    assert published == pytest.approx(entry.accepted, abs=0.001)


@pytest.mark.parametrize("mode", ["database", "spool"])
def test_a_job_that_a_minion_started_itself(mode, line, returner_in, drained, database):
    cache = returner_in(mode=mode)
    line.cut()
    opts = cache.opts
    load = returned("web1", "req", fun="state.apply")
    minion = salt.minion.MasterMinion(opts, states=False, rend=False)
    salt.utils.job.store_job(opts, load, mminion=minion)
    minion.destroy()
    jid = load["jid"]
    assert (cache.get_load(jid)["fun"], cache.get_load(jid)["Minions"]) == ("state.apply", ["web1"])
    drained()
    assert (cache.get_load(jid)["fun"], cache.get_load(jid)["Minions"]) == ("state.apply", ["web1"])
    assert stored(database)[0][3] == []


@pytest.mark.parametrize("given", [{}, {"spool": None}])
def test_a_master_has_one_spool_whoever_loads_the_returner(given, returner_in):
    """Salt loads it for itself and for each MasterMinion, whose configuration is made of the master's."""
    cache = returner_in(mode="spool", **given)
    jid = publish(cache)
    minion = salt.minion.MasterMinion(cache.opts, states=False, rend=False)
    minion.returners["approval.returner"](returned("web1", jid))
    cache.returner(returned("web2", jid))
    minion.destroy()
    assert [entry.kind for entry in cache.spool.read()] == ["load", "return", "return"]


def test_what_another_test_leaves_behind_takes_no_return_along(returner_in, tmp_path):
    """A MasterMinion that nobody destroyed is collected whenever Python likes."""
    other = returner_in(mode="spool", spool=str(tmp_path / "other"))
    minion = salt.minion.MasterMinion(other.opts, states=False, rend=False)
    cache = returner_in(mode="spool")
    jid = publish(cache)
    del minion
    gc.collect()
    cache.returner(returned("web1", jid))
    assert [entry.kind for entry in cache.spool.read()] == ["load", "return"]
    assert not other.spool.exists


def test_a_repeat_counts_once(line, returner_in, drained, database):
    cache = returner_in()
    jid = publish(cache)
    cache.returner(returned("web1", jid, _stamp="2026-11-22T15:00:00"))
    line.cut()
    for second in range(3):
        cache.returner(returned("web1", jid, _stamp=f"2026-11-22T15:00:0{second}"))
    drained()
    assert len(stored(database)) == 1


def test_poison_is_set_aside_and_blocks_nothing(returner_in, drained, database, line):
    cache = returner_in(mode="spool")
    jid = publish(cache)
    for load in (returned("web1", jid), returned("a/b", jid), [7], returned("web2", jid)):
        cache.spool.put("return", jid, packing.pack(load))
    cache.spool.put("load", jid, ["too", "short"])
    cache.spool.put("events", "", {})
    done = drained()
    assert (done.recorded, done.aside, done.finished) == (3, 4, True)
    assert [row[1] for row in stored(database)] == ["web1", "web2"]
    aside = cache.spool.read(aside=True)
    assert [entry.seq for entry in aside] == [3, 4, 6, 7]
    assert all(entry.reason for entry in aside)
    assert cache.spool.info()["aside"] == 4


def _deep(depth):
    nested = "x"
    for _ in range(depth):
        nested = [nested]
    return nested


HOSTILE = {
    "a date that Salt packs and does not read": {"return": datetime.datetime(1, 1, 1)},
    "a name that is nested": {"fun": _deep(600)},
    "an id that is nested": {"id": _deep(600)},
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_return_made_to_break_the_drain(hostile, returner_in, drained, database):
    cache = returner_in(mode="spool")
    jid = cache.prep_jid()  # of a job that nobody published, so that the return describes it
    cache.returner(returned("web1", jid, **HOSTILE[hostile]))
    cache.returner(returned("web2", jid))
    assert cache.get_jid(jid)["web2"]["return"] is True
    done = drained()
    assert (done.recorded + done.aside, done.finished) == (2, True)
    assert "web2" in [row[1] for row in stored(database)]
    assert cache.get_jid(jid)["web2"]["return"] is True
    assert cache.get_load(jid)
    assert cache.get_fun("test.ping")["web2"]["return"] is True
    assert "web2" in cache.get_minions()


def test_what_cannot_be_set_aside_for_want_of_room_blocks_nothing(returner_in, drained, database, monkeypatch):
    cache = returner_in(mode="spool")
    jid = publish(cache)
    for load in ([7], returned("web2", jid)):
        cache.spool.put("return", jid, packing.pack(load))

    def full(*_):
        refusal = _core.StoreError("the store cannot be written: it has reached its bound")
        refusal.code = "full"
        raise refusal

    with monkeypatch.context() as patched:
        patched.setattr(spool.Spool, "set_aside", full)
        done = drained()
    assert (done.recorded, done.aside, done.late) == (2, 0, 1)
    done = drained()
    assert (done.recorded, done.aside, cache.spool.info()["entries"]) == (0, 1, 0)


def test_a_minion_whose_document_cannot_be_used_blocks_nobody(returner_in, drained, database, monkeypatch):
    cache = returner_in(mode="spool")
    jid = publish(cache)
    for minion in ("web1", "web2", "web3"):
        cache.spool.put("return", jid, packing.pack(returned(minion, jid)))

    record_all = JobDatabase.record_all

    def record(self, batch, upcoming=None):
        if "web2" in [packing.unpack(packed)["id"] for packed in batch.packed]:
            problem = _core.Error("the document does not match its digest")
            problem.code = "protocol"
            raise problem
        record_all(self, batch, upcoming)

    with monkeypatch.context() as patched:
        patched.setattr(JobDatabase, "record_all", record)
        done = drained()
    assert (done.recorded, done.late, done.finished) == (3, 1, True)
    assert [row[1] for row in stored(database)] == ["web1", "web3"]


def test_root_gives_nobody_what_a_link_leads_to(line, returner_in, drained, spool_path, tmp_path):
    publish(returner_in(mode="spool"))
    target = tmp_path / "target"
    target.write_text("another's")
    owner = target.stat().st_uid
    (spool_path / "drain.lock").unlink(missing_ok=True)
    (spool_path / "drain.lock").symlink_to(target)
    with pytest.raises(OSError, match=r"drain\.lock"):
        drained()
    assert target.stat().st_uid == owner


def test_batches_follow_each_other(returner_in, drained, database, monkeypatch):
    """Each is prepared while the one before is stored: the order stays, and poison in the next one hurts none."""
    monkeypatch.setattr(drain, "BATCH", 2)
    cache = returner_in(mode="spool")
    jid = publish(cache, [])
    minions = ["web1", "web1", "web2", "a/b", "web1", "web3", "web1", "a/b", "web2"]
    for number, minion in enumerate(minions):
        cache.spool.put("return", jid, packing.pack(returned(minion, jid, data=number)))
    done = drained()
    assert (done.recorded, done.aside, done.finished) == (8, 2, True)
    given = [(minion, number) for number, minion in enumerate(minions) if minion != "a/b"]
    rows = database.execute("SELECT minion_id, payload FROM approval.job_return ORDER BY minion_id, attempt")
    kept = [(minion, packing.unpack(_core.decompress(payload))["data"]) for minion, payload in rows]
    assert kept == sorted(given)


def test_what_the_database_cannot_take_now_waits(returner_in, drained, database):
    """Missing privileges, a server that is full: nothing that another time would not mend is poison."""
    cache = returner_in(mode="spool")
    jid = publish(cache)
    database.execute("REVOKE approval_returner FROM returner")
    try:
        with pytest.raises(_core.DatabaseError):
            drained()
        assert cache.spool.info()["entries"] == 1
        later = publish(returner_in())
        assert cache.spool.info()["entries"] == 2, "also what comes in mode database"
    finally:
        database.execute("GRANT approval_returner TO returner")
    assert drained().recorded == 2
    assert list(cache.get_jids()) == [later, jid]


class TestFull:
    @pytest.fixture
    def small(self, returner_in, monkeypatch):
        monkeypatch.setattr(spool, "SMALLEST_MAX_MB", 1)
        return lambda **settings: returner_in(spool_max_mb=1, **settings)

    def fill(self, cache):
        """Until nothing more is taken; gives how many returns there are."""
        self.put_until_refused(cache, "events", "", lambda _: [["t"], [os.urandom(50_000)]])
        jid = publish(cache)

        def load(number):
            return packing.pack(returned(f"m{number}", jid, data=os.urandom(20_000)))

        return jid, self.put_until_refused(cache, "return", jid, load)

    def put_until_refused(self, cache, kind, jid, content):
        """How many were taken before the spool was full."""
        numbers = itertools.count()
        with pytest.raises(_core.StoreError, match="full"):
            sum(cache.spool.put(kind, jid, content(number)) for number in numbers)
        return next(numbers) - 1

    def test_the_database_takes_what_the_spool_cannot(self, small, drained, database, caplog):
        cache = small(mode="spool")
        jid, count = self.fill(cache)
        assert count > 5
        cache.returner(returned("web1", jid, data=os.urandom(20_000)))
        rows = stored(database)
        assert (jid, "web1", 1, []) in rows, "and what came before it went there first"
        assert len(rows) == count + 1
        assert drained().finished
        assert stored(database) == sorted(rows), "each once"

    def test_with_the_database_away_it_says_so(self, small, line, caplog):
        cache = small()
        line.cut()
        jid, _ = self.fill(cache)
        with pytest.raises(_core.Unavailable):
            cache.returner(returned("web1", jid, data=os.urandom(20_000)))
        assert "is full" in caplog.text
        cache.event_return([{"tag": "t", "data": {}}, {"tag": "t", "data": {}}])
        assert cache.spool.info()["dropped_events"] == 2


def test_a_spool_that_others_may_read_is_refused(line, returner_in, spool_path, caplog):
    spool_path.mkdir(mode=0o755)
    spool_path.chmod(0o755)
    cache = returner_in(mode="spool")
    jid = publish(cache)
    assert "chmod 700" in caplog.text
    assert cache.get_load(jid)["fun"] == "test.ping", "it is in the database"
    line.cut()
    with pytest.raises(_core.Unavailable) as raised:
        publish(cache)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "odd",
    [
        {"text": "Zürich \0", "bytes": b"\xff\x00", "number": 2**63, "nested": [{"a": None}], "float": 0.1},
        [float("inf"), -(2**63), 2**64 - 1, "", [], {}, b""],
    ],
)
def test_returns_are_given_back_as_they_were(odd, returner_in, drained):
    cache = returner_in(mode="spool")
    jid = publish(cache)
    cache.returner(returned("web1", jid, **{"return": odd}))
    assert cache.get_jid(jid)["web1"]["return"] == odd
    drained()
    assert cache.get_jid(jid)["web1"]["return"] == odd


def test_extremes_are_kept_or_refused(returner_in, drained):
    cache = returner_in(mode="spool")
    jid = publish(cache)
    cache.returner(returned("web1", jid, **{"return": [float("nan"), 2**64, -(2**70)]}))
    deep = []
    for _ in range(1000):
        deep = [deep]
    cache.returner(returned("web2", jid, **{"return": deep}))
    for _ in range(1000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested too deep"):
        cache.returner(returned("web3", jid, **{"return": deep}))
    drained()
    given = cache.get_jid(jid)
    nan, *large = given["web1"]["return"]
    assert nan != nan
    assert large == [str(2**64), str(-(2**70))], "as text, which is what Salt's own serializer makes of them"
    found = given["web2"]["return"]
    for _ in range(1000):
        (found,) = found
    assert found == []
    assert "web3" not in given


class TestSaltsRunner:
    """salt-run jobs.*, as Salt calls them, with jobs in the database and in the spool."""

    @pytest.fixture
    def runner(self, line, returner_in):
        cache = returner_in()
        old = publish(cache, ["web1"])
        cache.returner(returned("web1", old))
        line.cut()
        new = publish(cache, ["web1", "web2"], fun="test.echo", arg=["x"])
        cache.returner(returned("web2", new, fun="test.echo", **{"return": "x"}))
        line.restore()
        client = salt.runner.RunnerClient(cache.opts)
        return (lambda fun, *args, **kwargs: client.functions[f"jobs.{fun}"](*args, **kwargs)), old, new

    @pytest.mark.parametrize("away", [False, True])
    def test_the_jobs_of_the_spool(self, runner, line, away):
        run, _, new = runner
        if away:
            line.cut()
        assert new in run("list_jobs")
        assert run("list_jobs")[new]["Function"] == "test.echo"
        assert run("lookup_jid", new, display_progress=False) == {"web2": "x"}
        assert run("list_job", new)["Result"]["web2"]["return"] == "x"
        assert run("print_job", new)[new]["Minions"] == ["web1", "web2"]
        assert run("last_run", function="test.echo")[new]["Function"] == "test.echo"
        assert [job["JID"] for job in run("list_jobs_filter", 1)] == [new]
        assert run("exit_success", new)["web2"] is True

    def test_and_those_of_the_database(self, runner):
        run, old, new = runner
        assert set(run("list_jobs")) >= {old, new}
        assert run("lookup_jid", old) == {"web1": True}


def _write(returner, jid, minions, pipe):
    for minion in minions:
        returner(returned(minion, jid))
        os.write(pipe, f"{minion}\n".encode())
    os._exit(0)


def _drain(place, settings):
    drain.run(spool.Spool(place), JobDatabase(config.connection(settings, "test")))
    os._exit(0)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_killed_at_any_moment(line, returner_in, drained, database):
    """Writers and drainers are killed again and again: what was accepted is recorded, each once."""
    context = multiprocessing.get_context("fork")
    cache = returner_in(mode="spool")
    jid = publish(cache, [])
    accepted, rounds, killed_drains = set(), 10, 0
    for number in range(rounds):
        minions = [f"m{number}-{n}" for n in range(200)]
        reading, writing = os.pipe()
        writer = context.Process(target=_write, args=(cache.returner, jid, minions, writing))
        drainer = context.Process(target=_drain, args=(cache.spool.settings, line.settings))
        writer.start()
        os.close(writing)
        drainer.start()
        with open(reading, encoding="utf-8") as lines:
            for _ in range(5 + 7 * number):
                accepted.add(lines.readline().strip())
            os.kill(writer.pid, signal.SIGKILL)
            accepted.update(text.strip() for text in lines if text.endswith("\n"))
        if number % 2:
            drainer.join(number / 10)
        if drainer.is_alive():
            os.kill(drainer.pid, signal.SIGKILL)
            killed_drains += 1
        writer.join()
        drainer.join()
    left = cache.spool.info()["entries"]
    assert drained().finished
    rows = stored(database)
    names = [minion for _, minion, _, _ in rows]
    assert len(names) == len(set(names)), "each once"
    # A writer killed between its commit and its word may have been accepted unheard.
    assert accepted <= set(names)
    assert len(names) <= len(accepted) + rounds
    assert {attempt for _, _, attempt, _ in rows} == {1}
    print(f"accepted {len(accepted)}, recorded {len(names)}, {left} waited after {killed_drains} killed drainers")


def test_one_drains_at_a_time(returner_in, drained, spool_path):
    cache = returner_in(mode="spool")
    publish(cache)
    with drain._only_one(str(spool_path)) as mine:
        assert mine
        assert drained().busy
    assert drained().recorded == 1


def test_it_is_opened_anew_after_a_fork(returner_in):
    cache = returner_in(mode="spool")
    jid = publish(cache)
    child = os.fork()
    if child == 0:
        try:
            cache.returner(returned("web1", jid))
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert list(cache.get_jid(jid)) == ["web1"]


def test_salts_maintenance_records_what_waits(returner_in, database, line):
    cache = returner_in(mode="spool")
    jid = publish(cache)
    cache.returner(returned("web1", jid))
    cache.clean_old_jobs()
    assert stored(database) == [(jid, "web1", 1, [])]


def test_salts_maintenance_survives_that_the_database_is_away(returner_in, database, line, caplog):
    """Salt's maintenance does much else, and would end of an error."""
    cache = returner_in(mode="spool")
    jid = publish(cache)
    cache.returner(returned("web1", jid))
    line.cut()
    with caplog.at_level(logging.WARNING):
        cache.clean_old_jobs()
        cache.clean_old_jobs()
        line.restore()
        cache.clean_old_jobs()
    said = [record.levelname for record in caplog.records if "approval database" in record.message]
    assert said == ["ERROR", "WARNING"]
    assert stored(database) == [(jid, "web1", 1, [])]


def test_a_damaged_entry_is_set_aside(returner_in, drained, spool_path, database):
    cache = returner_in(mode="spool")
    jid = publish(cache)
    cache.returner(returned("web1", jid, data="damage here"))
    cache.returner(returned("web2", jid))
    file = spool_path / "data.mdb"
    content = bytearray(file.read_bytes())
    assert content.count(b"damage here") >= 1
    file.write_bytes(content.replace(b"damage here", b"damagE here"))
    assert set(cache.get_jid(jid)) == {"web2"}
    assert drained().aside == 1
    assert [row[1] for row in stored(database)] == ["web2"]
    assert cache.spool.read(aside=True)[0].kind is None
