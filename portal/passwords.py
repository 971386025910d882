"""People who sign in by a password that stands, as a digest, in a file on this host: for trying it out.

Each line of the file is NAME:DIGEST, as `salt-approval web password NAME` makes it; the person is known to the policy
as web:NAME. Nobody is asked for a second factor here, and whoever can write the file can be anybody in it.
"""

import functools
import hashlib
import re
import threading

import argon2

from .. import config
from ..errors import ConfigError, InputError

PROVIDER = "web"
WHERE = "approval:portal: passwords"
# 19 MiB and two passes, as OWASP has it; the memory of a process is that of AT_ONCE.
HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
AT_ONCE = 2
NAME = re.compile(r"[^\s:#\x00-\x1f\x7f][^:\x00-\x1f\x7f]{0,253}")
LEAST, MOST = 12, 1024  # characters of a password


class Passwords:
    """A way to sign in, as people.py says: the file ``path``. Raises ConfigError where it cannot be used."""

    provider = PROVIDER
    template = "password.html"
    anew = None

    def __init__(self, path):
        self._path = path
        self._trying = threading.BoundedSemaphore(AT_ONCE)
        self._lines()

    def check(self):
        """Raise ConfigError unless the file can be used now."""
        self._lines()

    def is_right(self, name, password):
        """Whether it is the password of this person. Takes as long for somebody unknown. Raises ConfigError."""
        known = self._lines()
        digest = known.get(name)
        if len(password) > MOST:
            return False
        with self._trying:
            try:
                return HASHER.verify(digest or _of_nobody(), password) and digest is not None
            except argon2.exceptions.VerificationError:
                return False

    def credential(self, name):
        """
        A mark of what the person proves who they are with, which changes with it; None: they cannot any more. Raises
        ConfigError.
        """
        digest = self._lines().get(name)
        return None if digest is None else hashlib.sha256(digest.encode()).hexdigest()

    def _lines(self):
        return _parsed(config.read_passwords_file(self._path, WHERE))


def line(name, password):
    """The line for a person. Raises InputError."""
    if not NAME.fullmatch(name) or name != name.strip():
        raise InputError(f"{name!r} is no name for the file: no colons, nor spaces around it, and no # in front")
    if not LEAST <= len(password) <= MOST:
        raise InputError(f"a password has {LEAST} to {MOST} characters")
    return f"{name}:{HASHER.hash(password)}"


@functools.cache
def _of_nobody():
    """A digest that no password fits, as costly as others."""
    return HASHER.hash("")


@functools.lru_cache(maxsize=4)
def _parsed(text):
    """{name: digest} of the file's text."""
    known = {}
    for number, written in enumerate(text.splitlines(), 1):
        stripped = written.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, colon, digest = stripped.partition(":")
        try:
            argon2.extract_parameters(digest)
        except argon2.exceptions.InvalidHashError:
            colon = ""
        if not colon or not NAME.fullmatch(name):
            raise ConfigError(f"{WHERE}: line {number} is none that `salt-approval web password NAME` makes")
        if name in known:
            raise ConfigError(f"{WHERE}: line {number}: {name} has a line before: only one can count")
        known[name] = digest
    return known
