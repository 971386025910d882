"""The settings of providers of OpenID Connect, and what is sent to one of an attempt."""

import urllib.parse

import pytest

from saltext.approval.errors import ConfigError
from saltext.approval.portal import oidc

PUBLIC = "https://approval.example.com"
WRONG = [
    ({}, "must be a mapping of names to settings of a provider"),
    ([], "must be a mapping of names"),
    ({"Corp": {}}, "oidc:Corp: the name of a provider has small letters"),
    ({"a/b": {}}, "the name of a provider has small letters"),
    ({7: {}}, "the name of a provider has small letters"),
    *(({name: {}}, "is none of pg, salt, web, renewal, revert") for name in ("pg", "salt", "web", "renewal", "revert")),
    ({"corp": None}, "oidc:corp must be a mapping of issuer, client_id"),
    ({"corp": {"secret": "x"}}, "there is no setting 'secret' (known: issuer, client_id, client_secret_file"),
]
CHANGED = [
    ({"issuer": None}, "issuer must be a text"),
    ({"client_id": 7}, "client_id must be a text"),
    ({"client_id": " "}, "client_id must be a text"),
    ({"title": "a\nb"}, "title must be a text"),
    ({"client_secret_file": None}, "client_secret_file must be a text"),
    ({"client_secret_file": "secret"}, "client_secret_file must be the full path of a file"),
    ({"client_secret_file": "/nowhere"}, "client_secret_file /nowhere cannot be read"),
    ({"authenticated_minutes": 0}, "authenticated_minutes must be a whole number from 1 to 600"),
    ({"authenticated_minutes": 601}, "authenticated_minutes must be"),
    ({"authenticated_minutes": True}, "authenticated_minutes must be"),
    *(
        ({"issuer": issuer}, "issuer must be the address that the provider gives as its own")
        for issuer in (
            "http://login.example.com", "login.example.com", "https://", "https://u:p@login.example.com",
            "https://login.example.com/?x=1", "https://login.example.com/#x", "https://[", "ftp://localhost",
            "https://login.example.com/a b",
        )
    ),
]  # fmt: skip


@pytest.fixture
def settings(tmp_path):
    """A function that gives the settings of a provider, with these changes."""
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text("open sesame\n")
    right = {"issuer": "https://login.example.com", "client_id": "approval", "client_secret_file": str(secret)}
    return lambda **changes: {**right, **changes}


@pytest.mark.parametrize(("section", "says"), WRONG)
def test_a_section_that_cannot_be(section, says):
    with pytest.raises(ConfigError) as caught:
        oidc.load(section, PUBLIC)
    assert "approval:portal: oidc" in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize(("changes", "says"), CHANGED)
def test_settings_of_a_provider_that_cannot_be(settings, changes, says):
    with pytest.raises(ConfigError) as caught:
        oidc.load({"corp": settings(**changes)}, PUBLIC)
    assert says in str(caught.value)
    assert "sesame" not in str(caught.value)


def test_a_secret_that_others_can_read_is_refused(settings, tmp_path):
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(ConfigError, match=r"others may read or write it: chmod 6[04]0 it"):
        oidc.load({"corp": settings()}, PUBLIC)


def test_an_attempt_shows_nothing_of_its_token_and_is_of_one_provider(settings, monkeypatch):
    same = {"corp": settings(), "other": settings(issuer="http://localhost:1/realm")}
    first, second = oidc.load(same, PUBLIC)
    sent = []
    for provider in (first, second):
        known = {"authorization_endpoint": "https://login.example.com/authorize?tenant=1"}
        monkeypatch.setattr(provider, "_known", lambda known=known: known)
        for is_anew in (False, True):
            address = provider.address(b"t" * 32, is_anew)
            assert address.startswith("https://login.example.com/authorize?tenant=1&response_type=code&")
            sent.append(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query)))
    assert [one["redirect_uri"].removeprefix(PUBLIC) for one in sent[::2]] == [
        "/login/oidc/corp/return", "/login/oidc/other/return",
    ]  # fmt: skip
    assert (sent[0]["max_age"], sent[1]["max_age"], sent[1]["prompt"]) == ("36000", "900", "login")
    derived = [one[name] for one in sent[::2] for name in ("state", "nonce", "code_challenge")]
    assert len(set(derived)) == 6
    assert all(len(text) == 43 for text in derived)
    with pytest.raises(oidc.NotProven, match="of another attempt"):
        first.proven(b"t" * 32, {"state": sent[2]["state"], "code": "x"}, False)
    for given in ({}, {"state": ""}, {"state": "é"}):
        with pytest.raises(oidc.NotProven, match="of another attempt"):
            first.proven(b"t" * 32, given, False)


def test_a_mark_of_the_provider(settings):
    one, other, client = (
        oidc.load({"corp": settings(**changes)}, PUBLIC)[0].credential("u-1")
        for changes in ({}, {"issuer": "https://other.example.com"}, {"client_id": "another"})
    )
    assert len({one, other, client}) == 3
