"""salt-approval validate: what a return in a file is judged as, without any database."""

import io
import json

import msgpack
import pytest

from saltext.approval import _core, cli

KEY = "ab" * 32
PACKAGES = {"hello": "2.10-3", "sl": None}


@pytest.fixture
def validate(tmp_path, capsys):
    """A function that runs the command on a load in a file; gives (exit code, output)."""

    def run(content, *options, expected=None, name="return"):
        if expected is None:
            digest = _core.digest(
                "web1", 3, [("package", "hello", "version", "2.10-3"), ("package", "sl", "absent", None)]
            )
            expected = json.dumps(
                {"minion": "web1", "revision": 3, "digest": digest, "evidence_key": KEY, "packages": PACKAGES}
            )
        (tmp_path / "expected.json").write_text(expected)
        (tmp_path / name).write_bytes(content)
        paths = ["--expected", str(tmp_path / "expected.json"), str(tmp_path / name)]
        code = cli.main(["validate", *options, *paths])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


def returned(observed):
    """The load of a highstate with evidence of what was observed."""
    digest = _core.digest("web1", 3, [("package", "hello", "version", "2.10-3"), ("package", "sl", "absent", None)])
    evidence = {
        "format": 2, "minion": "web1", "revision": 3, "digest": digest, "run_id": "a" * 32, "boot_id": "b",
        "observed": {"packages": observed, "services": {}, "values": {}}, "before": {},
    }  # fmt: skip
    evidence["mac"] = _core.mac(KEY, evidence)
    chunk = {
        "name": "approval", "result": True, "changes": {}, "comment": "", "__sls__": "approval",
        "__run_num__": 0, "__id__": "approval", "approval": evidence,
    }  # fmt: skip
    return {
        "cmd": "_return", "id": "web1", "jid": "20261122150000000000", "fun": "state.apply", "fun_args": [],
        "retcode": 0, "success": True, "return": {"approval_|-approval_|-approval_|-converged": chunk},
    }  # fmt: skip


@pytest.mark.parametrize("dump", [lambda load: json.dumps(load).encode(), msgpack.dumps])
def test_json_and_msgpack(validate, dump):
    code, text = validate(dump(returned(PACKAGES)))
    assert code == 0, text
    assert text.startswith("converged (with valid evidence)\n")
    code, text = validate(dump(returned({"hello": "2.9", "sl": None})), "--json")
    assert code == 1
    answer = json.loads(text)
    assert answer["verdict"] != "converged"
    assert [row["observed"] for row in answer["findings"] if row["name"] == "hello"] == ["2.9"]


def test_from_standard_input(validate, monkeypatch, tmp_path, capsys):
    validate(b"{}")
    capsys.readouterr()
    content = io.TextIOWrapper(io.BytesIO(json.dumps(returned(PACKAGES)).encode()))
    monkeypatch.setattr("sys.stdin", content)
    assert cli.main(["validate", "--expected", str(tmp_path / "expected.json"), "-"]) == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xc1", b"\x00" * 100, b"{}", b"\xef\xbb\xbf{}"])
def test_what_is_no_return_is_not_converged(validate, content):
    code, text = validate(content)
    assert code == 1
    assert "Traceback" not in text


@pytest.mark.parametrize("expected", ["", "[]", "7", '{"packages": {"a": 1}}', '{"colour": "red"}'])
def test_a_wrong_expectation_is_said_so(validate, expected):
    code, text = validate(json.dumps(returned(PACKAGES)).encode(), expected=expected)
    assert code == 2
    assert "expected.json" in text


def test_files_that_are_not_there(capsys):
    assert cli.main(["validate", "--expected", "/nowhere.json", "/nowhere"]) == 2
    assert "/nowhere.json: No such file or directory" in capsys.readouterr().err
