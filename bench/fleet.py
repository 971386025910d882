"""Minions with approved packages, and the same packages as Salt's own pillar module reads them."""

import psycopg

PACKAGES = 20

# As a superuser who gets past the triggers that keep history as it was written.
APPROVED = """
SET session_replication_role = replica;
INSERT INTO approval.minion
SELECT 'minion-' || n, 1, now() FROM generate_series(%(first)s::integer, %(last)s::integer) AS n;
WITH document AS (
    SELECT 'minion-' || n AS minion_id, n,
        array_agg('package'::text ORDER BY p) AS kinds,
        array_agg('package-' || to_char(p, 'FM00') ORDER BY p) AS names,
        array_agg('version'::text ORDER BY p) AS types,
        array_agg('1:2.' || (n + p) %% 40 || '.' || p || '-1+deb12u1' ORDER BY p) AS contents,
        array_agg(n::bigint * %(packages)s::integer + p ORDER BY p) AS item_ids,
        string_agg(approval.item_fields('package', 'package-' || to_char(p, 'FM00'), 'version',
            '1:2.' || (n + p) %% 40 || '.' || p || '-1+deb12u1'), ''::bytea ORDER BY p) AS fields
    FROM generate_series(%(first)s::integer, %(last)s::integer) AS n,
        generate_series(0, %(packages)s::integer - 1) AS p
    GROUP BY n
), written AS (
    INSERT INTO approval.document
        (minion_id, valid_from, revision, digest, evidence_key, kinds, names, types, contents, item_ids)
    SELECT minion_id, '-infinity', 1, approval.document_digest(minion_id, 1, fields),
        sha256(minion_id::bytea), kinds, names, types, contents, item_ids
    FROM document
    RETURNING *
)
INSERT INTO approval.document_history
SELECT minion_id, revision, now(), now(), digest, evidence_key, kinds, names, types, contents, item_ids
FROM written WHERE %(with_history)s::boolean;
SET session_replication_role = origin;
"""

# The items behind the documents, applied long ago: what a return of a minion that has converged finds.
ITEMS = """
SET session_replication_role = replica;
INSERT INTO approval.item
    (minion_id, item_id, request_id, item_set_version, state, kind, name, type, content, digest, effective_at,
     approval_seq, outcome, applied_at, before_known)
OVERRIDING SYSTEM VALUE
SELECT d.minion_id, e.item_id, 1, 1, 'approved', e.kind, e.name, e.type, e.content, sha256(e.name::bytea),
    now(), e.item_id, 'converged', now(), true
FROM approval.document AS d, unnest(d.item_ids, d.kinds, d.names, d.types, d.contents)
    AS e (item_id, kind, name, type, content);
SET session_replication_role = origin;
"""

# What people keep who give Salt's own pillar module a table: a line per request, of which the newest counts.
CLASSIC = """
DROP TABLE IF EXISTS classic_request;
CREATE TABLE classic_request (
    minion_id text NOT NULL, package text NOT NULL, version text NOT NULL, requested_at timestamptz NOT NULL);
INSERT INTO classic_request
SELECT d.minion_id, e.name, e.content, now()
FROM approval.document AS d, unnest(d.names, d.contents) AS e (name, content);
CREATE INDEX ON classic_request (minion_id, package, requested_at);
"""
CLASSIC_QUERY = (
    "SELECT DISTINCT ON (package) package, version FROM classic_request "
    "WHERE minion_id LIKE %s ORDER BY package, requested_at DESC"
)


def _run(connection, script, **values):
    for statement in script.strip().split(";\n"):
        connection.execute(statement, values if "%(" in statement else None)


class Fleet:
    """
    The minions minion-0, minion-1, ... of a database, of which there can only become more.

    dsn
        The superuser's connection string.
    """

    BATCH = 50_000

    def __init__(self, dsn):
        self._dsn = dsn
        self.size = 0

    def grow(self, size, for_returns=False):
        """Have ``size`` minions; ``for_returns`` with what a return is held against: history and items."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            while self.size < size:
                end = min(size, self.size + self.BATCH)
                values = {
                    "first": self.size,
                    "last": end - 1,
                    "packages": PACKAGES,
                    "with_history": for_returns,
                }
                _run(connection, APPROVED, **values)
                self.size = end
            if for_returns:
                _run(connection, ITEMS)
            connection.execute("VACUUM ANALYZE")

    def write_classic(self):
        """Write the same approved packages for Salt's own pillar module."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            _run(connection, CLASSIC)
            connection.execute("VACUUM ANALYZE classic_request")

    def minion(self, number):
        """The id of one of them; any number will do, and numbers in a row are spread over the whole."""
        return f"minion-{number * 7_368_787 % self.size}"
