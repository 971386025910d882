"""A site that a released version made, upgraded: its database becomes what a new one is; its data stays and works."""

import gzip
import hashlib
import importlib.resources
import pathlib
import subprocess

import psycopg
import pytest
from private_postgres import binary

from saltext.approval import cli, config, db
from saltext.approval.admin import migrate
from saltext.approval.client.database import DatabaseClient
from saltext.approval.policy import loader
from saltext.approval.trust import audit

PROJECT = pathlib.Path(__file__).parents[4]
RELEASES = PROJECT / "tests/sql/releases"
OBJECTS = (RELEASES / "objects.sql").read_text()
DATA = (RELEASES / "data.sql").read_text()


RELEASED = sorted(file.name.removesuffix(".sql.gz") for file in RELEASES.glob("*.sql.gz"))
# The first release let a request take any source, and knew no speakers.
of_the_first = pytest.mark.parametrize("site", ["0.1.0"], indirect=True)


@pytest.fixture(params=RELEASED)
def site(request, new_database, database_server):
    """A Database that was made and worked on by a release."""
    with new_database("site") as database:
        database.execute("DROP SCHEMA approval CASCADE")
        _restore(database, gzip.decompress((RELEASES / f"{request.param}.sql.gz").read_bytes()))
        yield database


def _restore(database, dump):
    psql = [binary("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database.dsn()]
    subprocess.run(psql, input=dump, check=True, stdout=subprocess.DEVNULL)


def _upgrade(database):
    with db.connect(config.Connection(database.dsn())) as conn:
        schema, steps = migrate.Schema(), []
        assert schema.upgrade(conn, steps.append) is True
        assert schema.status(conn).is_current
        return steps


def _objects(database):
    # Names are then written with their schema.
    with database.connect() as conn:
        conn.execute("SET search_path = pg_catalog")
        return {row[0] for row in conn.execute(OBJECTS)}


def test_it_becomes_what_a_new_one_is(site, database):
    _upgrade(site)
    upgraded, new = _objects(site), _objects(database)
    assert sorted(upgraded - new) == []
    assert sorted(new - upgraded) == []


def test_the_comparison_sees_a_difference(database):
    before = _objects(database)
    for change in (
        "ALTER TABLE approval.item DROP CONSTRAINT item_pkey CASCADE",
        "GRANT EXECUTE ON FUNCTION approval.seal_audit() TO approval_auditor",
        "COMMENT ON FUNCTION approval.seal_audit() IS 'another'",
        "DROP TRIGGER insert_only ON approval.decision",
        "ALTER TABLE approval.request ALTER reason DROP NOT NULL",
        "DROP INDEX approval.drift_open",
    ):
        database.execute(change)
        after = _objects(database)
        assert after != before, change
        before = after


def test_its_data_stays_as_it_was(site):
    before = site.execute(DATA)
    assert len({name for name, content in before if content}) == len(before)
    _upgrade(site)
    assert site.execute(DATA) == before


def test_runs_that_proved_something_are_known(site):
    """Their evidence stays a replay."""
    before = site.execute(
        "SELECT DISTINCT minion_id, run_id FROM approval.job_return WHERE authenticated AND run_id IS NOT NULL "
        "ORDER BY 1, 2"
    )
    assert before
    _upgrade(site)
    assert site.execute("SELECT minion_id, run_id FROM approval.seen_run ORDER BY 1, 2") == before


def test_minions_get_what_they_got(site, database_server, capsys):
    """Each document is checked against its digest as it is read, so equal lines are whole ones."""

    def exported():
        assert cli.main(["--dsn-file", str(file), "export", "--all"]) == 0
        return capsys.readouterr().out

    file = database_server.dsn_file("exporter").with_name("site.dsn")
    file.touch(mode=0o600)
    file.write_text(site.dsn("exporter", direct=True))
    before = exported()
    assert before.count("\n") == 4
    _upgrade(site)
    assert exported() == before


def test_its_audit_is_whole_and_goes_on(site, tmp_path):
    _upgrade(site)
    assert site.execute("SELECT * FROM approval.verify_audit()", login="auditor") == []
    site.execute("SELECT approval.seal_audit()", login="engine")
    lines = [line for (line,) in site.execute("SELECT * FROM approval.export_audit()", login="auditor")]
    export = tmp_path / "audit.jsonl"
    export.write_text("\n".join(lines) + "\n")
    assert audit.verify_file(export, None).intact


def test_every_request_and_minion_can_be_shown(site):
    _upgrade(site)
    with db.connect(config.Connection(site.dsn("bob"))) as conn:
        bob = DatabaseClient.of_login(conn)
        numbers = [number for (number,) in site.execute("SELECT request_id FROM approval.request ORDER BY 1")]
        assert [bob.show(number)["request"] for number in numbers] == numbers
        assert all(bob.audit(number) for number in numbers)
        states = {row["state"] for row in bob.list(limit=1000)}
        assert states == {state for (state,) in site.execute("SELECT state FROM approval.request_state")}
        for minion in bob.minions():
            assert bob.state(minion["minion_id"])
        assert bob.why("web2", "package:hello")
        assert bob.compliance()["resources"] == 1
        assert bob.plan(site.execute("SELECT min(request_id) FROM approval.request_plan")[0][0])["summary"]


def test_work_goes_on_where_it_stopped(site):
    """A pending request is approved, and a held-back message sent."""
    _upgrade(site)
    (half_way,) = site.execute("SELECT DISTINCT request_id FROM approval.item WHERE name = 'half-way'")[0]
    with db.connect(config.Connection(site.dsn("carol"))) as conn:
        carol = DatabaseClient.of_login(conn)
        assert carol.approve(half_way)["state"] == "approved"
        assert any(item["kind"] == "package" for item in carol.show(half_way)["items"])
    assert site.execute("SELECT count(*) FROM approval.claim_outbox('salt', interval '1 minute')", login="engine") == [
        (1,)
    ]


def test_it_sends_nothing(site):
    """Also once types are loaded that send by themselves: what was asked for before keeps the rule that it had."""
    messages = "SELECT request_id, seq, state FROM approval.outbox WHERE destination = 'salt' ORDER BY 1, 2"
    before = site.execute(messages)
    _upgrade(site)
    shipped = importlib.resources.files("saltext.approval.policy").joinpath("types.yaml").read_text()
    with db.connect(config.Connection(site.dsn("policy_admin"))) as conn:
        loader.load(conn, loader.parse(shipped))
    (half_way,) = site.execute("SELECT DISTINCT request_id FROM approval.item WHERE name = 'half-way'")[0]
    with db.connect(config.Connection(site.dsn("carol"))) as conn:
        assert DatabaseClient.of_login(conn).approve(half_way)["state"] == "approved"
    assert site.execute(messages) == before


@of_the_first
def test_a_request_whose_renewal_somebody_had_taken_is_renewed(site):
    _upgrade(site)
    (taken,) = site.execute(
        "SELECT external_ref::bigint FROM approval.request WHERE source = 'renewal' AND renews IS NULL"
    )[0]
    site.execute("UPDATE approval.item SET expires_at = now() + interval '1 hour' WHERE request_id = %s", (taken,))
    site.execute(
        "ALTER TABLE approval.request_type DISABLE TRIGGER insert_only; "
        "UPDATE approval.request_type SET valid_for = '90 days' WHERE type_name = 'package';"
        "ALTER TABLE approval.request_type ENABLE TRIGGER insert_only"
    )
    site.execute("SELECT approval.renew_requests()", login="engine")
    assert site.execute("SELECT count(*) FROM approval.request WHERE renews = %s", (taken,)) == [(1,)]


def test_what_is_submitted_again_is_what_was_submitted_before(site):
    """Before 0.2.0 references had their spaces, and values were kept as they were spelled."""
    given = {
        "CHG-70 ": ('"x"', '"x"'),
        "\tCHG-71": ("1", "1"),
        "CHG-72": ('{"b": 1.50,  "a": "\\u00fc"}', '{"b": 1.50,  "a": "\\u00fc"}'),
        "CHG-73": ('{"b":1,"a":2}', '{"b":1,"a":2}'),
        "CHG-74": ('{"a":2,"b":1}', '{"b":1,"a":2}'),
    }

    def submit(reference, content):
        query = """SELECT approval.submit_request('pg', 'alice', 'value', 'x', '{web1,web2}', '{value,value}', %s, %s,
                                                  NULL, 'pg', %s)"""
        return site.execute(query, (["again"] * 2, [content] * 2, reference), login="alice")

    made = {reference: submit(reference, before) for reference, (before, _) in given.items()}
    _upgrade(site)
    assert {reference: submit(reference, after) for reference, (_, after) in given.items()} == made
    with pytest.raises(psycopg.Error, match="with another content"):
        submit("CHG-70 ", '"y"')


def test_its_policy_can_be_written_and_loaded_again(site):
    _upgrade(site)
    with db.connect(config.Connection(site.dsn("policy_admin"))) as conn:
        shown = loader.to_yaml(loader.show(conn))
        assert "\n    salt: asserted" in shown
        changes = loader.load(conn, loader.parse(shown), dry_run=True)
    assert [line for line in changes if "calendar" not in line and not line.startswith("    ")] == []


@of_the_first
def test_what_salt_run_was_called_goes_on_working(site):
    """A site whose runner had another provider has acts by it in its audit: that one may be named further on."""
    site.execute(
        "INSERT INTO approval.identity SELECT 'pam', 'alice', principal_id FROM approval.principal WHERE name = 'alice'"
    )
    query = """SELECT approval.submit_request('pam', 'alice', 'package', 'because', '{web1}', '{package}', '{pam-made}',
                                              '{1}', NULL, 'pam', NULL)"""
    site.execute(query, login="operator")
    _upgrade(site)
    with db.connect(config.Connection(site.dsn("operator"))) as conn:
        assert DatabaseClient(conn, "pam", "alice").request("package", ["web1"], {"pam-again": "1"}, "because")
    query = "SELECT provider, assurance FROM approval.speaks_for WHERE login = 'approval_operator' ORDER BY 1"
    assert site.execute(query) == [("pam", "asserted"), ("salt", "asserted")]


def test_a_dump_of_it_restored_elsewhere_is_whole(site, own_server):
    """Backups as docs/running.md has them: another server gets the roles by db init, then the dump."""
    _upgrade(site)
    dump = subprocess.run(
        [binary("pg_dump"), "--schema=approval", "-d", site.dsn()], check=True, stdout=subprocess.PIPE
    ).stdout
    before = site.execute(DATA)
    server, _ = own_server
    server.query("DROP SCHEMA approval CASCADE")
    psql = [binary("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", server.dsn_of()]
    subprocess.run(psql, input=dump, check=True, stdout=subprocess.DEVNULL)
    assert "the schema is of this version" in server.command("postgres", "db", "status").stdout
    assert "the audit is intact" in server.command("auditor", "audit", "verify").stdout
    with db.connect(config.Connection(server.dsn_of())) as conn:
        assert [tuple(row.values()) for row in conn.execute(DATA)] == before


def test_released_migrations_are_as_they_were_released():
    """An applied migration is never edited: sites would be refused every further upgrade."""
    for line in (RELEASES / "migrations.sha256").read_text().splitlines():
        digest, name = line.split()
        content = (PROJECT / "sql/migrations" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest, f"{name} was edited after it was released"
