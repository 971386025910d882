#!/usr/bin/env python3
"""A PostgreSQL server of our own: the distribution's binaries on a temporary data directory.

    private_postgres.py run -- COMMAND [ARGUMENT...]

runs the command with PGHOST, PGUSER and PGDATABASE pointing to a new, empty server. The server listens on a unix
socket only, runs as an unprivileged account, and ends with the process that started it, however that ends.
The system's own clusters are neither used nor touched.
"""

import argparse
import os
import pathlib
import pwd
import re
import subprocess
import sys
import time

from run_directory import RunDirectory

SUPERUSER = "postgres"
OLDEST_VERSION = 15
START_TIMEOUT_S = 30

# Nothing here outlives the run, so nothing needs to survive a power failure.
CONFIGURATION = """\
listen_addresses = ''
unix_socket_directories = '{socket}'
fsync = off
full_page_writes = off
synchronous_commit = on
shared_buffers = 64MB
max_connections = 60
log_line_prefix = '%m [%p] %u@%d '
"""
# People and services log in with passwords. Only the accounts that run the tests may be the superuser.
HBA = """\
local all {superuser} peer map=superuser
local all all scram-sha-256
"""


class PrivatePostgres:
    """Context manager around one server below `directory` (created; the socket is in it as well)."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.socket = self.directory / "socket"
        self._account = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self._process = None

    def __enter__(self):
        try:
            self._initialize()
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exception):
        self.stop()

    def dsn(self, user=SUPERUSER, database="postgres", password=None):
        """A libpq connection string; without a password only the superuser gets in."""
        parts = {"host": self.socket, "user": user, "dbname": database, "password": password}
        return " ".join(f"{key}={value}" for key, value in parts.items() if value is not None)

    def environment(self, database="postgres"):
        """The same for the superuser, as libpq's environment variables."""
        return {"PGHOST": str(self.socket), "PGUSER": SUPERUSER, "PGDATABASE": database}

    def execute(self, sql, database="postgres"):
        """Run SQL as the superuser and return psql's unaligned output."""
        command = [binary("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.dsn(database=database)]
        return subprocess.run(command, input=sql, check=True, stdout=subprocess.PIPE, text=True).stdout

    def stop(self):
        """Stop the server at once; its data is not needed any more."""
        if self._process is None:
            return
        subprocess.run(
            self._as_account([binary("pg_ctl"), "stop", "-D", self._data, "-m", "immediate", "-s"]),
            cwd=self.directory,
            check=False,
        )
        self._process.wait()
        self._process = None

    @property
    def _data(self):
        return self.directory / "data"

    def _initialize(self):
        self.directory.mkdir(mode=0o755)
        for folder in (self._data, self.socket):
            folder.mkdir(mode=0o700)
        self.socket.chmod(0o755)
        for folder in (self.directory, self._data, self.socket):
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)
        initdb = [binary("initdb"), "-D", self._data, "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8", "-N"]
        subprocess.run(
            self._as_account([*initdb, "--auth=peer"]),
            cwd=self.directory,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        with open(self._data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(socket=self.socket))
        (self._data / "pg_hba.conf").write_text(HBA.format(superuser=SUPERUSER))
        accounts = {"root", self._account.pw_name}
        (self._data / "pg_ident.conf").write_text(
            "".join(f"superuser {account} {SUPERUSER}\n" for account in sorted(accounts))
        )

    def _start(self):
        log = self.directory / "log"
        with open(log, "wb") as output:
            # Its own session: Ctrl-C on the terminal is for the program that uses the server.
            self._process = subprocess.Popen(
                self._as_account([binary("postgres"), "-D", self._data]),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        ready = [binary("pg_isready"), "-q", "-h", self.socket]
        while subprocess.run(ready, check=False).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
            time.sleep(0.02)

    def _as_account(self, command):
        """The command as the server's account; it is told to quit when the thread that starts it ends."""
        prefix = ["setpriv", "--pdeathsig", "QUIT"]
        if os.geteuid() == 0:
            user, group = str(self._account.pw_uid), str(self._account.pw_gid)
            prefix += ["--reuid", user, "--regid", group, "--clear-groups"]
        return [*prefix, *map(str, command)]


def binary(name):
    """The path of a PostgreSQL program of the newest installed version."""
    versions = {
        int(path.parent.parent.name): path
        for path in pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
        if re.fullmatch(r"\d+", path.parent.parent.name)
    }
    if not versions or max(versions) < OLDEST_VERSION:
        raise RuntimeError(f"no PostgreSQL {OLDEST_VERSION} or newer in /usr/lib/postgresql (run: make setup)")
    return str(versions[max(versions)])


def main():
    parser = argparse.ArgumentParser(description="Run a command against a private PostgreSQL server.")
    parser.add_argument("action", choices=["run"])
    parser.add_argument("command", nargs="+")
    command = parser.parse_args().command
    with RunDirectory() as directory, PrivatePostgres(directory / "pg") as server:
        return subprocess.run(command, env={**os.environ, **server.environment()}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
