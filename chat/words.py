"""The words of messages, which stand in texts/, a file for each language."""

import functools
import importlib.resources

import yaml

from .message import At, Bold, Link, Mono

PARTS = (str, Bold, Mono, Link, At)


@functools.lru_cache(maxsize=4)
def phrases(language="en"):
    """All phrases of a language that there is."""
    file = importlib.resources.files(__package__).joinpath("texts", f"{language}.yaml")
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def say(key, **values):
    """The phrase of this dotted key, in the form that the number ``n`` wants where it has several."""
    phrase = phrases()
    for part in key.split("."):
        phrase = phrase[part]
    if isinstance(phrase, dict):
        phrase = phrase["one" if values["n"] == 1 else "other"]
    return phrase.format(**values)


def line(key, **values):
    """Likewise as the line of a message, in which parts (Bold, Mono, Link, At) stay what they are."""
    marks = {name: f"\0{number}\0" for number, name in enumerate(values)}
    parts = [value if isinstance(value, PARTS) else str(value) for value in values.values()]
    numbers = {"n": values["n"]} if "n" in values else {}
    pieces = say(key, **{**marks, **numbers}).split("\0")
    # Every second piece is the number of a value.
    return tuple(part for at, piece in enumerate(pieces) if (part := parts[int(piece)] if at % 2 else piece) != "")
