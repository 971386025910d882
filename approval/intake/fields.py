"""From what an operator typed to the items of a request.

Whether a name, a version or a minion is acceptable is decided in the database. Here it is only made sure
that what arrives there is what the operator meant: YAML turns an unquoted 2.10 into the number 2.1, and
1:30 into 90.
"""

import datetime
import json
import re

from dateutil import parser as date_parser

from ..errors import InputError
from . import typed

KINDS = ("package", "service", "value", "action")
# The architectures that dpkg writes behind a package's name and a colon.
ARCHITECTURES = (
    "all", "amd64", "any", "arm64", "armel", "armhf", "i386", "loong64", "mips64el", "mipsel", "native", "powerpc",
    "ppc64", "ppc64el", "riscv64", "s390x", "x32",
)  # fmt: skip
LATEST = "latest"
ABSENT = "absent"
REMOVAL = (ABSENT, "removed")
# Words that people put where a version belongs, and that would pass for one.
NOT_A_VERSION = ("any", "false", "installed", "none", "null", "present", "purged", "true")
# ISO 8601 also knows a year, a month or a week alone; as a start they are more likely a slip.
FULL_DATE = re.compile(r"\d{4}-?\d\d-?\d\d(?!\d)")
TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
DAY_S = 86_400
MAX_REQUEST_ID = 2**63 - 1
# Salt's msgpack carries integers between these; it makes text of any other.
SMALLEST, LARGEST = -(2**63), 2**64 - 1


def minions(value):
    """
    The minion ids in ``value``: a list of them, or a text with commas between them, as ``salt -L`` takes it.

    An id in a list is taken exactly as it is. The order stays; the same id twice counts once.
    """
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    if not isinstance(value, list | tuple) or not value:
        raise InputError("the request names no minion: give minions as a list, such as [web1, web2]")
    ids = [text("a minion id", minion) for minion in value]
    return list(dict.fromkeys(ids))


def packages(value):
    """
    The packages in the mapping ``value``, name to version, as {name: version, ``latest``, or None for
    absent}. Nothing is absent unless it was said: ``absent`` or ``removed``.
    """
    if not isinstance(value, dict) or not value:
        raise InputError("the request names no package: give packages as a mapping, such as {hello: 2.10-3}")
    return {text("a package name", name): _version(name, version) for name, version in value.items()}


def services(value):
    """The services in the mapping ``value``, name to ``running`` or ``dead``."""
    if not isinstance(value, dict) or not value:
        raise InputError("the request names no service: give services as a mapping, such as {cron: running}")
    return {text("a service name", name): text(f"the state of service {name}", state) for name, state in value.items()}


def values(value):
    """The values in the mapping ``value``, name to anything that JSON has a form for."""
    if not isinstance(value, dict) or not value:
        raise InputError('the request names no value: give values as a mapping, such as {motd: "Welcome"}')
    for name, content in value.items():
        json_text(f"the value of {text('a name in values', name)}", content)
    return value


def parameters(value):
    """The parameters of an action in the mapping ``value``; None is none."""
    value = {} if value is None else value
    if not isinstance(value, dict):
        raise InputError("parameters must be a mapping, such as {at_time: 5}")
    json_text("parameters", value)
    return value


def json_text(what, value):
    """
    ``value`` as canonical JSON: what is the same has the same text. ``what`` names it in the error.

    The database has the rule; here it is said sooner.
    """
    try:
        _check_json(what, value)
        written = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except RecursionError:
        raise InputError(f"{what} is nested too deep") from None
    except (TypeError, ValueError):
        raise InputError(f"{what} has a part that JSON has no form for, such as a date: quote it") from None
    return text(what, written)


def package_argument(argument):
    """One ``NAME=VERSION`` of the command line as (name, what packages() takes for it)."""
    name, version = _pair(argument, f"NAME=VERSION, NAME={LATEST} or NAME={ABSENT}")
    return name, _version(name, version) or ABSENT


def service_argument(argument):
    """One ``NAME=STATE`` of the command line as (name, state)."""
    return _pair(argument, "NAME=running or NAME=dead")


def json_argument(argument):
    """One ``NAME=JSON`` of the command line as (name, what the JSON says)."""
    form = "NAME=JSON, such as 'motd=\"Welcome\"' or retries=3"
    name, content = _pair(argument, form)
    try:
        return name, typed.read_json(name, content)
    except ValueError:
        raise InputError(f"{argument!r} is not {form}") from None


def rollout(value):
    """
    The rollout in ``value``, a mapping or the JSON text of one; None for None. What may stand in it the database says.
    """
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = typed.read_json("rollout", value)
        except ValueError:
            raise InputError(f"rollout is {value!r}: give {_ROLLOUT_FORM}") from None
    if not isinstance(value, dict):
        raise InputError(f"rollout is {_described(value)}: give {_ROLLOUT_FORM}")
    json_text("rollout", value)
    return value


def resource(value):
    """
    (kind, name) of a resource, given as ``kind:name``, or as the name of a package, which may end in an
    architecture as dpkg has them.
    """
    value = text("the resource", value, "a package's name, or KIND:NAME as in service:cron")
    kind, separator, name = value.partition(":")
    if separator and kind in KINDS:
        return kind, text("the resource's name", name)
    if separator and name not in ARCHITECTURES:
        raise InputError(
            f"{kind!r} is not a kind of resource: kinds are {', '.join(KINDS)}; a package whose name has a colon "
            f"is package:{value}"
        )
    return "package", value


def time(what, value, zone=datetime.timezone.utc):
    """
    The time in ``value`` as UTC, or None for None: ISO 8601 text, or what YAML makes of it.

    A time that names no zone is in ``zone``, and a day is its start. Only where somebody was told the zone it is
    another than UTC: what a request says must mean the same on every master. ``what`` names it in the error.
    """
    value = _datetime(what, value)
    if value is None:
        return None
    if value.tzinfo is None:
        value = value.replace(tzinfo=zone)
    try:
        return value.astimezone(datetime.timezone.utc)
    except OverflowError:
        raise InputError(f"{what}: {value.isoformat()} is beyond the calendar: {_DATE_HINT}") from None


def lately(what, value, zone=datetime.timezone.utc):
    """
    As time(), and also a time of today in the zone alone: ``14:00`` or ``14:00:30``, of which YAML makes a number.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < DAY_S:
        # 14:00 is 840 then, and 14:00:30 is 50430: no time has less than an hour and the form with seconds.
        value = str(datetime.timedelta(seconds=value if value >= DAY_S // 24 else 60 * value))
    if isinstance(value, str) and TIME_OF_DAY.fullmatch(value.strip()):
        hours, minutes, *seconds = map(int, value.strip().split(":"))
        today = datetime.datetime.now(zone)
        value = today.replace(hour=hours, minute=minutes, second=sum(seconds), microsecond=0)
    try:
        return time(what, value, zone)
    except InputError as exc:
        raise InputError(f"{exc}, or 14:00 of today") from None


def wall_time(what, value):
    """The time in ``value`` as the clocks on the wall show it, without a zone; else as time()."""
    value = _datetime(what, value)
    if value is not None and value.tzinfo is not None:
        raise InputError(f"{what}: {value.isoformat()} names an offset: leave it out, this is a local time")
    return value


def request_id(value, what="request"):
    """The number of a request, or of ``what``, given as a number or as its digits."""
    if value is None:
        raise InputError(f"name the {what} by its number")
    if isinstance(value, str) and re.fullmatch("[0-9]{1,19}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_REQUEST_ID:
        raise InputError(f"{_described(value)} is not the number of {'an' if what[0] in 'aeiou' else 'a'} {what}")
    return value


def thread(value):
    """A thread of the outbox: given as such, ``drift/web1``, or as the number of the request that it is about."""
    if isinstance(value, str) and re.fullmatch("[a-z]+/.+", value) and not value.startswith("request/"):
        return text("thread", value)
    return f"request/{request_id(value.removeprefix('request/') if isinstance(value, str) else value)}"


def channel(value):
    """A channel where people are told: its name, or the destination of routes that leads to it, ``chat-NAME``."""
    return text("the channel", value, "its name, as mail").removeprefix("chat-")


def count(what, value):
    """A number of things, at least one; ``what`` names it in the error."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**31:
        raise InputError(f"{what}: {_described(value)} is not a positive number")
    return value


def text(what, value, form=None):
    """
    ``value`` if it is text that a database can hold. ``what`` names it in the error, and ``form`` says how it is given,
    for whoever left it out.
    """
    if value is None and form:
        raise InputError(f"{what} must be text, but nothing was given: give {form}")
    if not isinstance(value, str):
        raise InputError(f"{what} must be text, but {_described(value)} was given: {_QUOTE_HINT}")
    if not value:
        raise InputError(f"{what} must not be empty")
    if "\0" in value:
        raise InputError(f"{what} must not contain a NUL character")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(f"{what} is not valid UTF-8") from None
    return value


def optional_text(what, value):
    """The same, with None for None."""
    return None if value is None else text(what, value)


def flag(what, value):
    """``value`` if it is true or false: a text that says either would count as true. ``what`` names it in the error."""
    if not isinstance(value, bool):
        raise InputError(f"{what}: {_described(value)} is neither true nor false")
    return value


def texts(what, value):
    """The texts in ``value``: a list, in which a number is taken as its digits; or a text with commas between them."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    if not isinstance(value, list | tuple):
        raise InputError(f"{what}: {_described(value)} is not a list")
    return [text(what, str(part) if type(part) is int else part) for part in value]


_ROLLOUT_FORM = 'a mapping, as JSON {"canaries": 2, "soak": "1 hour"}'
_QUOTE_HINT = "quote it, for YAML and for the shell, as in '\"2.10\"'"
_DATE_HINT = "give ISO 8601, such as 2026-11-22T15:00:00+01:00 (UTC where no zone is named)"


def _pair(argument, form):
    name, separator, content = argument.partition("=")
    if not separator or not name or not content:
        raise InputError(f"{argument!r} is not {form}")
    return name, content


def _datetime(what, value):
    """The datetime, with or without zone, that ``value`` says; None for None."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            if not FULL_DATE.match(value.strip()):
                raise ValueError
            value = date_parser.isoparse(value.strip())
        except (ValueError, OverflowError):
            raise InputError(f"{what}: {value!r} is not a date: {_DATE_HINT}") from None
    elif isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        value = datetime.datetime.combine(value, datetime.time())
    if not isinstance(value, datetime.datetime):
        raise InputError(f"{what}: {_described(value)} is not a date: {_DATE_HINT}")
    return value


def _check_json(what, value):
    """json.dumps() would make text of keys that are numbers, and two keys of one; and Salt text of large numbers."""
    if isinstance(value, dict):
        for key, content in value.items():
            _check_json(what, content)
            text(f"a key in {what}", key)
    elif isinstance(value, list):
        for content in value:
            _check_json(what, content)
    elif isinstance(value, str) and "\0" in value:
        raise InputError(f"{what} must not contain a NUL character")
    elif isinstance(value, int) and not SMALLEST <= value <= LARGEST:
        raise InputError(
            f"{what} has a number that Salt cannot carry, beyond -2^63 to 2^64-1: give it as text, in quotes"
        )


def _version(name, version):
    if version is None:
        raise InputError(
            f"package {name} has no version: give the exact version, or {LATEST}; or {ABSENT}, if it shall be removed"
        )
    if not isinstance(version, str):
        raise InputError(
            f"the version of {name} must be text, but {_described(version)} was given. YAML reads an "
            "unquoted 2.10 as the number 2.1 and 1:30 as 90, so what was meant is lost: quote it, as in "
            f"packages='{{{name}: \"2.10\"}}'"
        )
    word = version.strip().lower()
    if word in REMOVAL:
        return None
    if word == LATEST:
        return LATEST
    if not word or word in NOT_A_VERSION:
        raise InputError(
            f"the version of {name} is {version!r}: give the exact version, or {LATEST}, or {ABSENT} to remove it"
        )
    return text(f"the version of {name}", version)


def _described(value):
    """A value of a wrong type, for an error text."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return repr(value[:100])
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, float) or (isinstance(value, int) and abs(value) <= MAX_REQUEST_ID):
        return f"the number {value}"
    if isinstance(value, datetime.date):
        return f"the date {value.isoformat()}"
    return f"a {type(value).__name__}"
