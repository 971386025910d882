"""What the tests of reading share: the sites of the example, and deliveries of them to change."""

import copy
import json
import pathlib

import pytest
import yaml

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
