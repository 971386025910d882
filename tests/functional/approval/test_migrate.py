"""Upgrades against a real server, each in an empty database; what cannot be upgraded is refused by name."""

import shutil
import threading

import pytest

import saltext.approval.sql
from saltext.approval import config, db, migrate
from saltext.approval.errors import MigrationError


@pytest.fixture
def empty(database_server):
    """A function that opens a connection to a database with nothing in it."""
    database_server.server.execute("CREATE DATABASE empty")
    connections = []

    def connect():
        connections.append(db.connect(config.Connection(database_server.dsn_of(database="empty"))))
        return connections[-1]

    yield connect
    for connection in connections:
        connection.close()
    database_server.server.execute("DROP DATABASE empty WITH (FORCE)")


@pytest.fixture
def folder(tmp_path):
    """A copy of the SQL that may be changed."""
    target = tmp_path / "sql"
    shutil.copytree(next(iter(saltext.approval.sql.__path__)), target)
    return target


def applied(conn):
    return [row["migration_id"] for row in conn.execute("SELECT migration_id FROM approval.migration ORDER BY 1")]


def test_an_empty_database_gets_everything_once(empty):
    conn, schema, steps = empty(), migrate.Schema(), []
    before = schema.status(conn)
    assert (before.applied, before.is_current) == ([], False)
    assert before.pending == [file.name for file in schema.migrations]
    assert schema.upgrade(conn, steps.append) is True
    assert steps[:-1] == [f"migration {file.name}" for file in schema.migrations]
    after = schema.status(conn)
    assert after.is_current
    assert after.applied == before.pending
    assert schema.upgrade(conn, steps.append) is False


def test_everything_belongs_to_the_owner_role(empty):
    conn = empty()
    migrate.Schema().upgrade(conn)
    owners = conn.execute(
        "SELECT relowner::regrole::text AS owner FROM pg_class WHERE relnamespace = 'approval'::regnamespace "
        "UNION SELECT proowner::regrole::text FROM pg_proc WHERE pronamespace = 'approval'::regnamespace"
    ).fetchall()
    assert owners == [{"owner": "approval_owner"}]


def test_a_new_migration_and_a_changed_function_are_applied(empty, folder):
    conn = empty()
    migrate.Schema(folder).upgrade(conn)
    (folder / "migrations" / "9000_add_thing.sql").write_text("CREATE TABLE approval.thing (id int);")
    (folder / "functions" / "thing.sql").write_text(
        "CREATE FUNCTION approval.thing() RETURNS int LANGUAGE sql AS 'SELECT 1';"
    )
    schema = migrate.Schema(folder)
    status = schema.status(conn)
    assert (status.pending, status.code_is_current, status.is_current) == (
        ["9000_add_thing.sql"],
        False,
        False,
    )
    schema.upgrade(conn)
    assert conn.execute("SELECT approval.thing() AS one").fetchone() == {"one": 1}
    assert applied(conn)[-1] == "9000_add_thing.sql"
    assert schema.status(conn).is_current


def test_an_edited_migration_is_refused_by_name(empty, folder):
    conn = empty()
    migrate.Schema(folder).upgrade(conn)
    edited = sorted((folder / "migrations").iterdir())[0]
    edited.write_text(edited.read_text() + "\n-- a remark\n")
    schema = migrate.Schema(folder)
    assert not schema.status(conn).is_current
    with pytest.raises(MigrationError, match=f"{edited.name} was changed after it was applied"):
        schema.upgrade(conn)


def test_a_database_of_a_newer_version_is_refused(empty, folder):
    conn = empty()
    migrate.Schema(folder).upgrade(conn)
    newest = sorted((folder / "migrations").iterdir())[-1]
    newest.unlink()
    with pytest.raises(MigrationError, match=f"{newest.name}, which this version does not know"):
        migrate.Schema(folder).upgrade(conn)


def test_a_migration_before_applied_ones_is_refused(empty, folder):
    conn = empty()
    migrate.Schema(folder).upgrade(conn)
    (folder / "migrations" / "0000_come_late.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=r"0000_come_late.sql comes before"):
        migrate.Schema(folder).upgrade(conn)


def test_a_failed_migration_leaves_nothing_and_can_be_mended(empty, folder):
    conn = empty()
    broken = folder / "migrations" / "9000_add_thing.sql"
    broken.write_text("CREATE TABLE approval.thing (id int);\n\nSELECT nonsense;\n")
    with pytest.raises(MigrationError, match=r"9000_add_thing.sql, line 3: column .nonsense. does not exist"):
        migrate.Schema(folder).upgrade(conn)
    assert conn.execute("SELECT to_regclass('approval.thing') AS thing").fetchone() == {"thing": None}
    assert "9000_add_thing.sql" not in applied(conn)
    broken.write_text("CREATE TABLE approval.thing (id int);")
    assert migrate.Schema(folder).upgrade(conn) is True


@pytest.mark.parametrize("name", ["first.sql", "001_x.sql", "0001_Upper.sql", "0002_create_again.sql"])
def test_a_misnamed_migration_is_refused(folder, name):
    (folder / "migrations" / name).write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=r"is not named NNNN_verb_noun\.sql with a number of its own"):
        migrate.Schema(folder)


def test_two_upgrades_at_once_do_it_once(empty):
    done = []
    threads = [
        threading.Thread(target=lambda conn: done.append(migrate.Schema().upgrade(conn)), args=(empty(),))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [False, True]


def test_the_lock_of_a_killed_upgrade_goes_with_its_session(empty):
    killed, conn = empty(), empty()
    killed.execute("SELECT pg_advisory_lock(%s)", (migrate.LOCK_KEY,))
    conn.execute("SELECT pg_terminate_backend(%s)", (killed.info.backend_pid,))
    assert migrate.Schema().upgrade(conn) is True


def test_an_upgrade_that_never_ends_is_said_so(empty, monkeypatch):
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "50ms")
    empty().execute("SELECT pg_advisory_lock(%s)", (migrate.LOCK_KEY,))
    with pytest.raises(MigrationError, match=r"another upgrade of this database"):
        migrate.Schema().upgrade(empty())
