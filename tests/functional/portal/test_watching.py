"""The pages on compliance and on the job log, by a browser that runs no script: what they show, and what is refused."""

import csv
import re

import pytest


@pytest.mark.parametrize("page", ["/compliance", "/jobs"])
def test_nobody_sees_them_without_a_session(visit, approve, job, page):
    approve(["web1"], {"hello": "2.12-1"})
    job(["web1"])
    stranger = visit()
    answer = stranger.get(page)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/login?next={page}")
    assert "web1" not in answer.text
    assert stranger.post(page, {}).status_code == 405
    assert stranger.sign_in("carol", next=page).headers["Location"] == page


def test_how_many_are_in_line_and_which_are_not(visit, approve, prove, people):
    bob = visit("bob")
    page = bob.get("/compliance").plain
    assert "Nothing is approved for any of them. Besides, nothing is approved for 15 minions." in page
    assert "The policy has no groups of minions." in page
    people.execute("SELECT approval.put_minion_group('shop', 'The shop', '{web1,web2}')")
    people.execute("SELECT approval.put_minion_group('rest', '', '{%}')")
    approve(["web1", "web2", "%"], {"hello": "2.12-1", "sl": "5"})
    good = {"hello": ("converged", "2.12-1"), "sl": ("converged", "5")}
    for minion in ("web1", "web2", "%"):
        prove(minion, good)
    prove("web1", {**good, "hello": ("drift", "2.10-3"), "sl": ("drift", "4")})
    page = bob.get("/compliance")
    assert "2 of 3 minions are in line (66.6 %). 1 drifting 2 converged" in page.plain
    assert "rest 1 of 1 minion is in line (100 %). shop 1 of 2 minions is in line (50 %)." in page.plain
    assert "web1 drifting package hello 2.10-3 ≠ instead of 2.12-1" in page.plain
    assert "hunter2" not in page.text
    assert page.text.count('data-label="Minion"') == 2
    shop = bob.get("/compliance?group=shop")
    assert "1 of 2 minions is in line (50 %). 1 drifting 1 converged" in shop.plain
    assert shop.text.count('data-label="Minion"') == 2
    assert "None." in bob.get("/compliance?group=rest").plain
    assert "None is failed." in bob.get("/compliance?standing=failed").plain
    assert bob.get("/compliance?standing=odd").text.count('data-label="Minion"') == 2
    assert "Nothing is approved for any of them." in bob.get("/compliance?group=nothing").plain


def test_deviations_as_a_file(visit, approve, prove, people):
    assert visit().get("/compliance.csv").status_code == 303
    approve(["web1", "web2"], {"hello": "2.12-1", "sl": "5"})
    prove("web1", {"hello": ("failed", "=cmd|x"), "sl": ("converged", "5")})
    bob = visit("bob")
    answer = bob.get("/compliance.csv?standing=failed")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="out-of-line.csv"'
    table = csv.DictReader(answer.text.splitlines())
    (row,) = table
    assert table.fieldnames == [
        "minion_id",
        "standing",
        "kind",
        "name",
        "expected",
        "observed",
        "since",
        "last_seen",
        "why",
    ]
    assert (row["minion_id"], row["standing"], row["name"], row["expected"]) == ("web1", "failed", "hello", "2.12-1")
    # No program takes what a minion said for a formula.
    assert row["observed"] == "'=cmd|x"
    assert "hunter2" not in answer.text
    assert len(bob.get("/compliance.csv?standing=silent").text.splitlines()) == 1
    assert bob.get("/compliance.csv?group=a%00").status_code == 400
    assert 'href="/compliance.csv?standing=failed"' in bob.get("/compliance?standing=failed").text


def test_pages_of_deviations(visit, approve, prove, people):
    names = [f"p{number:02}" for number in range(52)]
    approve(["web1"], dict.fromkeys(names, "1"))
    prove("web1", dict.fromkeys(names, ("failed", "0")))
    bob = visit("bob")
    page = bob.get("/compliance?standing=failed")
    (onward,) = re.findall(r'href="(/compliance\?[^"]*after_since[^"]*)"', page.text)
    rest = bob.get(onward.replace("&amp;", "&").split("#")[0])
    shown = [re.findall(r"package</span> (p\d\d)", one.text) for one in (page, rest)]
    assert (len(shown[0]), sorted(shown[0] + shown[1])) == (50, names)
    assert "First page" in rest.plain
    for bad in (
        "after_since=x&after_minion=a&after_standing=b&after_kind=c&after_name=d", "after_since=2026-01-01",
        "after_since=2026-01-01&after_minion=a%00&after_standing=b&after_kind=c&after_name=d", "group=a%00",
    ):  # fmt: skip
        assert bob.get(f"/compliance?{bad}").status_code == 400, bad


def test_the_job_log_and_its_filters(visit, job, people):
    odd = job(["web1"], "cmd.run", "carol", "salt web1 cmd.run uptime", age_s=7200, target="web1")
    ping = job(["web1", "web2"], "test.ping", "root")
    bob = visit("bob")
    page = bob.get("/jobs").plain
    assert page.index(ping) < page.index(odd)
    assert f"salt web1 cmd.run uptime job {odd} carol no request web1 1 did not return" in page
    for query, found in (
        ({"minion": "web2"}, {ping}), ({"user": "carol"}, {odd}), ({"fun": "cmd.*"}, {odd}),
        ({"fun": "nothing"}, set()), ({"minion": " web1 ", "user": "root"}, {ping}),
        ({"until": "2001-01-01"}, set()), ({"request": "7"}, set()),
    ):  # fmt: skip
        page = bob.get("/jobs", params=query)
        assert (page.status_code, {jid for jid in (odd, ping) if jid in page.plain}) == (200, found), query
        assert ("No job in the log is like that." in page.plain) == (not found)
    for query, sentence in (
        ({"minion": "web9"}, "unknown minion: 'web9'."), ({"from": "soon"}, "or 14:00 of today"),
        ({"request": "x"}, "is not the number of a request"), ({"before_at": "x", "before_job": "1"}, "before_at"),
    ):  # fmt: skip
        page = bob.get("/jobs", params=query)
        assert (page.status_code, sentence in page.plain) == (422, True), (query, page.plain)
    assert bob.get("/jobs?user=a%00").status_code == 400
    assert '<a href="/jobs?minion=web1">' in bob.get("/minions/web1").text


def test_pages_of_jobs(visit, job, people):
    jids = [job(["web1"], "test.ping") for _ in range(53)]
    bob = visit("bob")
    page = bob.get("/jobs?fun=test.*")
    (onward,) = re.findall(r'href="(/jobs\?[^"]*before_at[^"]*)"', page.text)
    assert "fun=test.%2A" in onward
    rest = bob.get(onward.replace("&amp;", "&"))
    shown = [re.findall(r"job (\d{20})", one.plain) for one in (page, rest)]
    assert (len(shown[0]), sorted(shown[0] + shown[1])) == (50, sorted(jids))
    assert "First page" in rest.plain
