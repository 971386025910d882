"""The REST API: what programs can do by the token of a person, and what they are refused."""

import concurrent.futures
import json
import re

from saltext.approval.errors import Unavailable
from saltext.approval.portal import description

WANTED = {"request_type": "package", "minions": ["web1"], "packages": {"hello": "2.12-1"}, "reason": "CHG-7"}
NONE_SUCH = "sap_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG32l9jW"
# The operations take this in these tests: of a request that alice asked for, with the number 1.
IN_PATH = {"request_id": 1, "minion": "web1", "name": "package", "request_type": "package"}
QUERY = {"returns": {"minion": "web1"}, "packages": {"pattern": "he"}}
BODY = {
    "request": WANTED, "approve": {"stage": 1}, "reject": {"stage": 1}, "revert": {"reason": "CHG-8"}, "review": {},
    "cancel": {}, "values": {},
}  # fmt: skip


def pages(caller, path, **query):
    """The rows of all pages of a list, page by page."""
    found, address = [], path
    while address:
        answer = caller.get(address, **query)
        assert answer.status_code == 200, answer.text
        found.append(answer.json)
        link = re.fullmatch(r'</api/v1(.+)>; rel="next"', answer.headers.get("Link", ""))
        address, query = (link[1], {}) if link else (None, {})
    return found


def call(caller, operation, digest, headers=None):
    """The answer to a call of an operation with what stands above."""
    path = operation.path.format(**IN_PATH)
    if operation.method == "GET":
        return caller.get(path, headers, **QUERY.get(operation.name, {}))
    return caller.post(path, BODY[operation.name], {"If-Match": f'"{digest}"', **(headers or {})})


def call_about(caller, operation, number, minion):
    """The same about another request and minion, wherever the operation takes one."""
    path = operation.path.format(**{**IN_PATH, "request_id": number, "minion": minion})
    if operation.method == "GET":
        named = {"minion": minion} if "minion" in operation.parameters["query"] else {}
        return caller.get(path, **{**QUERY.get(operation.name, {}), **named})
    return caller.post(path, BODY[operation.name], {"If-Match": f'"sha256:{"0" * 64}"'})


def is_problem(answer, status, code=None):
    """Whether the answer is a problem with this status, and of this type."""
    assert answer.content_type == "application/problem+json", answer.text
    found = answer.json
    assert (found["status"], answer.status_code) == (status, status), answer.text
    kind = "about:blank" if code is None else f"/api/v1/openapi.json#/x-problems/{code}"
    assert found["type"] == kind, answer.text
    return bool(found["title"] and found["detail"])


def test_the_way_of_a_request(program, people):
    alice, bob, carol = program("alice"), program("bob"), program("carol")
    shown = alice.get("/whoami").json
    assert {name: shown[name] for name in ("name", "identity", "assurance", "scopes")} == {
        "name": "alice", "identity": "web:alice", "assurance": "asserted", "scopes": ["decide", "read", "request"],
    }  # fmt: skip
    tried = alice.post("/requests", {**WANTED, "dry_run": True})
    assert tried.status_code == 200
    assert (tried.json["request"], tried.json["would_be"]["stages"][0]["name"]) == (None, "review")
    assert people.execute("SELECT count(*) FROM approval.request") == [(0,)]
    assert is_problem(alice.post("/requests", {**WANTED, "digest": "sha256:" + "0" * 64}), 412, "AP011")
    made = alice.post("/requests", {**WANTED, "digest": tried.json["digest"]})
    assert (made.status_code, made.headers["Location"]) == (201, f"/api/v1/requests/{made.json['request']}")
    number = made.json["request"]
    assert [row["request_id"] for row in bob.get("/inbox").json] == [number]
    shown = bob.get(f"/requests/{number}").json
    assert [shown[name] for name in ("state", "requester", "stage", "assurance")] == ["pending", "alice", 1, "asserted"]
    assert shown["may"]["approve"]["yes"]
    assert "items" not in shown
    assert [item["name"] for item in bob.get(f"/requests/{number}/items").json] == ["hello"]
    answer = bob.decide("approvals", number, 1)
    assert answer.json == {"request": number, "state": "pending"}
    # The second stage asks for somebody who is authenticated, which no token is.
    refused = carol.decide("approvals", number, 2)
    assert is_problem(refused, 401, "AP009")
    assert 'error="insufficient_user_authentication"' in refused.headers["WWW-Authenticate"]
    assert is_problem(bob.decide("rejections", number, 2), 409, "AP010")
    assert alice.post(f"/requests/{number}/cancellation", {"comment": "late"}).json["state"] == "cancelled"
    assert [row["state"] for row in alice.get("/requests", mine="true").json] == ["cancelled"]
    assert carol.get("/requests", mine="true").json == []
    proof = people.execute(
        "SELECT assurance, detail::jsonb -> 'proof' ? 'token' FROM approval.audit_entry WHERE act = 'approve'"
    )
    assert proof == [("asserted", True)]


def test_reverts_and_reviews(program, client):
    alice, bob = program("alice"), program("bob")
    for version in ("1", "2"):
        number = client("bob").request("standard", ["web2"], {"hello": version}, "CHG-1")["request"]
    answer = bob.post(f"/requests/{number}/reverts", {"reason": "it breaks"})
    assert answer.status_code == 201, answer.text
    assert bob.get(answer.headers["Location"].removeprefix("/api/v1")).json["reverts"] == number
    assert is_problem(alice.post(f"/requests/{number}/reverts", {"reason": "x", "minions": ["db1"]}), 422, "AP004")
    assert is_problem(alice.post(f"/requests/{number}/reviews", {}), 409, "AP006")


def test_what_was_looked_at_is_what_is_decided(program, client):
    bob = program("bob")
    number = client("alice").request("package", ["web1"], {"hello": "1"}, "CHG-1")["request"]
    digest = bob.get(f"/requests/{number}").json["digest"]
    client("alice").amend(number, ["web1", "web2"], {"hello": "1"})
    path = f"/requests/{number}/approvals"
    assert is_problem(bob.post(path, {"stage": 1}, {"If-Match": f'"{digest}"'}), 412, "AP011")
    assert is_problem(bob.post(path, {"stage": 1}), 428)
    for wrong in ("*", digest, f'W/"{digest}"', '"x"', f'"{digest}", "{digest}"'):
        assert is_problem(bob.post(path, {"stage": 1}, {"If-Match": wrong}), 400)
    present = bob.get(f"/requests/{number}").json["digest"]
    assert is_problem(bob.post(path, {"stage": 2}, {"If-Match": f'"{present}"'}), 412, "AP011")
    assert bob.post(path, {"stage": 1}, {"If-Match": f'"{present}"'}).status_code == 200


def test_the_same_call_again_is_the_same_call(program, make_token, rest, people):
    alice = program("alice")
    key = {"Idempotency-Key": "k1"}
    first = alice.post("/requests", WANTED, key)
    again = alice.post("/requests", WANTED, key)
    assert (again.status_code, again.json, again.headers["Location"]) == (201, first.json, first.headers["Location"])
    assert is_problem(alice.post("/requests", {**WANTED, "reason": "other"}, key), 422, "AP023")
    assert is_problem(alice.post(f"/requests/{first.json['request']}/cancellation", {}, key), 422, "AP023")
    # Keys of another token are others; and what was refused did nothing, so it may be tried again.
    assert program("alice").post("/requests", WANTED, key).json != first.json
    other = {"Idempotency-Key": "k2"}
    assert is_problem(alice.post("/requests", {**WANTED, "minions": ["web9"]}, other), 422, "AP004")
    assert alice.post("/requests", WANTED, other).status_code == 201
    assert people.execute("SELECT count(*) FROM approval.request") == [(3,)]
    for missing in (None, "", "a b", "x" * 256, "\u00e9"):
        assert is_problem(alice.post("/requests", WANTED, {"Idempotency-Key": missing}), 400)
    people.execute("UPDATE approval.api_call SET answered_at = answered_at - interval '1 day'")
    assert alice.post("/requests", WANTED, key).json != first.json


def test_the_same_call_twice_at_once_is_one(program, people):
    alice = program("alice")
    token = people.execute("SELECT token_no FROM approval.api_token")[0][0]
    lock = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
    with people.connect() as conn, conn.transaction():
        conn.execute(lock, (f"api_call/{token}/k",))
        refused = alice.post("/requests", WANTED, {"Idempotency-Key": "k"})
        assert is_problem(refused, 409, "AP024")
        assert refused.headers["Retry-After"] == "1"
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: alice.post("/requests", WANTED, {"Idempotency-Key": "k"}), range(4)))
    assert {answer.status_code for answer in found} <= {201, 409}
    assert people.execute("SELECT count(*) FROM approval.request") == [(1,)]


def test_lists_come_in_pages(program, client, prove):
    alice = program("alice")
    for name in ("a", "b", "c"):
        client("alice").request("package", ["web1", "web2"], {name: "1"}, "CHG-1")
    assert [[row["request_id"] for row in page] for page in pages(alice, "/requests", limit=2)] == [[3, 2], [1]]
    assert [len(page) for page in pages(alice, "/requests", limit=3)] == [3]
    assert [[row["request_id"] for row in page] for page in pages(program("bob"), "/inbox", limit=1)] == [[1], [2], [3]]
    items = pages(alice, "/requests/1/items", limit=1)
    assert [item["minion"] for page in items for item in page] == ["web1", "web2"]
    assert pages(alice, "/requests/1/items", outcomes=["failed", "converged"]) == [[]]
    names = [row["minion_id"] for page in pages(alice, "/minions", limit=2) for row in page]
    assert names == sorted(names)
    assert len(names) > 2
    client("bob").request("standard", ["web1"], {"x": "1", "y": "1"}, "CHG-1")
    for _ in range(3):
        prove("web1", {"x": ("failed", "0"), "y": ("failed", "0")})
    assert [len(page) for page in pages(alice, "/returns", minion="web1", limit=2)] == [2, 1]
    jobs = [row["jid"] for page in pages(alice, "/jobs", limit=1) for row in page]
    assert jobs == sorted(jobs, reverse=True)
    assert len(jobs) == 3
    found = [row["name"] for page in pages(alice, "/compliance/deviations", limit=1) for row in page]
    assert found == ["x", "y"]
    assert alice.get("/compliance").json["minions"]["failed"] == 1
    of_others = re.search("cursor=([^&>]+)", alice.get("/requests", limit=1).headers["Link"])[1]
    for wrong in ("x", "W10", "WyIxIl0x", "W10x" * 2000, "eyJhIjoxfQ", of_others):
        assert is_problem(alice.get("/jobs", cursor=wrong), 400)


QUERIES = [
    ("/requests", {"limit": 201}), ("/requests", {"limit": 0}), ("/requests", {"limit": "x"}),
    ("/requests", {"mine": "1"}), ("/requests", {"nothing": "1"}), ("/requests", {"limit": ["1", "2"]}),
    ("/requests", {"state": ""}), ("/requests", {"minion": "a\0b"}), ("/inbox", {"mine": "true"}),
    ("/returns", {}), ("/packages", {}), ("/jobs", {"start": "14:00"}), ("/jobs", {"request_id": "0"}),
    ("/jobs", {"start": "2026-13-01T00:00:00Z"}), ("/requests/1/items", {"outcomes": "lost"}), ("/whoami", {"a": "1"}),
]  # fmt: skip


def test_queries_that_are_none(program):
    alice = program("alice")
    for path, query in QUERIES:
        answer = alice.get(path, **query)
        assert answer.status_code in (400, 422), (path, query)
        assert is_problem(answer, answer.status_code)


def test_addresses_that_are_none(program, client):
    alice = program("alice")
    for path in ("/requests/0", "/requests/x", "/requests/01", "/requests/9223372036854775808", "/requests/1%00"):
        assert is_problem(alice.get(path), 404)
    assert is_problem(alice.get("/requests/9223372036854775807"), 404, "AP014")
    assert is_problem(alice.get("/minions/web9"), 404, "AP004")
    assert is_problem(alice.get("/types/nothing"), 404, "AP003")
    assert is_problem(alice.get("/types/nothing/what-if"), 404, "AP003")
    assert is_problem(alice.get("/requests", minion="web9"), 422, "AP004")
    assert is_problem(alice.post("/requests", {**WANTED, "request_type": "nothing"}), 422, "AP003")
    assert alice.get("/nothing").status_code == 404
    assert alice.post("/whoami", {}).status_code == 405


BODIES = [
    (b"", 400), (b"{", 400), (b"[]", 400), (b'{"a": 1, "a": 1}', 400), (b'{"reason": "\\u0000"}', 400),
    (b'{"reason": "\\ud800"}', 400), (b'{"reason": NaN}', 400), (b"[" * 100_000, 400), (b"\xff", 400),
    (b" " * 1_048_577, 413), (b"{}", 422), (json.dumps({**WANTED, "requester": "bob"}).encode(), 422),
    (json.dumps({**WANTED, "minions": []}).encode(), 422), (json.dumps({**WANTED, "reason": ""}).encode(), 422),
    (json.dumps({**WANTED, "services": {"cron": "running"}}).encode(), 422),
    (json.dumps({**WANTED, "packages": {"a b": "1"}}).encode(), 422),
    (json.dumps({**WANTED, "after": "soon"}).encode(), 422), (json.dumps({**WANTED, "dry_run": 1}).encode(), 422),
]  # fmt: skip


def test_bodies_that_are_none(program, people):
    alice = program("alice")
    for content, status in BODIES:
        answer = alice.post("/requests", content, content_type="application/json")
        assert answer.status_code == status, (content[:50], answer.text)
        assert answer.content_type == "application/problem+json"
    assert people.execute("SELECT count(*) FROM approval.request") == [(0,)]


def test_a_body_of_another_kind(program):
    answer = program("alice").post("/requests", b"reason=x", content_type="application/x-www-form-urlencoded")
    assert is_problem(answer, 415)


def test_every_operation_is_refused_to_whoever_may_not(program, make_token, client, people, passwords_file):
    """Without a token, with one of another kind or for something else, of who is disabled or cannot sign in now."""
    client("alice").request("package", ["web1"], {"hello": "1"}, "CHG-1")
    ((digest,),) = people.execute("SELECT digest FROM approval.item_set")
    ended = make_token("bob", "read", "request", "decide")
    people.execute("UPDATE approval.api_token SET made_at = made_at - interval '31 days', ends_at = now()")
    gone = program("carol")
    people.execute("SELECT approval.disable_principal('carol')")
    unproven = program("alice")
    others = [line for line in passwords_file.read_text().splitlines() if not line.startswith("alice:")]
    known = passwords_file.read_text()
    strangers = {
        "none": (program(), None),
        "of nobody": (program(), {"Authorization": f"Bearer {NONE_SUCH}"}),
        "mistyped": (program(), {"Authorization": f"Bearer {NONE_SUCH[:-1]}x"}),
        "of another kind": (program(), {"Authorization": f"Basic {NONE_SUCH}"}),
        "in a cookie": (program(), {"Cookie": f"approval={NONE_SUCH}; token={NONE_SUCH}"}),
        "ended": (program(), {"Authorization": f"Bearer {ended}"}),
        "of who is disabled": (gone, None),
    }
    scopes = ("read", "request", "decide")
    less = {scope: program("bob", *(one for one in scopes if one != scope)) for scope in scopes}
    before = people.execute("SELECT count(*) FROM approval.audit_entry")
    for operation in description.operations():
        for why, (stranger, headers) in strangers.items():
            answer = call(stranger, operation, digest, headers)
            assert answer.status_code == 401, (operation.name, why, answer.text)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer realm="), (operation.name, why)
            assert "alice" not in answer.text
        for scope in operation.scopes:
            if operation.name != "whoami":
                answer = call(less[scope], operation, digest)
                assert is_problem(answer, 403, "AP022"), (operation.name, scope)
                assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
        passwords_file.write_text("\n".join(others) + "\n")
        assert is_problem(call(unproven, operation, digest), 401, "AP021"), operation.name
        passwords_file.write_text(known)
    assert people.execute("SELECT count(*) FROM approval.audit_entry") == before


def test_what_is_anothers_stays_anothers(program, client, people):
    """Acts on a request of alice, by the token of who has no part in it: refused by the rules of everybody."""
    number = client("alice").request("package", ["web1"], {"hello": "1"}, "CHG-1")["request"]
    alice, carol = program("alice"), program("carol")
    assert is_problem(alice.decide("approvals", number, 1), 403, "AP007")
    assert is_problem(alice.decide("rejections", number, 1), 403, "AP007")
    assert is_problem(carol.decide("approvals", number, 1), 403, "AP008")
    assert is_problem(carol.post(f"/requests/{number}/cancellation", {}), 403, "AP002")
    assert is_problem(alice.post("/requests", {**WANTED, "request_type": "standard"}), 403, "AP002")
    assert carol.get("/inbox").json == []
    assert people.execute("SELECT state FROM approval.request") == [("pending",)]
    assert people.execute("SELECT count(*) FROM approval.api_call") == [(0,)]


def test_every_operation_leaves_out_what_its_caller_may_not_read(program, limit, kept, people):
    """What there is and is kept from somebody is answered as what there is not, by each operation."""
    kinds = ("requests", "values", "job_log", "audit")
    limit(*kinds)
    carol = program("carol")
    assert carol.get("/whoami").json["reads"] == {what: ["second"] for what in kinds}
    before = people.execute("SELECT count(*) FROM approval.audit_entry")
    for operation in description.operations():
        if operation.name == "request":
            continue  # who asks does not read
        answers = [call_about(carol, operation, *what) for what in ((kept, "web1"), (kept + 1000, "web9"))]
        shown, other = (
            re.sub(rf"\b({kept}|{kept + 1000}|web1|web9)\b", "N", answer.get_data(as_text=True)) for answer in answers
        )
        assert "shown to nobody" not in shown, operation.name
        assert "7.7.7" not in shown, operation.name
        assert (answers[0].status_code, shown) == (answers[1].status_code, other), operation.name
        if "request_id" in operation.parameters["path"]:
            assert is_problem(answers[0], 404, "AP014"), operation.name
        if "minion" in operation.parameters["path"]:
            assert is_problem(answers[0], 404, "AP004"), operation.name
    assert people.execute("SELECT count(*) FROM approval.audit_entry") == before


def test_the_cookie_of_a_session_is_no_token(visit, client, make_token):
    """Whoever is signed in in a browser is nobody here; and a token opens no page."""
    number = client("alice").request("package", ["web1"], {"hello": "1"}, "CHG-1")["request"]
    bob = visit("bob")
    for path in ("/api/v1/whoami", f"/api/v1/requests/{number}", "/api/v1/inbox"):
        assert bob.get(path).status_code == 401
    cookie = bob.cookies["approval"]
    assert bob.get("/api/v1/whoami", headers={"Authorization": f"Bearer {cookie}"}).status_code == 401
    stranger = visit()
    token = make_token("bob", "read")
    answer = stranger.get("/api/v1/whoami", headers={"Authorization": f"Bearer {token}", "Accept": "text/html"})
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)
    for shown in ({"Authorization": f"Bearer {token}"}, {"Cookie": f"approval={token}"}):
        assert stranger.get("/inbox", headers=shown).headers["Location"] == "/login?next=/inbox"


def test_the_database_is_away(program, monkeypatch):
    alice = program("alice")

    def nobody(_connection):
        raise Unavailable("host=db1 password=hunter2 cannot be reached")

    monkeypatch.setattr("saltext.approval.db.connect", nobody)
    answer = alice.get("/inbox")
    assert is_problem(answer, 503)
    assert answer.headers["Retry-After"] == "5"
    assert "hunter2" not in answer.text


def test_routes_and_description_name_the_same(rest):
    described = {(one.method, one.path) for one in description.operations()}
    routed = {
        (method, re.sub(r"<(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1")))
        for rule in rest.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.endpoint != "rest.openapi"
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert routed == described
