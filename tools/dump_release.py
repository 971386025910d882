#!/usr/bin/env python3
"""Write the database of a site that has been at work for a while, as the installed release makes it.

    dump_release.py tests/sql/releases/0.1.0.sql.gz

To be run once per release, on the tree of its tag and with the Python that has it installed. Later versions are
tested to upgrade that database, so a dump that was committed is never made anew. The dump is plain SQL of schema
`approval` alone: the server that reads it needs the roles that `salt-approval db init` makes.
"""

import argparse
import contextlib
import datetime
import gzip
import itertools
import json
import pathlib
import re
import subprocess
import time

from approval_database import ApprovalDatabase
from private_postgres import binary
from run_directory import RunDirectory

from saltext.approval import config, db
from saltext.approval.client.database import DatabaseClient
from saltext.approval.policy import loader

PEOPLE = ("alice", "bob", "carol")
MINIONS = ("web1", "web2", "db1", "till1", "Zürich-ß", "%", "it's")
POLICY = """
principals:
  alice: {identities: ["pg:alice", "salt:alice"]}
  bob: {identities: ["pg:bob", "salt:sudo_bob"]}
  carol: {identities: ["pg:carol"]}
  tickets: {kind: service, identities: ["jira:approvals"]}
  mallory: {identities: ["salt:mallory"], disabled: true}
groups:
  reviewers: {title: Review, members: [bob]}
  managers: {title: Release, members: [bob, carol]}
speakers:
  alice: {jira: authenticated}
minion_groups:
  shops: {title: In the shops, minions: [till1, "Zürich-ß"]}
calendars:
  weekend: {rule: FREQ=WEEKLY;BYDAY=SA, time_zone: Europe/Berlin, duration: 6 hours, starts_on: 2026-01-03 22:00}
freezes:
  christmas: {from: 2030-12-20, until: 2031-01-07, minion_group: shops, reason: Christmas business}
  audit: {from: 2030-03-01, until: 2030-03-02, reason: Audit}
types:
  package:
    title: Packages
    kind: package
    requesters: ["*"]
    chain:
      - {name: review, any_of: [{group: reviewers}]}
      - {name: release, min_assurance: authenticated, timeout: 2 days, escalate_to: managers,
         any_of: [{group: managers}]}
  standard: {title: Free, kind: package, requesters: ["*"], pre_approved: true, chain: []}
  sent: {kind: package, requesters: ["*"], dispatch: true, pre_approved: true, chain: []}
  shop: {kind: package, requesters: ["*"], targets: [shops], calendar: weekend, chain: &release [
    {name: release, any_of: [{group: managers}]}]}
  brief: {kind: package, requesters: ["*"], max_open: 1 second, chain: *release}
  quarter: {kind: package, requesters: ["*"], valid_for: 90 days, chain: *release}
  seconds: {kind: package, requesters: ["*"], valid_for: 8 seconds, chain: *release}
  planned: {kind: package, requesters: ["*"], plan_within: 4 hours, chain: *release}
  service: {kind: service, requesters: ["*"], chain: *release}
  value: {kind: value, requesters: ["*"], chain: *release}
  revert: {kind: any, requesters: ["*"], chain: *release}
  emergency: {kind: package, requesters: ["*"], review_group: reviewers, chain: *release}
  reboot:
    kind: action
    action: {function: system.reboot, kwarg: {in_seconds: false}}
    parameters: {properties: {at_time: {type: integer}}}
    requesters: ["*"]
    chain: *release
"""


class Site:
    """A database and the people and parts that act on it, each by a login of its own."""

    def __init__(self, server, stack):
        self._server = server
        self._stack = stack
        self._connections = {}
        self._runs = itertools.count(1)

    def login(self, name):
        """The connection of a person or of a part of the master; None: of the administrator."""
        if name not in self._connections:
            dsn = self._server.dsn_file(name).read_text() if name else self._server.dsn_of()
            self._connections[name] = self._stack.enter_context(db.connect(config.Connection(dsn)))
        return self._connections[name]

    def person(self, name):
        """A Client of somebody with a login of their own."""
        return DatabaseClient.of_login(self.login(name))

    def runner(self, subject="alice"):
        """A Client of salt-run, called by this user of Salt's."""
        return DatabaseClient(self.login("runner"), "salt", subject)

    def ask(self, type_name, minions, **given):
        """Ask as alice; gives the number of the request."""
        return self.person("alice").request(type_name, list(minions), reason="CHG-7: nötig", **given)["request"]

    def approved(self, *arguments, **given):
        """Ask, and have it approved; gives the number of the request."""
        number = self.ask(*arguments, **given)
        for name in PEOPLE[1:]:
            if self.person("bob").show(number)["state"] == "pending":
                self.person(name).approve(number)
        return number

    def returned(self, minion, kind, name, verdict, observed, *, fun="state.apply", authenticated=True, jid=None):
        """Record what a minion returned about one resource of its document in force; gives the jid."""
        run = f"run-{next(self._runs)}"
        jid = jid or self.jid()
        self.published(jid, fun, [minion])
        (row,) = self.query(
            "SELECT revision, digest FROM approval.document "
            "WHERE minion_id = %s AND valid_from <= now() AND valid_until > now()",
            minion,
        )
        finding = [kind, name, verdict, "observed", None, observed, "evidence", "as the minion saw it"]
        columns = (
            [jid], [minion], [fun], [0], [True], [verdict], [authenticated], [row["revision"]], [row["digest"]],
            [run], [f"boot-of-{minion}"], [json.dumps([finding])], [json.dumps([[kind, name, None]])],
            [b"\x00"], [run.encode()],
        )  # fmt: skip
        db.call(self.login("returner"), "record_returns", *columns)
        return jid

    def published(self, jid, fun, minions):
        """Store the load of a job."""
        load = (jid, fun, ",".join(minions), "list", "root", list(minions), b"\x00", False)
        db.call(self.login("returner"), "save_load", *load)
        db.call(self.login("returner"), "save_minions", jid, list(minions), None)

    def jid(self):
        """A jid of now."""
        time.sleep(0.001)
        (row,) = self.query("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS') AS jid")
        return row["jid"]

    def query(self, sql, *parameters):
        """Run SQL as the administrator; gives the rows as dicts, or None if it gives none."""
        cursor = self.login(None).execute(sql, parameters)
        return cursor.fetchall() if cursor.description else None


def fill(site):
    """Have something of everything happen."""
    site.runner().add_minions(list(MINIONS))
    loader.load(site.login("policy"), loader.parse(POLICY))
    db.call(site.login("returner"), "maintain_jobs", 720)
    _requests(site)
    _plans_and_delegations(site)
    _dispatch(site)
    _drift_and_silence(site)
    _reinstall(site)
    db.call(site.login("returner"), "save_events", ["salt/auth", "salt/minion/web1/start"], [b"\x80", b"\x80"])
    db.call(site.login("engine"), "expire_due")
    db.call(site.login("engine"), "seal_audit")
    # Not all is sealed when a site is upgraded.
    site.ask("package", ["web1"], packages={"late": "1"}, external_ref="CHG-late")


def _requests(site):
    alice, bob, carol = (site.person(name) for name in PEOPLE)
    site.ask("package", ["web1", "%"], packages={"pending": "1.0-1"}, external_ref="CHG-1", on_behalf_of="tickets")
    bob.approve(site.ask("package", ["web1", "web2"], packages={"half-way": "1", "gone": "absent"}))
    number = site.ask("package", ["it's", "Zürich-ß"], packages={"amended": "1"})
    alice.amend(number, ["it's"], packages={"amended": "2"}, comment="only there")
    bob.reject(site.ask("package", ["web1"], packages={"rejected": "1"}), comment="not that one")
    alice.cancel(site.ask("package", ["web1"], packages={"cancelled": "1"}))
    expiring = site.ask("brief", ["web1"], packages={"expired": "1"})
    site.approved("package", ["web1", "web2"], packages={"waiting": "2:1.0-1"})
    site.approved("service", ["web1"], services={"cron": "running"})
    site.approved("value", ["web1"], values={"motd": {"text": "Grüße", "lines": [1, 2.5, None, True]}})
    site.approved("package", ["web2"], packages={"hello": "2.10-3"})
    site.returned("web2", "package", "hello", "converged", "2.10-3")
    site.approved("package", ["db1"], packages={"failed": "9"})
    site.returned("db1", "package", "failed", "failed", None)
    site.approved("package", ["db1", "till1"], packages={"partial": "1"})
    site.returned("db1", "package", "partial", "failed", None)
    site.returned("till1", "package", "partial", "converged", "1")
    site.approved("shop", ["till1"], packages={"till": "3"})
    site.approved("package", ["web1"], packages={"later": "1"}, after="2031-01-01T00:00:00Z")
    alice.cancel(site.approved("package", ["web1"], packages={"withdrawn": "1"}, after="2031-01-01T00:00:00Z"))
    site.approved("package", ["web1"], packages={"superseded": "1"}, after="2031-01-01T00:00:00Z")
    site.approved("package", ["web1"], packages={"superseded": "2"}, overlap="supersede")
    site.ask("package", ["web1"], packages={"overlapping": "1"})
    site.ask("package", ["web1"], packages={"overlapping": "2"}, overlap="wait")
    undone = site.approved("package", ["db1"], packages={"undone": "1"})
    site.returned("db1", "package", "undone", "converged", "1")
    revert = site.runner().revert(undone, reason="it was slow")["request"]
    carol.approve(revert)
    reviewed = site.ask("emergency", ["web1"], packages={"reviewed": "1"})
    carol.approve(reviewed)
    bob.review(reviewed, comment="well done")
    site.approved("emergency", ["web1"], packages={"to-review": "1"})
    site.approved("quarter", ["web2"], packages={"quarterly": "1"})
    site.approved("seconds", ["web2"], packages={"renewed": "1"})
    while db.value(site.login("engine"), "renew_requests") == 0:
        time.sleep(0.1)
    # A key of another system's.
    items = [["web1"], ["package"], ["from-jira"], ["1"]]
    db.value(site.login("alice"), "submit_request", "pg", "alice", "package", "needed", *items, None, "jira", "CHG-1")
    while not db.call(site.login("engine"), "expire_due") or bob.show(expiring)["state"] == "pending":
        time.sleep(0.1)
    missing = site.query("SELECT state FROM approval.request_state EXCEPT SELECT state FROM approval.request")
    if missing:
        raise RuntimeError(f"no request came into the states {missing}")


def _plans_and_delegations(site):
    number = site.ask("planned", ["web1", "web2"], packages={"planned": "1"})
    plan = site.runner().plan_items(number)
    answers = [
        {
            "minion": row["minion_id"],
            "outcome": "changes",
            "changes": {"planned": {"old": "", "new": "1"}},
            "comment": "",
        }
        for row in plan
    ]
    site.runner().put_plan(number, plan[0]["digest"], answers)
    site.person("carol").approve(number)
    site.person("carol").delegate("alice", "2026-12-31T00:00:00Z")
    ended = site.person("bob").delegate("carol", "2026-12-24T00:00:00Z")["delegation"]
    site.person("bob").undelegate(ended)


def _dispatch(site):
    engine = site.login("engine")
    site.approved("sent", ["web1", "web2"], packages={"sent": "1"})
    for _ in range(2):
        site.approved("reboot", ["db1"], parameters={"at_time": 1})
        (message,) = db.call(engine, "claim_outbox", "salt", datetime.timedelta(minutes=1))
        number = message["request_id"]
        jid = site.jid()
        for step in db.call(engine, "take_dispatches", number, list(MINIONS), 100):
            if step["step"] == "observe":
                db.call(engine, "begin_dispatch", step["minion_id"], step["item_id"], "observe", jid)
                db.call(engine, "note_observation", step["minion_id"], step["item_id"], "boot-1")
        for step in db.call(engine, "take_dispatches", number, list(MINIONS), 100):
            db.call(engine, "begin_dispatch", step["minion_id"], step["item_id"], step["step"], jid)
            site.published(jid, "state.apply", [step["minion_id"]])
            db.call(engine, "note_sent", step["minion_id"], step["item_id"], jid, True)
        db.call(engine, "settle_outbox", "salt", message["thread"], message["seq"], "delivered", None, None)
    # One message that waits, one that failed, and one that is dead.
    for packages, failures in (({"queued": "1"}, 0), ({"failing": "1"}, 1), ({"dead": "1"}, 12)):
        number = site.approved("sent", ["web1"], packages=packages)
        for _ in range(failures):
            site.query(
                "UPDATE approval.outbox "
                "SET due_at = now() + CASE WHEN request_id = %s THEN interval '0' ELSE interval '1 hour' END "
                "WHERE state = 'waiting'",
                number,
            )
            (message,) = db.call(engine, "claim_outbox", "salt", datetime.timedelta(minutes=1))
            error = "the master did not answer"
            db.call(engine, "settle_outbox", "salt", message["thread"], message["seq"], "failed", None, error)
    site.query("UPDATE approval.outbox SET due_at = now() WHERE state = 'waiting'")


def _drift_and_silence(site):
    returned = site.returned
    returned("web2", "package", "hello", "drift", "2.9", fun="state.single")
    returned("till1", "package", "partial", "drift", None, fun="state.single")
    returned("till1", "package", "partial", "converged", "1", fun="state.apply")
    returned("till1", "package", "partial", "drift", "0", fun="state.single")
    # A claim, a repeat, and a return under an impossible jid.
    returned("web2", "package", "hello", "converged", "2.10-3", authenticated=False)
    returned("web2", "package", "hello", "unproven", None, jid="20260101000000000000")
    db.call(site.login("engine"), "take_checks", list(MINIONS), datetime.timedelta(hours=1), 3)
    silent = site.jid()
    site.published(silent, "state.apply", ["web1", "db1"])
    site.query("UPDATE approval.job SET published_at = now() - interval '1 hour' WHERE jid = %s", silent)
    db.call(site.login("engine"), "note_silence", datetime.timedelta(minutes=5))


def _reinstall(site):
    engine = site.login("engine")
    for minion in ("web1", "web2", "db1"):
        db.call(engine, "note_minion", minion, f"key-of-{minion}", True, f"machine-{minion}")
    db.call(engine, "note_minion", "web1", "another key", False, None)
    db.call(engine, "note_minion", "web2", "another key", True, "machine-web2-again")
    site.returned("web2", "package", "hello", "converged", "2.10-3", fun="state.highstate")
    db.call(engine, "settle_reinstalls")


def dump(server):
    """The database as plain SQL."""
    command = [binary("pg_dump"), "--schema=approval", "--dbname", server.dsn_of()]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    # psql alone understands this pair, which newer releases of pg_dump write.
    return re.sub(r"(?m)^\\(un)?restrict .*\n", "", text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=pathlib.Path, metavar="FILE")
    file = parser.parse_args().file
    with RunDirectory() as directory, ApprovalDatabase(directory / "pg") as server, contextlib.ExitStack() as stack:
        for name in PEOPLE:
            server.add_login(name, "approval_person")
        fill(Site(server, stack))
        file.parent.mkdir(exist_ok=True)
        # Without a time in its header, so that equal content is an equal file.
        file.write_bytes(gzip.compress(dump(server).encode(), mtime=0))


if __name__ == "__main__":
    main()
