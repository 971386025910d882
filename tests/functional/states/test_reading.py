"""approval.observed and approval.performed: what they do to a machine, and what they prove to the master."""

import hashlib
import json

import pytest
from salt.exceptions import CommandExecutionError

from saltext.approval import _core

KEY = "c3" * 32


def judged(ret, state, document, name="approval", fun="state.single", **expected):
    """The validator's answer to the return of a job that ran this state."""
    chunk = {**ret, "__run_num__": 0, "__id__": name}
    load = {"id": "web1", "fun": fun, "fun_args": [f"approval.{state}", name]}
    load["return"] = {f"approval_|-{name}_|-{name}_|-{state}": chunk}
    held = {key: document[key] for key in ("minion", "revision", "digest", "evidence_key", "packages", "services")}
    return _core.validate(load, {**held, **expected})


def checked(returned, document):
    """The validator's answer to what approval.observe returned, or to the text of why it did not."""
    failed = isinstance(returned, str)
    load = {"id": "web1", "fun": "approval.observe", "fun_args": [], "return": returned}
    load |= {"retcode": int(failed), "success": not failed}
    held = {key: document[key] for key in ("minion", "revision", "digest", "evidence_key", "packages", "services")}
    return _core.validate(load, held)


def findings(verdict):
    return {(found["kind"], found["name"]): (found["verdict"], found["reason"]) for found in verdict["findings"]}


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


# ---------------------------------------------------------------------------------- observed


@pytest.mark.parametrize("test", [False, True])
@pytest.mark.parametrize("family", ["Example", "Debian", "Suse", "Windows"])
def test_observed_reads_and_changes_nothing(machine, approve, apply, tmp_path, family, test):
    machine.offer("hello", "gone")
    machine.have(gone="1.0")
    machine.services["cron"] = "dead"
    document = approve({"hello": "1.0", "gone": None}, {"cron": "running"}, {"motd": 1})
    there = files(tmp_path)
    ret = apply(document, family, test=test, state="observed")
    assert machine.transactions == []
    assert machine.services == {"cron": "dead"}
    assert machine.counted["refresh"] == 0
    assert files(tmp_path) == there
    assert ret["changes"] == {}
    assert ret["result"] is False
    assert ret["comment"].splitlines() == [
        "Package gone is not absent: 1.0 is installed.",
        "Package hello is not at 1.0: it is not installed.",
        "Service cron is not running: it is dead.",
    ]
    assert ret["approval"]["observed"] == {
        "packages": {"hello": None, "gone": "1.0"},
        "services": {"cron": "dead"},
        "starts": {},
        "values": {"motd": "1"},
    }
    assert ret["approval"]["before"] == {}
    assert ret["approval"]["mac"] == _core.mac(KEY, ret["approval"])


def test_observe_returns_the_evidence_alone(machine, approve, apply, observe):
    """The evidence in the chunk of the state observed, and the pillar that the master gives now."""
    machine.services["cron"] = "dead"
    document = approve({"hello": "1.0"}, {"cron": "running"}, {"motd": 1})
    of_state, evidence = apply(document, state="observed")["approval"], observe(document)
    assert observe.asked == [("web1", "Example", None, None)]
    assert evidence["mac"] == _core.mac(KEY, evidence)
    assert set(of_state) == set(evidence)
    own = ("run_id", "mac")
    assert {key: evidence[key] for key in evidence if key not in own} == {
        key: of_state[key] for key in of_state if key not in own
    }
    verdict = checked(evidence, document)
    assert verdict["authenticated"]
    assert findings(verdict) == {
        ("package", "hello"): ("not-applied", "never-applied"),
        ("service", "cron"): ("not-applied", "never-applied"),
    }


def test_observe_finds_drift(machine, approve, apply, observe):
    machine.offer("hello")
    document = approve({"hello": "1.0"})
    apply(document)
    assert checked(observe(document), document)["verdict"] == "converged"
    machine.installed.clear()
    assert findings(checked(observe(document), document)) == {("package", "hello"): ("drift", "missing")}


def test_observe_refuses_like_the_state(machine, approve, observe, tmp_path):
    document = approve({"hello": "1.0"})
    for held, arguments, why in (
        ({**document, "revision": 9}, {}, "its content does not match its digest"),
        (document, {"pillar_key": "other"}, "the pillar has no key 'other'"),
        ({**approve(), "revision": 0, "digest": "x"}, {}, "the approved state is refused"),
    ):
        with pytest.raises(CommandExecutionError, match=why) as raised:
            observe(held, **arguments)
        verdict = checked(f"ERROR: {raised.value}", document)
        assert findings(verdict) == {("package", "hello"): ("not-applied", "refused")}
    assert machine.counted == {}


def test_a_minion_without_the_modules_is_told_to_sync(approve):
    document = approve({"hello": "1.0"})
    for text in ("'approval.observe' is not available.", "ERROR: 'approval.observed' is not available."):
        verdict = checked(text, document)
        assert findings(verdict) == {("package", "hello"): ("not-applied", "not-synced")}
        assert not verdict["authenticated"]
        assert "saltutil.sync_all" in verdict["findings"][0]["text"]


def test_observe_without_the_state_module(approve, observe, tmp_path, monkeypatch):
    import salt.loader

    monkeypatch.setattr(salt.loader, "states", lambda *_args, **_more: {})
    with pytest.raises(CommandExecutionError, match=r"'approval\.observed' is not available\."):
        observe(approve({"hello": "1.0"}))


def test_what_was_never_applied_is_told_from_drift(machine, approve, apply):
    machine.offer("hello", "new")
    machine.services["cron"] = "dead"
    apply(approve({"hello": "1.0"}, {"cron": "running"}))
    machine.installed.clear()
    machine.services["cron"] = "dead"
    document = approve({"hello": "1.0", "new": "2.0"}, {"cron": "running"})
    verdict = judged(apply(document, state="observed"), "observed", document)
    assert findings(verdict) == {
        ("package", "hello"): ("drift", "missing"),
        ("package", "new"): ("not-applied", "never-applied"),
        ("service", "cron"): ("drift", "wrong-value"),
    }
    assert verdict["authenticated"]
    assert {found["source"] for found in verdict["findings"]} == {"observation"}

    document = approve({"hello": "2.0"})  # another version than was applied
    machine.have(hello="1.0")
    verdict = judged(apply(document, state="observed"), "observed", document)
    assert findings(verdict) == {("package", "hello"): ("not-applied", "never-applied")}


def test_what_is_as_approved_converged(machine, approve, apply):
    machine.have(hello="1.0")
    machine.services["cron"] = "running"
    machine.started["cron"] = 5_000_000
    document = approve({"hello": "1.0", "sl": None}, {"cron": "running"})
    ret = apply(document, state="observed")
    assert ret["result"] is True
    assert ret["comment"] == "Revision 1 of the approved state is in place: 2 packages, 1 service."
    assert ret["approval"]["observed"]["starts"] == {"cron": f"{ret['approval']['boot_id']} 5000000"}
    assert judged(ret, "observed", document)["verdict"] == "converged"


def test_a_service_that_was_not_started_has_no_start(machine, approve, apply):
    machine.services.update(cron="dead", odd="dead")
    machine.started["cron"] = 0
    ret = apply(approve({}, {"cron": "dead", "odd": "dead"}), state="observed")
    assert ret["approval"]["observed"]["starts"] == {"cron": None}


def test_what_cannot_be_read_is_failed(machine, approve, apply):
    machine.unreadable = "the database is damaged"
    document = approve({"hello": "1.0"}, {"cron": "running"})
    ret = apply(document, state="observed")
    assert ret["result"] is False
    assert "the database is damaged" in ret["comment"]
    assert "Unit cron not found." in ret["comment"]
    verdict = judged(ret, "observed", document)
    assert set(findings(verdict).values()) == {("failed", "check-failed")}


@pytest.mark.parametrize("state", ["observed", "performed"])
@pytest.mark.parametrize("change", [{"minion": "web2"}, {"revision": 9}, {"digest": "sha256:" + "0" * 64}])
def test_refused_like_converged(machine, approve, apply, state, change):
    document = {**approve({"hello": "1.0"}), **change}
    options = {"function": "action.answer"} if state == "performed" else {}
    ret = apply(document, state=state, **options)
    assert ret["result"] is False
    assert "the approved state is refused because" in ret["comment"]
    assert "approval" not in ret
    assert machine.counted == {}
    assert machine.ran == []
    verdict = judged(ret, state, {**document, "minion": "web1"})
    assert verdict["verdict"] == "not-applied"


def test_a_minion_that_is_not_known(machine, apply):
    hashed = hashlib.sha256()
    for part in ("apv1", "web1", "0"):
        hashed.update(len(part).to_bytes(4, "big") + part.encode())
    empty = {"minion": "web1", "revision": 0, "digest": f"sha256:{hashed.hexdigest()}", "evidence_key": None}
    empty |= {"packages": {}, "services": {}, "values": {}}
    ret = apply(empty, state="observed")
    assert ret["result"] is True
    assert "approval" not in ret
    ret = apply(empty, state="performed", function="action.answer")
    assert ret["result"] is False
    assert ret["comment"] == (
        "Nothing was run: the approved state is refused because the approval database lacks this minion."
    )
    assert machine.ran == []


# --------------------------------------------------------------------------------- performed


def performed(apply, document, function, name="17", **options):
    """The return, and what its evidence says of the action."""
    ret = apply(document, state="performed", name=name, function=function, **options)
    assert ret["approval"]["mac"] == _core.mac(KEY, ret["approval"])
    assert list(ret["approval"]["observed"]["actions"]) == [name]
    return ret, json.loads(ret["approval"]["observed"]["actions"][name])


@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [
        ({}, {"retcode": 0, "success": True, "return": None}),
        ({"value": "done"}, {"retcode": 0, "success": True, "return": "done"}),
        ({"value": {"b": [1, 2.5], "a": "ü"}}, {"retcode": 0, "success": True, "return": {"a": "ü", "b": [1, 2.5]}}),
        ({"value": False}, {"retcode": 0, "success": False, "return": False}),
        ({"value": "no", "retcode": 3}, {"retcode": 3, "success": False, "return": "no"}),
        ({"value": {"result": False}}, {"retcode": 0, "success": False, "return": {"result": False}}),
        ({"value": {"success": False}}, {"retcode": 0, "success": False, "return": {"success": False}}),
        ({"value": "\ud800"}, {"retcode": 0, "success": True, "return": "?"}),
    ],
)
def test_performed_tells_how_it_went(machine, approve, apply, arguments, outcome):
    document = approve({"hello": "1.0"})
    ret, told = performed(apply, document, "action.answer", arguments=arguments)
    assert told == {"fun": "action.answer", **outcome}
    assert ret["result"] is outcome["success"]
    assert len(machine.ran) == 1
    assert machine.transactions == []
    verdict = judged(ret, "performed", document, "17", packages={}, actions={"17": {}})
    expected = ("converged", "performed") if outcome["success"] else ("failed", "action-failed")
    assert findings(verdict) == {("action", "17"): expected}
    assert verdict["authenticated"]
    assert json.loads(verdict["findings"][0]["observed"]) == told


def test_performed_takes_what_salt_tells_of_a_job_that_was_queued(machine, approve, apply):
    """And nothing else that it does not know, which would be a typing error."""
    document = approve({"hello": "1.0"})
    _, told = performed(apply, document, "action.answer", __pub_kwarg={"name": "17"})
    assert told["success"] is True
    ret = apply(document, state="performed", name="17", function="action.answer", argument={"value": 1})
    assert (ret["result"], ret["comment"]) == (False, "Nothing was run: there is no argument argument.")
    assert "approval" not in ret
    assert len(machine.ran) == 1


def test_performed_says_nothing_of_the_rest(approve, apply):
    document = approve({"hello": "1.0"}, {"cron": "running"})
    for value in (True, False):
        ret, _ = performed(apply, document, "action.answer", arguments={"value": value})
        verdict = judged(ret, "performed", document, "17", actions={"17": {}, "18": {}})
        assert findings(verdict) == {
            ("package", "hello"): ("not-applied", "not-mentioned"),
            ("service", "cron"): ("not-applied", "not-mentioned"),
            ("action", "17"): ("converged", "performed") if value else ("failed", "action-failed"),
            ("action", "18"): ("unproven", "no-evidence"),
        }


@pytest.mark.parametrize(
    ("function", "arguments", "why"),
    [
        ("action.refuse", {"why": "not today"}, "not today"),
        ("action.missing", None, "Salt has no action.missing on this minion"),
        ("action.refuse", {"who": 1}, "argument"),
    ],
)
def test_performed_catches_what_is_raised(approve, apply, function, arguments, why):
    ret, told = performed(apply, approve(), function, arguments=arguments)
    assert (told["retcode"], told["success"]) == (1, False)
    assert why in told["return"]
    assert ret["result"] is False
    assert why in ret["comment"]


def test_a_long_return_is_cut_with_the_digest_of_the_whole(approve, apply):
    document = approve()
    whole = ['"\\\x01ü'] * 2000
    ret, told = performed(apply, document, "action.answer", arguments={"value": whole})
    text = json.dumps(whole, separators=(",", ":"), ensure_ascii=False)
    assert told["return"] == text[:512]
    assert told["digest"] == "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    assert ret["result"] is True
    found = judged(ret, "performed", document, "17", actions={"17": {}})["findings"][0]
    assert found["observed"] == ret["approval"]["observed"]["actions"]["17"]
    assert len(ret["comment"]) < 1000


def test_what_json_cannot_express_is_told_as_text(approve, apply):
    _, told = performed(apply, approve(), "action.unusual")
    assert told["success"] is True
    assert told["return"].startswith("{('a', 1): {1, 2}")


def test_nothing_runs_in_a_test(machine, approve, apply):
    document = approve()
    ret = apply(document, state="performed", name="17", function="action.answer", test=True)
    assert ret["result"] is None
    assert "approval" not in ret
    assert machine.ran == []
    verdict = judged(ret, "performed", document, "17", actions={"17": {}})
    assert findings(verdict) == {("action", "17"): ("not-applied", "test-run")}


@pytest.mark.parametrize("arguments", [["a"], "a=b", {1: 2}])
def test_arguments_are_a_mapping(machine, approve, apply, arguments):
    ret = apply(approve(), state="performed", name="17", function="action.answer", arguments=arguments)
    assert ret["result"] is False
    assert ret["comment"] == "Nothing was run: the arguments have to be a mapping of names."
    assert machine.ran == []


def test_a_restarted_service_shows_a_later_start(machine, approve, apply):
    machine.services["nginx"] = "running"
    machine.started["nginx"] = 5000
    options = {"arguments": {"name": "nginx"}, "services": ["nginx"]}
    ret, told = performed(apply, approve(), "service.restart", **options)
    assert told["success"] is True
    boot_id = ret["approval"]["boot_id"]
    assert ret["approval"]["before"] == {"starts": {"nginx": f"{boot_id} 5000"}}
    assert ret["approval"]["observed"]["starts"] == {"nginx": f"{boot_id} 6000"}


def test_an_earlier_retcode_is_not_the_action_s(machine, approve, apply):
    """Two actions in one process of Salt."""
    document = approve()
    performed(apply, document, "action.answer", arguments={"retcode": 5})
    _, told = performed(apply, document, "action.answer", name="18")
    assert told["retcode"] == 0


# ------------------------------------------------------------------------------------ forging


def test_evidence_cannot_be_made_up_or_moved(machine, approve, apply):
    """Evidence that a minion could send in place of what it saw, or in the name of another."""
    machine.have(hello="1.0")
    machine.services["cron"] = "running"
    machine.started["cron"] = 5000
    document = approve({"hello": "2.0"}, {"cron": "running"})
    ret = apply(document, state="observed")
    made = ret["approval"]
    other = {**made, "minion": "web2"}
    forgeries = {
        "another minion's, as it is": other,
        "another minion's, under that one's key": {**other, "mac": _core.mac("aa" * 32, other)},
        "another key": {**made, "mac": _core.mac("aa" * 32, made)},
        "another digest": {**made, "digest": "sha256:" + "0" * 64},
        "another version": {**made, "observed": {**made["observed"], "packages": {"hello": "2.0"}}},
        "another start": {**made, "observed": {**made["observed"], "starts": {"cron": "x 9000"}}},
        "no start": {**made, "observed": {k: v for k, v in made["observed"].items() if k != "starts"}},
        "an action": {**made, "observed": {**made["observed"], "actions": {"17": "{}"}}},
        "applied before": {**made, "before": {"packages": {"hello": None}}},
        "started before": {**made, "before": {"starts": {"cron": "x 1"}}},
        "another boot": {**made, "boot_id": "b"},
        "another run": {**made, "run_id": "0" * 32},
    }
    for what, forged in forgeries.items():
        verdict = judged({**ret, "approval": forged}, "observed", document)
        assert not verdict["authenticated"], what
        assert {found["reason"] for found in verdict["findings"]} == {"forged"}, what


def test_the_outcome_of_an_action_cannot_be_made_up(approve, apply):
    document = approve()
    ret, told = performed(apply, document, "action.answer", arguments={"value": False})
    made = ret["approval"]
    good = json.dumps({**told, "success": True, "return": True}, sort_keys=True, separators=(",", ":"))
    for actions in ({"17": good}, {"18": made["observed"]["actions"]["17"]}, {"17": good, "18": good}):
        forged = {**made, "observed": {**made["observed"], "actions": actions}}
        verdict = judged({**ret, "approval": forged}, "performed", document, "17", actions={"17": {}, "18": {}})
        assert not verdict["authenticated"]
        assert {found["reason"] for found in verdict["findings"]} == {"forged"}
    verdict = judged(ret, "performed", document, "18", actions={"18": {}})
    assert findings(verdict) == {("action", "18"): ("unproven", "no-evidence")}


@pytest.mark.parametrize("key", ["cmd_|-a_|-a_|-observed", "approval_|-a_|-a_|-run", "test_|-approval_|-a_|-observed"])
def test_evidence_under_another_state_is_none(machine, approve, apply, key):
    machine.have(hello="1.0")
    document = approve({"hello": "1.0"})
    ret = apply(document, state="observed")
    load = {"id": "web1", "fun": "state.apply", "fun_args": [], "return": {key: {**ret, "__run_num__": 0}}}
    held = {name: document[name] for name in ("minion", "revision", "digest", "evidence_key", "packages")}
    verdict = _core.validate(load, held)
    assert verdict["verdict"] != "converged"
    assert not verdict["authenticated"]


def test_an_action_does_not_redeem_forged_evidence(machine, approve, apply):
    machine.have(hello="1.0")
    document = approve({"hello": "1.0"})
    seen, acted = apply(document, state="observed"), performed(apply, document, "action.answer")[0]
    seen["approval"] = {**seen["approval"], "mac": "0" * 64}
    chunks = {
        "approval_|-a_|-a_|-observed": {**seen, "__run_num__": 0},
        "pkg_|-hello_|-hello_|-installed": {
            "name": "hello",
            "result": True,
            "changes": {"hello": {"old": "", "new": "1.0"}},
            "comment": "",
            "__run_num__": 1,
        },
        "approval_|-17_|-17_|-performed": {**acted, "__run_num__": 2},
    }
    held = {name: document[name] for name in ("minion", "revision", "digest", "evidence_key", "packages")}
    verdict = _core.validate({"id": "web1", "fun": "state.apply", "fun_args": [], "return": chunks}, held)
    assert findings(verdict) == {("package", "hello"): ("unproven", "forged")}
