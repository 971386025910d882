"""The page that says who would have to approve something, and what another definition of a type would change."""

import itertools
import math

import yaml
from flask import Blueprint, g, request

from ..errors import InputError, Refused
from ..intake import fields
from ..policy import diff, loader
from . import answers, incoming

MOST_BYTES = 131_072  # of a form, in which each character of the definition may take three
LONGEST = 32_768  # characters of a definition
LARGEST = 262_144  # characters and parts of it, once aliases are replaced
DEEPEST = 100  # open brackets
BRACKETS = {"[": 1, "{": 1, "]": -1, "}": -1}
MOST_DIGITS = 9
REPLAYED = 50  # requests of a type
UNKNOWN_PERSON, UNKNOWN_TYPE = "AP001", "AP003"
FIELDS = {UNKNOWN_PERSON: "requester", UNKNOWN_TYPE: "type"}  # that refusals are about


def blueprint(people):
    """``/what-if``, for a people.People."""
    pages = Blueprint("what_if", __name__)

    def page(client, given, status=200, **shown):
        return answers.page(
            "what_if.html", status, given=given, types=client.types(), replayed=REPLAYED, longest=LONGEST,
            person=g.person, mark=people.mark(), **shown,
        )  # fmt: skip

    @pages.get("/what-if")
    def who():
        """Who would have to approve a request; the definition of its type then stands in the form to change it."""
        given = {name: request.args.get(name, "").strip() for name in ("type", "minions", "requester")}

        def look(client):
            if not given["type"]:
                return page(client, given)
            try:
                asked = fields.text("the type", given["type"])
                count = _count(given["minions"])
                requester = fields.text("the requester", given["requester"]) if given["requester"] else None
                would_be = client.what_if(asked, count, requester)
                present = loader.type_to_yaml(client.type(asked)["definition"])
                return page(client, given, would_be=would_be, definition=present)
            except Refused as exc:
                if exc.sqlstate not in FIELDS:
                    raise
                return page(client, given, 422, problems={FIELDS[exc.sqlstate]: exc})
            except InputError as exc:
                return page(client, given, 422, problems={_named_in(str(exc)): exc})

        return people.ask(look)

    @pages.post("/what-if/replay")
    def replay():
        """What the types in a definition would change, and what they would have made of past requests."""
        incoming.form(MOST_BYTES)
        people.check_form()
        text = request.form.get("definition", "").replace("\r\n", "\n")
        given = {"type": "", "minions": "", "requester": ""}

        def compare(client):
            try:
                found = [_compared(client, name, wanted) for name, wanted in _types(text).items()]
            except (InputError, Refused) as exc:
                if isinstance(exc, Refused) and not exc.sqlstate.startswith("AP"):
                    raise
                return page(client, given, 422, definition=text, problems={"definition": exc})
            return page(client, given, definition=text, compared=found)

        return answers.kept(people.ask(compare))

    return pages


def _count(given):
    """The number of minions that was typed, by default one. Raises InputError."""
    if given.isascii() and given.isdigit() and len(given) <= MOST_DIGITS:
        return fields.count("minions", int(given))
    return fields.count("minions", given or 1)


def _named_in(problem):
    """The field that the sentence begins with."""
    return next((name for name in ("requester", "minions") if name in problem.partition(":")[0]), "type")


def _types(text):
    """The definitions of types in a text as a policy file has it, {name: definition}. Raises InputError."""
    try:
        if len(text) > LONGEST:
            raise InputError(f"the definition has more than {LONGEST:,} characters")
        # YAML's scanner takes the longer for each bracket the more of them are open.
        if max(itertools.accumulate(map(BRACKETS.get, text, itertools.repeat(0)), initial=0)) > DEEPEST:
            raise InputError("the definition is nested too deep")
        # A short text may be long without bound once its aliases are replaced by what they stand for.
        if (tree := yaml.compose(text, yaml.SafeLoader)) is not None and _size(tree, {}) > LARGEST:
            raise InputError("the definition is too large once its aliases are replaced by what they stand for")
        types = loader.parse(text)["types"]
    except yaml.YAMLError as exc:
        raise InputError(f"the definition is not YAML: {' '.join(str(exc).split())}") from None
    except RecursionError:
        raise InputError("the definition is nested too deep") from None
    if not types:
        raise InputError("there is no type in it: give what a policy file has under types")
    for name, definition in types.items():
        fields.json_text(f"type {name}", definition)
    return types


def _size(node, sizes):
    """
    How many characters and parts a node of YAML has once aliases are replaced; infinite where it is a part of itself.
    """
    if id(node) not in sizes:
        sizes[id(node)] = math.inf
        if isinstance(node, yaml.ScalarNode):
            size = len(node.value)
        else:
            parts = itertools.chain(*node.value) if isinstance(node, yaml.MappingNode) else node.value
            size = sum(_size(part, sizes) for part in parts)
        sizes[id(node)] = 1 + size
    return sizes[id(node)]


def _compared(client, name, wanted):
    """What a definition changes of the type of this name: {name, is_new, changes, replayed}."""
    try:
        present = client.type(name)["definition"]
    except Refused as exc:
        if exc.sqlstate != UNKNOWN_TYPE:
            raise
        present = None
    # The database says first whether there can be such a type.
    replayed = client.replay(wanted, REPLAYED)
    changes = [] if present is None else list(diff.differences(present, wanted))
    return {"name": name, "is_new": present is None, "changes": changes, "replayed": replayed}
