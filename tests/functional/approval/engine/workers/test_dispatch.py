"""The dispatcher on the real database: what it publishes, once, and what it makes of returns."""

import json
import threading

import pytest

from saltext.approval.engine.workers import dispatch
from saltext.approval.master import publisher
from saltext.approval.settings import Settings


@pytest.fixture
def worker(master_opts):
    worker = dispatch.worker(Settings.from_master(master_opts()))
    yield worker
    worker.close()


@pytest.fixture
def item_id(approved):
    """A function that gives the id of a request's item on a minion."""

    def find(shown, minion="web1"):
        query = "SELECT min(item_id) FROM approval.item WHERE request_id = %s AND minion_id = %s"
        return approved.execute(query, (shown["request"], minion))[0][0]

    return find


def due(database):
    """Let the time come that messages wait for."""
    database.execute("UPDATE approval.outbox SET due_at = '-infinity' WHERE state = 'waiting'")


def told(item, function, **outcome):
    """Evidence of an action."""
    outcome = {"fun": function, "retcode": 0, "success": True, "return": True, **outcome}
    return {"observed": {"actions": {str(item): json.dumps(outcome)}}}


def state_of(acting, shown):
    return acting.show(shown["request"])["state"]


def test_an_action_is_sent_once_and_proven_by_its_return(worker, acting, published, returned, item_id):
    asked = acting.request("flush", ["web1"], reason="a test")
    worker.round()
    worker.round()
    ((jid, minions, function, arg, kwarg),) = published.jobs
    assert (minions, function, arg) == (["web1"], "state.single", ["approval.performed"])
    assert kwarg == {
        "name": str(item_id(asked)),
        "function": "cache.flush",
        "arguments": {"all": True},
        "services": [],
        "queue": True,
    }
    returned(jid, "web1", told(item_id(asked), "cache.flush", **{"return": {"freed": 1}}))
    worker.round()
    assert state_of(acting, asked) == "converged"
    (item,) = acting.show(asked["request"])["items"]
    assert (item["outcome"], item["text"], item["jid"]) == ("converged", "cache.flush succeeded", jid)


def test_a_return_that_is_not_what_the_type_promises(worker, acting, published, returned, item_id):
    asked = acting.request("flush", ["web1"], reason="a test")
    worker.round()
    returned(published.jobs[0][0], "web1", told(item_id(asked), "cache.flush", **{"return": {"kept": 1}}))
    worker.round()
    assert state_of(acting, asked) == "failed"
    (item,) = acting.show(asked["request"])["items"]
    assert item["text"] == "cache.flush did not return what it should: 'freed' is a required property"


def test_a_claim_proves_nothing(worker, acting, published, returned, item_id):
    asked = acting.request("flush", ["web1"], reason="a test")
    worker.round()
    evidence = told(item_id(asked), "cache.flush", **{"return": {"freed": 1}})
    returned(published.jobs[0][0], "web1", evidence, authentic=False)
    worker.round()
    assert state_of(acting, asked) == "approved"


def test_a_restart(worker, acting, published, returned, item_id):
    asked = acting.request("restart", ["web1"], parameters={"name": "nginx"}, reason="a test")
    worker.round()
    ((jid, *_, kwarg),) = published.jobs
    assert (kwarg["arguments"], kwarg["services"]) == ({"name": "nginx"}, ["nginx"])
    evidence = told(item_id(asked), "service.restart")
    evidence["before"] = {"starts": {"nginx": "boot-1 17"}}
    evidence["observed"]["starts"] = {"nginx": "boot-1 99"}
    returned(jid, "web1", evidence)
    worker.round()
    assert state_of(acting, asked) == "converged"


def test_a_reboot(worker, acting, published, returned, item_id, approved):
    asked = acting.request("reboot", ["web1"], parameters={"at_time": 5}, reason="a test")
    worker.round()
    ((first, minions, function, arg, _),) = published.jobs
    assert (minions, function, arg) == (["web1"], "approval.observe", [])
    returned(first, "web1", {})
    worker.round()
    worker.round()
    assert len(published.jobs) == 1, "what was observed is looked at a second later"
    due(approved)
    worker.round()
    _, (second, *_, kwarg) = published.jobs
    assert kwarg["arguments"] == {"in_seconds": False, "at_time": 5}
    returned(second, "web1", told(item_id(asked), "system.reboot"))
    worker.round()
    assert state_of(acting, asked) == "approved"
    returned("20261122150000000001", "web1", {}, boot="boot-2")
    worker.round()
    assert state_of(acting, asked) == "converged"


def test_what_a_requester_gives_does_not_replace_what_the_type_says(worker, acting, published, approved, returned):
    # Intake refuses it; this is what stands in the database's own hands.
    approved.execute(
        "SELECT approval.submit_request('pg', session_user::text, 'reboot', 'a test', '{web1}', '{action}', "
        "'{system.reboot}', ARRAY[%s], NULL, 'pg', NULL, NULL, NULL)",
        ('{"at_time":5,"in_seconds":true}',),
        login="alice",
    )
    worker.round()
    returned(published.jobs[0][0], "web1", {})
    worker.round()
    due(approved)
    worker.round()
    assert published.jobs[1][4]["arguments"] == {"in_seconds": False, "at_time": 5}


def test_a_state_is_sent_to_all_its_minions_at_once(worker, acting, published, approved):
    acting.request("at-once", ["web1", "web2"], {"hello": "1", "sl": "2"}, "a test")
    acting.request("flush", ["web1"], reason="another")
    worker.round()
    assert [job[1:] for job in published.jobs if job[2] == "state.apply"] == [
        (["web1", "web2"], "state.apply", ["approval"], {"queue": True, "sync_mods": "states,modules"})
    ]


def test_many_minions_are_sent_to_in_several_jobs_and_found_once(worker, acting, published, approved, monkeypatch):
    monkeypatch.setattr(dispatch, "OF_A_JOB", 1)
    found = []
    calls = worker.call
    monkeypatch.setattr(worker, "call", lambda function, *args: (found.append(function), calls(function, *args))[1])
    acting.request("at-once", ["web1", "web2"], {"hello": "1"}, "a test")
    worker.round()
    assert [job[1] for job in published.jobs] == [["web1"], ["web2"]]
    assert found.count("take_dispatches") == 1
    assert found.count("begin_dispatches") == 2


def test_finding_what_is_to_be_sent_may_take_all_the_time(worker, acting, published, approved, monkeypatch):
    monkeypatch.setattr(dispatch, "OF_A_JOB", 1)
    found = []
    calls = worker.call

    def slow(function, *args):
        rows = calls(function, *args)
        if function == "take_dispatches":
            found.append(len(rows))
            worker._until = 0.0
        return rows

    monkeypatch.setattr(worker, "call", slow)
    acting.request("at-once", ["web1", "web2"], {"hello": "1"}, "a test")
    worker.round()
    assert [job[1] for job in published.jobs] == [["web1"], ["web2"]]
    assert found == [2, 1], "each time one job is sent"


def test_what_was_surely_not_sent_is_tried_again_and_shown(worker, acting, published, approved):
    asked = acting.request("flush", ["web1"], reason="a test")
    published.error = publisher.NotSent("no authentication")
    worker.round()
    (row,) = acting.outbox()
    assert (row["state"], row["attempts"], row["last_error"]) == ("waiting", 1, "no authentication")
    published.error = None
    worker.round()
    assert published.jobs == [], "after a pause"
    approved.execute("UPDATE approval.outbox SET state = 'dead', last_error = 'x'")
    assert acting.retry_outbox(asked["request"]) == {"thread": f"request/{asked['request']}", "retried": 1}
    worker.round()
    assert len(published.jobs) == 1
    assert acting.outbox() == []


def test_what_may_have_been_sent_is_not_sent_again(worker, acting, published, approved):
    asked = acting.request("flush", ["web1"], reason="a test")
    published.error = publisher.Doubtful("timeout")
    worker.round()
    published.error = None
    approved.execute("UPDATE approval.dispatch SET state_at = state_at - interval '5 minutes'")
    worker.round()
    assert published.jobs == []
    (item,) = acting.show(asked["request"])["items"]
    assert (item["outcome"], item["text"]) == (
        "failed",
        "the engine ended while it sent this, and no job shows that it was sent",
    )


def test_a_minion_told_to_reboot_is_asked_again(worker, acting, published, returned, monkeypatch, approved):
    acting.request("reboot", ["web1"], reason="a test")
    worker.round()
    returned(published.jobs[0][0], "web1", {})
    worker.round()
    due(approved)
    worker.round()
    monkeypatch.setattr(dispatch, "ASK_AGAIN_S", 0.0)
    worker.round()
    assert [(job[2], job[3]) for job in published.jobs] == [
        ("approval.observe", []),
        ("state.single", ["approval.performed"]),
        ("approval.observe", []),
    ]


def test_a_minion_without_an_accepted_key_keeps_nobody_waiting(
    worker, acting, published, master_opts, accept_key, delete_key
):
    delete_key(master_opts(), "web1")
    asked = acting.request("flush", ["web1", "web2"], reason="a test")
    worker.round()
    assert [job[1] for job in published.jobs] == [["web2"]]
    (row,) = acting.outbox()
    assert (row["state"], row["attempts"], row["last_error"]) == ("waiting", 0, None)
    accept_key(master_opts(), "web1")
    worker.round()
    assert len(published.jobs) == 1, "it is looked at again in a minute"
    worker._delivery._passed.clear()
    worker.round()
    assert [job[1] for job in published.jobs] == [["web2"], ["web1"]]
    assert acting.outbox() == []
    assert state_of(acting, asked) == "approved"


def test_a_key_that_goes_just_before(worker, acting, published, approved):
    published.lost = {"web1"}
    acting.request("at-once", ["web1", "web2"], {"hello": "1"}, "a test")
    worker.round()
    assert approved.execute("SELECT minion_id, state FROM approval.dispatch") == [("web2", "sent")]


class TestMastersWithKeysOfTheirOwn:
    """Two masters on one database: this one holds the keys of web1 and web2, the other that of db1."""

    @pytest.fixture
    def other_opts(self, master_opts, accept_key, tmp_path):
        opts = master_opts(pki_dir=str(tmp_path / "other-pki"))
        accept_key(opts, "db1")
        return opts

    @pytest.fixture
    def other(self, other_opts):
        other = dispatch.worker(Settings.from_master(other_opts))
        yield other
        other.close()

    @pytest.fixture
    def sent(self, published):
        """A function that gives the minions of each job that was published."""
        return lambda: [job[1] for job in published.jobs]

    @pytest.fixture
    def acting(self, acting, approved):
        approved.execute("SELECT approval.put_minions('{db1}')", login="operator")
        return acting

    def test_who_holds_no_key_of_it_claims_no_message(self, worker, other, acting, sent):
        for minion, expected in (("web1", [["web1"]]), ("db1", [["web1"], ["db1"]])):
            acting.request("flush", [minion], reason="a test")
            (wrong, right) = (other, worker) if minion == "web1" else (worker, other)
            claimed = []
            calls = wrong.call
            wrong.call = lambda function, *args, calls=calls, claimed=claimed: (
                claimed.append(function),
                calls(function, *args),
            )[1]
            wrong.round()
            assert "claim_outbox" not in claimed
            right.round()
            assert sent() == expected, "at once"
            assert acting.outbox() == []

    @pytest.mark.parametrize("few", [0, dispatch.FEW])
    def test_each_sends_to_its_own_at_once(self, worker, other, acting, sent, monkeypatch, few):
        """Whether keys are looked up one by one or all listed."""
        monkeypatch.setattr(dispatch, "FEW", few)
        acting.request("flush", ["web1", "db1", "web2"], reason="a test")
        acting.request("at-once", ["web1", "db1", "web2"], {"hello": "1"}, "a test")
        other.round()
        worker.round()
        assert sorted(sent()) == [["db1"], ["db1"], ["web1"], ["web1", "web2"], ["web2"]]
        assert acting.outbox() == []

    def test_neither_asks_again_and_again_for_a_minion_that_nobody_holds(self, worker, other, acting, sent, approved):
        approved.execute("SELECT approval.put_minions('{ghost}')", login="operator")
        acting.request("flush", ["ghost"], reason="a test")
        looks = []
        for one in (worker, other):
            value = one.value
            one.value = lambda function, *args, value=value: (looks.append(function), value(function, *args))[1]
        for _ in range(5):
            worker.round()
            other.round()
        assert looks.count("dispatch_pause") == 2
        assert sent() == []
        (row,) = acting.outbox()
        assert (row["state"], row["attempts"]) == ("waiting", 0)
        # The message keeps nobody else waiting.
        acting.request("flush", ["db1"], reason="a test")
        worker.round()
        other.round()
        assert sent() == [["db1"]]

    def test_what_both_could_send_is_sent_once(self, worker, other, other_opts, acting, sent, accept_key):
        accept_key(other_opts, "web1")
        acting.request("flush", ["web1"], reason="a test")
        rounds = [threading.Thread(target=one.round) for one in (worker, other)]
        for thread in rounds:
            thread.start()
        for thread in rounds:
            thread.join()
        worker.round()
        other.round()
        assert sent() == [["web1"]]

    def test_one_that_dies_with_a_claim_holds_up_no_others(self, worker, other, acting, sent, approved):
        acting.request("flush", ["web1"], reason="a test")
        acting.request("flush", ["db1"], reason="a test")
        other.round()
        assert sent() == [["db1"]]
        assert approved.execute("SELECT count(*) FROM approval.outbox WHERE leased_until IS NOT NULL") == [(0,)]
        worker.round()
        assert sent() == [["db1"], ["web1"]]


def test_sending_takes_part_of_a_round_only(worker, acting, published, approved, returned, item_id, monkeypatch):
    asked = acting.request("flush", ["web1"], reason="a test")
    worker.round()
    returned(published.jobs[0][0], "web1", told(item_id(asked), "cache.flush", **{"return": {"freed": 1}}))
    monkeypatch.setattr(dispatch, "LONGEST_S", 0.0)
    late = acting.request("flush", ["web1"], reason="a test")
    assert worker.round() == 0.0, "it wants another one at once"
    assert (state_of(acting, asked), state_of(acting, late)) == ("converged", "approved")
    assert len(published.jobs) == 1


@pytest.mark.parametrize("nested", ["[" * 100_000, '{"fun": "a\\u0000b", "retcode": 0, "success": true}', '"\\ud800"'])
def test_a_return_made_to_break_the_judge(worker, acting, published, returned, item_id, nested):
    asked = acting.request("flush", ["web1"], reason="a test")
    other = acting.request("flush", ["web2"], reason="a test")
    worker.round()
    jobs = {job[1][0]: job[0] for job in published.jobs}
    returned(jobs["web1"], "web1", {"observed": {"actions": {str(item_id(asked)): nested}}})
    evidence = told(item_id(other, "web2"), "cache.flush", **{"return": {"freed": 1}})
    returned(jobs["web2"], "web2", evidence)
    worker.round()
    assert (state_of(acting, asked), state_of(acting, other)) == ("failed", "converged")


def test_what_another_engine_judged_meanwhile(worker, acting, published, returned, item_id):
    asked = acting.request("flush", ["web1"], reason="a test")
    worker.round()
    returned(published.jobs[0][0], "web1", told(item_id(asked), "cache.flush", **{"return": {"freed": 1}}))
    (row,) = worker.call("list_dispatches", 10)
    assert worker._judge(row)
    assert not worker._judge(row)
    assert state_of(acting, asked) == "converged"
