"""Are there alarms that nobody has acknowledged? A part of the check."""

from ... import db

MOST = 1000
NAMED = 5


def run(conn, findings):
    """Add to ``findings`` the kinds of open alarms, with their numbers. Muted ones are known to somebody."""
    findings.look("alarms")
    kinds = {}
    for row in db.call(conn, "list_alarms", "open", None, None, None, None, MOST):
        kinds.setdefault(row["kind"], []).append(row)
    for kind, rows in sorted(kinds.items()):
        numbers = ", ".join(str(row["alarm"]) for row in rows[:NAMED]) + (", ..." if len(rows) > NAMED else "")
        findings.warning(
            "alarms",
            f"{kind}: {len(rows)} not acknowledged ({numbers}); the last: {rows[0]['what']}",
            "Look at them, and acknowledge or mute each: salt-approval alarms",
        )
