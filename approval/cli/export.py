"""The command that writes what minions get as pillar, for auditors and for comparing."""

import itertools
import json
import sys

from ..errors import InputError, Refused, Unavailable
from .command import DONE, REFUSED, connection, counted, leaf, settings

BATCH = 1000
TIMEOUT_MS = 30_000  # for a batch
SHOWN = ("minion", "revision", "digest", "packages", "services", "values")
FORBIDDEN = "42501"
NEEDED = "this login has not the role that it needs (approval_exporter): it cannot read what minions get"
KNOWN = "SELECT DISTINCT minion_id FROM approval.exported_document"


def add(commands):
    """Declare the command."""
    command = leaf(commands, "export", _export, "what minions get as pillar now, as JSON lines, without evidence keys")
    command.add_argument("minion", metavar="MINION", nargs="*", help="its id; nothing else matches")
    command.add_argument("--all", action="store_true", help="each for which anything was ever approved")


def _export(arguments):
    if bool(arguments.minion) == arguments.all:
        raise InputError("name the minions, or say --all")
    minions = counted(_known(arguments), "minions") if arguments.all else dict.fromkeys(arguments.minion)
    conninfo = settings(arguments).conninfo
    code, left = DONE, iter(minions)
    while batch := list(itertools.islice(left, BATCH)):
        for minion, found in _read(conninfo, batch).items():
            if isinstance(found, Exception):
                print(f"salt-approval: {minion}: {found}", file=sys.stderr)
                code = REFUSED
            else:
                shown = {name: found[name] for name in SHOWN}
                print(json.dumps(shown, sort_keys=True, ensure_ascii=False))
    return code


def _known(arguments):
    """Their ids, in an order that no database's collation changes."""
    from .. import db

    with connection(arguments) as conn, db.translated(lambda: ["approval_exporter"]):
        return sorted(row["minion_id"] for row in conn.execute(KNOWN))


def _read(conninfo, minions):
    """The documents by minion; an exception in place of one that is damaged. Raises what concerns all of them."""
    from .. import _core, db

    try:
        found = _core.documents(
            conninfo, minions, connect_timeout_ms=db.CONNECT_TIMEOUT_MS, timeout_ms=TIMEOUT_MS, prepare=False
        )
    except _core.DataError as exc:
        raise InputError(str(exc)) from None
    except _core.DatabaseError as exc:
        raise _refused(exc) from None
    except _core.Error as exc:
        raise Unavailable(str(exc)) from None
    for document in found.values():
        if isinstance(document, _core.DatabaseError):
            raise _refused(document)
    return found


def _refused(exc):
    return Refused(NEEDED if exc.sqlstate == FORBIDDEN else str(exc), exc.sqlstate)
