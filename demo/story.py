#!/usr/bin/env python3
"""The story of approved packages, told and checked step by step on a real Salt. Run by `make demo`."""

import json
import os
import pathlib
import signal
import sys
import time

# The site that the story plays on is shared with the tests, and no part of the installed package.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))

from channel import Channel
from lab import APPROVERS, MINIONS, REQUESTER, Lab, request_arguments, wait_until
from mishaps import Mishaps
from narrator import Narrator, StepFailed
from pages import PICTURE, Pages
from rules import Rules
from salt_master import SaltError
from tickets import Tickets

FIRST, SECOND = APPROVERS


class Story:
    """The steps, in order; each checks what it promises and raises StepFailed otherwise."""

    def __init__(self, lab, narrator):
        self.lab = lab
        self.narrator = narrator
        self.requests = []
        self._before = {}
        self._chat = Channel(self)
        self._pages = Pages(self, FIRST)

    @property
    def steps(self):
        """(title, function) of each step."""
        return (
            *self._pages.first_steps,
            (f"{REQUESTER} asks for packages on both minions", self.request),
            (f"{REQUESTER} may not approve them; {FIRST} and {SECOND} do, in the order of the stages", self.approve),
            ("It is done the next moment, without a hand on `salt`; nothing else changed", self.see_done),
            ("The job is recorded and validated: converged, with the versions observed", self.see_verdict),
            ("A second request moves one package to another version and removes one", self.change),
            ("web1 is lost and reinstalled; its first highstate brings everything back", self.reinstall),
            *self._chat.first_steps,
            *Mishaps(self, APPROVERS).steps,
            *Rules(self, APPROVERS).steps,
            *Tickets(self).steps,
            (
                "PostgreSQL stops: a minion that starts gets what was approved all the same, and nothing is lost",
                self.lose_database,
            ),
            ("A package is removed by hand; a check finds the drift, and a highstate ends it", self.drift),
            ("The audit trail of it all, verified", self.audit),
            *self._chat.last_steps,
            *self._pages.last_steps,
        )

    def tell(self):
        for number, (title, step) in enumerate(self.steps, start=1):
            self.narrator.heading(f"{number}. {title}")
            step()

    def request(self):
        self._before = {name: self._snapshot(name) for name in MINIONS}
        packages = {"acme-agent": "1.1-1", "acme-viewer": "3.0-1", "hello": "latest"}
        request = self._request(MINIONS, packages, "CHG-1: monitoring for the web shop")
        self.check(request["state"] == "pending", f"request {request['request']} waits for {request['waiting_for']}")

    def approve(self):
        number = self.requests[-1]
        refusal = self.refused_runner("approve", number)
        self._check_undecided(number, f"{REQUESTER} is refused: {refusal}")
        refusal = self._refused_person(SECOND, "approve", number)
        self._check_undecided(number, f"{SECOND} is refused, as stage 1 comes first: {refusal}")
        self._approve(number)

    def see_done(self):
        self.settled(self.requests[-1], "converged")
        self.narrator.command("root", ["salt", "*", "pillar.get", "approval:packages", *self.lab.unmask(MINIONS[0])])
        for name in MINIONS:
            before, after = self._before[name], self._snapshot(name)
            nothing, approved = (snapshot["pillar"].pop("approved") for snapshot in (before, after))
            self.check(
                nothing == {}
                and approved["acme-agent"] == "1.1-1"
                and approved["acme-viewer"] == "3.0-1"
                and approved.keys() == {"acme-agent", "acme-viewer", "hello"},
                f"{name}: the pillar had no approved package; now it has {_in_words(approved)}",
                approved,
            )
            self.check(after["pillar"] == before["pillar"], f"{name}: the rest of the pillar is as before")
            installed = dict(after["packages"].items() - before["packages"].items())
            self.check(
                # The agent needs the library.
                installed.keys() == {*approved, "acme-library"}
                and installed["acme-agent"] == "1.1-1"
                and installed["acme-viewer"] == "3.0-1",
                f"{name}: of all packages these alone, and what they need, were installed: {_in_words(installed)}",
                installed,
            )

    def see_verdict(self):
        request = self.settled(self.requests[-1], "converged")
        self._check_observed(request)
        for item in request["items"]:
            if item["value"] == "latest":
                text = f"{item['minion']}: latest became {item['pinned']}, which a reinstalled minion would get too"
                self.check(item["pinned"] == item["observed"], text, item["pinned"])

    def change(self):
        request = self._request(MINIONS, {"acme-agent": "1.0-1", "acme-viewer": "absent"}, "CHG-2: agent 1.1 is broken")
        self._pages.approve(request["request"])
        self.decide(SECOND, request["request"], "approved", "it is approved")
        self._check_observed(self.settled(request["request"], "converged"))
        for name in MINIONS:
            installed = self._installed(name)
            self.check(
                installed.get("acme-agent") == "1.0-1" and "acme-viewer" not in installed,
                f"{name}: dpkg has {_in_words(installed)}; acme-viewer is gone",
                installed,
            )

    def reinstall(self):
        name = "web1"
        approved = self._approved(name)
        installed_before = self._installed(name)
        minion = self.lab.minions[name]
        with self.narrator.progress(f"{name} loses its disk, and is installed anew"):
            minion.wipe()
            minion.install()
        fresh = self._installed(name)
        self.check(not fresh, f"{name}: dpkg has none of our packages any more", fresh)
        self.narrator.say("The new minion has a new key. The operator deletes the old key, then accepts the new one.")
        self.narrator.command("root", ["salt-key", "-d", name])
        self.lab.master.run("salt-key", "--yes", "--delete", name)
        self.narrator.command("root", ["salt-key", "-a", name])
        with self.narrator.progress(f"{name} connects and runs its first highstate (startup_states: highstate)"):
            (load,) = self.lab.enroll(name)
        self.check(load["success"], f"{name}: the highstate at start succeeded", load["return"])
        installed = self._installed(name)
        self.check(
            self._approved(name) == approved and installed == installed_before,
            f"{name}: everything approved is back, in the same versions: {_in_words(installed)}",
            installed,
        )
        self._check_recorded(name, load["jid"], "converged")

    def lose_database(self):
        minion = self.lab.minions["web1"]
        with self.narrator.progress("web1 is switched off"):
            minion.stop()
        request = self._request(["web1"], {"acme-probe": "0.9-1"}, "CHG-6: a probe in the web shop")
        number = request["request"]
        self._approve(number)
        wait_until(
            lambda: "acme-probe" in self.lab.on_master("snapshot", "show", "web1")["packages"],
            "snapshot of web1, which the engine keeps",
        )
        self.narrator.say("The operator stops PostgreSQL.")
        self.lab.database.server.stop("fast")
        try:
            with self.narrator.progress("web1 is switched on, and runs its highstate at start"):
                load = self.lab.start("web1")
            self.check(load["success"], "web1: the highstate at start succeeds", load["return"])
            installed = self._installed("web1")
            self.check(installed.get("acme-probe") == "0.9-1", f"web1: dpkg has {_in_words(installed)}", installed)
            self.narrator.command("root", ["salt-approval", "spool", "info"])
            waiting = wait_until(lambda: self.lab.on_master("spool", "info")["kinds"]["return"], "return in the spool")
            self.check(waiting > 0, f"the pillar came from the snapshot; in the spool {waiting} returns wait", waiting)
        finally:
            self.narrator.say("The operator starts PostgreSQL again.")
            self.lab.database.server.start()
        self._check_observed(self.settled(number, "converged"))

    def drift(self):
        self.narrator.command("web1", ["dpkg", "--remove", "acme-probe"])
        self.lab.minions["web1"].run("dpkg", "--remove", "acme-probe")
        self.narrator.say("Once a day the engine has every minion look at what is there. Here the operator asks.")
        self.narrator.command("root", ["salt", "web1", "approval.observe"])
        self.lab.master.call("web1", "approval.observe")
        standing = wait_until(lambda: self._out_of_line("web1"), "drift of web1")
        self.narrator.command(FIRST, ["salt-approval", "compliance"])
        told = self.lab.database.command(FIRST, "compliance", check=False)
        self.narrator.quote(told.stdout)
        self.check(told.returncode == 1, "its exit code says so: 1")
        self.check(standing == {"acme-probe": "drifting"}, "web1 is out of line: acme-probe has drifted", standing)
        self._highstate("web1")
        wait_until(lambda: not self._out_of_line("web1"), "end of the drift")
        self.check("acme-probe" in self._installed("web1"), "web1 is as approved again")

    def audit(self):
        for number in self.requests:
            self.narrator.command(FIRST, ["salt-approval", "audit", "trail", str(number)])
            trail = self._as_person(FIRST, "audit", "trail", str(number))
            for entry in trail:
                self.narrator.say(f"{entry['at']}  {entry['act']:<10} {entry['actor']}")
            acts = [entry["act"] for entry in trail]
            self.check("submitted" in acts and "approved" in acts, f"request {number}: {len(acts)} entries", acts)
        self.narrator.command(FIRST, ["salt-approval", "audit", "verify"])
        broken = self._as_person(FIRST, "audit", "verify")
        self.check(broken == [], "every chain of the audit trail is whole", broken)

    # Parts of which the steps are made

    def check(self, holds, outcome, found=None):
        self.narrator.check(holds, outcome, found)

    def _request(self, minions, packages, reason):
        """Submit a request as the requester; returns it as the runner shows it."""
        request = self.ask_runner("request", *request_arguments(list(minions), packages, reason))
        self.requests.append(request["request"])
        return request

    def _approve(self, number):
        """Approve a request at every stage, each approver with a login of his or her own."""
        for person in APPROVERS:
            last = person == APPROVERS[-1]
            self.decide(
                person, number, *(("approved", "it is approved") if last else ("pending", "on to the next stage"))
            )

    def decide(self, person, number, state, outcome):
        """Approve a request as this person; checks the state that it comes to."""
        self.narrator.command(person, ["salt-approval", "approve", str(number)])
        found = self._as_person(person, "approve", str(number))["state"]
        self.check(found == state, f"{person} approves request {number}: {outcome}", found)

    def _check_undecided(self, number, outcome):
        decisions = [decision for stage in self.lab.show(number)["chain"] for decision in stage["decisions"]]
        self.check(decisions == [], outcome, decisions)

    def load_policy(self, text):
        """Load a policy file with this text, as the operator."""
        file = self.lab.directory / "policy.yaml"
        file.write_text(text)
        self.narrator.command("root", ["salt-approval", "policy", "load", file.name])
        self.narrator.quote(self.lab.database.command("policy", "policy", "load", str(file)).stdout)

    def ask_runner(self, function, *arguments):
        """A runner function as the requester, over eauth; returns its answer."""
        answer = self._ask_runner(function, *arguments)
        if isinstance(answer, str):
            raise StepFailed(f"approval.{function}: {answer}")
        return answer

    def refused_runner(self, function, *arguments):
        """A runner function as the requester that must not succeed; returns the sentence that says why."""
        answer = self._ask_runner(function, *arguments)
        if not isinstance(answer, str):
            raise StepFailed(f"approval.{function} is not refused: {answer}")
        return answer

    def _ask_runner(self, function, *arguments):
        # Over eauth salt-run exits with 0 in any case; a refusal is a text, and no answer of these functions is one.
        words = list(map(str, arguments))
        self.narrator.command(REQUESTER, ["salt-run", "-a", "file", f"approval.{function}", *words])
        return json.loads(self.lab.as_requester(function, *words).stdout)

    def _as_person(self, person, *arguments):
        """`salt-approval` as a person with a login of his or her own; returns its answer."""
        return json.loads(self.lab.database.command(person, "--json", *arguments).stdout)

    def _refused_person(self, person, *arguments):
        """`salt-approval` as a person, where it must fail; returns the sentence that says why."""
        words = list(map(str, arguments))
        self.narrator.command(person, ["salt-approval", *words])
        result = self.lab.database.command(person, *words, check=False)
        if result.returncode == 0:
            raise StepFailed(f"{person} is not refused: {result.stdout}")
        return result.stderr.strip().removeprefix("salt-approval: ")

    def _highstate(self, name):
        """Run a highstate on a minion, as the operator."""
        self.narrator.command("root", ["salt", name, "state.highstate"])
        with self.narrator.progress(f"highstate on {name}"):
            states = self.lab.master.call(name, "state.highstate").get(name)
        results = [state["result"] for state in states.values()] if isinstance(states, dict) else []
        self.check(bool(results) and all(results), f"{name}: the highstate succeeds", states)

    def settled(self, number, state):
        """The request once its minions answered; checks that it is in `state`."""
        request = self.lab.settled(number)
        self.narrator.command(FIRST, ["salt-approval", "show", str(number)])
        self.narrator.quote(self.lab.database.command(FIRST, "show", str(number), check=False).stdout)
        self.check(request["state"] == state, f"request {number} is {request['state']}", request)
        return request

    def _check_observed(self, request):
        for item in request["items"]:
            wanted = None if item["value"] is None else item["pinned"] or item["value"]
            self.check(
                item["outcome"] == "converged" and item["observed"] == wanted,
                f"{item['minion']}: {item['name']} {item['outcome']}, observed {item['observed'] or 'absent'}",
                item,
            )

    def _check_recorded(self, name, jid, verdict):
        """Check that the job's return is stored with this verdict, on evidence that this minion signed."""
        found = wait_until(lambda: self.lab.stored_return(jid, name), f"return of job {jid}")
        self.check(
            found == f"{verdict}|t", f"{name}: job {jid} is recorded: {verdict}, on evidence of that minion", found
        )

    def _out_of_line(self, name):
        """The minion's resources that are not as approved: resource -> how it stands."""
        # Its exit code is 1 while anything is out of line.
        told = self.lab.database.command(FIRST, "--json", "compliance", check=False)
        rows = json.loads(told.stdout)["out_of_line"]
        return {row["name"]: row["standing"] for row in rows if row["minion_id"] == name}

    def _approved(self, name):
        return self.lab.pillar(name)["approved"]

    def _snapshot(self, name):
        return {"pillar": self.lab.pillar(name), "packages": self.lab.minions[name].packages()}

    def _installed(self, name):
        """The installed packages that this story is about."""
        packages = self.lab.minions[name].packages()
        return {
            package: version
            for package, version in packages.items()
            if package.startswith("acme-") or package == "hello"
        }


def _in_words(packages):
    return ", ".join(f"{name} {version}" for name, version in sorted(packages.items())) or "none"


def main():
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    started = time.monotonic()
    narrator = Narrator()
    narrator.heading("Setting up a site: PostgreSQL, a Salt master, two minions with file systems of their own")
    try:
        with Lab(os.environ["RUN_DIRECTORY"], narrator.progress) as lab:
            story = Story(lab, narrator)
            story.tell()
    except StepFailed as error:
        narrator.heading(f"The story does not hold: {error}")
        return 1
    except (SaltError, RuntimeError, TimeoutError) as error:
        narrator.heading(f"The story stopped: {error}")
        return 1
    except KeyboardInterrupt:
        narrator.heading("Stopped; nothing is left behind.")
        return 130
    narrator.heading("Summary")
    for number, (title, _) in enumerate(story.steps, start=1):
        narrator.say(f"{number}. {title}: holds")
    seconds = time.monotonic() - started
    narrator.say(f"The page of a request: {PICTURE}")
    narrator.heading(f"All {len(story.steps)} steps hold: {narrator.checks} outcomes checked, {seconds:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
