"""The lists of requests, deciding on several at once, taking back, and asking for the same again."""

import html
import re

import pytest


@pytest.fixture
def ask(client):
    """A function by which alice asks for a package; gives the request's number."""

    def submit(name="hello", minions=("web1", "web2"), person="alice"):
        return client(person).request("package", list(minions), {name: "2.12-1"}, f"CHG for {name}")["request"]

    return submit


def numbers(answer):
    """The requests that a list names, in its order."""
    return [int(number) for number in re.findall(r'data-label="Request"><span><a href="/requests/(\d+)">', answer.text)]


def shown(visitor, *chosen):
    """The fields of the page on which these requests are looked at, as a list of pairs, and the page."""
    page = visitor.get("/inbox/decide?" + "&".join(f"number={number}" for number in chosen))
    return re.findall(r'name="(mark|listed|shown)" value="([^"]*)"', page.text), page


def test_lists(visit, ask, client):
    first, second = ask("hello"), ask("nginx")
    client("bob").reject(first, "no")
    bob, alice, carol = visit("bob"), visit("alice"), visit("carol")
    assert numbers(alice.get("/requests?show=asked")) == [second, first]
    assert numbers(bob.get("/requests?show=asked")) == []
    assert numbers(bob.get("/requests?show=decided")) == [first]
    assert numbers(alice.get("/requests?show=decided")) == []
    assert numbers(carol.get("/requests?show=all")) == [second, first]
    assert numbers(carol.get("/requests")) == [second, first]
    assert numbers(carol.get("/requests?show=all&state=rejected")) == [first]
    assert numbers(carol.get(f"/requests?show=all&before={second}")) == [first]
    assert "1 request, the newest first." in bob.get("/requests?show=decided").plain
    assert bob.get(f"/requests?number={first}").headers["Location"] == f"/requests/{first}"
    for address in ("?show=none", "?state=none", "?before=x", "?before=0", "?number=x"):
        assert bob.get(f"/requests{address}").status_code == 404, address
    assert visit().get("/requests").headers["Location"] == "/login?next=/requests"


def test_several_are_decided_each_by_itself(visit, ask, client, people):
    one, other, own = ask("hello"), ask("nginx", ("web1",)), ask("sl", person="bob")
    bob = visit("bob")
    inbox = bob.get("/inbox")
    assert re.findall(r'name="number" value="(\d+)"', inbox.text) == [str(one), str(other)]
    fields, page = shown(bob, one, other, own, 999)
    assert "There is no decision for you to make" in page.plain
    assert "there is no request 999" in page.plain
    for name in ("hello", "nginx", "web1 , web2"):
        assert name in page.plain
    assert len([name for name, _ in fields if name == "shown"]) == 2
    # Under one's eyes one of them changes.
    client("alice").amend(other, ["web1"], {"nginx": "2.13-1"})
    answer = bob.post("/inbox/decide", [*fields, ("decision", "approve"), ("comment", "fine")])
    assert answer.status_code == 200
    assert "1 of 2 decided" in answer.plain
    assert f"Request {one} approved Recorded; the request is still pending now." in answer.plain
    assert f"Request {other} not recorded" in answer.plain
    # The same once more is the same.
    again = bob.post("/inbox/decide", [*fields, ("decision", "approve"), ("comment", "fine")])
    assert again.plain.count("Recorded;") == 1
    assert people.execute("SELECT request_id, decision, comment FROM approval.decision") == [(one, "approve", "fine")]


def test_several_are_rejected_with_a_reason(visit, ask, people):
    chosen = [ask("hello"), ask("nginx")]
    bob = visit("bob")
    fields, _ = shown(bob, *chosen)
    answer = bob.post("/inbox/decide", [*fields, ("decision", "reject")])
    assert (answer.status_code, "Say why you reject" in answer.plain) == (422, True)
    ticked = [pair for pair in fields if pair[0] != "shown"]
    answer = bob.post("/inbox/decide", [*ticked, ("decision", "reject"), ("comment", "not now")])
    assert (answer.status_code, "Tick at least one." in answer.plain, "not now" in answer.text) == (422, True, True)
    answer = bob.post("/inbox/decide", [*fields, ("decision", "reject"), ("comment", "not now")])
    assert answer.plain.count("Recorded; the request is rejected now.") == 2
    states = people.execute("SELECT DISTINCT state FROM approval.request WHERE request_id = ANY (%s)", [chosen])
    assert states == [("rejected",)]


def test_forms_that_are_none(visit, ask, people):
    number = ask()
    bob = visit("bob")
    fields, _ = shown(bob, number)
    mark = dict(fields)["mark"]
    unmarked = [pair for pair in fields if pair[0] != "mark"]
    assert bob.post("/inbox/decide", [*unmarked, ("decision", "approve")]).status_code == 403
    assert bob.post("/inbox/decide", [*fields, ("decision", "burn")]).status_code == 400
    for bad in (f"{number} 1 x", f"0 1 sha256:{'0' * 64}", f"{number} 1 sha256:{'0' * 64} ", "\0"):
        answer = bob.post("/inbox/decide", [("mark", mark), ("shown", bad), ("decision", "approve")])
        assert answer.status_code == 400, bad
    many = "&".join(f"number={number}" for number in range(1, 22))
    assert bob.get(f"/inbox/decide?{many}").status_code == 400
    assert bob.get("/inbox/decide?number=x").status_code == 404
    assert "None was chosen." in bob.get("/inbox/decide").plain
    stranger = visit()
    assert stranger.get(f"/inbox/decide?number={number}").status_code == 303
    assert stranger.post("/inbox/decide", [*fields, ("decision", "approve")]).status_code == 401
    assert people.execute("SELECT count(*) FROM approval.decision") == [(0,)]


def test_to_take_back(visit, ask, people):
    number = ask()
    alice, bob = visit("alice"), visit("bob")
    assert "Take it back" not in bob.get(f"/requests/{number}").plain
    answer = bob.post(f"/requests/{number}/cancel", {**bob.hidden(f"/requests/{number}"), "comment": "mine now"})
    assert (answer.status_code, "only who asked for request" in answer.plain) == (409, True)
    assert "mine now" in answer.plain
    assert alice.post(f"/requests/{number}/cancel", {"comment": "x"}).status_code == 403
    answer = alice.post(f"/requests/{number}/cancel", {**alice.hidden(f"/requests/{number}"), "comment": "a mistake"})
    assert answer.headers["Location"] == f"/requests/{number}?done=cancel"
    page = alice.get(answer.headers["Location"])
    assert "It is taken back." in page.plain
    assert "Take it back" not in page.plain
    assert people.execute("SELECT state FROM approval.request") == [("cancelled",)]
    answer = alice.post(f"/requests/{number}/cancel", {**alice.hidden(f"/requests/{number}"), "comment": ""})
    assert (answer.status_code, "can no longer be cancelled" in answer.plain) == (409, True)


def test_to_ask_for_what_was_there_before(visit, ask, client, people):
    ask_for = lambda version: client("alice").request("package", ["web1"], {"hello": version}, "x")["request"]  # noqa: E731
    for version in ("1", "2"):
        number = ask_for(version)
        client("bob").approve(number)
        assert "Ask for what was there before" not in visit("alice").get(f"/requests/{number}").plain
        client("carol").approve(number)
    alice = visit("alice")
    fields = {**alice.hidden(f"/requests/{number}"), "comment": "it was worse"}
    assert "Ask for what was there before" in alice.get(f"/requests/{number}").plain
    assert alice.post(f"/requests/{number}/revert", {**fields, "key": "x"}).status_code == 400
    # A form that is sent twice is one request.
    answers = [alice.post(f"/requests/{number}/revert", fields) for _ in range(2)]
    assert [answer.headers["Location"] for answer in answers] == [f"/requests/{number + 1}?done=ask"] * 2
    page = alice.get(answers[0].headers["Location"])
    assert "Your request is made." in page.plain
    assert "it was worse" in page.plain
    assert f"Takes back request {number}" in page.plain
    assert people.execute("SELECT count(*) FROM approval.request WHERE reverts = %s", [number]) == [(1,)]
    assert "Ask for what was there before" not in alice.get(f"/requests/{number}").plain


def test_to_ask_for_the_same_again(visit, ask, client, people):
    number = ask()
    alice = visit("alice")
    page = alice.get(f"/requests/{number}")
    (address,) = re.findall(r'href="(/requests/new\?[^"]*)">Ask for the same again', page.text)
    form = alice.get(html.unescape(address))
    assert form.status_code == 200
    for text in ("web1\nweb2", "hello 2.12-1", "CHG for hello"):
        assert text in html.unescape(form.text)
    # More than an address has room for, and what differs from minion to minion, has to be typed.
    names = [f"web{n}-{'x' * 90}" for n in range(50)]
    people.execute("SELECT approval.put_minions(%s)", [names])
    long = client("alice").request("package", names, {"hello": "2"}, "long")["request"]
    assert "Ask for the same again" not in alice.get(f"/requests/{long}").plain
