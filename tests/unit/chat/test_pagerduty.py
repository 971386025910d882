"""PagerDuty is told of what is wrong until it is over, once for each thread, and never more than it takes."""

import pytest
from standins.pagerduty import PagerDutyStandIn

from saltext.approval.chat.channel import Away, Failed, Later
from saltext.approval.chat.message import Link, Message
from saltext.approval.chat.pagerduty import channel, dedup_key
from saltext.approval.errors import ConfigError

KEY = "k" * 32
WHERE = "approval:chat:channels:oncall"


@pytest.fixture
def site():
    with PagerDutyStandIn(KEY) as site:
        yield site


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key"
    path.write_text(KEY + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def oncall(site, key_file):
    made = channel("oncall", WHERE, {"kind": "pagerduty", "key_file": str(key_file), "url": site.url})
    yield made
    made.close()


def drift(tone, title="Drift on web1", thread="drift/web1", links=()):
    return Message(thread, title, (("1 thing is not as it was applied.",),), links=links, tone=tone)


def test_drift_triggers_and_resolves(oncall, site):
    message = drift("warning", links=(Link("Open", "https://x/"),))
    assert oncall.deliver(message, "drift/web1") == "drift/web1"
    (payload,) = site.alerts["drift/web1"]
    assert (payload["summary"], payload["source"], payload["severity"]) == ("Drift on web1", "web1", "warning")
    assert payload["custom_details"]["key"] == "drift/web1"
    assert "1 thing is not" in payload["custom_details"]["text"]
    assert site.requests()[0].body["links"] == [{"href": "https://x/", "text": "Open"}]
    oncall.deliver(message, "drift/web1", ts="drift/web1")
    assert list(site.alerts) == ["drift/web1"]
    assert oncall.deliver(drift("good"), "drift/web1", ts="drift/web1") == "drift/web1"
    assert site.alerts == {"drift/web1": []}


@pytest.mark.parametrize(("tone", "severity"), [("bad", "critical"), ("warning", "warning"), ("plain", "info")])
def test_alarms_have_their_severity(oncall, site, tone, severity):
    oncall.deliver(Message("alarm/12", "critical: x", tone=tone), "alarm/12")
    assert [payload["severity"] for payload in site.alerts["alarm/12"]] == [severity]


def test_what_people_say_of_an_alarm_is_no_event(oncall, site):
    assert oncall.deliver(Message("alarm/12#3", "bob acknowledged this."), "alarm/12", ts="alarm/12") == "alarm/12"
    assert not site.requests()


def test_a_request_that_ended_is_a_change(oncall, site):
    assert oncall.deliver(Message("request/7", "Request 7: Packages", tone="good"), "request/7") is None
    assert oncall.deliver(Message("request/7#4", "Done, and proved so", tone="good"), "request/7") is None
    assert [payload["summary"] for payload in site.changes] == ["Done, and proved so"]
    assert site.changes[0]["custom_details"]["key"] == "request/7#4"
    assert site.alerts == {}


@pytest.mark.parametrize(
    ("topic", "act", "is_wanted"),
    [
        ("drift", None, True), ("alarms", "raised", True), ("alarms", "acknowledged", True), ("alarms", "muted", False),
        ("requests", "submitted", False), ("requests", "approve", False), ("requests", "converged", True),
        ("requests", "failed", True), ("requests", "partial", True),
    ],
)  # fmt: skip
def test_what_is_told(oncall, topic, act, is_wanted):
    assert oncall.wants(topic, {"act": act}) is is_wanted


@pytest.mark.parametrize("thread", ["job/2026", "ask/7/bob", "digest/bob"])
def test_it_is_no_place_for_the_rest(oncall, site, thread):
    with pytest.raises(Failed, match=f"PagerDuty is told of drift, alarms and requests, and not of {thread}"):
        oncall.deliver(Message(thread, "x"), thread)
    assert not site.requests()


def test_long_and_odd_texts_are_taken(oncall, site):
    thread = "drift/" + "m" * 255
    key = oncall.deliver(drift("bad", title="a\nb" + "\U0001f600" * 2000, thread=thread), thread)
    assert len(key) == 255
    assert key == dedup_key(thread) != dedup_key(thread[:-1] + "n")
    assert site.alerts[key][0]["summary"].startswith("a␊b")
    assert oncall.deliver(drift("good", thread=thread), thread, ts=key) == key
    assert site.alerts == {key: []}


def test_what_fails_is_said_without_the_key(oncall, site):
    site.lies.unavailable = 1
    with pytest.raises(Away, match=f"^{WHERE}: PagerDuty answers 500$"):
        oncall.deliver(drift("bad"), "drift/web1")
    site.routing_key = "o" * 32
    with pytest.raises(Failed, match="answers 400: Event object is invalid; Invalid routing key ") as caught:
        oncall.deliver(drift("bad"), "drift/web1")
    assert KEY not in str(caught.value)
    site.crash()
    with pytest.raises(Away, match="cannot be reached") as caught:
        oncall.deliver(drift("bad"), "drift/web1")
    assert KEY not in str(caught.value)


def test_too_many_waits(oncall, site):
    site.lies.too_many = 1
    with pytest.raises(Later):
        oncall.deliver(drift("bad"), "drift/web1")
    assert len(site.requests()) == 1


def test_what_may_have_come_comes_again_as_the_same_alert(oncall, site):
    site.lies.cut_after = 1
    with pytest.raises(Away, match="cannot be reached"):
        oncall.deliver(drift("bad"), "drift/web1")
    oncall.deliver(drift("bad"), "drift/web1")
    assert list(site.alerts) == ["drift/web1"]


def test_a_new_key_needs_no_restart(oncall, site, key_file):
    site.routing_key = "n" * 32
    key_file.write_text("n" * 32)
    oncall.deliver(drift("bad"), "drift/web1")
    assert list(site.alerts) == ["drift/web1"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "http://events.pagerduty.com"}, "url must be an address as https://events.pagerduty.com"),
        ({"url": "https://events.pagerduty.com/v2"}, "url must be an address as .*, with nothing behind it"),
        ({"key": KEY}, "there is no setting 'key' .known: kind, key_file, url"),
        ({"key_file": None}, "key_file must be the full path of a file"),
        ({"key_file": "key"}, "key_file must be the full path of a file"),
    ],
)
def test_settings_that_are_refused(changes, said):
    with pytest.raises(ConfigError, match=f"^{WHERE}: {said}"):
        channel("oncall", WHERE, {"kind": "pagerduty", "key_file": "/etc/key", **changes})


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [(KEY, 0o644, "others may read or write it"), ("u+key", 0o600, "holds no integration key")],
)
def test_a_file_that_is_refused(oncall, site, key_file, text, mode, said):
    key_file.write_text(text)
    key_file.chmod(mode)
    with pytest.raises(ConfigError, match=said) as caught:
        oncall.deliver(drift("bad"), "drift/web1")
    assert text not in str(caught.value)
    assert not site.requests()
