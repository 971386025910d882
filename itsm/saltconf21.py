"""Taking over from saltconf21: what its database has approved, and nobody took back, is asked for here.

Of each package on each minion one row counts there, the one that its pillar would hand out: of those not reverted the
one with the latest ``after``, then ``created_at``, then version, a removal before any. These rows become one pending
request for each ticket; every other row is left out, and the report says why. A second run finds the same requests.
"""

import datetime
import zoneinfo
from dataclasses import dataclass, field

from .. import db
from ..errors import InputError, Refused
from ..intake import fields, items

SOURCE = "saltconf21"  # provider of the identity that imports, and source of its requests
TABLES = ("minions", "install_packages", "reboot_requests", "available_packages")
MINIONS = 'SELECT minion_id FROM minions ORDER BY minion_id COLLATE "C"'
ROWS = """
SELECT itsm_id AS ticket, minion_id AS minion, package_name AS package, package_version AS version, reverted,
    CASE WHEN after BETWEEN '1970-01-02' AND '9999-12-30' THEN after END AS after,
    row_number() OVER w AS place, first_value(itsm_id) OVER w AS winner
FROM install_packages
WINDOW w AS (
    PARTITION BY minion_id, package_name, reverted ORDER BY after DESC, created_at DESC, package_version DESC, id DESC)
ORDER BY id
"""
REBOOTS = """
SELECT itsm_id AS ticket, minion_id AS minion, job_id AS jid,
    CASE WHEN created_at BETWEEN '1970-01-02' AND '9999-12-30' THEN created_at END AS at
FROM reboot_requests ORDER BY id
"""
PACKAGES = """
SELECT operating_system AS system, count(DISTINCT package_name) AS packages, count(*) AS versions
FROM available_packages GROUP BY operating_system ORDER BY operating_system
"""
# SQLSTATEs of refusals that concern the form of an item, or a minion; with any other the parts would fare alike.
OF_ITEMS = ("AP002", "AP004", "AP005")


@dataclass(frozen=True)
class Old:
    """All that the old database has: its minions' ids, and the rows of the other tables as dicts."""

    minions: tuple
    rows: tuple
    reboots: tuple
    packages: tuple


@dataclass
class Wish:
    """What a ticket there still asks for: {minion: {package: version}}, and from when on, in UTC."""

    packages: dict = field(default_factory=dict)
    after: object = None


def zone_of(name):
    """The zone of this name. Raises InputError."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise InputError(f"--time-zone: {name!r} is no time zone: give a name such as Europe/Amsterdam") from None


def read(conn):
    """
    The Old that stands in the database ``conn`` (see db.connect), as it is at one instant.

    Raises InputError where it is no database of saltconf21, Refused, and Unavailable.
    """
    try:
        with db.translated():
            conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            found = [conn.execute(query).fetchall() for query in (MINIONS, ROWS, REBOOTS, PACKAGES)]
            conn.execute("COMMIT")
    except Refused as exc:
        if exc.sqlstate in ("42P01", "42703"):
            raise InputError(
                f"that is no database of saltconf21, which has the tables {', '.join(TABLES)}: name it with --dsn"
            ) from None
        raise Refused(f"the database of saltconf21: {exc}", exc.sqlstate) from None
    return Old(tuple(row["minion_id"] for row in found[0]), *map(tuple, found[1:]))


def plan(old, known, zone):
    """
    The wishes of an Old, {ticket: Wish}, and what is left out, in the form of run()'s ``left_out``.

    known
        The ids of minions that requests may name.
    zone
        The zone in which the times there are.
    """
    wishes, left_out = {}, []
    for row in old.rows:
        why = _why_not(row, known)
        if why:
            left_out.append(_left_out(row, why))
            continue
        wish = wishes.setdefault(row["ticket"], Wish())
        after = in_utc(row["after"], zone)
        wish.after = max(wish.after or after, after)
        version = fields.ABSENT if row["version"] is None else row["version"]
        wish.packages.setdefault(row["minion"], {})[row["package"]] = version
    return wishes, left_out


def in_utc(time, zone):
    """
    A time without zone as it is in UTC. One that the change of clocks leaves out is read with the offset before it; of
    one that comes twice the first counts.
    """
    return time.replace(tzinfo=zone).astimezone(datetime.timezone.utc)


def _why_not(row, known):
    if row["reverted"]:
        return "its ticket was reverted"
    if row["place"] > 1:
        if row["winner"] == row["ticket"]:
            return "the same ticket asked for another version later, or for the same removal again"
        return f"{row['winner']} came later, for the same package"
    if row["minion"] not in known:
        return "the minion is not known"
    if row["after"] is None:
        return "the time after which it takes effect is none of a calendar"
    return None


def _left_out(row, why):
    version = row["version"] or fields.ABSENT
    return {"ticket": row["ticket"], "minion": row["minion"], "package": row["package"], "version": version, "why": why}


class Import:
    """
    Taking over what an Old has.

    conn
        A connection (see db.connect) to the approval database, whose login speaks for saltconf21, and is known in the
        policy as ``saltconf21:LOGIN``.
    request_type
        The type of the requests, which must be about packages and need an approval.

    Raises InputError and Refused where nothing could be imported at all.
    """

    def __init__(self, conn, request_type):
        self._conn = conn
        self._subject = conn.execute("SELECT session_user::text AS subject").fetchone()["subject"]
        self._type = fields.text("the request type", request_type, "one of `types`")
        requester = db.value(conn, "whoami", SOURCE, self._subject)
        self._definition = db.value(conn, "show_type", self._type)["definition"]
        if self._definition["kind"] != "package":
            raise InputError(f"requests of type {self._type} are not about packages: name another with --type")
        would_be = db.value(conn, "what_if", self._type, requester, 1)
        if would_be["pre_approved"]:
            raise InputError(
                f"requests of type {self._type} are approved by themselves, but nobody has approved here what is "
                "imported: name another with --type"
            )
        if not would_be["may_request"]:
            raise InputError(
                f"{requester} may not make requests of type {self._type}: name another with --type, or put them into "
                f"one of the groups {', '.join(self._definition['requesters'])}"
            )

    def run(self, old, zone, is_applied):
        """
        Import an Old, or (``is_applied`` false) find out how that would go: then nothing stays. Gives the report:

        applied
            Whether it was done.
        minions
            {found, added}: how many there are, and how many were not known here.
        requests
            For each ticket {ticket, request, is_new, items, minions, after}; request is None where it would be made.
        left_out
            What was not taken over, row by row: {ticket, minion, package, version, why}, of a minion as such with None
            for the others. A text that begins with ``refused: `` says what was wrong with it.
        reboots
            {found, recorded}: how many there are, and how many tickets of them were not in the audit.
        packages
            {system, packages, versions} of what could be had there, which is not taken over.
        """
        report = {"applied": is_applied, "packages": [dict(row) for row in old.packages]}
        if is_applied:
            self._fill(report, old, zone, False)
        else:
            with db.translated(), self._conn.transaction(force_rollback=True):
                self._fill(report, old, zone, True)
        return report

    def _fill(self, report, old, zone, is_dry):
        known = {row["minion_id"] for row in db.call(self._conn, "list_minions")}
        removed = self._removed() - known
        usable = [minion for minion in old.minions if minion and not set("/\n\r") & set(minion)]
        added = [minion for minion in usable if minion not in known and minion not in removed]
        if added:
            db.value(self._conn, "put_minions", added)
        wishes, rows = plan(old, known | set(added), zone)
        report["minions"] = {"found": len(old.minions), "added": len(added)}
        report["requests"] = []
        report["left_out"] = [
            *(_no_minion(minion, "this is no id of a minion") for minion in sorted({*old.minions} - {*usable})),
            *(
                _no_minion(minion, "it was removed here; salt-approval minion add makes it known again")
                for minion in old.minions
                if minion in removed
            ),
            *rows,
        ]
        newest = max((row["request_id"] for row in self._newest()), default=0)
        for ticket, wish in wishes.items():
            number, taken, refused = self._take(ticket, wish, is_dry)
            report["left_out"] += refused
            if number is None:
                continue
            is_new = number > newest
            report["requests"].append({
                "ticket": ticket, "request": None if is_new and is_dry else number, "is_new": is_new,
                "items": sum(map(len, taken.values())), "minions": len(taken), "after": wish.after.isoformat(),
            })  # fmt: skip
        report["reboots"] = {"found": len(old.reboots), "recorded": self._record(old.reboots, zone)}

    def _removed(self):
        """The ids of minions that somebody made unknown, at whatever time."""
        return {
            minion
            for entry in db.call(self._conn, "audit_trail", 0)
            if entry["act"] == "minions-removed"
            for minion in entry["detail"]["minions"]
        }

    def _newest(self):
        return db.call(self._conn, "list_requests", None, None, None, None, None, 1)

    def _take(self, ticket, wish, is_dry):
        """(request, what it is about, what is left out) of a ticket; the request is None where it was refused."""
        try:
            return self._submit(wish.packages, wish.after, ticket, is_dry), wish.packages, []
        except (InputError, Refused) as exc:
            whole = _refused(ticket, wish.packages, exc)
            if isinstance(exc, Refused) and exc.sqlstate not in OF_ITEMS:
                return None, {}, whole
        kept, refused = self._parted(ticket, wish)
        if not kept or not refused:
            return None, {}, refused or whole
        try:
            return self._submit(kept, wish.after, ticket, is_dry), kept, refused
        except (InputError, Refused) as exc:
            return None, {}, refused + _refused(ticket, kept, exc)

    def _parted(self, ticket, wish):
        """The part of a wish of which no item is refused by itself, and the others as they are left out."""
        kept, refused, groups = {}, [], {}
        for minion, packages in wish.packages.items():
            for package, version in packages.items():
                groups.setdefault((package, version), []).append(minion)
        for (package, version), minions in groups.items():
            are_all_well = self._refusal(package, version, minions, wish.after) is None
            for minion in minions:
                why = None if are_all_well else self._refusal(package, version, [minion], wish.after)
                if why is None:
                    kept.setdefault(minion, {})[package] = version
                else:
                    refused += _refused(ticket, {minion: {package: version}}, why)
        return kept, refused

    def _refusal(self, package, version, minions, after):
        try:
            self._submit({minion: {package: version} for minion in minions}, after, None, True)
        except (InputError, Refused) as exc:
            return exc
        return None

    def _submit(self, packages, after, reference, is_dry):
        """The number of the request; where ``is_dry`` it is gone again."""
        rows = [
            (minion, *item)
            for minion, wanted in packages.items()
            for item in items.of_type(self._definition, {"packages": wanted})
        ]
        columns = [[row[column] for row in rows] for column in range(4)]
        reason = f"imported from {SOURCE}" + (f", ticket {reference}" if reference else "")
        with self._conn.transaction(force_rollback=is_dry):
            return db.value(
                self._conn,
                "submit_request",
                SOURCE,
                self._subject,
                self._type,
                reason,
                *columns,
                after,
                SOURCE,
                reference,
            )

    def _record(self, reboots, zone):
        facts = {}
        for row in reboots:
            fact = facts.setdefault(row["ticket"], {"ticket": row["ticket"], "reboots": []})
            at = row["at"] and in_utc(row["at"], zone).isoformat()
            fact["reboots"].append({"minion": row["minion"], "jid": row["jid"], "at": at})
        if not facts:
            return 0
        return db.value(self._conn, "note_import", SOURCE, self._subject, db.json(list(facts.values())))


def _refused(ticket, packages, exc):
    """What {minion: {package: version}} is in the report, refused by this error."""
    return [
        {"ticket": ticket, "minion": minion, "package": package, "version": version, "why": f"refused: {exc}"}
        for minion, wanted in packages.items()
        for package, version in wanted.items()
    ]


def _no_minion(minion, why):
    return {"ticket": None, "minion": minion, "package": None, "version": None, "why": why}
