"""The validator as Python sees it: all three readers, on real returns and on shapes written by hand."""

import base64
import gc
import json
import pathlib
import threading

import msgpack
import pytest

from saltext.approval import _core

TESTS = pathlib.Path(__file__).resolve().parents[2]
CASES = TESTS / "cases"
KEYS = {"verdict", "revision", "authenticated", "findings", "unapproved"}
FINDING_KEYS = {"minion", "kind", "name", "verdict", "reason", "expected", "observed", "source", "text"}
KEY = "00112233445566778899aabbccddeeff" * 2


def decode(value):
    """The value with bytes for {"__bytes_b64__": ...}."""
    if isinstance(value, dict):
        if set(value) == {"__bytes_b64__"}:
            return base64.b64decode(value["__bytes_b64__"])
        return {key: decode(element) for key, element in value.items()}
    return [decode(element) for element in value] if isinstance(value, list) else value


def real_returns():
    """The cases of index.json, each under its id."""
    index = json.loads((CASES / "index.json").read_text("utf-8"))
    return [pytest.param(case, id=case["id"]) for case in index["cases"]]


def shapes():
    """The cases of returns.json, each under its name."""
    cases = json.loads((TESTS / "vectors" / "returns.json").read_text("utf-8"))
    return [pytest.param(case, id=case["name"]) for case in cases]


@pytest.mark.parametrize("minion", [False, True], ids=["any minion", "its minion"])
@pytest.mark.parametrize("case", real_returns())
def test_real_return(case, minion):
    packed, text = (CASES / case["msgpack"]).read_bytes(), (CASES / case["file"]).read_bytes()
    expected = {"packages": case["approved"], **({"minion": case["minion"]} if minion else {})}
    results = {
        "msgpack": _core.validate_msgpack(packed, expected),
        "json": _core.validate_json(text, expected),
        "unpacked": _core.validate(msgpack.unpackb(packed, strict_map_key=False), expected),
        "parsed": _core.validate(decode(json.loads(text)), expected),
    }
    accepted = {case["verdict"], *case["also_acceptable"]}
    if not case["decidable_from_return"]:
        accepted.add("unproven")
    for result in results.values():
        assert result["verdict"] not in case["must_not"]
        assert result["verdict"] in accepted
    assert results["msgpack"] == results["unpacked"]
    assert results["json"] == results["parsed"]
    if case["source"] != "CLI output":  # whose JSON tells how it was captured, too
        assert results["msgpack"] == results["json"]
    if "unapproved" in case:
        assert results["msgpack"]["unapproved"] == case["unapproved"]


@pytest.mark.parametrize("case", shapes())
def test_shape(case):
    load, expected = case["load"], case["expected"]
    result = _core.validate(load, expected)
    assert result["verdict"] == case["verdict"]
    reasons = {finding["name"]: finding["reason"] for finding in result["findings"]}
    assert reasons == {**reasons, **case.get("reasons", {})}
    if "unapproved" in case:
        assert result["unapproved"] == case["unapproved"]
    assert _core.validate_msgpack(msgpack.packb(load), expected) == result
    assert _core.validate_json(json.dumps(load), expected) == result
    assert _core.validate_json(json.dumps(load, ensure_ascii=False).encode(), expected) == result

    assert set(result) == KEYS
    for finding in result["findings"]:
        assert set(finding) == FINDING_KEYS
        assert finding["text"].strip() == finding["text"] != ""
        assert finding["reason"] == finding["reason"].lower()


# ---- evidence ----


def evidence(observed, **change):
    """Evidence of m1 for revision 7, signed with KEY unless it has a mac."""
    made = {
        "format": 2,
        "minion": "m1",
        "revision": 7,
        "digest": "sha256:d",
        "run_id": "0123456789abcdef0123456789abcdef",
        "boot_id": "b",
        "observed": observed,
        "before": {},
        **change,
    }
    return made if "mac" in made else {**made, "mac": _core.mac(KEY, made)}


def returned(made, result=True, run_num=5, **chunks):
    """A return of state.apply with evidence and other chunks."""
    key = "approval_|-approved_|-approved_|-converged"
    chunk = {
        "name": "approved",
        "result": result,
        "changes": {},
        "comment": "",
        "__run_num__": run_num,
        "approval": made,
    }
    return {"id": "m1", "fun": "state.apply", "fun_args": [], "return": {**chunks, key: chunk}}


EXPECTED = {
    "minion": "m1",
    "revision": 7,
    "digest": "sha256:d",
    "evidence_key": KEY,
    "packages": {"a": "1", "b": None},
}
ALL = {"packages": {"a": "1", "b": None}}


def change_of(package, new, run_num):
    """A chunk of pkg.installed under its key."""
    chunk = {
        "name": package,
        "result": True,
        "changes": {package: {"old": "x", "new": new}},
        "comment": "",
        "__run_num__": run_num,
    }
    return {f"pkg_|-{package}_|-{package}_|-installed": chunk}


def test_evidence():
    load = returned(evidence(ALL))
    for result in (_core.validate(load, EXPECTED), _core.validate_msgpack(msgpack.packb(load), EXPECTED)):
        assert result["verdict"] == "converged"
        assert result["authenticated"] is True
        assert result["revision"] == 7
        assert [finding["source"] for finding in result["findings"]] == ["evidence", "evidence"]


def test_evidence_key_as_bytes():
    assert _core.validate(returned(evidence(ALL)), {**EXPECTED, "evidence_key": bytes.fromhex(KEY)})["authenticated"]


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (evidence(ALL, mac="0" * 64), "forged"),
        (evidence(ALL, mac=""), "forged"),
        (evidence(ALL, mac=None), "forged"),
        (evidence(ALL, minion="m2"), "forged"),
        (evidence(ALL, digest="sha256:e"), "forged"),
        (evidence(ALL, revision=6), "stale-revision"),
        (evidence(ALL, revision=8, mac=""), "stale-revision"),
        ({**evidence(ALL), "observed": {"packages": {"a": "1", "b": None, "c": None}}}, "forged"),
        ({**evidence(ALL), "format": 1}, "forged"),
        ({**evidence(ALL, format=1), "format": 2}, "forged"),
        ({**evidence(ALL), "errors": {"packages": {"b": "E"}}}, "forged"),
        ({**evidence(ALL), "notes": {"packages": {"b": "E"}}}, "forged"),
        ({**evidence(ALL), "meets": {"packages": {"a": "1"}}}, "forged"),
        ({**evidence(ALL), "format": 3}, "malformed-evidence"),
        ({**evidence(ALL), "more": {}}, "malformed-evidence"),
        ({**evidence(ALL), "notes": {"files": {}}}, "malformed-evidence"),
        ({}, "malformed-evidence"),
        ([], "malformed-evidence"),
    ],
)
def test_evidence_that_proves_nothing(made, reason):
    """Not even together with changes that alone would do."""
    for chunks in ({}, {**change_of("a", "1", 0), **change_of("b", "", 1)}):
        result = _core.validate(returned(made, **chunks), EXPECTED)
        assert result["verdict"] == "unproven"
        assert result["authenticated"] is False
        assert {finding["reason"] for finding in result["findings"]} == {reason}


def checked(made):
    """A return of approval.observe."""
    return {"id": "m1", "fun": "approval.observe", "fun_args": [], "return": made}


def test_what_has_an_error_is_failed_whatever_was_seen():
    made = evidence(ALL, errors={"packages": {"a": "it died"}, "services": {"other": "x"}})
    for load, reason, source in [
        (returned(made), "apply-failed", "evidence"),
        (checked(made), "check-failed", "observation"),
    ]:
        result = _core.validate(load, EXPECTED)
        (a, b) = result["findings"]
        assert (a["verdict"], a["reason"], a["source"], a["observed"]) == ("failed", reason, source, "1")
        assert "it died" in a["text"]
        assert (b["verdict"], b["source"]) == ("converged", source)
        assert (result["verdict"], result["authenticated"]) == ("partial", True)


def test_errors_of_format_1_take_nothing_from_what_was_seen():
    made = evidence({"packages": {"a": "1", "b": "2"}}, format=1, errors={"packages": {"a": "x", "b": "y"}})
    (a, b) = _core.validate(returned(made), EXPECTED)["findings"]
    assert (a["verdict"], b["verdict"]) == ("converged", "failed")
    (a, b) = _core.validate(
        checked({**made, "before": {"packages": {"b": "2"}}, "mac": ""}), {**EXPECTED, "evidence_key": None}
    )["findings"]
    assert (a["verdict"], b["verdict"]) == ("converged", "drift")


def test_notes_are_told_and_move_nothing():
    notes = {"packages": {"a": "its %post script\nfailed", "b": "x" * 999, "c": "no"}}
    for load in (returned(evidence(ALL, notes=notes)), checked(evidence(ALL, notes=notes))):
        result = _core.validate(load, EXPECTED)
        (a, b) = result["findings"]
        assert result["verdict"] == "converged"
        assert a["text"] == "a is installed in version 1, as approved. But note: its %post script failed"
        assert b["text"] == "b is not installed, as approved. But note: " + "x" * 300
    made = evidence({"packages": {"a": None, "b": "2"}}, errors={"packages": {"a": "E."}}, notes=notes)
    (a, b) = _core.validate(returned(made, result=False), EXPECTED)["findings"]
    assert a["text"] == "a could not be brought to 1: E. But note: its %post script failed"
    assert b["verdict"] == "failed"
    assert b["text"].endswith("But note: " + "x" * 300)
    # What is seen later is no longer what was noted.
    (a, b) = _core.validate(returned(evidence(ALL, notes=notes), **change_of("a", "2", 9)), EXPECTED)["findings"]
    assert (a["verdict"], a["text"]) == ("drift", "a is installed in version 2; approved is 1.")


@pytest.mark.parametrize(
    ("approved", "observed", "same"),
    [
        ("9.11.4", "32:9.11.4-9.el7", True),  # rpm: neither epoch nor release
        ("32:9.11.4", "32:9.11.4-9.el7", True),
        ("9.11.4-9.el7", "32:9.11.4-9.el7", True),
        ("0:1.0", "1.0-1", True),
        ("9.11.4", "32:9.11.40-9.el7", False),
        ("31:9.11.4", "32:9.11.4-9.el7", False),
        ("9.11.4-9", "32:9.11.4-9.el7", False),
        ("0:1.0", "2:1.0-1", False),
        ("0.23*", "1:0.23.0-1", True),
        ("1:0.23*", "1:0.23.0-1", True),
        ("2:0.23*", "1:0.23.0-1", False),
        ("0.24*", "1:0.23.0-1", False),
        ("0.78", "0.78.0", True),  # NuGet
        ("24.09", "24.9.0", True),
        ("9.5.368.0", "9.5.368", True),
        ("1.0-Beta.01", "1.0.0-beta.1", True),
        ("1.0+build", "1.0.0", True),
        ("0.78", "0.78.1", False),
        ("1.0.0.0.0", "1.0", False),
        ("1.0-beta", "1.0", False),
        ("1.0-beta", "1.0-beta.1", False),
        ("1.", "1", False),
        ("latest", "1.0", True),
        ("2.0", "1.0", False),
    ],
)
def test_a_version_that_is_spelled_otherwise(approved, observed, same):
    expected = {**EXPECTED, "packages": {"a": approved}}
    told = {"packages": {"a": observed}}
    for make in (returned, checked):
        result = _core.validate(make(evidence(told, meets={"packages": {"a": approved}}, before=told)), expected)
        assert result["verdict"] == ("converged" if same else "drift")
        assert result["findings"][0]["observed"] == observed
        # Only where the minion says so, of just what is approved, in evidence that covers it.
        if same and approved not in ("latest", "1:0.23*"):
            for change in ({}, {"meets": {"packages": {"a": "3"}}}, {"meets": {"packages": {"b": approved}}}):
                assert _core.validate(make(evidence(told, before=told, **change)), expected)["verdict"] == "drift"
            made = evidence(told, format=1, before=told, meets={"packages": {"a": approved}})
            assert _core.validate(make(made), expected)["verdict"] == "drift"


@pytest.mark.parametrize("approved", ["latest", "*", "1.0*", "1.0"])
@pytest.mark.parametrize(
    "observed",
    [
        "",
        "latest",
        "*",
        "1.0*",
        "1.0-*",
        "-1.0",
        "--root=1.0",
        "1.0 --force",
        "1.0\n",
        "1.0\0",
        "1.0-" + "9" * 252,
        ">=1.0",
    ],
)
def test_what_could_not_be_approved_is_no_version(approved, observed):
    """Whatever is found for one that is approved loosely takes its place from then on."""
    expected = {**EXPECTED, "packages": {"a": approved}}
    told = {"packages": {"a": observed}}
    for make in (returned, checked):
        load = make(evidence(told, meets={"packages": {"a": approved}}, before=told))
        for result in (_core.validate(load, expected), _core.validate_msgpack(msgpack.packb(load), expected)):
            assert (result["authenticated"], result["verdict"]) == (True, "drift")


def test_evidence_without_a_key_is_a_claim():
    expected = {key: value for key, value in EXPECTED.items() if key != "evidence_key"}
    result = _core.validate(returned(evidence(ALL, mac="")), expected)
    assert result["verdict"] == "converged"
    assert result["authenticated"] is False


def test_evidence_of_a_test_run():
    assert _core.validate(returned(evidence(ALL), result=None), EXPECTED)["verdict"] == "not-applied"
    load = {**returned(evidence(ALL)), "fun_args": [{"__kwarg__": True, "test": True}]}
    assert _core.validate(load, EXPECTED)["verdict"] == "not-applied"


def test_evidence_outweighs_what_came_before_it_but_not_after():
    assert _core.validate(returned(evidence(ALL), **change_of("a", "2", 1)), EXPECTED)["verdict"] == "converged"
    assert _core.validate(returned(evidence(ALL), **change_of("a", "2", 9)), EXPECTED)["verdict"] == "drift"


def test_what_only_repeats_evidence_takes_nothing_from_it():
    for repeated, source in [(change_of("a", "1", 9), "evidence"), (change_of("a", "2", 9), "changes")]:
        (a, b) = _core.validate(returned(evidence(ALL), **repeated), EXPECTED)["findings"]
        assert (a["source"], b["source"]) == (source, "evidence")
    (a, b) = _core.validate(returned(evidence(ALL), **change_of("b", "", 9)), EXPECTED)["findings"]
    assert (a["source"], b["source"]) == ("evidence", "evidence")


def test_the_last_evidence_counts():
    load = returned(evidence({"packages": {"a": "2", "b": None}}, mac="x"), run_num=1)
    load["return"]["approval_|-again_|-again_|-converged"] = {
        **returned(evidence(ALL))["return"]["approval_|-approved_|-approved_|-converged"],
        "__run_num__": 2,
    }
    assert _core.validate(load, EXPECTED)["verdict"] == "converged"


def test_what_is_wrong_with_an_action_is_wrong_with_the_whole():
    load = returned(evidence(ALL))
    chunk = load["return"]["approval_|-approved_|-approved_|-converged"]
    load["return"]["approval_|-x_|-x_|-performed"] = {**chunk, "approval": evidence({}, mac="x"), "__run_num__": 9}
    result = _core.validate(load, EXPECTED)
    assert (result["verdict"], result["authenticated"]) == ("unproven", False)


def test_a_refusal_of_the_state():
    chunk = {
        "name": "a",
        "result": False,
        "changes": {},
        "comment": "There is no approval pillar.",
        "__run_num__": 0,
    }
    load = {"id": "m1", "fun": "state.apply", "return": {"approval_|-a_|-a_|-converged": chunk}}
    result = _core.validate(load, EXPECTED)
    assert result["verdict"] == "failed"
    assert "There is no approval pillar." in result["findings"][0]["text"]


# ---- the arguments ----


@pytest.mark.parametrize(
    "expected",
    [
        None,
        [],
        {},
        {"packages": None},
        {"packages": []},
        {"packages": {"a": 1}},
        {"packages": {"a": 2.10}},
        {"packages": {"a": True}},
        {"packages": {1: "1"}},
        {"packages": {"": "1"}},
        {"packages": {"\ud800": "1"}},
        {"packages": {"a": "\ud800"}},
        {"packages": {}, "package": {}},
        {"packages": {}, 1: 2},
        {"packages": {}, "services": {"cron": None}},
        {"packages": {}, "services": []},
        {"packages": {}, "values": {"k": 1}},
        {"packages": {}, "minion": 1},
        {"packages": {}, "revision": "1"},
        {"packages": {}, "revision": True},
        {"packages": {}, "revision": 2**70},
        {"packages": {}, "digest": b""},
        {"packages": {}, "evidence_key": "00"},
        {"packages": {}, "evidence_key": b"short"},
    ],
)
def test_refuses_expectations(expected):
    for function, load in (
        (_core.validate, {}),
        (_core.validate_msgpack, b"\x80"),
        (_core.validate_json, "{}"),
    ):
        with pytest.raises(_core.DataError):
            function(load, expected)


def test_none_is_not_given():
    nothing = dict.fromkeys(("minion", "revision", "digest", "evidence_key", "services", "values", "actions"))
    assert _core.validate({}, {"packages": {"a": "1"}, **nothing})["verdict"] == "not-applied"


@pytest.mark.parametrize(
    "data", [b"", b"\x92", b"\xc1", b"\xc0\xc0", b"\x81\xa1", b"\xff" * 100, b"\xdf\xff\xff\xff\xff"]
)
def test_bytes_that_are_no_msgpack(data):
    assert _core.validate_msgpack(data, {"packages": {"a": "1"}})["verdict"] == "invalid"


@pytest.mark.parametrize("data", ["", "{", "nan", b"\xff", "[" * 100_000, '{"a":'])
def test_text_that_is_no_json(data):
    assert _core.validate_json(data, {"packages": {"a": "1"}})["verdict"] == "invalid"


def test_refuses_types():
    with pytest.raises(TypeError):
        _core.validate_msgpack("text", {"packages": {}})
    with pytest.raises(TypeError):
        _core.validate_json(1, {"packages": {}})
    with pytest.raises(TypeError):
        _core.validate({})


def test_texts_of_findings_are_short_and_clean():
    chunk = {
        "name": "a",
        "result": False,
        "changes": {},
        "comment": "E:\n\n\x00\x1b[31m " + "ü" * 100_000,
        "__run_num__": 0,
    }
    load = {"id": "m1", "fun": "state.apply", "return": {"pkg_|-a_|-a_|-installed": chunk}}
    text = _core.validate(load, {"packages": {"a": "1"}})["findings"][0]["text"]
    assert len(text.encode()) < 500
    assert text.isprintable()


def test_in_threads():
    """Bytes are judged without the GIL, also while somebody changes what was expected."""
    load = msgpack.packb(
        {"id": "m1", "fun": "pkg.list_pkgs", "fun_args": [], "return": {f"p{n}": "1" for n in range(2000)}}
    )
    expected = {"packages": {f"p{n}": "1" for n in range(500)}}
    verdicts = set()

    def judge():
        for _ in range(20):
            verdicts.add(_core.validate_msgpack(load, expected)["verdict"])

    threads = [threading.Thread(target=judge) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(500):
        expected["packages"][f"p{n}"] = "".join(["1"])
    for thread in threads:
        thread.join()
    assert verdicts == {"converged"}


@pytest.mark.parametrize("enabled", [True, False])
def test_no_finalizer_changes_a_load_while_it_is_judged(enabled):
    """The findings of a minion are made while the returns of the next ones are still borrowed from."""
    names = [f"package-{i}" for i in range(200)]
    chunks = {
        f"pkg_|-{name}_|-{name}_|-installed": {"result": True, "name": name, "changes": {name: {"old": "", "new": "1"}}}
        for name in names
    }
    load, expected = {"minion-1": chunks, "minion-2": chunks}, {"packages": dict.fromkeys(names, "1")}
    starts = []
    thresholds, was_enabled = gc.get_threshold(), gc.isenabled()

    def note(phase, info):
        if phase == "start":
            starts.append(info)

    gc.collect()
    gc.callbacks.append(note)
    try:
        gc.set_threshold(50, 1000, 1000)
        (gc.enable if enabled else gc.disable)()
        answer = _core.validate(load, expected)
        assert gc.isenabled() is enabled
    finally:
        gc.callbacks.remove(note)
        gc.set_threshold(*thresholds)
        (gc.enable if was_enabled else gc.disable)()
    assert len(starts) <= enabled  # once, when it is over
    assert [finding["verdict"] for finding in answer["findings"]] == ["converged"] * 400
