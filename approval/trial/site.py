"""The site to try the web service on: a server, a month in its database, and the service, until somebody ends it."""

import contextlib
import http.client
import importlib.resources
import ipaddress
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time

import psycopg
import yaml
from psycopg import sql

from .. import config, db
from ..admin import logins, migrate
from ..errors import ConfigError, InputError, Unavailable
from ..policy import loader
from ..portal import passwords
from ..settings import LONGEST_SOCKET, PARTS, SERVICE_PARTS
from . import month, postgres

BIND = "127.0.0.1:8087"
MINIONS = 2_000
LEAST, MOST = 100, 100_000
DATABASE = "approval"
POLICY_LOGIN = "salt_policy"
SOCKET_FILE = ".s.PGSQL.5432"
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
READY_S = 60
STOP_S = 20
# Who signs in, and what they are for the people who read it.
PEOPLE = {month.APPROVER: "who approves", month.REQUESTER: "who asks"}


class _Ended(BaseException):
    """Somebody wants the end of it."""


def run(bind, minions, say):
    """
    Serve a site of its own at ``bind``, a HOST:PORT of this machine, until SIGINT, SIGTERM or SIGHUP; then nothing of
    it is left.

    minions
        How many there are.
    say
        Called with each line for whoever waits.

    Raises InputError, ConfigError and Unavailable.
    """
    host, port = _loopback(bind)
    if not LEAST <= minions <= MOST:
        raise InputError(f"a month has {LEAST} to {MOST:,} minions")
    _check_free(host, port)
    with _until_ended(), _folder() as folder:
        words = {name: secrets.token_urlsafe(12) for name in PEOPLE}
        say("Starting a PostgreSQL of its own ...")
        with postgres.Server(folder / "postgres") as server:
            _fill(server, folder, minions, say)
            with _portal(folder, f"[{host}]:{port}" if ":" in host else f"{host}:{port}", port, words) as portal:
                say(f"\nOpen http://localhost:{port}/ and sign in:\n")
                for name, what in PEOPLE.items():
                    say(f"    {name:6} {words[name]}    {what}")
                say("\nCtrl-C ends it; nothing is left then. The log is " + str(folder / "log"))
                portal.wait()
                raise Unavailable(f"the web service has ended by itself:\n{_tail(folder / 'log')}")


def _loopback(bind):
    """(host, port) of an address that nobody reaches from elsewhere. Raises InputError."""
    host, colon, port = bind.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")
    try:
        is_right = colon and port.isascii() and port.isdigit() and 1 <= int(port) <= 65535
        is_right = is_right and ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_right = False
    if not is_right:
        raise InputError(
            f"{bind}: the demo serves this machine alone, as its passwords are printed: HOST:PORT with a loopback "
            f"address, as in {BIND}"
        )
    return host, int(port)


@contextlib.contextmanager
def _until_ended():
    """The end of the block comes by a signal too; while it is left, a second one changes nothing."""

    def end(_number, _frame):
        for each in ENDS:
            signal.signal(each, signal.SIG_IGN)
        raise _Ended

    before = {number: signal.signal(number, end) for number in ENDS}
    try:
        yield
    except _Ended:
        return
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _folder():
    with tempfile.TemporaryDirectory(prefix="approval-demo.") as name:
        folder = pathlib.Path(name)
        if len(os.fsencode(folder / "postgres" / "socket" / SOCKET_FILE)) > LONGEST_SOCKET:
            raise ConfigError(f"{folder.parent} is too long a path for a socket: set TMPDIR to a shorter one")
        # The server's account has to reach its own folder in it; every other file there is private.
        folder.chmod(0o711)
        yield folder


def _check_free(host, port):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise InputError(f"nobody can listen at {host}:{port} ({exc.strerror}): give another with --bind") from None


def _fill(server, folder, minions, say):
    """Make the database, its logins and the month; the connection string of the pages stands in a file then."""
    with db.connect(config.Connection(server.dsn())) as conn:
        conn.execute(f"CREATE DATABASE {DATABASE}")
    superuser = config.Connection(server.dsn(database=DATABASE))
    with db.connect(superuser) as conn:
        migrate.Schema().upgrade(conn)
        roles = {part.login: part.role for part in (*PARTS.values(), *SERVICE_PARTS.values())}
        for login, role in {**roles, POLICY_LOGIN: "approval_policy_admin"}.items():
            conn.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE {}").format(*map(sql.Identifier, (login, role))))
        portal, password = SERVICE_PARTS["portal"].login, secrets.token_urlsafe(24)
        conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(portal), sql.Literal(password)))
        logins.tune(conn)
    _write(folder / "dsn", server.dsn(portal, DATABASE, password))

    def load(text):
        with db.connect(superuser) as conn:
            conn.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(POLICY_LOGIN)))
            for content in (_text(loader.__package__, "types.yaml"), text):
                loader.load(conn, loader.parse(content))

    say("Living a month ...")
    with psycopg.connect(superuser.conninfo, autocommit=True, prepare_threshold=None) as conn:
        conn.execute("SET TIME ZONE 'UTC'")
        month.Month(conn, load, minions, tell=lambda sentence: say(f"    {sentence}")).live(
            _text(__package__, "policy.yaml")
        )


@contextlib.contextmanager
def _portal(folder, bind, port, words):
    """The web service as a process of its own, once it answers."""
    _write(folder / "passwords", "\n".join(passwords.line(name, word) for name, word in words.items()))
    service = {
        "portal": {"dsn_file": str(folder / "dsn"), "passwords": str(folder / "passwords")},
        "web": {"bind": bind, "public_url": f"http://localhost:{port}"},
    }
    settings, log = folder / "service.yaml", folder / "log"
    _write(settings, yaml.safe_dump({"approval": service}))
    # Its own session: Ctrl-C is for this process, which ends it. And it ends with this one, however that ends.
    command = ["setpriv", "--pdeathsig", "TERM", sys.executable, "-m", "saltext.approval", "web", "--config", settings]
    with open(log, "wb") as output:
        process = subprocess.Popen(  # noqa: S603 (our own program)
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        deadline = time.monotonic() + READY_S
        while not _is_ready(bind):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"the web service did not start:\n{_tail(log)}")
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_ready(bind):
    connection = http.client.HTTPConnection(bind, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _write(path, content):
    """Write a private file with one text."""
    path.touch(mode=0o600)
    path.write_text(content + "\n", encoding="utf-8")


def _tail(log):
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])


def _text(package, name):
    return importlib.resources.files(package).joinpath(name).read_text(encoding="utf-8")
