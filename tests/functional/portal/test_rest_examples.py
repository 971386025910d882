"""
The REST API against its own description: calls that it allows and calls that it does not, made up by schemathesis.

Whatever is sent, by whom of three people with tokens for other things, each answer is one that the description has, and
none is a fault of the service; what the description forbids is refused. SCHEMATHESIS_EXAMPLES sets how many calls of
each operation are made up.
"""

import collections
import functools
import itertools
import json
import os
import re
import secrets

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from saltext.approval.portal import description

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "6"))
LEAST_DONE = 20  # per cent of the calls
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Who calls, and what their token is for; and who can do what is of a scope.
ROLES = {"alice": ["read", "request"], "bob": ["read", "request", "decide"], "carol": ["read"]}
WHO_CAN = {"decide": "bob", "request": "alice", "read": "carol"}
# Values that exist, in the place of made-up ones: nearly all of those are of nothing.
MINIONS = ["web1", "日本"]
KNOWN = {
    "minion": MINIONS, "part": ["we"], "name": ["package", "reboot"], "request_type": ["package", "reboot"],
    "state": ["pending", "approved"], "standing": ["failed"], "fun": ["state.*"], "user": ["root"], "pattern": ["he"],
    "start": ["2026-01-01T00:00:00Z"], "until": ["2100-01-01T00:00:00Z"],
}  # fmt: skip
NEXT = re.compile(r"[?&]cursor=([^&>]+)")
KEPT = ("reason", "comment", "overlap", "dry_run")  # of what was made up for a body


SECRET = {
    "name": "secret", "kind": "value", "requesters": ["*"], "sensitive": ["db.password"],
    "chain": [{"name": "review", "any_of": [{"group": "reviewers"}]}],
    "parameters": {"properties": {"values": {"properties": {"db.password": {}}}}},
}  # fmt: skip


class Site:
    """Requests for the operations to act on: three that stay, and more made as they are needed."""

    def __init__(self, client, prove):
        self._client = client
        self._names = (f"p{number}" for number in itertools.count())
        client("bob").request("standard", ["web1"], {"nginx": "1", "curl": "1"}, "CHG-1")
        prove("web1", {"nginx": ("converged", "1"), "curl": ("failed", "0")})
        self.pending()
        values = {"db.password": "hunter2"}
        self._with_values = client("alice").request("secret", ["web1"], reason="CHG-3", values=values)["request"]

    def with_values(self):
        """The request that asks for something sensitive."""
        return self._with_values

    def pending(self):
        """A new request that waits for bob."""
        return self._asked("alice", "package")

    def to_review(self):
        """A new emergency that bob is to review."""
        number = self._asked("alice", "emergency")
        self._client("carol").approve(number)
        return number

    def to_revert(self):
        """A new request that put something in the place of something else."""
        name = next(self._names)
        return [self._asked("bob", "standard", name, version) for version in ("1", "2")][-1]

    def digest(self, number):
        """The digest of what a request asks for."""
        return self._client("bob").show(number)["digest"]

    def _asked(self, who, request_type, name=None, version="1"):
        wanted = {name or next(self._names): version}
        return self._client(who).request(request_type, ["web1"], wanted, "CHG-2")["request"]


@pytest.fixture
def site(people, client, prove):
    """A Site whose people have a connection each."""
    people.execute("SELECT approval.put_request_type(%s)", (json.dumps(SECRET),))
    return Site(functools.cache(client), prove)


@pytest.fixture
def meant(site):
    """
    A function that puts what there is into a case of an operation, in the place of what was made up: it can be done by
    whoever can do such things.
    """
    to_act_on = {
        "approve": site.pending, "reject": site.pending, "cancel": site.pending, "review": site.to_review,
        "revert": site.to_revert, "values": site.with_values,
    }  # fmt: skip

    def put(operation, case, cursor, data):
        for place in (case.path_parameters, case.query):
            for name in sorted(KNOWN.keys() & place.keys()):
                place[name] = data.draw(st.sampled_from(KNOWN[name]))
            if "request_id" in place:
                place["request_id"] = to_act_on.get(operation.name, lambda: 1)()
        if case.query.pop("cursor", None) is not None and cursor is not None:
            case.query["cursor"] = cursor
        if operation.body is None:
            return
        case.headers["Idempotency-Key"] = secrets.token_hex(8)
        case.body = {name: content for name, content in case.body.items() if name in KEPT}
        if operation.name == "request":
            case.body.update(request_type="package", minions=MINIONS[:1], packages={"hello": "1"})
        if "If-Match" in case.headers:
            case.headers["If-Match"] = f'"{site.digest(case.path_parameters["request_id"])}"'
            case.body["stage"] = 1

    return put


def test_calls_of_every_kind(rest, make_token, meant, print_counts):
    shown = {name: {"Authorization": f"Bearer {make_token(name, *scopes)}"} for name, scopes in ROLES.items()}
    described = {(one.method, one.path): one for one in description.operations()}
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", rest)
    # The token is shown with each call here.
    schema.config.generation.update(with_security_parameters=False)
    counts, done = collections.Counter(), collections.Counter()

    def call(found):
        """Call one operation so often."""
        operation = described[found.method.upper(), found.path]
        people = sorted(ROLES, key=lambda name: name != WHO_CAN[operation.scopes[-1]])
        cases = {GenerationMode.POSITIVE: found.as_strategy(generation_mode=GenerationMode.POSITIVE)}
        # Without parameters and body there is nothing to be wrong.
        if found.query or found.body or found.headers:
            cases[GenerationMode.NEGATIVE] = found.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        cursors = [None]

        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(data=st.data())
        def run(data):
            # The first example has the first of each: it is one that can be done.
            mode = data.draw(st.sampled_from(list(cases)))
            caller = data.draw(st.sampled_from(people))
            case = data.draw(cases[mode])
            is_wrong = mode is GenerationMode.NEGATIVE
            if not is_wrong and data.draw(st.sampled_from([True, False])):
                meant(operation, case, cursors[-1], data)
            response = case.call_and_validate(
                headers=shown[caller], checks=[*CHECKS, negative_data_rejection] if is_wrong else CHECKS
            )
            if link := NEXT.search(response.headers.get("link", [""])[0]):
                cursors.append(link[1])
            counts[f"{response.status_code // 100}xx"] += 1
            done[operation.name] += response.status_code < 300

        run()

    for found in schema.get_all_operations():
        call(found.ok())
    calls = sum(counts.values())
    print_counts(calls=calls, **dict(sorted(counts.items())), **done)
    assert 100 * counts["2xx"] >= LEAST_DONE * calls
    assert [one.name for one in described.values() if not done[one.name]] == []
