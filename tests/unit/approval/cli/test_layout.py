"""How text looks: times, tables as wide as the terminal, and many minions in few words."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext.approval.cli import layout


@pytest.mark.parametrize(
    ("minions", "text"),
    [
        (["web1"], "web1"),
        (["web2", "web10", "web1"], "web1, web2, web10"),
        ([f"web{number}" for number in range(1, 201)], "200 minions: web[1-200]"),
        ([f"web{number:03}.example.org" for number in range(1, 13)], "12 minions: web[001-012].example.org"),
        (["web1", "web2", "web3", "db1"], "4 minions: db1, web[1-3]"),
        (["web09", "web10", "web11", "web9"], "4 minions: web09, web[9-11]"),
        (["web[1-2]", "web1", "web2", "web3"], "4 minions: web[1-3], web[1-2]"),
        ([f"host-{number * 7}" for number in range(100)], "100 minions: host-0, host-7, ... host-693"),
        (["a", "b", "c", "d"], "4 minions: a, b, c, d"),
        (["evil\x1b[31m", "x"], "evil?[31m, x"),
    ],
)
def test_many_minions_in_few_words(minions, text):
    assert layout.fold(minions) == text


def test_the_times_in_a_sentence(monkeypatch):
    said = "held until Sat 2026-12-05 23:30 UTC by freeze Sat, sent Wed 2026-07-01 10:00 UTC"
    assert layout.sentence(said) == said
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        with layout.looking():
            assert layout.sentence(said) == (
                "held until Sun 2026-12-06 00:30 +01:00 by freeze Sat, sent Wed 2026-07-01 12:00 +02:00"
            )
            assert layout.sentence("Sat 2026-13-05 23:30 UTC") == "Sat 2026-13-05 23:30 UTC"
            assert layout.sentence(None) == "-"
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.lists(st.text("web0129[]-.", min_size=1, max_size=6), min_size=1, max_size=30))
def test_a_fold_says_how_many_there_are(minions):
    ids = set(minions)
    text = layout.fold(minions)
    assert text.startswith(f"{len(ids)} minions: ") or (
        len(ids) <= layout.FEW and all(minion in text for minion in ids)
    )


TIMES = [
    "2026-11-29T15:00:00Z",
    "2026-11-29T15:00:00.1+00:00",
    "2026-11-29T15:00:00.123456+00",
    "2026-11-29T16:00:00+01:00",
]


@pytest.mark.parametrize("text", TIMES)
def test_a_time_to_the_second(text):
    assert layout.cell(text) == "2026-11-29 15:00:00 UTC"
    assert layout.plain(text) == text


@pytest.mark.parametrize(
    "text", ["2026-11-29T15:00:00Z is late", "0001-01-01T00:00:00+23:00", "2026-13-29T15:00:00Z", "x"]
)
def test_what_is_no_time_stays(text):
    assert layout.cell(text) == text


class TestTables:
    def at(self, width, rows=None):
        rows = rows or [{"a": "web1", "b": None, "text": "word " * 40}]
        columns = {"a": "A", "b": "B", "text": ""}
        token = layout._look.set(layout.Look(width))
        try:
            return layout.table(rows, columns).splitlines()
        finally:
            layout._look.reset(token)

    def test_without_a_terminal_a_row_is_a_line(self):
        assert self.at(None) == ["A     B", f"web1  -  {('word ' * 40).strip()}"]

    @pytest.mark.parametrize("width", [20, 40, 79, 120, 400])
    def test_on_one_nothing_is_wider_and_nothing_is_lost(self, width):
        lines = self.at(width)
        assert max(map(len, lines)) <= max(width, 30)
        assert " ".join(lines).split().count("word") == 40

    def test_a_word_is_never_broken(self):
        rows = [{"a": "x" * 100, "b": "y z " * 30, "text": None}]
        lines = self.at(60, rows)
        assert "x" * 100 in lines[1]

    def test_rows_that_differ_in_the_minion_are_one(self):
        rows = [{"minion": minion, "name": name} for minion in ("b", "a") for name in ("x", "y")]
        assert layout.grouped(rows, ["name"]) == [
            {"minion": ["b", "a"], "name": "x"}, {"minion": ["b", "a"], "name": "y"},
        ]  # fmt: skip
