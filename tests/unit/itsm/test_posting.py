"""A system that nothing is asked of is told by JSON that it can prove to be ours."""

import datetime
import http.server
import json
import pathlib
import sys
import threading
import zoneinfo

import pytest

from saltext.approval.itsm import posting, signature, sites, texts
from saltext.approval.itsm.ticket import Away, Denied

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from news_examples import decided, news

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Desk(http.server.BaseHTTPRequestHandler):
    """Keeps what was posted, in the server's list ``taken``, and answers with its ``status``."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def desk():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Desk) as server:
        server.taken, server.status = [], 202
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def site(desk, tmp_path):
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text("a secret of twenty and more letters\n")
    settings = {
        "kind": "generic",
        "url": f"http://127.0.0.1:{desk.server_port}/told",
        "webhook_secrets": [{"file": str(secret)}],
        "types": {"package": {"request_type": "package"}},
    }
    return sites.load({"desk": settings})["desk"]


def tell(site, shown, seq, event):
    def value(function, *arguments):
        assert (function, arguments) == ("ticket_news", ("generic-desk", 7))
        return shown

    writer = texts.Writer("generic", "en", zoneinfo.ZoneInfo("UTC"), None, str)
    posting.Posting(site, writer, value).tell(7, seq, event)


def test_it_is_told_what_a_comment_would_say(desk, site):
    tell(site, news(), 1, "asked")
    ((path, headers, body),) = desk.taken
    assert path == "/told"
    assert headers["Content-Type"] == "application/json"
    now = datetime.datetime.now(datetime.timezone.utc)
    assert signature.check_own(site.secrets, headers, body, now) is None
    told = json.loads(body)
    page = (ROOT / "docs/tickets-from-other-systems.md").read_text(encoding="utf-8")
    assert {name for name in (*told, *told["minions"]) if f"`{name}`" not in page} == set()
    assert told.pop("text").startswith("Thank you. This ticket is now request 7")
    assert told == {
        "mark": "7/1", "replaces": False, "event": "asked", "ticket": {"id": "10001", "key": "SC21-7"}, "request": 7,
        "state": "pending", "minions": {"all": 2, "converged": 0, "failed": 0, "waiting": 2},
    }  # fmt: skip


def test_a_verdict_takes_the_place_of_an_earlier_one(desk, site):
    tell(site, news(state="failed", chain=decided()), 4, "settled")
    told = json.loads(desk.taken[0][2])
    assert (told["mark"], told["replaces"], told["state"]) == ("7/failed", True, "failed")


@pytest.mark.parametrize(("shown", "event"), [(None, "asked"), (news(), "reviewed")])
def test_what_no_ticket_is_told_is_not_posted(desk, site, shown, event):
    tell(site, shown, 1, event)
    assert desk.taken == []


@pytest.mark.parametrize(("status", "error"), [(500, Away), (401, Denied), (400, Denied), (302, Denied)])
def test_what_is_not_taken_is_an_error(desk, site, status, error):
    desk.status = status
    with pytest.raises(error):
        tell(site, news(), 1, "asked")
