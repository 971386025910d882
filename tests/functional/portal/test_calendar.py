"""The page with windows, freezes and what waits for them, by a browser that runs no script."""

import datetime
import re

import icalendar
import pytest

UTC = datetime.timezone.utc
TYPE = (
    '{"name": "windowed", "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": [], '
    '"calendar": "nightly"}'
)


@pytest.fixture
def windows(people, client):
    """Openings in December 2099 and tomorrow, a freeze at the turn of that year; the number of a request that waits."""
    tomorrow = (datetime.datetime.now(UTC) + datetime.timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    openings = [tomorrow, *(datetime.datetime(2099, 12, day, 23, 30, tzinfo=UTC) for day in (5, 12))]
    people.execute(
        "SELECT approval.put_calendar('nightly', 'FREQ=DAILY', 'Europe/Berlin', '2 hours', '2026-01-01 02:00', %s)",
        (openings,),
    )
    people.execute("SELECT approval.put_request_type(%s)", (TYPE,))
    people.execute("SELECT approval.put_minion_group('shops', '', '{web1}')")
    people.execute(
        "SELECT approval.put_freeze('year-end', '2099-12-20 00:00+00', '2100-01-07 00:00+00', 'windowed', 'shops', %s)",
        ("rest <b>",),
    )
    return client("alice").request("windowed", ["web1"], {"hello": "1"}, "CHG-8")["request"], tomorrow


def test_nobody_sees_it_without_a_session(visit, windows):
    stranger = visit()
    for page, leads_to in (("/calendar", "/calendar"), ("/calendar.ics", "/inbox")):
        answer = stranger.get(page)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/login?next={leads_to}")
        assert "nightly" not in answer.text
    assert stranger.post("/calendar", {}).status_code == 405


def test_a_month_as_a_list_and_as_a_grid(visit, windows):
    bob = visit("bob")
    page = bob.get("/calendar?month=2099-12")
    assert (
        "Sat 5 Dec, 23:30 until Sun 6 Dec, 01:30 window nightly for windowed Sat 12 Dec, 23:30 until Sun 13 Dec, 01:30 "
        "window nightly for windowed Sun 20 Dec, 00:00 until Thu 7 Jan, 00:00 freeze year-end of type windowed, on "
        "shops: rest <b>" in page.plain
    )
    assert "rest &lt;b&gt;" in page.text
    assert 'href="/calendar?month=2099-11"' in page.text
    assert 'href="/calendar?month=2100-01"' in page.text
    # Of two days of a window, and twelve of the freeze, each has a link to its place in the list.
    links = re.findall(r'href="/calendar\?month=2099-12#(e\d)">', page.text)
    assert links == ["e0", "e0", "e1", "e1", *["e2"] * 12]
    assert all(f'id="{link}"' in page.text for link in links)
    january = bob.get("/calendar?month=2100-01").plain
    assert "since Sun 20 Dec, 00:00 until Thu 7 Jan, 00:00 freeze year-end" in january
    assert "No window opens in this month, and no freeze is on." in bob.get("/calendar?month=2099-03").plain


def test_the_zone_of_the_reader(visit, windows):
    bob = visit("bob")
    bob.cookies.set("zone", "Europe/Berlin", domain="localhost.local")
    page = bob.get("/calendar?month=2099-12")
    assert "times in Europe/Berlin" in page.plain
    assert "Sun 6 Dec, 00:30 until 02:30 window nightly" in page.plain
    assert 'datetime="2099-12-05T23:30:00Z"' in page.text
    for bad in ("month=2099-13", "month=x", "page=x", "page=-1", "request=1%00"):
        assert bob.get(f"/calendar?{bad}").status_code == 400, bad


def test_when_a_request_may_be_applied(visit, windows, client, people, approve):
    number, tomorrow = windows
    bob = visit("bob")
    page = bob.get(f"/calendar?month={tomorrow:%Y-%m}&request={number}").plain
    opens = f"{tomorrow:%a} {tomorrow.day} {tomorrow:%b %Y, %H:%M} UTC (in "
    assert f"Next opening for request {number} {opens}" in page
    assert f"Request {number} windowed : {opens}" in page
    assert f"opening Request {number} may be applied windowed until then held by calendar nightly" in page
    people.execute("SELECT approval.put_freeze('for-good', now(), '2200-01-01', NULL, NULL, '')")
    people.execute(
        "SELECT approval.put_calendar('nightly', 'FREQ=DAILY', 'Europe/Berlin', '2 hours', '2026-01-01 02:00', '{}')"
    )
    page = bob.get(f"/calendar?request={number}").plain
    held = "held by freeze year-end and freeze for-good and calendar nightly"
    assert f"None is known. 1 minion: {held}, no end is known." in page
    assert f"Request {number} windowed : no opening is known, {held}" in page
    pending = client("alice").request("package", ["web2"], {"hello": "1"}, "CHG-9")["request"]
    page = bob.get(f"/calendar?request={pending}").plain
    assert "None is known. It is not approved yet, and its type waits for no calendar." in page
    client("alice").cancel(pending)
    assert "It is cancelled, and waits for nothing any more." in bob.get(f"/calendar?request={pending}").plain
    for wrong, sentence in (("99", "There is no request 99."), ("x", "is not the number of a request")):
        page = bob.get("/calendar", params={"request": wrong})
        assert (page.status_code, sentence in page.plain, f'value="{wrong}"' in page.text) == (422, True, True)


def test_many_openings_are_pages(visit, people):
    start = datetime.datetime(2099, 12, 1, tzinfo=UTC)
    people.execute(
        "SELECT approval.put_calendar('hourly', 'FREQ=HOURLY', 'UTC', '5 minutes', '2026-01-01 00:00', %s)",
        ([start + datetime.timedelta(hours=hour) for hour in range(60)],),
    )
    bob = visit("bob")
    page = bob.get("/calendar?month=2099-12")
    assert page.text.count('data-label="When"') == 50
    assert "21 more" in page.plain
    assert 'href="/calendar?month=2099-12&amp;page=2#e51"' in page.text
    rest = bob.get("/calendar?month=2099-12&page=2")
    assert rest.text.count('data-label="When"') == 10
    assert 'id="e59"' in rest.text


def test_a_file_for_other_calendars(visit, windows):
    number, tomorrow = windows
    answer = visit("bob").get("/calendar.ics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/calendar")
    assert answer.headers["Cache-Control"] == "no-store"
    events = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    found = {
        (str(event["summary"]), event["dtstart"].dt, event["dtend"].dt if "dtend" in event else None)
        for event in events
    }
    # The freeze of 2099 is too far ahead.
    assert found == {
        (f"Request {number} may be applied", tomorrow, None),
        ("Window nightly", tomorrow, tomorrow + datetime.timedelta(hours=2)),
    }
    assert len({str(event["uid"]) for event in events}) == 2
