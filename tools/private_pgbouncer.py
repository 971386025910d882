"""A PgBouncer of our own in front of a private server, as an operator would have one: in transaction mode.

The pooler takes the logins that the server has, with their passwords, on a unix socket; few connections serve all.
"""

import contextlib
import subprocess
import time

from private_postgres import SUPERUSER

CONFIGURATION = """\
[databases]
* = host={server} auth_user={superuser}
[pgbouncer]
listen_addr =
listen_port = 5432
unix_socket_dir = {socket}
auth_type = scram-sha-256
auth_file = {users}
auth_query = SELECT usename, passwd FROM pg_catalog.pg_shadow WHERE usename = $1
pool_mode = transaction
default_pool_size = {connections}
server_login_retry = 1
"""
START_TIMEOUT_S = 30


class PrivatePgBouncer:
    """
    Context manager around a PgBouncer below `directory` (created). Where `socket` stands for that of the server in a
    connection string, it leads through the PgBouncer.
    """

    def __init__(self, server, directory, connections=3):
        self.directory = directory
        self.socket = directory / "socket"
        self._server = server
        self._connections = connections
        self._process = None

    def __enter__(self):
        for folder in (self.directory, self.socket):
            folder.mkdir(mode=0o755)
            self._server.give(folder)
        users = self.directory / "users"
        users.write_text(f'"{SUPERUSER}" ""\n')
        settings = {"server": self._server.socket, "superuser": SUPERUSER, "socket": self.socket, "users": users}
        configuration = CONFIGURATION.format(connections=self._connections, **settings)
        (self.directory / "pgbouncer.ini").write_text(configuration)
        self.start()
        return self

    def __exit__(self, *exception):
        self.kill()

    def start(self):
        """Start it, also again after kill(); returns when it takes connections."""
        # A killed one leaves its socket behind, which the next one takes for that of a running one.
        for left in self.socket.iterdir():
            left.unlink()
        log = self.directory / "log"
        with open(log, "ab") as output:
            self._process = subprocess.Popen(
                self._server.as_account(["/usr/sbin/pgbouncer", self.directory / "pgbouncer.ini"]),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (self.socket / ".s.PGSQL.5432").exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PgBouncer did not start:\n{log.read_text()}")
            time.sleep(0.02)

    def kill(self):
        """Kill it with SIGKILL: its clients and the server find their connections ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    def through(self, dsn):
        """The connection string of the server, but through this."""
        return dsn.replace(f"host={self._server.socket}", f"host={self.socket}")
