"""What the database says, in another language: every code has its sentence, and every sentence is one that it says."""

import pathlib
import re

import pytest
from flask import Flask

from saltext.approval.client import readings
from saltext.approval.errors import InputError, Refused
from saltext.approval.portal import sayings, wording
from saltext.approval.portal.reader import gettext

ROOT = pathlib.Path(__file__).resolve().parents[3]
FUNCTIONS = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "sql/functions").glob("*/*.sql")))
CODES = sorted(set(re.findall(r"ERRCODE = '(AP\d+)'", FUNCTIONS)))
# Literals that stand side by side are one.
LITERALS = re.sub(r"'\s*\n\s*'", "", re.sub(r"^ *--.*", "", FUNCTIONS, flags=re.MULTILINE)).replace("''", "'")
# What the functions put together of parts, as each word of it may be another.
TOGETHER = re.compile(
    "it has no plan|has no plan|effect|caught up|is not dispatched|waits? for request|contradicts request|"
    "waits? since|highstate brings|could not be worked off|, or %|minions? %|%, %|; %"
)
EXAMPLES = {
    "n": "2", "needed": "3", "number": "7", "other": "8", "stage": "1", "job": "20261205220405123456",
    "state": "expired", "how": "asserted", "least": "authenticated", "group": "release",
    "rest": "2 minions due, not sent yet",
    "time": "Sat 2026-12-05 22:04 UTC", "why": "due, not sent yet", "who": "1 of release", "or_who": "2 of ops",
}  # fmt: skip


@pytest.fixture
def german():
    """Somebody in Berlin reads."""
    with Flask("test").test_request_context(headers={"Accept-Language": "de", "Cookie": "zone=Europe/Berlin"}):
        yield


@pytest.fixture
def english():
    """Somebody in New York reads."""
    with Flask("test").test_request_context(headers={"Accept-Language": "en", "Cookie": "zone=America/New_York"}):
        yield


def filled(sentence):
    """The sentence with an example of each part."""
    return sayings.FIELD.sub(lambda part: EXAMPLES.get(part[1], "thing"), sentence)


def test_every_code_has_a_sentence():
    assert sorted(sayings.REFUSALS) == CODES
    documented = re.findall(r"^\| (AP\d+) \|", (ROOT / "docs/model.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert documented == CODES


@pytest.mark.parametrize("code", CODES)
def test_a_refusal_in_german(german, code):
    said = sayings.said(Refused("nobody <said> so", code))
    sentence = gettext(sayings.REFUSALS[code])
    assert sentence != sayings.REFUSALS[code]
    assert said == f'{sentence} <span lang="en">nobody &lt;said&gt; so.</span>'
    assert sayings.said("nobody <said> so", code) == said


@pytest.mark.parametrize("sentence", sayings.SENTENCES)
def test_a_sentence_is_one_of_the_database_and_is_known_again(german, sentence):
    pieces = sayings.FIELD.split(sentence)[::2]
    if not TOGETHER.search(sayings.FIELD.sub("%", sentence)):
        assert [piece for piece in pieces if piece not in LITERALS] == []
    parts = {name: filled(f"%({name})s") for name in sayings.FIELD.findall(sentence)}
    translated = {
        name: {"state": "abgelaufen", "how": "behauptet", "least": "nachgewiesen"}.get(name)
        or ("Sa., 5. Dez. 2026, 23:04 CET" if name == "time" else None)
        or (sayings.in_words(value) if name in sayings.INNER else value)
        for name, value in parts.items()
    }
    assert sayings.in_words(filled(sentence)) == gettext(sentence) % translated


def test_what_is_not_known_stays_as_it_is(german):
    assert sayings.said("a new thing") == '<span lang="en">a new thing.</span>'
    assert sayings.part("a new thing") == "a new thing"
    assert sayings.said(InputError("so geht es nicht")) == "so geht es nicht."
    # A part that is not known leaves all of it as it is, not half of it.
    assert sayings.in_words("request 7 cannot be approved yet: a new thing") is None
    assert sayings.in_words("stage 1 (release): 1 of release, or blocked, ops has 0 of 1 approvers it needs") == (
        "Stufe 1 (release): 1 aus release, oder blockiert, ops hat 0 von 1 nötigen Genehmigenden"
    )


def test_english_stays_with_its_times_in_the_zone(english):
    assert sayings.said(Refused("bob is no approver of <it>", "AP008")) == "bob is no approver of <it>."
    held = "held until Sat 2026-12-05 22:04 UTC by calendar weekend"
    assert sayings.said(held) == "held until Sat 5 Dec 2026, 17:04 EST by calendar weekend."


@pytest.mark.parametrize("groups", [[], ["db", "web"]])
def test_pages_and_commands_say_the_same_of_what_is_left_out(english, groups):
    assert set(wording.LEFT_OUT) == set(readings.LEFT_OUT)
    for what in wording.LEFT_OUT:
        assert wording.left_out(groups, what) == readings.left_out(groups, what)
