"""Durations as people write them, such as 6 hours, and as a policy may hold them, such as PT6H."""

import datetime
import re

from ..errors import InputError
from . import fields

UNITS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60}
ISO_UNITS = ("year", "month", "week", "day", "hour", "minute", "second")
ISO_DURATION = re.compile(
    r"P(?:([\d.]+)Y)?(?:([\d.]+)M)?(?:([\d.]+)W)?(?:([\d.]+)D)?(?:T(?:([\d.]+)H)?(?:([\d.]+)M)?(?:([\d.]+)S)?)?"
)
DURATION = re.compile(r"\s*(\d{1,6})\s+(week|day|hour|minute)s?", re.IGNORECASE)


def parse(what, value):
    """The timedelta in a text such as ``6 hours`` or ``1 day 30 minutes``; ``what`` names it in the error."""
    given = fields.text(what, value)
    seconds, position = 0, 0
    while match := DURATION.match(given, position):
        seconds += int(match[1]) * UNITS[match[2].lower()]
        position = match.end()
    if not seconds or given[position:].strip():
        raise InputError(f"{what}: {given!r} is not a duration: give one such as 6 hours or 1 day 30 minutes")
    return datetime.timedelta(seconds=seconds)


def spelled_out(given):
    """
    A duration of a policy for people: PT4H is 4 hours; a number, which earlier releases took, is in seconds. Another
    text has its units, and stays.
    """
    if isinstance(given, int | float) and not isinstance(given, bool):
        return f"{given} seconds"
    found = ISO_DURATION.fullmatch(given) if isinstance(given, str) else None
    if not found:
        return str(given)
    parts = zip(ISO_UNITS, found.groups(), strict=True)
    return " ".join(f"{number} {unit}{'' if number == '1' else 's'}" for unit, number in parts if number)


def text(duration):
    """A timedelta in the form that parse() reads; seconds are left out."""
    rest = int(duration.total_seconds())
    parts = []
    for unit, size in UNITS.items():
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number} {unit}{'s' if number > 1 else ''}")
    return " ".join(parts)
