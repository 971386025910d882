"""Durations as people write them."""

import datetime

import pytest

from saltext.approval.intake import durations


@pytest.mark.parametrize("text", ["6 hours", "1 day 30 minutes", "2 weeks", "1 hour"])
def test_durations(text):
    assert durations.text(durations.parse("it", text)) == text


def test_durations_are_read_in_any_unit():
    assert durations.parse("it", "90 Minutes") == datetime.timedelta(hours=1.5)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("4 hours", "4 hours"),
        ("PT4H", "4 hours"),
        ("P1DT12H30M", "1 day 12 hours 30 minutes"),
        (90, "90 seconds"),
        ("P2W", "2 weeks"),
    ],
)
def test_durations_for_people(given, shown):
    assert durations.spelled_out(given) == shown
