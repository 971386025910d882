"""How Jira tells others of changes: signed, unordered, and resent only after some answers."""

import hashlib
import hmac
import http.client
import json
import random
import threading
import urllib.parse
import uuid
from dataclasses import dataclass, field

# Statuses that have Cloud send it again, besides a connection that fails, or times out.
RESENT = frozenset({408, 409, 425, 429, *range(500, 600)})
RESENDS = 5
BYTES = 25 << 20
KINDS = {"jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated"}


@dataclass(eq=False)
class Delivery:
    """
    One event on its way to one webhook.

    statuses
        What was answered, one after the other; None: the connection failed.
    is_over
        Nothing more is sent.
    """

    hook: "Hook"
    kind: str
    identifier: str
    body: bytes
    statuses: list = field(default_factory=list)
    is_over: bool = False


@dataclass(eq=False)
class Hook:
    """A registered webhook. ``seen``: how many of the site's events it has been given."""

    url: str
    secret: str | None
    seen: int
    timeout_s: float = 20.0


class Sender:
    """Sends the events of a stand-in of Jira."""

    def __init__(self, jira):
        self._jira = jira
        self._hooks = []
        self._due = []
        self._random = random.Random(7)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._threads = []
        # All that was ever sent, or given up.
        self.deliveries = []

    def subscribe(self, url, secret, retry_s, from_start=False):
        """A new Hook; with retry_s it is served by a thread of its own."""
        hook = Hook(url, secret, 0 if from_start else len(self._jira.events))
        self._hooks.append(hook)
        if retry_s is not None:
            thread = threading.Thread(target=self._serve, args=(hook, retry_s), daemon=True)
            self._threads.append(thread)
            thread.start()
        return hook

    def deliver(self, hook=None):
        """
        Sends once what is due: new events, and what is to be sent again. Gives the Deliveries that were tried.
        """
        with self._lock:
            for each in self._hooks if hook is None else [hook]:
                self._collect(each)
            tried = [delivery for delivery in self._due if hook in (None, delivery.hook)]
            if self._jira.lies.tell("shuffle_webhooks"):
                self._random.shuffle(tried)
        for delivery in tried:
            self._send(delivery)
        with self._lock:
            self._due = [delivery for delivery in self._due if not delivery.is_over]
        return tried

    def stop(self):
        """Sends nothing more of its own."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(5)

    def _serve(self, hook, retry_s):
        while not self._stopped.wait(0.05):
            tried = self.deliver(hook)
            if any(not delivery.is_over for delivery in tried):
                self._stopped.wait(retry_s)

    def _collect(self, hook):
        events = self._jira.events[hook.seen :]
        hook.seen += len(events)
        for event in events:
            body = json.dumps(self._document(event), ensure_ascii=False, separators=(",", ":")).encode()
            if len(body) > BYTES or self._jira.lies.tell("lose_webhook"):
                continue
            made = [Delivery(hook, event.kind, str(uuid.uuid4()), body)]
            if self._jira.lies.tell("duplicate_webhook"):
                made.append(Delivery(hook, event.kind, made[0].identifier, body))
            self._due += made
            self.deliveries += made

    def _document(self, event):
        jira = self._jira
        zone = jira.bot.time_zone
        shown = {"timestamp": int(event.at.timestamp() * 1000), "webhookEvent": event.kind}
        if event.kind.startswith("jira:"):
            shown["issue_event_type_name"] = event.kind.removeprefix("jira:")
            shown["user"] = jira.user(event.by)
        shown["issue"] = {"id": event.issue.id, "self": f"{jira.url}/rest/api/2/{event.issue.id}",
                          "key": event.issue.key, "fields": self._fields(event.issue, zone)}  # fmt: skip
        if event.history:
            shown["changelog"] = {"id": event.history.id, "items": jira.shown_items(event.history)}
        if event.comment:
            shown["comment"] = {"id": event.comment.id, "author": jira.user(event.comment.author)}
        return shown

    def _fields(self, issue, zone):
        fields = self._jira.shown_fields(issue, zone)
        # Webhooks are of v2 wherever they come from.
        fields["description"] = issue.fields.get("description")
        return fields

    def _send(self, delivery):
        hook, jira = delivery.hook, self._jira
        headers = {"Content-Type": "application/json; charset=UTF-8", "User-Agent": "Atlassian Webhook HTTP Client"}
        if hook.secret:
            headers["X-Hub-Signature"] = sign(delivery.body, hook.secret)
        if jira.is_cloud:
            headers["X-Atlassian-Webhook-Identifier"] = delivery.identifier
            headers["X-Atlassian-Webhook-Flow"] = "Primary"
            if delivery.statuses:
                headers["X-Atlassian-Webhook-Retry"] = str(len(delivery.statuses))
        status = post(hook.url, delivery.body, headers, hook.timeout_s)
        delivery.statuses.append(status)
        is_resent = jira.is_cloud and (status is None or status in RESENT) and len(delivery.statuses) <= RESENDS
        delivery.is_over = not is_resent


def sign(body, secret):
    """The value of X-Hub-Signature for the raw bytes of a body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def post(url, body, headers, timeout_s):
    """The status of the answer to a POST of these bytes; None: there was none in time. Follows nothing."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=timeout_s)
    try:
        connection.request("POST", urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, "")), body, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
