"""The REST API as its description has it: openapi.yaml says which operations there are, and what each of them takes."""

import functools
import json
import pathlib
import re
from dataclasses import dataclass

import yaml

from ..errors import InputError
from ..intake import items

FILE = pathlib.Path(__file__).with_name("openapi.yaml")
METHODS = ("get", "post")
JSON = "application/json"
PATH_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
NUMBER = re.compile(r"-?[0-9]{1,19}")
FLAGS = {"true": True, "false": False}


@functools.cache
def document():
    """The description, as JSON has it."""
    with FILE.open(encoding="utf-8") as stream:
        return yaml.safe_load(stream)


@functools.cache
def as_text():
    """The same as text of JSON."""
    return json.dumps(document())


def problem_of(code):
    """What the description says of a refusal by its SQLSTATE: {status, title, path}; None where it has none such."""
    return document()["x-problems"].get(code)


@dataclass(frozen=True)
class Operation:
    """
    An operation of the API.

    name
        Its operationId.
    method, path
        As in a request, the path below that of the API with names in braces.
    scopes
        Those that a token needs, all of them; the last is that of what it does.
    parameters
        {place: {name: the parameter}}, where the place is ``path``, ``query`` or ``header``.
    body
        The JSON Schema of what is sent, None: nothing is.
    """

    name: str
    method: str
    path: str
    scopes: tuple
    parameters: dict
    body: dict | None

    def in_path(self, given):
        """The arguments in the path, by {name: text}. Raises InputError where there can be no such thing."""
        found = {name: self._read("path", name, text) for name, text in given.items()}
        return self._checked("the address", "path", found)

    def in_query(self, given):
        """The arguments in the query, by {name: [text, ...]}, with those that go without saying. Raises InputError."""
        known, found = self.parameters["query"], {}
        for name, texts in given.items():
            if name not in known:
                raise InputError(f"there is no parameter {name} here (known: {', '.join(known) or 'none'})")
            is_list = _schema(known[name]).get("type") == "array"
            if len(texts) > 1 and not is_list:
                raise InputError(f"the parameter {name} stands there twice")
            found[name] = texts if is_list else self._read("query", name, texts[0])
        defaults = {name: _schema(one)["default"] for name, one in known.items() if "default" in _schema(one)}
        return self._checked("the query", "query", {**defaults, **found})

    def header(self, name, text):
        """The text of a header that it takes. Raises InputError."""
        return self._checked("the header", "header", {name: text}, only=name)[name]

    def in_body(self, content):
        """The arguments in the body, an object. Raises InputError."""
        _check("the body", self.body, content)
        return content

    def _read(self, place, name, text):
        """The text as what its schema wants, where it is one such; the schema then says whether it is right."""
        kind = _schema(self.parameters[place][name]).get("type")
        if kind == "integer" and (PATH_NUMBER if place == "path" else NUMBER).fullmatch(text):
            return int(text)
        return FLAGS.get(text, text) if kind == "boolean" else text

    def _checked(self, what, place, found, only=None):
        known = {name: one for name, one in self.parameters[place].items() if only in (None, name)}
        _check(
            what,
            {
                "type": "object",
                "properties": {name: one["schema"] for name, one in known.items()},
                "required": [name for name, one in known.items() if one.get("required")],
            },
            found,
        )
        return found


@functools.cache
def operations():
    """All operations, in the order of the description."""
    found = []
    for path, shared in document()["paths"].items():
        for method in METHODS:
            if method not in shared:
                continue
            given = shared[method]
            parameters = {"path": {}, "query": {}, "header": {}}
            for parameter in map(_resolved, [*shared.get("parameters", ()), *given.get("parameters", ())]):
                parameters[parameter["in"]][parameter["name"]] = parameter
            (security,) = given.get("security", document()["security"])
            body = given["requestBody"]["content"][JSON]["schema"] if "requestBody" in given else None
            found.append(
                Operation(given["operationId"], method.upper(), path, tuple(security["token"]), parameters, body)
            )
    return found


def _resolved(part):
    """A part of the description, or what it refers to there."""
    while "$ref" in part:
        found = document()
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def _schema(parameter):
    return _resolved(parameter["schema"])


def _check(what, schema, instance):
    # The schema refers to components, which stand beside it under the same address as in the description.
    whole = {"components": document()["components"], "allOf": [schema]}
    found = items.problem(what, whole, instance, exact=True)
    if found is not None:
        raise InputError(f"{what}: {found}")
