"""The pages for those who administer other systems: their settings can be read, and what they show is what is done."""

import datetime
import http.server
import pathlib
import re
import subprocess
import sys
import threading
import zoneinfo

import documents
import pytest
import yaml

from saltext.approval.itsm import body as json_body
from saltext.approval.itsm import markup, signature, sites, texts, ticket

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from news_examples import decided, news

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGES = ("jira", "servicenow", "tickets-from-other-systems")


def blocks(page, language):
    return [block.text for block in documents.blocks(ROOT / f"docs/{page}.md") if block.language == language]


def site_of(page):
    """The site that a page describes."""
    (settings,) = (found for found in map(yaml.safe_load, blocks(page, "yaml")) if "approval" in found)
    (site,) = sites.load(settings["approval"]["itsm"]["sites"]).values()
    return site


@pytest.mark.parametrize("page", PAGES)
def test_its_settings_can_be_read(page):
    site = site_of(page)
    assert sites.system(site).site is site
    assert site.secrets
    assert site.time_zone == "Europe/Amsterdam"


@pytest.mark.parametrize("page", ["jira", "servicenow"])
def test_its_tickets_get_to_each_end(page):
    assert set(site_of(page).own.moves) == {"waiting", "done", "failed", "declined"}


def test_the_comments_of_jira_are_those_that_are_written():
    bound, verdict = blocks("jira", "text")
    zone = zoneinfo.ZoneInfo("Europe/Amsterdam")
    writer = texts.Writer("jira", "en", zone, "https://approval.example.com", str)
    assert markup.plain(writer.asked(news())) == bound.rstrip("\n")
    failed = [{"minion": "web2", "kind": "package", "name": "nginx", "type": "version", "value": "1.24.0-2",
               "reason": "no such version in the repositories"}]  # fmt: skip
    verdicts = {"converged": 1, "failed": 1, "waiting": 0}
    ended = news(state="failed", failed=failed, failed_count=1, verdicts=verdicts, chain=decided())
    assert markup.plain(writer.verdict(ended)) == verdict.rstrip("\n")


def test_the_business_rule_sends_what_is_read():
    """Its fields and headers are taken from the script itself, which runs in ServiceNow alone."""
    (script,) = blocks("servicenow", "javascript")
    body = script.partition("JSON.stringify({")[2].partition("});")[0]
    fields = re.findall(r"^ {8}(\w+):", body, re.MULTILINE)
    sample = {
        "event": "change_request.changed", "table": "change_request", "sys_id": "46e18c0fa9fe19810066a0083f76bd56",
        "number": "CHG0030052", "state": "-2", "approval": "approved", "short_description": "Install hello",
        "requested_by": {"value": "5137153cc611227c000bbd1bd8cd2005"}, "start_date": "2026-11-25 22:00:00",
        "u_minions": "web1", "u_packages": [{"name": "hello", "version": "2.10-3"}], "sys_updated_by": "x",
        "sys_mod_count": "7",
    }  # fmt: skip
    assert set(fields) == set(sample)
    system = sites.system(site_of("servicenow"))
    assert system.ticket(sample).stage == "approved"
    assert "'v1.' + seconds + '.' + body" in script
    assert f"'{signature.TIME_HEADER}', seconds" in script
    assert f"'{signature.OWN_HEADER}', 'v1=' + signature" in script


class Inbox(http.server.BaseHTTPRequestHandler):
    """Keeps what was posted, in the server's list ``taken``."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((dict(self.headers), body))
        self.send_response(202)
        self.end_headers()

    def log_message(self, *args):
        pass


def test_the_shell_script_sends_a_signed_ticket(tmp_path):
    (script,) = blocks("tickets-from-other-systems", "sh")
    secret = "a secret of twenty and more letters"  # noqa: S105
    files = {"ask.sh": script, "secret": f"{secret}\n"}
    for name, content in files.items():
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(content)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Inbox) as server:
        server.taken = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/itsm/desk/webhook"
        arguments = [url, str(tmp_path / "secret"), "4711", "u17", "web1", "nginx", "1.24.0-2"]
        try:
            subprocess.run(["sh", str(tmp_path / "ask.sh"), *arguments], check=True, capture_output=True, timeout=60)
        finally:
            server.shutdown()
            thread.join()
    ((headers, body),) = server.taken
    site = site_of("tickets-from-other-systems")
    secrets = (signature.Secret("here", str(tmp_path / "secret")),)
    assert signature.check_own(secrets, headers, body, datetime.datetime.now(datetime.timezone.utc)) is None
    with pytest.raises(ticket.Unsigned):
        signature.check_own(secrets, headers, body + b" ", datetime.datetime.now(datetime.timezone.utc))
    system = sites.system(site)
    found = system.ticket(json_body.read(body))
    assert (found.id, found.stage, found.creator.subject) == ("4711", "asked", "u17")
    ask = system.ask(found)
    assert (ask.type, ask.minions, ask.items) == ("package", ("web1",), (("package", "nginx", "1.24.0-2"),))


def test_the_page_on_other_systems_names_all_that_a_system_has():
    page = (ROOT / "docs/tickets-from-other-systems.md").read_text(encoding="utf-8")
    methods = {name for name in vars(ticket.System) if not name.startswith("_")}
    assert {name for name in methods if f"`{name}`" not in page} == set()
