"""A channel of Slack beside real minions: people see what runs there and how it ended, and decide there."""

import json
import signal
import subprocess

import pytest
import yaml
from lab import PROGRAMS, wait_until
from standins.slack import SlackStandIn

POLICY = """
principals:
  carol: {{identities: ["pg:carol", "slack:{carol}"]}}
speakers:
  chat: {{slack: asserted}}
contacts:
  carol: {{ops: {carol}}}
routes:
  chat-ops:
    - {{topic: jobs, functions: ["cmd.*", "state.*"]}}
    - {{topic: alarms}}
    - {{topic: requests, types: [package-by-chat]}}
types:
  package-by-chat:
    title: Packages by chat
    kind: package
    dispatch: true
    catalog: "off"
    requesters: ["*"]
    chain:
      - {{name: release, min_assurance: asserted, any_of: [{{group: change-managers}}]}}
"""
NO_ROUTES = "routes: {chat-ops: []}\n"
TOP = "base:\n  '*':\n    - approval\n  'db1':\n    - full\n"
FULL = "the disk has room:\n  cmd.run:\n    - name: 'echo no space left on device >&2; exit 1'\n"


class Room:
    """The channel #ops, carol in it, and the service between it and the database of a Lab."""

    def __init__(self, lab, slack, log):
        self.lab, self.slack, self._log = lab, slack, log
        self.carol = slack.person("carol")
        self.ops = slack.new_channel("ops", self.carol)

    def until(self, condition, what):
        """Wait for something; what the channel and the service said is in the error where it does not come."""
        try:
            return wait_until(condition, what)
        except TimeoutError as error:
            rows = self.lab.database.query("SELECT * FROM approval.outbox WHERE destination LIKE 'chat-%'")
            raise TimeoutError("\n".join([str(error), self.ops.transcript(), self._log.read_text(), rows])) from None

    def message(self, *parts):
        """The message of the channel that has all of these texts, once it is there."""
        return self.until(
            lambda: next((one for one in self.ops.messages if all(part in one.shown for part in parts)), None),
            f"a message with {parts}",
        )


@pytest.fixture(scope="module")
def room(lab):
    directory = lab.directory / "chat"
    directory.mkdir()
    with SlackStandIn() as slack:
        room = Room(lab, slack, directory / "log")
        secrets = {"token_file": slack.bot_token, "app_token_file": slack.app_token}
        for name, secret in secrets.items():
            (directory / name).touch(mode=0o600)
            (directory / name).write_text(secret)
        channel = {
            "kind": "slack",
            "channel": room.ops.id,
            "team": slack.team_id,
            "api_url": f"{slack.url}/api/",
            "buttons": True,
            **{name: str(directory / name) for name in secrets},
        }
        lab.database.add_login("chat", "approval_chat")
        policy, no_routes, config = (directory / name for name in ("policy.yaml", "no-routes.yaml", "service.yaml"))
        policy.write_text(POLICY.format(carol=f"{slack.team_id}/{room.carol.id}"))
        no_routes.write_text(NO_ROUTES)
        chat = {"dsn_file": str(lab.database.dsn_file("chat")), "channels": {"ops": channel}}
        config.write_text(yaml.safe_dump({"approval": {"chat": chat}}))
        lab.database.command("policy", "policy", "load", str(policy))
        with (directory / "log").open("ab") as log:
            command = [PROGRAMS / "salt-approval", "serve", "--workers", "chat", "--config", config]
            service = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            slack.socket.wait_for_connections(1)
            yield room
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait()
            lab.database.command("policy", "policy", "load", str(no_routes))


@pytest.fixture
def full_disk(lab):
    """A state in the highstate of db1 that fails."""
    states = lab.directory / "states"
    before = (states / "top.sls").read_text()
    (states / "full.sls").write_text(FULL)
    # The master lists its files now and then.
    wait_until(lambda: "full" in lab.master.call("db1", "cp.list_states")["db1"], "the state in the file server")
    (states / "top.sls").write_text(TOP)
    yield
    (states / "top.sls").write_text(before)


def test_a_command_is_shown_as_it_was_typed_without_its_secret(room):
    room.lab.master.run("salt", "-G", "os:Debian", "cmd.run", "mysql -pS3cret", check=False)
    message = room.message("salt -G os:Debian cmd.run 'mysql -p********'", "0 ok, 2 failed")
    assert "S3cret" not in message.shown + room.ops.transcript()
    assert "S3cret" not in room.lab.database.query("SELECT body FROM approval.outbox")


def test_a_highstate_that_fails_in_one_of_two_minions_says_in_which_and_why(room, full_disk):
    room.lab.master.run("salt", "*", "state.highstate", check=False)
    message = room.message("state.highstate", "1 ok, 1 failed")
    thread = room.until(lambda: "\n".join(reply.shown for reply in message.replies), "an entry in the thread")
    assert "db1" in thread
    assert "the disk has room" in thread
    assert "web1" not in thread


def test_a_request_is_approved_by_a_click_and_applied(room):
    result = room.lab.request(["web1"], {"acme-probe": "0.9-1"}, "for the click", "package-by-chat")
    number = json.loads(result.stdout)["request"]
    asked = room.until(
        lambda: next((one for one in room.slack.direct(room.carol).messages if f"{number}" in one.shown), None),
        "carol is asked",
    )
    assert room.slack.click(room.carol, asked, "approve").problem is None
    assert room.lab.settled(number)["state"] == "converged"
    assert room.lab.minions["web1"].packages()["acme-probe"] == "0.9-1"
    room.until(lambda: "approve" not in asked.buttons and "carol approved it" in asked.shown, "the copy says so")
    room.message(f"Request {number}", "Done")


def test_a_second_highstate_on_a_busy_minion_is_called_out(room, state_run):
    room.lab.master.run("salt", "web1", "state.highstate", check=False)
    room.message("overlapping-run on web1", "state.highstate was refused")
