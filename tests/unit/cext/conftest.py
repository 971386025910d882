"""The fixtures of the C core's tests: a database with a few functions that misbehave on demand."""

import pytest

from saltext.approval import _core

# The functions stand in the schema of the real ones, because the core calls no other.
FUNCTIONS = """
CREATE FUNCTION approval.test_backend() RETURNS integer LANGUAGE sql AS 'SELECT pg_backend_pid()';
CREATE FUNCTION approval.test_sleep(seconds float8) RETURNS void LANGUAGE sql AS 'SELECT pg_sleep(seconds)';
CREATE FUNCTION approval.test_prepared() RETURNS bigint LANGUAGE sql
    AS 'SELECT count(*) FROM pg_catalog.pg_prepared_statements';
CREATE FUNCTION approval.test_raise(sqlstate text, message text) RETURNS void LANGUAGE plpgsql
    AS 'BEGIN RAISE EXCEPTION USING ERRCODE = sqlstate, MESSAGE = message; END';
CREATE SEQUENCE approval.test_give_ways;
CREATE FUNCTION approval.test_give_way(times bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('approval.test_give_ways') <= times THEN  -- which no rollback takes back
        RAISE EXCEPTION USING ERRCODE = 'deadlock_detected';
    END IF;
    RETURN setval('approval.test_give_ways', 1, false);
END
$$;
CREATE FUNCTION approval.test_echo(
    INOUT a boolean, INOUT b integer, INOUT c bigint, INOUT d float8, INOUT e text, INOUT f bytea,
    INOUT g text[], INOUT h bytea[], INOUT i timestamptz, INOUT j jsonb, OUT k json, OUT l bigint[])
    LANGUAGE sql AS 'SELECT a, b, c, d, e, f, g, h, i, j, ''{"x": 1}''::json, ''{1,NULL}''::bigint[]';
CREATE FUNCTION approval.test_numeric() RETURNS numeric LANGUAGE sql AS 'SELECT 1.5';
CREATE FUNCTION approval.test_matrix() RETURNS text[] LANGUAGE sql AS $$SELECT '{{a,b},{c,d}}'::text[]$$;
"""

INSERT_MINION = "INSERT INTO approval.minion (minion_id, registered_at) VALUES (%s, now())"
INSERT_DOCUMENT = """
INSERT INTO approval.document
    (minion_id, revision, digest, evidence_key, kinds, names, types, contents, item_ids, valid_from)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, '-infinity')
"""
INSERT_HISTORY = """
INSERT INTO approval.document_history
    (minion_id, revision, digest, evidence_key, kinds, names, types, contents, item_ids,
     valid_from, written_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, now(), now())
"""


@pytest.fixture(scope="module")
def core_database(new_database):
    """A Database for the tests of one file, with FUNCTIONS."""
    with new_database("core") as database:
        database.execute(FUNCTIONS)
        yield database


@pytest.fixture
def conninfo(core_database):
    """The superuser's connection string."""
    return core_database.dsn()


@pytest.fixture
def insert_document(core_database):
    """A function that writes a document, with an evidence key of 32 zero bytes, past all rules."""

    def insert(minion, items, revision=17, digest=None):
        digest = digest or _core.digest(minion, revision, items)
        columns = [list(column) for column in zip(*items, strict=True)]
        values = [minion, revision, digest, bytes(32), *columns, [0] * len(items)]
        core_database.execute(INSERT_MINION, [minion])
        core_database.execute(INSERT_DOCUMENT, values)
        core_database.execute(INSERT_HISTORY, values)

    return insert
