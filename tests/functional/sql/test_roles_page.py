"""The table of docs/roles.md says of every function who may call it, just as the grants do."""

import pathlib
import re

PAGE = pathlib.Path(__file__).parents[3] / "docs/roles.md"
ROLES = """
SELECT rolname FROM pg_roles
WHERE rolname LIKE 'approval\\_%' AND rolname <> 'approval_owner' AND NOT rolcanlogin
"""
GRANTS = """
SELECT DISTINCT p.proname, r.rolname
FROM pg_proc AS p, pg_roles AS r
WHERE p.pronamespace = 'approval'::regnamespace AND r.rolname = ANY (%s)
    AND has_function_privilege(r.rolname, p.oid, 'EXECUTE')
"""


def table():
    """The pairs (function, role) of the page, and the roles of its columns."""
    section = PAGE.read_text(encoding="utf-8").split("## Who may call what", 1)[1]
    header, _, *rows = re.findall(r"^\|(.*)\|$", section.split("\n\nWhat no cell has", 1)[0], re.MULTILINE)
    roles = [f"approval_{cell.strip()}" for cell in header.split("|")[1:]]
    pairs = set()
    for row in rows:
        functions, *cells = row.split("|")
        for role, cell in zip(roles, cells, strict=True):
            if cell.strip():
                pairs |= {(function, role) for function in re.findall("`(.*?)`", functions)}
    return pairs, roles


def test_the_table_is_what_the_grants_are(database):
    documented, columns = table()
    roles = [role for (role,) in database.execute(ROLES)]
    assert sorted(columns) == sorted(roles)
    granted = set(database.execute(GRANTS, (roles,)))
    assert sorted(documented - granted) == []
    assert sorted(granted - documented) == []
