"""What the consumer of a site's messages makes of a site that is away, refuses, or cannot be reached at all."""

import datetime
import http.server
import threading
import types

import pytest

from saltext.approval.engine.delivery import Failed, Later, Message
from saltext.approval.engine.worker import DatabaseWorker
from saltext.approval.engine.workers import ticket_news
from saltext.approval.errors import ConfigError
from saltext.approval.itsm import sites
from saltext.approval.settings import Settings

NEWS = {
    "request": 7, "state": "expired", "minion_count": 1, "failed": [], "failed_count": 0, "chain": [],
    "verdicts": {"converged": 0, "failed": 0, "waiting": 1}, "ticket": {"id": "4711", "key": "4711"},
}  # fmt: skip


class Desk(http.server.BaseHTTPRequestHandler):
    """Answers with the server's ``answer``: (status, headers)."""

    def do_POST(self):
        self.server.asked += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        status, headers = self.server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def desk():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Desk) as server:
        server.asked, server.answer = 0, (202, {})
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def consumer(desk, tmp_path):
    """A function that makes the consumer of a site with these changes of its settings."""
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text("a secret of twenty and more letters\n")
    settings = {
        "kind": "generic",
        "url": f"http://127.0.0.1:{desk.server_port}/",
        "webhook_secrets": [{"file": str(secret)}],
        "types": {"package": {"request_type": "package"}},
    }
    worker = types.SimpleNamespace(settings=Settings({}), value=lambda function, *arguments: NEWS)

    def make(**changes):
        site = {name: value for name, value in {**settings, **changes}.items() if value is not None}
        return ticket_news.SiteNews(sites.load({"desk": site})["desk"], worker)

    return make


def message(attempts=0):
    return Message("request/7", 3, 7, "ticket", {"event": "settled"}, attempts)


def test_a_message_is_taken(consumer, desk):
    consumer().deliver(message())
    assert desk.asked == 1


def test_a_site_that_cannot_be_reached_is_told_nothing(consumer, desk):
    for changes in ({"url": None}, {"webhook_secrets": None}):
        consumer(**changes).deliver(message())
    assert desk.asked == 0


def test_a_pause_that_the_site_asks_for_is_kept_and_no_failure(consumer, desk):
    made = consumer()
    desk.answer = (429, {"Retry-After": "60"})
    with pytest.raises(Later) as caught:
        made.deliver(message())
    left = caught.value.due_at - datetime.datetime.now(datetime.timezone.utc)
    assert 58 < left.total_seconds() < 90


def test_a_site_that_is_down_is_left_alone_for_all_its_tickets(consumer, desk):
    made = consumer()
    assert made.pass_s("request/8", 8) == 0
    desk.answer = (500, {})
    with pytest.raises(Failed, match="fault of its own"):
        made.deliver(message())
    assert 0 < made.pass_s("request/8", 8) <= ticket_news.AWAY_S


def test_an_outage_kills_no_message(consumer, desk):
    desk.answer = (500, {})
    with pytest.raises(Failed):
        consumer().deliver(message(ticket_news.MOST_FAILURES - 1))
    with pytest.raises(Later):
        consumer().deliver(message(ticket_news.MOST_FAILURES))


def test_a_refusal_is_a_failure_however_often(consumer, desk):
    made = consumer()
    desk.answer = (400, {})
    with pytest.raises(Failed, match="refuses"):
        made.deliver(message(ticket_news.MOST_FAILURES))
    assert made.pass_s("request/8", 8) == 0


def test_a_secret_that_cannot_be_read_is_said(consumer, tmp_path):
    made = consumer()
    (tmp_path / "secret").unlink()
    with pytest.raises(Failed, match="cannot be read"):
        made.deliver(message())


def test_a_master_without_sites_has_no_such_worker():
    assert ticket_news.worker(Settings({})) is None


def test_a_language_that_there_is_not_is_refused(consumer):
    with pytest.raises(ConfigError, match="no language 'fr'"):
        consumer(language="fr")


def test_the_lease_is_shorter_than_a_round_may_take(tmp_path):
    dsn = tmp_path / "dsn"
    dsn.touch(mode=0o600)
    dsn.write_text("host=localhost\n")
    site = {"kind": "generic", "webhook_secrets": [], "types": {"package": {"request_type": "package"}}}
    found = ticket_news.worker(Settings({"approval": {"itsm": {"dsn_file": str(dsn), "sites": {"desk": site}}}}))
    assert isinstance(found, DatabaseWorker)
    assert found.limit_s >= ticket_news.SiteNews.lease_s
