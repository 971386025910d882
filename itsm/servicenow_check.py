"""What an instance of ServiceNow has to have for a site's settings to work."""

import datetime

from . import checking
from .ticket import Denied

# The tables that are read beside the tickets, and what for.
TABLES = {
    "sysapproval_approver": ("error", "no approval there is a decision here", "Give our account read access."),
    "sys_audit": (
        "warning",
        "decisions there are asserted here at most, as nobody can tell who changed what before them",
        "Give our account read access to it.",
    ),
    "sys_user": ("warning", "who changed a ticket is not known", "Give our account read access."),
    "sys_attachment": ("warning", "evidence is not attached", "Give our account read access."),
}
ROLE = "a role for these tables"


def findings(system, client):
    """See ticket.System.check()."""
    name, http = system.site.provider, client.http
    about = http.get("/api/now/table/sys_user", sysparm_query="user_name=javascript:gs.getUserName()",
                     sysparm_fields="sys_id,user_name", sysparm_limit="2")  # fmt: skip
    yield checking.clock(name, about, datetime.datetime.now(datetime.timezone.utc))
    rows = about.content.get("result") if isinstance(about.content, dict) else None
    if isinstance(rows, list) and len(rows) == 1:
        us = rows[0]["sys_id"]
        yield "ok", f"we are {rows[0].get('user_name')} there ({us})", None
        if us not in system.site.ignore_actors:
            yield "warning", f"our own account {us} is not among ignore_actors", "Add it there: we decide nothing."
    else:
        yield "warning", "the instance does not tell who we are", "Give our account read access to sys_user."
    for table in system.own.types:
        yield from _tickets(system, client, table)
    for table, (level, harm, remedy) in TABLES.items():
        try:
            http.get(f"/api/now/table/{table}", sysparm_limit="1", sysparm_fields="sys_id")
        except Denied as exc:
            if exc.status == 401:
                raise
            yield level, f"we may not read {table}: {harm}", remedy
        else:
            yield "ok", f"we may read {table}", None


def _tickets(system, client, table):
    """Whether a table has the fields that are named, as its newest record shows."""
    stages = {name for ways in system.own.stages.values() for way in ways for name in way}
    moves = {name for steps in system.own.moves.values() for fields in steps for name in fields}
    wanted = sorted({*system.own.types[table].fields, *stages, *moves, "work_notes"})
    try:
        rows = client.http.get(
            f"/api/now/table/{table}", sysparm_query="ORDERBYDESCsys_created_on", sysparm_limit="1",
            sysparm_fields=",".join(["sys_id", *wanted]),
        ).content["result"]  # fmt: skip
    except Denied as exc:
        if exc.status == 401:
            raise
        yield "error", f"we may not read {table}, or there is none: {exc}", f"Correct its name, or give us {ROLE}."
        return
    if not rows:
        yield (
            "warning",
            f"whether {table} has the fields that are named could not be tried: there is no record that we may read",
            f"Try again when there is one, or give us {ROLE}.",
        )
        return
    missing = [name for name in wanted if name not in rows[0]]
    if missing:
        yield (
            "error",
            f"{table} has no field {', '.join(missing)}, or we may not read it",
            f"Correct the names in the settings, or give us {ROLE}.",
        )
    else:
        yield "ok", f"{table} has the fields that are named", None
