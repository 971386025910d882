"""Messages free of a form: characters that act on others are seen, and what is cut says so."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext.approval.chat.message import At, Bold, Link, cut, plain_line, shown, size

WHEN = datetime.datetime(2026, 11, 30, 8, 5, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("web1", "web1"),
        ("a\nb\tc\0", "a␊b␉c␀"),
        ("\x1b[31m\x7f", "␛[31m␡"),
        ("gpj.\u202etxt", "gpj.⟨U+202E⟩txt"),
        ("\u2066a\u2069", "⟨U+2066⟩a⟨U+2069⟩"),
        ("zero\u200bwidth\ufeff", "zero⟨U+200B⟩width⟨U+FEFF⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("\u2028", "⟨U+2028⟩"),
        ("Zürich 東京 🚀", "Zürich 東京 🚀"),
    ],
)
def test_each_character_is_seen(text, seen):
    assert shown(text) == seen


def test_lines_of_code_stay():
    assert shown("a\n\tb\r", keep="\n\t") == "a\n\tb␍"


@given(st.text(st.characters()))
def test_nothing_acts_on_others(text):
    assert shown(shown(text)) == shown(text)
    shown(text).encode()  # halves of pairs could not be sent


@given(st.text(), st.integers(1, 40))
def test_cut_is_short_and_marked(text, longest):
    short = cut(text, longest)
    assert size(short) <= longest
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


def test_pairs_count_twice():
    assert size("a🚀") == 3
    assert cut("🚀🚀🚀", 5) == "🚀🚀…"
    assert cut("🚀🚀🚀", 4) == "🚀…"


def test_links_lead_to_pages_only():
    with pytest.raises(ValueError, match="http or https"):
        Link("click", "javascript:alert(1)")


def test_a_moment_has_a_zone():
    with pytest.raises(ValueError, match="time zone"):
        At(WHEN.replace(tzinfo=None))


def test_the_words_of_a_line():
    assert (
        plain_line((Bold("web1"), " at ", At(WHEN), " ", Link("more", "https://x/")))
        == "web1 at 2026-11-30 07:05 UTC more"
    )
