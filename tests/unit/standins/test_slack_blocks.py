"""Block Kit refuses what Slack's refuses, and says where."""

import pytest
from standins import slack_blocks


def plain(text):
    return {"type": "plain_text", "text": text}


def mrkdwn(text):
    return {"type": "mrkdwn", "text": text}


def button(**more):
    return {"type": "button", "text": plain("Approve"), "action_id": "approve", **more}


def section(text="a", **more):
    return {"type": "section", "text": mrkdwn(text), **more}


def rich(*inline, kind="rich_text_section", **more):
    return {"type": "rich_text", "elements": [{"type": kind, "elements": list(inline), **more}]}


def text(content="a", **more):
    return {"type": "text", "text": content, **more}


CONFIRM = {"title": plain("Sure?"), "text": mrkdwn("hello 2.10"), "confirm": plain("Yes"), "deny": plain("No")}
LINE = {"type": "rich_text_section", "elements": [text()]}
REASON = {"type": "input", "label": plain("Why"), "element": {"type": "plain_text_input", "action_id": "reason"}}
ROW = [{"type": "raw_text", "text": "web1"}, {"type": "rich_text", "elements": [LINE]}]


@pytest.mark.parametrize("block", [
    section("a" * 3000),
    section(fields=[mrkdwn("a" * 2000)] * 10),
    section(accessory=button(url="https://example.com/7", style="primary", confirm=CONFIRM)),
    {"type": "header", "text": plain("a" * 150)},
    {"type": "context", "elements": [plain("a")] * 10},
    {"type": "actions", "elements": [button(action_id=str(number)) for number in range(25)]},
    {"type": "divider", "block_id": "a" * 255},
    {"type": "markdown", "text": "a" * 12_000},
    {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a", "title": plain("a")},
    {"type": "table", "rows": [ROW], "column_settings": [{"align": "right"}, None]},
    rich(text(style={"bold": True}), {"type": "user", "user_id": "U1"}, {"type": "link", "url": "https://a.example"},
         {"type": "date", "timestamp": 1392734382, "format": "{date_num}", "fallback": "soon"}),
    rich(text("a\n`b`"), kind="rich_text_preformatted", border=0, language="yaml"),
    rich(LINE, kind="rich_text_list", style="bullet"),
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]},
])  # fmt: skip
def test_blocks_that_slack_takes(block):
    assert slack_blocks.faults_of_message([block]) == []


@pytest.mark.parametrize(("block", "fault"), [
    (section("a" * 3001), "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    (section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    ({"type": "section"}, "missing required field: text or fields [json-pointer:/blocks/0]"),
    (section(fields=[mrkdwn("a")] * 11), "no more than 10 items allowed [json-pointer:/blocks/0/fields]"),
    (section(fields=[plain("a" * 2001)]), "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]"),
    (section(colour="red"), "invalid additional property: colour [json-pointer:/blocks/0]"),
    ({"type": "section", "text": "a"}, "must be an object [json-pointer:/blocks/0/text]"),
    ({"type": "header", "text": mrkdwn("a")}, "must be one of: plain_text [json-pointer:/blocks/0/text/type]"),
    ({"type": "header", "text": plain("a" * 151)},
     "must be less than 151 characters [json-pointer:/blocks/0/text/text]"),
    ({"type": "context", "elements": [plain("a")] * 11},
     "no more than 10 items allowed [json-pointer:/blocks/0/elements]"),
    ({"type": "context", "elements": []}, "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]"),
    ({"type": "actions", "elements": [button(action_id=str(number)) for number in range(26)]},
     "no more than 25 items allowed [json-pointer:/blocks/0/elements]"),
    ({"type": "actions", "elements": [button(), button()]},
     "`action_id` already exists: approve [json-pointer:/blocks/0/elements/1/action_id]"),
    ({"type": "actions", "elements": [{"type": "timepicker"}]},
     "unsupported type: timepicker [json-pointer:/blocks/0/elements/0/type]"),
    ({"type": "divider", "block_id": "a" * 256}, "must be less than 256 characters [json-pointer:/blocks/0/block_id]"),
    ({"type": "image", "image_url": "https://a.example"}, "missing required field: alt_text [json-pointer:/blocks/0]"),
    (REASON, "unsupported type: input [json-pointer:/blocks/0/type]"),
    ({"type": "table", "rows": [ROW] * 101}, "no more than 100 items allowed [json-pointer:/blocks/0/rows]"),
    ({"type": "table", "rows": [ROW * 11]}, "no more than 20 items allowed [json-pointer:/blocks/0/rows/0]"),
    (rich(text("")), "must be more than 0 characters [json-pointer:/blocks/0/elements/0/elements/0/text]"),
    (rich(text(style={"red": True})),
     "invalid additional property: red [json-pointer:/blocks/0/elements/0/elements/0/style]"),
    (rich({"type": "user", "user_id": "U1"}, kind="rich_text_preformatted"),
     "unsupported type: user [json-pointer:/blocks/0/elements/0/elements/0/type]"),
    (rich(text(), kind="rich_text_list", style="bullet"),
     "must be rich_text_section [json-pointer:/blocks/0/elements/0/elements/0/type]"),
    (rich({"type": "date", "timestamp": "7", "format": "{date}"}),
     "must be an integer [json-pointer:/blocks/0/elements/0/elements/0/timestamp]"),
    (7, "must be an object [json-pointer:/blocks/0]"),
])  # fmt: skip
def test_blocks_that_slack_refuses(block, fault):
    assert fault in slack_blocks.faults_of_message([block])


@pytest.mark.parametrize(("more", "fault"), [
    ({"text": plain("a" * 76)}, "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"),
    ({"text": mrkdwn("a")}, "must be one of: plain_text [json-pointer:/blocks/0/elements/0/text/type]"),
    ({"value": "a" * 2001}, "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]"),
    ({"action_id": "a" * 256}, "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]"),
    ({"url": "https://example.com/" + "a" * 3000},
     "must be less than 3001 characters [json-pointer:/blocks/0/elements/0/url]"),
    ({"url": "example.com"}, "must be a valid URL [json-pointer:/blocks/0/elements/0/url]"),
    ({"style": "green"}, "must be one of: danger, primary [json-pointer:/blocks/0/elements/0/style]"),
    ({"confirm": {**CONFIRM, "title": plain("a" * 101)}},
     "must be less than 101 characters [json-pointer:/blocks/0/elements/0/confirm/title/text]"),
    ({"confirm": {**CONFIRM, "text": plain("a" * 301)}},
     "must be less than 301 characters [json-pointer:/blocks/0/elements/0/confirm/text/text]"),
])  # fmt: skip
def test_buttons_that_slack_refuses(more, fault):
    assert slack_blocks.faults_of_message([{"type": "actions", "elements": [button(**more)]}]) == [fault]


def test_what_a_message_has_all_together():
    assert slack_blocks.faults_of_message([{"type": "divider"}] * 50) == []
    assert slack_blocks.faults_of_message([{"type": "divider"}] * 51) == [
        "no more than 50 items allowed [json-pointer:/blocks]"
    ]
    assert len(slack_blocks.faults_of_message([section(block_id="a"), section(block_id="a")])) == 1
    assert len(slack_blocks.faults_of_message([{"type": "markdown", "text": "a" * 7000}] * 2)) == 1
    table = {"type": "table", "rows": [ROW]}
    assert slack_blocks.faults_of_message([table, table]) == ["only_one_table_allowed [json-pointer:/blocks]"]
    assert slack_blocks.characters([section("ab"), rich(text("cd\N{PARTY POPPER}"))]) == 6


def test_rich_text_counts_with_its_elements_and_tables_by_their_text():
    many = [rich(*[text("a" * 10)] * 400)]
    assert (slack_blocks.characters(many), slack_blocks.faults_of_message(many)) == (4000, [])
    assert slack_blocks.size(many) > slack_blocks.CHARACTERS_PER_MESSAGE
    cell = {"type": "raw_text", "text": "web1"}
    table = [{"type": "table", "rows": [[cell] * 20] * 100}]
    assert slack_blocks.faults_of_message(table) == []
    assert slack_blocks.size(table) < slack_blocks.CHARACTERS_PER_MESSAGE


def test_lengths_are_in_units_of_utf_16():
    party = "\N{PARTY POPPER}"
    assert slack_blocks.faults_of_message([{"type": "header", "text": plain(party * 75)}]) == []
    assert len(slack_blocks.faults_of_message([{"type": "header", "text": plain(party * 76)}])) == 1


def view(**more):
    return {"type": "modal", "title": plain("Reject 7"), "submit": plain("Reject"), "blocks": [REASON], **more}


def test_a_modal_that_slack_takes():
    element = {**REASON["element"], "multiline": True, "max_length": 3000, "placeholder": plain("a")}
    block = {**REASON, "element": element, "hint": plain("a"), "optional": False}
    whole = view(blocks=[block, section()], close=plain("Back"), private_metadata="a" * 3000, callback_id="a" * 255,
                 notify_on_close=True)  # fmt: skip
    assert slack_blocks.faults_of_view(whole) == []


@pytest.mark.parametrize(("more", "fault"), [
    ({"type": "home"}, "must be one of: modal [json-pointer:/view/type]"),
    ({"title": plain("a" * 25)}, "must be less than 25 characters [json-pointer:/view/title/text]"),
    ({"submit": plain("a" * 25)}, "must be less than 25 characters [json-pointer:/view/submit/text]"),
    ({"submit": None}, "missing required field: submit [json-pointer:/view]"),
    ({"private_metadata": "a" * 3001}, "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
    ({"blocks": [{"type": "divider"}] * 101}, "no more than 100 items allowed [json-pointer:/view/blocks]"),
    ({"blocks": [{"type": "markdown", "text": "a"}]}, "unsupported type: markdown [json-pointer:/view/blocks/0/type]"),
    ({"colour": "red"}, "invalid additional property: colour [json-pointer:/view]"),
    ({"blocks": [{**REASON, "element": {"type": "plain_text_input", "max_length": 3001}}]},
     "must be between 1 and 3000 [json-pointer:/view/blocks/0/element/max_length]"),
])  # fmt: skip
def test_modals_that_slack_refuses(more, fault):
    assert slack_blocks.faults_of_view(view(**more)) == [fault]
