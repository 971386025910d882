"""What people do in Slack, over Socket Mode and over HTTP, against a real database."""

import datetime
import hashlib
import hmac
import http.server
import json
import threading
import time
import urllib.parse

import psycopg
import pytest


@pytest.fixture
def heard(room):
    """The room with buttons and a connection of Socket Mode; carol or bob releases packages, by what a chat proves."""
    room.restart(ops=room.channel(app_token_file=room.secret("app.token", room.slack.app_token), buttons=True))
    room.know()
    stage(room, "asserted")
    room.worker.round()
    room.slack.socket.wait_for_connections(1)
    return room


def stage(room, least):
    chain = [{"name": "release", "min_assurance": least, "any_of": [{"group": "managers", "quorum": 1}]}]
    kind = {"name": "package", "title": "Packages", "kind": "package", "requesters": ["*"], "chain": chain}
    room.database.execute("SELECT approval.put_request_type(%s::jsonb)", (json.dumps(kind),))


@pytest.fixture
def asked(heard, client):
    """(the number of a request, the message that asks carol)"""
    number = client("alice").request("package", ["web1"], {"hello": "2.10-3"}, "a test")["request"]
    heard.work()
    return number, heard.direct("carol")[0]


def told(room, name, count=1, within_s=30.0):
    """The words that somebody alone was shown, the last one first."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        found = room.slack.direct(room.people[name]).ephemeral(room.people[name])
        if len(found) >= count:
            return found[-1].shown
        time.sleep(0.1)
    raise AssertionError(f"{name} is told nothing")


def click(room, name, message, action, **more):
    done = room.slack.click(room.people[name], message, action, **more)
    assert (done.way, done.problem) == ("socket", None)
    return done


def test_an_approval_by_a_click_counts_as_asserted_and_all_copies_say_so(heard, asked):
    number, message = asked
    assert set(message.buttons) == {"approve", "reject", "open-0"}
    click(heard, "carol", message, "approve")
    assert told(heard, "carol") == f"You approved request {number}. It is now approved."
    carol = heard.people["carol"].id
    assert heard.decisions() == [("carol", "approve", "asserted", f"slack:T1/{carol}")]
    heard.work()
    for name in ("bob", "carol"):
        copy = heard.direct(name)[0]
        assert set(copy.buttons) == {"open-0"}
        assert "carol approved it at" in copy.shown
        assert f"as slack:T1/{carol} (asserted)" in copy.shown
    assert heard.slack.socket.faults == []


def test_a_dialog_that_is_not_confirmed_decides_nothing(heard, asked):
    heard.slack.click(heard.people["carol"], asked[1], "approve", confirmed=False)
    assert (heard.slack.socket.envelopes, heard.decisions()) == ([], [])


def test_check_16_a_click_is_acknowledged_within_a_second_while_the_database_hangs(heard, asked):
    _, message = asked
    with psycopg.connect(heard.database.dsn(direct=True)) as conn:
        conn.execute("LOCK TABLE approval.identity, approval.request IN ACCESS EXCLUSIVE MODE")
        done = click(heard, "carol", message, "approve")
        assert done.ack_after_s < 1
        # What needs no database goes on.
        click(heard, "bob", heard.direct("bob")[0], "reject")
        until = time.monotonic() + 10
        while not heard.slack.open_views(heard.people["bob"]) and time.monotonic() < until:
            time.sleep(0.1)
        assert heard.slack.open_views(heard.people["bob"])
    assert "You approved" in told(heard, "carol")


def test_check_17_a_strangers_click_is_refused_and_audited(heard, asked):
    _, message = asked
    heard.database.execute("DELETE FROM approval.identity WHERE provider = 'slack'")
    click(heard, "carol", message, "approve")
    subject = f"T1/{heard.people['carol'].id}"
    assert f"Nobody is known here as slack:{subject}" in told(heard, "carol")
    assert heard.decisions() == []
    query = "SELECT identity FROM approval.audit_entry WHERE act = 'stranger-refused'"
    assert heard.database.execute(query) == [(f"slack:{subject}",)]


@pytest.mark.parametrize("what", ["is_guest", "deleted", "is_bot"])
def test_guests_and_others_who_are_no_members_decide_nothing(heard, asked, what):
    setattr(heard.people["carol"], what, True)
    click(heard, "carol", asked[1], "approve")
    assert "not for guests" in told(heard, "carol")
    assert heard.decisions() == []


def test_check_18_who_asked_is_told_that_they_cannot_decide(heard, asked):
    _, message = asked
    heard.database.execute("UPDATE approval.identity SET principal_id = (SELECT principal_id FROM approval.principal "
                           "WHERE name = 'alice') WHERE provider = 'slack' AND subject = %s",
                           (f"T1/{heard.people['carol'].id}",))  # fmt: skip
    click(heard, "carol", message, "approve")
    assert "alice" in told(heard, "carol")
    assert heard.decisions() == []


def test_check_19_after_an_amendment_a_click_is_refused_and_the_buttons_are_renewed(heard, asked, client):
    number, message = asked
    old = message.buttons["approve"]["value"]
    client("alice").amend(number, ["web1"], {"hello": "2.10-4"})
    click(heard, "carol", message, "approve")
    assert "The message shows it anew soon." in told(heard, "carol")
    assert heard.decisions() == []
    heard.work()
    message = heard.direct("carol")[0]
    assert message.buttons["approve"]["value"] != old
    assert "2.10-4" in message.shown
    click(heard, "carol", message, "approve")
    assert "You approved" in told(heard, "carol", 2)


def test_check_20_a_double_click_is_one_decision(heard, asked):
    _, message = asked
    click(heard, "carol", message, "approve")
    click(heard, "carol", message, "approve")
    told(heard, "carol", 2)
    assert len(heard.decisions()) == 1


def test_check_21_a_stage_that_wants_more_gives_a_link_and_no_decision(heard, asked, client):
    number, message = asked
    value = message.buttons["approve"]["value"]
    stage(heard, "authenticated")
    number = client("alice").request("package", ["web2"], {"hello": "2.10-3"}, "a test")["request"]
    heard.work()
    asking = heard.direct("carol")[1]
    assert set(asking.buttons) == {"open-0"}
    # A button of whatever origin does not get past that.
    ((digest,),) = heard.database.execute("SELECT digest FROM approval.item_set WHERE request_id = %s", (number,))
    for block in message.content.blocks:
        for element in block.get("elements", ()):
            if element.get("value") == value:
                element["value"] = f"{number}/1/{digest}"
    click(heard, "carol", message, "approve")
    assert f"https://approval.example.com/requests/{number}" in told(heard, "carol")
    assert heard.decisions() == []


def test_check_22_a_rejection_wants_a_reason(heard, asked):
    number, message = asked
    click(heard, "carol", message, "reject")
    until = time.monotonic() + 10
    while not heard.slack.open_views(heard.people["carol"]) and time.monotonic() < until:
        time.sleep(0.1)
    (view,) = heard.slack.open_views(heard.people["carol"])
    assert heard.slack.submit(view, reason="  ").errors == {"reason": "Please say why."}
    assert view.is_open
    done = heard.slack.submit(view, reason="not now")
    assert (done.problem, view.is_open) == (None, False)
    assert told(heard, "carol") == f"You rejected request {number}. It is now rejected."
    query = "SELECT decision, comment FROM approval.decision"
    assert heard.database.execute(query) == [("reject", "not now")]


def test_check_23_after_a_click_that_was_lost_the_link_still_works(heard, asked):
    number, message = asked
    heard.slack.limits.ack_s = 0.5
    heard.slack.lies.lose_envelope = 1
    assert heard.slack.click(heard.people["carol"], message, "approve").problem
    assert heard.decisions() == []
    assert heard.direct("carol")[0].buttons["open-0"]["url"] == f"https://approval.example.com/requests/{number}"
    click(heard, "carol", message, "approve")
    assert "You approved" in told(heard, "carol")


def test_a_button_of_a_stage_that_is_passed_decides_nothing(heard, asked):
    _, message = asked
    (button,) = [
        one
        for block in message.content.blocks
        for one in block.get("elements", ())
        if one.get("action_id") == "approve"
    ]
    head, _, digest = button["value"].split("/")
    button["value"] = f"{head}/7/{digest}"
    click(heard, "carol", message, "approve")
    assert "is at stage 1, and this decision is for stage 7" in told(heard, "carol")
    assert heard.decisions() == []


def test_check_24_of_two_masters_one_hears(heard):
    from saltext.approval.engine.workers import chat
    from saltext.approval.settings import Settings

    other = chat.worker(Settings(heard.opts()))
    try:
        other.round()
        heard.slack.socket.wait_for_connections(1)
        (ears,) = other._ears
        assert not ears.is_open
        # The other one takes over when the first is gone.
        heard.close()
        heard.database.execute("UPDATE approval.chat_socket SET leased_until = now()")
        ears._next_at = 0.0
        other.round()
        assert ears.is_open
        heard.slack.socket.wait_for_connections(1, opened=2)
    finally:
        other.close()


def test_a_connection_is_made_anew_when_others_are_counted(heard, monkeypatch):
    from saltext.approval.chat import socket_mode

    (ears,) = heard.worker._ears
    monkeypatch.setattr(socket_mode, "FRESH_S", 0.0)
    # The greeting of the connection that is open may still be on its way, and says that there are no others.
    until = time.monotonic() + 30
    while heard.slack.socket.opened < 2 and time.monotonic() < until:
        ears._socket._crowded_at = time.monotonic() - 1
        ears._next_at = 0.0
        ears.keep()
        time.sleep(0.1)
    heard.slack.socket.wait_for_connections(1, opened=2)
    assert ears._socket._crowded_at is None


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("inbox", "1 request waits for you"),
        ("", "1 request waits for you"),
        ("busy web1", "Under way on web1"),
        ("busy &lt;x&gt;", "unknown minion"),
        ("show NUMBER", "Request NUMBER: Packages"),
        ("show 999999", "There is no request 999999."),
        ("salt web1 cmd.run x", "Type inbox"),
    ],
)
def test_commands_answer_only_who_types_them(heard, asked, typed, shown):
    number, _ = asked
    done = heard.slack.command(heard.people["carol"], f"/salt-approval {typed.replace('NUMBER', str(number))}")
    assert (done.way, done.problem, done.ack_after_s < 1) == ("socket", None, True)
    assert shown.replace("NUMBER", str(number)) in told(heard, "carol")


def test_commands_of_strangers_and_in_shared_channels_are_refused(heard):
    heard.slack.scopes |= {"channels:read"}
    eve = heard.slack.person("eve", team="T2")
    shared = heard.slack.new_channel("shared", eve, heard.people["carol"], is_shared=True)
    for person, said in ((eve, "Nobody is known here"), (heard.people["carol"], "shared with another organisation")):
        heard.slack.command(person, "/salt-approval inbox", shared)
        until = time.monotonic() + 20
        while not shared.ephemeral(person) and time.monotonic() < until:
            time.sleep(0.1)
        assert said in shared.ephemeral(person)[-1].shown


def test_check_25_other_envelopes_cause_nothing(heard):
    before = len(heard.ops.all)
    event = {"type": "event_callback", "event": {"type": "message", "bot_id": "B1", "text": "salt '*' cmd.run x"}}
    envelope = heard.slack.socket.send("events_api", event, False)
    assert heard.slack.socket.wait(envelope, 3)
    heard.work()
    assert (len(heard.ops.all), heard.decisions(), heard.slack.socket.faults) == (before, [], [])


def test_without_the_setting_a_button_decides_nothing(heard, asked):
    _, message = asked
    heard.worker._ears[0]._interactions._channel.has_buttons = False
    click(heard, "carol", message, "approve")
    assert "Decisions are not taken here." in told(heard, "carol")
    assert heard.decisions() == []


def signed(secret, at, body):
    mac = hmac.new(secret.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(at), "x-slack-signature": f"v0={mac}"}


def test_check_15_what_slack_did_not_sign_just_now_is_401(room):
    from saltext.approval.chat.interactions import Answer, OverHttp
    from saltext.approval.chat.signature import Verifier
    from saltext.approval.config import DatedSecret

    taken = []

    class Takes:
        def take(self, kind, payload, acknowledge):
            taken.append((kind, payload))
            acknowledge()

    http = OverHttp(Takes(), Verifier([DatedSecret("x", room.secret("signing", "secret"))]))
    body, now = urllib.parse.urlencode({"payload": '{"type": "block_actions"}'}).encode(), 1_800_000_000
    for wrong in (
        {},
        signed("other", now, body),
        signed("secret", now - 301, body),
        signed("secret", now + 301, body),
        signed("secret", "soon", body),
        signed("secret", now, body + b"x"),
        {**signed("secret", now, body), "x-slack-signature": "v0=ä"},
    ):
        assert http.answer(wrong, body, now) == Answer(401)
    assert taken == []
    right = signed("secret", now - 299, body)
    assert http.answer(right, body, now) == Answer(200)
    assert taken == [("interactive", {"type": "block_actions"})]
    # It counts once.
    assert http.answer(right, body, now + 1) == Answer(401)
    command = b"command=%2Fsalt-approval&text="
    assert http.answer(signed("secret", now, command), command, now) == Answer(200)
    assert taken[1] == ("slash_commands", {"command": "/salt-approval", "text": ""})
    broken = b"payload=%7B"
    why = "This is no click, modal or command of Slack: payload is no JSON, or nested too deep."
    assert http.answer(signed("secret", now, broken), broken, now) == Answer(400, why=why)


def test_while_the_signing_secret_changes_both_count_until_the_day_of_the_old_one(room):
    from saltext.approval.chat import channels
    from saltext.approval.chat.signature import Verifier
    from saltext.approval.errors import ConfigError

    old = {"file": room.secret("old", "old"), "until": datetime.date(2026, 12, 31)}
    settings = room.channel(signing_secret_file=room.secret("new", "new"), retiring_signing_secret=old)
    newest, retiring = channels.load({"ops": settings})["ops"].signing_secrets
    verifier = Verifier([newest, retiring])
    last, after = (int(datetime.datetime(*day, tzinfo=datetime.timezone.utc).timestamp()) for day in
                   ((2026, 12, 31, 23, 59, 59), (2027, 1, 1)))  # fmt: skip
    for at, secret, maker in (
        (last, "new", newest), (last, "old", retiring), (last, "x", None), (after, "new", newest), (after, "old", None),
    ):  # fmt: skip
        assert verifier.maker(signed(secret, at, b"x"), b"x", at) is maker
    # A file is wanted as long as it counts.
    (room._folder / "old").unlink()
    with pytest.raises(ConfigError, match="approval:chat:channels:ops: retiring_signing_secret: file"):
        verifier.check(last)
    verifier.check(after)


def test_over_http_a_click_decides_and_a_modal_is_answered(room, client):
    """The service that the web service will mount, behind a plain server."""
    from saltext.approval import config, db
    from saltext.approval.chat import channels, story
    from saltext.approval.chat.interactions import Interactions, OverHttp
    from saltext.approval.chat.signature import Verifier

    room.restart(ops=room.channel(signing_secret_file=room.secret("signing", room.slack.signing_secret), buttons=True))
    room.know()
    stage(room, "asserted")
    channel = channels.load(room.channels)["ops"]
    interactions = Interactions(
        channel, lambda: db.connect(config.Connection(room.database.dsn("chat"))), story.Teller(str)
    )
    over = OverHttp(interactions, Verifier(channel.signing_secrets))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = over.answer(dict(self.headers), body, datetime.datetime.now().timestamp())
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"" if answer.content is None else json.dumps(answer.content).encode())

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        room.slack.requests_url = f"http://127.0.0.1:{server.server_port}/slack"
        client("alice").request("package", ["web1"], {"hello": "2.10-3"}, "a test")
        room.work()
        done = room.slack.click(room.people["carol"], room.direct("carol")[0], "approve")
        assert (done.way, done.status, done.problem) == ("http", 200, None)
        assert "You approved" in told(room, "carol")
        assert len(room.decisions()) == 1
    finally:
        server.shutdown()
        server.server_close()
        interactions.close()
