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


def item(name, value, standing="converged", **more):
    return {
        "kind": "package",
        "name": name,
        "type": "version",
        "value": value,
        "request": 1,
        "standing": standing,
        **more,
    }


def test_what_documents_to_come_change():
    documents = [
        {"in_force": True, "items": [item("hello", "1"), item("sl", "5")]},
        {"in_force": False, "items": [item("hello", "1"), item("sl", "5", "waiting")]},
        {"in_force": False, "items": [item("hello", "2"), item("nginx", "1")]},
        {"in_force": False, "items": []},
    ]
    steps = wording.to_come(documents)
    assert [document for document, _ in steps] == documents[2:]
    told = [[(one["name"], one["value"], one.get("ends", False)) for one in changes] for _, changes in steps]
    assert told == [
        [("hello", "2", False), ("nginx", "1", False), ("sl", "5", True)],
        [("hello", "2", True), ("nginx", "1", True)],
    ]
    assert wording.in_force(documents) is documents[0]
    assert wording.to_come(documents[2:3])[0][1] == documents[2]["items"]
    assert wording.in_force([]) is None


def test_how_a_minion_stands_as_a_sentence():
    items = [item("b", "1"), item("a", "1"), item("c", "1", "waiting"), item("d", "1", "drifted")]
    assert [one["name"] for one in wording.worst_first(items)] == ["d", "c", "a", "b"]
    assert wording.told(wording.standings(items)) == (
        "Proven to be as approved: 2 of 4 resources; 1 drifted, 1 waiting."
    )
    assert wording.told(wording.standings(items[:2])) == "All that is approved for it is proven to be there."


@pytest.mark.parametrize(
    ("ok", "failed", "silent", "seconds", "words"),
    [(1200, 1, 0, 4.25, "1,200 did it, 1 failed, 4.2 s"), (0, 0, 2, None, "2 did not return"),
     (None, None, None, None, "nothing returned yet")],
)  # fmt: skip
def test_what_came_of_a_job(ok, failed, silent, seconds, words):
    assert wording.came_of({"ok": ok, "failed": failed, "silent": silent, "duration_s": seconds}) == words


def test_how_many_minions_are_in_line():
    counts = {"converged": 1999, "drifting": 1, "unknown": 7, "failed": 0}
    assert wording.approved(counts) == {"converged": 1999, "drifting": 1}
    assert wording.in_line(wording.approved(counts)) == "1,999 of 2,000 minions are in line (99.9\N{NO-BREAK SPACE}%)."
    assert wording.in_line({"waiting": 1}) == "0 of 1 minion is in line (0\N{NO-BREAK SPACE}%)."
    assert wording.in_line({"converged": 1}) == "1 of 1 minion is in line (100\N{NO-BREAK SPACE}%)."
