#!/usr/bin/env python3
"""A private PostgreSQL server with the approval schema, installed as an operator would.

    approval_database.py run -- COMMAND [ARGUMENT...]

runs the command as the superuser of such a database (PGHOST, PGUSER, PGDATABASE; as one connection string,
APV_TEST_DSN). Run it with the Python that has saltext-approval installed.
"""

import argparse
import os
import secrets
import subprocess
import sys

import child
from private_postgres import SUPERUSER, PrivatePostgres
from run_directory import RunDirectory

NAME = "approval"


class ApprovalDatabase:
    """Context manager around a server below `directory` that holds the database `approval`.

    Every login has its connection string in a file of its own, as `salt-approval` and the master's settings want
    it. The files of the master's parts are those that `salt-approval db init` makes: exporter, returner, runner,
    engine, policy.
    """

    def __init__(self, directory):
        self.server = PrivatePostgres(directory)
        self._dsn_files = self.server.directory / "dsn"
        self._passwords = {}

    def __enter__(self):
        self.server.__enter__()
        try:
            self._dsn_files.mkdir(mode=0o700)
            self.server.execute(f"CREATE DATABASE {NAME}")
            self._write_dsn(SUPERUSER)
            self.command(SUPERUSER, "db", "init", "--logins", str(self._dsn_files))
        except BaseException:
            self.server.stop()
            raise
        return self

    def __exit__(self, *exception):
        self.server.stop()

    def dsn_of(self, login=None, database=NAME):
        """The connection string of a login made by add_login, or of the superuser."""
        return self.server.dsn(login or SUPERUSER, database, self._passwords.get(login))

    def add_login(self, name, role):
        """Create the login `name` with a password of its own as a member of `role`."""
        password = secrets.token_urlsafe(18)
        self.server.execute(f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{password}' IN ROLE {role}")
        self._passwords[name] = password
        self._write_dsn(name)

    def dsn_file(self, login):
        """The file with the connection string of a login."""
        return self._dsn_files / f"{login}.dsn"

    def command(self, login, *arguments, check=True):
        """Run `salt-approval` as somebody who has that login; returns the subprocess.CompletedProcess."""
        command = ["salt-approval", "--dsn-file", self.dsn_file(login), *arguments]
        result = child.run(child.program("salt-approval"), command)
        if check and result.returncode != 0:
            raise RuntimeError(f"salt-approval {' '.join(arguments)}: {result.stdout}{result.stderr}")
        return result

    def query(self, sql):
        """Run SQL as the superuser; returns psql's unaligned output without the final newline."""
        return self.server.execute(sql, NAME).rstrip("\n")

    def _write_dsn(self, login):
        file = self.dsn_file(login)
        file.touch(mode=0o600)
        file.write_text(self.dsn_of(login) + "\n")


def main():
    parser = argparse.ArgumentParser(description="Run a command against a private approval database.")
    parser.add_argument("action", choices=["run"])
    parser.add_argument("command", nargs="+")
    command = parser.parse_args().command
    with RunDirectory() as directory, ApprovalDatabase(directory / "pg") as database:
        environment = {**os.environ, **database.server.environment(NAME), "APV_TEST_DSN": database.dsn_of()}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
