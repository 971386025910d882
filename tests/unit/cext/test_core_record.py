"""record_return(): what is stored of a return, and what moves nothing."""

import datetime

import msgpack
import pytest

from saltext.approval import _core

KEY = bytes(32)
ITEMS = [("package", "hello", "version", "2.10-3"), ("package", "sl", "absent", None)]
RUN_IDS = iter(f"{number:032x}" for number in range(1000))


@pytest.fixture
def minion(request, insert_document):
    """The id of a minion of this test's own, for which ITEMS are approved as revision 17."""
    name = request.node.name
    insert_document(name, ITEMS)
    return name


@pytest.fixture
def record(core_database):
    """record_return() of a load given as a dict, as the returner does it."""

    def call(load):
        return _core.record_return(core_database.dsn("returner"), msgpack.packb(load))

    return call


def make_evidence(minion, key=KEY, **changed):
    evidence = {
        "format": 1,
        "minion": minion,
        "revision": 17,
        "digest": _core.digest(minion, 17, ITEMS),
        "run_id": next(RUN_IDS),
        "boot_id": "b" * 32,
        "observed": {"packages": {"hello": "2.10-3", "sl": None}, "services": {}, "values": {}},
        "before": {"packages": {"hello": None, "sl": "5.02-1"}},
    } | changed
    return evidence | {"mac": _core.mac(key, evidence)}


def make_load(minion, evidence, **changed):
    chunk = {"result": True, "changes": {}, "comment": "", "name": "approval", "__run_num__": 0}
    return {
        "cmd": "_return",
        "id": minion,
        "success": True,
        "return": {"approval_|-approval_|-approval_|-converged": chunk | {"approval": evidence}},
        "retcode": 0,
        "jid": datetime.datetime.now().strftime("%Y%m%d%H%M%S%f"),
        "fun": "state.apply",
        "fun_args": [],
        "_stamp": "2026-11-22T15:47:47.686393+00:00",
        "ts": 1795362467,
    } | changed


def stored(database, load):
    return database.execute(
        "SELECT verdict, authenticated, revision, run_id, fun, retcode, success FROM approval.job_return"
        " WHERE jid = %s AND minion_id = %s ORDER BY attempt",
        [load["jid"], load["id"]],
    )


def test_evidence_of_the_minion_itself(core_database, minion, record):
    evidence = make_evidence(minion)
    load = make_load(minion, evidence)
    answer = record(load)
    assert (answer["outcome"], answer["attempt"]) == ("recorded", 1)
    assert (answer["verdict"], answer["authenticated"], answer["revision"]) == ("converged", True, 17)
    assert stored(core_database, load) == [
        ("converged", True, 17, evidence["run_id"], "state.apply", 0, True),
    ]
    findings = core_database.execute(
        "SELECT name, verdict, expected, observed FROM approval.job_finding WHERE minion_id = %s ORDER BY name",
        [minion],
    )
    assert findings == [("hello", "converged", "2.10-3", "2.10-3"), ("sl", "converged", None, None)]


def test_the_return_is_given_back_unchanged(core_database, minion, record):
    value = {"bytes": b"\0\xff", "big": 2**64 - 1, "real": 0.1, "deep": []}
    for _ in range(100):
        value["deep"] = [value["deep"]]
    load = make_load(minion, make_evidence(minion), out=value)
    assert record(load)["outcome"] == "recorded"
    rows = _core.call(core_database.dsn("returner"), "get_jid", [load["jid"]])
    assert [name for name, _ in rows] == [minion]
    assert msgpack.unpackb(_core.decompress(rows[0][1])) == load


def test_another_delivery_of_it_is_a_repeat(core_database, minion, record):
    load = make_load(minion, make_evidence(minion))
    assert record(load)["outcome"] == "recorded"
    for again in [load, load | {"ts": 2**40}, load | {"_stamp": "later, and longer"}, load | {"ts": None}]:
        answer = record(again)
        assert (answer["outcome"], answer["attempt"]) == ("repeat", 1)
    assert len(stored(core_database, load)) == 1
    answer = record(load | {"retcode": 1})
    assert (answer["outcome"], answer["attempt"]) == ("attempt", 2)


def test_evidence_without_the_key_moves_nothing(core_database, minion, record):
    for evidence in [
        make_evidence(minion, key=b"x" * 32),
        make_evidence(minion) | {"mac": "0" * 64},
        make_evidence(minion, revision=18),
        make_evidence(minion) | {"revision": -1},
        make_evidence(minion) | {"run_id": "r\0" * 9000},
        make_evidence("somebody-else"),
    ]:
        load = make_load(minion, evidence)
        assert record(load)["authenticated"] is False
        assert stored(core_database, load)[0][1] is False


def test_an_unknown_minion(core_database, record):
    load = make_load("unheard-of", make_evidence("unheard-of", revision=0))
    answer = record(load)
    assert (answer["outcome"], answer["authenticated"]) == ("recorded", False)


@pytest.mark.parametrize("jid", ["", "no jid", "1", "19990101000000000000", "a\0b", None, 5])
def test_an_impossible_jid(minion, record, jid):
    answer = record(make_load(minion, make_evidence(minion), jid=jid))
    assert (answer["outcome"], answer["attempt"]) == ("quarantined", 0)


@pytest.mark.parametrize("name", ["", None, 5, "a/b", "a\nb", "a\0b", "x" * 256, b"web1"])
def test_an_impossible_minion(record, name):
    with pytest.raises(_core.DataError, match="names no minion"):
        record(make_load(name, {}))


@pytest.mark.parametrize("load", [b"", b"\xc1", b"\x80", b"\x90", b"\x80\x80", b"\xdf\xff\xff\xff\xff"])
def test_what_is_no_return(core_database, load):
    with pytest.raises(_core.DataError):
        _core.record_return(core_database.dsn("returner"), load)


def test_odd_texts_are_stored_as_far_as_they_can_be(core_database, minion, record):
    evidence = make_evidence(
        minion,
        observed={"packages": {"hello": "1\0" + "9" * 100_000, "sl": "ü" * 100_000, "n\0": "1"}},
        before={"packages": {"hello": "2" * 100_000, "x" * 1000: "1", "n\0": "1", "sl": "1\0"}},
    )
    load = make_load(minion, evidence, fun="f\0" + "x" * 100_000, retcode=2**40)
    answer = record(load)
    assert answer["outcome"] == "recorded"
    assert stored(core_database, load)[0][4:6] == ("f", None)


def test_findings_read_as_they_are(core_database, insert_document, record):
    value = 'back\\slash "quote" ü'
    insert_document("texts", [("package", value, "version", value)])
    load = make_load(
        "texts", make_evidence("texts", observed={"packages": {value: value}, "services": {}, "values": {}})
    )
    record(load)
    findings = core_database.execute(
        "SELECT name, expected, observed FROM approval.job_finding WHERE minion_id = 'texts'"
    )
    assert findings == [(value, value, None)]


def test_values_and_services_are_recorded_too(insert_document, record):
    items = [("service", "cron", "state", "running"), ("value", "limits", "json", '{"a":1}')]
    insert_document("mixed", items)
    observed = {"packages": {}, "services": {"cron": "dead"}, "values": {"limits": '{"a":1}'}}
    evidence = make_evidence("mixed", digest=_core.digest("mixed", 17, items), observed=observed)
    answer = record(make_load("mixed", evidence))
    verdicts = {(finding["kind"], finding["name"]): finding["verdict"] for finding in answer["findings"]}
    assert answer["authenticated"] is True
    assert verdicts[("value", "limits")] == "converged"
    assert verdicts[("service", "cron")] != "converged"


def test_a_batch_is_what_its_returns_are_in_turn(core_database, minion, record):
    loads = [make_load(minion, make_evidence(minion)) for _ in range(3)]
    loads += [loads[1] | {"ts": 1}, loads[1] | {"retcode": 1}, loads[0] | {"jid": "none"}, loads[1] | {"retcode": 1}]
    assert record(loads[0])["outcome"] == "recorded"
    answers = _core.record_returns(core_database.dsn("returner"), [msgpack.packb(load) for load in loads])
    assert [(answer["outcome"], answer["attempt"]) for answer in answers] == [
        ("repeat", 1),
        ("recorded", 1),
        ("recorded", 1),
        ("repeat", 1),
        ("attempt", 2),
        ("quarantined", 0),
        ("repeat", 2),
    ]
    assert [answer["verdict"] for answer in answers] == ["converged"] * 7


def test_of_a_batch_that_fails_nothing_is_stored(core_database, minion):
    dsn = core_database.dsn("returner")
    good = msgpack.packb(make_load(minion, make_evidence(minion)))
    for bad in [b"\xc1", msgpack.packb(make_load("", {})), b"\x80"]:
        with pytest.raises(_core.DataError):
            _core.record_returns(dsn, [good, bad])
    for wrong in [[], [good] * 1001]:
        with pytest.raises(_core.DataError, match="1 to 1000"):
            _core.record_returns(dsn, wrong)
    for wrong in [[good, "text"], [None], 5]:
        with pytest.raises(TypeError):
            _core.record_returns(dsn, wrong)
    assert core_database.execute("SELECT attempt FROM approval.job_return WHERE minion_id = %s", [minion]) == []


@pytest.fixture
def without_documents(core_database):
    """No document can be asked for."""
    core_database.execute("ALTER FUNCTION approval.expected_documents RENAME TO away")
    yield
    core_database.execute("ALTER FUNCTION approval.away RENAME TO expected_documents")


@pytest.mark.parametrize("fun", ["test.ping", "cmd.run", "grains.items"])
def test_what_can_prove_nothing_is_held_against_nothing(core_database, minion, record, without_documents, fun):
    load = make_load(minion, make_evidence(minion), fun=fun)
    answer = record(load)
    assert (answer["outcome"], answer["verdict"], answer["authenticated"]) == ("recorded", "invalid", False)
    assert answer["findings"] == []
    assert core_database.execute("SELECT findings::text FROM approval.job_return WHERE jid = %s", [load["jid"]]) == [
        ("[]",)
    ]


@pytest.mark.parametrize("fun", ["state.apply", "approval.observe", "pkg.install", ["test.ping", "cmd.run"]])
def test_what_may_prove_something_is_held_against_the_document(minion, record, without_documents, fun):
    with pytest.raises(_core.DatabaseError, match="no such function"):
        record(make_load(minion, make_evidence(minion), fun=fun))


def test_a_batch_asks_for_the_documents_of_those_that_may_prove_something(core_database, minion):
    loads = [
        make_load(minion, None, fun="test.ping"),
        make_load(minion, make_evidence(minion)),
        make_load(minion, None, fun="cmd.run"),
        make_load(minion, make_evidence(minion, observed={"packages": {}, "services": {}, "values": {}})),
    ]
    _core.record_returns(core_database.dsn("returner"), [msgpack.packb(load) for load in loads])
    verdicts = [stored(core_database, load)[0][:3] for load in loads]
    assert verdicts[:3] == [("invalid", False, None), ("converged", True, 17), ("invalid", False, None)]
    assert verdicts[3][0] != "converged"
    assert verdicts[3][1:] == (True, 17)
