"""A published job that changes what is under approval, through Salt's loader: an alarm; and jobs of its kin: none."""

import pytest

from saltext.approval.engine.workers import alarms as alarms_worker
from saltext.approval.settings import Settings


@pytest.fixture
def publish(cache):
    """A function that stores a publish load as the master does; returns the jid."""

    def publish(fun, *arg, minions=("web1", "web2"), **kwarg):
        jid = cache.prep_jid()
        arguments = [*arg, {"__kwarg__": True, **kwarg}] if kwarg else list(arg)
        load = {
            "cmd": "publish", "fun": fun, "arg": arguments, "jid": jid, "tgt": "web*", "tgt_type": "glob",
            "ret": "", "user": "sudo_mallory", "kwargs": {}, "key": "the root key of the master",
        }  # fmt: skip
        cache.save_load(jid, load, list(minions))
        return jid

    return publish


@pytest.fixture
def alarms(approved, client, master_opts):
    """A function that gives the alarms, once the engine has made them of what was seen."""

    def listed(**chosen):
        # The policy that tests share may have been loaded a while ago, and nobody sealed it.
        approved.execute("SELECT approval.seal_audit()", login="engine")
        working = alarms_worker.worker(Settings.from_master(master_opts()))
        working.round()
        working.close()
        return client("alice").alarms(**chosen)

    return listed


def test_who_did_what_where_without_secrets(publish, alarms, approve):
    approve(["web1"], {"hello": "2.10"})
    jid = publish("pkg.install", "vim", extra_args="--password=wonderland")
    (alarm,) = alarms()
    assert alarm["what"].startswith("salt 'web*' pkg.install vim")
    assert "wonderland" not in str(alarm)
    assert (alarm["kind"], alarm["minions"], alarm["who"], alarm["jid"]) == (
        "unapproved-job",
        ["web1"],
        "sudo_mallory",
        jid,
    )


@pytest.mark.parametrize(
    ("fun", "arg", "kwarg"),
    [
        ("pkg.list_pkgs", (), {}),
        ("service.status", ("cron",), {}),
        ("state.apply", ("nginx",), {"test": True}),
        ("state.apply", ("approval",), {"queue": True}),
        ("state.single", ("approval.planned",), {"name": "plan"}),
        ("state.highstate", (), {}),
        ("approval.observe", (), {}),
        ("cmd.run", ("rm -r /srv",), {}),
    ],
)
def test_its_kin_raises_nothing(publish, alarms, approve, fun, arg, kwarg):
    approve(["web1"], {"hello": "2.10"})
    publish(fun, *arg, **kwarg)
    assert alarms() == []


def test_without_an_approved_state_nothing_does(publish, alarms):
    publish("pkg.install", "vim")
    assert alarms() == []


def test_a_load_that_waited_in_the_spool_raises_one(master_opts, alarms, approve):
    from saltext.approval.jobs.database import JobDatabase, published_content

    approve(["web1"], {"hello": "2.10"})
    load = {"fun": "pkg.remove", "arg": ["vim"], "tgt": "web1", "tgt_type": "glob", "user": "root"}
    content = published_content("20260101000000000000", load, ["web1"])
    database = JobDatabase(Settings.from_master(master_opts()).connection("returner"))
    database.write("load", content, 1795362467.5)
    database.write("load", content, 1795362467.5)
    (alarm,) = alarms()
    assert (alarm["what"], alarm["count"]) == ("salt web1 pkg.remove vim", 1)
