#!/usr/bin/env python3
"""A PostgreSQL server of our own: the distribution's binaries on a temporary data directory.

    private_postgres.py run -- COMMAND [ARGUMENT...]

runs the command with PGHOST, PGUSER and PGDATABASE pointing to a new, empty server. The server listens on a unix
socket only, runs as an unprivileged account, and ends with the process that started it, however that ends.
The system's own clusters are neither used nor touched.
"""

import argparse
import contextlib
import os
import pathlib
import pwd
import re
import signal
import subprocess
import sys
import time

from run_directory import RunDirectory

SUPERUSER = "postgres"
OLDEST_VERSION = 15
START_TIMEOUT_S = 30

# Nothing here outlives the run, so nothing needs to survive a power failure. With mmap a killed server leaves its
# shared memory among its data, and not in /dev/shm.
CONFIGURATION = """\
listen_addresses = ''
unix_socket_directories = '{socket}'
fsync = off
full_page_writes = off
synchronous_commit = on
shared_buffers = 64MB
dynamic_shared_memory_type = mmap
max_connections = 60
log_line_prefix = '%m [%p] %u@%d '
"""
# People and services log in with passwords. Only the accounts that run the tests may be the superuser.
HBA = """\
local all,replication {superuser} peer map=superuser
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
            self.start()
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

    def start(self):
        """Start the server, also again after stop() or kill(); returns when it takes connections."""
        log = self.directory / "log"
        with open(log, "ab") as output:
            # Its own session: Ctrl-C on the terminal is for the program that uses the server.
            self._process = subprocess.Popen(
                self.as_account([binary("postgres"), "-D", self._data]),
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

    def stop(self, mode="immediate"):
        """Stop the server in one of the ways that pg_ctl knows. Its data stays."""
        if self._process is None:
            return
        subprocess.run(
            self.as_account([binary("pg_ctl"), "stop", "-D", self._data, "-m", mode, "-s"]),
            cwd=self.directory,
            check=False,
        )
        self._process.wait()
        self._process = None

    def kill(self):
        """Kill the server and all its processes with SIGKILL: it gets to do nothing any more."""
        children = self._signal(signal.SIGKILL)
        self._process.wait()
        self._process = None
        # The next server refuses to start while one of them still has the shared memory.
        while any(_process(child) for child in children):
            time.sleep(0.005)

    @contextlib.contextmanager
    def suspended(self):
        """Within the `with`, all processes of the server stand still: it holds its connections and says nothing."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    @contextlib.contextmanager
    def standby(self, directory):
        """A running copy of this server below `directory` that follows it, as a PrivatePostgres."""
        copy = PrivatePostgres(directory)
        copy._make_folders()
        command = [binary("pg_basebackup"), "-d", self.dsn(), "-D", copy._data, "-R", "-c", "fast", "-X", "stream"]
        subprocess.run(copy.as_account(command), cwd=copy.directory, check=True)
        with open(copy._data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write(f"unix_socket_directories = '{copy.socket}'\n")
        try:
            copy.start()
            yield copy
        finally:
            copy.stop()

    def give(self, path):
        """Have a file or folder belong to the account that the server runs as."""
        os.chown(path, self._account.pw_uid, self._account.pw_gid)

    @property
    def running(self):
        """Whether it was started and neither stopped nor killed."""
        return self._process is not None

    @property
    def _data(self):
        return self.directory / "data"

    def _make_folders(self):
        self.directory.mkdir(mode=0o755)
        for folder in (self._data, self.socket):
            folder.mkdir(mode=0o700)
        self.socket.chmod(0o755)
        for folder in (self.directory, self._data, self.socket):
            self.give(folder)

    def _initialize(self):
        self._make_folders()
        initdb = [binary("initdb"), "-D", self._data, "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8", "-N"]
        subprocess.run(
            self.as_account([*initdb, "--auth=peer"]),
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

    def _signal(self, number):
        """Send a signal to the first process of the server, which makes no others meanwhile, and to its children."""
        self._process.send_signal(signal.SIGSTOP)
        children = _children(self._process.pid)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)
        self._process.send_signal(number)
        return children

    def as_account(self, command):
        """The command as the server's account; it is told to quit when the thread that starts it ends."""
        prefix = ["setpriv", "--pdeathsig", "QUIT"]
        if os.geteuid() == 0:
            user, group = str(self._account.pw_uid), str(self._account.pw_gid)
            prefix += ["--reuid", user, "--regid", group, "--clear-groups"]
        return [*prefix, *map(str, command)]


def _children(parent):
    """The ids of the processes that this one has started and that have not ended."""
    ids = [int(folder.name) for folder in pathlib.Path("/proc").glob("[0-9]*")]
    return {number for number in ids if (_process(number) or (None, None))[1] == parent}


def _process(number):
    """State (a letter) and parent of a process; None if there is none, or if it has ended."""
    try:
        stat = pathlib.Path(f"/proc/{number}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name stands in parentheses and may hold anything.
    state, parent = stat.rpartition(")")[2].split()[:2]
    return None if state in "ZX" else (state, int(parent))


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
