"""A stand-in of each system of tickets, and the site that the settings make of it."""

import contextlib

import pytest
from standins import acme
from standins.jira import JiraStandIn


@pytest.fixture(params=["cloud", "datacenter"])
def jira(request):
    """A stand-in of Jira, of both kinds."""
    with JiraStandIn(request.param, seed=1) as site:
        yield site


@pytest.fixture
def secret_file(tmp_path):
    """A function that writes a secret to a file that nobody else may read; gives its path."""
    return lambda name, secret: acme.secret_file(tmp_path, name, secret)


@pytest.fixture
def jira_settings(tmp_path):
    """A function that gives the settings of the site that a stand-in of Jira is."""
    return lambda jira, **changes: acme.jira_settings(jira, tmp_path, **changes)


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
