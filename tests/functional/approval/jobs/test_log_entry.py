"""What the returner writes into the job log, of jobs as Salt hands them over, at once or by way of the spool."""

import datetime

import pytest
import salt.utils.job
from salt.runner import RunnerClient

from saltext.approval import config
from saltext.approval.jobs import drain, packing
from saltext.approval.jobs.database import JobDatabase

RETURN = {"cmd": "_return", "fun": "cmd.run", "fun_args": ["date"], "return": "x", "retcode": 0, "success": True}
PUBLISHED = {
    "tgt": "os:Debian",
    "tgt_type": "grain",
    "fun": "cmd.run",
    "arg": ["date"],
    "user": "sudo_alice",
    "ret": "",
}


@pytest.fixture(params=["database", "spool"])
def cache(request, returner_in, line):
    """The returner, in both modes; ``cache.drain()`` records what waits."""
    cache = returner_in(mode=request.param)
    cache.drain = lambda: drain.run(cache.spool, JobDatabase(config.connection(line.settings, "test")))
    return cache


@pytest.fixture
def logged(cache, approved):
    """A function that gives the log, oldest first, as (command, user, minions, is_claim, is_test)."""

    def read():
        cache.drain()
        return approved.execute(
            "SELECT command, job_user, ARRAY(SELECT m.minion_id FROM approval.minion_number AS m "
            "WHERE m.minion_number = ANY (l.minions) ORDER BY 1), is_claim, is_test "
            "FROM approval.job_log AS l ORDER BY jid"
        )

    return read


def test_a_job_that_is_published(cache, logged):
    first, second = cache.prep_jid(), cache.prep_jid()
    cache.save_load(first, {**PUBLISHED, "jid": first}, ["web1", "web2"])
    for minion in ("web1", "web2"):
        salt.utils.job.store_job(cache.opts, {**RETURN, "jid": first, "id": minion})
    options = {"__kwarg__": True, "test": True}
    cache.save_load(second, {**PUBLISHED, "jid": second, "fun": "state.apply", "arg": ["web", options]}, ["web1"])
    assert logged() == [
        ("salt -G os:Debian cmd.run date", "sudo_alice", ["web1", "web2"], False, False),
        ("salt -G os:Debian state.apply web test=True", "sudo_alice", ["web1"], False, True),
    ]


def test_secrets_are_hidden(cache, logged):
    jid = cache.prep_jid()
    cache.save_load(jid, {**PUBLISHED, "jid": jid, "arg": ["mysql -phunter2 shop"]}, ["web1"])
    jid = cache.prep_jid()
    cache.save_load(jid, {**RETURN, "jid": jid, "id": "web1", "fun_args": ["PASSWORD=hunter2 run"]})
    cache.returner({**RETURN, "jid": jid, "id": "web1", "fun_args": ["PASSWORD=hunter2 run"]})
    commands = [row[0] for row in logged()]
    assert len(commands) == 2
    assert all("********" in command and "hunter2" not in command for command in commands)


def test_a_return_without_a_job_is_a_claim(cache, logged):
    jid = cache.prep_jid()
    salt.utils.job.store_job(cache.opts, {**RETURN, "jid": jid, "id": "web1", "user": "root"})
    assert logged() == [("salt-call cmd.run date", "root", ["web1"], True, False)]


def test_what_a_runner_did(cache, logged):
    with RunnerClient({**cache.opts, "runner_returns": True}) as client:
        client.cmd("test.arg", ["a"], kwarg={"password": "hunter2"}, print_event=False)
    ((command, _, minions, is_claim, _),) = logged()
    assert command.startswith("salt-run test.arg a 'password=********'")
    assert (minions, is_claim) == ([cache.opts["id"]], False)


def test_a_minion_cannot_pass_for_a_runner(cache, logged):
    inner = {"fun": "runner.state.orch", "fun_args": [], "jid": "1", "return": 1}
    salt.utils.job.store_job(
        cache.opts, {**RETURN, "fun": "runner.state.orch", "jid": cache.prep_jid(), "id": "web1", "return": inner}
    )
    assert [row[3] for row in logged()] == [True]


@pytest.mark.parametrize("fun", ["saltutil.find_job", "mine.update", "saltutil.sync_all"])
def test_housekeeping_is_left_out(cache, logged, fun):
    first, second = cache.prep_jid(), cache.prep_jid()
    cache.save_load(first, {**PUBLISHED, "jid": first, "fun": fun}, ["web1"])
    salt.utils.job.store_job(cache.opts, {**RETURN, "jid": second, "id": "web1", "fun": fun})
    assert logged() == []


def test_batches_are_one_job(cache, logged):
    jid = cache.prep_jid()
    for minion in ("web1", "web2"):
        cache.save_load(jid, {**PUBLISHED, "jid": jid}, [minion])
    assert [row[2] for row in logged()] == [["web1", "web2"]]


def test_a_nodegroup_is_shown_as_it_is_called(returner_in, approved):
    cache = returner_in()
    cache.opts["nodegroups"] = {"shop": "web1 or web2"}
    cache = type(cache)(cache.opts)
    jid = cache.prep_jid()
    cache.save_load(jid, {**PUBLISHED, "jid": jid, "tgt": "web1 or web2", "tgt_type": "compound"}, ["web1"])
    assert approved.execute("SELECT command FROM approval.job_log") == [("salt -N shop cmd.run date",)]


def test_what_waited_has_the_time_at_which_it_came(cache, approved, line):
    line.cut()
    jid = cache.prep_jid()
    before = datetime.datetime.now(datetime.timezone.utc)
    cache.save_load(jid, {**PUBLISHED, "jid": jid}, ["web1"])
    after = datetime.datetime.now(datetime.timezone.utc)
    line.restore()
    cache.drain()
    ((published,),) = approved.execute("SELECT published_at FROM approval.job_log")
    assert before <= published <= after


@pytest.mark.parametrize(
    ("claimed", "command"), [(False, "salt -G os:Debian cmd.run date"), (True, "salt-call cmd.run date")]
)
def test_what_an_older_version_left_in_the_spool(returner_in, line, approved, claimed, command):
    from saltext.approval import _core

    cache = returner_in(mode="spool")
    jid = cache.prep_jid()
    kept = {**PUBLISHED, "jid": jid, **({"tgt": "web1", "tgt_type": "list"} if claimed else {})}
    payload = _core.compress(packing.pack(kept))
    cache.spool.put("load", jid, [jid, "cmd.run", kept["tgt"], kept["tgt_type"], "alice", ["web1"], payload, claimed])
    assert cache.get_load(jid)["fun"] == "cmd.run"
    assert list(cache.get_jids()) == [jid]
    assert drain.run(cache.spool, JobDatabase(config.connection(line.settings, "test"))).recorded == 1
    assert approved.execute("SELECT command, is_claim FROM approval.job_log") == [(command, claimed)]
