"""
PagerDuty, by its Events API v2: what is wrong becomes an alert, and is resolved when it is over.

Drift, minions that are silent, and alarms trigger and resolve the alert of their thread; how an approved request ended
is a change event, which calls nobody. A question is never repeated here, for the queue does that: PagerDuty
knows an alert by its key, so that one that comes twice is one.
"""

import datetime
import hashlib
import json
import re

import requests

from .. import __version__
from ..config import read_secret_file
from ..errors import ConfigError
from . import plain
from .channel import Away, Channel, Failed, Later
from .channels import full_path, mapping
from .message import cut, shown

SETTINGS = ("kind", "key_file", "url")
URL = "https://events.pagerduty.com"
# Without TLS for a server on this machine alone.
ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?|http://127\.0\.0\.1:[0-9]{1,5}")
KEY = re.compile(r"[A-Za-z0-9]{32}")
TIMEOUTS_S = (5.0, 15.0)  # to connect, and of silence
REST_S = 30.0  # for which it is left alone when it does not answer
PAUSE = datetime.timedelta(minutes=1)  # after "too many", of which PagerDuty names no end
ANSWER_BYTES, SAID = 65_536, 300
DEDUP_KEY, SUMMARY, DETAILS = 255, 1024, 4000  # characters
SEVERITIES = {"bad": "critical", "warning": "warning", "plain": "info"}
ENDS = ("converged", "partial", "failed")  # acts on requests


class PagerDuty(Channel):
    """
    A channel of kind ``pagerduty``: a service of it.

    where
        Where its settings stand, for errors.
    path
        The file with the integration key of the service, which is read for each event, so that a new key needs no
        restart.
    url
        Where the Events API is.
    """

    kind = "pagerduty"
    edits = True
    # Each alert is resolved by its own key.
    sums_up = False

    def __init__(self, name, where, path, url):
        super().__init__(name)
        self._where, self._path, self._url = where, path, url
        self._session = requests.Session()
        self._session.headers = {"User-Agent": f"saltext-approval/{__version__}"}

    def wants(self, topic, body):
        """Of requests only their ends; of alarms not that somebody muted one, as it is told again by that."""
        if topic == "requests":
            return body.get("act") in ENDS
        return topic != "alarms" or body.get("act") != "muted"

    def deliver(self, message, key, ts=None, address=None):
        """See Channel; the id is the key of the alert."""
        kind, _, name = key.partition("/")
        is_parent = message.key == key
        if kind in ("drift", "alarm"):
            alert = dedup_key(key)
            if is_parent:
                event = {"dedup_key": alert, **self._event(message, name if kind == "drift" else "salt")}
                self._post("/v2/enqueue", event)
            return alert
        if kind == "request":
            if not is_parent:
                payload = {**_payload(message, "salt"), "custom_details": _details(message)}
                self._post("/v2/change/enqueue", {"payload": payload, "links": _links(message)})
            return None
        raise Failed(
            f"{self._where}: PagerDuty is told of drift, alarms and requests, and not of {shown(key)}: lead its routes "
            "and contacts elsewhere"
        )

    def close(self):
        """Close the connection."""
        self._session.close()

    def _event(self, message, source):
        if message.tone == "good":
            return {"event_action": "resolve"}
        payload = {
            **_payload(message, source),
            "severity": SEVERITIES[message.tone],
            "custom_details": _details(message),
        }
        return {"event_action": "trigger", "payload": payload, "client": "salt-approval", "links": _links(message)}

    def _key(self):
        key = read_secret_file(self._path, f"{self._where}: key_file")
        if not KEY.fullmatch(key):
            raise ConfigError(f"{self._where}: key_file {self._path} holds no integration key of 32 letters and digits")
        return key

    def _post(self, path, event):
        key = self._key()
        try:
            # An authentication of ours, though an empty one, keeps the one in a file .netrc away.
            with self._session.post(
                self._url + path, json={"routing_key": key, **event}, timeout=TIMEOUTS_S, allow_redirects=False,
                auth=lambda request: request, stream=True,
            ) as response:  # fmt: skip
                status, content = response.status_code, next(response.iter_content(ANSWER_BYTES), b"")
        except (requests.exceptions.RequestException, OSError) as exc:
            # The text of the error has the address, and may have more.
            raise Away(f"{self._where}: PagerDuty cannot be reached ({type(exc).__name__})", REST_S) from None
        if status == 429:
            raise Later(datetime.datetime.now(datetime.timezone.utc) + PAUSE)
        if status >= 500:
            raise Away(f"{self._where}: PagerDuty answers {status}", REST_S)
        if status != 202:
            said = _said(content).replace(key, "***")
            raise Failed(f"{self._where}: PagerDuty answers {status}{said and ': '}{cut(shown(said), SAID)}")


def channel(name, where, given):
    """The PagerDuty that the mapping ``given`` describes. Raises ConfigError."""
    mapping(where, given, SETTINGS)
    url = given.get("url", URL)
    if not isinstance(url, str) or not ADDRESS.fullmatch(url):
        raise ConfigError(f"{where}: url must be an address as {URL}, with nothing behind it")
    return PagerDuty(name, where, full_path(where, given, "key_file"), url)


def dedup_key(thread):
    """The key of the alert of a thread: the thread itself, or as much as there is room for, and a digest of it all."""
    if len(thread) <= DEDUP_KEY:
        return thread
    digest = hashlib.sha256(thread.encode()).hexdigest()
    return f"{thread[: DEDUP_KEY - len(digest) - 1]}#{digest}"


def _payload(message, source):
    return {"summary": cut(shown(message.title), SUMMARY), "source": source}


def _details(message):
    return {"key": message.key, "text": plain.text(message, DETAILS)}


def _links(message):
    return [{"href": link.address, "text": shown(link.text)} for link in message.links]


def _said(content):
    """What an answer says of an error; empty where it says nothing."""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(answer, dict):
        return ""
    errors = answer.get("errors") if isinstance(answer.get("errors"), list) else []
    return "; ".join(str(text) for text in (answer.get("message"), *errors) if text)
