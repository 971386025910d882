"""The pages on which people ask, by a browser that runs no script: what they are told first, and what is refused."""

import html
import re

import pytest


class Form:
    """The form of a type in the hands of somebody."""

    def __init__(self, visitor, kind="package", **fields):
        self.visitor = visitor
        self.fields = {**self.hidden(visitor.get(f"/requests/new?type={kind}")), "reason": "CHG-7", **fields}

    @staticmethod
    def hidden(answer):
        """{name: value} of the hidden fields of a page, without those of the head."""
        found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text)
        return {name: html.unescape(value) for name, value in found}

    def press(self, act, **fields):
        """Press a button of the form, or of the page that shows what would be asked for."""
        answer = self.visitor.post("/requests/new/form", {**self.fields, **fields, "act": act})
        if act == "look" and answer.status_code == 200:
            self.fields = {**self.hidden(answer), "overlap": ""}
        return answer


@pytest.fixture
def form(visit):
    """A function that gives a Form of somebody."""
    return lambda name="alice", *args, **fields: Form(visit(name), *args, **fields)


def count_of_requests(database):
    ((count,),) = database.execute("SELECT count(*) FROM approval.request")
    return count


def test_types_are_offered_to_who_may_ask(visit):
    page = visit("alice").get("/requests/new?minions=web1")
    assert 'href="/requests/new?type=package&amp;minions=web1"' in page.text
    assert "Decided by: review, then release" in page.plain
    assert "Not open to you: Packages without approval (for reviewers)." in page.plain
    assert "type=revert" not in page.text
    assert "type=standard" in visit("bob").get("/requests/new").text
    assert visit("bob").get("/requests/new?type=revert").status_code == 404
    assert visit("bob").get("/requests/new?type=nothing").status_code == 404
    answer = visit().get("/requests/new")
    assert answer.headers["Location"] == "/login?next=/requests/new"


def test_to_ask_after_a_look(form, people):
    alice = form(minions="web1\r\n web2 \r\n\r\n", items="hello 2.12-1\r\nnginx=absent")
    page = alice.press("look")
    assert "4 items on 2 minions" in page.plain
    # The answer to a form that changed nothing can be come back to; nothing else is kept by browsers.
    assert page.headers["Cache-Control"] == "private, no-cache"
    assert alice.visitor.get("/requests/new?type=package").headers["Cache-Control"] == "no-store"
    assert "web1 , web2 package hello 2.12-1" in page.plain
    assert "review 1 of reviewers: bob" in page.plain
    assert "release 1 of managers: bob, carol by an identity that is authenticated" in page.plain
    # To look is to try: nothing is there afterwards.
    assert count_of_requests(people) == 0
    answer = alice.press("send")
    assert answer.status_code == 303
    number = re.fullmatch(r"/requests/(\d+)\?done=ask", answer.headers["Location"])[1]
    page = alice.visitor.get(answer.headers["Location"])
    assert "Your request is made. The request is still pending now." in page.plain
    assert "form-" not in page.plain
    # Sent twice, it is one request.
    assert alice.press("send").headers["Location"] == answer.headers["Location"]
    assert count_of_requests(people) == 1
    assert people.execute(
        "SELECT principal, identity, assurance FROM approval.audit_entry WHERE act = 'submitted'"
    ) == [("alice", "web:alice", "authenticated")]
    assert f"it is request {number}" in alice.press("look").plain
    page = alice.press("look", items="hello 2.13-1")
    assert (page.status_code, "This form was sent before, with other content" in page.plain) == (422, True)


def test_what_is_wrong_is_told_and_what_was_typed_is_kept(form, people):
    alice = form(minions="web1", items="hello 2.12-1")
    for changed, sentence in (
        ({"minions": ""}, "name the minions, one a line, or choose a group of them."),
        ({"minions": "web9"}, "unknown minion: 'web9'."),
        ({"group": "nothing"}, "there is no group of minions 'nothing'."),
        ({"items": ""}, "the request names no package"),
        ({"items": "hello"}, "is not NAME=VERSION"),
        ({"items": "hello 1\nhello 2"}, "hello stands there twice."),
        ({"items": "hello purged"}, "purged"),
        ({"items": "hello;x 1"}, "'hello;x' is not a package name"),
        ({"reason": " "}, "say why: whoever approves it has to know."),
        ({"after": "tomorrow"}, "not before"),
        ({"after": "2099-01-01T00:00"}, "more than five years away"),
        ({"type": "standard"}, "alice may not make requests of type standard. It is open to the groups reviewers."),
    ):
        page = alice.press("look", **changed)
        assert (page.status_code, sentence in page.plain) == (422, True), (changed, page.plain)
        assert 'role="alert"' in page.text
        assert "Not yet: New request" in page.plain
        if "reason" not in changed:
            assert "CHG-7</textarea>" in page.text
        answer = alice.press("send", **changed, digest="x")
        assert answer.status_code == 422, changed
    for changed in ({"key": "x"}, {"key": ""}, {"overlap": "win"}, {"reason": "a\0b"}, {"act": "x"}):
        fields = {**alice.fields, "act": "look", **changed}
        assert alice.visitor.post("/requests/new/form", fields).status_code == 400, changed
    assert alice.press("send").status_code == 400
    assert alice.press("look", mark="x").status_code == 403
    assert alice.press("look", type="nothing").status_code == 404
    assert alice.visitor.post("/requests/new/form", {"reason": "x" * 300_000}).status_code == 413
    assert count_of_requests(people) == 0


def test_nobody_asks_without_a_session(visit, form, people):
    alice = form(minions="web1", items="hello 2.12-1")
    alice.press("look")
    answer = visit().post("/requests/new/form", {**alice.fields, "act": "send"})
    assert answer.status_code == 401
    assert 'name="next" value="/requests/new"' in answer.text
    # The form of one is none of another.
    assert visit("bob").post("/requests/new/form", {**alice.fields, "act": "send"}).status_code == 403
    assert count_of_requests(people) == 0


def test_a_group_that_changed_meanwhile_is_shown_anew(form, people):
    put = "SELECT approval.put_minion_group('shop', 'The shop', %s)"
    people.execute(put, (["web1"],))
    alice = form(group="shop", items="hello 2.12-1")
    assert "The shop (1 minion)" in alice.press("change").plain
    alice.press("look")
    people.execute(put, (["web1", "web2"],))
    page = alice.press("send")
    assert page.status_code == 409
    assert "Nothing was sent: what would be asked for is not what was shown before." in page.plain
    assert "Ask for 2 items on 2 minions" in page.plain
    assert count_of_requests(people) == 0
    assert alice.press("send", digest=Form.hidden(page)["digest"]).status_code == 303
    assert people.execute("SELECT minion_id FROM approval.item ORDER BY 1") == [("web1",), ("web2",)]


def test_what_it_contradicts_is_chosen(form, client, people):
    other = client("alice").request("package", ["web1"], {"hello": "1"}, "first")["request"]
    alice = form(minions="web1", items="hello 2")
    page = alice.press("look")
    assert f"It contradicts request {other} (" in page.plain, page.plain
    assert alice.press("send", overlap="supersede").status_code == 303
    assert people.execute("SELECT other_id, resolution FROM approval.request_overlap") == [(other, "supersede")]


def test_other_kinds_of_types(form, people):
    cron = form("alice", "service", minions="web1", items="cron running")
    assert "service cron running" in cron.press("look").plain
    assert cron.press("send").status_code == 303
    motd = form("alice", "value", minions="web1", items='motd="Wel = come"\nlist=[1, 2]')
    motd.press("look")
    assert motd.press("send").status_code == 303
    reboot = form("alice", "reboot", minions="web1", items="at_time=90")
    page = reboot.press("look")
    assert (page.status_code, "at_time" in page.plain) == (422, True)
    reboot.press("look", items="at_time=5")
    assert reboot.press("send").status_code == 303
    standard = form("bob", "standard", minions="web1", items="hello 1")
    assert "Nobody: it is approved beforehand" in standard.press("look").plain
    assert "The request is approved now." in standard.visitor.get(standard.press("send").headers["Location"]).plain
    kept = "SELECT kind, name, content FROM approval.item WHERE kind IN ('value', 'service') ORDER BY 2"
    assert people.execute(kept) == [
        ("service", "cron", "running"), ("value", "list", "[1,2]"), ("value", "motd", '"Wel = come"')
    ]  # fmt: skip


def test_packages_are_found_and_added(form, catalog):
    alice = form(minions="web1", items="sl 5")
    page = alice.press("search", search="hello")
    assert 'value="add:hello=2.12-1"' in page.text
    assert 'value="add:hello-dev=absent"' in page.text
    assert "sl 5</textarea>" in page.text
    page = alice.press("add:hello=2.12-1", search="hello")
    assert "sl 5\nhello=2.12-1</textarea>" in page.text
    assert "No catalog has a package like that." in alice.press("search", search="nothing").plain
    assert "No catalog" not in alice.press("search", search=" ").plain


def test_minions_are_found_and_added(form):
    alice = form(minions="web1", items="hello 1")
    page = alice.press("search", find="web")
    assert 'value="pick:web2"' in page.text
    page = alice.press("pick:web2", find="web")
    assert "web1\nweb2</textarea>" in page.text
    assert "No minion has nothing in its name." in alice.press("search", find="nothing").plain


def test_what_a_field_offers(visit, catalog, people):
    alice = visit("alice")

    def offered(field, text, **headers):
        answer = alice.get("/requests/new/options", params={"field": field, "text": text}, headers=headers)
        found = answer.json()
        return [one["value"] for one in found["options"]], {one["is_whole"] for one in found["options"]}, found["said"]

    # A name first; behind it what can be asked for of it, which is a line of the form.
    assert offered("search", "hel") == (["hello ", "hello-dev "], {False}, "2 are found.")
    assert offered("search", "hello ") == (["hello 2.12-1", "hello latest", "hello absent"], {True}, "3 are found.")
    assert offered("search", "hello l") == (["hello latest"], {True}, "1 is found.")
    assert offered("search", "hell ") == ([], set(), "Nothing is found.")
    assert offered("find", "web1") == (["web1"], {True}, "1 is found.")
    assert offered("find", "web1", **{"Accept-Language": "de"})[2] == "1 gefunden."
    for wrong in ({"field": "x", "text": "a"}, {"field": "find"}, {"field": "find", "text": "a\0"}, {"text": "a"}):
        assert alice.get("/requests/new/options", params=wrong).status_code == 400, wrong
    too_long = {"field": "find", "text": "x" * 256}
    assert alice.get("/requests/new/options", params=too_long).status_code == 400
    address = "/requests/new/options?field=find&text=web"
    assert visit().get(address).headers["Location"].startswith("/login")
    # Nobody is offered what the policy keeps from them.
    people.execute("SELECT approval.put_group('dba', '')")
    people.execute("SELECT approval.put_readers('requests', '[{\"groups\": [\"dba\"]}]')")
    assert offered("find", "web") == ([], set(), "Nothing is found.")


def test_the_database_is_away_when_it_is_sent(form, people, until):
    alice = form(minions="web1", items="hello 1")
    alice.press("look")
    people.execute("ALTER ROLE portal NOLOGIN")
    try:
        people.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'portal'")
        answer = alice.press("send")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "It is not known whether this was sent" in answer.plain
        again = Form.hidden(answer)
    finally:
        people.execute("ALTER ROLE portal LOGIN")
    # A PgBouncer tries a login that failed again after some seconds.
    until(lambda: alice.visitor.post("/requests/new/form", {**again, "act": "send"}).status_code == 303)
    assert count_of_requests(people) == 1
