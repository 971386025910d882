"""A stand-in of each system of tickets, and the site that the settings make of it."""

import contextlib

import pytest
from standins.jira import JiraStandIn

TYPES = {
    "Linux Package Management Request": {
        "request_type": "package",
        "minions": "customfield_10102",
        "packages": [{"cascade": "customfield_10104"}, {"lines": "customfield_10107"}],
        "after": "customfield_10106",
    },
    "Reboot Request": {"request_type": "reboot", "action": "system.reboot", "minions": "customfield_10101"},
}
WORKFLOW = {
    "asked": ["Waiting for Approval", {"from": "Failed", "to": "Sending to Integration"}],
    "approved": {"from": "Waiting for Approval", "to": "Sending to Integration"},
    "declined": "Declined",
    "revert-asked": "Revert Waiting for Approval",
    "revert": {"from": "Revert Waiting for Approval", "to": "Sending Revert to Integration"},
    "waiting": ["Waiting for Integration", "Waiting for Integration to Revert"],
    "done": ["Completed", "Reverted"],
    "failed": ["Failed", "Failed to Revert"],
    "moves": {"waiting": "Wait", "done": "Complete", "failed": "Fail"},
}


@pytest.fixture
def secret_file(tmp_path):
    """A function that writes a secret to a file that nobody else may read; gives its path."""

    def write(name, secret):
        path = tmp_path / name
        path.touch(mode=0o600)
        path.write_text(f"{secret}\n")
        return str(path)

    return write


@pytest.fixture
def jira_settings(secret_file):
    """A function that gives the settings of the site that a stand-in of Jira is."""

    def settings(jira, **changes):
        auth = {"token_file": secret_file("jira.token", jira.bot.token)}
        if jira.is_cloud:
            auth["email"] = jira.bot.email
        return {
            "kind": "jira",
            "url": jira.url,
            "api": jira.api,
            "auth": auth,
            "webhook_secrets": [{"file": secret_file("jira.webhook", "a secret of webhooks")}],
            "projects": {jira.project: {"types": TYPES}},
            "workflow": WORKFLOW,
            **changes,
        }

    return settings


@pytest.fixture(params=["cloud", "datacenter"])
def jira(request):
    """A stand-in of Jira, of both kinds."""
    with JiraStandIn(request.param, seed=1) as site:
        yield site


@pytest.fixture
def system_of():
    """A function that gives the ticket.System of a site with these settings."""
    from saltext.approval.itsm import sites

    with contextlib.ExitStack() as stack:

        def make(settings):
            system = sites.system(sites.load({"acme": settings})["acme"])
            stack.callback(system.client.http.close)
            return system

        yield make
