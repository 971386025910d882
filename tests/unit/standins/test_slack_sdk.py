"""Slack's own library takes the stand-in for Slack."""

import json
import threading

import pytest

sdk = pytest.importorskip("slack_sdk")

from slack_sdk.errors import SlackApiError  # noqa: E402
from slack_sdk.signature import SignatureVerifier  # noqa: E402
from slack_sdk.socket_mode import SocketModeClient  # noqa: E402
from slack_sdk.socket_mode.response import SocketModeResponse  # noqa: E402
from slack_sdk.webhook import WebhookClient  # noqa: E402

BUTTONS = [{"type": "actions", "elements": [
    {"type": "button", "action_id": "approve", "text": {"type": "plain_text", "text": "Approve"}}]}]  # fmt: skip


@pytest.fixture
def client(slack):
    return sdk.WebClient(slack.bot_token, base_url=slack.url + "/api/", retry_handlers=[], timeout=10)


def test_its_web_client_posts_updates_and_reads(slack, client, ops, alice):
    slack.scopes |= {"channels:read", "channels:history", "im:write"}
    assert client.auth_test()["bot_id"] == slack.bot_id
    posted = client.chat_postMessage(channel=ops.id, text="hello", blocks=BUTTONS, unfurl_links=False)
    client.chat_postMessage(channel=ops.id, text="in it", thread_ts=posted["ts"], reply_broadcast=False)
    client.chat_update(channel=posted["channel"], ts=posted["ts"], text="new", blocks=[])
    client.chat_postEphemeral(channel=ops.id, user=alice.id, text="no")
    assert (ops.messages[0].text, [each.text for each in ops.messages[0].replies]) == ("new", ["in it"])
    assert client.users_info(user=alice.id)["user"]["name"] == "alice"
    assert client.conversations_info(channel=ops.id)["channel"]["is_member"]
    assert client.conversations_open(users=[alice.id])["channel"]["id"] == slack.direct(alice).id
    assert client.conversations_history(channel=ops.id, limit=1)["messages"][0]["text"] == "new"
    assert client.chat_getPermalink(channel=ops.id, message_ts=posted["ts"])["permalink"]
    assert slack.dropped == []
    assert slack.warnings == []
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel="C999", text="hello")
    assert refused.value.response["error"] == "channel_not_found"
    slack.lies.ratelimited = 1
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel=ops.id, text="hello")
    assert (refused.value.response.status_code, refused.value.response.headers["Retry-After"]) == (429, "2")


def test_its_webhook_client_posts(slack, ops, alice):
    assert WebhookClient(slack.new_webhook(ops)).send(text="hello").body == "ok"
    assert WebhookClient(slack.command(alice, "/salt-approval inbox", ops).payload["response_url"]).send(
        text="no", response_type="ephemeral"
    ).status_code == 200  # fmt: skip
    assert [each.text for each in ops.ephemeral(alice)] == ["no"]


def test_its_socket_mode_client_hears_clicks_and_opens_modals(slack, client, ops, alice):
    client.chat_postMessage(channel=ops.id, text="hello", blocks=BUTTONS)
    seen = []
    submitted = threading.Event()

    def listen(app, request):
        seen.append(request)
        app.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
        if request.payload["type"] == "block_actions":
            client.views_open(trigger_id=request.payload["trigger_id"], view={
                "type": "modal", "title": {"type": "plain_text", "text": "Why"},
                "submit": {"type": "plain_text", "text": "Reject"},
                "blocks": [{"type": "input", "label": {"type": "plain_text", "text": "Why"},
                            "element": {"type": "plain_text_input", "action_id": "reason"}}]})  # fmt: skip
            submitted.set()

    app = SocketModeClient(slack.app_token, web_client=client, auto_reconnect_enabled=True)
    app.socket_mode_request_listeners.append(listen)
    app.connect()
    try:
        slack.socket.wait_for_connections(1)
        assert slack.click(alice, ops.messages[0], "approve").problem is None
        assert submitted.wait(10)
        done = slack.submit(slack.open_views(alice)[0], reason="no " * 900)
        assert done.problem is None
        values = seen[1].payload["view"]["state"]["values"]
        assert json.dumps("no " * 900) in json.dumps(values)
        # It comes back by itself after a refresh.
        slack.socket.refresh()
        slack.socket.wait_for_connections(1, opened=2)
        assert slack.socket.faults == []
    finally:
        app.close()


def test_its_verifier_takes_the_signature(slack):
    body = b"payload=%7B%7D"
    verifier = SignatureVerifier(slack.signing_secret)
    assert verifier.is_valid_request(body, slack.signed(body))
    assert not verifier.is_valid_request(body, slack.signed(body, at=7))
    assert not verifier.is_valid_request(body + b"x", slack.signed(body))
