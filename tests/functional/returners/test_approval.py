"""The returner through Salt's loader and Salt's own callers of a job cache."""

import datetime
import logging

import pytest
import salt.loader
import salt.minion
import salt.utils.jid
import salt.utils.job

from saltext.approval import _core
from saltext.approval.settings import Settings

NO_RETURN = {
    "cmd": "_return",
    "fun": "test.ping",
    "fun_args": [],
    "return": True,
    "retcode": 0,
    "success": True,
}


@pytest.fixture
def jid(cache):
    return cache.prep_jid()


@pytest.fixture
def publish(cache):
    """A function that stores a publish load as the master does; returns the jid."""

    def publish(minions=("web1", "web2"), jid=None, **changes):
        jid = jid or cache.prep_jid()
        load = {
            "cmd": "publish", "fun": "test.ping", "arg": [], "jid": jid, "tgt": "*", "tgt_type": "glob",
            "ret": "", "user": "root", "kwargs": {}, "key": "the root key of the master", **changes,
        }  # fmt: skip
        cache.save_load(jid, load, list(minions))
        return jid

    return publish


@pytest.fixture
def evidence(database):
    """A function that gives the return of a highstate whose evidence holds; ``change`` may spoil it."""

    def build(minion, jid, observed, change=None):
        ((revision, digest, key),) = database.execute(
            "SELECT revision, digest, encode(evidence_key, 'hex') FROM approval.exported_document "
            "WHERE minion_id = %s AND valid_from <= now() ORDER BY valid_from DESC LIMIT 1",
            (minion,),
            login="exporter",
        )
        evidence = {
            "format": 2, "minion": minion, "revision": revision, "digest": digest,
            "run_id": jid[:20].ljust(32, "a"), "boot_id": "0b7e", "before": {},
            "observed": {"packages": observed, "services": {}, "values": {}},
        }  # fmt: skip
        evidence["mac"] = _core.mac(key, evidence)
        if change:
            change(evidence)
        chunk = {
            "name": "approval", "changes": {}, "result": True, "comment": "", "__sls__": "approval",
            "__run_num__": 0, "__id__": "approval", "start_time": "15:00:00.000000", "duration": 1.0,
            "approval": evidence,
        }  # fmt: skip
        return {
            **NO_RETURN, "jid": jid, "id": minion, "fun": "state.apply",
            "return": {"approval_|-approval_|-approval_|-converged": chunk},
        }  # fmt: skip

    return build


def verdicts(database, jid):
    return database.execute(
        "SELECT minion_id, verdict, authenticated FROM approval.job_return WHERE jid = %s ORDER BY minion_id, attempt",
        (jid,),
    )


def test_jids(cache):
    jid = cache.prep_jid()
    assert salt.utils.jid.is_jid(jid)
    assert cache.prep_jid(passed_jid="20261122150000000000") == "20261122150000000000"
    assert cache.prep_jid(nocache=True) > jid


def test_a_load_can_be_read_at_once(cache, publish):
    jid = publish(tgt="web*")
    load = cache.get_load(jid)
    assert load["Minions"] == ["web1", "web2"]
    assert (load["fun"], load["tgt"], load["user"]) == ("test.ping", "web*", "root")
    assert "key" not in load
    assert cache.get_load(int(jid)) == load, "salt-run makes a number of it"


def test_an_unknown_job(cache):
    assert cache.get_load("20000101000000000000") == {}
    assert cache.get_jid("20000101000000000000") == {}
    assert cache.get_endtime("20000101000000000000") is False


def test_secrets_are_hidden_before_they_are_stored(cache, publish, database):
    jid = publish(fun="user.add", arg=["joe", {"__kwarg__": True, "password": "hunter2"}])
    assert cache.get_load(jid)["arg"][1] == {"__kwarg__": True, "password": "********"}
    cache.returner({**NO_RETURN, "id": "web1", "jid": jid, "fun_args": [{"password": "hunter2"}]})
    stored = database.execute("SELECT load FROM approval.job UNION ALL SELECT payload FROM approval.job_return")
    assert len(stored) == 2
    assert all(b"hunter2" not in _core.decompress(bytes(packed)) for (packed,) in stored)


def test_command_lines_outputs_and_events_are_shown_without_secrets(cache, publish, database):
    line = "mysql -u root -phunter2 -e 'select 1'"
    jid = publish(fun="cmd.run", arg=[line])
    cache.returner({**NO_RETURN, "id": "web1", "jid": jid, "fun": "cmd.run", "fun_args": [line], "return": f"+ {line}"})
    cache.event_return([{"tag": "mine", "data": {"data": {"said": line}, "arg": [line]}}])
    for shown in (cache.get_load(jid), cache.get_jid(jid), cache.get_fun("cmd.run"), cache.get_jids()[jid]):
        assert "-p********" in repr(shown)
        assert "hunter2" not in repr(shown)
    ((stored,),) = database.execute("SELECT data FROM approval.event")
    assert b"hunter2" not in _core.decompress(bytes(stored))


def test_with_a_wrong_pattern_all_arguments_are_hidden(cache, publish, monkeypatch, caplog):
    # Each wrong pattern is told of once in a process.
    monkeypatch.setattr(Settings, "masking_patterns", lambda self: ("(of the returner",))
    jid = publish(fun="cmd.run", arg=["ls -l"])
    assert cache.get_load(jid)["arg"] == ["********"]
    assert "approval:masking: '(of the returner' is no regular expression" in caplog.text


def test_the_published_load_stays(cache, publish):
    jid = publish(user="alice")
    cache.save_load(jid, {**NO_RETURN, "id": "web1", "jid": jid, "user": "mallory", "tgt": "x"})
    load = cache.get_load(jid)
    assert (load["user"], load["tgt"], load["Minions"]) == ("alice", "*", ["web1", "web2"])


def test_what_a_return_claims_gives_way_to_what_was_published(cache, publish, jid):
    cache.save_load(jid, {**NO_RETURN, "id": "web1", "jid": jid, "user": "mallory", "tgt": "*"})
    claimed = cache.get_load(jid)
    assert (claimed["tgt"], claimed["tgt_type"], claimed["Minions"]) == ("web1", "list", ["web1"])
    publish(jid=jid, user="alice")
    assert (cache.get_load(jid)["user"], cache.get_load(jid)["tgt"]) == ("alice", "*")


def test_the_batches_of_a_job_share_its_jid(cache, publish):
    jid = publish(["web1"])
    publish(["web2"], jid=jid)
    cache.save_minions(jid, ["web3"], syndic_id="syndic")
    assert cache.get_load(jid)["Minions"] == ["web1", "web2", "web3"]


def test_salt_ssh_saves_loads_without_minions(cache, jid):
    cache.save_load(jid, {"fun": "test.ping", "arg": [], "jid": jid, "tgt": "*", "tgt_type": "glob", "user": "root"})
    assert "Minions" not in cache.get_load(jid)


def test_returns_are_given_back_as_they_were(cache, publish):
    jid = publish()
    odd = {"text": "Zürich \0", "bytes": b"\xff\x00", "number": 2**63, "nested": [{"a": None}], "float": 0.1}
    cache.returner({**NO_RETURN, "id": "web1", "jid": jid, "return": odd, "out": "nested"})
    cache.returner({**NO_RETURN, "id": "web2", "jid": jid, "retcode": 1, "success": False})
    assert cache.get_jid(jid) == {
        "web1": {"return": odd, "retcode": 0, "success": True, "out": "nested"},
        "web2": {"return": True, "retcode": 1, "success": False},
    }
    assert cache.get_fun("test.ping")["web1"]["return"] == odd
    assert cache.get_minions() == ["web1", "web2"]


def test_a_repeated_return_counts_once(cache, publish, database):
    jid = publish()
    load = {**NO_RETURN, "id": "web1", "jid": jid}
    cache.returner(dict(load))
    cache.returner(dict(load))
    assert len(verdicts(database, jid)) == 1
    cache.returner({**load, "return": False})
    assert len(verdicts(database, jid)) == 2
    assert cache.get_jid(jid)["web1"]["return"] is False


@pytest.mark.parametrize(
    "jid", ["", "x", "20000101000000000000", "29990101000000000000", "../../etc", "req; DROP", "pw=hunter2"]
)
def test_returns_with_an_impossible_jid_are_set_aside(cache, database, jid, caplog):
    load = {**NO_RETURN, "id": "web1", "jid": jid}
    with caplog.at_level(logging.WARNING):
        cache.save_load(jid, dict(load))
        cache.returner(dict(load))
    assert "is in quarantine" in caplog.text
    assert "hunter2" not in caplog.text
    assert database.execute("SELECT count(*) FROM approval.job_return") == [(0,)]
    assert database.execute("SELECT minion_id, jid FROM approval.quarantine") == [("web1", jid)]


def test_a_job_with_an_id_of_ones_own_is_shown_and_proves_nothing(cache, publish, database):
    jid = publish(["web1"], jid="release-7")
    for minion, answer in (("web1", False), ("web1", True), ("web2", True)):
        cache.returner({**NO_RETURN, "id": minion, "jid": jid, "return": answer})
    cache.returner({**NO_RETURN, "id": "web1", "jid": "never-published"})
    assert {minion: each["return"] for minion, each in cache.get_jid(jid).items()} == {"web1": True}
    assert cache.get_jid("never-published") == {}
    assert database.execute("SELECT count(*) FROM approval.job_return") == [(0,)]


def test_what_salt_asks_by_itself_is_not_recorded(cache, publish, database):
    jid = publish(fun="saltutil.find_job")
    cache.returner({**NO_RETURN, "id": "web1", "jid": jid, "fun": "saltutil.find_job"})
    cache.returner({**NO_RETURN, "id": "web1", "jid": "nocache"})
    assert database.execute("SELECT count(*) FROM approval.job_return") == [(0,)]
    assert cache.get_load(jid)["fun"] == "saltutil.find_job", "the command line asks for it"


def test_lists_of_jobs(cache, publish):
    jids = [publish(fun=fun) for fun in ("test.ping", "saltutil.find_job", "test.echo", "saltutil.find_job")]
    listed = cache.get_jids()
    assert list(listed) == jids[::-1]
    assert listed[jids[0]]["Function"] == "test.ping"
    assert listed[jids[0]]["StartTime"].startswith(str(datetime.datetime.now(datetime.timezone.utc).year))
    assert [job["JID"] for job in cache.get_jids_filter(2)] == [jids[0], jids[2]]
    assert [job["JID"] for job in cache.get_jids_filter(1)] == [jids[2]]
    assert [job["JID"] for job in cache.get_jids_filter(2, filter_find_job=False)] == jids[2:]
    assert cache.get_jids_filter(0) == []


def test_the_end_of_a_job(cache, publish):
    jid = publish()
    cache.update_endtime(jid, salt.utils.jid.jid_to_time("20261122150001000005"))
    assert cache.get_endtime(jid) == "2026, Nov 22 15:00:01.000005"


def test_events(cache, database):
    cache.event_return(
        [
            {"tag": "salt/auth", "data": {"id": "web1", "_stamp": "2026-11-22T15:00:00"}},
            {"tag": "salt/job/1/new", "data": {"fun": "user.add", "arg": [{"password": "hunter2"}]}},
        ]
    )
    rows = database.execute("SELECT tag, data FROM approval.event ORDER BY event_no")
    assert [tag for tag, _ in rows] == ["salt/auth", "salt/job/1/new"]
    assert all(b"hunter2" not in _core.decompress(bytes(data)) for _, data in rows)


def test_maintenance_makes_and_drops_partitions(cache, database):
    cache.clean_old_jobs()
    today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d")
    assert database.execute("SELECT to_regclass(%s) IS NOT NULL", (f"approval.job_return_{today}",)) == [(True,)]


def test_loads_that_mean_harm_break_nothing(cache, jid):
    """A minion chooses everything in a return; jobs.list_jobs must still work for everybody else."""
    harmful = {
        **NO_RETURN, "id": "web1", "jid": jid, "fun": ["a", 7], "fun_args": 7, "arg": 7, "tgt": {"a": 1},
        "user": 3, "ret_config": "evil", "ret_kwargs": {"dsn": "host=evil"}, "kwargs": [], "metadata": "x",
    }  # fmt: skip
    cache.save_load(jid, dict(harmful))
    cache.returner(dict(harmful))
    assert list(cache.get_jids()) == [jid]
    assert cache.get_jids_filter(5)[0]["Function"]


class TestVerdicts:
    def test_valid_evidence_completes_the_request(self, cache, publish, approve, evidence, client, database):
        number = approve(["web1"], {"hello": "2.10-3"})
        jid = publish(["web1"], fun="state.apply")
        cache.returner(evidence("web1", jid, {"hello": "2.10-3"}))
        assert verdicts(database, jid) == [("web1", "converged", True)]
        shown = client("alice").show(number)
        assert shown["state"] == "converged"
        assert (shown["items"][0]["outcome"], shown["items"][0]["observed"]) == ("converged", "2.10-3")

    def test_another_version_does_not(self, cache, publish, approve, evidence, client, database):
        number = approve(["web1"], {"hello": "2.10-3"})
        jid = publish(["web1"], fun="state.apply")
        cache.returner(evidence("web1", jid, {"hello": "2.9"}))
        ((_, verdict, _),) = verdicts(database, jid)
        assert verdict != "converged"
        assert client("alice").show(number)["state"] != "converged"

    @pytest.mark.parametrize(
        "change",
        [
            lambda evidence: evidence.update(mac="0" * 64),
            lambda evidence: evidence.pop("mac"),
            lambda evidence: evidence.update(run_id="b" * 32),
            lambda evidence: evidence.update(revision=evidence["revision"] + 1),
            lambda evidence: evidence.update(minion="web2"),
        ],
    )
    def test_forged_evidence_moves_nothing(self, cache, publish, approve, evidence, client, database, change):
        number = approve(["web1"], {"hello": "2.10-3"})
        jid = publish(["web1"], fun="state.apply")
        cache.returner(evidence("web1", jid, {"hello": "2.10-3"}, change))
        ((_, _, authenticated),) = verdicts(database, jid)
        assert authenticated is False
        shown = client("alice").show(number)
        assert (shown["state"], shown["items"][0]["outcome"]) == ("approved", "waiting")

    def test_evidence_of_another_minion_moves_nothing(self, cache, publish, approve, evidence, client, database):
        number = approve(["web1", "web2"], {"hello": "2.10-3"})
        jid = publish(["web1", "web2"], fun="state.apply")
        cache.returner({**evidence("web2", jid, {"hello": "2.10-3"}), "id": "web1"})
        assert verdicts(database, jid)[0][2] is False
        assert {item["outcome"] for item in client("alice").show(number)["items"]} == {"waiting"}

    def test_a_plain_ping_is_invalid_as_evidence(self, cache, publish, approve, database):
        approve(["web1"], {"hello": "2.10-3"})
        jid = publish()
        cache.returner({**NO_RETURN, "id": "web1", "jid": jid})
        ((_, verdict, authenticated),) = verdicts(database, jid)
        assert verdict in ("invalid", "unproven")
        assert authenticated is False


class TestSaltsOwnCallers:
    """salt.utils.job is what the master calls for each return, through a salt.minion.MasterMinion."""

    @pytest.fixture
    def opts(self, approved, master_opts):
        return master_opts(job_cache_store_endtime=True)

    @pytest.fixture
    def master_minion(self, opts):
        minion = salt.minion.MasterMinion(opts, states=False, rend=False)
        yield minion
        minion.destroy()

    def test_a_return(self, opts, master_minion, publish, cache, database):
        jid = publish()
        salt.utils.job.store_job(opts, {**NO_RETURN, "id": "web1", "jid": jid}, mminion=master_minion)
        assert cache.get_jid(jid)["web1"]["return"] is True
        assert cache.get_load(jid)["user"] == "root"
        assert cache.get_endtime(jid)

    def test_a_job_that_a_minion_started_itself(self, opts, master_minion, cache):
        load = {**NO_RETURN, "id": "web1", "jid": "req", "fun": "state.apply"}
        salt.utils.job.store_job(opts, load, mminion=master_minion)
        assert salt.utils.jid.is_jid(load["jid"])
        assert (cache.get_load(load["jid"])["fun"], cache.get_load(load["jid"])["Minions"]) == (
            "state.apply",
            ["web1"],
        )
        assert "web1" in cache.get_jid(load["jid"])

    def test_a_runners_job(self, opts, master_minion, jid, cache):
        answer = {"fun": "runner.jobs.active", "jid": jid, "user": "root", "fun_args": [{"token": "hunter2"}],
                  "return": {}, "success": True}  # fmt: skip
        load = {"id": "the_master", "tgt": "the_master", "jid": jid, "return": answer}
        salt.utils.job.store_job(opts, load, mminion=master_minion)
        assert cache.get_load(jid)["fun"] == "runner.jobs.active"
        assert "hunter2" not in repr(cache.get_jid(jid))

    def test_more_minions_from_a_syndic(self, opts, master_minion, publish, cache):
        jid = publish(["web1"])
        salt.utils.job.store_minions(opts, jid, ["web9"], mminion=master_minion, syndic_id="s")
        assert cache.get_load(jid)["Minions"] == ["web1", "web9"]


def unsigned(load, **chunks):
    """The load with more chunks, which nobody signed."""
    chunk = {"name": "x", "changes": {}, "result": True, "comment": "", "__run_num__": 9}
    return {**load, "return": {**load["return"], **{key: {**chunk, **made} for key, made in chunks.items()}}}


@pytest.mark.parametrize("spoiled", [{"result": None}, {"__state_ran__": False, "result": False}, {}])
def test_what_is_unsigned_says_nothing_of_the_run(cache, approve, evidence, publish, database, spoiled):
    """Beside evidence that was seen before, which so stays a replay; nor is what was there before taken from it."""
    approve(["web1"], {"hello": "1"})
    first, again = publish(["web1"]), publish(["web1"])
    old = evidence("web1", first, {"hello": None})
    cache.returner(old)
    assert verdicts(database, first) == [("web1", "drift", True)]
    (signed,) = (chunk["approval"] for chunk in old["return"].values())
    forged = {**signed, "run_id": "f" * 32, "boot_id": "forged", "before": {"packages": {"hello": "6.6.6"}}}
    performed = {"approval_|-x_|-x_|-performed": {"approval": forged, **spoiled}}
    cache.returner(unsigned({**old, "jid": again}, **performed))
    assert verdicts(database, again)[0][2] is False
    assert database.execute("SELECT DISTINCT boot_id FROM approval.job_return WHERE authenticated") == [("0b7e",)]
    assert database.execute("SELECT before_content, outcome FROM approval.item") == [(None, "drift")]


def test_what_is_unsigned_proves_nothing(cache, approve, evidence, publish, database):
    approve(["web1"], {"hello": "1"})
    jid = publish(["web1"])
    changed = {"pkg_|-hello_|-hello_|-installed": {"name": "hello", "changes": {"hello": {"old": "", "new": "1"}}}}
    cache.returner(unsigned(evidence("web1", jid, {"hello": None}), **changed))
    assert verdicts(database, jid) == [("web1", "converged", True)]
    assert database.execute("SELECT outcome FROM approval.item") == [("waiting",)]
    cache.returner(evidence("web1", publish(["web1"]), {"hello": "1"}))
    assert database.execute("SELECT outcome FROM approval.item") == [("converged",)]
    cache.returner(evidence("web1", publish(["web1"]), {"hello": "2"}))
    cache.returner(unsigned(evidence("web1", publish(["web1"]), {"hello": "2"}), **changed))
    assert database.execute("SELECT cleared_at FROM approval.drift") == [(None,)]


def test_as_a_minions_own_returner_it_only_claims(approve, evidence, master_opts, settings_of, publish, database):
    """``--return approval`` on a minion, with the role for it: stored, and moves nothing."""
    approve(["web1"], {"hello": "1"})
    jid = publish(["web1"])
    own = {"returner": settings_of("minion_returner")}
    functions = salt.loader.returners(master_opts(approval=own), {})
    functions["approval.returner"](evidence("web1", jid, {"hello": "1"}))
    assert [authenticated for _, _, authenticated in verdicts(database, jid)] == [False]
