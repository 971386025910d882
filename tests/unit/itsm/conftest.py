"""What tests share: the sites of the example and deliveries of them to change; stand-ins, and sites that they are."""

import contextlib
import copy
import json
import pathlib

import pytest
import yaml
from standins import acme
from standins.jira import JiraStandIn
from standins.servicenow import ServiceNowStandIn

from saltext.approval.itsm import sites

ROOT = pathlib.Path(__file__).resolve().parents[3]
CASES = ROOT / "tests/cases/webhooks"
CONFIG = ROOT / "docs/examples/itsm-sc21.yaml"


@pytest.fixture(scope="session")
def described():
    """The mapping of sites in the example."""
    return yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["approval"]["itsm"]["sites"]


@pytest.fixture(scope="session")
def system(described):
    """A function that gives the System of a site of the example; settings may be given in place of its own."""

    def make(name, **settings):
        return sites.system(sites.load({name: {**described[name], **settings}})[name])

    return make


@pytest.fixture
def delivered():
    """A function that gives the content of a delivery, to change."""

    def content(name):
        return copy.deepcopy(json.loads((CASES / f"{name}.json").read_text(encoding="utf-8")))

    return content


@pytest.fixture(params=["cloud", "datacenter"])
def jira(request):
    """A stand-in of Jira, of both kinds."""
    with JiraStandIn(request.param, seed=1) as site:
        yield site


@pytest.fixture
def instance():
    """A stand-in of ServiceNow."""
    with ServiceNowStandIn(seed=1) as site:
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
def servicenow_settings(tmp_path):
    """A function that gives the settings of the site that a stand-in of ServiceNow is."""
    return lambda instance, **changes: acme.servicenow_settings(instance, tmp_path, **changes)


@pytest.fixture
def system_of():
    """A function that gives the ticket.System of a site with these settings."""
    with contextlib.ExitStack() as stack:

        def make(settings):
            made = sites.system(sites.load({"acme": settings})["acme"])
            stack.callback(made.client.http.close)
            return made

        yield make
