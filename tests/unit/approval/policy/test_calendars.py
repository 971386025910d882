"""When calendars open: local time across changes of the clocks, and rules that are none."""

import datetime

import pytest

from saltext.approval.errors import InputError
from saltext.approval.policy import calendars

UTC = datetime.timezone.utc


def calendar(rule="FREQ=DAILY", **changes):
    body = {
        "rule": rule,
        "time_zone": "Europe/Berlin",
        "duration": "2 hours",
        "starts_on": "2026-01-01 22:00",
    }
    return calendars.parse("calendar night", {**body, **changes})


def openings(now, count, *args, **changes):
    found = calendar(*args, **changes).openings(datetime.datetime.fromisoformat(now).replace(tzinfo=UTC))
    return [opening.strftime("%Y-%m-%d %H:%M") for opening in found[:count]]


def test_the_local_time_stays_when_the_clocks_change():
    # Berlin goes to summer time on 29 March 2026, at 01:00 UTC, and back on 25 October.
    assert openings("2026-03-28", 2) == ["2026-03-28 21:00", "2026-03-29 20:00"]
    assert openings("2026-10-24", 2) == ["2026-10-24 20:00", "2026-10-25 21:00"]


def test_a_time_that_the_clocks_leave_out_is_read_with_the_offset_before():
    early = {"starts_on": "2026-01-01 02:30"}
    assert openings("2026-03-28T00:00", 3, **early) == [
        "2026-03-28 01:30",
        "2026-03-29 01:30",
        "2026-03-30 00:30",
    ]


def test_of_a_time_that_comes_twice_the_first_counts():
    early = {"starts_on": "2026-01-01 02:30"}
    assert openings("2026-10-24T12:00", 2, **early) == ["2026-10-25 00:30", "2026-10-26 01:30"]


def test_what_is_open_now_counts():
    assert openings("2026-06-01 21:59", 1) == ["2026-06-01 20:00"]
    assert openings("2026-06-01 22:01", 1) == ["2026-06-02 20:00"]


def test_a_year_ahead_and_no_more():
    found = calendar().openings(datetime.datetime(2026, 6, 1, tzinfo=UTC))
    assert (len(found), found[-1]) == (366, datetime.datetime(2027, 6, 1, 20, tzinfo=UTC))


def test_until_in_utc_and_a_prefix():
    rule = "RRULE:FREQ=DAILY;UNTIL=20260329T200000Z"
    assert openings("2026-03-27", 9, rule) == ["2026-03-27 21:00", "2026-03-28 21:00", "2026-03-29 20:00"]
    assert openings("2027-01-01", 9, rule) == []


def test_the_second_tuesday_of_the_month():
    rule = "FREQ=MONTHLY;BYDAY=2TU;BYHOUR=3,15;BYMINUTE=0"
    assert openings("2026-06-01", 3, rule, time_zone="UTC") == [
        "2026-06-09 03:00", "2026-06-09 15:00", "2026-07-14 03:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rule": "every night"}, "'every night' is not a recurrence rule of RFC 5545"),
        ({"rule": "FREQ=FORTNIGHTLY"}, "FREQ must be YEARLY, MONTHLY, WEEKLY, DAILY"),
        ({"rule": "FREQ=SECONDLY"}, "BYHOUR gives several a day"),
        (
            {"rule": "FREQ=WEEKLY;BYDAY=XX"},
            "'FREQ=WEEKLY;BYDAY=XX' is not a recurrence rule of RFC 5545: invalid",
        ),
        ({"rule": "FREQ=DAILY;COLOUR=RED"}, "unknown parameter"),
        ({"rule": "FREQ=DAILY;INTERVAL=0"}, "is not a recurrence rule"),
        ({"rule": "FREQ=DAILY;INTERVAL=x"}, "is not a recurrence rule"),
        ({"rule": "FREQ=DAILY;UNTIL=soon"}, "is not a recurrence rule"),
        ({"rule": "FREQ=DAILY;UNTIL=20261399T000000Z"}, "is not a recurrence rule"),
        ({"rule": "FREQ=DAILY;BYHOUR=25"}, "is not a recurrence rule"),
        ({"rule": "DTSTART:20260101T000000\nRRULE:FREQ=DAILY"}, "give one RRULE alone"),
        (
            {"rule": "FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24))) + ";BYMINUTE=0,30"},
            "it opens more than 10000 times a year",
        ),
        ({"rule": 7}, "calendar night: rule must be text"),
        ({"time_zone": "Europe/Atlantis"}, "there is no time zone 'Europe/Atlantis'"),
        ({"time_zone": "../etc/passwd"}, "there is no time zone"),
        ({"duration": "long"}, "calendar night: duration: 'long' is not a duration"),
        ({"duration": "0 hours"}, "is not a duration"),
        ({"duration": "2 hours and more"}, "is not a duration"),
        ({"duration": 7200}, "calendar night: duration must be text"),
        ({"starts_on": "soon"}, "calendar night: starts_on: 'soon' is not a date"),
        ({"starts_on": "2026-01-01T22:00Z"}, "names an offset"),
        ({"starts_on": None}, "calendar night has no starts_on"),
    ],
)
def test_a_mistake_is_named(changes, named):
    with pytest.raises(InputError) as raised:
        calendar(**changes)
    assert named in str(raised.value)
    assert "\n" not in str(raised.value)
