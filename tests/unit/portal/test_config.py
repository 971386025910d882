"""The settings of the web service: what is taken, and what is said of the rest."""

import ipaddress

import pytest

from saltext.approval.errors import ConfigError
from saltext.approval.portal import config

URL = "https://approval.example.com"


def load(**changes):
    return config.load({"public_url": URL, **changes})


def test_the_least_is_the_address_of_the_service():
    web = load()
    assert (web.bind, web.public_url, web.certificate, web.only_proxies) == ("127.0.0.1:8087", URL, None, False)
    assert (web.workers, web.threads) == (2, 16)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (f"{URL}/", URL),
        ("http://localhost:8087", "http://localhost:8087"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_the_public_address(given, kept):
    assert load(public_url=given).public_url == kept


@pytest.mark.parametrize(
    "value",
    [None, 7, "", "approval.example.com", "ftp://x", "https://", f"{URL}/path", f"{URL}?a=b", f"{URL}#a", "https://u:p@x",
     "https://x:99999", "https://a b", "https://x\n"],
)  # fmt: skip
def test_what_is_no_public_address(value):
    with pytest.raises(ConfigError, match="approval:web: public_url must be"):
        load(public_url=value)


def test_no_token_goes_over_the_network_in_plain_text():
    with pytest.raises(ConfigError, match="must begin with https:"):
        load(public_url="http://approval.example.com")


@pytest.mark.parametrize("bind", ["127.0.0.1:80", "[::1]:8087", "localhost:1", "127.9.9.9:8087", "unix:/run/x/socket"])
def test_what_only_this_machine_reaches(bind):
    assert load(bind=bind).only_proxies is False


@pytest.mark.parametrize("bind", ["0.0.0.0:80", "[::]:80", "192.0.2.1:80", "[2001:db8::1]:8087"])
def test_the_network_wants_tls_or_a_proxy(bind):
    with pytest.raises(ConfigError, match="must not go in plain text: set tls, or trusted_proxies"):
        load(bind=bind)
    assert load(bind=bind, trusted_proxies=["192.0.2.9"]).only_proxies is True


@pytest.mark.parametrize(
    "bind",
    [None, 80, "80", ":80", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:٨٠", "::1:80", "example.com:80",
     "unix:socket", "unix:/", "fd://3", "256.1.1.1:80"],
)  # fmt: skip
def test_where_it_cannot_listen(bind):
    with pytest.raises(ConfigError, match="approval:web: bind must be"):
        load(bind=bind)


def test_a_path_that_no_socket_can_have():
    with pytest.raises(ConfigError, match="107 bytes"):
        load(bind="unix:/" + "x" * 107)


def test_proxies():
    networks = load(trusted_proxies=["127.0.0.1", "10.1.2.0/24", "::1"]).trusted_proxies
    assert networks == tuple(map(ipaddress.ip_network, ("127.0.0.1/32", "10.1.2.0/24", "::1/128")))


@pytest.mark.parametrize("value", ["127.0.0.1", [1], ["proxy.example.com"], ["10.1.2.3/24"], ["0.0.0.0/0"], ["::/0"]])
def test_what_are_no_proxies(value):
    with pytest.raises(ConfigError, match="approval:web: trusted_proxies"):
        load(trusted_proxies=value)


@pytest.mark.parametrize("name", sorted(config.NUMBERS))
@pytest.mark.parametrize("value", [0, -1, 1.5, "2", True, None, 100_000])
def test_numbers_have_bounds(name, value):
    with pytest.raises(ConfigError, match=f"approval:web: {name} must be a whole number from "):
        load(**{name: value})


@pytest.mark.parametrize("section", [[], "x", {}, {"port": 80, "public_url": URL}])
def test_what_is_no_section(section):
    with pytest.raises(ConfigError, match="approval:web"):
        config.load(section)
