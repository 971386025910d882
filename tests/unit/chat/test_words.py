"""Phrases: the form that a number wants, and parts of a line that stay what they are."""

import pathlib
import re

import pytest

from saltext.approval import chat
from saltext.approval.chat.message import Bold, Mono
from saltext.approval.chat.words import line, phrases, say

SOURCE = "".join(path.read_text(encoding="utf-8") for path in pathlib.Path(chat.__file__).parent.glob("*.py"))


def test_numbers_decide_the_form():
    assert say("minions", n=1) == "1 minion"
    assert say("minions", n=0) == "0 minions"


def test_parts_stay_what_they_are():
    who = line("said", who=Bold("{x}"), comment=Mono("a\0b"))
    assert who == (Bold("{x}"), ": ", Mono("a\0b"))
    assert line("more", n=3) == ("and 3 more",)
    assert line("said", who=None, comment=1.5) == ("None", ": ", "1.5")


def test_names_are_texts():
    """YAML takes on, off, yes and no for something else."""

    def names(value):
        for name, inner in value.items() if isinstance(value, dict) else ():
            yield name
            yield from names(inner)

    assert all(isinstance(name, str) for name in names(phrases()))


@pytest.mark.parametrize("part", [name for name, inner in phrases().items() if isinstance(inner, dict)])
def test_no_phrase_is_left_over(part):
    """Each is named in the code, by itself or by the first part of its name with the rest made up."""
    for name in phrases()[part]:
        wanted = rf"\b{part}\.({name}\b|[\"{{])|\[\"{part}\"\]|[\"(]{part}[\",]"
        assert re.search(wanted, SOURCE), f"{part}.{name}"
