"""What Atlassian publishes of the answers of Jira Cloud: an excerpt of its OpenAPI, in jira_openapi.json."""

import functools
import json
import pathlib
import re

from jsonschema import Draft202012Validator

# Answers that any request may get, and that the document does not list with each.
ANYWHERE = {"401", "404", "405", "409", "413", "415", "429", "502", "503"}

# Places where Jira gives something else than the document says: the empty side of a change is null, and links are a
# list unless one is asked for.
ELSE = re.compile(r".*: 200: .*\.items.*\.(from|to|fromString|toString): None is not.*|.*/remotelink: 200: \$: \[.*")


@functools.cache
def document():
    """The excerpt."""
    return json.loads((pathlib.Path(__file__).with_suffix(".json")).read_text(encoding="utf-8"))


def operation(method, path):
    """What is published of a method at a path; None: nothing."""
    for pattern, methods in _patterns():
        if pattern.fullmatch(path):
            return methods.get(method)
    return None


def faults(method, path, status, body):
    """What is wrong with an answer by the document, as texts."""
    found = operation(method, path)
    if found is None:
        return [f"{method} {path} is not in the document"]
    if str(status) not in found["responses"]:
        return [] if str(status) in ANYWHERE else [f"{method} {path} never answers {status}"]
    schema = found["responses"][str(status)]
    return _faults(schema, body, f"{method} {path}: {status}") if schema and status < 300 else []


def faults_of_request(method, path, query, body):
    """What Jira has no use for in a request by the document, as texts: parameters, and parts of its body."""
    found = operation(method, path) or {}
    schema = found.get("body")
    unknown = [f"{method} {path}: {name} is no parameter" for name in query if name not in found.get("query", query)]
    return unknown + (_faults(schema, body, f"{method} {path}") if schema else [])


def _faults(schema, value, where):
    validator = Draft202012Validator({**schema, "schemas": document()["schemas"]})
    found = (f"{where}: {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value))
    return [fault for fault in found if not ELSE.fullmatch(fault)]


@functools.cache
def _patterns():
    """(pattern, methods) of each path, those with the fewest variable parts first."""
    return [
        (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), methods)
        for path, methods in sorted(document()["paths"].items(), key=lambda item: item[0].count("{"))
    ]
