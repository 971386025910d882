"""The worker that brings minions in line which start behind what is approved for them."""

import pytest

from saltext.approval.engine.workers import catch_up
from saltext.approval.errors import ConfigError
from saltext.approval.master import publisher
from saltext.approval.settings import Settings


@pytest.fixture
def build(master_opts):
    """A function that makes the worker of a master with these settings, and other options."""
    made = []

    def build(settings=None, **changes):
        opts = master_opts(**changes)
        opts["approval"]["engine"]["workers"] = {"catch_up": {"after_seconds": 0, **(settings or {})}}
        made.append(catch_up.worker(Settings.from_master(opts)))
        return made[-1]

    yield build
    for worker in made:
        worker.close()


@pytest.fixture
def worker(build):
    return build()


@pytest.fixture
def behind(acting, approved, published):
    """A minion, web1, that was away when what is approved for it was sent."""
    acting.request("at-once", ["web1"], {"hello": "1"}, "a test")
    return "web1"


@pytest.fixture
def jobs(published):
    """A function that gives the jobs published so far, as (minions, function)."""
    return lambda: [(job[1], job[2]) for job in published.jobs]


def starts(worker, *minions):
    for minion in minions:
        worker.heard(f"salt/minion/{minion}/start", {"id": minion, "cmd": "_minion_event"})


def anew(database):
    """As if all that ended had done so ten minutes ago: nobody is asked sooner."""
    database.execute("UPDATE approval.catch_up SET due_at = due_at - interval '10 minutes' WHERE state = 'waiting'")


def rows(database, columns):
    return database.execute(f"SELECT {columns} FROM approval.catch_up ORDER BY minion_id, catch_up_no")


def test_a_minion_that_starts_behind_is_asked_and_sent_a_state_run(worker, behind, published, returned, acting):
    starts(worker, behind)
    worker.round()
    worker.round()
    ((asked, minions, function, arg, kwarg),) = published.jobs
    assert (minions, function, arg, kwarg) == (["web1"], "approval.observe", [], {})
    returned(asked, "web1", {})
    worker.round()
    _, (jid, *job) = published.jobs
    assert job == [["web1"], *publisher.APPLY]
    (row,) = acting.catch_ups()
    assert (row["state"], row["cause"], row["jid"]) == ("sent", "boot boot-1", jid)
    returned(jid, "web1", {})
    worker.round()
    assert [row["outcome"] for row in acting.catch_ups("web1")] == ["returned"]
    assert acting.catch_ups("web2") == []


def test_however_often_it_starts(worker, behind, published, returned, approved, jobs):
    for number in range(3):
        starts(worker, behind, behind)
        worker.round()
        anew(approved)
        worker.round()
        returned(published.jobs[-1][0], "web1", {})
        worker.round()
        if number == 0:
            returned(published.jobs[-1][0], "web1", {})
            worker.round()
    assert [function for _, function in jobs()] == [
        "approval.observe",
        "state.apply",
        "approval.observe",
        "approval.observe",
    ]
    assert rows(approved, "outcome") == [("returned",), ("repeated",), ("repeated",)]


def test_one_that_is_in_line_is_left_alone(worker, acting, approved, jobs, behind):
    approved.execute("UPDATE approval.item SET outcome = 'converged', applied_at = now()")
    starts(worker, "web1", "web2")
    worker.round()
    assert rows(approved, "minion_id") == []
    assert jobs() == []


def test_what_is_not_dispatched_is_left_to_highstates(worker, approve, approved, published, jobs):
    approve(["web1"], {"hello": "1"})
    starts(worker, "web1")
    worker.round()
    assert rows(approved, "minion_id") == []
    assert jobs() == []


def test_whoever_says_what(worker, acting, published, approved, delete_key, master_opts):
    """Of what every minion can put on the bus nothing concerns any but known minions with accepted keys."""
    acting.request("at-once", ["web1", "web2", "%", "it's"], {"hello": "1"}, "a test")
    delete_key(master_opts(), "web2")
    starts(worker, "web2", "%", "it's", "nobody", "a\0b", "\ud800", "../../x", "x" * 300, "", "*")
    worker.heard("salt/minion/web1/start/more", {})
    worker.heard("salt/minion/start", {})
    worker.heard("salt/minion/web1/stop", {})
    worker.round()
    worker.round()
    assert rows(approved, "minion_id") == []
    assert published.jobs == []


def test_made_up_names_go_on_for_no_longer_than_is_set(worker, behind, approved, monkeypatch):
    monkeypatch.setattr(catch_up, "MOST_STARTED", 3)
    starts(worker, *(f"made-up{number}" for number in range(9)), "web1")
    worker.round()
    assert rows(approved, "minion_id") == [], "one that is too late is noticed when it starts again"
    worker.round()
    starts(worker, "web1")
    worker.round()
    assert rows(approved, "minion_id") == [("web1",)]


def test_it_is_left_to_what_it_does_at_its_start(build, behind, approved, jobs):
    worker = build({"after_seconds": 600})
    starts(worker, behind)
    worker.round()
    assert jobs() == []
    assert rows(approved, "state, due_at - started_at >= interval '600 seconds'") == [("waiting", True)]
    approved.execute("UPDATE approval.item SET outcome = 'converged', applied_at = now()")
    anew(approved)
    worker.round()
    assert rows(approved, "outcome") == [("in-line",)]
    assert jobs() == []


def test_one_that_is_reinstalled(worker, acting, behind, published, approved, returned):
    """That its key is another may be noticed after its start."""
    approved.execute("UPDATE approval.item SET outcome = 'converged', applied_at = now()")
    note = "SELECT approval.note_minion('web1', %s, true, NULL)"
    approved.execute(note, ("old",), login="engine")
    starts(worker, behind)
    worker.round()
    approved.execute(note, ("new",), login="engine")
    worker.round()
    ((jid, *job),) = published.jobs
    assert job == [["web1"], *publisher.APPLY]
    returned(jid, "web1", {})
    starts(worker, behind)
    worker.round()
    anew(approved)
    worker.round()
    assert [job[2] for job in published.jobs] == ["state.apply", "approval.observe"], "its reinstall has had its run"


def test_a_thousand_that_start_at_once_wait_for_their_turn(build, acting, accept_key, approved, published, returned):
    """Forty here, on two masters with the same keys: in order, five at a time, and each once."""
    minions = [f"shop{number:02}" for number in range(40)]
    approved.execute("SELECT approval.put_minions(%s)", (minions,), login="operator")
    acting.request("at-once", minions, {"hello": "1"}, "a test")
    masters = [build({"at_once": 5}), build({"at_once": 5})]
    for minion in minions:
        accept_key(masters[0].opts, minion)
    for worker in masters:
        starts(worker, *minions)
    most, answered = 0, set()
    for _ in range(40):
        for worker in masters:
            worker.round()
            ((under_way,),) = approved.execute(
                "SELECT count(*) FROM approval.catch_up WHERE state IN ('asked', 'answered', 'sending', 'sent')"
            )
            most = max(most, under_way)
        for jid, told, *_ in published.jobs:
            for minion in told:
                if (jid, minion) not in answered:
                    answered.add((jid, minion))
                    approved.execute(
                        "INSERT INTO approval.job_return (jid, minion_id, attempt, fun, retcode, success, verdict, "
                        "authenticated, flags, run_id, boot_id, received_at, payload_digest, payload) VALUES "
                        "(%s, %s, 1, 'x', 0, true, 'drift', true, '{}', %s, 'b', clock_timestamp(), '', '')",
                        (jid, minion, jid + minion),
                    )
        if set(rows(approved, "state")) == {("ended",)}:
            break
    assert most == 5
    applied = [minion for _, told, function, *_ in published.jobs if function == "state.apply" for minion in told]
    assert sorted(applied) == minions
    assert set(rows(approved, "outcome")) == {("returned",)}


def test_each_master_tells_those_whose_keys_it_has(build, behind, jobs, tmp_path):
    other = build(pki_dir=str(tmp_path / "other-pki"))
    worker = build()
    starts(worker, behind)
    worker._note_starts()
    other.round()
    assert jobs() == []
    worker.round()
    assert jobs() == [(["web1"], "approval.observe")]


def test_a_job_that_is_not_published(worker, behind, published, approved, jobs):
    published.error = publisher.NotSent("no authentication")
    starts(worker, behind)
    worker.round()
    assert rows(approved, "state, due_at > now() + interval '50 seconds'") == [("waiting", True)]
    published.error = publisher.Doubtful("timeout")
    anew(approved)
    worker.round()
    assert rows(approved, "state") == [("asked",)], "its return will show"
    published.error = None
    approved.execute(
        "UPDATE approval.catch_up SET state_at = state_at - interval '3 minutes', "
        "started_at = started_at - interval '3 minutes'"
    )
    worker.round()
    assert rows(approved, "outcome") == [("absent",)]
    assert jobs() == []


def test_starts_that_are_heard_while_the_database_is_away(worker, behind, approved, monkeypatch):
    starts(worker, behind)
    with monkeypatch.context() as away:
        away.setattr(worker, "value", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            worker.round()
    worker.close()
    worker.round()
    assert rows(approved, "minion_id") == [("web1",)]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"at_once": 0}, "at_once must be a number, 1 at the least"),
        ({"at_once": 2.5}, "at_once must be a number, 1 at the least"),
        ({"at_once": True}, "at_once must be a number"),
        ({"after_seconds": -1}, "after_seconds must be a number, 0 at the least"),
        ({"after_seconds": float("nan")}, "after_seconds must be a number"),
        ({"at_onse": 3}, "there is no setting 'at_onse' (known: at_once, after_seconds)"),
    ],
)
def test_settings_that_are_wrong(build, settings, said):
    with pytest.raises(ConfigError) as raised:
        build(settings)
    assert said in str(raised.value)
    assert "approval:engine:workers:catch_up" in str(raised.value)


def test_it_can_be_switched_off(master_opts):
    opts = master_opts()
    opts["approval"]["engine"]["workers"] = {"catch_up": False}
    assert catch_up.worker(Settings.from_master(opts)) is None
