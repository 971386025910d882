"""The stand-in of PagerDuty refuses what PagerDuty does."""

import pytest
import requests
from standins.pagerduty import PagerDutyStandIn

KEY = "k" * 32
PAYLOAD = {"summary": "s", "source": "web1", "severity": "critical"}


@pytest.mark.parametrize(
    ("path", "changes", "said"),
    [
        ("/v2/enqueue", {"routing_key": "short"}, "routing_key"),
        ("/v2/enqueue", {"routing_key": "o" * 32}, "routing key"),
        ("/v2/enqueue", {"event_action": "raise"}, "event_action"),
        ("/v2/enqueue", {"dedup_key": "x" * 256}, "dedup_key"),
        ("/v2/enqueue", {"event_action": "resolve", "dedup_key": None}, "dedup_key"),
        ("/v2/enqueue", {"payload": None}, "payload"),
        ("/v2/enqueue", {"payload": {**PAYLOAD, "summary": ""}}, "summary"),
        ("/v2/enqueue", {"payload": {**PAYLOAD, "summary": "x" * 1025}}, "summary"),
        ("/v2/enqueue", {"payload": {**PAYLOAD, "source": None}}, "source"),
        ("/v2/enqueue", {"payload": {**PAYLOAD, "severity": "bad"}}, "severity"),
        ("/v2/change/enqueue", {"payload": {"summary": "x"}}, "source"),
    ],
)
def test_it_refuses(path, changes, said):
    with PagerDutyStandIn(KEY) as site:
        event = {"routing_key": KEY, "event_action": "trigger", "dedup_key": "a", "payload": PAYLOAD, **changes}
        answer = requests.post(site.url + path, json=event, timeout=10)
        assert answer.status_code == 400
        assert said in str(answer.json()["errors"])
        assert (site.alerts, site.changes) == ({}, [])
