"""The rules of Jira Automation that call the five routes, as saltconf21 has them: unsigned, and never sent again."""

import datetime
import json
from dataclasses import dataclass

from .jira_site import PACKAGES, REBOOT, WINDOWS
from .webhooks import post

# A rule: (its issue types, the statuses that it starts from, the one that starts it, its route, the transition after
# any answer but 200).
RULES = (
    ((PACKAGES, WINDOWS), ("Waiting for Approval", "Failed"), "Sending to Integration", "install", "Fail"),
    ((REBOOT,), ("Waiting for Approval", "Failed"), "Sending to Integration", "reboot", "Fail"),
    (
        (PACKAGES, WINDOWS),
        ("Revert Waiting for Approval", "Failed to Revert"),
        "Sending Revert to Integration",
        "revert",
        "Fail",
    ),
)
# The fields that the rule of an issue type reads: minions, and the package.
FIELDS = {
    PACKAGES: ("customfield_10102", "customfield_10104"),
    WINDOWS: ("customfield_10103", "customfield_10105"),
    REBOOT: ("customfield_10101", None),
}
AFTER = "customfield_10106"


@dataclass
class Run:
    """A rule that ran: its route, the issue's key, the body that it sent, the status; None: no answer in time."""

    route: str
    key: str
    body: bytes
    status: int | None


class Automation:
    """
    The rules of one site, which call the routes at an address.

    jira
        The JiraStandIn.
    url
        What the names of routes are put behind, with "/".
    token
        For ``Authorization: Bearer``; None: the rules send none, as the old ones.
    """

    def __init__(self, jira, url, token):
        self.jira = jira
        # The account that the rules act as.
        self.actor = jira.person("Automation for Jira", kind="app")
        self._url = url
        self._token = token
        self._seen = len(jira.events)
        # Data Center waits 3 s; how long Cloud waits is not published.
        self.timeout_s = 30.0 if jira.is_cloud else 3.0

    def run(self):
        """Has the rules see all that happened since the last time. Gives the Runs."""
        runs = []
        with self.jira.lock:
            events, self._seen = self.jira.events[self._seen :], len(self.jira.events)
        for event in events:
            items = event.history.items if event.history else ()
            moves = {(item["fromString"], item["toString"]) for item in items if item["field"] == "status"}
            for types, sources, target, route, failing in RULES:
                if event.issue.type in types and moves & {(source, target) for source in sources}:
                    runs.append(self._send(route, event.issue, failing))
        return runs

    def sync(self):
        """The scheduled rule. Gives its Run."""
        return self._post("sync", None, b"{}")

    def body(self, route, issue):
        """What the rule of a route sends of an issue."""
        content = {"itsm_id": issue.key}
        minions, package = FIELDS[issue.type]
        if route != "revert":
            content["minion_ids"] = [option["value"] for option in issue.fields.get(minions) or ()]
        if route == "install":
            value = issue.fields.get(package) or {}
            content |= {"package_name": value.get("value"), "package_version": value.get("child", {}).get("value")}
            content["after"] = _jira_date_time(issue.fields.get(AFTER))
        return json.dumps(content, ensure_ascii=False).encode()

    def _send(self, route, issue, failing):
        run = self._post(route, issue.key, self.body(route, issue))
        if run.status != 200:
            self.jira.transition(issue.key, failing, by=self.actor)
        return run

    def _post(self, route, key, body):
        headers = {"Content-Type": "application/json", "User-Agent": "Automation for Jira"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        return Run(route, key, body, post(f"{self._url}/{route}", body, headers, self.timeout_s))


def _jira_date_time(at):
    """A time as ``jiraDateTime`` writes it, in UTC; of an empty field, nothing."""
    if at is None:
        return ""
    at = at.astimezone(datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + str(at.microsecond // 100000) + at.strftime("%z")
