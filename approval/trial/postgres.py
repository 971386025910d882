"""A PostgreSQL server of our own: the programs that are installed, on a new directory and a unix socket in it."""

import os
import pathlib
import pwd
import re
import shutil
import subprocess
import time

from ..errors import ConfigError, Unavailable

SUPERUSER = "postgres"
OLDEST_VERSION = 15
START_TIMEOUT_S = 30
# Where packages put the programs of each version: those of Debian and Ubuntu, and of Red Hat and its kin.
FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
ACCOUNT = "postgres"  # which the packages make; nothing runs a server as root

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
# People and services log in with passwords. Only the accounts that make the server may be the superuser.
HBA = """\
local all,replication {superuser} peer map=superuser
local all all scram-sha-256
"""


class Server:
    """
    Context manager around one server below ``directory`` (created; the socket is in it as well).

    It listens on a unix socket only, runs as an unprivileged account, and ends with the process that started it,
    however that ends. The system's own clusters are neither used nor touched. Raises ConfigError where a program or an
    account is missing, and Unavailable where the server does not start.
    """

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.socket = self.directory / "socket"
        self.account = _account()
        self._process = None

    def __enter__(self):
        try:
            self.initialize()
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

    def start(self):
        """Start the server, also again after stop(); returns when it takes connections."""
        log = self.directory / "log"
        with open(log, "ab") as output:
            # Its own session: Ctrl-C on the terminal is for the program that uses the server.
            self._process = subprocess.Popen(  # noqa: S603 (a program of PostgreSQL's)
                self.as_account([binary("postgres"), "-D", self.data]),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        ready = [binary("pg_isready"), "-q", "-h", self.socket]
        while subprocess.run(ready, check=False).returncode != 0:  # noqa: S603
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"the private PostgreSQL did not start:\n{log.read_text()}")
            time.sleep(0.02)

    def stop(self, mode="immediate"):
        """Stop the server in one of the ways that pg_ctl knows. Its data stays."""
        if self._process is None:
            return
        stop = [binary("pg_ctl"), "stop", "-D", self.data, "-m", mode, "-s"]
        subprocess.run(self.as_account(stop), cwd=self.directory, check=False)  # noqa: S603
        self._process.wait()
        self._process = None

    @property
    def running(self):
        """Whether it was started and not stopped."""
        return self._process is not None

    @property
    def data(self):
        """The folder of its data."""
        return self.directory / "data"

    def give(self, path):
        """Have a file or folder belong to the account that the server runs as."""
        os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def make_folders(self):
        """Make the directory, with the folders of the data and of the socket."""
        self.directory.mkdir(mode=0o755)
        for folder in (self.data, self.socket):
            folder.mkdir(mode=0o700)
        self.socket.chmod(0o755)
        for folder in (self.directory, self.data, self.socket):
            self.give(folder)

    def initialize(self):
        """Make the folders and an empty cluster in them."""
        initdb = [binary("initdb"), "-D", self.data, "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8", "-N"]
        self.make_folders()
        made = subprocess.run(  # noqa: S603
            self.as_account([*initdb, "--auth=peer"]), cwd=self.directory, check=False, capture_output=True, text=True
        )
        if made.returncode != 0:
            raise Unavailable(
                f"no private PostgreSQL could be made in {self.directory} by the account {self.account.pw_name}: "
                f"{made.stderr}"
            )
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(socket=self.socket))
        (self.data / "pg_hba.conf").write_text(HBA.format(superuser=SUPERUSER))
        accounts = {pwd.getpwuid(os.geteuid()).pw_name, self.account.pw_name}
        (self.data / "pg_ident.conf").write_text(
            "".join(f"superuser {account} {SUPERUSER}\n" for account in sorted(accounts))
        )

    def as_account(self, command):
        """The command as the server's account; it is told to quit when the thread that starts it ends."""
        prefix = ["setpriv", "--pdeathsig", "QUIT"]
        if os.geteuid() == 0:
            user, group = str(self.account.pw_uid), str(self.account.pw_gid)
            prefix += ["--reuid", user, "--regid", group, "--clear-groups"]
        return [*prefix, *map(str, command)]


def binary(name):
    """The path of a PostgreSQL program of the newest installed version. Raises ConfigError."""
    versions = {}
    for pattern in FOLDERS:
        for path in pathlib.Path("/").glob(f"{pattern[1:]}/{name}"):
            if (version := re.search(r"\d+", path.parent.parent.name)) is not None:
                versions[int(version[0])] = str(path)
    if not versions or max(versions) < OLDEST_VERSION:
        raise ConfigError(
            f"there is no {name} of PostgreSQL {OLDEST_VERSION} or newer here: install the server's programs, as by "
            "apt-get install postgresql, or dnf install postgresql-server postgresql-contrib"
        )
    return versions[max(versions)]


def _account():
    if shutil.which("setpriv") is None:
        raise ConfigError(
            "there is no setpriv here, which keeps a private server from outliving us: install util-linux"
        )
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise ConfigError(
            f"there is no account {ACCOUNT}, which root runs a server as: install PostgreSQL's server, "
            "or be somebody else"
        ) from None
