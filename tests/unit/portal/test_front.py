"""Who asked, and by which scheme: by the peer, and by what a trusted one tells."""

import pytest

from saltext.approval.portal import config
from saltext.approval.portal.front import Front


def seen(web=None, names_people=None, **environ):
    """The environment that the application sees."""
    found = {}

    def application(environ, start_response):
        found.update(environ)
        return []

    front = Front(application, config.load({"public_url": "https://x", **(web or {})}), names_people)
    front({"REMOTE_ADDR": "10.1.2.3", "wsgi.url_scheme": "http", **environ}, lambda *_: None)
    return found


TRUSTING = {"trusted_proxies": ["10.1.2.0/24"]}


@pytest.mark.parametrize(
    ("value", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("127.0.0.1,192.0.2.1", "192.0.2.1"),
        ("192.0.2.1, 2001:db8::1 ", "2001:db8::1"),
        ("192.0.2.1,", "10.1.2.3"),
        ("192.0.2.1:443", "10.1.2.3"),
        ('192.0.2.1"}\n', "10.1.2.3"),
        ("unknown", "10.1.2.3"),
    ],
)
def test_the_rightmost_address(value, client):
    found = seen(TRUSTING, HTTP_X_FORWARDED_FOR=value)
    assert (found["approval.client"], found["REMOTE_ADDR"]) == (client, client)


@pytest.mark.parametrize(
    ("value", "scheme"),
    [("https", "https"), ("HTTPS", "https"), ("https, http", "http"), ("wss", "http"), ("", "http")],
)
def test_the_rightmost_scheme(value, scheme):
    assert seen(TRUSTING, HTTP_X_FORWARDED_PROTO=value)["wsgi.url_scheme"] == scheme


@pytest.mark.parametrize("value", ["short", "x" * 65, "with space in it", 'quote"quote"quote'])
def test_an_id_that_is_none(value):
    assert len(seen(TRUSTING, HTTP_X_REQUEST_ID=value)["approval.request_id"]) == 32


@pytest.mark.parametrize("peer", ["10.1.3.1", "", "192.0.2.1"])
def test_from_others_nothing_of_it_gets_through(peer):
    told = {
        f"HTTP_{name}": "https"
        for name in ("FORWARDED", "X_FORWARDED_FOR", "X_FORWARDED_PROTO", "X_FORWARDED_HOST", "X_FORWARDED_PREFIX")
    }
    found = seen(TRUSTING, REMOTE_ADDR=peer, **told)
    assert found["wsgi.url_scheme"] == "http"
    assert not set(told) & set(found)


def test_whoever_gets_to_the_unix_socket_is_trusted():
    found = seen({"bind": "unix:/run/x"}, REMOTE_ADDR="", HTTP_X_FORWARDED_FOR="192.0.2.1")
    assert found["approval.client"] == "192.0.2.1"


@pytest.mark.parametrize(
    ("web", "peer", "named"),
    [
        ({"bind": "unix:/run/x"}, "", "bob"),
        # A port is open to all who reach it, and each could name anybody, a listed proxy too.
        (TRUSTING, "10.1.2.3", None),
        (TRUSTING, "192.0.2.1", None),
        (TRUSTING, "", None),
    ],
)
def test_people_are_named_by_the_unix_socket_alone(web, peer, named):
    found = seen(web, names_people="X-Remote-User", REMOTE_ADDR=peer, HTTP_X_REMOTE_USER="bob")
    assert found["approval.proxied"] == named
    assert "HTTP_X_REMOTE_USER" not in found


def test_nobody_is_named_where_no_header_is_set():
    assert seen({"bind": "unix:/run/x"}, REMOTE_ADDR="", HTTP_X_REMOTE_USER="bob")["approval.proxied"] is None
