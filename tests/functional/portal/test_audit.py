"""The pages on the audit, by a browser that runs no script: to find an act, to verify all, and to take it away."""

import re

import pytest

from saltext.approval.trust import audit

HASH = re.compile(r"[0-9a-f]{64}")


@pytest.fixture
def acts(people, approve):
    """Acts on a request, which are sealed."""
    number = approve(["web1"], {"hello": "2.12-1"})
    people.execute("SELECT approval.seal_audit()", login="engine")
    return number


def test_nobody_sees_it_without_a_session(visit, acts):
    stranger = visit()
    for page in ("/audit", "/audit/1/1"):
        answer = stranger.get(page)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/login?next={page}")
        assert "alice" not in answer.text
    for page in ("/audit/verify", "/audit/export"):
        answer = stranger.post(page, {"mark": "x"})
        assert (answer.status_code, "alice" in answer.text) == (401, False)
        assert stranger.get(page).status_code == 405


def test_acts_and_their_filters(visit, acts):
    bob = visit("bob")
    page = bob.get("/audit")
    assert page.plain.index("approved request 1 entry 4") < page.plain.index("submitted a test request 1 entry 1")
    assert "bob (pg:bob) authenticated" in page.plain
    for query, found in (
        ({"request": "1"}, ["approved", "approve", "approve", "submitted"]),
        ({"request": "1", "who": "bob"}, ["approve"]),
        ({"who": "pg:carol", "act": "approve"}, ["approve"]), ({"request": "1", "until": "2001-01-01"}, []),
        ({"request": "7"}, []), ({"who": "' OR true --"}, []),
    ):  # fmt: skip
        page = bob.get("/audit", params=query)
        shown = re.findall(r'<a href="/audit/\d+/\d+">([^<]*)</a>', page.text)
        assert (page.status_code, shown) == (200, found), query
        assert ("No act is like that." in page.plain) == (not found)
    assert "request-type-put the policy" in bob.get("/audit?request=policy").plain
    for query, sentence in (
        ({"request": "x"}, "is not the number of a request"), ({"from": "soon"}, "or 14:00 of today"),
    ):  # fmt: skip
        page = bob.get("/audit", params=query)
        assert (page.status_code, sentence in page.plain) == (422, True), query
    for bad in ("who=a%00", "before_at=2026-01-01", "before_at=x&before_stream=1&before_seq=1",
                "before_at=2026-01-01&before_stream=1&before_seq=9223372036854775808"):  # fmt: skip
        assert bob.get(f"/audit?{bad}").status_code == 400, bad


def test_pages_of_acts_and_one_of_them(visit, people, acts):
    for number in range(60):
        people.execute("SELECT approval.put_group(%s, '')", (f"group-{number}",))
    bob = visit("bob")
    page = bob.get("/audit?act=group-put")
    (onward,) = re.findall(r'href="(/audit\?[^"]*before_at[^"]*)"', page.text)
    rest = bob.get(onward.replace("&amp;", "&"))
    shown = [re.findall(r'"/audit/0/(\d+)"', one.text) for one in (page, rest)]
    assert len(shown[0]) == 50
    assert len({*shown[0], *shown[1]}) == len(shown[0] + shown[1]) >= 60
    entry = bob.get("/audit/1/2")
    assert "approve entry 2 of 4 of request 1" in entry.plain
    assert "bob, as pg:bob" in entry.plain
    assert "A seal covers it." in entry.plain
    assert "does not give its hash" not in entry.plain
    assert 'href="/audit/1/3"' in entry.text
    assert "No seal covers it yet." in bob.get(f"/audit/0/{shown[0][0]}").plain
    for nothing in ("/audit/1/99", "/audit/99/1", "/audit/1/99999999999999999999"):
        assert bob.get(nothing).status_code == 404
    assert "the audit has no entry 99 of request 1" in bob.get("/audit/1/99").plain


def test_to_verify_it_and_compare_a_head(visit, people, acts):
    bob = visit("bob")

    def verify(head="", **fields):
        return bob.post("/audit/verify", {**bob.hidden("/audit"), "head": head, **fields})

    page = verify()
    assert (page.status_code, "It is whole up to seal 1, of " in page.plain) == (200, True)
    (head,) = people.execute("SELECT hash FROM approval.audit_head()")[0]
    assert f"Its head, which all of it leads to: {head}" in page.plain
    people.execute("SELECT approval.put_group('more', '')")
    page = verify(f" {head.upper()} ")
    assert "The last acts of 1 stream are not sealed yet, and fit as well." in page.plain
    assert "The head that you kept is that of seal 1: up to there nothing was rewritten" in page.plain
    assert "No seal has the head that you kept" in verify("0" * 64).plain
    page = verify("x")
    assert (page.status_code, 'aria-invalid="true"' in page.text, 'value="x"' in page.text) == (422, True, True)
    assert verify(mark="x").status_code == 403
    with people.connect() as conn, conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('approval.verify_audit_by_session', 0))")
        page = verify()
        assert (page.status_code, "Somebody else verifies it at this moment." in page.plain) == (503, True)
    with people.connect() as conn, conn.transaction():
        conn.execute("LOCK approval.audit_seal")
        page = verify()
    assert (page.status_code, "It was ended early, after 6 seconds" in page.plain) == (503, True)
    with people.connect() as conn, conn.transaction():
        conn.execute("SET LOCAL session_replication_role = replica")
        conn.execute("UPDATE approval.audit_entry SET detail = '{}' WHERE stream = 1 AND seq = 2")
    page = verify(head)
    assert "It is broken: 1 thing does not fit. request 1, entry 2 : the entry was altered" in page.plain
    assert "It is whole" not in page.plain
    assert "nothing was rewritten" not in page.plain
    assert "Its content does not give its hash" in bob.get("/audit/1/2").plain


def test_to_take_it_as_a_file(visit, people, acts):
    bob = visit("bob")
    form = bob.hidden("/audit")
    answer = bob.post("/audit/export", form)
    assert answer.status_code == 200
    assert re.fullmatch(r'attachment; filename="audit-\d{8}T\d{4}Z\.jsonl"', answer.headers["Content-Disposition"])
    assert answer.headers["Cache-Control"] == "no-store"
    lines = answer.content.splitlines()
    assert lines == [line.encode() for (line,) in people.execute("SELECT * FROM approval.export_audit()", login="bob")]
    (head,) = people.execute("SELECT hash FROM approval.audit_head()")[0]
    report = audit.verify(lines, head)
    assert (report.intact, report.end_checked) == (True, True)
    assert bob.post("/audit/export", {"mark": "x"}).status_code == 403
    # A file that cannot be read to its end is no whole one.
    with people.connect() as conn, conn.transaction():
        conn.execute("LOCK approval.audit_seal")
        with pytest.raises((OSError, AssertionError)):
            assert bob.post("/audit/export", form).status_code == 200
