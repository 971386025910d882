"""A stand-in of each kind, and a session that is logged in there."""

import json

import pytest
import requests
from standins import jira_openapi
from standins.jira import JiraStandIn
from standins.servicenow import ServiceNowStandIn
from standins.slack import SlackStandIn
from standins.wire import Refused


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
    """A site of the Cloud, each answer of which is held against the document that Atlassian publishes."""
    faults = []
    with JiraStandIn(seed=1) as site:
        answer = site.answer

        def held(request):
            try:
                reply = answer(request)
            except Refused as refused:
                faults.extend(_faults(request, refused.reply))
                raise
            faults.extend(_faults(request, reply))
            return reply

        site.answer = held
        yield site
    assert not faults


def _faults(request, reply):
    if not request.path.startswith("/rest/api/3/") or reply.status in (404, 405, 410):
        return []
    # The form in which it goes over the wire.
    body = None if reply.body is None else json.loads(json.dumps(reply.body))
    return jira_openapi.faults(request.method, request.path, reply.status, body)


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


@pytest.fixture
def instance():
    with ServiceNowStandIn(seed=1) as site:
        yield site


@pytest.fixture
def as_user(instance):
    """Gives the session of a user of the instance; without one, that of the bot."""

    def log_in(user=None):
        user = user or instance.bot
        user.password = user.password or f"pw-of-{user.user_name}"
        session = Session(instance.url, Accept="application/json", **{"Content-Type": "application/json"})
        session.auth = (user.user_name, user.password)
        return session

    return log_in


@pytest.fixture
def slack():
    with SlackStandIn() as workspace:
        yield workspace


@pytest.fixture
def ops(slack):
    """A channel of the workspace, with alice and the bot in it."""
    return slack.new_channel("ops", slack.person("alice"))


@pytest.fixture
def alice(slack, ops):
    return slack.user("U2")


@pytest.fixture
def call(slack):
    """Calls a method of the Web API with JSON, as the bot; gives what was answered, with the status as ``status``."""

    def method(name, token=slack.bot_token, **arguments):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=utf-8"}
        answer = requests.post(f"{slack.url}/api/{name}", json.dumps(arguments), headers=headers, timeout=10)
        return {**answer.json(), "status": answer.status_code, "headers": answer.headers}

    return method
