"""`salt-approval itsm read`: what it answers; and whatever is done to a document, nothing is read that is not there.

APPROVAL_EXAMPLES=100000 sets how many documents are made up; some hundreds without it.
"""

import copy
import datetime
import hashlib
import hmac
import io
import json
import os
import pathlib
import re

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from saltext.approval import cli
from saltext.approval.itsm import reading, signature, sites

ROOT = pathlib.Path(__file__).resolve().parents[3]
CASES = ROOT / "tests/cases/webhooks"
CONFIG = ROOT / "docs/examples/itsm-sc21.yaml"
EXAMPLES = int(os.environ.get("APPROVAL_EXAMPLES", "150"))
NOW = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.timezone.utc)
SHARED = "the secret of the webhook"

# ---- the command ----


@pytest.fixture
def config(tmp_path):
    """The example with a secret of its own."""
    content = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    (tmp_path / "secret").write_text(SHARED)
    (tmp_path / "secret").chmod(0o600)
    for site in content["approval"]["itsm"]["sites"].values():
        site["webhook_secrets"] = [{"file": str(tmp_path / "secret")}]
    path = tmp_path / "service.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def read(config, capsys):
    """A function that runs the command; gives (exit code, answer or None, what stands on standard error)."""

    def run(*arguments, site="sc21"):
        code = cli.main(["itsm", "read", "--config", str(config), "--site", site, *map(str, arguments)])
        captured = capsys.readouterr()
        return code, json.loads(captured.out) if captured.out else None, captured.err

    return run


UPDATED = CASES / "jira_cloud_issue_updated.json"


def test_standard_input(read, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(UPDATED.read_bytes())))
    assert read("-")[0] == 0


def test_the_provider_names_the_site_too(read):
    assert read(UPDATED, site="jira-sc21")[1]["site"] == "sc21"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("heldout-m1\nheldout-m2\n", 0),
        ("# ours\n heldout-m1 \n", 1),
        ("heldout-m2, heldout-m1", 0),
        ('["heldout-m1", "heldout-m2"]', 0),
    ],
)
def test_a_list_of_minions(read, tmp_path, content, code):
    (tmp_path / "minions").write_text(content)
    found, answer, _ = read("--minions", tmp_path / "minions", UPDATED)
    assert found == code
    assert answer["minions_checked"] == "against the list that was given"
    if code:
        assert answer["error"] == "no minion is called 'heldout-m2': nothing is asked for"


def test_without_a_list_the_form_alone_is_checked(read):
    code, answer, _ = read(CASES / "bad_jira_unknown_minion.json")
    assert code == 0
    assert answer["minions_checked"].startswith("for their form only")


@pytest.mark.parametrize("content", ["", "# none\n", "[]", "[5]", "[", b"\xff"])
def test_a_list_that_is_none(read, tmp_path, content):
    (tmp_path / "minions").write_bytes(content if isinstance(content, bytes) else content.encode())
    code, answer, error = read("--minions", tmp_path / "minions", UPDATED)
    assert (code, answer) == (2, None)
    assert error.startswith("salt-approval: ")


def signed(body, secret=SHARED):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    "form", [json.dumps, lambda headers: "".join(f"{name}: {headers[name]}\r\n" for name in headers)]
)
def test_a_signature_is_checked(read, tmp_path, form):
    for value, code, told in (
        (signed(UPDATED.read_bytes()), 0, "right"),
        (signed(UPDATED.read_bytes(), "another"), 1, "wrong"),
        ("sha256=<hmac-sha256 of the raw body>", 1, "wrong"),
    ):
        headers = {"Content-Type": "application/json", "X-Hub-Signature": value}
        (tmp_path / "headers").write_text(form(headers), newline="")
        found, answer, _ = read("--headers", tmp_path / "headers", UPDATED)
        assert (found, answer["signature"]) == (code, told)


def test_without_a_signature_that_is_said(read, tmp_path):
    (tmp_path / "headers").write_text('{"Content-Type": "application/json"}')
    code, answer, _ = read("--headers", tmp_path / "headers", UPDATED)
    assert code == 0
    assert answer["signature"].startswith("not checked: the delivery has no header X-Hub-Signature")
    assert read(UPDATED)[1]["signature"].startswith("not checked: --headers")


@pytest.mark.parametrize("content", ["no header", '{"X-Hub-Signature": 5}', "{"])
def test_headers_that_are_none(read, tmp_path, content):
    (tmp_path / "headers").write_text(content)
    assert read("--headers", tmp_path / "headers", UPDATED)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--as", "automation", UPDATED), "--route belongs to --as automation"),
        (("--route", "install", UPDATED), "--route belongs to --as automation"),
        (
            ("--as", "automation", "--route", "purge", UPDATED),
            "--route is one of install, remove, revert, reboot, sync",
        ),
        ((CASES / "no-such-file.json",), "No such file"),
        (("--minions", CASES / "no-such-file", UPDATED), "No such file"),
    ],
)
def test_arguments_that_do_not_go_together(read, arguments, says):
    code, answer, error = read(*arguments)
    assert (code, answer) == (2, None)
    assert says in error


def test_sites_that_are_not_there(read):
    code, answer, error = read(UPDATED, site="sc22")
    assert (code, answer) == (2, None)
    assert "known: dev, sc21" in error
    code, _, error = read("--as", "automation", "--route", "install", UPDATED, site="dev")
    assert code == 2
    assert "rules are those of Jira" in error


def test_a_wrong_setting_is_named(read, config):
    config.write_text(config.read_text().replace("api: cloud", "api: clowd"))
    code, answer, error = read(UPDATED)
    assert (code, answer) == (2, None)
    assert "approval:itsm:sites:sc21: api must be" in error


def test_a_ticket_that_was_fetched(read, tmp_path):
    issue = json.loads(UPDATED.read_text())["issue"]
    (tmp_path / "issue").write_text(json.dumps(issue))
    code, answer, _ = read("--as", "ticket", tmp_path / "issue")
    assert code == 0
    assert answer["external_ref"] == "10457#1"
    # A webhook wraps the issue in an event; the issue alone is none.
    code, answer, _ = read(tmp_path / "issue")
    assert code == 1
    assert "webhookEvent is missing" in answer["error"]


def test_a_sync_is_about_no_ticket(read):
    code, answer, _ = read("--as", "automation", "--route", "sync", CASES / "bad_empty_body.json")
    assert code == 0
    assert (answer["type"], answer["ticket"], answer["minions"], answer["items"]) == ("sync", None, [], None)


def test_it_needs_no_network_and_no_database(read, monkeypatch):
    monkeypatch.setattr("socket.socket", None)
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    assert read(UPDATED)[0] == 0


# ---- whatever is done to a document ----

SITES = sites.load(yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["approval"]["itsm"]["sites"])
BASES = [
    ("sc21", "webhook", None, UPDATED.read_bytes()),
    ("sc21", "webhook", None, (CASES / "jira_server_issue_updated.json").read_bytes()),
    ("sc21", "ticket", None, json.dumps(json.loads(UPDATED.read_bytes())["issue"]).encode()),
    ("sc21", "automation", "install", (CASES / "automation_install.json").read_bytes()),
    ("sc21", "automation", "reboot", (CASES / "automation_install.json").read_bytes()),
    ("sc21", "automation", "revert", (CASES / "automation_revert.json").read_bytes()),
    ("dev", "webhook", None, (CASES / "servicenow_change_approved.json").read_bytes()),
    ("dev", "ticket", None, (CASES / "servicenow_change_approved.json").read_bytes()),
]
bases = st.sampled_from(BASES)
ODD = [
    None, True, 0, -1, 2.5, 10**30, "", " ", "*", "a,b", "null", "heldout-m1", "HELDOUT-M2", "2.10-4", "x y",
    "{{ x }}", "\u202e",
    [], {}, [[]], [None], ["heldout-m1"], {"value": "heldout-m3"}, {"value": None}, {"child": {"value": "1"}},
    {"value": "sl", "child": {"value": "1.0"}}, [{"value": "a"}, {"value": "A"}], "sl 1.0\nhello 9",
    "2026-11-25T22:00:00",
    "2026-11-25 22:00:00", {"type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text",
    "text": "sl 1"}]}]},
    {"type": "doc", "content": [5]}, {"type": "doc", "content": 5}, {"value": "-1", "display_value": "x"},
    "sc21", "SC21-7",
    [{"name": "sl", "version": "1"}], '[{"name": "sl", "version": "1"}]', "[[[[", {"name": ["x"]}, {"histories": [5]},
    {"id": "1", "items": [{"field": "status", "fromString": "x", "toString": "y"}]}, {"accountId": 5},
    "jira:issue_created",
]  # fmt: skip


def places(content, path=()):
    """The way to each value in a document."""
    yield path
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in inner:
        yield from places(value, (*path, key))


def texts(content):
    """Each text in a document, and each word of one; of JSON in a text likewise."""
    if isinstance(content, str):
        yield content
        yield from (word for word in re.split(r"[,\s]+", content) if word != content)
        if content.startswith("["):
            yield from re.findall(r'"([^"\\]*)"', content)
    elif isinstance(content, dict | list):
        for inner in content.values() if isinstance(content, dict) else content:
            yield from texts(inner)


def check(base, content):
    """Read it as it would come in: an answer, and nothing in it that does not stand in the document."""
    site, way, route, _ = base
    outcome, answer = reading.read(SITES[site], content, way, route)
    assert json.loads(json.dumps(answer)) == answer
    assert ("error" in answer, "why" in answer) == (outcome == "refused", outcome == "ignored")
    if outcome != "asks":
        assert "items" not in answer
        return
    there = set(texts(json.loads(content)))
    assert set(answer["minions"]) <= there
    if answer["type"] == "revert":
        assert (answer["minions"], answer["items"]) == ([], None)
        return
    assert answer["minions"]
    assert answer["items"]
    for item in answer["items"]:
        if item["kind"] == "action":
            assert (item["name"], item["value"]) == ("system.reboot", "{}")
        else:
            assert item["name"] in there
            words = {"absent": {"remove", "absent"}, "latest": {"latest"}}.get(item["value"])
            assert words & {text.lower() for text in there} if words else item["value"] in there


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    bases, st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(ODD), st.integers(0, 4)), min_size=1, max_size=4)
)
def test_whatever_stands_in_its_parts(base, changes):
    content = json.loads(base[-1])
    for number, value, kind in changes:
        ways = list(places(content))
        path = ways[number % len(ways)]
        if not path:
            content = {**content, "issue": value} if isinstance(content, dict) else value
            continue
        inner = content
        for part in path[:-1]:
            inner = inner[part]
        if kind == 0:
            del inner[path[-1]]
        elif kind == 1:
            inner[path[-1]] = [inner[path[-1]]]
        elif kind == 2 and isinstance(inner, list):
            inner.append(copy.deepcopy(value))
        else:
            inner[path[-1]] = copy.deepcopy(value)
    check(base, json.dumps(content).encode())


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    bases,
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 20), st.binary(max_size=6)), min_size=1, max_size=4),
)
@example(BASES[0], [(0, 10**6, b"")])
def test_whatever_bytes_are_changed(base, changes):
    content = base[-1]
    for start, length, put in changes:
        start %= len(content) + 1
        content = content[:start] + put + content[start + length :]
    check(base, content)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(bases, st.binary(max_size=200))
def test_whatever_bytes_there_are(base, content):
    check(base, content)


names = st.sampled_from(["X-Hub-Signature", "x-approval-signature", "X-Approval-Timestamp", "Authorization"])
values = st.text() | st.sampled_from(["sha256=", "sha256=" + "a" * 64, "v1=", "v1=" + "a" * 43 + "=", "5", "Basic x"])


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.dictionaries(names, values))
def test_whatever_headers_there_are(headers):
    # The secrets of the example are nowhere: what gets so far as to need one is told apart by that.
    for site in SITES.values():
        try:
            found = sites.system(site).verify(headers, b"{}", NOW)
        except (signature.Unsigned, signature.ConfigError):
            continue
        raise AssertionError(found)
