"""How pages say what the database knows."""

import datetime

import pytest

from saltext.approval.portal import wording


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "just now"), (59, "just now"), (61, "in 1 minute"), (-7300, "2 hours ago"), (-86_400 * 1.5, "1 day ago"),
     (86_400 * 40 + 9, "in 40 days")],
)  # fmt: skip
def test_how_far_a_time_is_away(monkeypatch, seconds, words):
    now = datetime.datetime(2026, 11, 30, 12, tzinfo=datetime.timezone.utc)
    monkeypatch.setattr(wording, "now", lambda: now)
    assert f"({words})" in wording.when(now + datetime.timedelta(seconds=seconds))


def test_times_of_the_database_in_all_of_their_forms():
    for text in ("2026-12-05T23:04:05.12345+01:00", "2026-12-05T22:04:05+00:00"):
        assert '<time datetime="2026-12-05T22:04:05Z">Sat 5 Dec 2026, 22:04 UTC' in wording.when(text)


def test_what_went_wrong_comes_first():
    counts = {"converged": 7, "waiting": 1, "failed": 2, "withdrawn": 1}
    assert [name for name, _ in wording.in_order(counts)] == ["failed", "waiting", "converged", "withdrawn"]


def test_a_bar_is_filled_and_shows_the_fewest():
    parts = wording.bar({"converged": 99_999, "failed": 1})
    assert [part[2:] for part in parts] == [("bad", "failed", 1), ("good", "converged", 99_999)]
    assert parts[0][1] > 0.9
    assert parts[-1][0] + parts[-1][1] == pytest.approx(100, abs=0.1)
    assert wording.bar({}) == []


def test_items_as_people_read_them():
    package = {
        "kind": "package",
        "type": "version",
        "value": "1.2",
        "pinned": "1.2-3",
        "outcome": "waiting",
        "before": None,
    }
    assert (wording.wanted(package), wording.before(package)) == ("1.2 (1.2-3)", None)
    absent = {**package, "type": "absent", "before": {"value": None}, "outcome": "converged"}
    assert (wording.wanted(absent), wording.before(absent), wording.observed(absent)) == ("absent", "absent", "absent")
    action = {"kind": "action", "type": "action", "value": {"at_time": 5}, "before": {"value": "x" * 3000}}
    assert wording.wanted(action) == '{"at_time": 5}'
    assert wording.before(action).endswith("… (3,000 characters)")


def test_a_name_stays_as_it_is_written():
    assert wording.sentence("bob has decided already") == "bob has decided already."
    assert wording.sentence("Look at it again.") == "Look at it again."
    assert wording.count_of(1, "minion") == "1 minion"
    assert wording.count_of(1200, "minion") == "1,200 minions"
    assert wording.short("sha256:0123456789abcdef") == "0123456789ab"
