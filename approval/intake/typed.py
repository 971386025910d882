"""Values and parameters as somebody typed them, with nothing made of them that was not meant.

YAML makes 1342 of an unquoted 22:22, 1.1 of 1.10, 420 of 0644 and false of NO. Salt reads what salt-run is given as
YAML, and what arrives at a function no longer tells how it was spelled. The words of the command line are therefore
read here again where Salt still has them; and elsewhere whatever is not text has to be given as JSON text.
"""

import json
import re

import yaml

from ..errors import InputError

DECIMAL = re.compile(r"0|-?[1-9][0-9]*")
TAG = "tag:yaml.org,2002:"
# How YAML 1.1 names what it made of a word.
READ_AS = {"int": "number", "float": "number", "bool": "truth value", "null": "nothing", "timestamp": "date"}


def given(opts, function, name, value):
    """
    The argument ``name`` of a runner function as it was meant: ``value`` is what Salt made of it.

    opts
        The configuration of whoever calls. salt-run's has the words that were typed.
    function
        The function's full name.

    A text is read as read() does. Raises InputError for a number, a truth value or nothing in a value of which nobody
    knows how it was spelled.
    """
    for word in reversed(opts.get("arg") or ()) if opts.get("fun") == function else ():
        if isinstance(word, str) and word.startswith(f"{name}="):
            value = word.partition("=")[2] if isinstance(value, dict | list) else value
            break
    if isinstance(value, str):
        return read(name, value)
    _check_spelled(name, name, value)
    return value


def read(what, text):
    """The value of ``text``: JSON, or YAML whose unquoted words are read as JSON. ``what`` names it in the error."""
    try:
        return read_json(what, text)
    except ValueError:
        pass
    loader = _Loader(text)
    try:
        return _built(what, loader.get_single_node())
    except yaml.YAMLError as exc:
        problem = getattr(exc, "problem", None) or " ".join(str(exc).split())
        raise InputError(f"{what} is neither JSON nor YAML: {problem}") from None
    except RecursionError:
        raise InputError(f"{what} is nested too deep") from None
    finally:
        loader.dispose()


def read_json(what, text):
    """The value of the JSON in ``text``. Raises ValueError if it is none, InputError if it would become another."""

    def number(spelled):
        if repr(float(spelled)) != spelled:
            raise InputError(_changed(what, spelled))
        return float(spelled)

    def constant(spelled):
        raise InputError(f'{what}: JSON has no number {spelled}: write "{spelled}" if it is text')

    def mapping(pairs):
        content = dict(pairs)
        if len(content) < len(pairs):
            twice = next(key for place, (key, _) in enumerate(pairs) if key in dict(pairs[:place]))
            raise InputError(f"{what} has the key {twice!r} twice")
        return content

    try:
        return json.loads(text, parse_float=number, parse_constant=constant, object_pairs_hook=mapping)
    except RecursionError:
        raise InputError(f"{what} is nested too deep") from None


class _Loader(yaml.SafeLoader):
    """Gives nodes, in which a word is seen as it was typed."""

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has an alias, which JSON does not know")
        return super().compose_node(parent, index)


def _built(where, node):
    """The content of a node; ``where`` is the way to it."""
    if isinstance(node, yaml.MappingNode):
        content = {}
        for key_node, value_node in node.value:
            key = _built(f"{where}: a key", key_node)
            if not isinstance(key, str):
                raise InputError(f"{where}: the key {key_node.value} must be text: quote it")
            if key in content:
                raise InputError(f"{where} has the key {key!r} twice")
            content[key] = _built(f"{where}: {key}", value_node)
        return content
    if isinstance(node, yaml.SequenceNode):
        return [_built(f"{where}[{place}]", entry) for place, entry in enumerate(node.value)]
    if not isinstance(node, yaml.ScalarNode):
        raise InputError(f"{where} says nothing")
    kind = node.tag.removeprefix(TAG)
    if kind == "str":
        return node.value
    plain = node.value if node.style is None else ""
    if kind == "int" and DECIMAL.fullmatch(plain):
        return int(plain)
    if kind == "float" and _is_canonical(plain):
        return float(plain)
    if plain in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[plain]
    if kind == "null":
        raise InputError(f"{where} says nothing: give it in quotes, or null if that is meant")
    if kind not in READ_AS:
        raise InputError(f"{where}: {node.value!r} is not what JSON has a form for: quote it")
    raise InputError(
        f'{where}: YAML reads the unquoted {node.value} as a {READ_AS[kind]}: write "{node.value}" if it is text; '
        "numbers are written as in JSON, true and false in full"
    )


def _is_canonical(spelled):
    try:
        return repr(float(spelled)) == spelled
    except ValueError:
        return False


def _changed(what, spelled):
    becomes = repr(float(spelled))
    if becomes in ("inf", "-inf"):
        return f'{what}: {spelled} is beyond what a number can be: write "{spelled}" if it is text'
    return f'{what}: the number {spelled} would become {becomes}: write {becomes}, or "{spelled}" if it is text'


def _check_spelled(name, where, value):
    if isinstance(value, dict):
        for key, content in value.items():
            _check_spelled(name, f"{where}: {key}", content)
    elif isinstance(value, list | tuple):
        for place, content in enumerate(value):
            _check_spelled(name, f"{where}[{place}]", content)
    # Nothing at all is no argument; what it means is said by whoever needs one.
    elif not isinstance(value, str) and where != name:
        raise InputError(
            f"{where} is not text, and nobody can tell how it was written: YAML makes 1342 of 22:22, 1.1 of 1.10 and "
            f"false of NO. Quote it if it is text; else give {name} as JSON text, such as "
            f"""{name}=' {{"text": "1.10", "number": 5}}' (the space in front keeps it text)"""
        )
