"""
Proof that a click or a command comes from Slack: an HMAC of the raw bytes and their time, which counts once.

It is made with the signing secret of the app. While that changes, the one of before counts beside it until its day.
"""

import datetime
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

    secrets
        The config.DatedSecret objects of the app, signing secrets.
    """

    def __init__(self, secrets):
        self._secrets = tuple(secrets)
        self._seen = {}  # signature -> until when it is remembered
        self._lock = threading.Lock()

    def check(self, now):
        """Raises ConfigError where one of the secrets that count at ``now`` cannot be read."""
        self._texts(now)

    def maker(self, headers, body, now):
        """
        The secret by which Slack made this; None: Slack did not, or it is more than MOST_APART_S seconds older
        or newer than ``now``, or it was seen before. Raises ConfigError.

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
            return None
        made_by = None
        # All are tried, so that the time it takes does not tell which one it was.
        for secret, text in self._texts(now):
            mac = hmac.new(text.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
            if hmac.compare_digest("v0=" + mac, signature):
                made_by = secret
        if made_by is None or abs(now - int(at)) > MOST_APART_S:
            return None
        with self._lock:
            self._seen = {one: until for one, until in self._seen.items() if until > now}
            if signature in self._seen:
                return None
            self._seen[signature] = now + REMEMBERED_S
        return made_by

    def _texts(self, now):
        at = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
        return [(secret, secret.text()) for secret in self._secrets if secret.counts(at)]
