"""Waves on the real database: what the dispatcher publishes of a request with a rollout, also two of them."""

import pytest

from saltext.approval import _core, config, db
from saltext.approval.engine.workers import dispatch
from saltext.approval.errors import Refused
from saltext.approval.jobs import packing
from saltext.approval.policy import loader
from saltext.approval.settings import Settings

POLICY = """
types:
  waved:
    kind: package
    dispatch: true
    requesters: ["*"]
    pre_approved: true
    chain: []
    rollout: {canaries: 1, max_failures: 0, resume: {group: board}}
  waved-restart:
    kind: action
    action: {function: service.restart}
    parameters: {properties: {name: {type: string}}, required: [name]}
    requesters: ["*"]
    pre_approved: true
    chain: []
    rollout: {max_failures: 1, resume: {group: board}}
minion_groups:
  pair: {minions: [web1, web2], at_once: 1}
"""


@pytest.fixture
def rolled(acting, approved):
    """A Client of alice on a database with POLICY too."""
    with db.connect(config.Connection(approved.dsn("policy_admin"))) as conn:
        loader.load(conn, loader.parse("groups: {board: {members: [bob]}}\n" + POLICY))
    return acting


@pytest.fixture
def unpaired(approved):
    """Forget that the minions are a pair."""

    def forget():
        approved.execute("SELECT approval.put_minion_group('pair', '', '{web1,web2}')")

    return forget


@pytest.fixture
def worker(master_opts):
    worker = dispatch.worker(Settings.from_master(master_opts()))
    yield worker
    worker.close()


@pytest.fixture
def other(master_opts):
    """The dispatcher of another master, with the same keys."""
    worker = dispatch.worker(Settings.from_master(master_opts()))
    yield worker
    worker.close()


@pytest.fixture
def answered(approved):
    """A function that stores the return of a job from a minion as the returner would; nothing is proven by it."""

    def store(jid, minion, function="test.ping"):
        payload = _core.compress(packing.pack({"jid": jid, "id": minion, "return": True}))
        approved.execute(
            "INSERT INTO approval.job_return (jid, minion_id, attempt, fun, retcode, success, verdict, authenticated, "
            "flags, run_id, received_at, payload_digest, payload) "
            "VALUES (%s, %s, 1, %s, 0, true, 'unproven', false, '{}', %s, clock_timestamp(), '', %s)",
            (jid, minion, function, f"{jid}/{minion}", payload),
        )

    return store


@pytest.fixture
def proven(approved):
    """A function that says what became of a request on a minion."""

    def store(shown, minion, outcome="converged"):
        approved.execute(
            "UPDATE approval.item SET outcome = %s, applied_at = CASE %s WHEN 'converged' THEN now() END, "
            "outcome_text = 'as seen' WHERE request_id = %s AND minion_id = %s",
            (outcome, outcome, shown["request"], minion),
        )

    return store


@pytest.fixture
def later(approved):
    """A function that lets the time come that messages and rollouts wait for."""

    def pass_time():
        approved.execute("UPDATE approval.outbox SET due_at = '-infinity' WHERE state = 'waiting'")
        approved.execute("UPDATE approval.rollout SET look_at = now() WHERE state <> 'done'")

    return pass_time


def ask(rolled):
    return rolled.request("waved", ["web1", "web2"], packages={"hello": "1"}, reason="a test")


def functions(published):
    return [(function, minions) for _, minions, function, *_ in published.jobs]


def waves(rolled, shown):
    return [wave["verdicts"] for wave in rolled.rollout(shown["request"])["waves"]]


def test_a_canary_is_asked_sent_and_proven_before_the_rest(
    worker, rolled, published, answered, proven, later, unpaired
):
    unpaired()
    asked = ask(rolled)
    worker.round()
    ((jid, (canary,), function, *_),) = published.jobs
    assert function == "test.ping"
    answered(jid, canary)
    later()
    worker.round()
    assert functions(published)[1:] == [("state.apply", [canary])]
    proven(asked, canary)
    later()
    worker.round()
    later()
    worker.round()
    (rest,) = {"web1", "web2"} - {canary}
    assert functions(published)[2:] == [("test.ping", [rest])]
    assert waves(rolled, asked) == [{"converged": 1}, {"under way": 1}]


def test_a_failing_canary_halts_and_somebody_of_the_group_lets_it_go_on(
    worker, rolled, client, published, answered, proven, later, unpaired
):
    unpaired()
    asked = ask(rolled)
    worker.round()
    jid, (canary,), *_ = published.jobs[0]
    answered(jid, canary)
    later()
    worker.round()
    proven(asked, canary, "failed")
    later()
    worker.round()
    shown = rolled.rollout(asked["request"])
    assert (shown["state"], shown["because"]) == ("halted", "1 minion failed, where 0 may")
    assert [(failure["minion_id"], failure["reason"]) for failure in shown["failures"]] == [(canary, "as seen")]
    for _ in range(2):
        later()
        worker.round()
    assert functions(published) == [("test.ping", [canary]), ("state.apply", [canary])], "nobody else is told"
    assert client("bob").resume(asked["request"], "go-on", "a full disk")["state"] == "running"
    for _ in range(2):
        later()
        worker.round()
    (rest,) = {"web1", "web2"} - {canary}
    assert functions(published)[2:] == [("test.ping", [rest])]


def test_another_master_goes_on_in_the_middle_of_a_wave(
    worker, other, rolled, published, answered, proven, later, unpaired
):
    unpaired()
    asked = ask(rolled)
    worker.round()
    jid, (canary,), *_ = published.jobs[0]
    worker.close()
    answered(jid, canary)
    later()
    other.round()
    proven(asked, canary)
    for _ in range(2):
        later()
        other.round()
    assert [function for function, _ in functions(published)] == ["test.ping", "state.apply", "test.ping"]


def test_two_masters_never_have_both_of_a_pair_at_work(worker, other, rolled, published, answered, later, approved):
    first = rolled.request("waved-restart", ["web1"], parameters={"name": "nginx"}, reason="a test")
    second = rolled.request("waved-restart", ["web2"], parameters={"name": "nginx"}, reason="a test")
    worker.round()
    other.round()
    for jid, minions, *_ in list(published.jobs):
        for minion in minions:
            answered(jid, minion)
    for _ in range(3):
        later()
        worker.round()
        other.round()
    restarts = [job for job in published.jobs if job[2] == "state.single"]
    ((jid, (minion,), *_),) = restarts
    (item,) = rolled.show((first if minion == "web1" else second)["request"])["items"]
    assert item["sent"]["state"] == "sent"
    approved.execute(
        "UPDATE approval.dispatch SET state = 'proven', ended_at = clock_timestamp() WHERE minion_id = %s", (minion,)
    )
    for _ in range(2):
        later()
        other.round()
    restarts = [minions for _, minions, function, *_ in published.jobs if function == "state.single"]
    assert sorted(restarts) == [["web1"], ["web2"]]


def test_who_does_not_answer_is_set_aside(worker, rolled, published, answered, later, unpaired, approved):
    unpaired()
    asked = rolled.request("waved-restart", ["web1", "web2"], parameters={"name": "nginx"}, reason="a test")
    worker.round()
    ((jid, minions, *_),) = published.jobs
    assert minions == ["web1", "web2"], "one ping is for all of a wave"
    answered(jid, "web1")
    approved.execute("UPDATE approval.wave_minion SET pinged_at = pinged_at - interval '31 s'")
    later()
    worker.round()
    assert functions(published)[1:] == [("state.single", ["web1"])]
    assert waves(rolled, asked) == [{"under way": 1, "absent": 1}]
    assert rolled.rollout(asked["request"])["failure_count"] == 0


def test_a_pause_stops_all_sending(worker, rolled, client, published, later):
    assert rolled.pause_all("fire")["paused_by"] == "alice"
    rolled.request("flush", ["web1"], reason="a test")
    ask(rolled)
    worker.round()
    assert not published.jobs
    with pytest.raises(Refused, match="alice is not among those who decide on the pause of all sending"):
        rolled.resume_all("the fire is out")
    assert client("bob").resume_all("the fire is out") == {"paused": False}
    later()
    worker.round()
    assert {function for function, _ in functions(published)} == {"state.single", "test.ping"}
