"""People click, fill in modals and type commands; the stand-in of Slack tells the app by Socket Mode, or by HTTP."""

import base64
import json
import os
import socket
import struct
import threading
import time
import urllib.parse

import pytest
import requests
from standins.slack_clicks import REQUIRED, sign
from standins.wire import Reply, StandIn, route

BUTTONS = [{"type": "actions", "block_id": "decide", "elements": [
    {"type": "button", "action_id": "approve", "text": {"type": "plain_text", "text": "Approve"}, "value": "7",
     "confirm": {"title": {"type": "plain_text", "text": "Sure?"}, "text": {"type": "plain_text", "text": "hello"},
                 "confirm": {"type": "plain_text", "text": "Yes"}, "deny": {"type": "plain_text", "text": "No"}}},
    {"type": "button", "action_id": "reject", "text": {"type": "plain_text", "text": "Reject"}, "value": "7"},
]}]  # fmt: skip
MODAL = {
    "type": "modal", "callback_id": "reject", "private_metadata": "7",
    "title": {"type": "plain_text", "text": "Reject 7"}, "submit": {"type": "plain_text", "text": "Reject"},
    "blocks": [{"type": "input", "block_id": "why", "label": {"type": "plain_text", "text": "Why"},
                "element": {"type": "plain_text_input", "action_id": "reason"}}],
}  # fmt: skip


class App:
    """One connection of Socket Mode, by a client of few lines. ``answers``: what envelopes of a type are answered."""

    def __init__(self, url, answers=None, is_silent=False):
        parts = urllib.parse.urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._file = self._socket.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        while self._file.readline() != b"\r\n":
            pass
        self.answers = answers or {}
        self.is_silent = is_silent
        self.heard = []
        self.pongs = []
        self.closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        if self.status == 101:
            self._thread.start()

    def say(self, content, opcode=1, is_last=True, masked=True):
        """Sends a frame."""
        mask = os.urandom(4)
        size = struct.pack("!B", 0x80 * masked | len(content)) if len(content) < 126 else (
            struct.pack("!BH", 0x80 * masked | 126, len(content)))  # fmt: skip
        hidden = bytes(byte ^ mask[index % 4] for index, byte in enumerate(content))
        self._socket.sendall(bytes([0x80 * is_last | opcode]) + size + (mask + hidden if masked else content))

    def acknowledge(self, message, **more):
        """Acknowledges an envelope."""
        self.say(json.dumps({"envelope_id": message["envelope_id"], **more}).encode())

    def close(self):
        """Goes away without a word."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)

    def of_type(self, kind):
        """What was heard of this type."""
        return [message for message in self.heard if message["type"] == kind]

    def _run(self):
        try:
            while True:
                first, size = self._file.read(2)
                if size == 126:
                    (size,) = struct.unpack("!H", self._file.read(2))
                content = self._file.read(size)
                if first & 0x0F == 8:
                    break
                if first & 0x0F == 10:
                    self.pongs.append(content)
                    continue
                self._hear(json.loads(content))
        except (ValueError, OSError):
            pass
        self._socket.close()
        self.closed.set()

    def _hear(self, message):
        self.heard.append(message)
        if "envelope_id" in message and not self.is_silent:
            answer = self.answers.get(message["payload"].get("type", message["type"]))
            self.acknowledge(message, **({} if answer is None else {"payload": answer}))


@pytest.fixture
def connect(slack, call):
    """Opens a connection of the app."""
    apps = []

    def open_one(**more):
        count = len(slack.socket.connections)
        app = App(call("apps.connections.open", token=slack.app_token)["url"], **more)
        apps.append(app)
        if count < 10:
            slack.socket.wait_for_connections(count + 1)
        return app

    yield open_one
    for app in apps:
        app._socket.close()


@pytest.fixture
def message(call, slack, alice):
    """A message to alice, with buttons."""
    call("chat.postMessage", channel=alice.id, text="hello", blocks=BUTTONS)
    return slack.direct(alice).messages[0]


# Socket Mode.


def test_a_ticket_opens_one_connection(slack, call, connect):
    url = call("apps.connections.open", token=slack.app_token)["url"]
    first = App(url)
    slack.socket.wait_for_connections(1)
    assert (first.status, App(url).status) == (101, 403)
    second = connect()
    wait_until(lambda: second.heard)
    hellos = [first.heard[0], second.heard[0]]
    assert [each["num_connections"] for each in hellos] == [1, 2]
    assert hellos[0]["connection_info"] == {"app_id": "A1"}
    first.close()
    slack.socket.wait_for_connections(1)
    assert requests.get(f"{slack.url}/link/", timeout=10).status_code == 400
    assert slack.bot_token not in url


def test_the_eleventh_connection_is_one_too_many(slack, connect):
    for _ in range(10):
        connect()
    late = connect()
    assert late.closed.wait(10)
    assert [each["reason"] for each in late.heard] == ["too_many_websockets"]
    assert len(slack.socket.connections) == 10


def test_each_envelope_goes_to_one_connection_in_turn(slack, connect, alice, message):
    apps = [connect(), connect()]
    for _ in range(4):
        assert slack.click(alice, message, "reject").problem is None
    assert [len(app.of_type("interactive")) for app in apps] == [2, 2]
    assert slack.socket.faults == []


def test_a_click_tells_who_pressed_which_button(slack, connect, alice, message):
    app = connect()
    click = slack.click(alice, message, "approve")
    assert click.ack_after_s < 3
    assert (click.way, click.problem) == ("socket", None)
    (envelope,) = app.of_type("interactive")
    assert envelope["accepts_response_payload"] is False
    payload = envelope["payload"]
    assert (payload["user"]["id"], payload["user"]["team_id"], payload["team"]["id"]) == (alice.id, "T1", "T1")
    assert payload["container"]["message_ts"] == message.ts
    assert payload["message"]["text"] == "hello"
    (action,) = payload["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("approve", "decide", "7")


def test_a_click_that_is_not_acknowledged_is_not_sent_again(slack, connect, alice, message):
    slack.limits.ack_s = 0.2
    app = connect(is_silent=True)
    click = slack.click(alice, message, "reject")
    assert (click.ack_after_s, click.problem) == (None, "This app is not responding")
    time.sleep(0.3)
    (envelope,) = app.of_type("interactive")
    app.acknowledge(envelope)
    app.acknowledge(envelope)
    app.say(b'{"envelope_id": "no"}')
    wait_until(lambda: len(slack.socket.faults) == 2)
    assert click.ack_after_s is None
    slack.lies.lose_envelope = 1
    assert slack.click(alice, message, "reject").problem
    assert len(app.of_type("interactive")) == 1


def test_a_payload_is_no_answer_to_a_click(slack, connect, alice, message):
    connect(answers={"block_actions": {"text": "hello"}})
    slack.click(alice, message, "reject")
    assert slack.socket.faults[0].startswith("the envelope takes no payload")


def test_without_any_connection_the_app_is_not_told(slack, alice, message):
    click = slack.click(alice, message, "reject")
    assert (click.way, click.problem) == (None, "This app is not responding")
    assert slack.command(alice, "/salt-approval inbox").problem.endswith("dispatch_failed")


def test_a_refresh_warns_and_then_ends_all_connections(slack, connect, alice, message):
    app = connect()
    slack.socket.refresh()
    assert app.closed.wait(10)
    assert [each["reason"] for each in app.of_type("disconnect")] == ["warning", "refresh_requested"]
    slack.socket.wait_for_connections(0)
    connect()
    assert slack.click(alice, message, "reject").problem is None


def test_a_frozen_connection_still_counts_and_has_its_turns(slack, connect, alice, message):
    slack.limits.ack_s = 0.3
    first = connect()
    slack.socket.freeze()
    first.say(b"ping", opcode=9)
    assert slack.click(alice, message, "reject").problem
    first.close()
    second = connect()
    wait_until(lambda: second.heard)
    assert second.heard[0]["num_connections"] == 2
    slack.limits.ack_s = 1.5
    answered = [slack.click(alice, message, "reject").problem is None for _ in range(2)]
    assert sorted(answered) == [False, True]
    assert first.pongs == first.of_type("interactive") == []
    slack.socket.refresh()
    slack.socket.wait_for_connections(0)


def test_the_wire_is_that_of_a_websocket(slack, connect):
    app = connect()
    app.say(b"are you there", opcode=9)
    wait_until(lambda: app.pongs == [b"are you there"])
    app.say(b'{"a": ', is_last=False)
    app.say(b"1}", opcode=0)
    wait_until(lambda: slack.socket.connections[0].said == [{"a": 1}])
    app.say(b"no JSON" * 40)
    wait_until(lambda: any(each.startswith("no JSON") for each in slack.socket.faults))
    app.say(b"{}", masked=False)
    assert app.closed.wait(10)
    slack.socket.wait_for_connections(0)


def test_a_crash_cuts_the_connections(slack, connect, alice, message):
    app = connect()
    slack.crash()
    assert app.closed.wait(10)
    slack.restart()
    slack.socket.wait_for_connections(0)
    connect()
    assert slack.click(alice, message, "reject").problem is None


# What can be clicked.


def test_people_click_what_they_see(slack, connect, call, ops, alice, message):
    app = connect()
    bob = slack.person("bob")
    with pytest.raises(LookupError, match="bob does not see"):
        slack.click(bob, message, "approve")
    assert slack.click(alice, message, "Approve", confirmed=False).way is None
    call("chat.update", channel=message.channel.id, ts=message.ts, text="approved", blocks=[])
    with pytest.raises(LookupError, match="no button approve"):
        slack.click(alice, message, "approve")
    # On a screen that has not heard of the edit yet, it is still there.
    assert slack.click(alice, message, "approve", version=0).problem is None
    assert len(app.of_type("interactive")) == 1


# Modals.


@pytest.fixture
def trigger(slack, alice, message, connect):
    connect(answers={"view_submission": {}})
    return slack.click(alice, message, "reject").payload["trigger_id"]


def test_a_modal_opens_once_and_soon(slack, call, trigger):
    assert call("views.open", trigger_id="1.2.a", view=MODAL)["error"] == "invalid_trigger_id"
    assert call("views.open", view=MODAL)["error"] == "invalid_arguments"
    wrong = call("views.open", trigger_id=trigger, view={**MODAL, "submit": None})
    assert wrong["response_metadata"]["messages"] == ["[ERROR] missing required field: submit [json-pointer:/view]"]
    large = {**MODAL, "blocks": MODAL["blocks"] * 2000}
    assert call("views.open", trigger_id=trigger, view=large)["error"] == "view_too_large"
    opened = call("views.open", trigger_id=trigger, view=MODAL)
    assert opened["view"]["private_metadata"] == "7"
    assert call("views.open", trigger_id=trigger, view=MODAL)["error"] == "exchanged_trigger_id"
    assert len(slack.views) == 1


def test_a_trigger_expires(slack, call, trigger):
    slack.clock = lambda: time.monotonic() + 3.1
    assert call("views.open", trigger_id=trigger, view=MODAL)["error"] == "expired_trigger_id"


def test_a_modal_is_submitted_with_what_was_filled_in(slack, call, alice, trigger):
    call("views.open", trigger_id=trigger, view=json.dumps(MODAL))
    (view,) = slack.open_views(alice)
    empty = slack.submit(view, reason="")
    assert (empty.errors, empty.way) == ({"why": REQUIRED}, None)
    done = slack.submit(view, reason="not today")
    values = done.payload["view"]["state"]["values"]
    assert values == {"why": {"reason": {"type": "plain_text_input", "value": "not today"}}}
    assert (done.problem, slack.open_views(alice)) == (None, [])
    with pytest.raises(LookupError, match="closed"):
        slack.submit(view, reason="again")


@pytest.mark.parametrize(("answer", "errors", "count", "faults"), [
    ({"response_action": "errors", "errors": {"why": "A reason, please."}}, {"why": "A reason, please."}, 1, 0),
    ({"response_action": "errors", "errors": {"nowhere": "no"}}, {}, 1, 1),
    ({"response_action": "update", "view": {**MODAL, "private_metadata": "8"}}, {}, 1, 0),
    ({"response_action": "push", "view": MODAL}, {}, 2, 0),
    ({"response_action": "update", "view": {"type": "modal"}}, {}, 1, 1),
    ({"response_action": "clear"}, {}, 0, 0),
    ({"text": "hello"}, {}, 1, 1),
])  # fmt: skip
def test_the_acknowledgement_says_what_becomes_of_a_modal(
    slack, call, connect, alice, message, answer, errors, count, faults
):
    connect(answers={"view_submission": answer})
    call("views.open", trigger_id=slack.click(alice, message, "reject").payload["trigger_id"], view=MODAL)
    (view,) = slack.open_views(alice)
    done = slack.submit(view, reason=" ")
    assert (done.errors, len(slack.open_views(alice)), len(slack.socket.faults)) == (errors, count, faults)
    assert (done.problem is None) == (faults == 0)


# Commands, and response_url.


def test_a_command_is_answered_to_who_typed_it(slack, connect, ops, alice):
    app = connect(answers={"slash_commands": {"text": "2 wait for you"}})
    done = slack.command(alice, "/salt-approval show <7> & more", ops)
    (envelope,) = app.of_type("slash_commands")
    assert envelope["accepts_response_payload"] is True
    assert envelope["payload"]["text"] == "show &lt;7&gt; &amp; more"
    assert (envelope["payload"]["user_id"], envelope["payload"]["channel_id"]) == (alice.id, ops.id)
    assert [each.text for each in ops.ephemeral(alice)] == ["2 wait for you"]
    assert (ops.messages, done.problem) == ([], None)
    with pytest.raises(LookupError, match="cannot type"):
        slack.command(alice, "/other")
    app.answers = {"slash_commands": {"response_type": "in_channel", "text": "for all"}}
    slack.command(alice, "/salt-approval busy", ops)
    assert [each.text for each in ops.messages] == ["for all"]
    app.answers = {"slash_commands": {"blocks": [{"type": "a"}]}}
    assert slack.command(alice, "/salt-approval busy", ops).problem
    assert "invalid_blocks" in slack.socket.faults[0]


def test_a_response_url_is_good_for_five_answers_and_half_an_hour(slack, connect, alice, message):
    connect()
    url = slack.click(alice, message, "reject").payload["response_url"]

    def respond(url=url, **body):
        answer = requests.post(url, json=body, timeout=10)
        return answer.status_code, answer.json().get("error")

    assert respond() == (400, "no_text")
    assert respond(text="no") == (200, None)
    assert respond(text="said", response_type="in_channel") == (200, None)
    assert respond(text="over", blocks=[], replace_original=True) == (200, None)
    assert [each.text for each in message.channel.messages] == ["over", "said"]
    assert [each.text for each in message.channel.ephemeral(alice)] == ["no"]
    assert respond(delete_original=True) == (200, None)
    assert respond(text="no") == (200, None)
    assert respond(text="no") == (404, "used_url")
    assert [each.text for each in message.channel.messages] == ["said"]
    assert respond(url + "x", text="no") == (404, "expired_url")
    late = slack.command(alice, "/salt-approval inbox").payload["response_url"]
    assert respond(late, delete_original=True) == (400, "no_text")
    slack.clock = lambda: time.monotonic() + 1801
    assert respond(late, text="no") == (404, "expired_url")


# By HTTP.


class Portal(StandIn):
    """Takes what Slack sends; answers with the next of ``replies``."""

    def __init__(self):
        super().__init__()
        self.replies = []
        self.taken = []

    @route("POST", "/slack")
    def take(self, request):
        self.taken.append((request.headers, request.body))
        return self.replies.pop(0) if self.replies else Reply(200)


@pytest.fixture
def portal(slack):
    with Portal() as server:
        slack.requests_url = server.url + "/slack"
        yield server


def test_the_signature_is_that_of_the_published_example():
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
        b"channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
        b"response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F"
        b"96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    secret = "8f742231b10e8888abcd99yyyzzz85a5"  # noqa: S105
    at = "1531420618"
    assert sign(body, at, secret) == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def test_a_click_over_http_is_a_signed_form(slack, portal, alice, message):
    click = slack.click(alice, message, "approve")
    assert (click.way, click.status, click.problem) == ("http", 200, None)
    ((headers, body),) = portal.taken
    at = headers["X-Slack-Request-Timestamp"]
    assert headers["X-Slack-Signature"] == sign(body, at, slack.signing_secret)
    assert abs(time.time() - int(at)) < 60
    assert json.loads(dict(urllib.parse.parse_qsl(body.decode()))["payload"])["type"] == "block_actions"
    assert slack.signed(body, at=at, secret="x")["X-Slack-Signature"] != headers["X-Slack-Signature"]  # noqa: S106


def test_a_command_over_http_is_plain_fields_and_may_be_answered_in_text(slack, portal, alice):
    portal.replies = [Reply(200, "nothing waits"), Reply(200, {"text": "2 wait"}), Reply(401)]
    answers = [slack.command(alice, "/salt-approval inbox") for _ in range(3)]
    assert [each.text for each in slack.direct(alice).ephemeral(alice)] == ["nothing waits", "2 wait"]
    assert [each.status for each in answers] == [200, 200, 401]
    assert answers[2].problem.endswith("operation_timeout")
    fields = dict(urllib.parse.parse_qsl(portal.taken[0][1].decode()))
    assert (fields["command"], fields["text"], fields["user_id"]) == ("/salt-approval", "inbox", alice.id)


def test_a_late_answer_over_http_is_none(slack, portal, alice, message):
    slack.limits.ack_s = 0.2
    portal.lies.late, portal.late_s = 1, 0.6
    click = slack.click(alice, message, "approve")
    assert (click.status, click.problem) == (None, "This app is not responding")
    assert len(portal.taken) == 1


def test_a_connection_of_socket_mode_comes_before_http(slack, portal, connect, alice, message):
    connect()
    assert slack.click(alice, message, "approve").way == "socket"
    assert portal.taken == []


def wait_until(condition, timeout_s=60):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.01)
