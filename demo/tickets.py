"""The part of the story about a ticket: it asks in Jira, is approved there, and ends when all is done."""

import contextlib
import pathlib
import signal
import subprocess
import sys

# The Jira of the story is the one of the tests.
sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "tests"))

import yaml
from lab import PROGRAMS, wait_until
from standins import acme
from standins.jira import JiraStandIn
from standins.jira_site import PACKAGES

MINION, PACKAGE, VERSION = "db1", "acme-viewer", "3.1-1"
MINIONS_FIELD, PACKAGE_FIELD = "customfield_10102", "customfield_10104"
POLICY = """\
principals:
  alice: {{identities: ["salt:alice", "jira-acme:{alice.account_id}"]}}
  carol: {{identities: ["pg:carol", "jira-acme:{carol.account_id}"]}}
speakers:
  tickets: {{jira-acme: authenticated}}
types:
  ticketed:
    title: Packages of tickets
    kind: package
    dispatch: true
    requesters: ["*"]
    chain:
      - {{name: release, min_assurance: authenticated, any_of: [{{group: change-managers}}]}}
"""


class Tickets:
    """Steps of the story; `story` lends its ways to check and tell."""

    def __init__(self, story):
        self._story = story

    @property
    def steps(self):
        """(title, function) of each step."""
        return (("A ticket in Jira asks, is approved there, and ends when it is done", self.tell_ticket),)

    def tell_ticket(self):
        """All of it, with the ticket as it looks in the end."""
        story = self._story
        with JiraStandIn() as jira, contextlib.ExitStack() as stack:
            alice, carol = jira.person("alice"), jira.person("carol")
            story.lab.database.add_login("tickets", "approval_itsm")
            story.load_policy(POLICY.format(alice=alice, carol=carol))
            stack.enter_context(self._service(jira))
            story.narrator.say(f"alice creates a ticket in Jira: {PACKAGE} {VERSION} on {MINION}.")
            fields = {MINIONS_FIELD: [MINION], PACKAGE_FIELD: (PACKAGE, VERSION)}
            issue = jira.create(PACKAGES, fields, alice)
            with story.narrator.progress("the ticket says what it asks for"):
                wait_until(lambda: issue.comments, "comment on what is asked for")
            story.check(PACKAGE not in story.lab.minions[MINION].packages(), f"{MINION}: nothing is done before that")
            story.narrator.say("carol approves in the ticket. From here on nobody does anything.")
            jira.transition(issue, "Approve", carol)
            with story.narrator.progress("the ticket goes its way"):
                wait_until(lambda: issue.status == "Completed", f"end of {issue.key}")
            story.narrator.quote("\n".join(_shown(issue)), limit=40)
            found = story.lab.minions[MINION].packages().get(PACKAGE)
            story.check(found == VERSION, f"{MINION}: dpkg has {PACKAGE} {found}, and the ticket says so", found)

    @contextlib.contextmanager
    def _service(self, jira):
        """`salt-approval serve` for this site. Jira cannot send anything to it: it looks for changes each second."""
        lab = self._story.lab
        types = {
            PACKAGES: {"request_type": "ticketed", "minions": MINIONS_FIELD, "packages": [{"cascade": PACKAGE_FIELD}]}
        }
        site = acme.jira_settings(jira, lab.directory, projects={jira.project: {"types": types}})
        settings = {
            "engine": {
                "dsn_file": str(lab.database.dsn_file("engine")),
                "workers": {"tickets": {"poll_minutes": 1 / 60}},
            },
            "itsm": {"dsn_file": str(lab.database.dsn_file("tickets")), "sites": {"acme": site}},
        }
        config = lab.directory / "service.yaml"
        config.write_text(yaml.safe_dump({"approval": settings}))
        words = ["salt-approval", "serve", "--workers", "tickets,ticket_news", "--config", str(config)]
        self._story.narrator.command("tickets", [*words[:-1], config.name])
        with (lab.directory / "serve.log").open("ab") as log:
            process = subprocess.Popen([PROGRAMS / words[0], *words[1:]], stdout=log, stderr=log)  # noqa: S603
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _shown(issue):
    """The lines of a ticket as its page would look."""
    yield f"{issue.key}  {issue.type}  [{issue.status}]"
    yield f"created by {issue.creator.name}"
    for comment in issue.comments:
        yield ""
        yield f"{comment.author.name}, {comment.created:%H:%M:%S}:"
        yield from (f"  {line}" for line in _text(comment.body).splitlines())


def _text(body):
    """The text of a document of ADF, a line for each block."""
    if body["type"] == "text":
        return body["text"]
    inner = "".join(map(_text, body.get("content", ())))
    return inner + "\n" if body["type"] == "paragraph" else inner
