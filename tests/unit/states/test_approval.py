"""The pure parts of the minion's state module: digest, mac, document, bisection, what is kept."""

import hashlib
import hmac
import importlib.util
import json
import pathlib
import stat
import struct
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[2]
VECTORS = TESTS / "vectors"
STATE = TESTS.parent / "states" / "_states" / "approval.py"
KEY = "5a" * 32


@pytest.fixture
def approval(tmp_path):
    """The state module, with the names that Salt's loader would give it."""
    spec = importlib.util.spec_from_file_location("state_approval", STATE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.__opts__ = {"id": "web1", "cachedir": str(tmp_path), "test": False}
    module.__pillar__ = {}
    module.__salt__ = {}
    module.__grains__ = {}
    return module


def test_names_have_spaces_on_windows_alone(approval, monkeypatch):
    for name in ("cron", "MSSQL$INSTANCE", "sysutils/dmidecode", "foo@bar.service"):
        assert approval.NAME.fullmatch(name)
    for name in ("a b", " a", "a ", "-a", "a*", "a\tb", "$a"):
        assert not approval.NAME.fullmatch(name)
    monkeypatch.setattr("salt.utils.platform.is_windows", lambda: True)
    spec = importlib.util.spec_from_file_location("state_approval", STATE)
    windows = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(windows)
    assert windows.NAME.fullmatch("Windows Update")
    for name in ("a  b", " a", "a ", "a b ", "a\tb", "-a b"):
        assert not windows.NAME.fullmatch(name)


def field(text):
    """A field of a digest, written down apart from the code under test."""
    return b"\xff" * 4 if text is None else struct.pack(">I", len(text.encode())) + text.encode()


def pillar(**changed):
    """A sound approved state of the minion web1, with some of its keys ``changed``."""
    items = [
        ("package", "hello", "version", "2.10-3"),
        ("package", "sl", "absent", None),
        ("package", "vim", "latest", "latest"),
        ("service", "cron", "state", "running"),
        ("value", "motd", "json", '{"a":[1,2.5,null],"b":"ü"}'),
    ]
    hashed = hashlib.sha256(field("apv1") + field("web1") + field("17"))
    for item in items:
        hashed.update(b"".join(map(field, item)))
    content = {
        "revision": 17,
        "digest": "sha256:" + hashed.hexdigest(),
        "evidence_key": KEY,
        "minion": "web1",
        "packages": {"vim": "latest", "hello": "2.10-3", "sl": None},
        "services": {"cron": "running"},
        "values": {"motd": {"b": "ü", "a": [1, 2.5, None]}},
    }
    return {"approval": {**content, **changed}}


def vectors(name):
    """The cases of a file of vectors."""
    return [pytest.param(case, id=case["name"]) for case in json.loads((VECTORS / name).read_text())]


@pytest.mark.parametrize("case", vectors("digest.json"))
def test_digest_reproduces_the_vectors(approval, case):
    items = [tuple(item) for item in case["items"]]
    assert approval._digest(case["minion"], case["revision"], items) == case["digest"]


@pytest.mark.parametrize("case", vectors("evidence.json"))
def test_mac_reproduces_the_vectors(approval, case):
    assert (approval._mac(bytes.fromhex(case["key"]), case["evidence"]) == case["mac"]) == (
        case["evidence"]["format"] == 2
    )


def test_sound_document_is_taken(approval):
    approval.__pillar__ = pillar()
    document = approval._document("approval")
    assert document.revision == 17
    assert document.evidence_key == bytes.fromhex(KEY)
    assert document.packages == {"hello": "2.10-3", "sl": None, "vim": "latest"}
    assert document.values == {"motd": '{"a":[1,2.5,null],"b":"ü"}'}


def test_document_of_an_unknown_minion_is_empty(approval):
    digest = hashlib.sha256(field("apv1") + field("web1") + field("0")).hexdigest()
    nothing = {"packages": {}, "services": {}, "values": {}, "evidence_key": None}
    approval.__pillar__ = pillar(revision=0, digest="sha256:" + digest, **nothing)
    assert approval._document("approval").revision == 0


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "no key 'approval'"),
        ({"approval": None}, "no key 'approval'"),
        ({"approval": ["hello"]}, "not a mapping"),
        (pillar(minion="web2"), "another minion"),
        (pillar(minion=None), "another minion"),
        (pillar(revision="17"), "no revision"),
        (pillar(revision=True), "no revision"),
        (pillar(revision=-1), "no revision"),
        (pillar(revision=18), "does not match its digest"),
        (pillar(revision=0), "does not match its digest"),
        (pillar(digest=None), "does not match its digest"),
        (pillar(digest="sha256:" + "0" * 64), "does not match its digest"),
        (pillar(packages={"hello": "2.10-3"}), "does not match its digest"),
        (pillar(packages={"hello": "2.10-4", "sl": None, "vim": "latest"}), "its digest"),
        (pillar(values={"motd": {"b": "ü", "a": [1, 2, None]}}), "does not match its digest"),
        (pillar(packages={"hello": 2.1}), "version of package hello is not text"),
        (pillar(packages={"--force": "1"}), "does not match its digest"),
        (pillar(packages=["hello"]), "packages are not a mapping"),
        (pillar(packages={1: "1"}), "packages are not a mapping"),
        (pillar(services=None), "services are not a mapping"),
        (pillar(services={"cron": True}), "state of service cron is not text"),
        (pillar(services={"cron": "enabled"}), "does not match its digest"),
        (pillar(unreadable=None), "does not know"),
        (pillar(unreadable={"packages": {}}), "does not know"),
        (pillar(unreadable={"values": []}), "values are not a mapping"),
        (pillar(unreadable={"values": {"x": 1}}), "text of value x is not text"),
        (pillar(unreadable={"values": {"motd": "1"}}), "a value twice"),
        (pillar(unreadable={"values": {"x": "1"}}), "does not match its digest"),
        (pillar(values={"motd": {1, 2}}), "cannot express"),
        (pillar(values={"motd": "\ud800"}), "cannot express"),
        (pillar(evidence_key=None), "no usable evidence key"),
        (pillar(evidence_key="5a"), "no usable evidence key"),
        (pillar(evidence_key="zz" * 32), "no usable evidence key"),
        ({**pillar(), "_errors": ["Failed to load ext_pillar approval"]}, "rendered with errors"),
    ],
)
def test_unsound_document_is_refused(approval, given, why):
    approval.__pillar__ = given
    with pytest.raises(approval._Refused, match=why):
        approval._document("approval")


def test_mac_covers_every_part(approval):
    evidence = {
        "minion": "web1",
        "revision": 17,
        "digest": "sha256:00",
        "run_id": "r",
        "boot_id": "b",
        "observed": {"packages": {"b": "1", "a": None}, "services": {"cron": "running"}},
        "before": {"packages": {"a": "0"}},
        "errors": {"services": {"cron": "x"}},
        "notes": {"packages": {"a": "y"}, "actions": {"1": "z"}},
    }
    parts = ["apv2-evidence", "web1", "17", "sha256:00", "r", "b"]
    parts += ["3", "package", "a", None, "package", "b", "1", "service", "cron", "running"]
    parts += ["1", "package", "a", "0"]
    parts += ["0", "1", "service", "cron", "x", "2", "action", "1", "z", "package", "a", "y"]
    key = bytes.fromhex(KEY)
    expected = hmac.new(key, b"".join(map(field, parts)), "sha256").hexdigest()
    assert approval._mac(key, evidence) == expected
    assert approval._mac(key, {**evidence, "meets": {"values": {}}}) == expected
    for section in approval.SECTIONS:
        assert approval._mac(key, {**evidence, section: {"packages": {"a": "2"}}}) != expected
    assert approval._mac(key, {**evidence, "boot_id": "c"}) != expected
    assert approval._mac(bytes(32), evidence) != expected


@pytest.mark.parametrize(
    ("bad", "calls"),
    [
        (set(), [10]),
        ({0}, [10, 5, 2, 1, 1, 3, 5]),
        ({9}, [10, 5, 5, 2, 3, 1, 2, 1, 1]),
        ({2, 7}, [10, 5, 2, 3, 1, 2, 5, 2, 3, 1, 2]),
    ],
)
def test_settle_halves_what_fails_as_a_whole(approval, bad, calls):
    seen = []

    def attempt(group):
        seen.append(len(group))
        return (group, "no") if bad & set(group) else ([], "")

    assert approval._settle(list(range(10)), attempt, batches=True) == dict.fromkeys(bad, "no")
    assert seen == calls


def test_settle_goes_on_with_the_rest_where_some_got_through(approval):
    seen = []

    def attempt(group):
        seen.append(len(group))
        return [item for item in group if item == 4], "postinst"

    assert approval._settle(list(range(10)), attempt, batches=True) == {4: "postinst"}
    assert seen == [10, 1]


def test_settle_one_by_one(approval):
    seen = []

    def attempt(group):
        seen.append(group)
        return (group, "no") if group == [2] else ([], "")

    assert approval._settle([1, 2, 3], attempt, batches=False) == {2: "no"}
    assert seen == [[1], [2], [3]]


def test_settle_nothing(approval):
    assert approval._settle([], lambda group: pytest.fail("called"), batches=True) == {}


def test_before_is_written_once(approval, tmp_path):
    approval.__pillar__ = pillar()
    document = approval._document("approval")
    first = {"packages": {"hello": None, "sl": "5.02-1", "vim": "9"}, "services": {"cron": "dead"}}
    later = {"packages": {"hello": "2.10-3", "sl": None, "vim": "9"}, "services": {"cron": "x"}}
    assert approval._remember(document, first) == first
    assert approval._remember(document, later) == first
    assert approval._remember(document, {"packages": {}, "services": {}}) == first
    (path,) = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_before_belongs_to_the_approved_value(approval):
    approval.__pillar__ = pillar()
    document = approval._document("approval")._replace(services={})
    approval._remember(document, {"packages": {"hello": None, "sl": "1", "vim": "9"}})
    changed = document._replace(packages={"hello": "3.0", "sl": None})
    now = {"packages": {"hello": "2.10-3", "sl": None}, "services": {}}
    assert approval._remember(changed, now) == {"packages": {"hello": "2.10-3", "sl": "1"}}
    # vim left the document and comes back: that is a new application
    back = {"packages": {"hello": "3.0", "sl": None, "vim": "10"}}
    assert approval._remember(document, back)["packages"] == {
        "hello": "3.0",
        "sl": "1",
        "vim": "10",
    }


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": 1, "minion": "web1"}',
        '{"format": 1, "minion": "web1", "items": {"packages": {"hello": "1"}}}',
        '{"format": 2, "minion": "web1", "items": {}}',
        '{"format": 1, "minion": "web2", "items": {"packages": {"hello": {"approved": "2.10-3", "before": "9"}}}}',
    ],
)
def test_before_survives_an_unusable_file(approval, tmp_path, content):
    (tmp_path / "approval_before.json").write_text(content)
    approval.__pillar__ = pillar()
    document = approval._document("approval")._replace(packages={"hello": "2.10-3"}, services={})
    found = {"packages": {"hello": None}}
    assert approval._remember(document, found) == {"packages": {"hello": None}}
    assert approval._remember(document, {"packages": {"hello": "1"}}) == found


@pytest.mark.skipif(sys.platform != "linux", reason="the struct flock of Linux")
def test_lock_holder(approval, tmp_path):
    path = tmp_path / "lock"
    assert approval._lock_holder(path) is None
    path.touch()
    assert approval._lock_holder(path) is None
    code = (
        "import fcntl, sys; file = open(sys.argv[1], 'r+'); fcntl.lockf(file, fcntl.LOCK_EX);"
        "print('locked', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as holder:
        assert holder.stdout.readline() == "locked\n"
        assert approval._lock_holder(path) == holder.pid
        holder.stdin.close()
    assert approval._lock_holder(path) is None


def test_reason_is_what_the_package_manager_said(approval):
    said = "WARNING: apt\ndebconf: x\ndpkg: error processing b (--configure):\n exit status 3\nE: y"
    exc = approval.CommandExecutionError("Problem.", info={"errors": [said], "changes": {"a": 1}})
    assert approval._reason(exc) == "dpkg: error processing b (--configure): exit status 3; E: y"
    assert approval._reason(ValueError("")) == "ValueError"
    assert len(approval._reason(ValueError("x" * 900))) == 500
