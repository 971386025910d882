"""Deliveries of Jira, of its rules and of ServiceNow in tests/cases/webhooks/: each is treated as its index says."""

import json
import pathlib

import pytest

from saltext.approval import cli

ROOT = pathlib.Path(__file__).resolve().parents[3]
CASES = ROOT / "tests/cases/webhooks"
INDEX = json.loads((CASES / "index.json").read_text(encoding="utf-8"))["files"]
CONFIG = ROOT / "docs/examples/itsm-sc21.yaml"
CODES = {"accept": 0, "reject": 1, "ignore": 3}


@pytest.fixture
def read(tmp_path, capsys):
    """A function that runs `itsm read` on a case; gives (exit code, answer)."""
    (tmp_path / "minions").write_text("heldout-m1\nheldout-m2\n")

    def run(name, *options):
        site = "dev" if name.startswith("servicenow") else "sc21"
        route = ["--as", "automation", "--route", "revert" if "revert" in name else "install"]
        code = cli.main(
            [
                *("itsm", "read", "--config", str(CONFIG), "--site", site),
                *("--minions", str(tmp_path / "minions"), *options),
                *(route if "automation" in name else ()),
                str(CASES / name),
            ]
        )
        return code, json.loads(capsys.readouterr().out)

    return run


def test_each_file_stands_in_the_index():
    assert {path.name for path in CASES.glob("*.json")} - {"index.json"} == set(INDEX)


@pytest.mark.parametrize("name", INDEX)
def test_as_the_index_says(read, name):
    expected = INDEX[name]["expect"]
    code, answer = read(name)
    # Of two ways that are right, the one that does nothing is ours.
    assert code == CODES.get(expected, 1), answer
    assert ("error" in answer, "why" in answer) == (code == 1, code == 3)
    assert ("minions" in answer) == (code == 0)


def test_what_the_ticket_asks_for(read):
    _, answer = read("jira_cloud_issue_updated.json")
    assert answer["type"] == "package"
    assert answer["minions"] == ["heldout-m1", "heldout-m2"]
    assert answer["items"] == [
        {"kind": "package", "name": "hello", "value": "2.10-3"},
        {"kind": "package", "name": "cowsay", "value": "absent"},
    ]
    assert answer["after"] == "2026-11-25T22:00:00+00:00"
    assert answer["external_ref"] == "10457#1"
    assert answer["decisions"][0]["by"] == "712020:22222222-2222-4222-8222-222222222222"
    _, other = read("servicenow_change_approved.json")
    assert {name: other[name] for name in ("minions", "items", "after")} == {
        name: answer[name] for name in ("minions", "items", "after")
    }


def test_a_rule_that_names_no_time_means_at_once(read):
    _, answer = read("automation_install_no_after.json")
    assert answer["after"] is None
    assert answer["external_ref"] == "SC21-101#1"


def test_a_revert_names_the_ticket_alone(read):
    _, answer = read("automation_revert.json")
    assert (answer["type"], answer["minions"], answer["items"]) == ("revert", [], None)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("bad_automation_missing_minion_ids.json", "Expected list of minion IDs in field 'minion_ids'."),
        ("bad_automation_type_01.json", "Expected ITSM ID in field 'itsm_id'."),
        ("bad_automation_type_08.json", "Expected package version in field 'package_version'."),
    ],
)
def test_rules_get_the_errors_that_they_know(read, name, error):
    assert read(name)[1]["answer"] == {"success": False, "error": error}


def test_the_unknown_minion_is_named(read):
    assert "'no-such-minion'" in read("bad_jira_unknown_minion.json")[1]["error"]
