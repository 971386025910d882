"""Logins for the parts of a master, each with the one role that it needs, and a file with its DSN."""

import os
import secrets

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from .errors import InputError

LOGINS = {
    "salt_exporter": ("exporter.dsn", "approval_exporter"),
    "salt_returner": ("returner.dsn", "approval_returner"),
    "salt_runner": ("runner.dsn", "approval_operator"),
    "salt_engine": ("engine.dsn", "approval_engine"),
    "salt_policy": ("policy.dsn", "approval_policy_admin"),
}
# How long a statement of theirs may run on when the master has given it up, long after its own time limit.
STATEMENT_TIMEOUT = {"approval_exporter": "30s", "approval_returner": "60s"}
# What of the administrator's connection is the way to the server; the rest is the administrator's own.
SERVER_SETTINGS = ("host", "hostaddr", "port", "dbname", "sslmode", "sslrootcert", "target_session_attrs")


def create(conn, folder, host=None):
    """
    Create the logins over the administrator's connection ``conn`` and a DSN file (mode 0600) for each in
    ``folder``.

    A file that exists is kept, with the password in it. ``host`` replaces the host of the administrator's
    connection, who may come through a socket that lets in only accounts of the same name. Yields a line per
    thing done.
    """
    os.makedirs(folder, mode=0o700, exist_ok=True)
    server = {name: value for name, value in conn.info.get_parameters().items() if name in SERVER_SETTINGS}
    if host:
        server.pop("hostaddr", None)
        server["host"] = host
    for login, (file_name, role) in LOGINS.items():
        path = os.path.join(folder, file_name)
        with conn.transaction():
            if os.path.exists(path):
                password = _password_in(path, login)
                is_new = _ensure(conn, login, password, role, keep_password=True)
                yield f"{path}: kept" + (f" (login {login} created with its password)" if is_new else "")
            else:
                password = secrets.token_urlsafe(24)
                _ensure(conn, login, password, role, keep_password=False)
                _write(path, make_conninfo(**server, user=login, password=password))
                yield f"{path}: login {login} with role {role}"


def _ensure(conn, login, password, role, keep_password):
    exists = conn.execute("SELECT FROM pg_catalog.pg_roles WHERE rolname = %s", (login,)).fetchone() is not None
    name = sql.Identifier(login)
    if not exists:
        conn.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        if role in STATEMENT_TIMEOUT:
            limit = sql.Literal(STATEMENT_TIMEOUT[role])
            conn.execute(sql.SQL("ALTER ROLE {} SET statement_timeout = {}").format(name, limit))
    if not exists or not keep_password:
        # Hashed here, so that the password reaches no log of the server.
        verifier = conn.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
        conn.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(verifier)))
    conn.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), name))
    return not exists


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
