"""The commands about one site, and the worker in the service that runs where no master is."""

import datetime
import json
import os
import signal
import subprocess
import sys
import threading

import pytest
import yaml
from standins import acme

from saltext.approval import cli


@pytest.fixture
def config(office, settings_of, tmp_path):
    """A function that writes the file of the services, with these changes of the site's settings; gives its path."""

    def write(**changes):
        path = tmp_path / "service.yaml"
        itsm = {**settings_of("itsm"), "sites": {"acme": {**office.site, **changes}}}
        path.write_text(yaml.safe_dump({"cachedir": str(tmp_path / "cache"), "approval": {"itsm": itsm}}))
        return str(path)

    return write


@pytest.fixture
def good(office, config):
    """The path of the settings of a site that nothing is wrong with."""
    office.jira.bot.is_admin = True
    for status in ("Sending to Integration", "Waiting for Integration"):
        office.jira.create(fields={}, status=status)
    later = datetime.date.today() + datetime.timedelta(days=300)
    auth = {**office.site["auth"], "expires": later}
    return config(auth=auth, ignore_actors=[office.jira.bot.account_id])


def test_a_site_that_works(good, capsys):
    assert cli.main(["itsm", "check", "acme", "--config", good]) == 0
    out = capsys.readouterr().out
    assert "ok: our login speaks for jira-acme\n" in out
    assert "ok: we are Approval Bot there (" in out
    assert "error" not in out


def test_a_site_that_does_not(office, good, capsys, tmp_path):
    acme.secret_file(tmp_path, "jira.token", "another")
    office.database.execute("SELECT approval.drop_speaker('itsm', 'jira-acme')")
    assert cli.main(["itsm", "check", "jira-acme", "--config", good, "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    errors = [row for row in rows if row["level"] == "error"]
    assert "refuses our token" in errors[0]["found"]
    assert errors[0]["remedy"] == "Make a new token, and put it into the file."
    assert errors[1]["found"].startswith("the login itsm does not speak for the site jira-acme")


def test_a_site_that_there_is_none_of(good, capsys):
    assert cli.main(["itsm", "check", "acne", "--config", good]) == 2
    assert "there is no site 'acne' (known: acme)" in capsys.readouterr().err


def test_secrets_are_changed(good, config, capsys, tmp_path):
    assert cli.main(["itsm", "secret", "add", "acme", "--config", good]) == 0
    out = capsys.readouterr().out
    (made,) = [path for path in tmp_path.iterdir() if path.name.startswith("acme-")]
    assert f"- file: {made}" in out
    assert made.read_text().strip() not in out
    assert cli.main(["itsm", "secret", "retire", "acme", "--config", good]) == 0
    assert capsys.readouterr().out == "none has passed its last day\n"
    old = {"file": acme.secret_file(tmp_path, "old.webhook", "an older secret"), "until": datetime.date(2020, 1, 1)}
    changed = config(webhook_secrets=[{"file": str(made)}, old])
    assert cli.main(["itsm", "secret", "retire", "acme", "--config", changed]) == 0
    assert capsys.readouterr().out.startswith(f"removed {old['file']}\nHave the settings of the site say:\n")
    assert not os.path.exists(old["file"])


def test_the_service_takes_tickets_with_no_other_login(office, config, capsys):
    ticket = office.ticket()
    office.send(ticket)
    program = [sys.executable, "-m", "saltext.approval", "serve", "--config", config()]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as service:
        try:
            office.jira.wait_for(lambda: len(office.requests()) == 1, 60)
            other = office.ticket()
            office.send(other)
            # Much sooner than it comes around by itself: it was told.
            office.jira.wait_for(lambda: len(office.requests()) == 2, 60)
            office.jira.wait_for(lambda: ticket.comments, 60)
            assert cli.main(["check", "--config", config()]) == 0, capsys.readouterr().out
        finally:
            service.send_signal(signal.SIGTERM)
            threading.Timer(30, service.kill).start()
            errors = service.stderr.read()
    assert service.returncode == 0, errors
    assert office.requests() == [(f"{ticket.id}#1", "pending"), (f"{other.id}#1", "pending")]


def test_the_service_of_tickets_does_nothing_else(config, capsys):
    assert cli.main(["serve", "--workers", "tickets,due", "--config", config()]) == 2
    assert "the worker due needs approval:engine, which is not configured" in capsys.readouterr().err


@pytest.mark.parametrize("section", [None, {}])
def test_no_sites_no_worker(section, settings_of):
    from saltext.approval.engine.workers import tickets
    from saltext.approval.settings import Settings

    assert tickets.worker(Settings({"approval": {"itsm": section}})) is None


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"poll_minutes": 0}, "poll_minutes must be a number, 0.0166667 at the least"),
        ({"looks": 1.5}, "looks must be a number, 1 at the least"),
        ({"often": 1}, "there is no setting 'often' (known: poll_minutes, looks)"),
    ],
)
def test_settings_of_the_worker(office, settings_of, settings, says):
    from saltext.approval.engine.workers import tickets
    from saltext.approval.errors import ConfigError
    from saltext.approval.settings import Settings

    part = {**settings_of("itsm"), "sites": {"acme": office.site}}
    opts = {"approval": {"itsm": part, "engine": {"workers": {"tickets": settings}}}}
    with pytest.raises(ConfigError, match="approval:engine:workers:tickets: ") as caught:
        tickets.worker(Settings(opts))
    assert says in str(caught.value)
    opts["approval"]["engine"]["workers"]["tickets"] = False
    assert tickets.worker(Settings(opts)) is None
