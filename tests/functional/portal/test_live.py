"""Pages that are open and ask whether they are still true: what they are told, and for how long."""

import re
import time

import pytest

from saltext.approval.portal import passwords

LONGEST_S = 5.0  # for which somebody is told what they may not know any more
UNCHANGED = 304


@pytest.fixture
def asked(client):
    """The number of a request that waits for bob and carol."""
    return client("alice").request("package", ["web1", "web2"], {"hello": "2.12-1"}, "CHG-7")["request"]


@pytest.fixture
def watch(visit):
    """A function that gives a Watcher of a page, who is signed in under this name."""
    return lambda name, path: Watcher(visit(name), path)


class Watcher:
    """Somebody who has a page open, which asks as the script of the pages does."""

    def __init__(self, visitor, path):
        self.visitor = visitor
        self._path = path
        self.tag = None

    def ask(self):
        """The answer to the page's next question."""
        answer = self.visitor.get(self._path, headers={"If-None-Match": self.tag} if self.tag else {})
        self.tag = answer.headers.get("ETag", self.tag)
        return answer

    def settle(self):
        """Open the page anew, which then is as it was just before."""
        self.tag = None
        assert self.ask().status_code == 200
        assert self.ask().status_code == UNCHANGED

    def after(self, act):
        """The answer that tells of an act."""
        self.settle()
        act()
        return self.news()

    def news(self):
        """The answer that tells of what was done just now, however long it takes itself."""
        began = sent = time.monotonic()
        while (answer := self.ask()).status_code == UNCHANGED:
            assert sent - began < LONGEST_S
            time.sleep(0.05)
            sent = time.monotonic()
        return answer


def test_a_page_hears_of_what_changes_it(watch, client, prove, asked, people, job):
    page, inbox, jobs = (watch("bob", path) for path in (f"/requests/{asked}/live", "/inbox/live", "/jobs/live"))
    answer = page.after(lambda: client("bob").approve(asked, comment="looks fine"))
    assert "looks fine" in answer.plain
    # It is the content alone, for the page that is there.
    assert "Sign out" not in answer.plain
    client("carol").approve(asked)
    answer = page.after(lambda: prove("web1", {"hello": ("converged", "2.12-1")}))
    assert f'data-summary="Request {asked} is approved: 1 of 2 items converged."' in answer.text
    # A proxy that compresses makes the tag a weak one.
    page.tag = f"W/{page.tag}"
    assert page.ask().status_code == UNCHANGED
    other = client("alice").request("package", ["web1"], {"sl": "5"}, "CHG-8", overlap="wait")["request"]
    assert "1 request waits for you" in inbox.ask().plain
    assert "Nothing waits for you" in inbox.after(lambda: client("bob").reject(other, "no")).plain
    assert (
        "1 request waits for you"
        in inbox.after(lambda: client("alice").request("package", ["web2"], {"sl": "6"}, "CHG-9")).plain
    )
    leave = (
        "SELECT approval.drop_membership(group_name, 'bob') FROM approval.membership JOIN approval.principal USING "
        "(principal_id) WHERE name = 'bob'"
    )
    assert "Nothing waits for you" in inbox.after(lambda: people.execute(leave)).plain
    assert jobs.after(lambda: job(fun="pkg.upgrade")).plain.count("pkg.upgrade") > 0


def test_nothing_is_told_for_longer_to_whom_it_is_not_for(watch, visit, people, asked):
    paths = [f"/requests/{asked}/live", "/inbox/live", "/jobs/live"]
    assert [visit().get(path).status_code for path in paths] == [401] * 3
    pages = [watch("carol", path) for path in paths]
    for page in pages:
        page.settle()
        # The one that asks does not tell the others that it ended.
        other = visit()
        other.cookies.update(page.visitor.cookies)
        assert other.post("/logout", other.hidden("/sessions")).status_code == 303
        answer = page.news()
        assert (answer.status_code, "CHG-7" in answer.text) == (401, False)
    pages = [watch("bob", path) for path in paths]
    for page in pages:
        page.settle()
    people.execute("SELECT approval.disable_principal('bob')")
    for page in pages:
        answer = page.news()
        assert (answer.status_code, "CHG-7" in answer.text) == (401, False)


def test_to_ask_is_no_use_of_a_session(watch, visit, people, asked, passwords_file):
    page = watch("bob", f"/requests/{asked}/live")
    ends = "SELECT ends_at FROM approval.web_session"
    people.execute(
        "UPDATE approval.web_session SET seen_at = seen_at - interval '9 minutes', "
        "ends_at = ends_at - interval '9 minutes'"
    )
    before = people.execute(ends)
    page.settle()
    assert people.execute(ends) == before
    page.visitor.get(f"/requests/{asked}")
    assert people.execute(ends) > before
    # The log has who was told something, and not each question.
    assert [line["status"] for line in visit.service.said("request") if line["path"].endswith("/live")] == [200]
    # A password that was changed counts at once, though the session was looked up just now.
    assert page.ask().status_code == UNCHANGED
    passwords_file.write_text(passwords.line("bob", "another password of bob") + "\n")
    assert page.ask().status_code == 401


def test_what_can_be_watched(visit, asked):
    visitor = visit("bob")
    assert visitor.get("/requests/99/live").status_code == 403
    assert visitor.get("/requests/0/live").status_code == 404
    assert visitor.get(f"/requests/{asked}/live?after_minion=a&after_kind=b&after_name=c").status_code == 200
    assert visitor.post(f"/requests/{asked}/live", {}).status_code == 405
    # Scripts are let in where there are some, and as files alone. A page that does not know the zone has one for that.
    visitor.cookies.set("zone", "Europe/Berlin")
    for path, has_scripts in ((f"/requests/{asked}", True), ("/inbox", True), ("/jobs", True), ("/sessions", False)):
        answer = visitor.get(path)
        assert ("script-src 'self'" in answer.headers["Content-Security-Policy"]) == has_scripts
        assert ("<script" in answer.text) == has_scripts
        assert not re.search(r"<script[^>]*>[^<]|\son\w+=|javascript:", answer.text)
    # All that a browser fetches which was never here, and keeps.
    answer, sizes = visitor.get(f"/requests/{asked}"), {}
    for path in set(re.findall(r"/static/[0-9a-f]{16}/[\w.]+", answer.text)):
        file = visitor.get(path)
        assert (file.status_code, file.headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
        sizes[path.rpartition("/")[2]] = len(file.content)
    assert sizes.keys() == {"portal.css", "live.js", "icon.svg"}
    assert sizes["live.js"] <= 6 * 1024
    assert sizes["portal.css"] <= 15 * 1024
    assert len(answer.content) + sum(sizes.values()) <= 100_000
    assert visitor.get(f"/static/{'0' * 16}/live.js").status_code == 404
