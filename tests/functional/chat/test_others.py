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
