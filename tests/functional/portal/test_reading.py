"""In which language and time zone somebody reads the pages, by a browser that runs no script."""

import datetime
import re

import pytest

BERLIN = {"Cookie": "zone=Europe/Berlin"}


@pytest.fixture
def choose():
    """A function that has a Visitor send the form of the choice, with these fields; gives the answer."""

    def send(visitor, headers=None, **fields):
        return visitor.post("/reading", {"zone": "UTC", "language": "en", **fields}, headers=headers)

    return send


def test_a_choice_is_kept_and_holds_for_every_page(visit, choose, client):
    number = client("alice").request("package", ["web1"], {"hello": "1"}, "CHG-1")["request"]
    bob = visit("bob")
    assert " UTC (" in bob.get(f"/requests/{number}").plain
    shown = bob.get("/reading?next=/jobs")
    assert re.findall(r"<option selected>([^<]*)", shown.text) == ["UTC"]
    assert "<option>Europe/Berlin</option>" in shown.text
    answer = choose(bob, zone="Asia/Tokyo", next="/jobs")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/jobs")
    page = bob.get(f"/requests/{number}")
    at = datetime.datetime.fromisoformat(re.search('datetime="([^"]+)Z"', page.text)[1])
    assert f"{at + datetime.timedelta(hours=9):%H:%M} JST (" in page.plain
    assert "Asia/Tokyo" in bob.get("/sessions").plain
    assert 'action="/reading"' in visit().get("/reading").text


def test_what_is_no_choice(visit, choose):
    stranger = visit()
    for zone in ("", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "localtime", "Europe", "é", "x" * 300):
        assert choose(stranger, zone=zone).status_code == 400, zone
        page = stranger.get("/login", headers={"Cookie": f"zone={zone}".encode()})
        assert (page.status_code, bool(re.search(r"As of .* UTC \.", page.plain))) == (200, True), zone
    for language in ("", "fr", "de_DE", "../de"):
        assert choose(stranger, language=language).status_code == 400, language
        page = stranger.get("/login", headers={"Cookie": f"language={language}".encode()})
        assert (page.status_code, '<html lang="en">' in page.text) == (200, True), language
    assert choose(stranger, zone="UTC\0").status_code == choose(stranger, language="en\0").status_code == 400
    assert choose(stranger, {"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert dict(stranger.cookies).keys().isdisjoint({"zone", "language"})
    for elsewhere in ("https://example.com/", "//example.com", "/reading", "javascript:alert(1)", "/inbox?x"):
        assert choose(stranger, next=elsewhere).headers["Location"] == "/inbox"


def test_what_is_typed_is_in_the_zone_that_is_shown(visit, choose, people, job):
    bob = visit("bob")
    choose(bob, zone="Asia/Tokyo")
    jid = job()
    shown = bob.get("/jobs?minion=web1").text
    at = datetime.datetime.fromisoformat(re.search('datetime="([^"]+)Z"', shown)[1]) + datetime.timedelta(hours=9)
    before, behind = (f"{at + datetime.timedelta(minutes=minutes):%Y-%m-%dT%H:%M}" for minutes in (-1, 2))
    assert jid in bob.get("/jobs", params={"from": before, "until": behind}).text
    assert jid not in bob.get("/jobs", params={"until": before}).text
    assert "14:00 is today" in bob.get("/audit").plain
    # Typed times stay in the zone of their form, though another was chosen meanwhile.
    form = bob.hidden("/requests/new?type=package&minions=web1")
    assert form["zone"] == "Asia/Tokyo"
    choose(bob, zone="UTC")
    tomorrow = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    wanted = {"minions": "web1", "items": "hello 1", "reason": "CHG-1", "after": f"{tomorrow:%Y-%m-%d}T10:00"}
    preview = bob.post("/requests/new/form", {**form, **wanted, "act": "look"})
    assert f'datetime="{tomorrow:%Y-%m-%d}T01:00:00Z"' in preview.text
    assert bob.post("/requests/new/form", {**form, **wanted, "act": "look", "zone": "nowhere"}).status_code == 400


def test_a_script_of_ours_alone_and_only_where_no_zone_is_known(visit):
    stranger = visit()
    first, later = stranger.get("/login"), stranger.get("/login", headers=BERLIN)
    script = re.search(r'<script src="(/static/[0-9a-f]+/zone\.js)" defer></script>', first.text)[1]
    assert stranger.get(script).headers["Content-Type"].startswith("text/javascript")
    assert "script-src 'self'" in first.headers["Content-Security-Policy"]
    assert "<script" not in later.text
    assert "script-src" not in later.headers["Content-Security-Policy"]
    assert {"Cookie", "Accept-Language"} <= set(first.headers["Vary"].split(", "))


def test_in_german_from_the_browser_or_as_chosen(visit, choose, client):
    number = client("alice").request("package", ["web1", "web2"], {"hello": "1"}, "CHG-1")["request"]
    stranger = visit()
    page = stranger.get("/login", headers={"Accept-Language": "de-AT,en;q=0.5"})
    assert ("Anmelden" in page.plain, '<html lang="de">' in page.text) == (True, True)
    assert page.headers["Content-Language"] == "de"
    assert stranger.get("/login").headers["Content-Language"] == "en"
    bob = visit("bob")
    choose(bob, language="de", zone="Europe/Berlin")
    assert "1 Antrag wartet auf Sie." in bob.get("/inbox").plain
    page = bob.get(f"/requests/{number}")
    assert f"Antrag {number} in Genehmigung" in page.plain
    assert "2 Posten auf 2 Minions genehmigen" in page.plain
    for path in (
        "/requests/new",
        "/minions",
        "/minions/web1",
        "/compliance",
        "/calendar",
        "/jobs",
        "/what-if",
        "/audit",
    ):
        assert bob.get(path).headers["Content-Language"] == "de"
    answer = bob.decide(number, "approve")
    assert "Ihre Genehmigung ist vermerkt." in bob.get(answer.headers["Location"]).plain
    assert "es gibt keinen Antrag 99." in bob.get("/requests/99").plain
    # Texts that programs read stay as they are.
    assert bob.get("/nothing", headers={"Accept": "application/json"}).json()["detail"] == (
        "There is nothing at this address."
    )
    assert "Unter dieser Adresse gibt es nichts." in bob.get("/nothing", headers={"Accept": "text/html"}).plain
