"""The part of the story about time and reverts: a window, a freeze, a quorum of two, and why it is as it is."""

import datetime
import json

MINION, PACKAGE, VERSION = "web1", "acme-viewer", "3.0-1"
BOARD = """\
groups:
  release-board: {{title: Releases at night, members: [{members}]}}
types:
  release:
    title: A change of a package, in the nightly window
    kind: package
    dispatch: true
    requesters: ["*"]
    calendar: nightly
    chain:
      - {{name: board, min_assurance: authenticated, any_of: [{{group: release-board, quorum: 2}}]}}
  take-back:
    title: Take back a release
    kind: any
    dispatch: true
    requesters: ["*"]
    chain:
      - {{name: board, min_assurance: authenticated, any_of: [{{group: release-board, quorum: 1}}]}}
"""
CALENDAR = """\
calendars:
  nightly: {{rule: FREQ=DAILY, time_zone: UTC, duration: 2 hours, starts_on: "{start:%Y-%m-%d %H:%M}"}}
"""
FREEZE = """\
freezes:
  sale: {{from: "{start:%Y-%m-%dT%H:%M}Z", until: "{end:%Y-%m-%dT%H:%M}Z", reason: the summer sale}}
"""
LIFTED = """\
freezes:
  sale: {lifted: true}
"""


class Rules:
    """Steps of the story; `story` lends its ways to ask, decide and check."""

    def __init__(self, story, approvers):
        self._story = story
        self._approvers = approvers
        self._release = None

    @property
    def steps(self):
        """(title, function) of each step."""
        return (
            ("A release needs two of the board, and then waits for its window", self.wait_for_window),
            (
                "The window opens, and a freeze denies all the same; once that is lifted it is done",
                self.apply_in_window,
            ),
            ("The release is taken back, and the record says why it is as it is", self.take_back),
        )

    def wait_for_window(self):
        self._story.load_policy(BOARD.format(members=", ".join(self._approvers)) + _opening(hours=12))
        arguments = [
            "release", f'minions=["{MINION}"]', f"packages={json.dumps({PACKAGE: VERSION})}", 'reason="CHG-4"',
        ]  # fmt: skip
        self._release = self._story.ask_runner("request", *arguments)["request"]
        self._story.requests.append(self._release)
        first, second = self._approvers
        self._story.decide(first, self._release, "pending", "one of two")
        self._story.decide(second, self._release, "approved", "two of two")
        self._check_pillar(None, "the window is closed: what held before still does")
        self._check_standing("held back")

    def apply_in_window(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        self._story.load_policy(
            FREEZE.format(start=now - datetime.timedelta(hours=1), end=now + datetime.timedelta(days=1))
        )
        self._story.load_policy(_opening(hours=-1))
        self._check_pillar(None, "a freeze denies, whatever window is open")
        self._story.load_policy(LIFTED)
        self._story.settled(self._release, "converged")
        self._story.load_policy(_opening(hours=12))
        self._check_pillar(
            VERSION, "the window is closed again, but what was applied is state: a reinstalled machine gets it"
        )

    def take_back(self):
        request = self._story.ask_runner(
            "revert", self._release, "reason=CHG-4 broke the shop", "request_type=take-back"
        )["request"]
        self._story.requests.append(request)
        self._story.decide(self._approvers[0], request, "approved", "the one that a take-back needs")
        self._story.settled(request, "converged")
        self._story.check(
            PACKAGE not in self._story.lab.minions[MINION].packages(),
            f"{MINION}: {PACKAGE} is absent, as before the release",
        )
        answer = self._why()
        self._story.check(
            answer["in_force"] == request, f"in force is request {request}, which took back {self._release}", answer
        )

    def _check_pillar(self, version, outcome):
        approved = self._story.lab.pillar(MINION)["approved"]
        self._story.check(approved[PACKAGE] == version, f"{MINION}: {outcome}", approved)

    def _check_standing(self, standing):
        (found,) = (one["standing"] for one in self._why()["requests"] if one["request"] == self._release)
        self._story.check(found == standing, f"request {self._release} is {found}", found)

    def _why(self):
        person = self._approvers[0]
        words = ["why", MINION, PACKAGE]
        self._story.narrator.command(person, ["salt-approval", *words])
        self._story.narrator.quote(self._story.lab.database.command(person, *words).stdout)
        return json.loads(self._story.lab.database.command(person, "--json", *words).stdout)


def _opening(hours):
    """The calendar, opening every day from so many hours from now."""
    start = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    return CALENDAR.format(start=start)
