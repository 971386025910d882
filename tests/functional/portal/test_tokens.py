"""Tokens of the API on the page of sessions: who makes them, who sees them, and when they end."""

import re

import pytest

from saltext.approval.intake import api_token

SHOWN = re.compile(r"sap_\w+")


def make(visitor, **fields):
    """The answer to the form that makes a token."""
    given = {"title": "the deploy robot", "scope": ["read", "request"], "days": "30"}
    return visitor.post("/sessions/tokens", {**visitor.hidden("/sessions"), **given, **fields})


def test_to_make_one_and_end_it(visit, people):
    alice, bob = visit("alice"), visit("bob")
    assert "You have none." in alice.get("/sessions").plain
    page = make(alice)
    assert page.status_code == 200
    (token,) = SHOWN.findall(page.plain)
    assert api_token.is_whole(token)
    shown = alice.get("/sessions")
    assert "the deploy robot read, request" in shown.plain
    assert token not in shown.text
    assert "the deploy robot" not in bob.get("/sessions").plain
    ((number,),) = people.execute("SELECT token_no FROM approval.api_token")
    bob.post("/sessions/tokens/end", {**bob.hidden("/sessions"), "token": str(number)})
    bob.post("/sessions/tokens/end", {**bob.hidden("/sessions"), "token": "others"})
    assert "the deploy robot" in alice.get("/sessions").plain
    make(alice, title="another")
    answer = alice.post("/sessions/tokens/end", {**alice.hidden("/sessions"), "token": str(number)})
    assert answer.headers["Location"] == "/sessions?ended=yes"
    assert people.execute("SELECT title FROM approval.api_token") == [("another",)]
    alice.post("/sessions/tokens/end", {**alice.hidden("/sessions"), "token": "others"})
    assert people.execute("SELECT title FROM approval.api_token") == []
    acts = people.execute("SELECT act, principal FROM approval.audit_entry WHERE act ~ '^token-' ORDER BY seq")
    assert acts == [("token-made", "alice")] * 2 + [("token-ended", "alice")] * 2


def test_what_is_wrong_with_one_is_said(visit, people):
    alice = visit("alice")
    page = make(alice, scope=[])
    assert page.status_code == 422
    assert "for some of read, request, decide" in page.plain
    assert 'value="the deploy robot"' in page.text
    assert make(alice, title=" ").status_code == 422
    for wrong in ({"days": "91"}, {"days": ""}, {"scope": "admin"}, {"title": "a\0b"}):
        assert make(alice, **wrong).status_code == 400
    assert make(alice, mark="other").status_code == 403
    assert alice.post("/sessions/tokens/end", {**alice.hidden("/sessions"), "token": "x"}).status_code == 400
    assert people.execute("SELECT count(*) FROM approval.api_token") == [(0,)]


@pytest.mark.parametrize(
    "unsure",
    [
        "UPDATE approval.web_session SET authenticated_until = now()",
        "SELECT approval.put_speaker('portal', 'web', 'asserted')",
    ],
)
def test_a_session_that_is_not_sure_makes_none(visit, people, unsure):
    alice = visit("alice")
    people.execute(unsure)
    assert "What it is for" not in alice.get("/sessions").plain
    page = make(alice)
    assert page.status_code == 422
    assert "Nobody can make one here" in page.plain
    assert people.execute("SELECT count(*) FROM approval.api_token") == [(0,)]
