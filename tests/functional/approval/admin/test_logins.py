import psycopg
import pytest

from saltext.approval import config, db
from saltext.approval.admin import logins
from saltext.approval.errors import InputError


@pytest.fixture
def admin(database):
    with db.connect(config.Connection(database.dsn())) as conn:
        yield conn


@pytest.fixture
def create(admin, database):
    """A function that makes the logins as the administrator, who gave the connection string `given`; its lines."""

    def make(folder, given=None, **options):
        return list(logins.create(admin, given or database.dsn(), folder, **options))

    return make


@pytest.fixture
def other_names(monkeypatch, database_server):
    """Logins of this test's own, as logins belong to the whole server."""
    names = {f"test_{name}": rest for name, rest in logins.LOGINS.items()}
    monkeypatch.setattr(logins, "LOGINS", names)
    yield names
    for name in names:
        database_server.server.execute(f"DROP ROLE IF EXISTS {name}")


def test_each_login_has_just_its_role(create, tmp_path, other_names):
    folder = tmp_path / "salt"
    lines = create(folder)
    assert [line for line in lines if "with role" in line] == lines[: len(other_names)]
    assert folder.stat().st_mode & 0o777 == 0o700
    for login, (file_name, role) in other_names.items():
        path = folder / file_name
        assert path.stat().st_mode & 0o777 == 0o600
        with psycopg.connect(config.read_dsn_file(path, "x")) as conn:
            user, roles = conn.execute(
                "SELECT session_user::text, ARRAY(SELECT rolname::text FROM pg_roles "
                "WHERE rolname LIKE 'approval\\_%' AND pg_has_role(oid, 'MEMBER'))"
            ).fetchone()
        assert (user, roles) == (login, [role])


# How long statements of a login may run on


def settings_of(path):
    query = "SELECT current_setting('statement_timeout'), current_setting('client_connection_check_interval')"
    with psycopg.connect(path.read_text()) as conn:
        return conn.execute(query).fetchone()


def test_what_a_master_gave_up_ends(create, tmp_path, other_names):
    create(tmp_path)
    assert {login: settings_of(tmp_path / file_name) for login, (file_name, _) in other_names.items()} == {
        "test_salt_exporter": ("30s", "500ms"),
        "test_salt_returner": ("1min", "500ms"),
        "test_salt_runner": ("2min", "500ms"),
        "test_salt_engine": ("2min", "500ms"),
        "test_salt_policy": ("0", "500ms"),
    }


def test_logins_of_before_get_limits_where_they_have_none(admin, create, tmp_path, other_names):
    create(tmp_path)
    admin.execute("ALTER ROLE test_salt_engine RESET ALL")
    admin.execute("ALTER ROLE test_salt_runner RESET ALL; ALTER ROLE test_salt_runner SET statement_timeout = '7s'")
    tried, done = logins.tune(admin, dry_run=True), logins.tune(admin)
    assert tried == done
    assert [line for line in done if line.startswith("login test_")] == [
        "login test_salt_engine: client_connection_check_interval = 500ms",
        "login test_salt_engine: statement_timeout = 120s",
        "login test_salt_runner: client_connection_check_interval = 500ms",
    ]
    assert logins.tune(admin) == []
    assert settings_of(tmp_path / "engine.dsn") == ("2min", "500ms")
    assert settings_of(tmp_path / "runner.dsn") == ("7s", "500ms")


def test_a_server_that_cannot_notice_goes_without(admin, create, tmp_path, other_names, monkeypatch):
    monkeypatch.setattr(logins, "LIMITS", {"approval_exporter": {"no_such_setting": "500ms"}})
    assert create(tmp_path)[-1].endswith("approval_policy_admin")


# Passwords that work go on working


def test_a_second_time_files_and_passwords_stay(create, tmp_path, other_names):
    create(tmp_path)
    before = {path: path.read_text() for path in tmp_path.iterdir()}
    assert all("kept" in line for line in create(tmp_path, new_passwords=True))
    assert {path: path.read_text() for path in tmp_path.iterdir()} == before
    for content in before.values():
        psycopg.connect(content).close()


def test_another_folder_is_refused_and_told_how(create, tmp_path, other_names):
    create(tmp_path / "first")
    with pytest.raises(InputError, match=r"test_salt_exporter, .*test_salt_policy.*Copy those files") as refusal:
        create(tmp_path / "second")
    assert "--new-passwords" in str(refusal.value)
    assert not (tmp_path / "second").exists()
    for path in (tmp_path / "first").iterdir():
        psycopg.connect(path.read_text()).close()


def test_another_folder_with_the_files_of_the_first(create, tmp_path, other_names):
    create(tmp_path / "first")
    lines = create(tmp_path / "second", known=tmp_path / "first")
    assert all("with its password as it was" in line for line in lines)
    for path in (tmp_path / "first").iterdir():
        assert (tmp_path / "second" / path.name).read_text() == path.read_text()
        psycopg.connect(path.read_text()).close()


def test_known_files_must_have_the_password(admin, create, tmp_path, other_names):
    create(tmp_path / "first")
    admin.execute("ALTER ROLE test_salt_runner PASSWORD 'another'")
    with pytest.raises(InputError, match=r"runner.dsn: test_salt_runner does not get in") as refusal:
        create(tmp_path / "second", known=tmp_path / "first")
    assert "another" not in str(refusal.value)
    (tmp_path / "first/runner.dsn").unlink()
    with pytest.raises(InputError, match=r"^test_salt_runner: such logins exist"):
        create(tmp_path / "second", known=tmp_path / "first")
    assert not (tmp_path / "second").exists()


def test_new_passwords_only_by_request_and_said(create, tmp_path, other_names):
    create(tmp_path / "first")
    lines = create(tmp_path / "second", new_passwords=True)
    assert all("PASSWORD CHANGED" in line for line in lines)
    for path in (tmp_path / "second").iterdir():
        psycopg.connect(path.read_text()).close()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect((tmp_path / "first" / path.name).read_text())


def test_a_lost_login_comes_back_with_the_password_in_the_file(admin, create, tmp_path, other_names):
    create(tmp_path)
    admin.execute("DROP ROLE test_salt_exporter")
    create(tmp_path)
    psycopg.connect((tmp_path / "exporter.dsn").read_text()).close()


def test_a_lost_file_comes_back_with_a_new_password_if_it_may(create, tmp_path, other_names):
    create(tmp_path)
    lost = tmp_path / "exporter.dsn"
    before = lost.read_text()
    lost.unlink()
    with pytest.raises(InputError, match=r"^test_salt_exporter: such logins"):
        create(tmp_path)
    assert not lost.exists()
    lines = create(tmp_path, new_passwords=True)
    assert sum("PASSWORD CHANGED" in line for line in lines) == 1
    assert lost.read_text() != before
    psycopg.connect(lost.read_text()).close()


def test_a_file_of_something_else_is_not_overwritten(create, tmp_path, other_names):
    (tmp_path / "exporter.dsn").write_text("host=elsewhere user=other\n")
    with pytest.raises(InputError, match=r"exporter.dsn is there but holds no password for test_salt_exporter"):
        create(tmp_path)


# The way to the server is the administrator's


def way(path):
    given = psycopg.conninfo.conninfo_to_dict(path.read_text())
    return {name: value for name, value in given.items() if name not in ("user", "password")}


WAYS = [
    "host=a,b port=5433,5434 dbname=test target_session_attrs=read-write",
    "host=a,b port=5433 dbname=test sslmode=verify-full sslrootcert=/ca.pem",
    "host=a dbname=test keepalives_idle=30 tcp_user_timeout=5000 connect_timeout=3",
    "host=a hostaddr=127.0.0.1 dbname=test",
    "hostaddr=127.0.0.1 port=1 dbname=test",
]


@pytest.mark.parametrize(
    "given", [*WAYS, "postgresql://admin:secret@a:5433,b:5434/test?target_session_attrs=read-write"]
)
def test_the_files_have_it_as_it_was_given(create, tmp_path, other_names, given):
    own = (
        " user=admin password=secret application_name=mine options='-c work_mem=1MB' sslcert=/mine.pem sslkey=/mine.key"
    )
    create(tmp_path, given=given if "://" in given else given + own)
    wanted = psycopg.conninfo.conninfo_to_dict(given)
    for path in tmp_path.iterdir():
        assert way(path) == {name: value for name, value in wanted.items() if name not in ("user", "password")}
        assert "secret" not in path.read_text()
        assert "mine" not in path.read_text()


def test_what_the_environment_adds_is_in_the_files(create, tmp_path, other_names, monkeypatch):
    added = {"PGHOST": "a,b", "PGPORT": "5433,5434", "PGTARGETSESSIONATTRS": "primary", "PGUSER": "me"}
    with monkeypatch.context() as environment:
        for name, value in added.items():
            environment.setenv(name, value)
        create(tmp_path / "salt", given="sslmode=require")
    assert way(tmp_path / "salt/runner.dsn") == {
        "host": "a,b", "port": "5433,5434", "dbname": "test", "target_session_attrs": "primary", "sslmode": "require",
    }  # fmt: skip


def test_a_service_is_written_out(create, tmp_path, other_names, monkeypatch):
    (tmp_path / "pg_service.conf").write_text(
        "[approval]\nhost=a,b\nport=5433\nuser=me\npassword=secret\nsslmode=require\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "pg_service.conf"))
    create(tmp_path / "salt", given="service=approval")
    assert way(tmp_path / "salt/engine.dsn") == {"host": "a,b", "port": "5433", "dbname": "test", "sslmode": "require"}


@pytest.mark.parametrize(
    ("given", "host", "wanted"),
    [
        ("host=/run/x dbname=test port=5433", "db.example", {"host": "db.example", "port": "5433"}),
        ("host=a hostaddr=127.0.0.1 dbname=test", "b,c", {"host": "b,c"}),
        ("host=a,b port=5433,5433 dbname=test", "c", {"host": "c", "port": "5433"}),
        ("host=a,b port=5433,5434 dbname=test", "c,d", {"host": "c,d", "port": "5433,5434"}),
    ],
)
def test_another_host_for_the_files(create, tmp_path, other_names, given, host, wanted):
    create(tmp_path, given=given, host=host)
    assert way(tmp_path / "runner.dsn") == {"dbname": "test", **wanted}


def test_a_host_for_two_different_ports_is_refused(create, tmp_path, other_names):
    with pytest.raises(InputError, match="names 1 hosts for 2 ports"):
        create(tmp_path / "salt", given="host=a,b port=5433,5434 dbname=test", host="c")
