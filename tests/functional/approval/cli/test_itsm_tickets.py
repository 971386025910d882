"""The commands about what is known of the tickets of a site."""

import json
import pathlib

import pytest
import yaml

from saltext.approval import cli

SITES = pathlib.Path(__file__).resolve().parents[4] / "docs/examples/itsm-sc21.yaml"
TICKET = {"id": "10001", "key": "SC21-7", "url": "https://example-itsm.atlassian.net/browse/SC21-7", "digest": "d1"}


@pytest.fixture
def run(approved, settings_of, tmp_path, capsys):
    """A function that runs salt-approval itsm with the settings of a service; gives (exit code, output, errors)."""
    approved.execute("SELECT approval.put_speaker('itsm', 'jira-sc21', 'authenticated')")
    approved.execute("SELECT approval.put_identity('jira-sc21', 'zoe', 'alice')")
    settings = yaml.safe_load(SITES.read_text(encoding="utf-8"))
    settings["approval"]["itsm"].update(settings_of("itsm"))
    path = tmp_path / "service.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")

    def command(*arguments):
        code = cli.main(["itsm", *arguments, "--config", str(path)])
        return code, *capsys.readouterr()

    return command


def ask(approved):
    ((number,),) = approved.execute(
        "SELECT request_id FROM approval.ask_by_ticket('jira-sc21', 'zoe', NULL, %s, 'package', 'x', '{web1}', "
        "'{package}', '{hello}', '{1.0}', NULL, '{}')",
        (json.dumps(TICKET),),
        login="itsm",
    )
    return number


def test_open_requests_of_tickets_are_listed_with_what_holds_them(run, approved):
    assert run("list", "sc21") == (0, "no ticket has an open request\n", "")
    number = ask(approved)
    code, text, _ = run("list", "sc21")
    assert code == 0
    assert text.splitlines()[1].split()[:5] == ["SC21-7", "10001", str(number), "time", "1"]
    approved.execute("SELECT approval.hold_ticket('jira-sc21', '10001', 'it was changed')", login="itsm")
    (row,) = json.loads(run("list", "jira-sc21", "--json")[1])
    assert (row["request_id"], row["state"], row["held"], row["bound_at"]) == (
        number,
        "pending",
        "it was changed",
        None,
    )


def test_deliveries_that_were_given_up_are_listed_and_tried_again(run, approved):
    assert run("list", "sc21", "--deliveries") == (0, "all that the site sent is worked off\n", "")
    for key in ("k1", "k2"):
        approved.execute("SELECT approval.receive_delivery('jira-sc21', %s, '10001', '{}')", (key,), login="itsm")
        for _ in range(12):
            approved.execute(
                "SELECT approval.settle_delivery('jira-sc21', %s, 'failed', NULL, 'it is odd')", (key,), login="itsm"
            )
    code, text, _ = run("list", "sc21", "--deliveries")
    assert code == 0
    assert [line.split()[:4] for line in text.splitlines()[1:]] == [
        ["k2", "10001", "dead", "12"],
        ["k1", "10001", "dead", "12"],
    ]
    assert "it is odd" in text
    assert run("retry", "sc21", "k1")[1] == "1 will be worked off again\n"
    assert run("retry", "sc21", "k1")[1] == "0 will be worked off again\n"
    assert json.loads(run("retry", "sc21", "--json")[1]) == {"retried": 1}
    states = approved.execute("SELECT key, state, attempts FROM approval.ticket_delivery ORDER BY 1")
    assert states == [("k1", "waiting", 0), ("k2", "waiting", 0)]


def test_a_login_that_does_not_speak_for_the_site_and_a_site_that_is_not_there_are_refused(run, approved):
    approved.execute("SELECT approval.drop_speaker('itsm', 'jira-sc21')")
    code, _, errors = run("list", "sc21")
    assert code == 1
    assert "the login itsm does not speak for the site jira-sc21" in errors
    code, _, errors = run("retry", "nowhere")
    assert code == 2
    assert "nowhere" in errors
