"""The page on what would be, by a browser that runs no script: who would approve, and what a definition changes."""

import html
import json
import re

import pytest


@pytest.fixture
def definition(people):
    """The present definition of the type package."""
    return people.execute("SELECT approval.show_type('package') -> 'definition'")[0][0]


def test_nobody_sees_it_without_a_session(visit, people):
    stranger = visit()
    answer = stranger.get("/what-if?type=package")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login?next=/what-if")
    answer = stranger.post("/what-if/replay", {"mark": "x", "definition": "types: {}"})
    assert (answer.status_code, "bob" in answer.text) == (401, False)
    assert stranger.get("/what-if/replay").status_code == 405


def test_who_would_have_to_approve(visit, people):
    bob = visit("bob")
    page = bob.get("/what-if")
    assert "asked for by" not in page.plain
    page = bob.get("/what-if?type=package&requester=alice").plain
    assert "package, asked for by alice" in page
    assert "1 of reviewers: bob" in page
    page = bob.get("/what-if?type=package&minions=500").plain
    assert "package, asked for by bob" in page
    assert "(not bob, who asks)" in page
    for query, field, sentence in (
        ("type=package&minions=0", "minions", "is not a positive number."),
        ("type=package&minions=many", "minions", "is not a positive number."),
        ("type=package&minions=99999999999999999999", "minions", "is not a positive number."),
        ("type=package&requester=nobody", "requester", "There is no principal 'nobody'."),
        ("type=nothing", "type", "There is no request type 'nothing'. Types are: "),
        ("type=package&requester=a%00", "requester", "must not contain a NUL character."),
        ("type=a%00", "type", "must not contain a NUL character."),
    ):  # fmt: skip
        page = bob.get(f"/what-if?{query}")
        assert (page.status_code, sentence in page.plain) == (422, True), (query, page.plain)
        assert f'aria-describedby="{field}-hint {field}-wrong" aria-invalid="true"' in page.text, query


def test_what_a_definition_would_change(visit, people, approve, definition):
    approve(["web1"], {"hello": "1"})
    approve(["web1", "web2"], {"sl": "5"})
    bob = visit("bob")
    shown = re.search(
        r'<textarea id="definition"[^>]*>(.*?)</textarea>', bob.get("/what-if?type=package").text, re.DOTALL
    )[1]
    before = people.execute("SELECT count(*), max(type_version) FROM approval.request_type, approval.audit_entry")

    def replay(text, **fields):
        return bob.post("/what-if/replay", {**bob.hidden("/what-if"), "definition": text, **fields})

    # The page offers the definition that there is.
    page = replay(html.unescape(shown))
    assert "Type package as it is Of the last 2 requests that were decided, 0 would have stopped" in page.plain
    stage = {"name": "many", "more_than_minions": 1, "any_of": [{"group": "reviewers", "quorum": 2}]}
    changed = {name: value for name, value in definition.items() if name != "name"}
    changed["chain"] = [*changed["chain"], stage]
    page = replay(json.dumps({"types": {"package": changed}}))
    assert "1 would have stopped" in page.plain
    assert "request 2 approved stopped: stage 3 (many) request 1 approved passed" in page.plain
    assert "many" in re.search(r"<ul>(.*?)</ul>", page.text, re.DOTALL)[1]
    page = replay(json.dumps({"types": {"other": changed}})).plain
    assert "Type other new No request of this type was ever decided." in page
    assert (
        people.execute("SELECT count(*), max(type_version) FROM approval.request_type, approval.audit_entry") == before
    )


def test_a_definition_that_is_none(visit, people, definition):
    bob = visit("bob")
    chain = {"name": "a", "any_of": [{"group": "nobody-knows"}]}
    whole = {"kind": "package", "requesters": ["*"], "chain": [chain]}
    for text, sentence in (
        ("types: [", "not YAML"), ("", "there is no type in it"), ("types: {}", "there is no type in it"),
        ("[" * 20_000, "nested too deep"), ("x" * 40_000, "more than 32,768 characters"),
        ("- " * 10_000 + "x", "nested too deep"), ("types: &a {a: *a}", "once its aliases are replaced"),
        ("\n".join(["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]), "its aliases"),
        (json.dumps({"types": {"a": whole}}), "there is no group nobody-knows"),
        (json.dumps({"types": {"a": {"kind": "package"}}}), "requesters and chain is missing"),
        (json.dumps({"types": {"a": {**whole, "pre_approved": "perhaps"}}}), "invalid input syntax"),
        ('types: {"a": {"title": "x\\0"}}', "must not contain a NUL character"),
        ('types: {"a": {"title": "\\ud800"}}', "is not valid UTF-8"), ("types: {a: {kind: ['x']}}", "request type a"),
    ):  # fmt: skip
        page = bob.post("/what-if/replay", {**bob.hidden("/what-if"), "definition": text})
        assert (page.status_code, sentence.lower() in page.plain.lower()) == (422, True), (text[:80], page.plain)
        assert html.escape(text, quote=False)[:200] in page.text.replace("&#34;", '"').replace("&#39;", "'")
        assert 'aria-describedby="definition-hint definition-wrong" aria-invalid="true"' in page.text
    assert bob.post("/what-if/replay", {"mark": "x", "definition": "types: {}"}).status_code == 403
    assert bob.post("/what-if/replay", {**bob.hidden("/what-if"), "definition": "x" * 200_000}).status_code == 413
