"""The stand-in of Slack refuses, limits and lies as Slack's Web API and its incoming webhooks do."""

import json

import pytest
import requests
from standins.slack_site import shown_mrkdwn

BUTTON = {"type": "button", "action_id": "approve", "text": {"type": "plain_text", "text": "Approve"}, "value": "7"}
BLOCKS = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*hello* &lt;2.10&gt;"}},
    {"type": "actions", "block_id": "decide", "elements": [BUTTON]},
]
RICH = [{"type": "rich_text", "elements": [
    {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "<!channel> `x` &lt;"}]}]}]  # fmt: skip


@pytest.fixture
def parent(call, ops):
    """The ts of a message."""
    return call("chat.postMessage", channel=ops.id, text="hello", blocks=BLOCKS)["ts"]


# Who asks.


def test_the_token_is_looked_at_first(slack, call, ops):
    assert call("auth.test")["user_id"] == slack.bot.id
    assert call("auth.test", token=slack.bot_token + "x")["error"] == "invalid_auth"
    assert call("chat.postMessage", token=slack.app_token)["error"] == "not_allowed_token_type"
    assert call("apps.connections.open")["error"] == "not_allowed_token_type"
    assert requests.post(f"{slack.url}/api/auth.test", timeout=10).json()["error"] == "not_authed"
    slack.dead_tokens[slack.bot_token] = "account_inactive"
    refused = call("chat.postMessage", channel=ops.id, text="hello")
    assert (refused["status"], refused["ok"], refused["error"]) == (200, False, "account_inactive")
    assert ops.messages == []


def test_a_missing_scope_is_named(slack, call, ops, alice):
    slack.scopes -= {"chat:write"}
    refused = call("chat.postMessage", channel=ops.id, text="hello")
    assert (refused["error"], refused["needed"]) == ("missing_scope", "chat:write")
    assert refused["provided"] == "commands,users:read,users:read.email"
    assert call("conversations.history", channel=ops.id)["error"] == "missing_scope"
    assert call("conversations.open", users=alice.id)["needed"] == "im:write"
    slack.scopes |= {"channels:read"}
    info = requests.get(f"{slack.url}/api/conversations.info", {"channel": ops.id}, timeout=10,
                        headers={"Authorization": f"Bearer {slack.bot_token}"})  # fmt: skip
    assert info.json()["channel"]["name"] == "ops"
    assert "channels:read" in info.headers["X-OAuth-Scopes"]


def test_an_address_of_mail_has_a_scope_of_its_own(slack, call, alice):
    def info(user):
        answer = requests.get(f"{slack.url}/api/users.info", {"user": user}, timeout=10,
                              headers={"Authorization": f"Bearer {slack.bot_token}"})  # fmt: skip
        return answer.json()

    assert info(alice.id)["user"]["profile"]["email"] == "alice@example.com"
    slack.scopes -= {"users:read.email"}
    assert "email" not in info(alice.id)["user"]["profile"]
    assert info("U999")["error"] == "user_not_found"
    eve = slack.person("eve", team="T2", is_guest=True)
    assert info(eve.id)["user"]["is_stranger"]
    assert info(eve.id)["user"]["is_restricted"]
    # JSON is not read by this method.
    assert call("users.info", user=alice.id)["error"] == "invalid_arguments"


def test_a_person_is_found_by_their_address(slack, alice):
    def look_up(email):
        answer = requests.get(f"{slack.url}/api/users.lookupByEmail", {"email": email}, timeout=10,
                              headers={"Authorization": f"Bearer {slack.bot_token}"})  # fmt: skip
        return answer.json()

    assert look_up("alice@example.com")["user"]["id"] == alice.id
    alice.deleted = True
    assert look_up("alice@example.com")["error"] == "users_not_found"
    slack.scopes -= {"users:read.email"}
    assert look_up("alice@example.com")["needed"] == "users:read.email"


def test_the_form_of_a_call_matters(slack, call, ops):
    def post(body, kind):
        headers = {"Authorization": f"Bearer {slack.bot_token}", "Content-Type": kind}
        return requests.post(f"{slack.url}/api/chat.postMessage", body, headers=headers, timeout=10).json()

    assert post("{", "application/json")["error"] == "invalid_json"
    assert post("[]", "application/json")["error"] == "json_not_object"
    assert post("hello", "text/plain")["error"] == "invalid_post_type"
    assert post(json.dumps({"channel": ops.id, "text": "a"}), "application/json")["warning"] == "missing_charset"
    form = {"channel": ops.id, "blocks": json.dumps(BLOCKS)}
    assert post(form, "application/x-www-form-urlencoded")["ok"]
    assert call("chat.postNothing")["error"] == "unknown_method"
    assert call("chat.postMessage", text="a")["error"] == "invalid_arguments"
    call("chat.postMessage", channel=ops.id, text="a", colour="red")
    assert slack.dropped == [("chat.postMessage", "colour")]


# Posting.


def test_a_message_is_in_its_channel_as_people_see_it(slack, call, ops, parent):
    (message,) = ops.messages
    assert (message.ts, message.author, message.text) == (parent, slack.bot, "hello")
    assert message.shown == "*hello* <2.10>\n[Approve]"
    assert message.buttons["approve"] == {**BUTTON, "block_id": "decide"}
    call("chat.postMessage", channel="#ops", text="in the thread", thread_ts=parent)
    call("chat.postMessage", channel=ops.id, text="for all", thread_ts=parent, reply_broadcast=True)
    assert [each.text for each in message.replies] == ["in the thread", "for all"]
    assert [each.text for each in ops.messages] == ["hello", "for all"]
    assert "salt  " in ops.transcript()
    assert "\n    in the thread\n" in ops.transcript()


@pytest.mark.parametrize(("channel", "error"), [
    ("C999", "channel_not_found"), ("#nowhere", "channel_not_found"), ("secret", "channel_not_found"),
    ("old", "is_archived"), ("other", "not_in_channel"), ("news", "restricted_action_read_only_channel"),
    ("U999", "channel_not_found"), (7, "invalid_arguments"),
])  # fmt: skip
def test_what_may_not_be_posted_to_is_refused(slack, call, ops, channel, error):
    slack.new_channel("secret", kind="group", with_bot=False)
    slack.new_channel("old", is_archived=True)
    slack.new_channel("other", with_bot=False)
    slack.new_channel("news", may_post=False)
    assert call("chat.postMessage", channel=channel, text="hello")["error"] == error
    assert all(not each.all for each in slack.channels)


def test_a_person_is_written_to_in_their_conversation(slack, call, alice):
    posted = call("chat.postMessage", channel=alice.id, text="for you")
    assert posted["channel"] == slack.direct(alice).id
    assert posted["channel"].startswith("D")
    assert call("chat.update", channel=alice.id, ts=posted["ts"], text="new")["error"] == "channel_not_found"
    assert call("chat.update", channel=posted["channel"], ts=posted["ts"], text="new")["ok"]
    slack.scopes.add("im:write")
    assert call("conversations.open", users=alice.id)["channel"]["id"] == posted["channel"]
    slack.messages_tab = False
    assert call("chat.postMessage", channel=alice.id, text="more")["error"] == "messages_tab_disabled"
    alice.deleted = True
    assert call("conversations.open", users=alice.id)["error"] == "user_disabled"
    assert call("chat.postMessage", channel=alice.id, text="more")["error"] == "channel_not_found"


@pytest.mark.parametrize(("arguments", "error"), [
    ({}, "no_text"),
    ({"text": " \n"}, "no_text"),
    ({"text": 7}, "invalid_arguments"),
    ({"blocks": "["}, "invalid_blocks_format"),
    ({"blocks": {"type": "divider"}}, "invalid_blocks_format"),
    ({"blocks": [{"type": "carousel"}]}, "invalid_blocks"),
    ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
    ({"text": "a", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "a" * 2900}}] * 5},
     "msg_blocks_too_long"),
    ({"text": "a", "attachments": [{"text": "a"}] * 101}, "too_many_attachments"),
    ({"text": "a", "metadata": {"event_type": "job"}}, "invalid_metadata_format"),
    ({"text": "a", "metadata": {"event_type": "job", "event_payload": {"a": "b" * 20_000}}}, "metadata_too_large"),
    ({"text": "a", "thread_ts": "7"}, "invalid_thread_ts"),
    ({"text": "a", "thread_ts": "1700000000.000001"}, "cannot_reply_to_message"),
])  # fmt: skip
def test_a_message_that_is_none_is_refused(call, ops, arguments, error):
    refused = call("chat.postMessage", channel=ops.id, **arguments)
    assert (refused["status"], refused["error"]) == (200, error)
    assert ops.all == []


def test_a_reply_has_no_replies(call, ops, parent):
    reply = call("chat.postMessage", channel=ops.id, text="a", thread_ts=parent)["ts"]
    assert call("chat.postMessage", channel=ops.id, text="b", thread_ts=reply)["error"] == "cannot_reply_to_message"


def test_a_text_is_cut_and_a_warning_says_so(slack, call, ops):
    assert call("chat.postMessage", channel=ops.id, text="a" * 40_001)["warning"] == "message_truncated"
    assert len(ops.messages[0].text) == 40_000


def test_foreign_text_calls_people_where_it_is_marked_up(call, ops):
    call("chat.postMessage", channel=ops.id, text="<!channel> <@U2> &lt;!here&gt;")
    call("chat.postMessage", channel=ops.id, text="@here", link_names=True)
    call("chat.postMessage", channel=ops.id, text="&lt;!channel&gt;", blocks=RICH)
    assert [each.pinged for each in ops.messages] == [{"channel", "U2"}, {"here"}, set()]
    assert ops.messages[2].shown == "<!channel> `x` &lt;"


def test_mrkdwn_is_read_as_people_see_it():
    assert shown_mrkdwn("<https://example.com|a &amp; b> <https://example.com>") == "a & b https://example.com"
    assert shown_mrkdwn("<@U2|alice> <#C1|ops> <!subteam^S1|@db>") == "@alice #ops @subteam"
    assert shown_mrkdwn("due <!date^1392734382^{date_num} {time}|soon>") == "due 2014-02-18 14:39"


# Updating.


def test_an_update_is_an_edit(call, ops, parent):
    answer = call("chat.update", channel=ops.id, ts=parent, text="approved", blocks=BLOCKS[:1])
    assert (answer["ok"], answer["text"], answer["ts"]) == (True, "approved", parent)
    (message,) = ops.messages
    assert (message.text, len(message.versions), message.buttons) == ("approved", 2, {})
    assert "approve" in message.versions[0].buttons
    assert "(edited)" in ops.transcript()


def test_an_update_keeps_what_it_does_not_name(call, ops):
    metadata = {"event_type": "job", "event_payload": {"key": "job/1"}}
    ts = call("chat.postMessage", channel=ops.id, text="a", blocks=BLOCKS, metadata=metadata)["ts"]
    call("chat.update", channel=ops.id, ts=ts, text="b")
    (message,) = ops.messages
    assert (message.text, message.metadata, list(message.buttons)) == ("b", metadata, ["approve"])
    call("chat.update", channel=ops.id, ts=ts, text="b", blocks=[], metadata={})
    assert (message.metadata, message.buttons) == (None, {})


def test_an_update_is_refused_as_slack_refuses_it(slack, call, ops, alice, parent):
    def update(ts=parent, **arguments):
        return call("chat.update", channel=ops.id, ts=ts, **arguments)["error"]

    assert update("1700000000.000001", text="a") == "message_not_found"
    assert update(float(parent), text="a") == "invalid_arguments"
    assert update(slack.say(alice, ops, "mine").ts, text="a") == "cant_update_message"
    assert update(text="a" * 4001) == "msg_too_long"
    assert update() == "no_text"
    assert call("chat.update", channel=ops.id, ts=parent, blocks=RICH)["ok"]
    assert update(text="a", blocks=BLOCKS) == "block_mismatch"
    ephemeral = call("chat.postEphemeral", channel=ops.id, user=alice.id, text="a")["message_ts"]
    assert update(ephemeral, text="b") == "message_not_found"
    ops.is_archived = True
    assert update(text="a") == "is_inactive"


def test_an_ephemeral_message_is_seen_by_one(slack, call, ops, alice):
    bob = slack.person("bob")
    assert call("chat.postEphemeral", channel=ops.id, user=alice.id, text="no")["ok"]
    assert call("chat.postEphemeral", channel=ops.id, user=bob.id, text="no")["error"] == "user_not_in_channel"
    assert ([each.text for each in ops.ephemeral(alice)], ops.ephemeral(bob), ops.messages) == (["no"], [], [])


def test_the_history_finds_a_message_by_its_metadata(slack, call, ops):
    slack.scopes.add("channels:history")
    for number in range(3):
        metadata = {"event_type": "job", "event_payload": {"key": f"job/{number}"}}
        call("chat.postMessage", channel=ops.id, text=str(number), metadata=metadata)
    page = call("conversations.history", channel=ops.id, limit=2, include_all_metadata=True)
    assert [each["metadata"]["event_payload"]["key"] for each in page["messages"]] == ["job/2", "job/1"]
    cursor = page["response_metadata"]["next_cursor"]
    rest = call("conversations.history", channel=ops.id, limit=2, cursor=cursor)
    assert [(each["text"], "metadata" in each) for each in rest["messages"]] == [("0", False)]
    assert not rest["has_more"]
    first = ops.messages[0].ts
    exact = call("conversations.history", channel=ops.id, oldest=first, latest=first, inclusive=True)
    assert [each["ts"] for each in exact["messages"]] == [first]
    assert call("conversations.history", channel=ops.id, oldest="x")["error"] == "invalid_ts_oldest"
    other = slack.new_channel("other", with_bot=False)
    assert call("conversations.history", channel=other.id)["error"] == "not_in_channel"


def test_a_message_has_a_link(slack, ops, call, parent):
    answer = requests.get(f"{slack.url}/api/chat.getPermalink", {"channel": ops.id, "message_ts": parent}, timeout=10,
                          headers={"Authorization": f"Bearer {slack.bot_token}"})  # fmt: skip
    assert answer.json()["permalink"] == f"https://acme.slack.com/archives/{ops.id}/p{parent.replace('.', '')}"


# Limits.


def test_a_channel_takes_one_message_a_second_after_a_burst(slack, call, ops):
    now = [1000.0]
    slack.clock = lambda: now[0]

    def post(channel=ops.id):
        answer = call("chat.postMessage", channel=channel, text="a")
        return answer["status"], answer.get("error"), answer["headers"].get("Retry-After")

    assert [post()[0] for _ in range(3)] == [200, 200, 200]
    assert post() == (429, "ratelimited", "1")
    assert slack.hasty == []
    # Others are not held by it.
    assert post(slack.new_channel("other").id)[0] == 200
    now[0] += 0.5
    assert post()[0] == 429
    assert slack.hasty == [("chat.postMessage", ops.id)]
    now[0] += 0.5
    assert post()[0] == 200
    assert post()[0] == 429
    assert len(ops.messages) == 4


def test_the_workspace_takes_so_many_messages_a_minute(slack, call, ops):
    slack.limits.posts_per_minute = 2
    channels = [ops.id, slack.new_channel("b").id, slack.new_channel("c").id]
    answers = [call("chat.postMessage", channel=channel, text="a") for channel in channels]
    assert [each["status"] for each in answers] == [200, 200, 429]
    assert int(answers[2]["headers"]["Retry-After"]) > 50


def test_updates_are_scarce_over_all_channels(slack, call, ops, parent):
    slack.limits.tier_3 = 2
    other = slack.new_channel("other")
    assert call("chat.update", channel=ops.id, ts=parent, text="a")["ok"]
    assert call("chat.update", channel=ops.id, ts=parent, text="b")["ok"]
    assert call("chat.update", channel=other.id, ts=parent, text="c")["error"] == "ratelimited"
    assert call("chat.update", channel=ops.id, ts=parent, text="c")["status"] == 429
    assert slack.hasty == [("chat.update", None)]
    assert call("chat.postMessage", channel=ops.id, text="a")["ok"]


# Lies.


def test_a_429_holds_one_channel_as_long_as_it_says(slack, call, ops):
    now = [1000.0]
    slack.clock = lambda: now[0]
    slack.lies.ratelimited = 1
    slack.retry_after_s = 30
    assert call("chat.postMessage", channel=ops.id, text="a")["headers"]["Retry-After"] == "30"
    assert call("chat.postMessage", channel=slack.new_channel("other").id, text="a")["ok"]
    now[0] += 20
    assert call("chat.postMessage", channel=ops.id, text="a")["headers"]["Retry-After"] == "10"
    now[0] += 10
    assert call("chat.postMessage", channel=ops.id, text="a")["ok"]


def test_an_internal_error_may_have_had_its_effect(slack, call, ops):
    slack.lies.internal_error = 1
    assert call("chat.postMessage", channel=ops.id, text="a")["error"] == "internal_error"
    assert ops.messages == []
    slack.lies.internal_error_after = 1
    assert call("chat.postMessage", channel=ops.id, text="b")["error"] == "internal_error"
    assert [each.text for each in ops.messages] == ["b"]
    slack.refuse("chat.postMessage", "message_limit_exceeded")
    assert call("chat.postMessage", channel=ops.id, text="c")["error"] == "message_limit_exceeded"
    assert call("chat.postMessage", channel=ops.id, text="c")["ok"]


@pytest.mark.parametrize(("lie", "count"), [("cut_before", 0), ("cut_after", 1), ("cut_within", 1)])
def test_a_cut_connection_tells_nothing_of_the_effect(slack, call, ops, lie, count):
    setattr(slack.lies, lie, 1)
    with pytest.raises(requests.RequestException):
        call("chat.postMessage", channel=ops.id, text="a")
    assert len(ops.messages) == count


def test_no_secret_is_in_the_log(slack, call, ops):
    call("chat.postMessage", channel=ops.id, text="a")
    requests.post(f"{slack.url}/api/auth.test", {"token": slack.bot_token}, timeout=10)
    assert len(slack.requests("POST", "/api/")) == 2
    assert slack.bot_token not in repr(slack.log)


# Incoming webhooks.


def test_a_webhook_answers_in_text(slack, ops):
    address = slack.new_webhook(ops)

    def post(url=address, body='{"text": "hello"}', kind="application/json"):
        answer = requests.post(url, body, headers={"Content-Type": kind}, timeout=10)
        return answer.status_code, answer.text

    assert post() == (200, "ok")
    assert post(kind="text/plain") == (400, "invalid_payload")
    form = {"payload": '{"text": "as a form"}'}
    assert post(body=form, kind="application/x-www-form-urlencoded") == (200, "ok")
    assert [each.text for each in ops.messages] == ["hello", "as a form"]
    assert post(body="{}") == (400, "no_text")
    assert post(body="[]") == (400, "invalid_payload")
    assert post(body='{"blocks": [{"type": "a"}]}') == (400, "invalid_blocks")
    assert post(address + "x") == (403, "invalid_token")
    assert post(address.replace("/T1/", "/T9/")) == (404, "no_team")
    assert post(address.replace("/B", "/B9")) == (404, "no_service")
    assert post() == (200, "ok")
    assert post() == (429, "rate_limited")
    ops.may_post = False
    assert post() == (403, "action_prohibited")
    ops.is_archived = True
    assert post() == (410, "channel_is_archived")
    slack.channels.remove(ops)
    assert post() == (404, "channel_not_found")
