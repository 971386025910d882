"""The calls of a published job that may change something: what alarms are judged by."""

from . import packing

MOST = 100
# State functions whose first argument, or the one of this name, says which states they apply.
APPLIED = {"state.apply": "mods", "state.sls": "mods", "state.single": "fun"}


def changing(load):
    """
    The calls of a job, at most MOST, without state runs that were told to change nothing. Each is the function's name,
    and where a state function applies states by name, behind a space which: ``pkg.install``, ``state.apply nginx``,
    ``state.single pkg.installed``.

    load
        As packing.published() gives it. Of arguments that are hidden, or of no proper shape, only the function is told.
    """
    functions, arguments = load.get("fun"), load.get("arg")
    if not isinstance(functions, list):
        functions, arguments = [functions], [arguments]
    arguments = arguments if isinstance(arguments, list) else []
    told = []
    for number, function in enumerate(functions[:MOST]):
        given, named = _read(arguments[number] if number < len(arguments) else None)
        function = packing.as_text(function)
        # Functions of other modules take no notice of `test`.
        if function and not (function.startswith("state.") and named.get("test") is True):
            told.append(_call(function, given, named))
    return told


def _read(arguments):
    """A function's arguments, and those that have names."""
    given, named = [], {}
    for argument in arguments if isinstance(arguments, list) else ():
        if isinstance(argument, dict) and argument.get("__kwarg__") is True:
            named.update(argument)
        else:
            given.append(argument)
    return given, named


def _call(function, given, named):
    if function not in APPLIED:
        return function
    applied = given[0] if given else named.get(APPLIED[function])
    return f"{function} {packing.as_text(applied)}"[:255].rstrip()
