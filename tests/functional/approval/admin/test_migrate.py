"""Upgrades against a real server, each in an empty database; what cannot be upgraded is refused by name."""

import shutil
import threading

import pytest

import saltext.approval.sql
from saltext.approval import config, db
from saltext.approval.admin import migrate
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


@pytest.fixture
def older(folder, tmp_path):
    """The SQL of a version before the one in `folder`, to be changed as well."""
    target = tmp_path / "older"
    shutil.copytree(folder, target)
    return target


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Nobody waits for long."""
    monkeypatch.setattr(migrate, "TABLE_TIMEOUT", "50ms")
    monkeypatch.setattr(migrate, "PAUSE_S", 0.05)


def applied(conn):
    return [row["migration_id"] for row in conn.execute("SELECT migration_id FROM approval.migration ORDER BY 1")]


def function(folder, name, signature="", grantee=None):
    """A function of that version, with a grant of its own if wanted."""
    (folder / "functions" / f"{name}.sql").write_text(
        f"CREATE OR REPLACE FUNCTION approval.{name}({signature}) RETURNS int LANGUAGE sql AS 'SELECT 1';"
    )
    if grantee:
        with open(folder / "grants.sql", "a", encoding="utf-8") as file:
            file.write(f"GRANT EXECUTE ON FUNCTION approval.{name}({signature}) TO {grantee};\n")


def exists(conn, what):
    return conn.execute("SELECT to_regprocedure(%s) IS NOT NULL AS found", (what,)).fetchone()["found"]


def may(conn, role, what):
    query = "SELECT has_function_privilege(%s, %s, 'EXECUTE') AS may"
    return conn.execute(query, (role, what)).fetchone()["may"]


def test_an_empty_database_gets_everything_once(empty):
    conn, schema, steps = empty(), migrate.Schema(), []
    before = schema.status(conn)
    assert (before.applied, before.is_current) == ([], False)
    assert before.pending == [file.name for file in schema.migrations]
    assert schema.upgrade(conn, steps.append) is True
    assert steps == before.steps
    after = schema.status(conn)
    assert after.is_current
    assert after.applied == before.pending
    assert (after.version, after.package_version) == (schema.version, schema.version)
    assert after.steps == []
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
    conn, steps = empty(), []
    migrate.Schema(folder, "0.0.9").upgrade(conn)
    (folder / "migrations" / "9000_add_thing.sql").write_text("-- Things.\nCREATE TABLE approval.thing (id int);")
    function(folder, "thing")
    schema = migrate.Schema(folder, "1.1.0")
    status = schema.status(conn)
    assert (status.pending, status.code_is_current, status.is_current) == (["9000_add_thing.sql"], False, False)
    schema.upgrade(conn, steps.append)
    assert steps[0] == "from version 0.0.9 to 1.1.0, in one transaction"
    assert steps[1] == "migration 9000_add_thing.sql: Things."
    assert steps[1:] == status.steps
    assert exists(conn, "approval.thing()")
    assert applied(conn)[-1] == "9000_add_thing.sql"
    assert schema.status(conn).is_current


def test_a_dry_run_says_the_same_and_changes_nothing(empty, older, folder):
    conn, tried, done = empty(), [], []
    function(older, "gone")
    migrate.Schema(older, "0.0.9").upgrade(conn)
    (folder / "migrations" / "9000_add_thing.sql").write_text("CREATE TABLE approval.thing (id int);")
    newer = migrate.Schema(folder, "1.1.0")
    before = newer.status(conn)
    newer.upgrade(conn, tried.append, dry_run=True)
    assert newer.status(conn) == before
    assert exists(conn, "approval.gone()")
    newer.upgrade(conn, done.append)
    assert tried == done
    assert "dropped function approval.gone()" in done
    assert "drop function approval.gone(), which this version does not have" in before.steps


# Objects of the version before are gone


def test_a_function_that_is_no_longer_there_is_gone(empty, older, folder):
    conn = empty()
    function(older, "gone", "a text", "approval_operator")
    migrate.Schema(older).upgrade(conn)
    assert may(conn, "approval_operator", "approval.gone(text)")
    migrate.Schema(folder).upgrade(conn)
    assert not exists(conn, "approval.gone(text)")


def test_an_overload_that_was_changed_is_gone(empty, older, folder):
    conn, steps = empty(), []
    function(older, "thing", "a int, b text", "approval_operator")
    function(folder, "thing", "a int", "approval_operator")
    migrate.Schema(older).upgrade(conn)
    migrate.Schema(folder).upgrade(conn, steps.append)
    assert not exists(conn, "approval.thing(int, text)")
    assert may(conn, "approval_operator", "approval.thing(int)")
    assert steps[-1] == "dropped function approval.thing(integer,text)"


def test_aggregates_and_procedures_go_too(empty, older, folder):
    conn = empty()
    (older / "functions" / "odd.sql").write_text(
        "CREATE OR REPLACE PROCEDURE approval.odd() LANGUAGE sql AS 'SELECT 1';"
        "CREATE OR REPLACE AGGREGATE approval.total(int) (SFUNC = int4pl, STYPE = int);"
    )
    migrate.Schema(older).upgrade(conn)
    steps = []
    migrate.Schema(folder).upgrade(conn, steps.append)
    assert {"dropped procedure approval.odd()", "dropped aggregate approval.total(integer)"} <= set(steps)
    assert not conn.execute("SELECT FROM pg_proc WHERE proname IN ('odd', 'total')").fetchall()


def test_views_and_triggers_that_are_code_go_and_those_of_migrations_stay(empty, older, folder):
    conn = empty()
    (older / "functions" / "odd.sql").write_text(
        "CREATE OR REPLACE VIEW approval.odd AS SELECT 1 AS one;"
        "CREATE OR REPLACE VIEW approval.odder AS SELECT one FROM approval.odd;"
        "CREATE OR REPLACE FUNCTION approval.odd_row() RETURNS approval.odd LANGUAGE sql AS 'SELECT 1';"
        "CREATE OR REPLACE TRIGGER odd BEFORE DELETE ON approval.setting EXECUTE FUNCTION approval.refuse_change();"
    )
    before = catalog(conn, migrate.Schema(folder))
    migrate.Schema(older).upgrade(conn)
    steps = []
    migrate.Schema(folder).upgrade(conn, steps.append)
    gone = {
        "view approval.odd",
        "view approval.odder",
        "function approval.odd_row()",
        "trigger odd on approval.setting",
    }
    assert {f"dropped {what}" for what in gone} <= set(steps)
    assert catalog(conn, migrate.Schema(folder)) == before


def view(folder, name, text):
    """A view of that version."""
    (folder / "views" / f"{name}.sql").write_text(f"CREATE OR REPLACE VIEW approval.{name} AS {text};")


def test_views_read_functions_and_each_other_in_any_order(empty, older, folder):
    conn = empty()
    function(older, "one")
    view(older, "a", "SELECT approval.one() AS one, b.two FROM approval.b")
    view(older, "b", "SELECT 2 AS two, 3 AS three")
    migrate.Schema(older).upgrade(conn)
    assert conn.execute("SELECT one, two FROM approval.a").fetchone() == {"one": 1, "two": 2}
    # Of the newer version neither the function nor the view that called it is left.
    view(folder, "b", "SELECT 2 AS two, 3 AS three")
    migrate.Schema(folder).upgrade(conn)
    assert not exists(conn, "approval.one()")
    left = conn.execute("SELECT to_regclass('approval.a') IS NULL AS a, to_regclass('approval.b') IS NULL AS b")
    assert left.fetchone() == {"a": True, "b": False}


def test_a_view_that_stays_the_same_is_left_alone(empty, older, folder):
    """Replacing it would wait for all who read it, and they for the upgrade."""
    conn, reader = empty(), empty()
    migrate.Schema(older).upgrade(conn)
    function(folder, "thing")
    with reader.transaction():
        reader.execute("SELECT FROM approval.standing, approval.exported_document")
        migrate.Schema(folder).upgrade(conn)
    assert exists(conn, "approval.thing()")


def test_a_view_whose_columns_changed_is_made_anew_and_stays_granted(empty, older, folder):
    conn = empty()
    view(older, "a", "SELECT b.two FROM approval.b")
    view(older, "b", "SELECT 2 AS two, 3 AS three")
    migrate.Schema(older).upgrade(conn)
    with conn.transaction(force_rollback=True):
        conn.execute("CREATE ROLE grafana LOGIN")
        conn.execute("GRANT SELECT ON approval.a, approval.b TO grafana")
        view(folder, "a", "SELECT b.twice FROM approval.b")
        view(folder, "b", "SELECT 'four' AS twice")
        migrate.Schema(folder).upgrade(conn)
        assert conn.execute("SELECT twice FROM approval.a").fetchone() == {"twice": "four"}
        held = "SELECT has_table_privilege('grafana', %s, 'SELECT') AS reads"
        assert [conn.execute(held, (name,)).fetchone()["reads"] for name in ("approval.a", "approval.b")] == [
            True,
            True,
        ]
        assert migrate.Schema(folder).status(conn).is_current


def test_what_reads_a_view_whose_columns_changed_is_named(empty, older, folder):
    conn = empty()
    view(older, "a", "SELECT 1 AS one")
    view(older, "b", "SELECT 2 AS two")
    migrate.Schema(older).upgrade(conn)
    conn.execute("CREATE VIEW public.report AS SELECT * FROM approval.b")
    view(folder, "a", "SELECT 'one' AS one")
    view(folder, "b", "SELECT 2 AS two")
    migrate.Schema(folder).upgrade(conn)
    view(folder, "b", "SELECT 'two' AS two")
    with pytest.raises(
        MigrationError, match=r"approval.b cannot be made anew: view public.report depends on .* Drop that"
    ):
        migrate.Schema(folder).upgrade(conn)


def test_a_view_that_is_wrong_leaves_everything_as_it_was(empty, older, folder):
    conn = empty()
    migrate.Schema(older).upgrade(conn)
    view(folder, "odd", "SELECT nonsense")
    with pytest.raises(MigrationError, match=r"^odd\.sql, line 1: column .nonsense. does not exist"):
        migrate.Schema(folder).upgrade(conn)
    assert migrate.Schema(older).status(conn).is_current


def catalog(conn, schema):
    """The views and triggers of an upgraded database."""
    schema.upgrade(conn)
    return conn.execute(
        "SELECT relname AS name FROM pg_class WHERE relnamespace = 'approval'::regnamespace AND relkind IN ('v', 'm') "
        "UNION ALL SELECT tgrelid::regclass || '.' || tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
    ).fetchall()


# Of each kind, what is granted, and the question whether it is held.
GRANTS = [
    ("EXECUTE ON FUNCTION approval.seal_audit() TO approval_auditor", "function", "'approval.seal_audit()', 'EXECUTE'"),
    ("EXECUTE ON FUNCTION approval.field(text) TO PUBLIC", "function", "'approval.field(text)', 'EXECUTE'"),
    ("SELECT ON approval.setting TO approval_operator WITH GRANT OPTION", "table", "'approval.setting', 'SELECT'"),
    ("SELECT (at) ON approval.audit_entry TO approval_person", "column", "'approval.audit_entry', 'at', 'SELECT'"),
    ("ALL ON approval.exported_document TO approval_person", "table", "'approval.exported_document', 'UPDATE'"),
    ("USAGE ON SEQUENCE approval.approval_seq TO approval_engine", "sequence", "'approval.approval_seq', 'USAGE'"),
    ("CREATE ON SCHEMA approval TO approval_returner", "schema", "'approval', 'CREATE'"),
    ("SELECT ON approval.event_default TO approval_person", "table", "'approval.event_default', 'SELECT'"),
    ("EXECUTE ON FUNCTION approval.seal_audit() TO approval_of_old", "function", "'approval.seal_audit()', 'EXECUTE'"),
]  # fmt: skip


def test_a_grant_that_is_no_longer_there_is_withdrawn(empty, older, folder):
    conn, steps = empty(), []

    def held():
        grantees = [grant.split(" TO ")[1].split()[0].replace("PUBLIC", "somebody") for grant, _, _ in GRANTS]
        return [
            conn.execute(f"SELECT has_{kind}_privilege(%s, {what}) AS held", (grantee,)).fetchone()["held"]
            for grantee, (_, kind, what) in zip(grantees, GRANTS, strict=True)
        ]

    with open(older / "grants.sql", "a", encoding="utf-8") as file:
        file.writelines(f"GRANT {grant};\n" for grant, _, _ in GRANTS)
    # Roles are the server's, which other tests use.
    with conn.transaction(force_rollback=True):
        conn.execute("CREATE ROLE approval_of_old; CREATE ROLE somebody")
        migrate.Schema(older).upgrade(conn)
        assert all(held())
        conn.execute("RESET ROLE")
        migrate.Schema(folder).upgrade(conn, steps.append)
        assert not any(held())
    assert "withdrew the grant of EXECUTE on function approval.seal_audit() to approval_of_old" in steps
    assert "withdrew the grant of SELECT on column approval.audit_entry.at to approval_person" in steps
    assert "withdrew the grant of USAGE on sequence approval.approval_seq to approval_engine" in steps
    assert sum(step.startswith("withdrew") for step in steps) >= len(GRANTS) - 1


def test_privileges_set_for_what_is_to_come_go_too(empty, older, folder):
    conn = empty()
    for place in ("", " IN SCHEMA approval"):
        with open(older / "grants.sql", "a", encoding="utf-8") as file:
            file.write(f"ALTER DEFAULT PRIVILEGES{place} GRANT SELECT ON TABLES TO approval_person;\n")
    migrate.Schema(older).upgrade(conn)
    migrate.Schema(folder).upgrade(conn)
    conn.execute("SELECT approval.maintain_jobs(24)")
    partitions = conn.execute(
        "SELECT relname, has_table_privilege('approval_person', oid, 'SELECT') AS readable FROM pg_class "
        "WHERE relnamespace = 'approval'::regnamespace AND relname ~ '^job_[0-9]{8}$'"
    ).fetchall()
    assert partitions
    assert not any(partition["readable"] for partition in partitions)


def test_what_is_not_ours_stays(empty, older, folder):
    """Other schemas, functions of another owner, rights of other roles, and who is a member of what."""
    conn = empty()
    function(older, "changed")
    migrate.Schema(older).upgrade(conn)
    with conn.transaction(force_rollback=True):
        conn.execute("CREATE ROLE grafana LOGIN; CREATE ROLE carl LOGIN; GRANT approval_person TO carl")
        conn.execute("GRANT USAGE ON SCHEMA approval TO grafana; GRANT SELECT ON approval.standing TO grafana")
        conn.execute("CREATE FUNCTION approval.of_the_administrator() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        conn.execute("CREATE FUNCTION public.seal_audit() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        conn.execute("GRANT EXECUTE ON FUNCTION public.seal_audit() TO approval_person")
        migrate.Schema(folder).upgrade(conn)
        assert exists(conn, "approval.of_the_administrator()")
        assert may(conn, "approval_person", "public.seal_audit()")
        held = conn.execute(
            "SELECT has_table_privilege('grafana', 'approval.standing', 'SELECT') AS reads, "
            "pg_has_role('carl', 'approval_person', 'MEMBER') AS is_member"
        ).fetchone()
        assert held == {"reads": True, "is_member": True}


def test_a_function_that_others_depend_on_is_replaced_in_place(empty, older, folder):
    conn = empty()
    migrate.Schema(older).upgrade(conn)
    conn.execute("CREATE VIEW public.report AS SELECT * FROM approval.compliance()")
    (compliance,) = (folder / "functions").rglob("compliance.sql")
    compliance.write_text(compliance.read_text() + "\n-- Another one.\n")
    migrate.Schema(folder).upgrade(conn)
    assert conn.execute("SELECT * FROM public.report").fetchall()


def test_something_of_the_administrator_s_that_needs_what_goes_is_named(empty, older, folder):
    conn = empty()
    function(older, "gone")
    migrate.Schema(older).upgrade(conn)
    conn.execute("CREATE VIEW public.report AS SELECT approval.gone()")
    with pytest.raises(
        MigrationError, match=r"function approval.gone\(\) .* view public.report depends on .* Drop that"
    ):
        migrate.Schema(folder).upgrade(conn)
    assert exists(conn, "approval.gone()")
    assert not migrate.Schema(folder).status(conn).is_current


# Databases that cannot be upgraded


def test_an_edited_migration_is_of_a_development_version(empty, folder):
    conn = empty()
    migrate.Schema(folder).upgrade(conn)
    names = [file.name for file in sorted((folder / "migrations").iterdir())[:2]]
    for name in names:
        file = folder / "migrations" / name
        file.write_text(file.read_text() + "\n-- a remark\n")
    schema = migrate.Schema(folder)
    (problem,) = schema.status(conn).problems
    assert problem.startswith(
        f"this database was made by a development version of saltext-approval: its {', '.join(names)}"
    )
    assert "policy show" in problem
    with pytest.raises(MigrationError, match="made by a development version"):
        schema.upgrade(conn)


def test_a_migration_before_applied_ones_is_refused(empty, folder):
    conn = empty()
    migrate.Schema(folder).upgrade(conn)
    (folder / "migrations" / "0000_come_late.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=r"development version .* 0000_come_late.sql"):
        migrate.Schema(folder).upgrade(conn)


@pytest.mark.parametrize("change", ["migration", "code"])
def test_a_downgrade_is_refused_with_both_versions(empty, older, folder, change):
    conn = empty()
    if change == "migration":
        (folder / "migrations" / "9000_add_thing.sql").write_text("SELECT 1;")
    else:
        function(folder, "thing")
    migrate.Schema(folder, "1.10.0").upgrade(conn)
    schema = migrate.Schema(older, "1.9.3")
    (problem,) = schema.status(conn).problems
    assert "this database is of version 1.10.0" in problem
    assert "1.9.3 is installed here" in problem
    with pytest.raises(MigrationError, match=r"install 1\.10\.0 here"):
        schema.upgrade(conn)
    assert migrate.Schema(folder, "1.10.0").status(conn).is_current


@pytest.mark.parametrize("name", ["first.sql", "001_x.sql", "0001_Upper.sql", "0002_create_again.sql"])
def test_a_misnamed_migration_is_refused(folder, name):
    (folder / "migrations" / name).write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=r"is not named NNNN_verb_noun\.sql with a number of its own"):
        migrate.Schema(folder)


def test_a_server_that_takes_no_writes_is_said_so(empty):
    conn = empty()
    conn.execute("SET default_transaction_read_only = on")
    with pytest.raises(MigrationError, match="takes no writes"):
        migrate.Schema().upgrade(conn)


def test_a_login_that_may_not_is_told_which_may(database, folder):
    function(folder, "thing")
    refused = pytest.raises(MigrationError, match=r"roles.sql: .*approval_owner.* the administrator's login")
    with db.connect(config.Connection(database.dsn("operator", direct=True))) as conn, refused:
        migrate.Schema(folder).upgrade(conn)


# All or nothing, and nobody waits for long


def test_a_failed_migration_leaves_everything_as_it_was(empty, older, folder):
    conn = empty()
    function(older, "gone")
    migrate.Schema(older, "0.0.9").upgrade(conn)
    before = migrate.Schema(older).status(conn)
    (folder / "migrations" / "9000_add_thing.sql").write_text("CREATE TABLE approval.thing (id int);")
    broken = folder / "migrations" / "9001_add_more.sql"
    broken.write_text("CREATE TABLE approval.more (id int);\n\nSELECT nonsense;\n")
    with pytest.raises(
        MigrationError, match=r"9001_add_more.sql, line 3: column .nonsense. does not exist.* Nothing was"
    ):
        migrate.Schema(folder).upgrade(conn)
    assert conn.execute("SELECT to_regclass('approval.thing') AS thing").fetchone() == {"thing": None}
    assert migrate.Schema(older).status(conn) == before
    broken.write_text("CREATE TABLE approval.more (id int);")
    assert migrate.Schema(folder).upgrade(conn) is True


def test_a_failing_function_leaves_everything_as_it_was(empty, older, folder):
    conn = empty()
    migrate.Schema(older).upgrade(conn)
    (folder / "migrations" / "9000_add_thing.sql").write_text("CREATE TABLE approval.thing (id int);")
    (folder / "functions" / "thing.sql").write_text(
        "CREATE FUNCTION approval.thing() RETURNS nonsense LANGUAGE sql AS '';"
    )
    with pytest.raises(MigrationError, match=r"^thing\.sql"):
        migrate.Schema(folder).upgrade(conn)
    assert migrate.Schema(older).status(conn).is_current
    assert not conn.execute("SELECT to_regclass('approval.thing') AS thing").fetchone()["thing"]


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


def test_an_upgrade_that_is_killed_in_the_midst_leaves_nothing(empty, older, folder):
    conn, killed, other = empty(), empty(), empty()
    migrate.Schema(older, "0.0.9").upgrade(conn)
    (folder / "migrations" / "9000_add_thing.sql").write_text(
        "CREATE TABLE approval.thing (id int);\nSELECT pg_advisory_xact_lock(4711);"
    )
    other.execute("SELECT pg_advisory_lock(4711)")
    said = []

    def upgrade():
        try:
            migrate.Schema(folder).upgrade(killed)
        except MigrationError as exc:
            said.append(str(exc))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "TABLE_TIMEOUT", "60s")
        thread = threading.Thread(target=upgrade)
        thread.start()
        waiting = "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted"
        while thread.is_alive() and conn.execute(waiting).fetchone()["n"] == 0:
            pass
        conn.execute("SELECT pg_terminate_backend(%s)", (killed.info.backend_pid,))
        thread.join()
    assert "as a whole or not at all" in said[0]
    assert migrate.Schema(older, "0.0.9").status(conn).is_current
    other.execute("SELECT pg_advisory_unlock(4711)")
    assert migrate.Schema(folder).upgrade(conn) is True


def test_another_upgrade_that_never_ends_is_said_so(empty, monkeypatch):
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "50ms")
    other = empty()
    other.execute("SELECT pg_advisory_lock(%s)", (migrate.LOCK_KEY,))
    with pytest.raises(MigrationError, match=rf"another upgrade.*process {other.info.backend_pid} \(login postgres"):
        migrate.Schema().upgrade(empty())


@pytest.fixture
def altering(folder):
    """The SQL of a version that changes a table which everybody reads."""
    (folder / "migrations" / "9000_add_thing.sql").write_text("ALTER TABLE approval.document ADD COLUMN thing int;")
    return migrate.Schema(folder)


def test_a_session_that_keeps_a_table_in_use_is_named(empty, older, altering):
    conn, reader = empty(), empty()
    migrate.Schema(older, "0.0.9").upgrade(conn)
    with reader.transaction():
        reader.execute("SELECT count(*) FROM approval.document")
        with pytest.raises(
            MigrationError, match=rf"in use.*process {reader.info.backend_pid} \(login postgres.*Nothing was changed"
        ):
            altering.upgrade(conn)
    assert migrate.Schema(older, "0.0.9").status(conn).is_current
    assert altering.upgrade(conn) is True


def test_an_upgrade_passes_between_the_transactions_of_others(empty, older, altering, monkeypatch):
    """Traffic goes on meanwhile, and what it calls is there before and after."""
    conn = empty()
    migrate.Schema(older, "0.0.9").upgrade(conn)
    monkeypatch.setattr(migrate, "ATTEMPTS", 200)
    monkeypatch.setattr(migrate, "TABLE_TIMEOUT", "200ms")
    stop, faults, counts = threading.Event(), [], []

    begun = threading.Barrier(4)

    def use(session):
        begun.wait()
        calls = 0
        while calls == 0 or not stop.is_set():
            try:
                with session.transaction():
                    session.execute("SELECT * FROM approval.exported_document")
                    session.execute("SELECT * FROM approval.compliance()")
                    session.execute("SELECT approval.put_minions(ARRAY[%s])", (f"m{calls}-{threading.get_ident()}",))
                calls += 1
            except Exception as exc:
                faults.append(exc)
                break
        counts.append(calls)

    threads = [threading.Thread(target=use, args=(empty(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    begun.wait()
    try:
        assert altering.upgrade(conn) is True
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert faults == []
    assert all(counts)


def test_the_administrator_s_time_limit_is_for_other_work(empty, folder):
    conn = empty()
    conn.execute("SET statement_timeout = '10ms'")
    (folder / "migrations" / "9000_add_thing.sql").write_text("SELECT pg_sleep(0.05);")
    assert migrate.Schema(folder).upgrade(conn) is True


def test_an_administrator_need_not_be_a_superuser(empty, older, folder, database_server):
    """A login that may create roles, and schemas in this database, can install and upgrade."""
    function(older, "gone", grantee="approval_operator")
    database_server.server.execute(
        "CREATE ROLE boss LOGIN CREATEROLE PASSWORD 'boss'; GRANT CREATE ON DATABASE empty TO boss"
    )
    dsn = database_server.server.dsn("boss", "empty", "boss")
    try:
        with db.connect(config.Connection(dsn)) as conn:
            assert migrate.Schema(older, "0.0.9").upgrade(conn) is True
            assert migrate.Schema(folder).upgrade(conn) is True
            assert not exists(conn, "approval.gone()")
            assert migrate.Schema(folder).status(conn).is_current
    finally:
        database_server.server.execute(
            "DROP SCHEMA approval CASCADE; DROP EXTENSION pg_trgm; REVOKE CREATE ON DATABASE empty FROM boss", "empty"
        )
        database_server.server.execute("DROP ROLE boss")
