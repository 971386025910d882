"""Proof that a delivery comes from its site: an HMAC of its bytes, made with a secret that both know.

A secret is a text in a file of mode 0600, of at least SHORTEST characters.
"""

import base64
import hashlib
import hmac
import re

from ..config import DatedSecret
from ..errors import ConfigError
from .ticket import NoSignature, Unsigned

SHORTEST = 8
HUB_HEADER = "X-Hub-Signature"
TIME_HEADER = "X-Approval-Timestamp"
OWN_HEADER = "X-Approval-Signature"
MOST_APART_S = 300
HEXADECIMAL = re.compile("sha256=([0-9a-f]{64})")
BASE64 = re.compile("v1=([A-Za-z0-9+/]{43}=)")
SECONDS = re.compile("[0-9]{1,12}")


class Secret(DatedSecret):
    """A secret of a site."""

    def key(self):
        """Its bytes. Raises ConfigError."""
        text = self.text()
        if len(text) < SHORTEST:
            raise ConfigError(f"{self.where} {self.file}: a secret has at least {SHORTEST} characters")
        return text.encode()


def header(headers, name):
    """The value of a header by its name in any letter case; None: it is not there."""
    return next((value for key, value in headers.items() if key.lower() == name.lower()), None)


def check_hub(secrets, headers, body, now):
    """
    Check ``X-Hub-Signature: sha256=HEX``, the HMAC-SHA256 of the body, as Jira makes it.

    Gives what System.verify() does; raises Unsigned, ConfigError.
    """
    given = header(headers, HUB_HEADER)
    if given is None:
        raise NoSignature(f"the delivery has no header {HUB_HEADER}: set a secret where the webhook is made")
    match = HEXADECIMAL.fullmatch(given)
    if match is None:
        raise Unsigned(f"the header {HUB_HEADER} is not sha256= and 64 hexadecimal digits")
    return _maker(secrets, bytes.fromhex(match[1]), body, now)


def check_own(secrets, headers, body, now):
    """
    Check ``X-Approval-Signature: v1=BASE64``, the HMAC-SHA256 of ``v1.SECONDS.BODY``, where SECONDS is the header
    X-Approval-Timestamp, a Unix time at most MOST_APART_S seconds from ``now``; likewise.
    """
    given, at = header(headers, OWN_HEADER), header(headers, TIME_HEADER)
    if given is None:
        raise NoSignature(f"the delivery has no header {OWN_HEADER}")
    match = BASE64.fullmatch(given)
    if match is None:
        raise Unsigned(f"the header {OWN_HEADER} is not v1= and the base64 of 32 bytes")
    if at is None or not SECONDS.fullmatch(at):
        raise Unsigned(f"the header {TIME_HEADER} is missing, or no number of seconds")
    found = _maker(secrets, base64.b64decode(match[1]), b"v1." + at.encode() + b"." + body, now)
    if abs(now.timestamp() - int(at)) > MOST_APART_S:
        raise Unsigned(
            f"the delivery was signed more than {MOST_APART_S} s from now: is the clock of its system right?"
        )
    return found


def sign_own(secrets, body, now):
    """The headers of check_own() for a body of ours, with the newest secret: {name: value}. Raises ConfigError."""
    at = str(int(now.timestamp()))
    mac = hmac.new(secrets[0].key(), b"v1." + at.encode() + b"." + body, hashlib.sha256).digest()
    return {TIME_HEADER: at, OWN_HEADER: "v1=" + base64.b64encode(mac).decode()}


def _maker(secrets, mac, signed, now):
    """What System.verify() gives, of the secret that made ``mac``."""
    if not secrets:
        raise Unsigned("the site has no webhook_secrets, so no delivery can prove that it comes from there")
    made_by = None
    # All are tried, so that the time it takes does not tell which one it was.
    for secret in (one for one in secrets if one.counts(now)):
        if hmac.compare_digest(hmac.new(secret.key(), signed, hashlib.sha256).digest(), mac):
            made_by = secret
    if made_by is None:
        raise Unsigned("the signature was made with none of the site's secrets that count today")
    return made_by.until and f"{made_by.file}, which counts until {made_by.until}"


def is_basic(given, user, password):
    """Whether a header Authorization is that of this user and password."""
    wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    return hmac.compare_digest(given.encode(), wanted.encode())
