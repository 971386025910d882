"""From the fields of a ticket to what it asks for, by rules that are tighter than the database's.

Nobody looks at a field between the person who fills it in and the minion. Nothing is guessed here: a text that could
be meant in two ways is refused, with the name of its field and what would be right.
"""

import datetime
import re

from ..errors import InputError
from ..intake.fields import ABSENT, ARCHITECTURES, LATEST
from . import body
from .ticket import Ask

MOST_TEXT = 128  # characters of a name or a version
MOST_SHOWN = 80
YEARS = (1970, 2199)
LONGEST_OFFSET = datetime.timedelta(hours=14)
# No wildcard, blank, comma, or sign that a target of Salt has a meaning for.
MINION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
PART_OF_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9+._:@~-]*[A-Za-z0-9+])?"
NAME = re.compile(rf"{PART_OF_NAME}(?:/{PART_OF_NAME})?")
# A file, for package managers, where a folder stands in front.
FILE = re.compile(r"/.*\.(rpm|deb|apk|pkg|t[gx]z|txz|tbz2?|gz|xz|zst|msi|nupkg)", re.IGNORECASE)
# An epoch at most, as numbers; the port epoch of FreeBSD behind a comma.
VERSION = re.compile(r"(?:[0-9]{1,9}:)?(?=.*[0-9])[0-9A-Za-z][0-9A-Za-z.+~^_-]*(?:,[0-9]+)?")
DEBIAN_NAME = re.compile(rf"[a-z0-9][a-z0-9+.-]+(?::(?:{'|'.join(ARCHITECTURES)}))?")
DEBIAN_VERSION = re.compile(r"(?:[0-9]{1,9}:)?[0-9](?:[0-9A-Za-z.+~-]*[0-9A-Za-z.+~])?")
# Programs write these words where there is nothing.
NOTHING = {"false", "nan", "nil", "none", "null", "true", "undefined"}
# How names and versions look: rule -> (names, versions, what is said of them).
RULES = {
    "any": (NAME, VERSION, "letters, digits and + . _ : @ ~ -"),
    "debian": (DEBIAN_NAME, DEBIAN_VERSION, "small letters, digits and + . -, as Debian has them"),
}
TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,30}))?)?"
    r"(?:(Z)|([+-])([0-9]{2})(?::?([0-9]{2}))?)"
)
UTC_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})")


def shown(value):
    """A value of a ticket for the text of an error, cut to a length and without characters that do not print."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return repr(value if len(value) <= MOST_SHOWN else value[:MOST_SHOWN] + "…")
    if isinstance(value, bool | int | float):
        return f"{str(value).lower()[:MOST_SHOWN]} without quotes"
    return {dict: "an object", list: "a list"}[type(value)]


def text(where, value):
    """``value`` if it is a text that says something. ``where`` names its field in the error."""
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where}: {shown(value)} stands where a text has to be")
    return value


def ask(ticket_type, fields, when, removal):
    """
    The Ask of a ticket that is no revert.

    ticket_type
        The sites.TicketType.
    fields
        Its fields by name.
    when
        The function that reads its time: moment() or utc_moment().
    removal
        As packages() takes it.

    Raises InputError.
    """
    wanted = minions(ticket_type.minions, fields)
    if ticket_type.action is not None:
        asked = (("action", *ticket_type.action),)
    else:
        asked = packages(ticket_type.packages, fields, ticket_type.names, removal)
    after = fields.get(ticket_type.after) if ticket_type.after else None
    return Ask(ticket_type.request_type, wanted, asked, None if after is None else when(ticket_type.after, after))


def minions(sources, fields):
    """
    The minion ids in a ticket's fields, a tuple: each once, in order.

    sources
        (form, field) in order, the form being one of MINION_FORMS. An empty field adds none. A field of a form of
        FETCHED has what was fetched: (key, texts) of each object, the texts by what they are for (``minion``).

    Raises InputError where one is no id, or two differ in letter case only, or there is none.
    """
    found = {}
    for where, minion in _read(MINION_FORMS, sources, fields):
        if not isinstance(minion, str) or not MINION.fullmatch(minion) or minion.lower() in NOTHING:
            raise InputError(
                f"{where}: {shown(minion)} is no minion id: each is named exactly, without wildcards, blanks or "
                "commas, in letters, digits and . _ -"
            )
        alike = found.setdefault(minion.lower(), minion)
        if alike != minion:
            raise InputError(f"{where}: {minion} and {alike} differ in letter case only: name the one that is meant")
    if not found:
        raise InputError(f"{_names(sources)}: the ticket names no minion")
    return tuple(found.values())


def packages(sources, fields, rule="any", removal=("remove",)):
    """
    The packages in a ticket's fields as items, a tuple of (``package``, name, version), each name once, in order.

    sources
        (form, field) in order, the form being one of PACKAGE_FORMS; all are read and put together. As for minions(),
        the texts of fetched objects being ``package`` and ``version``.
    rule
        A key of RULES.
    removal
        The words, in any letter case, that stand where a package is not to be there.

    Raises InputError where a name or a version is none, or two contradict each other, or there is none.
    """
    found, spelled = {}, {}
    for where, name, version in _read(PACKAGE_FORMS, sources, fields):
        name, version = package(where, name, version, rule, removal)
        alike = spelled.setdefault(name.lower(), name)
        if alike != name:
            raise InputError(f"{where}: {name} and {alike} differ in letter case only: name the one that is meant")
        known = found.setdefault(name, version)
        if known != version:
            raise InputError(f"{where}: {name} is asked for as {known} and as {version}: one of them has to go")
    if not found:
        raise InputError(f"{_names(sources)}: the ticket names no package")
    return tuple(("package", name, version) for name, version in found.items())


def package(where, name, version, rule="any", removal=("remove",)):
    """(name, version) of a package, the version being exact, ``latest`` or ``absent``. Raises InputError."""
    names, versions, allowed = RULES[rule]
    if (
        not isinstance(name, str)
        or not names.fullmatch(name)
        or len(name) > MOST_TEXT
        or FILE.search(name)
        or name.lower() in NOTHING
    ):
        raise InputError(
            f"{where}: {shown(name)} is no name of a package: they are of {allowed}, {MOST_TEXT} characters at most"
        )
    word = version.lower() if isinstance(version, str) else None
    if word in removal:
        return name, ABSENT
    if word == LATEST:
        return name, LATEST
    if not isinstance(version, str) or not versions.fullmatch(version) or len(version) > MOST_TEXT:
        raise InputError(
            f"{where}: {shown(version)} is no version of {name}: give the exact one, as text of at most {MOST_TEXT} "
            f"characters and with one colon at most; or {LATEST}, or {' or '.join(removal)}"
        )
    return name, version


def moment(where, value):
    """The time in ``value``, ISO 8601 with date, time and zone, as a datetime in UTC. Raises InputError."""
    match = TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise InputError(
            f"{where}: {shown(value)} is no time: give date, time and zone in full, as in 2026-11-25T22:00:00.000+0100"
        )
    *parts, fraction, zulu, sign, hours, minutes = match.groups()
    offset = datetime.timedelta(0) if zulu else datetime.timedelta(hours=int(hours), minutes=int(minutes or 0))
    if offset > LONGEST_OFFSET or int(minutes or 0) > 59:
        raise InputError(f"{where}: {shown(value)} has a zone that there is nowhere")
    zone = datetime.timezone(-offset if sign == "-" else offset)
    return _utc(where, value, parts, int((fraction or "0")[:6].ljust(6, "0")), zone)


def utc_moment(where, value):
    """The time in ``value``, ``2026-11-25 22:00:00`` in UTC as ServiceNow keeps it, likewise."""
    match = UTC_TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise InputError(f"{where}: {shown(value)} is no time in UTC, as in 2026-11-25 22:00:00")
    return _utc(where, value, match.groups(), 0, datetime.timezone.utc)


def _utc(where, value, parts, microsecond, zone):
    try:
        found = datetime.datetime(*(int(part or 0) for part in parts), microsecond, zone)
        found = found.astimezone(datetime.timezone.utc)
    except (ValueError, OverflowError):
        raise InputError(f"{where}: {shown(value)} is no time that there is") from None
    if not YEARS[0] <= found.year <= YEARS[1]:
        raise InputError(f"{where}: {shown(value)} is not in the years {YEARS[0]} to {YEARS[1]}")
    return found


def _names(sources):
    return ", ".join(field for _, field in sources)


def _read(forms, sources, fields):
    for form, field in sources:
        if fields.get(field) is not None:
            yield from forms[form](field, fields[field])


def option(where, value):
    """The text of a chosen option: {"value": TEXT, ...}."""
    if not isinstance(value, dict) or not isinstance(value.get("value"), str):
        raise InputError(f"{where}: {shown(value)} is no chosen option with a value")
    return value["value"]


def _options(where, value):
    return [(where, option(where, one)) for one in (value if isinstance(value, list) else [value])]


def _list(where, value):
    if not isinstance(value, list):
        raise InputError(f"{where}: {shown(value)} stands where a list has to be")
    return [(where, one) for one in value]


def _lines(where, value):
    """The lines of a text that are not empty, each with the blanks around it taken away."""
    if not isinstance(value, str):
        raise InputError(f"{where}: {shown(value)} stands where lines of text have to be")
    lines = enumerate((line.strip(" \t") for line in value.replace("\r\n", "\n").split("\n")), 1)
    return [(f"{where}, line {number}", line) for number, line in lines if line]


def _commas(where, value):
    if not isinstance(value, str):
        raise InputError(f"{where}: {shown(value)} stands where a text has to be, with commas between the ids")
    return [(where, part.strip(" ")) for part in value.split(",")] if value else []


def _cascade(where, value):
    """The first choice is the name, the second, below it, the version."""
    name = option(where, value)
    if value.get("child") is None:
        raise InputError(f"{where}: {shown(name)} has no version: make the second choice, too")
    return [(where, name, option(f"{where}, the second choice", value["child"]))]


def _package_lines(where, value):
    for place, line in _lines(where, value):
        words = re.split("[ \t]+", line)
        if len(words) != 2:
            raise InputError(f"{place}: {shown(line)} is not one name and one version, as in 'hello 2.10-3'")
        yield place, *words


def _objects(where, value):
    """A list of {"name", "version"}, or its JSON as text."""
    if isinstance(value, str):
        value = body.text_value(where, value) if value else []
    for entry in _list(where, value):
        if not isinstance(entry[1], dict) or set(entry[1]) != {"name", "version"}:
            raise InputError(f"{where}: {shown(entry[1])} is not an object of name and version, and nothing else")
        yield where, entry[1]["name"], entry[1]["version"]


def _fetched_minions(where, value):
    return [(f"{where}, object {key}", texts["minion"]) for key, texts in value]


def _fetched_packages(where, value):
    return [(f"{where}, object {key}", texts["package"], texts["version"]) for key, texts in value]


MINION_FORMS = {"options": _options, "list": _list, "lines": _lines, "commas": _commas, "assets": _fetched_minions}
PACKAGE_FORMS = {"cascade": _cascade, "lines": _package_lines, "objects": _objects, "assets": _fetched_packages}
# The forms of fields that refer to what stands elsewhere, which some kinds of sites have.
FETCHED = ("assets",)
