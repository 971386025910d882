"""The part of the story about a channel in Slack: it is told what runs and what is asked for, and a click decides."""

import contextlib
import pathlib
import signal
import subprocess
import sys

# The Slack of the story is the one of the tests.
sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "tests"))

import yaml
from lab import PROGRAMS, wait_until
from standins.slack import SlackStandIn

MINION, PACKAGE, VERSION = "db1", "acme-agent", "2.0-1"
SHOWN_LINES = 120
POLICY = """\
principals:
  carol: {{identities: ["pg:carol", "slack:{carol}"]}}
speakers:
  chat: {{slack: asserted}}
contacts:
  carol: {{ops: {carol}}}
routes:
  chat-ops:
    - {{topic: jobs, functions: ["cmd.*", "pkg.*"]}}
    - {{topic: requests, filter: {{type: by-chat}}}}
    - {{topic: requests, filter: {{type: careful}}}}
    - {{topic: alarms, severities: [warning, critical]}}
    - {{topic: drift}}
types:
  by-chat:
    title: A package, approved in the chat
    kind: package
    dispatch: true
    requesters: ["*"]
    chain:
      - {{name: release, min_assurance: asserted, any_of: [{{group: change-managers}}]}}
"""


class Channel:
    """Steps of the story, the first of which opens the channel that the last one shows; `story` lends its ways."""

    def __init__(self, story):
        self._story = story
        self._open = contextlib.ExitStack()
        self._slack = self._ops = None

    @property
    def first_steps(self):
        """(title, function) of each step before anything is told."""
        return (("A channel in Slack is told from here on, and carol approves there by a click", self.approve),)

    @property
    def last_steps(self):
        """Likewise after all of it."""
        return (("The channel, as it looks in the end", self.show),)

    def approve(self):
        """Open the channel, and have a request approved by a click on the message that carol was sent."""
        story, lab = self._story, self._story.lab
        self._slack = self._open.enter_context(SlackStandIn())
        carol = self._slack.person("carol")
        self._ops = self._slack.new_channel("ops", carol)
        lab.database.add_login("chat", "approval_chat")
        story.load_policy(POLICY.format(carol=f"{self._slack.team_id}/{carol.id}"))
        self._open.enter_context(self._service())
        self._slack.socket.wait_for_connections(1)
        request = story.ask_runner(
            "request",
            "by-chat",
            f'minions=["{MINION}"]',
            f'packages={{"{PACKAGE}": "{VERSION}"}}',
            "reason=CHG-7: the agent is mended",
        )["request"]
        story.requests.append(request)
        with story.narrator.progress("carol is asked by a direct message"):
            asked = wait_until(lambda: self._asked(carol, request), "message to carol")
        story.narrator.quote(asked.shown)
        story.narrator.say("carol presses Approve. From here on nobody does anything.")
        clicked = self._slack.click(carol, asked, "approve")
        story.check(clicked.problem is None, "Slack has an acknowledgement in time", clicked.problem)
        story.settled(request, "converged")
        found = lab.minions[MINION].packages().get(PACKAGE)
        story.check(found == VERSION, f"{MINION}: dpkg has {PACKAGE} {found}", found)
        with story.narrator.progress("her message says so"):
            wait_until(lambda: "carol approved it" in asked.shown, "end of the question")
        story.check("approve" not in asked.buttons, "and its buttons are gone")

    def show(self):
        """Show the channel once all is told, and close it."""
        story = self._story
        with story.narrator.progress("all is told"):
            wait_until(lambda: not self._waiting(), "messages that wait")
        self._open.close()
        text = self._ops.transcript()
        story.narrator.quote("\n".join(line for line in text.splitlines() if line), limit=SHOWN_LINES)
        for told in ("The rollout was given up", "unapproved-job on db1", "Drift on web1 ended"):
            story.check(told in text, f"it was told: {told}")
        story.check("mysql" in text and "S3cret" not in text, "the command of root without its password")
        problems = [*self._slack.hasty, *self._slack.warnings, *self._slack.dropped]
        story.check(not problems, "Slack had to refuse nothing, and warned of nothing", problems)

    def _asked(self, person, request):
        messages = self._slack.direct(person).messages
        return next((one for one in messages if f"request {request}" in one.shown and "approve" in one.buttons), None)

    def _waiting(self):
        waiting = "SELECT FROM approval.outbox WHERE destination = 'chat-ops' AND state = 'waiting'"
        untold = "SELECT FROM approval.job_told WHERE ok IS NULL"
        return self._story.lab.database.query(f"SELECT EXISTS ({waiting}) OR EXISTS ({untold})") == "t"

    @contextlib.contextmanager
    def _service(self):
        """`salt-approval serve` with the worker that talks to Slack."""
        lab = self._story.lab
        secrets = {"token_file": self._slack.bot_token, "app_token_file": self._slack.app_token}
        files = {name: lab.directory / f"slack-{name}" for name in secrets}
        for name, secret in secrets.items():
            files[name].touch(mode=0o600)
            files[name].write_text(secret)
        channel = {
            "kind": "slack",
            "channel": self._ops.id,
            "team": self._slack.team_id,
            "api_url": f"{self._slack.url}/api/",
            "buttons": True,
            **{name: str(file) for name, file in files.items()},
        }
        config = lab.directory / "chat.yaml"
        chat = {"dsn_file": str(lab.database.dsn_file("chat")), "channels": {"ops": channel}}
        config.write_text(yaml.safe_dump({"approval": {"chat": chat}}))
        words = ["salt-approval", "serve", "--workers", "chat", "--config", str(config)]
        self._story.narrator.command("chat", [*words[:-1], config.name])
        with (lab.directory / "chat.log").open("ab") as log:
            process = subprocess.Popen([PROGRAMS / words[0], *words[1:]], stdout=log, stderr=log)  # noqa: S603
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
