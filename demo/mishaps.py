"""The part of the story about what goes wrong: a package that breaks, one that nobody has, and a job by hand."""

import json

from lab import MINIONS, wait_until

CANARY, OTHER = MINIONS
BROKEN = "acme-broken"
SECRET = "S3cret"  # noqa: S105
CAREFUL = f"""\
minion_groups:
  pilots: {{title: Go first, minions: [{CANARY}]}}
types:
  careful:
    title: A package, on a pilot first
    kind: package
    dispatch: true
    requesters: ["*"]
    rollout: {{canaries: {{minion_group: pilots}}, soak: 1 second}}
    chain:
      - {{name: release, min_assurance: authenticated, any_of: [{{group: change-managers}}]}}
"""


class Mishaps:
    """Steps of the story; `story` lends its ways to ask, decide and check."""

    def __init__(self, story, approvers):
        self._story = story
        self._lab = story.lab
        self._approvers = approvers

    @property
    def steps(self):
        """(title, function) of each step."""
        return (
            (f"A package that breaks: it fails on the canary {CANARY}, and {OTHER} is not touched", self.halt),
            ("A package that no minion can get is refused when somebody asks for it", self.refuse_unknown),
            ("A job by hand: the log has it without its secret, and it raises an alarm", self.work_by_hand),
        )

    def halt(self):
        first, second = self._approvers
        self._story.load_policy(CAREFUL)
        request = self._story.ask_runner(
            "request",
            "careful",
            f"minions={json.dumps(list(MINIONS))}",
            f'packages={{"{BROKEN}": "1.0-1"}}',
            "reason=CHG-3",
        )["request"]
        self._story.requests.append(request)
        self._story.decide(second, request, "approved", "it is approved")
        halted = f"SELECT FROM approval.rollout WHERE request_id = {request} AND state = 'halted'"
        wait_until(lambda: self._lab.database.query(f"SELECT EXISTS ({halted})") == "t", "the end of the canary")
        shown = self._told(first, "rollout", "show", request)
        (failure,) = shown["failures"]
        self._story.check(
            (shown["state"], failure["minion_id"]) == ("halted", CANARY), f"it halts: {failure['reason']}", shown
        )
        self._story.check(
            BROKEN not in self._lab.pillar(OTHER)["approved"],
            f"{OTHER}: the change is held back, whoever runs a highstate there",
        )
        self._done(second, "rollout", "resume", request, "give-up", "--comment", "the package is broken")
        self._story.settled(request, "failed")
        self._story.check(
            BROKEN not in self._lab.minions[OTHER].packages(), f"{OTHER}: {BROKEN} was never installed there"
        )

    def refuse_unknown(self):
        self._story.narrator.command("root", ["salt-approval", "minion", "sync"])
        with self._story.narrator.progress("the minions tell which packages they could get"):
            self._lab.database.command("runner", "minion", "sync")
        refusal = self._story.refused_runner(
            "request", "package", f'minions=["{OTHER}"]', 'packages={"acme-agnet": "1.0-1"}', "reason=CHG-5"
        )
        self._story.check("acme-agent" in refusal, f"it is refused, with what there is: {refusal}", refusal)

    def work_by_hand(self):
        first, _ = self._approvers
        self._by_hand("cmd.run", f"mysql -p{SECRET} -e 'SELECT 1'")
        self._by_hand("pkg.install", "acme-probe")
        jobs = wait_until(lambda: self._jobs("pkg.install") and self._jobs("cmd.run"), "the log of both jobs")
        self._story.narrator.command("root", ["salt-approval", "jobs", CANARY, "--limit", "2"])
        text = self._lab.database.command("runner", "jobs", CANARY, "--limit", "2").stdout
        self._story.narrator.quote(text)
        self._story.check(
            SECRET not in text and "mysql" in text, "the command is there as it was typed, without the password"
        )
        self._story.check(jobs[0]["request"] is None, "and that no request stood behind it", jobs)
        (alarm,) = wait_until(lambda: self._alarms(first), "the alarm")
        self._told(first, "alarms", CANARY, "--kind", "unapproved-job")
        self._story.check("pkg.install acme-probe" in alarm["what"], f"an alarm says so: {alarm['what']}", alarm)
        self._done(first, "acknowledge", alarm["alarm"], "--comment", "carol tried the probe")
        self._story.check(not self._alarms(first), f"{first} has acknowledged it")

    def _by_hand(self, function, argument):
        """Run a function on the canary as the operator, whatever comes of it."""
        self._story.narrator.command("root", ["salt", "-L", CANARY, function, argument])
        self._lab.master.call(CANARY, function, argument)

    def _jobs(self, function):
        answer = self._lab.database.command("runner", "--json", "jobs", CANARY, "--fun", function).stdout
        return json.loads(answer)

    def _alarms(self, person):
        answer = self._lab.database.command(person, "--json", "alarms", CANARY, "--kind", "unapproved-job").stdout
        return json.loads(answer)

    def _told(self, person, *arguments):
        """What `salt-approval` tells a person, who sees it as text; gives it as a program gets it."""
        words = self._typed(person, arguments)
        self._story.narrator.quote(self._lab.database.command(person, *words).stdout)
        return json.loads(self._lab.database.command(person, "--json", *words).stdout)

    def _done(self, person, *arguments):
        """Have a person do something with `salt-approval`."""
        self._lab.database.command(person, *self._typed(person, arguments))

    def _typed(self, person, arguments):
        words = list(map(str, arguments))
        self._story.narrator.command(person, ["salt-approval", *words])
        return words
