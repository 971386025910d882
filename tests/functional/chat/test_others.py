"""What the worker tells by mail and to PagerDuty, from a real database to real servers."""

import pytest
from standins.pagerduty import PagerDutyStandIn
from standins.smtp import SmtpStandIn

KEY = "k" * 32


@pytest.fixture
def post(room):
    """A mail server to which the channel ``mail`` leads, beside the room's."""
    with SmtpStandIn() as server:
        room.mail = {
            "kind": "mail",
            "host": "127.0.0.1",
            "port": server.port,
            "tls": "none",
            "from": "no-reply@example.com",
        }
        room.restart(mail=room.mail)
        room.database.execute("SELECT approval.put_contact(NULL, NULL, 'bob', 'mail', 'bob@example.com')")
        yield server


def subjects(server):
    return [(taken.to, taken.mail["Subject"]) for taken in server.taken]


def test_somebody_without_a_chat_is_asked_by_mail_and_called_a_last_time(room, post, client):
    number = client("alice").request("package", ["web1"], {"hello": "2.10-3"}, "a test")["request"]
    room.work()
    assert subjects(post) == [(["bob@example.com"], f"Please decide on request {number}: Packages")]
    age = "UPDATE approval.request_stage SET started_at = now() - interval '6 days' WHERE request_id = %s"
    room.database.execute(age, (number,))
    room.database.execute(
        "UPDATE approval.request SET submitted_at = now() - interval '6 days', expires_at = now() + interval '5 days' "
        "WHERE request_id = %s",
        (number,),
    )
    room.work()
    assert len(post.taken) == 1  # a reminder is the digest's
    room.database.execute("UPDATE approval.request SET expires_at = now() + '1 hour' WHERE request_id = %s", (number,))
    room.work()
    assert subjects(post)[1:] == [(["bob@example.com"], f"Last call for request {number}: Packages")]
    first, last = (taken.mail for taken in post.taken)
    assert last["In-Reply-To"] == first["Message-ID"] != last["Message-ID"]
    client("bob").approve(number)
    room.work()
    assert (len(post.taken), room.waiting()) == (2, [])


def test_the_digest_of_a_day_comes_once(room, post, client):
    number = client("alice").request("package", ["web1"], {"hello": "2.10-3"}, "a test")["request"]
    room.work()
    room.restart(mail={**room.mail, "digest_at": "00:00"})
    for _ in range(2):
        room.work()
        room.restart(mail={**room.mail, "digest_at": "00:00"})
    assert subjects(post)[1:] == [(["bob@example.com"], "1 request waits for you")]
    assert f"Request {number}: Packages, asked for by alice" in post.taken[1].mail.get_body(("plain",)).get_content()


def test_of_two_masters_one_posts_the_digest(room, post, client):
    from saltext.approval.engine.workers import chat
    from saltext.approval.settings import Settings

    client("alice").request("package", ["web1"], {"hello": "2.10-3"}, "a test")
    room.work()
    room.restart(mail={**room.mail, "digest_at": "00:00"})
    other = chat.worker(Settings(room.opts()))
    try:
        both = [desk for master in (room.worker, other) for desk in master._desks if desk.channel.kind == "mail"]
        for desk in both:
            desk.post_digest()
        room.work()
        other.round()
        for desk in both:
            # Each is told anew by the database, as after a restart.
            desk._digest = None
            desk.post_digest()
        room.work()
    finally:
        other.close()
    assert subjects(post)[1:] == [(["bob@example.com"], "1 request waits for you")]


def test_a_mail_server_that_is_away_loses_nothing(room, post, client):
    post.answer("451 Try again later")
    client("alice").request("package", ["web1"], {"hello": "2.10-3"}, "a test")
    room.look()
    room.worker.round()
    ((thread, _, _, state, attempts, error),) = room.waiting()
    assert (thread.endswith("/bob"), state, attempts) == (True, "waiting", 1)
    assert "451 Try again later" in error
    post.answer("250 OK")
    room.come_back()
    room.work()
    assert len(post.taken) == 1


@pytest.fixture
def oncall(room):
    """PagerDuty, to which the channel ``oncall`` leads beside the room's."""
    with PagerDutyStandIn(KEY) as site:
        room.restart(
            oncall={"kind": "pagerduty", "key_file": room.secret("pagerduty.key", KEY), "url": site.url},
        )
        yield site


def test_a_minion_that_is_silent_is_an_alert_until_it_is_heard(room, oncall):
    room.route("drift", "chat-oncall")
    told = "SELECT approval.tell_silence('{web1,web2}', now())"
    room.database.execute("INSERT INTO approval.silence VALUES ('web1', now(), '1', 'state.apply', now(), 1)")
    room.database.execute("SELECT approval.tell_silence('{web1}', now())")
    room.work()
    ((payload,),) = oncall.alerts.values()
    assert (payload["source"], payload["severity"]) == ("web1", "warning")
    assert "The minion is silent." in payload["custom_details"]["text"]
    room.database.execute("DELETE FROM approval.silence")
    room.database.execute(told)
    room.work()
    assert (oncall.alerts, room.waiting()) == ({"drift/web1": [], "drift/web2": []}, [])


def test_each_of_many_alerts_is_resolved_by_its_own_key(room, oncall):
    room.route("drift", "chat-oncall")
    minions = [f"many{number}" for number in range(9)]
    room.database.execute("SELECT approval.put_minions(%s)", (minions,), login="operator")
    tell = "SELECT approval.tell_silence(%s, now())"
    room.database.execute(
        "INSERT INTO approval.silence SELECT m, now(), '1', 'state.apply', now(), 1 FROM unnest(%s::text[]) AS m",
        (minions,),
    )
    room.database.execute(tell, (minions,))
    room.work()
    assert {key: len(payloads) for key, payloads in oncall.alerts.items()} == {f"drift/{name}": 1 for name in minions}
    room.database.execute("DELETE FROM approval.silence")
    room.database.execute(tell, (minions,))
    room.work()
    assert oncall.alerts == {f"drift/{name}": [] for name in minions}


def test_an_alarm_that_was_acknowledged_while_pagerduty_was_away_resolves_its_alert(room, oncall, client):
    room.route("alarms", "chat-oncall")
    room.database.execute("SELECT approval.seal_audit()", login="engine")
    room.database.execute("SELECT approval.raise_alarm('drift', '{web1}', 'x', NULL, '{\"what\": \"x\"}', now())")
    room.database.execute("SELECT approval.settle_alarms()", login="engine")
    room.work()
    assert [len(payloads) for payloads in oncall.alerts.values()] == [1]
    (alarm,) = client("alice").alarms()
    client("alice").acknowledge(alarm["alarm"], "seen to")
    room.database.execute("UPDATE approval.outbox SET created_at = now() - interval '3 hours' WHERE state = 'waiting'")
    room.worker._desks[1]._stale_at = 0.0
    room.work()
    assert oncall.alerts == {f"alarm/{alarm['alarm']}": []}


def test_pagerduty_is_no_place_for_jobs_and_says_so(room):
    with PagerDutyStandIn(KEY) as site:
        path = room.secret("pagerduty.key", KEY)
        room.restart(oncall={"kind": "pagerduty", "key_file": path, "url": site.url})
        room.route(destination="chat-oncall")
        room.job()
        room.look()
        room.worker.round()
        ((_, _, _, state, attempts, error),) = room.waiting()
        assert (state, attempts, site.requests()) == ("waiting", 1, [])
        assert "PagerDuty is told of drift, alarms and requests" in error
