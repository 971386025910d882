"""People who sign in at a provider of OpenID Connect: what proves who they are, and that nothing else does."""

import base64
import datetime
import pathlib
import re
import time
import urllib.parse

import documents
import oidc_provider_mock
import pytest
import requests
import yaml
from joserfc.jwk import RSAKey
from standins.oidc import CLIENT_ID, CLIENT_SECRET, OidcStandIn

from saltext.approval import config, db
from saltext.approval.policy import loader

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs/portal.md"
RETURN = "/login/oidc/corp/return"
BEGIN = "/login/oidc/corp"
COOKIE = "approval-attempt"


@pytest.fixture
def evil(free_port):
    """Another provider that is configured, and that somebody evil has."""
    with OidcStandIn(f"http://localhost:{free_port}/login/oidc/evil/return") as provider:
        yield provider


def there(visitor, begin=BEGIN, change=lambda address: address):
    """The path by which the provider sends a browser back that begins here; ``change``: what it does to the way."""
    answer = visitor.get(begin)
    assert answer.status_code == 303, answer.text
    back = requests.get(change(answer.headers["Location"]), allow_redirects=False, timeout=60)
    assert back.status_code == 302, back.text
    url = urllib.parse.urlsplit(back.headers["Location"])
    return f"{url.path}?{url.query}"


def sign_in(visitor, provider, person, begin=BEGIN, **options):
    """What the service answers to whom the provider knows as this person."""
    provider.person = person
    return visitor.get(there(visitor, begin, **options))


def without(*names):
    """A function that takes these parameters out of an address."""

    def change(address):
        url = urllib.parse.urlsplit(address)
        kept = [(name, value) for name, value in urllib.parse.parse_qsl(url.query) if name not in names]
        return url._replace(query=urllib.parse.urlencode(kept)).geturl()

    return change


def sessions(database):
    """How many sessions there are."""
    return database.execute("SELECT count(*) FROM approval.web_session")[0][0]


def test_to_sign_in_at_a_provider(open_corp, come, corp, approved, client):
    service = open_corp()
    number = client("alice").request("package", ["web1"], {"hello": "2.12-1"}, "CHG-7")["request"]
    client("bob").approve(number)
    visitor = come(service)
    page = visitor.get("/login?next=/requests/1")
    assert "Sign in with the company" in page.plain
    assert "Password" not in page.plain
    assert visitor.post("/login/password", {**visitor.hidden("/login"), "name": "bob"}).status_code in (403, 404)
    assert f'href="{BEGIN}?next=/requests/1"' in page.text
    # A token that somebody else has put there is none of the new session.
    fixed = base64.urlsafe_b64encode(b"x" * 32).decode().rstrip("=")
    visitor.cookies.set("approval", fixed, domain="localhost.local")
    begun = visitor.get(f"{BEGIN}?next=/requests/1")
    (cookie,) = [line for line in begun.raw.headers.getlist("Set-Cookie") if line.startswith(COOKIE)]
    assert all(part in cookie for part in ("; HttpOnly", "; SameSite=Lax", "; Max-Age=600", "; Path=/"))
    corp.person = "u-carol"
    back = there(visitor, f"{BEGIN}?next=/requests/1")
    answer = visitor.get(back)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/requests/1")
    assert visitor.cookies["approval"] != fixed
    assert COOKIE not in visitor.cookies
    asked = corp.asked[-1]
    assert (asked["code_challenge_method"], asked["scope"], asked["response_type"]) == ("S256", "openid", "code")
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert (asked["max_age"], "prompt" in asked) == ("36000", False)
    assert "carol Sign out" in visitor.get("/inbox").plain
    assert visitor.decide(number, "approve").status_code == 303
    proof = approved.execute(
        "SELECT identity, assurance, detail::jsonb -> 'proof' ->> 'acr', detail::jsonb -> 'proof' -> 'amr' FROM "
        "approval.audit_entry WHERE act = 'approve' AND principal = 'carol'"
    )
    assert proof == [("corp:u-carol", "authenticated", "urn:two-factors", ["pwd", "otp"])]
    # The same way once more leads nowhere, and ends nothing.
    assert visitor.get(back).status_code == 403
    assert visitor.get("/inbox").status_code == 200
    assert service.said("somebody signs in")[0]["identity"] == "corp:u-carol"
    code = dict(urllib.parse.parse_qsl(back.partition("?")[2]))["code"]
    for secret in (CLIENT_SECRET, urllib.parse.quote_plus(CLIENT_SECRET), code, asked["state"], asked["nonce"]):
        assert secret not in service.text()
    assert service.ask("GET", "/readyz")[0] == 200
    visitor.post("/logout", visitor.hidden("/inbox"))
    assert sessions(approved) == 0


def test_another_provider_and_a_client_that_sends_its_secret_in_the_form(open_corp, come, corp, settings_for, approved):
    approved.execute("SELECT approval.put_identity('mock', 'bob@example.org', 'bob')")
    approved.execute("SELECT approval.put_speaker('portal', 'mock', 'authenticated')")
    with oidc_provider_mock.run_server_in_thread() as mock:
        service = open_corp(mock=f"http://localhost:{mock.server_port}")
        visitor = come(service)
        way = visitor.get("/login/oidc/mock?next=/sessions").headers["Location"]
        answer = requests.post(way, data={"sub": "bob@example.org"}, allow_redirects=False, timeout=60)
        url = urllib.parse.urlsplit(answer.headers["Location"])
        answer = visitor.get(f"{url.path}?{url.query}")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/sessions")
    assert "bob Sign out" in visitor.get("/sessions").plain
    assert approved.execute("SELECT authenticated_until > began_at FROM approval.web_session") == [(True,)]
    corp.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert sign_in(come(service), corp, "u-bob").status_code == 303


def test_what_a_provider_signs_for_nobody_here(open_corp, come, corp, approved):
    service = open_corp()
    visitor, now = come(service), int(time.time())
    other = RSAKey.generate_key(2048, {"kid": "k1"})
    unknown = RSAKey.generate_key(2048, {"kid": "k2"})
    for changes in (
        {"claims": {"nonce": "another"}}, {"claims": {"nonce": None}}, {"claims": {"nonce": ""}},
        {"claims": {"aud": "another"}}, {"claims": {"aud": None}}, {"claims": {"aud": ["another"], "azp": CLIENT_ID}},
        {"claims": {"aud": [CLIENT_ID, "another"]}}, {"claims": {"azp": "another"}}, {"claims": {"aud": ""}},
        {"claims": {"iss": "https://evil.example.com"}}, {"claims": {"iss": None}},
        {"claims": {"exp": now - 600}}, {"claims": {"exp": None}}, {"claims": {"exp": "tomorrow"}},
        {"claims": {"iat": now + 6000}}, {"claims": {"iat": None}}, {"claims": {"nbf": now + 6000}},
        {"claims": {"sub": None}}, {"claims": {"sub": ""}}, {"claims": {"sub": 7}}, {"claims": {"sub": " u-bob"}},
        {"claims": {"sub": "u-bob\n"}}, {"claims": {"sub": "x" * 256}}, {"claims": {"at_hash": "another"}},
        {"claims": {"auth_time": now + 6000}}, {"claims": {"auth_time": "now"}}, {"claims": {"auth_time": True}},
        {"claims": {"auth_time": 10**400}}, {"claims": {"auth_time": -1}},
        {"algorithm": "none", "key": b""}, {"algorithm": "RS256", "key": b""}, {"key": other}, {"key": unknown},
        {"algorithm": "HS256", "key": CLIENT_SECRET.encode()},
        {"algorithm": "HS256", "key": corp.right_key.as_pem(private=False)},
        {"is_empty": True},
    ):  # fmt: skip
        corp.forget_changes()
        for name, value in changes.items():
            setattr(corp, name, value)
        answer = sign_in(visitor, corp, "u-bob")
        assert (answer.status_code, "You are not signed in by this:" in answer.plain) == (403, True), (changes, answer)
        assert "approval" not in visitor.cookies, changes
    assert sessions(approved) == 0
    assert len(service.said("a sign-in is refused")) == 36
    corp.forget_changes()
    for right in ({"aud": [CLIENT_ID]}, {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}, {"iat": now + 30}):
        corp.claims = right
        assert sign_in(visitor, corp, "u-bob").status_code == 303, right


def test_what_a_browser_brings_back_of_others(open_corp, come, corp, evil, approved):
    service = open_corp(evil=evil.issuer)
    visitor, attacker = come(service), come(service)
    stranger = come(service)
    # A whole way of somebody else: it would sign the victim in as them.
    corp.person = "u-carol"
    way = there(attacker)
    for path in (way, f"{RETURN}?code=x", f"{RETURN}?state=x&code=x", RETURN, f"{RETURN}?error=access_denied"):
        assert stranger.get(path).status_code == 403
    # Codes of some providers are long.
    assert stranger.get(f"{RETURN}?state=x&code={'x' * 3500}").status_code == 403
    visitor.get(BEGIN)
    assert visitor.get(way).status_code == 403
    # The code of somebody else in an attempt of one's own, or one's own with a code that the provider never gave, or a
    # code again: PKCE's verifier, or the provider, refuses.
    code = dict(urllib.parse.parse_qsl(way.partition("?")[2]))["code"]
    for stolen in (code, "x"):
        corp.refused.clear()
        answer = visitor.get(re.sub(r"code=\w+", f"code={stolen}", there(visitor)))
        assert (answer.status_code, corp.refused) == (403, ["invalid_grant"]), stolen
        assert "the provider does not take the code: it is used, old, or of another attempt" in answer.plain
    used = there(visitor)
    assert visitor.get(used).status_code == 303
    visitor.post("/logout", visitor.hidden("/inbox"))
    again = there(visitor)
    used_code = dict(urllib.parse.parse_qsl(used.partition("?")[2]))["code"]
    assert visitor.get(re.sub(r"code=\w+", f"code={used_code}", again)).status_code == 403
    # Mix-up: the browser is led to one provider, and comes back at the address of the other.
    mixed = there(visitor, "/login/oidc/evil")
    assert visitor.get(mixed.replace("/evil/", "/corp/")).status_code == 403
    for iss in (evil.issuer, "", f"{corp.issuer}/", None):
        corp.extra = {"iss": iss}
        answer = sign_in(visitor, corp, "u-bob")
        assert (answer.status_code, "is not of the provider that was asked" in answer.plain) == (403, True), iss
    corp.forget_changes()
    # The provider's own description of itself.
    corp.extra = {"error": "<b>access"}
    assert "the provider says something that is not known" in sign_in(visitor, corp, "u-bob").plain
    corp.extra = {"error": "access_denied"}
    assert "the provider says access_denied" in sign_in(visitor, corp, "u-bob").plain
    corp.forget_changes()
    # An attempt that is none: the cookie is whatever its browser says.
    for cookie in ("x", "..", f"{'A' * 43}=..", f"{'A' * 43}=.anew.https://evil.example.com", "A" * 44):
        assert stranger.get(way, headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 403, cookie
    assert sessions(approved) == 0


def test_nobody_is_led_elsewhere(open_corp, come, corp):
    visitor = come(open_corp())
    for leads_to in (
        "https://evil.example.com/", "//evil.example.com", "/\\evil.example.com", "/inbox\r\nX: y", "/inbox/../..",
        "javascript:alert(1)", "/login/oidc/corp", "", "/requests/1?x",
    ):  # fmt: skip
        begin = f"{BEGIN}?{urllib.parse.urlencode({'next': leads_to})}"
        assert sign_in(visitor, corp, "u-bob", begin).headers["Location"] == "/inbox", leads_to
    # A cookie that was changed leads nowhere else.
    corp.person = "u-bob"
    way = there(visitor)
    text = visitor.cookies[COOKIE].strip('"').rpartition(".")[0]
    visitor.cookies.clear()
    answer = visitor.get(way, headers={"Cookie": f"{COOKIE}={text}.//evil.example.com"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/inbox")
    assert visitor.get("/login/oidc/nobody").status_code == 404
    assert visitor.get("/login/oidc/nobody/return").status_code == 404


def test_somebody_unknown_is_told_whom_to_ask_and_nothing_is_made(open_corp, come, corp, approved):
    visitor = come(open_corp())
    known = "SELECT (SELECT count(*) FROM approval.principal), (SELECT count(*) FROM approval.identity)"
    before = approved.execute(known)
    # The provider's word on groups, names or mail makes nobody anybody.
    corp.claims = {"email": "bob@example.org", "preferred_username": "bob", "groups": ["managers"]}
    for person in ("u-eve", "U-BOB", "bob"):
        answer = sign_in(visitor, corp, person)
        assert answer.status_code == 403
        assert f"You signed in at the company, but the policy knows nobody here as corp:{person}" in answer.plain
        assert "ask those who keep the policy to add this identity to you" in answer.plain
        assert "approval" not in visitor.cookies
    assert (approved.execute(known), sessions(approved)) == (before, 0)
    corp.forget_changes()
    approved.execute("SELECT approval.drop_speaker('portal', 'corp')")
    assert "Nobody can sign in here" in sign_in(visitor, corp, "u-bob").plain


def test_a_stage_that_wants_more_wants_a_sign_in_of_now(open_corp, come, corp, approved, client):
    service = open_corp()
    number = client("alice").request("package", ["web1"], {"hello": "2.12-1"}, "CHG-7")["request"]
    client("bob").approve(number)
    carol = come(service)
    # The provider knows the browser since an hour ago, so this session is no proof of now.
    corp.since = time.time() - 3600
    assert sign_in(carol, corp, "u-carol").status_code == 303
    page = carol.get(f"/requests/{number}")
    assert (
        "You signed in too long ago for it: stage 2 (release) asks for an identity that is authenticated" in page.plain
    )
    (anew,) = re.findall(r'href="([^"]+)">Sign in anew to decide', page.text)
    anew = anew.replace("&amp;", "&")
    assert anew == f"{BEGIN}?anew=yes&next=/requests/{number}"
    assert "lets you sign in anew" in carol.get("/inbox").plain
    shown = approved.execute("SELECT digest FROM approval.item_set")[0][0]
    form = {**carol.hidden(f"/requests/{number}"), "decision": "approve", "digest": shown, "stage": "2"}
    answer = carol.post(f"/requests/{number}/decision", {**form, "comment": "well thought out"})
    assert (answer.status_code, "well thought out" in answer.plain, anew in answer.text.replace("&amp;", "&")) == (
        403, True, True,
    )  # fmt: skip
    kept = carol.cookies["approval"]
    # A browser that takes out of the address what asks for that comes back as sure as before, and is told so.
    for names in (("prompt", "max_age"), ("prompt",)):
        corp.since = time.time() - (800 if names == ("prompt",) else 3600)
        if names == ("prompt",):
            # As a provider that does not keep to max_age.
            names, corp.claims = ("prompt", "max_age"), {"auth_time": int(time.time()) - 3600}
        answer = sign_in(carol, corp, "u-carol", anew, change=without(*names))
        assert (answer.status_code, "did not have this person sign in anew" in answer.plain) == (403, True), names
    corp.claims = {"auth_time": None}
    answer = sign_in(carol, corp, "u-carol", anew)
    assert (answer.status_code, "does not say when this person signed in" in answer.plain) == (403, True)
    corp.forget_changes()
    # One that has the cookie say that nothing anew was asked has a session, which is no surer.
    corp.since, corp.person = time.time() - 3600, "u-carol"
    way = there(carol, anew, change=without("prompt", "max_age"))
    text = carol.cookies[COOKIE].strip('"')
    answer = carol.get(way, headers={"Cookie": f"{COOKIE}={text.replace('.anew.', '..')}; approval={kept}"})
    assert answer.status_code == 303
    assert approved.execute("SELECT bool_or(authenticated_until > now()) FROM approval.web_session") == [(False,)]
    assert carol.post(f"/requests/{number}/decision", {**carol.hidden("/inbox"), **form}).status_code == 403
    assert approved.execute("SELECT count(*) FROM approval.decision WHERE stage_no = 2") == [(0,)]
    # Who does sign in anew decides, by a session with another token, and on the page.
    before = carol.cookies["approval"]
    answer = sign_in(carol, corp, "u-carol", anew)
    assert answer.headers["Location"] == f"/requests/{number}"
    assert (corp.asked[-1]["prompt"], corp.asked[-1]["max_age"]) == ("login", "900")
    assert carol.cookies["approval"] != before
    assert carol.get("/inbox", headers={"Cookie": f"approval={before}"}).status_code in (200, 303)
    assert sessions(approved) == 1
    assert carol.decide(number, "approve").status_code == 303
    assert approved.execute("SELECT assurance FROM approval.decision WHERE stage_no = 2") == [("authenticated",)]


def test_to_delegate_and_to_make_a_token_one_signs_in_anew_and_what_was_typed_is_kept(open_corp, come, corp, approved):
    carol = come(open_corp())
    typed = {"to": "bob", "from": "", "until": "2026-12-24T18:00"}
    token = {"title": "the robot & co", "scope": ["read", "decide"], "days": "7"}
    for page, form, given, action in (
        ("/delegations", "/delegations", typed, "delegate"),
        ("/sessions", "/sessions/tokens", token, "make one"),
    ):
        corp.since = time.time() - 3600
        assert sign_in(carol, corp, "u-carol").status_code == 303
        answer = carol.post(form, {**carol.hidden(page), **given})
        assert answer.status_code in (403, 422)
        assert "You signed in too long ago for it." in answer.plain
        (anew,) = re.findall(rf'href="([^"]+)">Sign in anew to {action}', answer.text)
        anew = anew.replace("&amp;", "&")
        # Nobody gets past it by leaving out that they are asked.
        assert sign_in(carol, corp, "u-carol", anew, change=without("prompt", "max_age")).status_code == 403
        assert carol.post(form, {**carol.hidden(page), **given}).status_code in (403, 422)
        assert approved.execute("SELECT count(*) FROM approval.delegation, approval.api_token") == [(0,)]
        # Nothing is done by coming back, but to fill in the form.
        address = sign_in(carol, corp, "u-carol", anew).headers["Location"]
        assert address.startswith(f"{page}?")
        shown = carol.get(address)
        for text in ("bob", "2026-12-24T18:00") if page == "/delegations" else ("the robot &amp; co",):
            assert f'value="{text}"' in shown.text
        assert ('value="decide" checked' in shown.text) == (page == "/sessions")
        assert carol.post(form, {**carol.hidden(page), **given}).status_code in (200, 303)
    assert approved.execute("SELECT ends_at FROM approval.delegation") == [
        (datetime.datetime(2026, 12, 24, 18, tzinfo=datetime.timezone.utc),)
    ]
    assert approved.execute("SELECT scopes FROM approval.api_token") == [(["decide", "read"],)]
    # An address of elsewhere does not.
    for leads_to in ("/sessions?title=<x>", "/sessions?a=/../b", "/sessions#x", "//evil.example.com/sessions?a=b"):
        answer = sign_in(carol, corp, "u-carol", f"{BEGIN}?anew=yes&next={urllib.parse.quote(leads_to)}")
        assert answer.headers["Location"] == "/inbox"


def test_where_the_policy_counts_the_pages_less_no_sign_in_is_offered_for_nothing(
    open_corp, come, corp, approved, client
):
    service = open_corp()
    approved.execute("SELECT approval.put_speaker('portal', 'corp', 'asserted')")
    number = client("alice").request("package", ["web1"], {"hello": "2.12-1"}, "CHG-7")["request"]
    client("bob").approve(number)
    carol = come(service)
    assert sign_in(carol, corp, "u-carol").status_code == 303
    page = carol.get(f"/requests/{number}")
    assert "Decide with your own login: salt-approval approve." in page.plain
    assert "sign in anew" not in page.plain.lower()


def test_a_provider_that_does_not_answer_as_it_should(open_corp, come, corp, approved, tmp_path):
    service = open_corp()
    visitor = come(service)
    corp.metadata = {"issuer": "https://another.example.com"}
    answer = visitor.get(BEGIN)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "the company cannot be asked who you are now." in answer.plain
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        corp.metadata = {name: "http://login.example.com/"}
        assert visitor.get(BEGIN).status_code == 503
    corp.forget_changes()
    assert sign_in(visitor, corp, "u-bob").status_code == 303
    (tmp_path / "client.secret").write_text("another\n")
    (tmp_path / "client.secret").chmod(0o600)
    late = come(service)
    assert sign_in(late, corp, "u-bob").status_code == 503
    assert "does not take our client_id and secret" in service.text()
    corp.__exit__()
    assert late.get(RETURN).status_code == 403
    # Who is signed in stays so, and the service ready.
    assert visitor.get("/inbox").status_code == 200
    assert service.ask("GET", "/readyz")[0] == 200
    assert sessions(approved) == 1


def test_who_signed_in_at_another_provider_of_the_name_is_signed_out(open_corp, come, corp, evil, until, approved):
    service = open_corp()
    visitor = come(service)
    assert sign_in(visitor, corp, "u-bob").status_code == 303
    assert service.stop() == 0
    service = open_corp(corp=evil.issuer)
    assert visitor.get("/inbox").status_code == 303
    assert sessions(approved) == 0


def test_what_the_page_has_in_settings_and_policy(open_corp, come, corp, approved, free_port, settings_for):
    settings, policy = (
        block.text for block in documents.blocks(PAGE) if block.language == "yaml" and "corp" in block.text
    )
    (name,) = re.findall(r'"corp:([^"]+)"', policy)
    approved.execute("CREATE ROLE salt_portal LOGIN IN ROLE approval_portal")
    try:
        with db.connect(config.Connection(approved.dsn("policy_admin", direct=True))) as conn:
            loader.load(conn, loader.parse(policy))
    finally:
        approved.execute("DROP ROLE salt_portal")
    ours = yaml.safe_load(settings)["approval"]
    provider = ours["portal"]["oidc"]["corp"]
    assert set(provider) - {"title"} == set(settings_for(""))
    assert f"{ours['web']['public_url']}{RETURN}" in PAGE.read_text()
    visitor = come(open_corp())
    assert sign_in(visitor, corp, name).status_code == 303
    assert "bob Sign out" in visitor.get("/inbox").plain
