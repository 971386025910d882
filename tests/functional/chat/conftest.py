"""A workspace of Slack with the worker that tells people there, on a database: alice, bob and carol are in it."""

import contextlib
import datetime
import json
import time

import pytest
from standins.slack import SlackStandIn


class Room:
    """Tests act through this on a channel, the jobs that it is told of, and the worker."""

    def __init__(self, slack, database, settings, folder):
        self.slack, self.database, self.settings, self._folder = slack, database, settings, folder
        self.people = {name: slack.person(name) for name in ("alice", "bob", "carol")}
        self.ops = slack.new_channel("ops", *self.people.values())
        self.number = 0
        self.worker = None
        self.channels = {"ops": self.channel()}
        self.restart()

    def secret(self, name, text):
        """A file that holds a secret."""
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_text(text + "\n")
        return str(path)

    def channel(self, **changes):
        """The settings of a channel that leads to #ops, but for these changes."""
        return {
            "kind": "slack",
            "token_file": self.secret("bot.token", self.slack.bot_token),
            "channel": self.ops.id,
            "team": self.slack.team_id,
            "api_url": self.slack.url + "/api/",
            **changes,
        }

    def opts(self):
        """The configuration."""
        return {
            "approval": {
                "chat": {**self.settings, "channels": self.channels},
                "web": {"public_url": "https://approval.example.com"},
            }
        }

    def restart(self, **channels):
        """The worker anew, with these channels besides."""
        from saltext.approval.chat.slack import Workspace
        from saltext.approval.engine.workers import chat
        from saltext.approval.settings import Settings

        self.close()
        Workspace._paces.clear()
        self.channels.update(channels)
        self.worker = chat.worker(Settings(self.opts()))

    def close(self):
        if self.worker is not None:
            self.worker.close()

    @property
    def desk(self):
        return self.worker._desks[0]

    def route(self, topic="jobs", destination="chat-ops", **more):
        """Lead a topic to a channel."""
        self.database.execute(
            "SELECT approval.put_route(%s, %s, '{}', %s::jsonb)", (destination, topic, json.dumps(more))
        )

    def job(self, fun="cmd.run", minions=("web1",), user="root", command=None, age_s=0):
        """Have a job in the log; gives its id."""
        self.number += 1
        jid = f"{datetime.datetime.now(datetime.timezone.utc):%Y%m%d%H%M%S}{self.number:06d}"
        self.database.execute(
            "SELECT approval.save_load(%s, %s, '*', 'glob', %s, %s, '\\x00'::bytea, false, %s, %s)",
            (jid, fun, user, list(minions), time.time() - age_s, command or f"salt {minions[0]} {fun}"),
            login="returner",
        )
        return jid

    def returned(self, jid, minion, retcode=0, fun="cmd.run", payload=b"x"):
        """Have a minion return from a job; what it found is on a package where it failed."""
        verdict = "failed" if retcode else "unproven"
        findings = json.dumps([["package", "hello", retcode == 0, "missing", "1", "", "evidence", "not there"]])
        self.database.execute(
            "SELECT outcome FROM approval.record_returns(ARRAY[%s], ARRAY[%s], ARRAY[%s], ARRAY[%s]::bigint[], '{t}', "
            "ARRAY[%s], '{f}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', ARRAY[%s], '{NULL}', ARRAY[%s]::bytea[], "
            "ARRAY[sha256(convert_to(%s, 'UTF8'))])",
            (jid, minion, fun, retcode, verdict, findings, payload, jid + minion),
            login="returner",
        )

    def look(self):
        """Have jobs and requests looked at in the next round."""
        self.database.execute("UPDATE approval.job_told SET look_at = '-infinity'")
        self.database.execute("UPDATE approval.ask_due SET look_at = '-infinity'")

    def come_back(self):
        """Let the time pass for which channels and messages wait."""
        for desk in self.worker._desks:
            desk._rests_until = desk._claim_at = 0.0
            if desk.channel.kind == "slack":
                desk.channel.workspace._pace.posts.clear()
        self.database.execute(
            "UPDATE approval.outbox SET due_at = '-infinity', leased_until = NULL WHERE state = 'waiting'"
        )

    def work(self, within_s=20.0):
        """Have rounds until nothing waits for a moment that comes soon."""
        self.look()
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            wait = self.worker.round()
            if wait is None and not self.soon():
                return
            time.sleep(min(0.2 if wait is None else wait, 1.0))
        raise AssertionError(f"there is still something to do: {self.waiting()}")

    def soon(self):
        """How many messages are due within some seconds."""
        ((count,),) = self.database.execute(
            "SELECT count(*) FROM approval.outbox AS o WHERE destination LIKE 'chat-%' AND state = 'waiting' "
            "AND due_at < now() + interval '7 s' AND NOT EXISTS (SELECT FROM approval.outbox AS e "
            "WHERE e.state = 'dead' AND e.thread = o.thread AND e.destination = o.destination)"
        )
        return count

    def waiting(self):
        """(thread, seq, topic, state, attempts, error) of each message that was not delivered."""
        return self.database.execute(
            "SELECT thread, seq, topic, state, attempts, last_error FROM approval.outbox "
            "WHERE destination LIKE 'chat-%' AND state <> 'delivered' ORDER BY thread, seq"
        )

    def titles(self):
        """The first line of each message in the channel."""
        return [message.shown.split("\n")[0] for message in self.ops.messages]

    def know(self, *names):
        """Have people known by their accounts, and told directly."""
        self.database.execute("SELECT approval.put_speaker('chat', 'slack', 'asserted')")
        for name in names or self.people:
            subject = f"{self.slack.team_id}/{self.people[name].id}"
            self.database.execute("SELECT approval.put_identity('slack', %s, %s)", (subject, name))
            self.database.execute("SELECT approval.put_contact(NULL, NULL, %s, 'ops', %s)", (name, subject))

    def direct(self, name):
        """The messages that somebody was sent."""
        return self.slack.direct(self.people[name]).messages

    def decisions(self):
        """(who, decision, assurance, as whom) of each decision."""
        return self.database.execute(
            "SELECT p.name, d.decision, d.assurance, d.provider || ':' || d.subject FROM approval.decision AS d "
            "JOIN approval.principal AS p USING (principal_id) ORDER BY d.decided_at"
        )


@pytest.fixture
def slack():
    with SlackStandIn() as workspace:
        yield workspace


@pytest.fixture
def room(approved, slack, settings_of, tmp_path):
    approved.execute("SELECT approval.maintain_jobs(24)")
    with contextlib.closing(Room(slack, approved, settings_of("chat"), tmp_path)) as opened:
        yield opened
