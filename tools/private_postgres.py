#!/usr/bin/env python3
"""A PostgreSQL server of our own: the distribution's binaries on a temporary data directory.

    private_postgres.py run -- COMMAND [ARGUMENT...]

runs the command with PGHOST, PGUSER and PGDATABASE pointing to a new, empty server. The server listens on a unix
socket only, runs as an unprivileged account, and ends with the process that started it, however that ends.
The system's own clusters are neither used nor touched. Run it with the Python that has saltext-approval installed.
"""

import argparse
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

from run_directory import RunDirectory

from saltext.approval.trial.postgres import SUPERUSER, Server, binary

__all__ = ["SUPERUSER", "PrivatePostgres", "binary"]


class PrivatePostgres(Server):
    """A server as the package has it, with what tests do to one besides."""

    def environment(self, database="postgres"):
        """What dsn() gives for the superuser, as libpq's environment variables."""
        return {"PGHOST": str(self.socket), "PGUSER": SUPERUSER, "PGDATABASE": database}

    def execute(self, sql, database="postgres"):
        """Run SQL as the superuser and return psql's unaligned output."""
        command = [binary("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.dsn(database=database)]
        return subprocess.run(command, input=sql, check=True, stdout=subprocess.PIPE, text=True).stdout

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
        copy.make_folders()
        command = [binary("pg_basebackup"), "-d", self.dsn(), "-D", copy.data, "-R", "-c", "fast", "-X", "stream"]
        subprocess.run(copy.as_account(command), cwd=copy.directory, check=True)
        with open(copy.data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write(f"unix_socket_directories = '{copy.socket}'\n")
        try:
            copy.start()
            yield copy
        finally:
            copy.stop()

    def _signal(self, number):
        """Send a signal to the first process of the server, which makes no others meanwhile, and to its children."""
        self._process.send_signal(signal.SIGSTOP)
        children = _children(self._process.pid)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)
        self._process.send_signal(number)
        return children


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


def main():
    parser = argparse.ArgumentParser(description="Run a command against a private PostgreSQL server.")
    parser.add_argument("action", choices=["run"])
    parser.add_argument("command", nargs="+")
    command = parser.parse_args().command
    with RunDirectory() as directory, PrivatePostgres(directory / "pg") as server:
        return subprocess.run(command, env={**os.environ, **server.environment()}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
