"""The pages for people, by a browser that runs no script: who gets in, what they see, and what is refused to them."""

import datetime
import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import requests

from saltext.approval.cli import main
from saltext.approval.portal import passwords

PAGES = ("/inbox", "/sessions", "/requests/1", "/requests/9")
SENTENCE = "The name and the password do not belong together."


@pytest.fixture
def ask(client):
    """A function by which alice asks for a package on web1 and web2; gives the request's number."""

    def submit(version="2.12-1", **options):
        return client("alice").request("package", ["web1", "web2"], {"hello": version}, "CHG-7", **options)["request"]

    return submit


def decisions(database):
    """Rows of who decided what at which stage, how sure that is, and the comment."""
    return database.execute(
        "SELECT provider || ':' || subject, decision, stage_no, assurance, comment FROM approval.decision "
        "ORDER BY decided_at"
    )


def test_nobody_sees_anything_without_a_session(visit, ask):
    ask()
    stranger = visit()
    for page in PAGES:
        answer = stranger.get(page)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/login?next={page}")
        assert "CHG-7" not in answer.text
    for cookie in ("x", "A" * 43, "é", "=" * 43):
        assert stranger.get("/inbox", headers={"Cookie": f"approval={cookie}".encode()}).status_code == 303
    for path in ("/requests/1/decision", "/requests/1/review", "/sessions/end", "/logout"):
        answer = stranger.post(path, {"decision": "approve", "digest": f"sha256:{'0' * 64}", "stage": "1", "mark": "x"})
        assert answer.status_code == 401
        assert "Nothing was done; sign in and do it again." in answer.plain
        assert stranger.get(path).status_code == 405


def test_to_sign_in_and_out(visit, people):
    visitor = visit()
    assert visitor.get("/").headers["Location"] == "/inbox"
    answer = visitor.sign_in("bob", next="/requests/7")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/requests/7")
    (cookie,) = [line for line in answer.raw.headers.getlist("Set-Cookie") if line.startswith("approval=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    page = visitor.get("/inbox")
    assert page.status_code == 200
    assert "bob Sign out" in page.plain
    assert "Nothing waits for you." in page.plain
    kept = visitor.cookies["approval"]
    answer = visitor.post("/logout", visitor.hidden("/inbox"))
    assert answer.headers["Location"] == "/login?ended=yes"
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert "approval" not in visitor.cookies
    # The token itself is worth nothing any more.
    assert visitor.get("/inbox", headers={"Cookie": f"approval={kept}"}).status_code == 303
    assert people.execute("SELECT count(*) FROM approval.web_session") == [(0,)]
    assert "the password of" not in visit.service.text()
    assert visit.service.said("somebody signs in")[0]["identity"] == "web:bob"


def test_cookies_are_for_https_alone_where_that_is_the_way(open_portal):
    service = open_portal({"public_url": "https://approval.example.com"})
    cookie = service.ask("GET", "/login")[1]["Set-Cookie"]
    assert cookie.startswith("__Host-approval-form=")
    assert all(part in cookie for part in ("; Secure", "; HttpOnly", "; Path=/", "; SameSite=Lax"))
    assert "Domain" not in cookie


def test_who_does_not_get_in(visit, people):
    visitor = visit()
    for name, password in (
        ("bob", "the password of alice"), ("nobody", "the password of nobody"), ("", "x"), ("bob", "x" * 2000),
        ("b\0b", "x"), ("BOB", "the password of bob"),
    ):  # fmt: skip
        answer = visitor.sign_in(name, password)
        assert (answer.status_code, SENTENCE in answer.plain) == (401, True), name
    answer = visitor.sign_in("eve")
    assert (answer.status_code, "the policy knows nobody here as web:eve" in answer.plain) == (403, True)
    assert "approval" not in visitor.cookies
    people.execute("UPDATE approval.speaks_for SET provider = 'other' WHERE login = 'portal'")
    answer = visitor.sign_in("carol")
    assert (answer.status_code, "the policy does not let this service act for people of web" in answer.plain) == (
        403,
        True,
    )
    assert people.execute("SELECT count(*) FROM approval.web_session") == [(0,)]


def test_too_many_attempts(visit):
    visitor = visit()
    assert [visitor.sign_in("bob", "wrong").status_code for _ in range(6)] == [401] * 5 + [429]
    answer = visitor.sign_in("bob")
    assert (answer.status_code, "Try again in 15 minutes." in answer.plain) == (429, True)
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert visitor.sign_in("carol").status_code == 303


@pytest.mark.parametrize(
    "address",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/inbox/../x", "inbox", "/requests/7?x=y",
     "/requests/0", "/requests/7\n", "javascript:alert(1)", "/logout", ""],
)  # fmt: skip
def test_nobody_is_led_away(visit, address):
    visitor = visit()
    assert 'name="next" value="/inbox"' in visitor.get("/login", params={"next": address}).text
    assert visitor.sign_in("bob", next=address).headers["Location"] == "/inbox"


def test_a_token_that_was_there_before_is_no_session(visit):
    visitor = visit()
    fixed = "A" * 43
    visitor.cookies.set("approval", fixed, domain="localhost.local", path="/")
    assert visitor.sign_in("bob").status_code == 303
    first = visitor.cookies["approval"]
    assert first != fixed
    assert visitor.sign_in("bob").status_code == 303
    assert visitor.cookies["approval"] != first
    assert visitor.get("/inbox", headers={"Cookie": f"approval={first}"}).status_code == 303


def test_forms_of_others_do_nothing(visit, ask, people):
    number = ask()
    bob, carol = visit("bob"), visit("carol")
    foreign = carol.hidden("/inbox")["mark"]
    for changed in ({"mark": foreign}, {"mark": ""}, {"mark": "é"}):
        answer = bob.decide(number, "approve", **changed)
        assert (answer.status_code, "This form was not made for you" in answer.plain) == (403, True)
    right = {**bob.hidden(f"/requests/{number}"), "decision": "approve"}
    for site in ("cross-site", "same-site"):
        assert bob.post(f"/requests/{number}/decision", right, headers={"Sec-Fetch-Site": site}).status_code == 403
    assert bob.post("/logout", {"mark": foreign}).status_code == 403
    assert bob.post("/login/password", {"name": "eve", "password": "x", "mark": "x"}).status_code == 403
    assert decisions(people) == []
    # The form on which one signs in is bound to the browser.
    other = visit()
    answer = other.post("/login/password", {"name": "bob", "password": "the password of bob", "mark": foreign})
    assert (answer.status_code, "keeps no cookies" in answer.plain) == (403, True)


def test_the_way_of_a_request(visit, ask, people):
    number = ask()
    bob, carol = visit("bob"), visit("carol")
    inbox = bob.get("/inbox")
    assert "1 request waits for you" in inbox.plain
    assert "Why you: you are one of reviewers" in inbox.plain
    assert "(1) Inbox" in inbox.text
    assert "Nothing waits for you." in carol.get("/inbox").plain
    page = bob.get(f"/requests/{number}")
    digest = people.execute("SELECT digest FROM approval.item_set")[0][0]
    assert f"Digest of all of it: {digest}" in page.plain
    assert f"salt-approval approve {number} --digest {digest} salt-run approval.approve {number}" in page.plain
    assert "salt-approval approve" not in carol.get(f"/requests/{number}").plain
    assert "web1 , web2 package hello 2.12-1" in page.plain
    assert 'aria-label="Chain: review now, release to come"' in page.text
    form = {**bob.hidden(f"/requests/{number}"), "decision": "approve", "comment": "seen\r\nand good"}
    assert form["digest"] == digest
    answer = bob.post(f"/requests/{number}/decision", form)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/requests/{number}?done=approve")
    page = bob.get(answer.headers["Location"])
    assert "Your approval is recorded. The request is still pending now." in page.plain
    assert "bob has decided on request 1 already; one person counts once." in page.plain
    assert "seen<br>and good" in page.text
    # Sent twice, it counts once.
    assert bob.post(f"/requests/{number}/decision", form).status_code == 303
    assert carol.decide(number, "approve").status_code == 303
    assert decisions(people) == [
        ("web:bob", "approve", 1, "authenticated", "seen\nand good"),
        ("web:carol", "approve", 2, "authenticated", ""),
    ]
    page = carol.get(f"/requests/{number}")
    assert "Request 1 approved" in page.plain
    assert 'aria-label="Chain: review passed, release passed"' in page.text
    assert "waiting" in page.plain
    assert bob.post(f"/requests/{number}/decision", form).status_code == 303
    # Other words would be another decision.
    answer = bob.post(f"/requests/{number}/decision", {**form, "decision": "reject"})
    assert (answer.status_code, "there is nothing left to decide" in answer.plain) == (409, True)


def test_a_rejection_says_why(visit, ask, people):
    number = ask()
    bob = visit("bob")
    answer = bob.decide(number, "reject", "  \n ")
    assert answer.status_code == 422
    assert 'aria-describedby="comment-hint comment-wrong" aria-invalid="true"' in answer.text
    assert decisions(people) == []
    assert bob.decide(number, "reject", "wrong version").status_code == 303
    assert "Request 1 rejected" in bob.get(f"/requests/{number}").plain
    assert 'aria-label="Chain: review refused, release to come"' in bob.get(f"/requests/{number}").text


def test_what_changed_under_ones_eyes_is_not_decided(visit, ask, client, people):
    number = ask()
    bob = visit("bob")
    seen = bob.hidden(f"/requests/{number}")
    client("alice").amend(number, ["web1"], {"hello": "2.13-1"})
    answer = bob.post(f"/requests/{number}/decision", {**seen, "decision": "approve", "comment": "fine <b>"})
    assert answer.status_code == 409
    assert f"Request {number} is not what you looked at any more" in answer.plain
    assert seen["digest"] in answer.plain
    assert "fine &lt;b&gt;" in answer.text
    assert decisions(people) == []
    assert bob.decide(number, "approve", stage="2").status_code == 409
    assert bob.decide(number, "approve").status_code == 303


def test_who_may_not_decide_is_told_why_and_cannot(visit, ask, people):
    number = ask()
    alice, carol = visit("alice"), visit("carol")
    assert (
        "alice asked for request 1 and may not decide on it. To take it back, cancel it."
        in alice.get(f"/requests/{number}").plain
    )
    assert "carol is not an approver of stage 1 (review)" in carol.get(f"/requests/{number}").plain
    shown = people.execute("SELECT digest FROM approval.item_set")[0][0]
    for visitor, sentence in ((alice, "may not decide on it"), (carol, "is not an approver of stage 1")):
        assert "digest" not in visitor.hidden(f"/requests/{number}")
        answer = visitor.decide(number, "approve", digest=shown, stage="1")
        assert (answer.status_code, sentence in answer.plain) == (403, True)
        assert "Nothing was changed." in answer.plain
    assert decisions(people) == []


def test_what_holds_a_change_is_said_with_its_end(visit, ask, client, people):
    number = ask()
    people.execute(
        "SELECT approval.put_freeze('year-end', now() - interval '1h', now() + interval '49h', NULL, NULL, 'x')"
    )
    client("bob").approve(number)
    client("carol").approve(number)
    page = visit("bob").get(f"/requests/{number}")
    held = re.search(r"Held until (.*?) by freeze year-end\. That is (.*?) \(in 2 days\)", page.plain)
    assert held, page.plain
    assert "Your decision" not in page.plain
    assert 'role="img" aria-label="2 waiting"' in page.text


def test_a_plan_is_shown_with_what_fails_first(visit, ask, people):
    number = ask()
    ((digest,),) = people.execute("SELECT digest FROM approval.item_set")
    changes = {"hello": {"old": "2.10-3", "new": "2.12-1"}, "libhello0": {"old": "", "new": "2.12-1"}}
    answers = [
        {"minion": "web1", "outcome": "changes", "changes": changes, "comment": ""},
        {"minion": "web2", "outcome": "impossible", "changes": {}, "comment": "password=hunter2 was not found"},
    ]
    arguments = (number, digest, json.dumps(answers))
    people.execute("SELECT approval.put_plan('salt', 'alice', %s, %s, %s)", arguments, login="operator")
    page = visit("bob").get(f"/requests/{number}").plain
    assert "1 impossible 1 changes" in page
    assert "web2 , impossible: password=" in page
    assert "hunter2" not in page
    assert "hello 2.10-3 → 2.12-1 1" in page
    assert "libhello0 brought along absent → 2.12-1 1" in page


def test_numbers_and_forms_that_are_none(visit, ask):
    number = ask()
    bob = visit("bob")
    for path in (
        "/requests/9",
        "/requests/0",
        f"/requests/{2**63}",
        "/requests/x",
        "/requests?number=x",
        "/requests?number=",
    ):
        assert bob.get(path).status_code == 404, path
    assert "there is no request 9" in bob.get("/requests/9").plain.lower()
    assert bob.get("/requests?number= 7 ").headers["Location"] == "/requests/7"
    for changed in (
        {"decision": "maybe"}, {"digest": ""}, {"digest": "x"}, {"stage": "x"}, {"stage": "-1"},
        {"comment": "x" * 5000}, {"comment": "a\0b"},
    ):  # fmt: skip
        assert bob.decide(number, **{"decision": "approve", **changed}).status_code == 400, changed
    assert bob.decide(number, "approve", stage="9" * 30).status_code == 409
    mark = bob.hidden("/inbox")["mark"]
    assert bob.post("/sessions/end", {"mark": mark, "session": "x"}).status_code == 400
    ended, plain = {"Connection": "close"}, {"Content-Type": "text/plain"}
    path, large = f"/requests/{number}/decision", {"comment": "x" * 70_000, "mark": mark}
    assert bob.post(path, large, headers=ended).status_code == 413
    assert bob.post(path, f"mark={mark}", headers={**ended, **plain}).status_code == 415
    assert bob.post(path, iter([b"mark=x"]), headers=ended).status_code == 411


def test_reviews(visit, client, people):
    number = client("alice").request("emergency", ["web1"], {"hello": "2"}, "at once")["request"]
    client("carol").approve(number)
    bob = visit("bob")
    assert "review Why you: you are one of reviewers" in bob.get("/inbox").plain
    form = {**bob.hidden(f"/requests/{number}"), "comment": "well done"}
    for _ in range(2):
        answer = bob.post(f"/requests/{number}/review", form)
        assert answer.headers["Location"] == f"/requests/{number}?done=review"
    assert "Your review is recorded." in bob.get(answer.headers["Location"]).plain
    assert people.execute("SELECT count(*) FROM approval.audit_entry WHERE act = 'reviewed'") == [(1,)]
    assert visit("carol").post(f"/requests/{number}/review", visit("carol").hidden("/inbox")).status_code == 403


def test_sessions_end(visit, people, passwords_file):
    first, second, third = visit("bob"), visit("bob"), visit("bob")
    assert first.get("/sessions").plain.count("127.0.0.1") == 3
    (own,) = people.execute("SELECT min(session_no) FROM approval.web_session")[0]
    carol = visit("carol")
    assert carol.post("/sessions/end", {**carol.hidden("/sessions"), "session": str(own)}).status_code == 303
    assert first.get("/inbox").status_code == 200
    assert second.post("/sessions/end", {**second.hidden("/sessions"), "session": str(own)}).status_code == 303
    assert [visitor.get("/inbox").status_code for visitor in (first, second, third)] == [303, 200, 200]
    second.post("/sessions/end", {**second.hidden("/sessions"), "session": "others"})
    assert [visitor.get("/inbox").status_code for visitor in (second, third)] == [200, 303]
    # Another password ends what was begun with the one before.
    lines = [line for line in passwords_file.read_text().splitlines() if not line.startswith("bob:")]
    passwords_file.write_text("\n".join([*lines, passwords.line("bob", "another password of bob")]))
    assert (second.get("/inbox").status_code, carol.get("/inbox").status_code) == (303, 200)
    people.execute("SELECT approval.disable_principal('carol')")
    assert carol.get("/inbox").status_code == 303
    assert carol.sign_in("carol").status_code == 403


def test_the_database_is_away(visit, ask, people, until):
    number = ask()
    bob = visit("bob")
    form = {**bob.hidden(f"/requests/{number}"), "decision": "approve"}
    people.execute("ALTER ROLE portal NOLOGIN")
    try:
        people.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'portal'")
        answer = bob.get("/inbox", headers={"Accept": "text/html"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "The service cannot do this now." in answer.plain
        answer = bob.post(f"/requests/{number}/decision", form)
        assert answer.status_code == 503
        assert "It is not known whether this was recorded" in answer.plain
        assert visit.service.ask("GET", "/readyz")[0] == 503
    finally:
        people.execute("ALTER ROLE portal LOGIN")
    # A PgBouncer tries a login that failed again after some seconds.
    until(lambda: bob.post(f"/requests/{number}/decision", form).status_code == 303)
    assert len(decisions(people)) == 1


def test_a_process_that_is_killed_decided_once_or_not_at_all(visit, ask, people, until):
    number = ask()
    bob = visit("bob")
    form = {**bob.hidden(f"/requests/{number}"), "decision": "approve"}
    waiting = "SELECT 1 FROM pg_stat_activity WHERE usename = 'portal' AND wait_event_type = 'Lock'"
    with people.connect() as other, ThreadPoolExecutor(1) as pool, other.transaction():
        other.execute("SELECT FROM approval.request WHERE request_id = %s FOR UPDATE", (number,))
        answer = pool.submit(bob.post, f"/requests/{number}/decision", form)
        until(lambda: people.execute(waiting))
        (worker,) = visit.service.workers()
        visit.service.kill(worker)
        with pytest.raises(requests.exceptions.ConnectionError):
            answer.result()
    # Another process takes over, and tells the truth.
    until(lambda: visit.service.workers() not in ([], [worker]))
    until(lambda: not people.execute("SELECT 1 FROM pg_stat_activity WHERE usename = 'portal' AND state = 'active'"))
    is_kept = bool(decisions(people))
    assert ("bob has decided" in bob.get(f"/requests/{number}").plain) == is_kept
    assert bob.post(f"/requests/{number}/decision", form).status_code == 303
    assert len(decisions(people)) == 1


def test_texts_of_others_are_text(visit, client):
    evil = '"><script>alert(1)</script>'
    number = client("alice").request(
        "value", ['say "hi"', "it's"], values={"motd": evil}, reason=f"{evil}\n{{{{7*7}}}}"
    )["request"]
    bob = visit("bob")
    client("carol").approve(number, comment=evil)
    for page in ("/inbox", f"/requests/{number}"):
        answer = bob.get(page)
        assert answer.status_code == 200
        assert "<script>" not in answer.text
    assert answer.text.count("&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;") >= 4
    assert "{{7*7}}" in answer.plain


def test_pages_of_items(visit, client):
    number = client("alice").request("package", ["web1", "web2"], {f"p{count:02}": "1" for count in range(40)}, "many")[
        "request"
    ]
    bob = visit("bob")
    page = bob.get(f"/requests/{number}")
    (onward,) = re.findall(r'href="([^"]*after_minion[^"]*)"', page.text)
    assert page.text.count('data-label="Minion"') == 50
    rest = bob.get(onward.replace("&amp;", "&"))
    assert rest.text.count('data-label="Minion"') == 30
    assert "First page" in rest.plain
    assert "after_minion" not in rest.text
    client("bob").approve(number)
    client("carol").approve(number)
    assert "None of them." in bob.get(f"/requests/{number}?outcomes=failed").plain
    assert bob.get(f"/requests/{number}?outcomes=waiting").text.count('data-label="Minion"') == 50
    assert bob.get(f"/requests/{number}?outcomes=odd").status_code == 200


def test_every_page_has_the_headers_that_protect_it(visit):
    bob = visit("bob")
    # Of whom the zone is known: another's pages have a script, see test_reading.py.
    bob.cookies.set("zone", "UTC", domain="localhost.local")
    for page in ("/login", "/inbox", "/sessions", "/requests/9", "/nothing"):
        headers = bob.get(page).headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        scripts = {"script-src": "'self'", "connect-src": "'self'"} if page == "/inbox" else {}
        assert policy == {
            "default-src": "'none'", "style-src": "'self'", "img-src": "'self'", "form-action": "'self'",
            "base-uri": "'none'", "frame-ancestors": "'none'", **scripts,
        }  # fmt: skip
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
    (style,) = re.findall(r'rel="stylesheet" href="([^"]+)"', bob.get("/inbox").text)
    answer = bob.get(style)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in answer.headers["Cache-Control"]
    assert style.split("/")[2] == hashlib.sha256(answer.content).hexdigest()[:16]
    assert bob.get("/static/0000000000000000/portal.css").status_code == 404
    assert bob.get(style.replace("portal.css", "../config.py")).status_code == 404


def test_it_needs_no_system_of_tickets(open_portal):
    service = open_portal(itsm=None)
    status, _, body = service.ask("GET", "/readyz")
    assert (status, body) == (200, b'{"status": "ready", "checks": {"database": "ok", "people": "ok"}}\n')
    assert service.ask("POST", "/itsm/sc21/webhook")[0] == 404


@pytest.mark.parametrize(
    ("ours", "says"),
    [
        ({"itsm": None}, "the web service has nothing to do: configure approval:portal"),
        ({"portal": {"dsn": "user=x"}}, "approval:portal: oidc has to be set, with the provider"),
        ({"portal": {"dsn": "user=x", "oidc": {}}}, "approval:portal: oidc must be a mapping of names"),
        ({"portal": {"dsn": "user=x", "passwords": "people"}}, "approval:portal: passwords must be the full path"),
        ({"portal": {"dsn": "user=x", "passwords": "/nowhere"}}, "approval:portal: passwords /nowhere cannot be read"),
        ({"portal": {"passwords": "/nowhere"}}, "approval:portal: set exactly one of dsn_file"),
        ({"portal": {"dsn": "user=x", "saml": {}}}, "approval:portal: unknown setting 'saml'"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(web_config, capsys, ours, says):
    assert main(["web", "--config", web_config(**ours)]) == 2
    assert says in capsys.readouterr().err


def test_the_login_of_the_pages_acts_for_nobody_by_itself(people, ask):
    number = ask()
    for statement in (
        f"SELECT approval.decide('web', 'bob', {number}, 'approve', '', NULL)",
        "SELECT * FROM approval.inbox('web', 'bob', NULL, 10)",
        f"SELECT approval.show_request({number})",
        "SELECT * FROM approval.web_session",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            people.execute(statement, login="portal")


def test_to_delegate_while_one_is_away(visit, ask, people, client):
    number = ask()
    bob = visit("bob")
    assert "Away? Delegate" in bob.get("/inbox").plain
    for fields, problem in (
        ({"to": "nobody", "until": "2100-01-01T00:00"}, "there is no such principal"),
        ({"to": "carol", "until": "2100-01-01T00:00"}, "within a year"),
        ({"to": "carol", "until": "soon"}, "until"),
        ({"to": "carol"}, "a delegation ends at a time to come"),
    ):
        answer = bob.post("/delegations", {**bob.hidden("/delegations"), **fields})
        assert (answer.status_code, problem in answer.plain) == (422, True), answer.plain
        assert f'value="{fields["to"]}"' in answer.text
    form = {"to": "dave", "until": f"{datetime.date.today() + datetime.timedelta(days=9)}T12:00"}
    people.execute("SELECT approval.put_principal('dave', 'person'), approval.put_identity('web', 'dave', 'dave')")
    for headers, changes in (({"Sec-Fetch-Site": "cross-site"}, {}), ({}, {"mark": "x"})):
        answer = bob.post("/delegations", {**bob.hidden("/delegations"), **form, **changes}, headers=headers)
        assert answer.status_code == 403
    assert bob.post("/delegations", {**bob.hidden("/delegations"), **form, "to": "d" * 256}).status_code == 400
    assert people.execute("SELECT count(*) FROM approval.delegation") == [(0,)]
    assert bob.post("/delegations", {**bob.hidden("/delegations"), **form}).headers["Location"].endswith("done=made")
    page = bob.get("/delegations")
    assert "bob dave" in page.plain
    ((delegation,),) = people.execute("SELECT delegation_id FROM approval.delegation")
    carol = visit("carol")
    assert "dave" not in carol.get("/delegations").plain
    ended = {**carol.hidden("/delegations"), "delegation": delegation}
    assert carol.post("/delegations/end", ended).status_code == 303
    assert "bob dave" in bob.get("/delegations").plain
    ended = {**bob.hidden("/delegations"), "delegation": delegation}
    assert bob.post("/delegations/end", {**ended, "delegation": "x"}).status_code == 400
    assert bob.post("/delegations/end", ended).status_code == 303
    assert "There is none" in bob.get("/delegations").plain
    assert bob.get(f"/requests/{number}").status_code == 200
