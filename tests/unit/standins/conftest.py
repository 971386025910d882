"""A stand-in of each kind, and a session that is logged in there."""

import pytest
import requests
from standins.jira import JiraStandIn


class Session(requests.Session):
    """Paths in place of addresses, as one person."""

    def __init__(self, base, **headers):
        super().__init__()
        self._base = base
        self.headers.update(headers)

    def request(self, method, url, **kwargs):
        kwargs.setdefault("timeout", 10)
        return super().request(method, url if url.startswith("http") else self._base + url, **kwargs)


@pytest.fixture
def jira():
    with JiraStandIn(seed=1) as site:
        yield site


@pytest.fixture
def data_center():
    with JiraStandIn("datacenter", seed=1) as site:
        yield site


@pytest.fixture
def as_person():
    """Gives the session of a person at a stand-in of Jira; without one, that of the bot."""

    def log_in(site, person=None):
        return Session(site.url + site.base, Authorization=site.basic(person or site.bot))

    return log_in


@pytest.fixture
def api(jira, as_person):
    return as_person(jira)


@pytest.fixture
def old_api(data_center, as_person):
    return as_person(data_center)
