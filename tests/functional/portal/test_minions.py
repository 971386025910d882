"""The pages on minions, by a browser that runs no script: what they show, and what is refused."""

import datetime
import re
from urllib.parse import quote


def test_nobody_sees_a_minion_without_a_session(visit, approve):
    approve(["web1"], {"hello": "2.12-1"})
    stranger = visit()
    name = "%E6%97%A5%E6%9C%AC"
    for path, leads_to in (
        ("/minions", "/minions"),
        ("/minions/web1", "/minions/web1"),
        (f"/minions/{name}", f"/minions/{quote(name)}"),
    ):
        answer = stranger.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/login?next={leads_to}")
        assert "hello" not in answer.text
        assert stranger.post(path, {}).status_code == 405
    answer = stranger.sign_in("bob", next=f"/minions/{name}")
    assert answer.headers["Location"] == f"/minions/{name}"
    assert "日本 · Minions" in stranger.get(f"/minions/{name}").plain


def test_to_find_a_minion(visit, people, odd_minions):
    people.execute("SELECT approval.put_minions(%s)", ([f"app{number:03}" for number in range(60)],))
    bob = visit("bob")
    page = bob.get("/minions")
    assert page.text.count('data-label="Minion"') == 50
    (onward,) = re.findall(r'href="(/minions\?after=[^"]*)"', page.text)
    rest = bob.get(onward)
    assert rest.text.count('data-label="Minion"') == 62 - 50 + len(odd_minions)
    assert "First page" in rest.plain
    page = bob.get("/minions", params={"name": "PP01"})
    assert re.findall(r'href="/minions/([^"]*)"', page.text) == [f"app01{number}" for number in range(10)]
    assert "Next page" not in page.plain
    assert "No minion has nothing at all in its name." in bob.get("/minions", params={"name": "nothing at all"}).plain
    assert "only the beginnings of names are looked at" in bob.get("/minions", params={"name": "pp"}).plain
    for name in ("web1", *odd_minions):
        address = f"/minions/{quote(name, safe='')}"
        assert bob.get("/minions", params={"name": name}).headers["Location"] == address, name
        page = bob.get(address)
        assert (page.status_code, f"{name} · Minions" in page.plain) == (200, True), name
    for name in ("x" * 256, "a\0b"):
        assert bob.get("/minions", params={"name": name}).status_code == 400
        assert bob.get("/minions", params={"after": name}).status_code == 400
        assert bob.get(f"/minions/{quote(name)}").status_code == 400


def test_a_minion_that_is_not_known(visit):
    answer = visit("bob").get("/minions/web9")
    assert answer.status_code == 404
    assert "unknown minion: 'web9'. The engine registers a minion once its key is accepted" in answer.plain


def test_a_minion_for_which_nothing_is_approved(visit):
    page = visit("bob").get("/minions/web1").plain
    assert "Nothing is in force for it." in page
    assert "None wants anything of it that is not proven." in page
    assert "No job in the log names it." in page


def test_what_is_approved_and_what_it_proved(visit, approve, prove, people):
    number = approve(["web1", "web2"], {"hello": "2.12-1", "nginx": "absent", "sl": "5"})
    bob = visit("bob")
    page = bob.get("/minions/web1")
    assert "Proven to be as approved: 0 of 3 resources; 3 waiting." in page.plain
    assert f"Request {number} approved a test 3 items here, by alice" in page.plain
    assert "Last proof none among its last returns" in page.plain
    prove("web1", {"hello": ("converged", "2.12-1"), "nginx": ("converged", None), "sl": ("failed", "4")})
    page = bob.get("/minions/web1")
    assert "Proven to be as approved: 2 of 3 resources; 1 failed." in page.plain
    assert 'aria-label="1 failed, 2 converged"' in page.text
    # Failures come first, with the cause of each.
    assert "package sl 5 found: 4 failed password=" in page.plain
    assert page.plain.index("package sl") < page.plain.index("package hello")
    prove("web1", {"hello": ("drift", "2.10-3"), "nginx": ("converged", None), "sl": ("converged", "5")})
    page = bob.get("/minions/web1")
    assert 'aria-label="1 drifted, 2 converged"' in page.text
    assert "package hello 2.12-1 found: 2.10-3 drifted since" in page.plain
    assert "Last proof drift" in page.plain
    assert "None wants anything of it that is not proven." in page.plain
    assert "hunter2" not in page.text
    ((digest,),) = people.execute("SELECT digest FROM approval.document WHERE minion_id = 'web1'")
    assert f"revision 1, {digest.split(':')[1][:12]}…" in page.plain
    found = bob.get("/minions", params={"name": "eb1"})
    assert "web1 1 drifted 2 converged revision 1" in found.plain
    # Of the other minion nothing is told here.
    assert "web2" not in page.plain
    assert '<a href="/minions/web1">web1</a>' in bob.get(f"/requests/{number}").text


def test_what_is_held_and_what_comes(visit, approve, client, people):
    after = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=40, minutes=1)
    written = f"{after:%a} {after.day} {after:%b %Y, %H:%M} UTC (in 40 days)"
    first = approve(["web1"], {"hello": "1", "sl": "5"})
    later = approve(["web1"], {"hello": "2"}, after=after.isoformat(), overlap="supersede")
    bob = visit("bob")
    page = bob.get("/minions/web1").plain
    assert f"package hello → 2 is held until {written} ( request {later} )." in page
    assert f"From {written} on package hello → 2 ( request {later} )" in page
    assert f"package hello 1 waiting request {first}" in page
    people.execute(
        "SELECT approval.put_freeze('year-end', now() - interval '1h', now() + interval '49h', NULL, NULL, 'x')"
    )
    number = approve(["web2"], {"hello": "3"})
    page = bob.get("/minions/web2").plain
    assert re.search(
        rf"package hello → 3 is held until .* \(in 2 days\) by freeze year-end \( request {number} \)", page
    )
    waiting = client("alice").request("package", ["web2"], {"nginx": "1"}, "soon")["request"]
    assert f"Request {waiting} pending soon 1 item here, by alice" in bob.get("/minions/web2").plain


def test_a_minion_that_is_silent_or_was_removed(visit, people, job):
    jid = job(["web1"])
    people.execute(
        "INSERT INTO approval.silence VALUES ('web1', now() - interval '3h', %s, 'state.apply', now(), 2)", (jid,)
    )
    people.execute("SELECT approval.remove_minions('salt', 'alice', '{web2}', '')", login="operator")
    bob = visit("bob")
    page = bob.get("/minions/web1").plain
    assert f"(3 hours ago) : no answer to state.apply (job {jid}). Before that, 1 was not answered." in page
    assert "web1 silent nothing approved" in bob.get("/minions", params={"name": "web"}).plain
    assert "no request may name it" in bob.get("/minions/web2").plain
    assert "web2" not in bob.get("/minions", params={"name": "web"}).plain


def test_what_ran_on_it_and_what_it_returned(visit, approve, job, prove):
    approve(["web1"], {"hello": "1"})
    proof = prove("web1", {"hello": ("converged", "1")})
    many = job([f"web{number}" for number in (1, 2)], "cmd.run", "carol", "salt 'web*' cmd.run uptime", target="web*")
    other = job(["web2"], "test.ping")
    page = visit("bob").get("/minions/web1").plain
    assert f"salt 'web*' cmd.run uptime job {many} carol no request web1 , web2 glob web* 2 did not return" in page
    assert re.search(rf"state\.apply job {proof} by root converged nothing", page)
    assert other not in page


def test_texts_of_minions_are_text(visit, job, people):
    evil, odd = "<script>alert(1)</script>", '"><script>x'
    job(["web1"], "cmd.run", evil, f"salt web1 cmd.run '{evil}'", target=evil)
    people.execute("SELECT approval.put_minions(%s)", ([odd],))
    bob = visit("bob")
    for path in ("/minions/web1", "/minions", f"/minions/{quote(odd)}", f"/minions?name={quote(evil)}"):
        answer = bob.get(path)
        assert (answer.status_code, "<script>" in answer.text) == (200, False), path
