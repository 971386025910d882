"""The door for Slack, whatever comes in: no fault of ours, and no decision but the one that was clicked."""

import copy
import hashlib
import hmac
import json
import time
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saltext.approval.chat import interactions
from saltext.approval.chat.story import Teller
from saltext.approval.portal import app, chat, config

SECRET = "a signing secret"  # noqa: S105
TEAM, USER, DIGEST = "T1", "U2", "sha256:abc"
CLICK = {
    "type": "block_actions",
    "team": {"id": TEAM},
    "user": {"id": USER, "team_id": TEAM},
    "channel": {"id": "D3"},
    "trigger_id": "1.2.3",
    "actions": [{"action_id": "approve", "type": "button", "value": f"7/1/{DIGEST}"}],
}
SUBMISSION = {
    "type": "view_submission",
    "team": {"id": TEAM},
    "user": {"id": USER},
    "view": {
        "callback_id": "reject",
        "private_metadata": f"7/1/{DIGEST} D3",
        "state": {"values": {"reason": {"reason": {"value": "not now"}}}},
    },
}
COMMAND = {"team_id": TEAM, "user_id": USER, "channel_id": "D3", "response_url": "https://slack/x", "text": "inbox"}
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["approve", "reject", "block_actions", "view_submission", f"8/1/{DIGEST}", "U9", "\0", "\ud800"])
)  # fmt: skip
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner), max_leaves=8
)


class AtOnce:
    """Does the work of a thread where it is given."""

    def submit(self, function, *arguments):
        function(*arguments)


class Database:
    """Everybody is known; it notes what was decided."""

    def __init__(self):
        self.decided = []

    def value(self, function, *arguments):
        if function == "decide":
            self.decided.append(arguments)
        return "approved" if function == "decide" else None if function == "chat_story" else "somebody"

    def call(self, function, *arguments):
        return []


class Workspace:
    """All are people of this workspace; nothing goes anywhere."""

    def call(self, method, **arguments):
        return {"user": {}, "channel": {}}


class Channel:
    name, where, team, has_buttons, workspace = "ops", "approval:chat:channels:ops", None, True, Workspace()


class Secret:
    until = None

    def text(self):
        return SECRET

    def counts(self, now):
        return True


class Door:
    """The web service with the door of one channel; ``sent`` is what was decided."""

    def __init__(self):
        Channel.signing_secrets = [Secret()]
        desk = chat.Desk(Channel(), None, Teller(str), None)
        inside = desk.over._interactions
        self.database = inside._database = Database()
        inside._decides = inside._answers = AtOnce()
        web = config.load({"public_url": "https://approval.example.com"})
        self._client = app.create(web, {}, [chat.blueprint({"ops": desk})]).test_client()

    def post(self, body, secret=SECRET):
        """(status, what was decided by it) of a body that is signed with this secret."""
        self.database.decided.clear()
        at = str(int(time.time()))
        mac = hmac.new(secret.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
        headers = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={mac}"}
        answer = self._client.post("/chat/ops/interactivity", data=body, headers=headers)
        return answer.status_code, list(self.database.decided)


@pytest.fixture(scope="module")
def door():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interactions, "_Respond", lambda url: lambda content: None)
        yield Door()


def form(payload):
    return urllib.parse.urlencode({"payload": json.dumps(payload)}).encode()


def read(payload):
    """The decision that a payload stands for, read in another way; None: it stands for none."""
    try:
        who = f"{payload['user'].get('team_id') or payload['team']['id']}/{payload['user']['id']}"
        if payload["type"] == "block_actions" and payload["actions"][0]["action_id"] == "approve":
            number, stage, digest = payload["actions"][0]["value"].split("/", 2)
            return "slack", who, int(number), "approve", "", digest, int(stage)
        if payload["type"] == "view_submission" and payload["view"]["callback_id"] == "reject":
            number, stage, digest = payload["view"]["private_metadata"].split(" ")[0].split("/", 2)
            reason = payload["view"]["state"]["values"]["reason"]["reason"]["value"].strip()
            return "slack", who, int(number), "reject", reason, digest, int(stage)
    except (LookupError, TypeError, AttributeError, ValueError):
        pass
    return None


@st.composite
def broken(draw, whole):
    """The envelope ``whole`` with up to four places that are gone, or have something else."""
    payload = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 4))):
        places = list(_places(payload))
        if not places:
            break
        inside, name = draw(st.sampled_from(places))
        if draw(st.booleans()):
            del inside[name]
        else:
            inside[name] = draw(JSON)
    return payload


def _places(inside):
    for name, value in list(inside.items()) if isinstance(inside, dict) else list(enumerate(inside)):
        yield inside, name
        if isinstance(value, dict | list):
            yield from _places(value)


def test_what_is_whole_decides(door):
    assert door.post(form(CLICK)) == (200, [("slack", "T1/U2", 7, "approve", "", DIGEST, 1)])
    assert door.post(form(SUBMISSION)) == (200, [("slack", "T1/U2", 7, "reject", "not now", DIGEST, 1)])
    assert door.post(urllib.parse.urlencode(COMMAND).encode()) == (200, [])
    assert door.post(form({**CLICK, "trigger_id": "x"}), "another secret") == (401, [])


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda tail: b"payload=" + tail))
def test_any_bytes_decide_nothing_and_are_no_fault_of_ours(door, body):
    status, decided = door.post(body)
    assert (status in (200, 400, 401), decided) == (True, [])
    assert door.post(body, "another secret") == (401, [])


@settings(deadline=None, max_examples=500)
@given(broken(CLICK) | broken(SUBMISSION) | JSON)
def test_any_envelope_decides_what_stands_in_it_or_nothing(door, payload):
    status, decided = door.post(form(payload))
    assert status in (200, 400, 401)
    assert decided in ([], [read(payload)])


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.sampled_from([*COMMAND, "payload", "x"]), st.text(max_size=30).filter(str.isprintable)))
def test_any_command_is_no_fault_of_ours(door, fields):
    body = urllib.parse.urlencode({**COMMAND, **fields}).encode()
    status, decided = door.post(body)
    assert (status in (200, 400, 401), decided) == (True, [])
