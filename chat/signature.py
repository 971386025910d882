"""Proof that a click or a command comes from Slack: an HMAC of the raw bytes and their time, which counts once."""

import hashlib
import hmac
import re
import threading

MOST_APART_S = 300
REMEMBERED_S = 600
SECONDS = re.compile(r"[0-9]{1,12}")
SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


class Verifier:
    """
    Checks what comes in over HTTP. Objects may be used by several threads.

    secret
        Gives the signing secret of the app, a text; raises ConfigError.
    """

    def __init__(self, secret):
        self._secret = secret
        self._seen = {}  # signature -> until when it is remembered
        self._lock = threading.Lock()

    def verify(self, headers, body, now):
        """
        Whether Slack made this, it is not older or newer than MOST_APART_S seconds, and it was not seen before.

        headers
            A mapping of names, in any letter case, to texts.
        body
            The raw bytes.
        now
            Seconds since 1970, UTC.
        """
        given = {name.lower(): value for name, value in headers.items()}
        at, signature = given.get("x-slack-request-timestamp", ""), given.get("x-slack-signature", "")
        if not SECONDS.fullmatch(at) or not SIGNATURE.fullmatch(signature):
            return False
        mac = hmac.new(self._secret().encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest("v0=" + mac, signature) or abs(now - int(at)) > MOST_APART_S:
            return False
        with self._lock:
            self._seen = {one: until for one, until in self._seen.items() if until > now}
            if signature in self._seen:
                return False
            self._seen[signature] = now + REMEMBERED_S
        return True
