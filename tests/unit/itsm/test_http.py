"""The client of REST interfaces, against a server on a real socket that answers what each test says."""

import base64
import contextlib
import datetime
import http.server
import json
import socket
import threading
import time

import pytest

from saltext.approval.itsm import http as client
from saltext.approval.itsm.credentials import ClientCredentials, Token
from saltext.approval.itsm.ticket import Away, Denied

SECRET = "s3cret-token"  # noqa: S105
JSON = {"Content-Type": "application/json"}


class Server:
    """Answers each question with the next of ``answers``, (status, headers, body); ``asked`` has what came."""

    def __init__(self):
        self.answers, self.asked = [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self):
                size = int(self.headers.get("Content-Length") or 0)
                outer.asked.append((self.command, self.path, dict(self.headers), self.rfile.read(size)))
                status, headers, body = outer.answers.pop(0)
                if callable(body):
                    body(self)
                    return
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def say(self, status=200, body=None, headers=None):
        content = body if isinstance(body, bytes) or callable(body) else json.dumps(body).encode()
        self.answers.append((status, {**JSON, **(headers or {})}, content))

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server():
    with contextlib.closing(Server()) as running:
        yield running


@pytest.fixture
def site(server):
    with contextlib.closing(client.Http("jira-acme", server.url, Token(lambda: SECRET))) as made:
        yield made


def refused(site, kind, method="GET", **more):
    """The error of a question; no text of it holds the secret."""
    with pytest.raises(kind) as caught:
        site.request(method, "/rest/x", **more)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


def in_seconds(moment):
    return (moment - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


def test_a_question_and_its_answer(server, site):
    server.say(body={"a": 1})
    server.say(201, {"b": 2})
    server.say(204, b"")
    assert site.get("/rest/x", fields="status,summary", q="ä&b").content == {"a": 1}
    assert site.request("POST", "/rest/y", content={"c": "ä"}).content == {"b": 2}
    assert site.request("PUT", "/rest/z", file=b"[1]").content is None
    (get, path, headers, _), (_, _, _, sent), (_, _, _, file) = server.asked
    assert (get, path) == ("GET", "/rest/x?fields=status%2Csummary&q=%C3%A4%26b")
    assert headers["Authorization"] == f"Bearer {SECRET}"
    assert headers["Accept"] == "application/json"
    assert "Content-Type" not in headers
    assert json.loads(sent) == {"c": "ä"}
    assert file == b"[1]"


def test_forms_of_a_secret(server):
    for token, name, value in (
        (Token(lambda: SECRET, "me@example.com"), "Authorization",
         "Basic " + base64.b64encode(f"me@example.com:{SECRET}".encode()).decode()),
        (Token(lambda: SECRET, header="x-sn-apikey"), "x-sn-apikey", SECRET),
    ):  # fmt: skip
        server.say(body={})
        with contextlib.closing(client.Http("sn-dev", server.url, token)) as site:
            site.get("/x")
        assert server.asked[-1][2][name] == value


def test_a_netrc_file_is_not_asked(server, site, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.say(body={})
    site.get("/x")
    assert server.asked[-1][2]["Authorization"] == f"Bearer {SECRET}"


def test_cookies_are_not_kept(server, site):
    server.say(body={}, headers={"Set-Cookie": "JSESSIONID=1; Path=/"})
    server.say(body={})
    site.get("/x")
    site.get("/x")
    assert "Cookie" not in server.asked[1][2]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(server, site, status):
    server.say(status, b"", {"Location": f"{server.url}/elsewhere"})
    assert "url has to be its own address" in str(refused(site, Denied))
    assert len(server.asked) == 1


def test_what_a_site_says_is_told(server, site):
    server.say(400, {"errorMessages": ["Issue does not\nexist"], "errors": {"comment": "too long"}})
    error = refused(site, Denied)
    assert str(error) == "jira-acme: it refuses (400: Issue does not exist; comment: too long)"
    assert error.status == 400
    server.say(404, {"error": {"message": "No Record found", "detail": "ACL"}, "status": "failure"})
    error = refused(site, Denied)
    assert (str(error), error.status) == ("jira-acme: it refuses (404: No Record found; ACL)", 404)
    server.say(403, b"<html>no</html>", {"Content-Type": "text/html"})
    assert str(refused(site, Denied)) == "jira-acme: we may not do that there"


def test_a_secret_that_a_site_repeats_is_not_told(server, site):
    server.say(400, {"message": f"unknown token {SECRET}, \x1b[2Jhello " + "x" * 2000})
    text = str(refused(site, Denied))
    assert "unknown token ***, [2Jhello" in text
    assert len(text) < 500


def test_401_is_not_tried_again(server, site):
    server.say(401, {"message": "no"})
    assert refused(site, Denied).status == 401
    assert len(server.asked) == 1


@pytest.mark.parametrize(("status", "body"), [(200, {"a": 1}), (404, {"errorMessages": ["no issue"]})])
def test_an_answer_to_anybody_is_none_to_us(server, site, status, body):
    server.say(status, body, {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})
    error = refused(site, Denied)
    assert "refuses our token" in str(error)
    assert error.status == 401
    server.say(200, {}, {"X-Seraph-LoginReason": "OK"})
    assert site.get("/x").status == 200


def test_a_limit_is_kept_for_the_whole_site(server, site):
    server.say(429, {}, {"Retry-After": "7", "RateLimit-Reason": "jira-burst-based"})
    error = refused(site, Away)
    assert "jira-burst-based" in str(error)
    assert 6.5 < in_seconds(error.due_at) <= 7
    again = refused(site, Away)
    assert 6 < in_seconds(again.due_at) <= 7
    assert len(server.asked) == 1


def test_a_limit_of_one_issue_is_not_the_sites(server, site):
    server.say(429, {}, {"Retry-After": "7", "RateLimit-Reason": "jira-per-issue-on-write"})
    server.say(body={"b": 2})
    assert 6.5 < in_seconds(refused(site, Away).due_at) <= 7
    assert site.get("/other").content == {"b": 2}


def test_a_limit_without_a_time_has_pauses_that_grow(server, site, monkeypatch):
    monkeypatch.setattr(client.random, "uniform", lambda low, high: 1.0)
    pauses = []
    for wish in ("0", "soon", None, "-5", "nan", None):
        server.say(429, {}, {} if wish is None else {"Retry-After": wish})
        pauses.append(round(in_seconds(refused(site, Away).due_at)))
        site._rests_until = 0.0
    assert pauses == [2, 4, 8, 16, 30, 30]
    server.say(body={})
    site.get("/x")
    server.say(503, {}, {"Retry-After": "Thu, 01 Jan 2099 00:00:00 GMT"})
    # A day at the most: nobody means seventy years.
    assert 86_000 < in_seconds(refused(site, Away).due_at) <= 86_400


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_fault_of_the_site(server, site, status):
    server.say(status, b"<html>Bad Gateway</html>", {"Content-Type": "text/html"})
    error = refused(site, Away)
    assert f"({status})" in str(error)
    assert error.due_at is None


def test_a_page_instead_of_json(server, site):
    server.say(200, b"<html>Your instance is hibernating</html>", {"Content-Type": "text/html;charset=utf-8"})
    assert "text/html instead of JSON: it may be asleep" in str(refused(site, Away))


@pytest.mark.parametrize("body", [b'{"a": ', b"[" * 100_000, b"\xff\xfe"])
def test_broken_json(server, site, body):
    server.say(200, body)
    assert "no whole JSON" in str(refused(site, Away))


def test_a_connection_that_is_cut(server, site):
    server.say(body=lambda handler: handler.connection.shutdown(socket.SHUT_RDWR))
    assert "the connection failed" in str(refused(site, Away, "POST", content={}))
    assert len(server.asked) == 1


def test_an_answer_that_is_cut(server, site):
    server.say(body=b'{"a": 1}', headers={"Content-Length": "100"})
    server.answers[-1][1]["Connection"] = "close"
    assert "the connection failed" in str(refused(site, Away))


def test_nobody_listens():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with contextlib.closing(client.Http("jira-acme", url, Token(lambda: SECRET))) as site:
            assert "the connection failed (Connection refused)" in str(refused(site, Away))


def test_no_answer_in_time(server, site, monkeypatch):
    monkeypatch.setattr(client, "SILENT_S", 0.1)
    server.say(body=lambda handler: time.sleep(0.5))
    assert "no answer in time" in str(refused(site, Away))


def test_an_answer_that_drips(server, site, monkeypatch):
    monkeypatch.setattr(client, "WHOLE_S", 0.2)
    monkeypatch.setattr(client, "PIECE_BYTES", 1)

    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(1000):
                handler.wfile.write(b" ")
                time.sleep(0.01)

    server.say(body=drip)
    assert "no whole answer" in str(refused(site, Away))


def test_an_answer_that_is_too_large(server, site, monkeypatch):
    monkeypatch.setattr(client, "ANSWER_BYTES_MAX", 1000)
    server.say(body="x" * 2000)
    assert "more than 1000 bytes" in str(refused(site, Away))


def test_tokens_of_a_client(server):
    credentials = ClientCredentials("us", lambda: SECRET)
    with contextlib.closing(client.Http("sn-dev", server.url, credentials)) as site:
        for token in ("first", "second"):
            server.say(body={"access_token": token, "expires_in": 1799, "token_type": "Bearer"})
            server.say(body={"result": []})
            if token == "first":  # noqa: S105
                assert site.get("/x").content == {"result": []}
                assert site._session.cookies.get_dict() == {}
                server.say(401, {"error": {"message": "User Not Authenticated"}})
                server.answers.append(server.answers.pop(0))
        # The token was taken away there: one new one, and the question once more.
        assert site.get("/x").content == {"result": []}
        assert [headers.get("Authorization") for _, _, headers, _ in server.asked] == [
            None, "Bearer first", "Bearer first", None, "Bearer second",
        ]  # fmt: skip
        assert server.asked[0][3] == b"grant_type=client_credentials&client_id=us&client_secret=" + SECRET.encode()
        server.say(401, {"error": {"message": "no"}})
        server.say(401, {"error": "access_denied", "error_description": f"client {SECRET} is unknown"})
        error = refused(site, Denied)
        assert "client *** is unknown" in str(error)
        assert len(server.asked) == 7


def test_a_token_is_not_used_at_its_end(server):
    credentials = ClientCredentials("us", lambda: SECRET)
    with contextlib.closing(client.Http("sn-dev", server.url, credentials)) as site:
        for _ in range(2):
            server.say(body={"access_token": "short", "expires_in": 20})
            server.say(body={})
            site.get("/x")
    assert [path for _, path, _, _ in server.asked] == ["/oauth_token.do", "/x"] * 2


def test_a_client_without_a_token(server):
    with contextlib.closing(client.Http("sn-dev", server.url, ClientCredentials("us", lambda: SECRET))) as site:
        server.say(body={"result": "asleep"})
        assert "gives no token for the client us" in str(refused(site, Denied))
