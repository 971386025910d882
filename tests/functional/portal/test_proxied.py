"""People who are signed in at a proxy, which names them in a header: over the unix socket, and nowhere else."""

import contextlib
import http.client
import http.cookies
import re
import socket
import urllib.parse

import pytest

from saltext.approval.cli import main

HEADER = "X-Remote-User"


class Browser:
    """Somebody's browser behind a proxy that names people: ``user`` is sent as the header, None: it is not."""

    def __init__(self, path):
        self._path = str(path)
        self.user = None
        self.cookies = {}

    def ask(self, method, path, fields=None, headers=()):
        """(status, headers, text) of a request; cookies are kept and sent."""
        connection = http.client.HTTPConnection("localhost", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        with contextlib.closing(connection):
            connection.sock.connect(self._path)
            connection.putrequest(method, path)
            body = urllib.parse.urlencode(fields or {}).encode()
            told = [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", str(len(body)))]
            told.append(("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items())))
            if self.user is not None:
                told.append((HEADER, self.user.encode()))
            for name, value in (*told, *headers):
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            for value in response.headers.get_all("Set-Cookie", ()):
                for name, morsel in http.cookies.SimpleCookie(value).items():
                    self.cookies[name] = morsel.value
            return response.status, response.headers, response.read().decode()

    def hidden(self, path):
        """{name: value} of the hidden fields of a page."""
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', self.ask("GET", path)[2]))

    def sign_in(self, fields=None, headers=()):
        """
        Press the button of the page on which people sign in, whose fields may be given; gives (status, headers, text).
        """
        return self.ask("POST", "/login/proxied", fields or self.hidden("/login?next=/minions"), headers)


@pytest.fixture
def socket_path(tmp_path):
    return tmp_path / "web.socket"


@pytest.fixture
def service(people, start, settings_of, socket_path, free_port):
    """A running service behind the proxy, where the three people are known as sso:NAME."""
    for name in ("alice", "bob", "carol"):
        people.execute("SELECT approval.put_identity('sso', %s, %s)", (name, name))
    people.execute("SELECT approval.put_speaker('portal', 'sso', 'authenticated')")
    portal = {**settings_of("portal"), "proxied": {"name": "sso", "header": HEADER, "title": "the gate"}}
    web = {"bind": f"unix:{socket_path}", "public_url": f"http://localhost:{free_port}"}
    return start(web, portal=portal, itsm=None)


@pytest.fixture
def browser(service, socket_path):
    """A Browser in which bob is signed in at the proxy."""
    browser = Browser(socket_path)
    browser.user = "bob"
    return browser


def sessions(database):
    return database.execute("SELECT count(*) FROM approval.web_session WHERE ends_at > now()")[0][0]


def test_whoever_the_proxy_names_goes_on_as_that_person(service, browser, people):
    _, _, page = browser.ask("GET", "/login")
    assert "You are signed in at the gate as bob." in page
    status, headers, _ = browser.sign_in()
    assert (status, headers["Location"]) == (303, "/minions")
    assert "bob" in browser.ask("GET", "/inbox")[2]
    # How long ago bob proved who he is, nobody says.
    assert people.execute("SELECT authenticated_until > began_at FROM approval.web_session") == [(False,)]
    assert [line["identity"] for line in service.said("somebody signs in")] == ["sso:bob"]


def test_decisions_are_asserted(browser, client, people):
    number = client("alice").request("package", ["web1"], {"hello": "2.12-1"}, "CHG-7")["request"]
    assert browser.sign_in()[0] == 303
    fields = {**browser.hidden(f"/requests/{number}"), "decision": "approve", "comment": ""}
    assert browser.ask("POST", f"/requests/{number}/decision", fields)[0] == 303
    decided = people.execute("SELECT provider, subject, assurance FROM approval.decision")
    assert decided == [("sso", "bob", "asserted")]


def test_a_session_ends_where_the_proxy_names_somebody_else(browser, people):
    for other in ("alice", None, "Bob", "bob, bob"):
        assert browser.sign_in()[0] == 303
        browser.user = other
        status, headers, text = browser.ask("GET", "/inbox")
        assert (status, headers["Location"]) == (303, "/login?next=/inbox"), text
        assert sessions(people) == 0
        browser.user = "bob"
        assert browser.ask("GET", "/inbox")[0] == 303


def test_nobody_is_let_in_by_what_is_no_name(service, browser, people):
    fields = browser.hidden("/login")
    names = (None, "", "alice,bob", " ", "x" * 256, "b\u0308ob\u2028")
    for name in names:
        browser.user = name
        status, _, page = browser.sign_in(fields)
        assert (status, sessions(people)) == (403, 0)
        assert "the gate does not say who you are" in page
    assert len(service.said("the proxy names nobody")) == len(names)


def test_a_header_of_the_browser_beside_that_of_the_proxy_lets_nobody_in(browser, people):
    status, _, _ = browser.sign_in(headers=[(HEADER, "carol")])
    assert (status, sessions(people)) == (403, 0)
    assert browser.sign_in()[0] == 303


def test_a_name_beyond_ascii(browser, people):
    people.execute("SELECT approval.put_identity('sso', 'zoë', 'carol')")
    browser.user = "zoë"
    assert browser.sign_in()[0] == 303


def test_somebody_unknown_is_told_which_identity_the_policy_lacks(browser, people):
    browser.user = "eve"
    status, _, page = browser.sign_in()
    assert (status, sessions(people)) == (403, 0)
    assert "You are signed in at the gate, but the policy knows nobody here as sso:eve." in page


def test_a_form_of_elsewhere_signs_nobody_in(browser, people):
    assert browser.sign_in({**browser.hidden("/login"), "mark": "another"})[0] == 403
    assert browser.sign_in(headers=[("Sec-Fetch-Site", "cross-site")])[0] == 403
    assert sessions(people) == 0


def test_without_the_setting_the_header_is_nothing(visit):
    visitor = visit()
    hidden = visitor.hidden("/login")
    assert visitor.get("/login", headers={HEADER: "bob"}).status_code == 200
    assert visitor.post("/login/proxied", hidden, headers={HEADER: "bob"}).status_code == 404


@pytest.mark.parametrize(
    ("proxied", "web", "says"),
    [
        ({}, {}, "must be a mapping of name and header"),
        ({"name": "sso"}, {}, "must be a mapping of name and header"),
        ({"name": "sso", "header": HEADER, "trust": "all"}, {}, "must be a mapping of name and header"),
        ({"name": "pg", "header": HEADER}, {}, "name must have small letters"),
        ({"name": "sso", "header": "Cookie"}, {}, "header must be Remote-User, or a name that begins with X-"),
        ({"name": "sso", "header": "X-Forwarded-For"}, {}, "header must be Remote-User"),
        ({"name": "sso", "header": "X_Remote_User"}, {}, "header must be Remote-User"),
        ({"name": "sso", "header": HEADER, "title": ""}, {}, "title must be a text"),
        ({"name": "sso", "header": HEADER}, {"trusted_proxies": ["127.0.0.1"]}, "proxied needs approval:web: bind"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(web_config, capsys, settings_of, proxied, web, says):
    path = web_config(web, portal={**settings_of("portal"), "proxied": proxied})
    assert main(["web", "--config", path]) == 2
    assert says in capsys.readouterr().err
