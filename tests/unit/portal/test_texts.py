"""The texts of the pages: all of them are in the catalogs, and each language has them whole."""

import pathlib
import re

import pytest
import write_texts
from babel.messages import pofile
from flask import Flask

from saltext.approval.portal import reader, wording

ROOT = pathlib.Path(__file__).resolve().parents[3]
TEMPLATES = sorted((ROOT / "portal/templates").glob("*.html"))
LANGUAGES = sorted((ROOT / "portal/locale").glob("*.po"))
FIELD = re.compile(r"%\(\w+\)s")
# Parts of a template that are no text: commands, comments, parts of addresses, the catalog's and the database's words.
NO_TEXT = re.compile(
    r"{% macro (address|told)\b.*?{% endmacro %}|<(pre|code)\b.*?</\2>|{% trans\b.*?{% endtrans %}"
    r"|{#.*?#}|{%.*?%}|{{.*?}}|<[^>]*>|&\w+;",
    re.DOTALL,
)
OF_PEOPLE = re.compile(r'(?:aria-label|data-label|title|alt|placeholder)="([^"]*)"')


def messages(path):
    """The messages of a file, without its header."""
    with path.open("rb") as file:
        return [message for message in pofile.read_po(file) if message.id]


def test_the_catalogs_are_those_of_the_sources():
    for path, text in write_texts.files().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: make texts writes it anew"


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_a_language_is_whole_and_keeps_what_is_filled_in(path):
    assert path.stem in reader.LANGUAGES
    for message in messages(path):
        given = message.id if message.pluralizable else (message.id,)
        said = message.string if message.pluralizable else (message.string,)
        assert len(said) == len(given)
        assert all(said), f"{path.name} lacks {given[0]!r}"
        for text in said:
            assert set(FIELD.findall(text)) == set(FIELD.findall(given[-1])), given[0]
            assert text.endswith(given[-1][-1]) or not given[-1].endswith((":", ".", "?")), given[0]
            assert re.findall("<[^>]*>", text) == re.findall("<[^>]*>", given[-1]), given[0]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_no_text_of_a_template_is_past_the_catalog(path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"[A-Za-z]{2,}.*", NO_TEXT.sub("\n", text)) == []
    named = [re.sub("{%.*?%}|{{.*?}}", "", one) for one in OF_PEOPLE.findall(text)]
    assert [one for one in named if re.search("[A-Za-z]{2}", one)] == []
    assert set(re.findall(r'count_of\("([^"]+)"\)', text)) <= wording.COUNTED.keys()


def test_words_of_requests_and_minions_are_known():
    states = (ROOT / "sql/migrations/0003_create_requests.sql").read_text(encoding="utf-8")
    (rows,) = re.findall(r"INSERT INTO approval\.request_state VALUES(.*?);", states, re.DOTALL)
    assert set(re.findall(r"\('(\w+)',", rows)) <= wording.WORDS.keys()
    assert set(wording.TONES) <= wording.WORDS.keys()


def test_a_page_in_german():
    app = Flask("test")
    with app.test_request_context(headers={"Accept-Language": "de-CH, en;q=0.5", "Cookie": "zone=Europe/Berlin"}):
        assert reader.current().language == "de"
        assert "Sa., 5. Dez. 2026, 23:04 CET" in wording.when("2026-12-05T22:04:05+00:00")
        assert wording.count_of(2000, "minion") == "2.000 Minions"
        assert wording.word("converged") == "umgesetzt"
        assert wording.word("a name") == "a name"
        counts = {"converged": 1999, "drifting": 1}
        assert wording.in_line(counts) == "1.999 von 2.000 Minions sind im Soll (99,9\N{NO-BREAK SPACE}%)."
        assert wording.weekdays()[::6] == ["Mo.", "So."]
    with app.test_request_context(headers={"Accept-Language": "fr"}):
        assert reader.current().language == "en"
    with app.test_request_context(headers={"Accept-Language": "de", "Cookie": "language=en"}):
        assert reader.current().language == "en"
