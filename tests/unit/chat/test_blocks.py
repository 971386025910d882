"""Messages as Slack takes them: within all of its limits, whatever stands in them, and shown as it stands."""

import datetime
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from standins import slack_blocks
from standins.slack_site import Content

from saltext.approval.chat import blocks
from saltext.approval.chat.message import TONES, At, Bold, Button, Link, Message, Mono, Section, size

WHEN = datetime.datetime(2026, 11, 30, 8, 5, tzinfo=datetime.timezone.utc)
ODD = ["<!channel>", "&lt;", "```", "`", "*a*", "_", "~", "\u202e", "\0", "\n", "@here", "<@U1>", ":smile:", "🚀", "é"]
texts = st.one_of(
    st.text(st.characters(), max_size=30),
    st.lists(st.sampled_from(ODD), max_size=10).map("".join),
    st.builds(lambda piece, times: piece * times, st.sampled_from(ODD), st.integers(0, 20_000)),
)
parts = st.one_of(
    texts, st.builds(Bold, texts), st.builds(Mono, texts), st.just(At(WHEN)),
    st.builds(lambda text, rest: Link(text, "https://x/" + rest), texts, texts),
)  # fmt: skip
lines = st.lists(parts, max_size=4).map(tuple)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.tuples(*[texts] * width), max_size=5).map(lambda rows: Section("table", tuple(rows)))
)
sections = st.one_of(
    st.builds(lambda rows, title: Section("text", tuple(rows), title=title), st.lists(lines, max_size=60), texts),
    st.builds(lambda text: Section("code", text=text), texts),
    st.builds(lambda rows: Section("fields", tuple(rows)), st.lists(st.tuples(texts, texts), max_size=30)),
    tables,
)
links = st.builds(lambda text, rest: Link(text, "https://x/" + rest), texts, texts)
values = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20).map(lambda text: text * 110)
buttons = st.tuples(
    st.builds(Button, st.just("approve"), texts, values, texts), st.builds(Button, st.just("reject"), texts, values)
)
messages = st.builds(
    Message, key=texts, title=texts, lines=st.lists(lines, max_size=60).map(tuple),
    sections=st.lists(sections, max_size=8).map(tuple), links=st.lists(links, max_size=30).map(tuple),
    buttons=st.one_of(st.just(()), buttons), tone=st.sampled_from(TONES),
)  # fmt: skip


def inside(value):
    """All mappings within a value."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from inside(one)


def check(payload):
    """Raise AssertionError where Slack would refuse a message, or could read anything into it."""
    shown = payload["blocks"]
    assert not slack_blocks.faults_of_message(shown)
    assert len(json.dumps(shown)) <= slack_blocks.CHARACTERS_PER_MESSAGE
    assert 1 <= size(payload["text"]) <= 4000
    assert payload["text"].strip()
    assert len(json.dumps(payload["metadata"])) <= 8000
    json.dumps(payload, ensure_ascii=False).encode()  # halves of pairs could not be sent
    # Nobody is called by it, by the blocks or where the text alone is shown.
    assert not Content(payload["text"], shown, []).pinged
    assert not Content(payload["text"], [], []).pinged
    for part in inside(shown):
        kind = part.get("type")
        # No text that Slack reads as markup, but for the fallback.
        assert kind != "mrkdwn"
        if kind in ("plain_text", "text"):
            assert 1 <= size(part["text"]) <= 3000
            assert not set(part["text"]) & set("\0\r\u202e\u2066\ud800")
        if kind == "button":
            assert size(part["text"]["text"]) <= 75


@settings(deadline=None, max_examples=80)
@given(messages)
@example(Message(key="", title=""))
@example(Message(key="k" * 300, title="🚀" * 151, lines=(("<" * 20_000,),)))
@example(Message(key="k", title="t", lines=tuple(("🚀" * 3000,) for _ in range(60))))
@example(Message(key="k", title="t", sections=(Section("code", text="a\n" * 40_000),)))
@example(Message(key="k", title="t", sections=tuple(Section("text", (("x",),) * 200, title="y") for _ in range(60))))
@example(Message(key="k", title="t", links=tuple(Link("x", "https://x/" + "é" * 2900) for _ in range(30))))
def test_check_9_no_message_is_over_any_limit(message):
    check(blocks.payload(message))


def words(payload):
    """All that people read in the blocks."""
    return "".join(part.get("text", "") for part in inside(payload["blocks"]) if isinstance(part.get("text"), str))


HOSTILE = "<!channel> &lt; `a` ```b``` *c* _d_ ~e~ <https://x|y> <@U1> :smile:"


@pytest.mark.parametrize("where", ["title", "line", "code", "field", "table", "bold", "mono"])
def test_check_10_what_looks_like_markup_is_shown_literally(where):
    message = {
        "title": Message("k", HOSTILE),
        "line": Message("k", "t", lines=((HOSTILE,),)),
        "bold": Message("k", "t", lines=((Bold(HOSTILE),),)),
        "mono": Message("k", "t", lines=((Mono(HOSTILE),),)),
        "code": Message("k", "t", sections=(Section("code", text=HOSTILE),)),
        "field": Message("k", "t", sections=(Section("fields", (("name", HOSTILE),)),)),
        "table": Message("k", "t", sections=(Section("table", (("head",), (HOSTILE,))),)),
    }[where]
    payload = blocks.payload(message)
    check(payload)
    assert HOSTILE in words(payload)
    assert HOSTILE in Content(payload["text"], payload["blocks"], []).shown
    assert all(part.get("type") not in ("mrkdwn", "user", "broadcast", "emoji") for part in inside(payload["blocks"]))
    assert all(not part["emoji"] for part in inside(payload["blocks"]) if part.get("type") == "plain_text")


def test_the_text_of_notifications_is_escaped():
    text = blocks.payload(Message("k", "<!channel> & <b>", lines=(("&lt; <@U1>",),)))["text"]
    assert text == "&lt;!channel&gt; &amp; &lt;b&gt;\n&amp;lt; &lt;@U1&gt;"


def test_the_text_of_notifications_is_cut_between_entities():
    text = blocks.payload(Message("k", "t", lines=(("&" * 5000,),)))["text"]
    assert text.endswith("&amp;…")


def test_slack_is_told_to_read_nothing_into_it():
    made = {**blocks.payload(Message("k", "t")), **blocks.NEW}
    flags = ("link_names", "mrkdwn", "unfurl_links", "unfurl_media")
    assert made["parse"] == "none"
    assert [made[flag] for flag in flags] == [False] * 4


def test_any_message_can_become_any_other():
    """Rich text never goes back to plain text."""
    for message in (Message("k", "t"), Message("k", "t", lines=(("a",),))):
        assert slack_blocks.of_type(blocks.payload(message)["blocks"], "rich_text")


def test_check_10_direction_and_controls_are_seen():
    seen = words(blocks.payload(Message("k", "gpj.\u202etxt", lines=(("a\x1b[31mb\nc",),))))
    assert "gpj.⟨U+202E⟩txt" in seen
    assert "a␛[31mb␊c" in seen


def test_moments_are_in_the_zone_of_the_reader():
    payload = blocks.payload(Message("k", "t", lines=(("until ", At(WHEN)),)))
    (date,) = [part for part in inside(payload["blocks"]) if part.get("type") == "date"]
    assert date["timestamp"] == int(WHEN.timestamp())
    assert date["fallback"] == "2026-11-30 08:05 UTC"
    assert f"<!date^{date['timestamp']}^{{date_short_pretty}} {{time}}|2026-11-30 08:05 UTC>" in payload["text"]


def test_what_is_left_off_is_said():
    many = tuple((f"line {number} " + "x" * 200,) for number in range(200))
    seen = words(blocks.payload(Message("k", "t", lines=many, links=(Link("Open", "https://x/"),))))
    assert seen.count("There is more of this than fits here.") == 1
    assert "line 0 " in seen
    assert "line 199 " not in seen
    assert "left" not in words(blocks.payload(Message("k", "t", lines=many[:3])))


def test_long_code_is_cut_and_marked():
    payload = blocks.payload(Message("k", "t", sections=(Section("code", text="x" * 5000),)))
    (code,) = [part for part in inside(payload["blocks"]) if part.get("type") == "rich_text_preformatted"]
    assert code["elements"][0]["text"] == "x" * 2999 + "…"


def test_lines_stand_below_each_other():
    message = Message(
        "k", "t", lines=(("a",), ("b",)), sections=(Section("code", text="c\nd"), Section("text", (("e",),)))
    )
    (rich,) = [block for block in blocks.payload(message)["blocks"] if block["type"] == "rich_text"]
    kinds = [element["type"] for element in rich["elements"]]
    assert kinds == ["rich_text_section", "rich_text_preformatted", "rich_text_section"]
    assert [part["text"] for part in rich["elements"][0]["elements"]] == ["a", "\n", "b"]
    assert rich["elements"][1]["elements"][0]["text"] == "c\nd"


def test_the_key_is_seen_and_found():
    payload = blocks.payload(Message("job/2026", "t"))
    assert payload["blocks"][-1]["elements"][0]["text"] == "job/2026"
    assert payload["metadata"] == {"event_type": "salt_approval", "event_payload": {"key": "job/2026"}}


def test_buttons_carry_their_value_whole_or_not_at_all():
    good, bad = Button("approve", "Approve", "7/1/abc", "Sure?"), Button("reject", "Reject", "x" * 2001)
    (actions,) = [b for b in blocks.payload(Message("k", "t", buttons=(good, bad)))["blocks"] if b["type"] == "actions"]
    (button,) = actions["elements"]
    assert (button["action_id"], button["value"], button["style"]) == ("approve", "7/1/abc", "primary")
    assert button["confirm"]["text"]["text"] == "Sure?"


def test_pages_that_cannot_be_opened_are_left_out():
    payload = blocks.payload(Message("k", "t", links=(Link("a", "https://x/" + "y" * 3000), Link("b", "https://x/"))))
    (actions,) = [block for block in payload["blocks"] if block["type"] == "actions"]
    assert [element["text"]["text"] for element in actions["elements"]] == ["b"]


@given(values.filter(lambda value: 0 < len(value) <= 2000), texts)
def test_the_modal_is_within_its_limits(value, title):
    view = blocks.reason_view(value, title)
    assert not slack_blocks.faults_of_view(view)
    assert len(json.dumps(view)) <= 250_000
    json.dumps(view, ensure_ascii=False).encode()
    assert view["blocks"][1]["element"]["action_id"] == "reason"
