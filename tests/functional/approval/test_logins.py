import psycopg
import pytest

from saltext.approval import config, db, logins
from saltext.approval.errors import InputError


@pytest.fixture
def admin(database):
    with db.connect(config.Connection(database.dsn())) as conn:
        yield conn


@pytest.fixture
def other_names(monkeypatch, database_server):
    """Logins of this test's own, as logins belong to the whole server."""
    names = {f"test_{name}": rest for name, rest in logins.LOGINS.items()}
    monkeypatch.setattr(logins, "LOGINS", names)
    yield names
    for name in names:
        database_server.server.execute(f"DROP ROLE IF EXISTS {name}")


def test_each_login_has_just_its_role(admin, tmp_path, other_names):
    folder = tmp_path / "salt"
    assert len(list(logins.create(admin, folder))) == len(other_names)
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


def test_what_a_master_gave_up_ends(admin, tmp_path, other_names):
    list(logins.create(admin, tmp_path))
    limits = {}
    for login, (file_name, _) in other_names.items():
        with psycopg.connect((tmp_path / file_name).read_text()) as conn:
            (limits[login],) = conn.execute("SELECT current_setting('statement_timeout')").fetchone()
    assert limits.pop("test_salt_exporter") == "30s"
    assert limits.pop("test_salt_returner") == "1min"
    assert set(limits.values()) == {"0"}


def test_a_second_time_files_and_passwords_stay(admin, tmp_path, other_names):
    list(logins.create(admin, tmp_path))
    before = {path: path.read_text() for path in tmp_path.iterdir()}
    assert all("kept" in line for line in logins.create(admin, tmp_path))
    assert {path: path.read_text() for path in tmp_path.iterdir()} == before
    for content in before.values():
        psycopg.connect(content).close()


def test_a_lost_login_comes_back_with_the_password_in_the_file(admin, tmp_path, other_names):
    list(logins.create(admin, tmp_path))
    admin.execute("DROP ROLE test_salt_exporter")
    list(logins.create(admin, tmp_path))
    psycopg.connect((tmp_path / "exporter.dsn").read_text()).close()


def test_a_lost_file_comes_back_with_a_new_password(admin, tmp_path, other_names):
    list(logins.create(admin, tmp_path))
    lost = tmp_path / "exporter.dsn"
    before = lost.read_text()
    lost.unlink()
    list(logins.create(admin, tmp_path))
    assert lost.read_text() != before
    psycopg.connect(lost.read_text()).close()


def test_a_file_of_something_else_is_not_overwritten(admin, tmp_path, other_names):
    (tmp_path / "exporter.dsn").write_text("host=elsewhere user=other\n")
    with pytest.raises(InputError, match=r"exporter.dsn is there but holds no password for test_salt_exporter"):
        list(logins.create(admin, tmp_path))


def test_another_host_for_the_files(admin, tmp_path, other_names):
    list(logins.create(admin, tmp_path, host="db.example"))
    assert "host=db.example" in (tmp_path / "runner.dsn").read_text()
