"""From what is asked for to the items of a request, as its type takes them.

A type's ``parameters`` is a JSON Schema (draft 2020-12 unless it names another). It is compared with
what was given: ``{packages: {...}}``, ``{services: {...}}``, ``{values: {...}}``, or the parameters of an
action themselves.
"""

from ..errors import InputError
from . import fields

# Kind of a type -> the argument that says what is asked for.
ARGUMENTS = {"package": "packages", "service": "services", "value": "values", "action": "parameters"}
MAX_PROBLEM = 200


def of_type(definition, given):
    """
    The resources wanted on each minion, as a list of (kind, name, content), the content as the database takes it.

    definition
        The type, as show_type() gives it.
    given
        {argument: value}, the arguments being those in ARGUMENTS; None where one was not given. A type takes
        exactly the one of its kind.

    A type for reverts has no items of its own. Raises InputError.
    """
    kind = definition["kind"]
    if kind not in ARGUMENTS:
        return []
    argument = ARGUMENTS[kind]
    for other, value in given.items():
        if other != argument and value is not None:
            raise InputError(
                f"requests of type {definition['name']} are about kind {kind}: give {argument}, not {other}"
            )
    wanted = getattr(fields, argument)(given.get(argument))
    if kind == "action":
        _check_action(definition, wanted)
    schema = definition.get("parameters")
    if schema is not None:
        _check(definition, schema, wanted if kind == "action" else {argument: wanted})
    if kind == "action":
        return [(kind, definition["action"]["function"], fields.json_text(argument, wanted))]
    if kind == "value":
        wanted = {name: fields.json_text(name, content) for name, content in wanted.items()}
    return [(kind, name, fields.ABSENT if content is None else content) for name, content in wanted.items()]


def check_schema(what, schema):
    """Raise InputError if ``schema`` is not a JSON Schema; ``what`` names it."""
    import jsonschema

    if not isinstance(schema, dict | bool):
        raise InputError(f"{what} is not a JSON Schema, which is a mapping")
    try:
        _validator(schema).check_schema(schema)
    except jsonschema.SchemaError as exc:
        raise InputError(f"{what} is not a JSON Schema: {_problem(exc)}") from None


def _check_action(definition, wanted):
    if wanted and definition.get("parameters") is None:
        raise InputError(f"requests of type {definition['name']} take no parameters")
    fixed = sorted(wanted.keys() & (definition["action"].get("kwarg") or {}).keys())
    if fixed:
        raise InputError(f"the type {definition['name']} itself says what {fixed[0]} is")


def problem(what, schema, instance, exact=False, is_sensitive=False):
    """
    The fault of ``instance`` by the JSON Schema ``schema``, in one line; None if nothing is. ``exact``: 5.0 is
    no integer, which JSON Schema takes for one. ``is_sensitive``: nothing of the
    instance stands there. Raises InputError if the schema, which is that of ``what``, refers to something that is
    nowhere.
    """
    import jsonschema
    import referencing.exceptions
    from jsonschema_specifications import REGISTRY

    try:
        # With a registry of one's own nothing is fetched from anywhere.
        errors = _validator(schema, exact)(schema, registry=REGISTRY).iter_errors(instance)
        worst = jsonschema.exceptions.best_match(errors)
    except referencing.exceptions.Unresolvable as exc:
        raise InputError(f"the schema of {what} refers to {exc.ref!r}, which is nowhere") from None
    return None if worst is None else _problem(worst, is_sensitive)


def _check(definition, schema, instance):
    name = definition["name"]
    found = problem(f"type {name}", schema, instance, exact=True, is_sensitive="sensitive" in definition)
    if found is not None:
        raise InputError(f"this is no request of type {name}: {found}")


def _validator(schema, exact=False):
    import jsonschema.validators

    validator = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    if not exact:
        return validator
    types = validator.TYPE_CHECKER.redefine(
        "integer", lambda checker, value: isinstance(value, int) and not isinstance(value, bool)
    )
    return jsonschema.validators.extend(validator, type_checker=types)


def _problem(error, is_sensitive=False):
    """The fault and its place, in one line."""
    where = error.json_path.removeprefix("$").removeprefix(".")
    problem = f"it is not as {error.validator} of its schema says" if is_sensitive else " ".join(error.message.split())
    if len(problem) > MAX_PROBLEM:
        problem = problem[: MAX_PROBLEM - 3] + "..."
    return f"{where}: {problem}" if where else problem
