"""
The REST API against its own description: calls that it allows and calls that it does not, made up by schemathesis.

Whatever is sent, each answer is one that the description has, and none is a fault of the service; what the description
forbids is refused. SCHEMATHESIS_EXAMPLES sets how many calls are made up.
"""

import os

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

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "60"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Names of what there is, in the place of those that are made up: nearly all of these are of nothing.
TYPES, MINIONS = ["package", "reboot"], ["web1", "日本"]
KNOWN = {"request_id": [1, 2, 3], "minion": MINIONS, "name": TYPES, "request_type": TYPES}


@pytest.fixture
def waiting(client, prove):
    """A pending request, one that is done, one that failed: with the numbers from 1 on."""
    client("alice").request("package", ["web1", "日本"], {"hello": "1"}, "CHG-1")
    client("bob").request("standard", ["web1"], {"nginx": "1"}, "CHG-2")
    client("bob").request("standard", ["web1"], {"curl": "1"}, "CHG-3")
    prove("web1", {"nginx": ("converged", "1"), "curl": ("failed", "0")})


def test_calls_of_every_kind(rest, make_token, waiting, print_counts):
    shown = {"Authorization": f"Bearer {make_token('bob', 'read', 'request', 'decide')}"}
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", rest)
    # The token is shown with each call here.
    schema.config.generation.update(with_security_parameters=False)
    operations = [found.ok() for found in schema.get_all_operations()]
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    # Without parameters and body there is nothing to be wrong.
    cases = {
        (operation, mode): operation.as_strategy(generation_mode=mode)
        for operation in operations
        for mode in modes
        if mode is GenerationMode.POSITIVE or operation.query or operation.body or operation.headers
    }
    counts = {}

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def run(data):
        operation, mode = data.draw(st.sampled_from(list(cases)))
        case = data.draw(cases[operation, mode])
        is_wrong = mode is GenerationMode.NEGATIVE
        for name in sorted(KNOWN.keys() & (case.path_parameters or {}).keys()) if not is_wrong else ():
            case.path_parameters[name] = data.draw(st.sampled_from([case.path_parameters[name], *KNOWN[name]]))
        response = case.call_and_validate(
            headers=shown, checks=[*CHECKS, negative_data_rejection] if is_wrong else CHECKS
        )
        kind = f"{response.status_code // 100}xx"
        counts[kind] = counts.get(kind, 0) + 1

    run()
    print_counts(calls=sum(counts.values()), **dict(sorted(counts.items())))
