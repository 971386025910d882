"""Names that stand in front of secrets: of arguments, options, variables, headers and settings."""

import functools
import itertools
import re


def _words(text):
    return frozenset(text.split())


LONGEST = 200  # characters of a name; nobody types a longer one, so it counts as a secret's
# A name that has one of these words is a secret's.
WORDS = _words(
    "password passwords passwd passphrase passcode pass pwd pw psk pswd secret secrets credential credentials token "
    "auth authorization cookie cookies bearer otp apikey accesskey privatekey secretkey authkey authtoken "
    "activationkey authdata requirepass masterauth jwt community"
)
# Words that are often written together with others: PGPASSWORD, clientsecret, rootpw, keypass.
WITHIN = re.compile(r"passw(?:or)?d|passphrase|passcode|secret|credential|.pwd$|.pw$|.token$|.apikey$|.pass$")
NOT_WITHIN = frozenset({"bypass", "compass", "libsecret", "trespass", "encompass", "underpass", "overpass", "surpass"})
# The words in front of "key" with which it is a secret; others are public, or paths.
KEYS = _words(
    "api private access secret encryption encrypt encrypted signing sign account shared master service auth "
    "consumer client storage session deploy webhook sas evidence certificate registration activation product "
    "license app crypt subscription management recovery"
)
# A name that ends so tells something about a secret, or where it is.
ABOUT = _words(
    "file files path paths dir directory fd stdin env url uri endpoint host hosts port type types policy length len "
    "size age days expiry expiration expire expires expired ttl timeout timeouts count limit limits algorithm alg "
    "method methods mode user username users prompt required enabled disabled authentication manager store provider "
    "backend service services server class plugin plugins format version field label hint changed strength "
    "complexity history location namespace jar generator renew agent sock socket issuer audience feedback quality "
    "aging attempts retries retry reader lifetime rotation accessor"
)
NO_VALUE = frozenset(
    {
        "ask",
        "export",
        "delete",
        "import",
        "no",
        "without",
        "prompt",
        "get",
        "show",
        "list",
        "min",
        "max",
        "require",
        "verify",
    }
)
# The working directory of a shell has the name of a password.
HARMLESS = frozenset({"PWD", "OLDPWD", "$PWD", "$OLDPWD"})
PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[A-Z]+")


@functools.lru_cache(maxsize=8192)
def is_secret_name(name):
    """Whether what stands behind this name is to be hidden: ``db_password``, ``PGPASSWORD``, ``X-Auth-Token``."""
    if len(name) > LONGEST:
        return True
    if name in HARMLESS:
        return False
    words = words_of(name)
    if not words or words[-1] in ABOUT or not NO_VALUE.isdisjoint(words):
        return False
    return any(_is_secret(word) for word in words) or any(
        second in ("key", "keys") and first in KEYS for first, second in itertools.pairwise(words)
    )


@functools.lru_cache(maxsize=8192)
def has_secret_word(name):
    """Whether a secret is what it is about at all, as ``shadow.set_password`` and ``ssh.set_auth_key`` are."""
    return any(_is_secret(word) for word in words_of(name[:LONGEST])) or is_secret_name(name)


def words_of(name):
    """The words of a name, in small letters, however they are joined: ``authToken``, ``AUTH_TOKEN``, ``auth-token``."""
    return [piece.lower() for piece in PIECES.findall(name)]


def _is_secret(word):
    return word in WORDS or (word not in NOT_WITHIN and WITHIN.search(word) is not None)
