"""The code in the database that an upgrade takes away: the version before had it, and this one has not.

Functions, views and triggers count that belong to the schema's owner and that no migration made. A function that
this version has is replaced in place, as constraints, indexes and views may depend on it.
"""

import re
from dataclasses import dataclass

import psycopg

from ..errors import MigrationError

CREATES = re.compile(
    r"^\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?(FUNCTION|PROCEDURE|AGGREGATE|VIEW|MATERIALIZED\s+VIEW|TRIGGER)"
    r"\s+(?:approval\.)?(\w+)",
    re.IGNORECASE | re.MULTILINE,
)
DYNAMIC_TRIGGER = re.compile(r"'\s*CREATE\s+TRIGGER\s+(\w+)", re.IGNORECASE)
# In the order in which they can be dropped. A row of the catalog that was written since is another one (ctid), also
# if a migration of the same transaction wrote it first (xmin).
CODE = """
SELECT 'trigger' AS kind, t.oid::text AS id, t.ctid::text || t.xmin AS written, t.tgname::text AS name,
    format('trigger %I on %s', t.tgname, t.tgrelid::regclass) AS what
FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
WHERE n.nspname = 'approval' AND NOT t.tgisinternal AND t.tgparentid = 0 AND p.pronamespace = n.oid
    AND p.proowner = 'approval_owner'::regrole
UNION ALL
SELECT 'view', c.oid::text, r.ctid::text || r.xmin, c.relname::text,
    format('%s %s', CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END, c.oid::regclass)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
WHERE n.nspname = 'approval' AND c.relkind IN ('v', 'm') AND c.relowner = 'approval_owner'::regrole
UNION ALL
SELECT 'routine', p.oid::text, p.ctid::text || p.xmin, p.proname::text,
    format('%s %s', CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
        p.oid::regprocedure)
FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname = 'approval' AND p.proowner = 'approval_owner'::regrole
ORDER BY 1 DESC, 5
"""
# Privileges of our group roles, and of PUBLIC. Partitions have what their parents have, and are many.
GRANTS = """
SELECT format('%s on %s to %s', a.privilege_type, o.what, coalesce(r.rolname, 'PUBLIC')) AS privilege
FROM (
    SELECT format('%s %s', CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
            p.oid::regprocedure) AS what, p.pronamespace AS namespace, p.proacl AS acl
        FROM pg_catalog.pg_proc AS p
    UNION ALL SELECT format('%s %s', CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view'
            WHEN 'm' THEN 'materialized view' ELSE 'table' END, c.oid::regclass), c.relnamespace, c.relacl
        FROM pg_catalog.pg_class AS c WHERE NOT c.relispartition
    UNION ALL SELECT format('schema %s', n.nspname), n.oid, n.nspacl FROM pg_catalog.pg_namespace AS n
    UNION ALL SELECT format('column %s.%I', c.oid::regclass, t.attname), c.relnamespace, t.attacl
        FROM pg_catalog.pg_attribute AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.attrelid WHERE t.attacl IS NOT NULL
) AS o
JOIN pg_catalog.pg_namespace AS n ON n.oid = o.namespace AND n.nspname = 'approval'
CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) AS a
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
WHERE a.grantee = 0 OR (starts_with(r.rolname, 'approval_') AND NOT r.rolcanlogin AND r.rolname <> 'approval_owner')
"""


@dataclass(frozen=True)
class Made:
    """Names of functions, views and triggers: those that migrations make, and those that the files of code make."""

    migrations: frozenset
    code: frozenset

    @classmethod
    def by(cls, migrations, code):
        """The objects that these files of SQL make."""
        return cls(*(frozenset(name for file in files for name in _made(file.text)) for files in (migrations, code)))


def _made(text):
    yield from (name for _, name in CREATES.findall(text))
    yield from DYNAMIC_TRIGGER.findall(text)


def code(conn):
    """The functions, views and triggers there are: {(kind, id): row}, in the order in which they can be dropped."""
    # Fixed, so that every name is written with its schema.
    conn.execute("SET LOCAL search_path = pg_catalog")
    return {(row["kind"], row["id"]): row for row in conn.execute(CODE).fetchall()}


def unknown(conn, made):
    """Objects that an upgrade drops for their names; old overloads of others are found only by making those again."""
    with conn.transaction():
        rows = code(conn).values()
        return [row["what"] for row in rows if row["name"] not in made.migrations | made.code]


def drop(conn, before, made, same):
    """
    Drop what is as it was ``before`` (an answer of code()) although the files were run; lines that say what.

    The views that are the ``same`` in both versions were not run. An object that a migration made stays, unless a
    file of code took its name over. Raises MigrationError if anything depends on it.
    """
    left = [
        row["what"]
        for key, row in code(conn).items()
        if before.get(key) == row
        and (row["name"] not in made.migrations or row["name"] in made.code)
        and not (row["kind"] == "view" and row["name"] in same)
    ]
    kept = drop_in_turn(conn, left)
    if kept:
        what, users = next(iter(kept.items()))
        raise MigrationError(
            f"{what} is not of this version and cannot be dropped: {users}. Drop that first. Nothing was changed"
        )
    return [f"dropped {what}" for what in left]


def drop_in_turn(conn, names):
    """Drop what can be dropped of these; gives the others, each with a sentence that says what depends on it."""
    # One may depend on another: what cannot go yet is tried again once something else went.
    while names:
        kept = {name: users for name in names if (users := _drop(conn, name))}
        if len(kept) == len(names):
            return kept
        names = list(kept)
    return {}


def _drop(conn, what):
    """Drop it; or give a sentence that says what depends on it."""
    try:
        with conn.transaction():
            conn.execute(f"DROP {what}")
    except psycopg.errors.DependentObjectsStillExist as exc:
        return ", ".join((exc.diag.message_detail or "something depends on it").splitlines())
    return None


def grants(conn):
    """The privileges of our group roles, as a set of texts: each names the privilege, the object and the role."""
    conn.execute("SET LOCAL search_path = pg_catalog")
    return {row["privilege"] for row in conn.execute(GRANTS).fetchall()}
