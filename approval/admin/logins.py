"""Logins for the parts of a master, each with the one role that it needs, and a file with its DSN."""

import os
import secrets

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ..errors import InputError
from ..settings import PARTS

LOGINS = {
    **{part.login: (part.dsn_file, part.role) for part in PARTS.values()},
    "salt_policy": ("policy.dsn", "approval_policy_admin"),
}
# How soon the server notices that who asked is gone, and how long a statement may run on at all: the last resort where
# a caller that gave up could not say so. A snapshot is one statement of the exporter's, dropping old jobs one of the
# returner's.
NOTICE = {"client_connection_check_interval": "500ms"}
LIMITS = {
    "approval_exporter": {**NOTICE, "statement_timeout": "30s"},
    "approval_returner": {**NOTICE, "statement_timeout": "60s"},
    "approval_operator": {**NOTICE, "statement_timeout": "120s"},
    "approval_engine": {**NOTICE, "statement_timeout": "120s"},
    "approval_policy_admin": NOTICE,
    "approval_itsm": {**NOTICE, "statement_timeout": "60s"},
    "approval_chat": {**NOTICE, "statement_timeout": "60s"},
    "approval_portal": {**NOTICE, "statement_timeout": "15s"},
}
# These settings of a connection are the administrator's own; all others are the way to the server.
OWN_SETTINGS = (
    "user", "password", "passfile", "sslcert", "sslkey", "sslpassword", "sslcertmode", "options", "application_name",
    "fallback_application_name", "client_encoding", "service", "replication",
)  # fmt: skip
UNTUNED = """
SELECT r.rolname::text AS login, limited.role, limited.name, limited.content
FROM pg_catalog.pg_roles AS r
CROSS JOIN unnest(%s::text[], %s::text[], %s::text[]) AS limited (role, name, content)
JOIN pg_catalog.pg_roles AS g ON g.rolname = limited.role
WHERE r.rolcanlogin AND NOT r.rolsuper AND pg_catalog.pg_has_role(r.oid, g.oid, 'MEMBER')
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_db_role_setting AS s, unnest(s.setconfig) AS held
        WHERE s.setrole = r.oid AND starts_with(held, limited.name || '='))
ORDER BY r.rolname, limited.name, limited.content::interval DESC
"""


def create(conn, given, folder, host=None, known=None, new_passwords=False):
    """
    Create the logins over the administrator's connection ``conn`` and a DSN file (mode 0600) for each in
    ``folder``. Yields a line per thing done.

    given
        The connection string of ``conn``, whose way to the server the files get: all hosts of it, and what
        libpq's environment and service file add.
    host
        Replaces its host: the administrator may come through a socket that lets in only accounts of the same
        name.
    known
        Another folder with such files. A login that exists gets its password from there.
    new_passwords
        Gives each login that exists and has a file in neither folder a new password; otherwise InputError
        names it, before anything was changed.

    A file that exists in ``folder`` is kept; if its login is missing, it is made with the password there.
    """
    server = _way_to_server(conn, given, host)
    paths = {login: os.path.join(folder, file_name) for login, (file_name, _) in LOGINS.items()}
    kept = {login: _password_in(path, login) for login, path in paths.items() if os.path.exists(path)}
    existing = {row["rolname"] for row in conn.execute("SELECT rolname::text FROM pg_catalog.pg_roles").fetchall()}
    found = {}
    if known:
        for login in LOGINS.keys() & existing - kept.keys():
            path = os.path.join(known, LOGINS[login][0])
            if os.path.exists(path):
                found[login] = _password_in(path, login)
                _try(server, login, found[login], path)
    lost = [login for login in LOGINS if login in existing and login not in kept and login not in found]
    if lost and not new_passwords:
        raise InputError(
            f"{', '.join(lost)}: such logins exist already, and their passwords stand in files made before. Copy those "
            f"files to {folder} (they work for several masters), or name their folder with --known-dsns, or say "
            "--new-passwords: then all files made before stop working. No login was changed"
        )
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for login, (_, role) in LOGINS.items():
        path = paths[login]
        password = kept.get(login) or found.get(login) or secrets.token_urlsafe(24)
        with conn.transaction():
            if login not in existing:
                conn.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(login)))
            if login not in existing or login in lost:
                _set_password(conn, login, password)
            conn.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(login)))
            if login not in kept:
                _write(path, make_conninfo(**server, user=login, password=password))
        if login in kept:
            yield f"{path}: kept" + ("" if login in existing else f" (login {login} created with its password)")
        elif login in found:
            yield f"{path}: login {login}, with its password as it was"
        elif login in lost:
            yield f"{path}: login {login}: PASSWORD CHANGED, files made before with the old one no longer work"
        else:
            yield f"{path}: login {login} with role {role}"
    yield from tune(conn)


def tune(conn, dry_run=False):
    """
    Limit how long statements of the master's logins run on, for each that has no such setting of its own; lines
    that say what was set. A server that cannot do it, or a login that may not, is passed over.
    """
    limits = [(role, name, content) for role, settings in LIMITS.items() for name, content in settings.items()]
    rows = conn.execute(UNTUNED, [list(column) for column in zip(*limits, strict=True)]).fetchall()
    # The first of several roles' is the longest.
    wanted = {}
    for row in rows:
        wanted.setdefault((row["login"], row["name"]), row["content"])
    return [
        f"login {login}: {name} = {content}"
        for (login, name), content in wanted.items()
        if _limit(conn, login, name, content, dry_run)
    ]


def _limit(conn, login, name, content, dry_run):
    statement = sql.SQL("ALTER ROLE {} SET {} = {}").format(
        sql.Identifier(login), sql.Identifier(name), sql.Literal(content)
    )
    try:
        with conn.transaction(force_rollback=dry_run):
            conn.execute(statement)
    except psycopg.errors.DatabaseError as exc:
        # Not known to this server or platform, or a login of somebody else's: it works without.
        if conn.closed or not isinstance(
            exc,
            psycopg.errors.InsufficientPrivilege
            | psycopg.errors.InvalidParameterValue
            | psycopg.errors.UndefinedObject,
        ):
            raise
        return False
    return True


def _way_to_server(conn, given, host):
    """The settings of a connection string that lead to the administrator's server, as they were given."""
    # libpq alone knows what its environment and a service file add; psycopg has tried one host after the other.
    asked = psycopg.pq.PGconn.connect_start(given.encode())
    try:
        options = asked.info
    finally:
        asked.finish()
    server = {
        option.keyword.decode(): option.val.decode()
        for option in options
        if option.val and option.val != option.compiled and option.keyword.decode() not in OWN_SETTINGS
    }
    if "host" not in server and "hostaddr" not in server:
        server["host"] = conn.info.host
    server["dbname"] = conn.info.dbname
    if host:
        server.pop("hostaddr", None)
        server["host"] = host
        ports = server.get("port", "").split(",")
        if len(ports) != len(host.split(",")) and len(ports) > 1:
            if len(set(ports)) > 1:
                raise InputError(
                    f"--login-host names {len(host.split(','))} hosts for {len(ports)} ports: name one for each"
                )
            server["port"] = ports[0]
    return server


def _try(server, login, password, path):
    try:
        psycopg.connect(make_conninfo(**server, user=login, password=password)).close()
    except psycopg.OperationalError:
        raise InputError(f"{path}: {login} does not get in with the password there. No login was changed") from None


def _set_password(conn, login, password):
    # Hashed here, so that the password reaches no log of the server.
    verifier = conn.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
    statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
    conn.execute(statement.format(sql.Identifier(login), sql.Literal(verifier)))


def _password_in(path, login):
    with open(path, encoding="utf-8") as file:
        try:
            settings = conninfo_to_dict(file.read().strip())
        except psycopg.Error:
            settings = {}
    if settings.get("user") != login or not settings.get("password"):
        raise InputError(f"{path} is there but holds no password for {login}: move it away to have a new one made")
    return settings["password"]


def _write(path, text):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
