"""Principals who are gone: their names make room for pseudonyms."""

from .. import db
from ..intake import fields


def pseudonymise(conn, name, reason, dry_run=False):
    """
    Replace the name, the accounts and the addresses of a disabled person by a pseudonym, for good. ``dry_run`` only
    counts.

    Gives ``replaced``, ``dropped`` and ``left``, each {table: rows}, and, if it was or had been done, ``principal``,
    the pseudonym, and ``at``, since when. Needs role approval_policy_admin. Raises Refused, and InputError for a name
    or a reason that is none.
    """
    name = fields.text("the principal", name, "its name")
    reason = fields.text("the reason", reason, "--reason TEXT")
    return db.value(conn, "pseudonymise_principal", name, reason, dry_run)
