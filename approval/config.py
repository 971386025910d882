"""How to reach the database, as read from the master's configuration or the command line.

Used for every pillar, so it imports nothing heavy. Errors name the setting and the file, never their content.
"""

import datetime
import functools
import os
import stat
from dataclasses import dataclass, field

from .errors import ConfigError

SOURCES = ("dsn_file", "dsn", "service")
OPTIONS = {"connect_timeout_ms": int, "timeout_ms": int, "prepare": bool}
MAX_TIMEOUT_MS = 600_000
MAX_DSN_BYTES = 65_536


@dataclass(frozen=True)
class Connection:
    """A libpq connection string and the options of the C core; its repr shows neither."""

    conninfo: str = field(repr=False)
    options: dict = field(default_factory=dict, repr=False)


def connection(settings, where, also=(), uid=None):
    """
    Read the connection settings in the mapping ``settings``.

    where
        Where the settings stand, for error texts: ``approval:runner``.
    also
        Names of further settings that are allowed there and left to the caller.
    uid
        The account that a ``dsn_file`` must be meant for; None: the one that this process runs as.

    Exactly one of ``dsn_file``, ``dsn`` and ``service`` says where the database is. Raises ConfigError.
    """
    if not isinstance(settings, dict):
        raise ConfigError(f"{where} must be a mapping of settings, such as dsn_file: /etc/salt/approval.dsn")
    known = (*SOURCES, *OPTIONS, *also)
    for name in settings:
        if name not in known:
            raise ConfigError(f"{where}: unknown setting {name!r} (known: {', '.join(known)})")
    given = [name for name in SOURCES if settings.get(name) is not None]
    if len(given) != 1:
        now = "none" if not given else " and ".join(given)
        raise ConfigError(f"{where}: set exactly one of {', '.join(SOURCES)} (set now: {now})")
    source = given[0]
    text = settings[source]
    if not isinstance(text, str) or not text.strip():
        raise ConfigError(f"{where}: {source} must be a non-empty text")
    if source == "dsn_file":
        conninfo = read_dsn_file(text, f"{where}: dsn_file", uid)
    elif source == "service":
        conninfo = "service=" + quote(text)
    else:
        conninfo = text.strip()
    return Connection(conninfo, _options(settings, where))


def read_dsn_file(path, what, uid=None):
    """
    The connection string in the file ``path``, which is for the account ``uid`` (None: that of this process).
    ``what`` names the setting or option that gave the path, for error texts.

    As it may hold a password it must belong to that account, unreadable for others; or to root, readable for
    a group at most. Raises ConfigError.
    """
    return _private_text(path, what, uid, "one libpq connection string")


def read_secret_file(path, what, uid=None):
    """The same of a file that holds a secret or a token, and nothing else."""
    return _private_text(path, what, uid, "one secret")


def read_passwords_file(path, what, uid=None):
    """The same of a file with a line for each person who may sign in by a password."""
    return _private_text(path, what, uid, "a line of `salt-approval web password NAME` for each person")


@dataclass(frozen=True)
class DatedSecret:
    """
    A secret in a file, of which several can be in use: one to be retired has the day until which it still counts, so
    that the other side can be given the new one in between.

    where
        Where its setting stands, for errors.
    file
        The full path of the file, which is read each time.
    until
        The last day, in UTC, on which it counts, a date; None: it is not to be retired.
    """

    where: str
    file: str
    until: datetime.date | None = None

    def text(self):
        """The secret. Raises ConfigError."""
        return read_secret_file(self.file, self.where)

    def counts(self, now):
        """Whether it counts at ``now``, a datetime with a zone."""
        return self.until is None or now.astimezone(datetime.timezone.utc).date() <= self.until


def _private_text(path, what, uid, content):
    uid = os.geteuid() if uid is None else uid
    label = f"{what} {path}"
    try:
        status = os.stat(path)
        _check_access(status, uid, label)
        return _content(path, uid, label, content, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
    except OSError as exc:
        raise ConfigError(f"{label} cannot be read: {exc.strerror}") from None


def check_private(path, what, uid=None):
    """
    Refuse the file ``path``, which ``what`` names for error texts, if others than the account ``uid`` (None: that of
    this process) could read or write it, as for read_dsn_file. Raises ConfigError.
    """
    try:
        _check_access(os.stat(path), os.geteuid() if uid is None else uid, f"{what} {path}")
    except OSError as exc:
        raise ConfigError(f"{what} {path} cannot be read: {exc.strerror}") from None


@functools.lru_cache(maxsize=16)
def _content(path, uid, label, holds, *_identity):
    """The file's text; read again when its identity changes, since every pillar asks for it."""
    with open(path, "rb") as file:
        _check_access(os.fstat(file.fileno()), uid, label)
        content = file.read(MAX_DSN_BYTES + 1)
    try:
        text = content.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise ConfigError(f"{label} is not UTF-8 text") from None
    if not text or "\0" in text or len(content) > MAX_DSN_BYTES:
        raise ConfigError(f"{label} must hold {holds}")
    return text


def quote(value):
    """The text as a value in a libpq connection string."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _check_access(status, uid, label):
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"{label} is not a regular file")
    if status.st_uid not in (0, uid):
        raise ConfigError(f"{label} belongs to uid {status.st_uid}: it must belong to root or to uid {uid}")
    allowed = 0o640 if status.st_uid == 0 else 0o600
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077 & ~allowed:
        raise ConfigError(f"{label} has mode {mode:04o}, so others may read or write it: chmod {allowed:o} it")


def _options(settings, where):
    options = {}
    for name, expected in OPTIONS.items():
        if name not in settings:
            continue
        value = settings[name]
        # bool is an int in Python, but `timeout_ms: true` is a mistake.
        if expected is bool:
            if not isinstance(value, bool):
                raise ConfigError(f"{where}: {name} must be true or false")
        elif isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_TIMEOUT_MS:
            raise ConfigError(f"{where}: {name} must be a whole number of milliseconds, 1 to {MAX_TIMEOUT_MS}")
        options[name] = value
    return options
