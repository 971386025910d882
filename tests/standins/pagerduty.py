"""A stand-in of PagerDuty's Events API v2: alerts by their keys, change events, and what it refuses."""

import json

from .wire import Refused, Reply, StandIn, route

ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "error", "warning", "info")
KEY_LENGTH, DEDUP_KEY, SUMMARY, BYTES = 32, 255, 1024, 512 * 1024


class PagerDutyStandIn(StandIn):
    """
    A service with one integration.

    routing_key
        Its key.
    alerts
        dedup_key -> the payloads of what triggered the alert that is open, oldest first; [] once it is resolved.
    changes
        The payloads of change events, oldest first.

    Its lies, besides the faults of the wire: ``too_many`` (429), ``unavailable`` (500; nothing has happened).
    """

    LIES = ("too_many", "unavailable")

    def __init__(self, routing_key, port=0):
        super().__init__(port)
        self.routing_key = routing_key
        self.alerts, self.changes = {}, []

    @route("POST", "/v2/enqueue")
    def enqueue(self, request):
        """An event of an alert."""
        event = self._event(request)
        key, payload = event.get("dedup_key"), event.get("payload")
        problems = [] if event.get("event_action") in ACTIONS else ["'event_action' is invalid"]
        if key is not None and not (isinstance(key, str) and 0 < len(key) <= DEDUP_KEY):
            problems.append(f"Length of 'dedup_key' is incorrect (should be at most {DEDUP_KEY} characters)")
        if event.get("event_action") == "trigger":
            problems += self._problems(payload)
            if isinstance(payload, dict) and payload.get("severity") not in SEVERITIES:
                problems.append("'payload.severity' is invalid")
        elif key is None:
            problems.append("'dedup_key' is missing or blank")
        self._refuse(problems)
        if event["event_action"] == "trigger":
            self.alerts.setdefault(key, []).append(payload)
        elif event["event_action"] == "resolve":
            self.alerts[key] = []
        return Reply(202, {"status": "success", "message": "Event processed", "dedup_key": key})

    @route("POST", "/v2/change/enqueue")
    def change(self, request):
        """A change event."""
        event = self._event(request)
        self._refuse(self._problems(event.get("payload")))
        self.changes.append(event["payload"])
        return Reply(202, {"status": "success", "message": "Change event processed"})

    def _event(self, request):
        if self.lies.tell("too_many"):
            raise Refused(429, {"status": "throttle exceeded", "message": "Requests for this service are too many"})
        if self.lies.tell("unavailable"):
            raise Refused(500)
        if len(request.body) > BYTES:
            raise Refused(413)
        try:
            event = json.loads(request.body)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            self._refuse(["Event is not a JSON object"])
        key = event.get("routing_key")
        if not isinstance(key, str) or len(key) != KEY_LENGTH:
            self._refuse([f"Length of 'routing_key' is incorrect (should be {KEY_LENGTH} characters)"])
        if key != self.routing_key:
            # The key is in the answer, so that a test sees whether somebody writes it down.
            self._refuse([f"Invalid routing key {key}"])
        return event

    def _problems(self, payload):
        if not isinstance(payload, dict):
            return ["'payload' is missing or blank"]
        problems = [f"'payload.{name}' is missing or blank" for name in ("summary", "source") if not payload.get(name)]
        if len(payload.get("summary") or "") > SUMMARY:
            problems.append(f"Length of 'payload.summary' is incorrect (should be at most {SUMMARY} characters)")
        return problems

    def _refuse(self, problems):
        if problems:
            body = {"status": "invalid event", "message": "Event object is invalid", "errors": problems}
            raise Refused(400, body)
