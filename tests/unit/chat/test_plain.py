"""Messages as plain text and Markdown: short enough, and what stands in them is shown as it stands."""

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from saltext.approval.chat import plain
from saltext.approval.chat.message import At, Bold, Link, Message, Mono, Section, size

WHEN = datetime.datetime(2026, 11, 30, 8, 5, tzinfo=datetime.timezone.utc)
HOSTILE = "<b>x</b> &lt; `a` ```b``` *c* _d_ [e](http://x) # f | g ~~h~~ ![i](http://y) https://z.example"
READER = MarkdownIt("commonmark", {"linkify": False}).enable(["table", "strikethrough"])


def rendered(markdown):
    """The kinds of what Markdown makes of a text, and the words that people read."""
    kinds, words = [], []
    for token in READER.parse(markdown):
        for inner in token.children or [token]:
            kinds.append(inner.type)
            words.append(inner.content if inner.type in ("text", "code_inline", "fence") else "")
    return kinds, "".join(words)


def test_plain_text():
    message = Message(
        "job/1",
        "state.apply on web1",
        lines=((Bold("1"), " ok at ", At(WHEN)),),
        sections=(
            Section("code", text="salt web1\nstate.apply"),
            Section("fields", (("who", "root"),), title="More"),
            Section("table", (("minion", "n"), ("web1", "1"))),
            Section("text", (("end",),)),
        ),
        links=(Link("Open", "https://x/"),),
    )
    assert plain.text(message) == (
        "state.apply on web1\n1 ok at 2026-11-30 08:05 UTC\n    salt web1\n    state.apply\nMore\nwho: root\n"
        "    minion  n\n    web1    1\nend\nOpen: https://x/\njob/1"
    )


def test_nobody_begins_a_line():
    message = Message("k", "a\nb", lines=(("c\r\nd\u2028e",),), links=(Link("x\ny", "https://x/\nz"),))
    assert plain.text(message).split("\n") == ["a␊b", "c␍␊d⟨U+2028⟩e", "x␊y: https://x/%0Az", "k"]


@pytest.mark.parametrize("form", [lambda text: text, Bold])
def test_markdown_shows_what_stands_there(form):
    kinds, words = rendered(plain.markdown(Message("k", HOSTILE, lines=((form(HOSTILE),),))))
    assert words.count(HOSTILE) == 2
    assert not {
        "link_open",
        "image",
        "em_open",
        "code_inline",
        "html_inline",
        "html_block",
        "s_open",
        "heading_open",
    } & {*kinds}


@pytest.mark.parametrize("code", ["a", "`", "```", "a\n```\nb", "~~~", "`````"])
def test_code_stays_in_its_fence(code):
    kinds, words = rendered(plain.markdown(Message("k", "t", sections=(Section("code", text=code),))))
    assert kinds.count("fence") == 1
    assert f"{code}\n" in words


@pytest.mark.parametrize("word", ["a", "`", "a`b", "``", "a``b`"])
def test_words_of_programs(word):
    kinds, words = rendered(plain.markdown(Message("k", "t", lines=(("x ", Mono(word), " y"),))))
    assert kinds.count("code_inline") == 1
    assert f"x {word} y" in words


def test_links_lead_where_they_say():
    message = Message("k", "t", links=(Link("a](http://evil)", "https://x/(1) <2>"),))
    (link,) = [
        inner
        for token in READER.parse(plain.markdown(message))
        for inner in token.children or ()
        if inner.type == "link_open"
    ]
    assert link.attrs["href"] == "https://x/%281%29%20%3C2%3E"


def test_nobody_is_mentioned():
    assert "@\u200ball" in plain.markdown(Message("k", "@all"))


@settings(deadline=None)
@given(
    st.lists(st.text(st.characters(), max_size=300), max_size=40),
    st.integers(200, 2000),
    st.sampled_from(["text", "markdown"]),
)
def test_no_text_is_too_long(words, longest, form):
    message = Message(
        "key", "title", lines=tuple((word,) for word in words), sections=(Section("code", text="".join(words)),)
    )
    made = getattr(plain, form)(message, longest)
    assert size(made) <= longest
    made.encode()
    assert made.endswith("key")


def test_what_is_left_off_is_said():
    made = plain.text(Message("key", "t", lines=tuple((f"line {n}",) for n in range(100))), 200)
    assert "line 1\n" in made
    assert made.endswith("There is more of this than fits here.\nkey")
