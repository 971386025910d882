"""docs/tickets.md: its settings can be read, its commands run, and its lists have what the code has."""

import json
import pathlib
import re
import shlex

import documents
import pytest
import yaml

from saltext.approval import cli
from saltext.approval.itsm import items, jira, reading, servicenow, sites, ticket

ROOT = pathlib.Path(__file__).resolve().parents[3]
CASES = ROOT / "tests/cases/webhooks"
PAGE = ROOT / "docs/tickets.md"
BLOCKS = documents.blocks(PAGE)
SETTINGS = [yaml.safe_load(block.text) for block in BLOCKS if block.language == "yaml"]
WHOLE = next(found for found in SETTINGS if "approval" in found)["approval"]["itsm"]["sites"]


def test_the_site(described):
    site = sites.load(WHOLE)["sc21"]
    assert site.own.edges["asked"] == ((None, "waiting for approval"),)
    assert [secret.file for secret in site.secrets] == [
        "/etc/salt-approval/sc21.webhook",
        "/etc/salt-approval/sc21.webhook-old",
    ]


def test_parts_of_a_site():
    workflow = next(found for found in SETTINGS if "asked" in found)
    routes = next(found for found in SETTINGS if "routes" in found)
    given = {**WHOLE["sc21"], **routes, "workflow": {**WHOLE["sc21"]["workflow"], **workflow}}
    site = sites.load({"sc21": given})["sc21"]
    assert site.routes["reboot"].action == ("system.reboot", '{"at_time":5}')
    assert site.own.edges["asked"] == (("failed", "sending to integration"),)


def test_a_ticket_of_another_system():
    site = sites.load(next(found for found in SETTINGS if "desk" in found))["desk"]
    (body,) = (block.text for block in BLOCKS if block.language == "json")
    outcome, answer = reading.read(site, body.encode(), "webhook")
    assert outcome == "asks"
    assert answer["external_ref"] == "4711#1"


def test_the_commands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, content in {
        "itsm-sc21.yaml": (ROOT / "docs/examples/itsm-sc21.yaml").read_text(encoding="utf-8"),
        "minions.txt": "heldout-m1\nheldout-m2\n",
        "delivery.json": (CASES / "jira_cloud_issue_updated.json").read_text(encoding="utf-8"),
        "body.json": (CASES / "automation_install.json").read_text(encoding="utf-8"),
        "issue.json": json.dumps(json.loads((CASES / "jira_cloud_issue_updated.json").read_bytes())["issue"]),
    }.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    # The others need a site, or the database.
    commands = [command for block in BLOCKS for _, command in block.commands if " itsm read " in command]
    assert len(commands) == 3
    for command in commands:
        assert cli.main(shlex.split(command)[1:]) == 0
        assert json.loads(capsys.readouterr().out)["outcome"] == "asks"


@pytest.mark.parametrize(
    "names",
    [
        sites.COMMON, items.MINION_FORMS, items.PACKAGE_FORMS, items.RULES, ticket.STAGES, ticket.ROUTES,
        ticket.SYSTEMS, jira.OWN, jira.AUTH, servicenow.OWN, servicenow.AUTH,
    ],
)  # fmt: skip
def test_each_name_is_told(names):
    told = set(re.findall(r"`([\w-]+)`", PAGE.read_text(encoding="utf-8")))
    assert set(names) <= told
