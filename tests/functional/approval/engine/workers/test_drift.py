"""The worker that has minions read what is there, what comes of their answers, and who is out of line."""

import hashlib
import logging
import pathlib

import pytest

from saltext.approval import _core
from saltext.approval.cli import compliance
from saltext.approval.engine.workers import drift
from saltext.approval.errors import ConfigError
from saltext.approval.master import publisher
from saltext.approval.settings import Settings


class Minion:
    """A minion with hello in some version, or none, which answers jobs through the master's job cache."""

    def __init__(self, name, database, cache):
        self.name, self.database, self.cache = name, database, cache
        self.hello, self.applied, self.runs = None, False, 0

    def document(self):
        return self.database.execute(
            "SELECT revision, digest, encode(evidence_key, 'hex') FROM approval.exported_document "
            "WHERE minion_id = %s AND valid_from <= now() ORDER BY valid_from DESC LIMIT 1",
            (self.name,),
            login="exporter",
        )[0]

    def evidence(self, **changed):
        revision, digest, key = self.document()
        self.runs += 1
        made = {
            "format": 2,
            "minion": self.name,
            "revision": revision,
            "digest": digest,
            "run_id": hashlib.sha256(f"{self.name} {self.runs}".encode()).hexdigest()[:32],
            "boot_id": "0b7e",
            "observed": {"packages": {"hello": self.hello}, "services": {}, "values": {}, "starts": {}},
            "before": {"packages": {"hello": None}} if self.applied else {},
            **changed,
        }
        return {**made, "mac": _core.mac(changed.get("key", key), made)}

    def answer(self, jid, state="observed", evidence=None, name=None):
        """Return from the job ``jid``, with evidence of one's own unless another is given."""
        evidence = evidence or self.evidence()
        chunk = {"name": "approval", "result": True, "changes": {}, "comment": "", "__run_num__": 0}
        chunks = {f"approval_|-approval_|-approval_|-{state}": {**chunk, "approval": evidence}}
        self.send(jid, *(("approval.observe", evidence) if state == "observed" else ("state.apply", chunks)), name)

    def send(self, jid, fun, returned, name=None):
        """Return this from the job ``jid``, as whoever."""
        self.cache.returner(
            {
                "cmd": "_return",
                "id": name or self.name,
                "jid": jid,
                "fun": fun,
                "fun_args": [],
                "retcode": int(isinstance(returned, str)),
                "success": not isinstance(returned, str),
                "return": returned,
            }
        )

    def converge(self, version):
        self.hello, self.applied = version, True
        self.answer(self.cache.prep_jid(), "converged")


@pytest.fixture
def minions(approve, approved, cache, master_opts):
    """Two minions with hello 1.0 approved, their keys accepted; there is another key, of a minion without anything."""
    approve(["web1", "web2"], {"hello": "1.0"})
    accepted = pathlib.Path(master_opts()["pki_dir"], "minions")
    accepted.mkdir(parents=True)
    for name in ("web1", "web2", "we%", "unregistered"):
        (accepted / name).write_text("key")
    return {name: Minion(name, approved, cache) for name in ("web1", "web2")}


@pytest.fixture
def told(monkeypatch, cache):
    """The jobs by which minions were told to read what is there, as (jid, minions). They reach the job cache."""
    told = []

    def publish(opts, jid, minions, function, arg, kwarg):
        assert (function, arg, kwarg) == ("approval.observe", [], {})
        load = {
            "fun": function,
            "arg": [*arg, kwarg],
            "jid": jid,
            "tgt": list(minions),
            "tgt_type": "list",
            "user": "root",
        }
        cache.save_load(jid, load, list(minions))
        told.append((jid, list(minions)))

    monkeypatch.setattr(publisher, "publish", publish)
    return told


@pytest.fixture
def worker(minions, master_opts):
    """A function that makes the worker, with changed settings."""
    made = []

    def build(**settings):
        opts = master_opts()
        opts["approval"]["engine"]["workers"] = {"drift": settings}
        made.append(drift.worker(Settings.from_master(opts)))
        return made[-1]

    yield build
    for worker in made:
        worker.close()


@pytest.fixture
def standing(client):
    """A function that gives the standing of each minion that has something approved, and what is out of line."""

    def look():
        shown = client("alice").compliance()
        known = {name: count for name, count in shown["minions"].items() if count and name != "unknown"}
        return known, [(row["minion_id"], row["standing"], row["observed"]) for row in shown["out_of_line"]]

    return look


def a_while_ago(database):
    """As if the jobs so far had been published an hour ago."""
    database.execute("UPDATE approval.job SET published_at = published_at - interval '1 hour'")


def test_each_minion_is_told_once_in_slices(worker, told):
    checks = worker(hours=24, slice=1)
    pauses = [checks.round() for _ in range(4)]
    assert [minions for _, minions in told] == [["web1"], ["web2"]]
    assert set(pauses) == {60.0}


def test_the_slices_are_spread_over_the_time(worker, told):
    checks = worker(hours=1 / 60, slice=1)
    checks.round()
    assert checks.round() == 30.0  # two minions in a minute
    checks = worker(hours=24, slice=100)
    checks.round()
    assert told[-1][1] == ["web2"]


def test_drift_is_found_and_goes(worker, told, minions, standing):
    checks = worker(slice=10, hours=1 / 60)
    for minion in minions.values():
        minion.converge("1.0")
    assert standing() == ({"converged": 2}, [])
    checks.round()
    checks.round()
    minions["web1"].hello = "0.9"
    for jid, names in told:
        for name in names:
            minions[name].answer(jid)
    assert standing() == ({"converged": 1, "drifting": 1}, [("web1", "drifting", "0.9")])
    minions["web1"].converge("1.0")
    assert standing() == ({"converged": 2}, [])


def test_a_check_before_anything_was_applied_finds_no_drift(worker, told, minions, standing, approved):
    worker().round()
    ((jid, (name,)),) = told
    minions[name].answer(jid)
    assert standing() == ({"waiting": 2}, [])
    assert approved.execute("SELECT name, reason, source FROM approval.job_finding WHERE jid = %s", (jid,)) == [
        ("hello", "never-applied", "observation")
    ]


def test_who_does_not_return_is_silent_until_it_does(worker, told, minions, standing, approved):
    checks = worker()
    checks.round()
    ((jid, (name,)),) = told
    minions["web2"].converge("1.0")
    a_while_ago(approved)
    checks.round()
    assert standing() == ({"converged": 1, "silent": 1}, [("web1", "silent", None)])
    minions[name].answer(jid)
    assert standing() == ({"converged": 1, "waiting": 1}, [])


def test_a_minion_without_the_module_has_not_drifted(worker, told, minions, standing, approved):
    """Nor is it told again before it is time."""
    minions["web1"].converge("1.0")
    checks = worker()
    checks.round()
    ((jid, (name,)),) = told
    minions[name].send(jid, "approval.observe", "'approval.observe' is not available.")
    checks.round()
    checks.round()
    assert [names for _, names in told] == [["web1"], ["web2"]]
    assert standing() == ({"converged": 1, "waiting": 1}, [])
    rows = approved.execute(
        "SELECT f.verdict, f.reason, f.finding, r.authenticated FROM approval.job_finding AS f "
        "JOIN approval.job_return AS r USING (jid, minion_id, attempt) WHERE jid = %s",
        (jid,),
    )
    ((verdict, reason, text, authenticated),) = rows
    assert (verdict, reason, authenticated) == ("not-applied", "not-synced", False)
    assert "saltutil.sync_all" in text


@pytest.mark.parametrize(("error", "told_again"), [(publisher.NotSent, True), (publisher.Doubtful, False)])
def test_a_job_that_is_not_sent(worker, monkeypatch, caplog, told, error, told_again):
    def publish(*_):
        raise error("the master is away")

    checks = worker()
    with monkeypatch.context() as patched:
        patched.setattr(publisher, "publish", publish)
        if told_again:
            with pytest.raises(publisher.NotSent):
                checks.round()
        else:
            with caplog.at_level(logging.WARNING):
                checks.round()
            assert "1 minions may not have been told to read what is there: the master is away" in caplog.text
    checks.round()
    assert [names for _, names in told] == [["web1"] if told_again else ["web2"]]


@pytest.mark.parametrize(
    "settings",
    [
        {"hours": 0},
        {"hours": "4"},
        {"hours": True},
        {"slice": 0},
        {"slice": 1.5},
        {"silent_after_minutes": 0},
        {"days": 1},
    ],
)
def test_settings_that_are_none(worker, settings):
    with pytest.raises(ConfigError, match="approval:engine:workers:drift"):
        worker(**settings)


def test_forged_answers_move_nothing(minions, standing, cache, approved):
    """Returns that another minion, or anybody without a key, can send in the name of web1."""
    web1, web2 = minions["web1"], minions["web2"]
    for minion in (web1, web2):
        minion.converge("1.0")
    genuine = web1.evidence()
    gone = {**genuine["observed"], "packages": {"hello": None}}
    _, _, key2 = web2.document()
    other = {**genuine, "observed": gone}
    web2.hello = None
    forgeries = [
        other,  # an edited value
        {**other, "mac": _core.mac(key2, other)},  # under another minion's key
        {**other, "mac": _core.mac("00" * 32, other)},
        web2.evidence(minion="web1"),
        web2.evidence(),  # another minion's, as it is
        {**web2.evidence(), "minion": "web1"},
        {**other, "run_id": "f" * 32},
        {**other, "before": {}},
        {**other, "boot_id": "another"},
        {**genuine, "observed": {**genuine["observed"], "actions": {"1": '{"retcode":0,"success":true}'}}},
        {**genuine, "observed": {**genuine["observed"], "starts": {"cron": "0b7e 99"}}},
        {**genuine, "revision": genuine["revision"] + 1},
    ]
    for number, forged in enumerate(forgeries):
        for state in ("observed", "converged"):
            jid = cache.prep_jid()
            web2.answer(jid, state, evidence=forged, name="web1")
            rows = approved.execute("SELECT authenticated FROM approval.job_return WHERE jid = %s", (jid,))
            assert rows == [(False,)], (number, state)
    assert standing() == ({"converged": 2}, [])


def test_evidence_that_is_sent_again_moves_nothing(minions, standing, cache, approved):
    """web1 was well once; whoever kept that return cannot hide with it that it is not any more."""
    web1, web2 = minions["web1"], minions["web2"]
    for minion in (web1, web2):
        minion.converge("1.0")
    well = web1.evidence()
    web1.answer(cache.prep_jid(), evidence=well)
    web1.hello = None
    web1.answer(cache.prep_jid())
    assert standing()[0] == {"converged": 1, "drifting": 1}
    jid = cache.prep_jid()
    web1.answer(jid, evidence=well)
    assert standing()[0] == {"converged": 1, "drifting": 1}
    assert approved.execute("SELECT authenticated, flags FROM approval.job_return WHERE jid = %s", (jid,)) == [
        (False, ["replayed", "unknown-job"])
    ]


def test_numbers_for_metrics(minions, client):
    for minion in minions.values():
        minion.converge("1.0")
    shown = client("alice").compliance()
    lines = compliance._metrics(shown).splitlines()
    assert 'saltext_approval_minions{standing="converged"} 2' in lines
    assert 'saltext_approval_minions{standing="drifting"} 0' in lines
    assert lines[-1] == "saltext_approval_drifting_resources 0"
    assert [line.split()[2] for line in lines if line.startswith("# TYPE")] == [
        "saltext_approval_minions",
        "saltext_approval_drifting_resources",
    ]
