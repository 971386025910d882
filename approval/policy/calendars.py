"""Maintenance windows: when a recurrence rule of RFC 5545 opens, and for how long.

A rule is counted in the local time of its zone, so that a window at 22:00 is one at 22:00 in summer and in
winter. A local time that a change of the clocks leaves out is read with the offset before it (02:30 becomes
03:30), and of one that comes twice the first counts, as the RFC says. A window lasts its duration, however
the clocks change in it.
"""

import datetime
import re
import zoneinfo
from dataclasses import dataclass

from dateutil import rrule

from ..errors import InputError
from ..intake import durations, fields

AHEAD = datetime.timedelta(days=366)
MAX_OPENINGS = 10_000
KEYS = ("rule", "time_zone", "duration", "starts_on")
# Finer ones would open all the time; and one that never comes would be sought second by second for ever.
FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")
UNTIL = re.compile(r"(UNTIL=)(\d{8}T\d{6})Z", re.IGNORECASE)


@dataclass(frozen=True)
class Calendar:
    """
    A window that recurs.

    rule: RFC 5545. time_zone: as in the tz database. duration: a timedelta. starts_on: the local time,
    without zone, that the rule is counted from.
    """

    rule: str
    time_zone: str
    duration: datetime.timedelta
    starts_on: datetime.datetime

    def openings(self, now):
        """When it opens (UTC), in order: from what is open at ``now`` to a year ahead. Raises ValueError."""
        zone = zoneinfo.ZoneInfo(self.time_zone)
        # dateutil wants UNTIL in the same kind of time as the start, the RFC wants it in UTC.
        rule = UNTIL.sub(lambda found: found[1] + _local(found[2], zone), self.rule)
        first = (now - self.duration).astimezone(zone).replace(tzinfo=None)
        last = (now + AHEAD).astimezone(zone).replace(tzinfo=None)
        found = []
        for local in rrule.rrulestr(rule, dtstart=self.starts_on).xafter(first, inc=True):
            if local > last:
                break
            found.append(local.replace(tzinfo=zone).astimezone(datetime.timezone.utc))
            if len(found) > MAX_OPENINGS:
                raise ValueError(f"it opens more than {MAX_OPENINGS} times a year")
        return found


def parse(what, body):
    """The Calendar in a mapping with KEYS, as a policy file has it; ``what`` names it. Raises InputError."""
    for key in KEYS:
        if body.get(key) is None:
            raise InputError(f"{what} has no {key}")
    rule = fields.text(f"{what}: rule", body["rule"]).strip().removeprefix("RRULE:")
    zone = fields.text(f"{what}: time_zone", body["time_zone"])
    try:
        zoneinfo.ZoneInfo(zone)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise InputError(f"{what}: there is no time zone {zone!r}: give one such as Europe/Berlin") from None
    calendar = Calendar(
        rule,
        zone,
        durations.parse(f"{what}: duration", body["duration"]),
        fields.wall_time(f"{what}: starts_on", body["starts_on"]),
    )
    _check_rule(what, calendar)
    return calendar


def _check_rule(what, calendar):
    named = f"{what}: {calendar.rule!r} is not a recurrence rule of RFC 5545"
    if ":" in calendar.rule or "\n" in calendar.rule:
        raise InputError(f"{named}: give one RRULE alone; where it begins is said by starts_on and time_zone")
    frequency = re.search(r"(?:^|;)FREQ=([^;]*)", calendar.rule, re.IGNORECASE)
    if not frequency or frequency[1].upper() not in FREQUENCIES:
        raise InputError(
            f"{named} that can be a window: FREQ must be {', '.join(FREQUENCIES)}; BYHOUR gives several a day"
        )
    if re.search(r"(?:^|;)INTERVAL=\s*[+-]?0*(?:;|$)", calendar.rule, re.IGNORECASE):
        raise InputError(f"{named}: with an interval of 0 it never moves on")
    try:
        calendar.openings(datetime.datetime.now(datetime.timezone.utc))
    # dateutil lets through whatever its parts stumble over.
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as exc:
        raise InputError(f"{named}: {' '.join(str(exc).split())}") from None


def _local(utc, zone):
    moment = datetime.datetime.strptime(utc, "%Y%m%dT%H%M%S").replace(tzinfo=datetime.timezone.utc)
    return moment.astimezone(zone).strftime("%Y%m%dT%H%M%S")
