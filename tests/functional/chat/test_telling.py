"""What the worker tells in Slack, against a workspace that enforces its limits."""

import datetime
import json
import subprocess
import sys
import time

import pytest


def test_a_job_is_one_message_that_is_edited_to_its_end(room):
    room.route()
    jid = room.job(minions=("web1", "web2"), command="salt 'web*' cmd.run uptime")
    room.work()
    (message,) = room.ops.messages
    assert "salt 'web*' cmd.run uptime" in message.shown
    assert "0 ok, 0 failed, 2 have not returned yet." in message.shown
    assert f"job/{jid}" in message.shown
    room.returned(jid, "web1")
    room.returned(jid, "web2", retcode=2)
    room.work()
    (message, failure) = room.ops.messages
    assert "1 ok, 1 failed, 0 silent." in message.shown
    assert failure.is_broadcast
    assert failure.thread_ts == message.ts
    assert "web2: package hello: not there" in failure.shown
    assert (room.slack.hasty, room.slack.dropped, room.slack.warnings, room.waiting()) == ([], [], [], [])


def test_one_that_went_well_says_so_without_an_entry(room):
    room.route()
    jid = room.job()
    room.work()
    room.returned(jid, "web1")
    room.work()
    (message,) = room.ops.messages
    assert "1 ok, 0 failed" in message.shown
    assert message.replies == []


def test_a_request_is_told_with_its_acts_in_its_thread(room, client):
    room.route("requests")
    number = client("alice").request("package", ["web1"], {"hello": "2.10-3"}, "a test")["request"]
    room.work()
    client("bob").approve(number)
    client("carol").approve(number)
    room.work()
    (message,) = room.ops.messages
    assert f"Request {number}: Packages" in message.shown
    assert "Approved" in message.shown
    acts = [reply.shown.split("\n")[0] for reply in message.replies]
    assert "Approved at one stage" in acts[0]
    assert len(acts) >= 2


def test_drift_is_one_message_that_says_when_it_ended_and_began_again(room, client):
    room.route("drift")
    number = client("alice").request("package", ["web1"], {"hello": "2.10-3"}, "a test")["request"]
    client("bob").approve(number)
    client("carol").approve(number)
    room.database.execute(
        "INSERT INTO approval.drift "
        "(minion_id, kind, name, item_id, request_id, expected, observed, finding, jid, since, last_seen) "
        "SELECT minion_id, kind, name, item_id, request_id, content, NULL, '', '1', now(), now() FROM approval.item"
    )
    began = "SELECT approval.tell_drift('{}', approval.open_drift('{web1}'), now())"
    ended = "SELECT approval.tell_drift(approval.open_drift('{web1}'), '{}', now())"
    room.database.execute(began)
    room.work()
    (message,) = room.ops.messages
    assert "1 thing is not as it was applied." in message.shown
    assert message.replies == []
    room.database.execute(ended)
    room.database.execute("UPDATE approval.drift SET cleared_at = now()")
    room.work()
    assert "All is as it was applied." in message.shown
    assert [reply.shown.split("\n")[0] for reply in message.replies] == ["✅ Drift on web1 ended"]
    room.database.execute("UPDATE approval.drift SET cleared_at = NULL")
    room.database.execute(began)
    room.work()
    again = message.replies[-1]
    assert (again.shown.split("\n")[0], again.is_broadcast) == ("⚠️ Drift on web1 began", True)
    assert "hello: applied 2.10-3" in again.shown


def summed_up(room, count):
    """Have the last message come to say so many: it is written anew some seconds after it was last."""
    until = time.monotonic() + 30
    while f"\n{count} like this in the same minute." not in room.ops.messages[-1].shown:
        assert time.monotonic() < until, room.ops.messages[-1].shown
        room.worker.round()
        time.sleep(0.2)


def test_drift_and_silence_of_many_minions_within_a_minute_are_one_line_with_a_number(room):
    room.route("drift")
    minions = [f"many{number:03}" for number in range(200)]
    room.database.execute("SELECT approval.put_minions(%s)", (minions,), login="operator")
    room.database.execute(
        "INSERT INTO approval.silence (minion_id, since, jid, fun, asked_at, missed) "
        "SELECT m, now(), '1', 'state.apply', now(), 1 FROM unnest(%s::text[]) AS m",
        (minions,),
    )
    room.database.execute("SELECT approval.tell_silence(%s, now())", (minions,))
    room.work(60)
    assert room.titles() == [*(f"⚠️ Drift on {minion}" for minion in minions[:5]), "Many minions are silent"]
    assert "The minion is silent." in room.ops.messages[0].shown
    summed_up(room, 195)
    # The first ones have messages of their own, below which the end is told.
    room.database.execute("DELETE FROM approval.silence")
    room.database.execute("SELECT approval.tell_silence(%s, now())", (minions[:1] + minions[190:],))
    room.work(60)
    (entry,) = room.ops.messages[0].replies
    assert entry.shown.startswith(f"✅ {minions[0]} is silent no more")
    assert "All is as it was applied." in room.ops.messages[0].shown
    assert room.titles()[-1] == "Many minions are silent no more"
    summed_up(room, 5)
    assert (room.slack.hasty, room.waiting()) == ([], [])


def test_check_1_an_answer_that_is_not_ok_is_a_failure(room):
    room.route()
    room.job()
    room.slack.refuse("chat.postMessage", "msg_blocks_too_long")
    room.look()
    room.worker.round()
    ((_, _, _, state, attempts, error),) = room.waiting()
    assert (state, attempts, room.ops.messages) == ("waiting", 1, [])
    assert "msg_blocks_too_long" in error
    room.come_back()
    room.work()
    assert len(room.ops.messages) == 1


def test_check_2_a_429_holds_its_channel_alone_as_long_as_it_says(room):
    other = room.slack.new_channel("other", *room.people.values())
    room.restart(other=room.channel(channel=other.id))
    room.route(destination="chat-ops")
    room.route(destination="chat-other")
    room.slack.retry_after_s = 3
    room.slack.lies.ratelimited = 1
    room.job()
    room.look()
    began = time.monotonic()
    room.worker.round()
    assert sorted((len(room.ops.messages), len(other.messages))) == [0, 1]
    room.work()
    assert time.monotonic() - began >= 3
    assert (len(room.ops.messages), len(other.messages), room.slack.hasty) == (1, 1, [])


def test_check_3_many_alike_are_one_line_within_the_rates(room):
    room.route()
    for _ in range(40):
        room.job()
    for _ in range(3):
        room.job("state.apply")
    room.work(60)
    titles = room.titles()
    assert (titles.count("cmd.run on 1 minion, by root"), titles.count("state.apply on 1 minion, by root")) == (6, 3)
    (line,) = [message for message in room.ops.messages if "like this" in message.shown]
    assert "35 like this in the same minute." in line.shown
    assert (room.slack.hasty, room.waiting()) == ([], [])


def test_check_3_messages_are_written_anew_fifty_times_a_minute_at_most(room):
    from saltext.approval.chat import channel, slack

    workspace = slack.Workspace("token_file", "/nowhere", "https://slack.com/api/")
    for number in range(50):
        workspace.pace_edit(f"C1/{number}")
        workspace.note_edit(f"C1/{number}")
    with pytest.raises(channel.EditsLater):
        workspace.pace_edit("C2/1")
    workspace.note_post("C1")
    with pytest.raises(channel.Later):
        workspace.pace_post("C1")
    workspace.pace_post("C2")


def test_check_3_a_message_that_comes_late_to_slack_holds_back_the_next(room, monkeypatch):
    from saltext.approval.chat.slack import Workspace

    respond, late_s = Workspace._response, iter([0.6])

    def respond_late(self, method, arguments):
        if method == "chat.postMessage":
            time.sleep(next(late_s, 0.0))
        return respond(self, method, arguments)

    monkeypatch.setattr(Workspace, "_response", respond_late)
    room.route()
    room.job()
    room.job("state.apply")
    room.work()
    first, second = (entry.at for entry in room.slack.requests("POST", "/api/chat.postMessage$"))
    assert second - first > 0.9


def test_check_4_the_order_of_a_thread_is_kept_over_429_500_and_a_restart(room, client):
    room.route("requests")
    number = client("alice").request("package", ["web1"], {"hello": "2.10-3"}, "a test")["request"]
    room.slack.retry_after_s = 1
    room.slack.lies.ratelimited = 1
    room.look()
    room.worker.round()
    client("bob").approve(number)
    room.slack.lies.unavailable = 1
    for _ in range(3):
        room.come_back()
        room.worker.round()
    room.restart()
    client("carol").reject(number, "no")
    for _ in range(4):
        room.come_back()
        room.work()
    (message,) = [one for one in room.ops.messages if not one.thread_ts]
    keys = [int(reply.metadata["event_payload"]["key"].partition("#")[2]) for reply in message.replies]
    assert keys == sorted(keys)
    assert len(keys) == len(set(keys)) >= 2


KILLED = """
import json, os, sys
from saltext.approval.engine.workers import chat
from saltext.approval.settings import Settings

worker = chat.worker(Settings(json.load(open(sys.argv[1]))))
call = worker.call
def dying(function, *arguments):
    if function == "settle_message":
        os.kill(os.getpid(), 9)
    return call(function, *arguments)
worker.call = dying
worker.round()
"""


def test_check_5_a_kill_between_post_and_commit_makes_one_more_with_the_same_key_at_most(room, tmp_path):
    room.route()
    room.job()
    room.look()
    path = tmp_path / "opts.json"
    path.write_text(json.dumps(room.opts()))
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, timeout=60)
    assert killed.returncode == -9
    assert len(room.ops.messages) == 1
    room.come_back()
    room.work()
    keys = [message.metadata["event_payload"]["key"] for message in room.ops.messages]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_check_6_all_arrives_after_an_outage_and_old_news_is_summed_up(room):
    room.route()
    room.slack.lies.unavailable = 3
    over = room.job()
    room.look()
    room.worker.round()
    assert room.ops.messages == []
    room.job("state.apply")
    room.database.execute(
        "UPDATE approval.outbox SET created_at = now() - interval '2 hours' WHERE thread = %s", (f"job/{over}",)
    )
    room.database.execute("DELETE FROM approval.job_told WHERE jid = %s", (over,))
    room.slack.lies.unavailable = 0
    room.desk._stale_at = 0.0
    room.desk._hand.clear()
    room.come_back()
    room.work()
    assert room.titles() == ["⚠️ 1 message is too old to be sent", "state.apply on 1 minion, by root"]


def dead_in_the_end(room, error):
    """Slack refuses each message with this error: it is asked seldom, and the message is dead in the end."""
    room.route()
    room.job()
    room.slack.refuse("chat.postMessage", error, 100)
    room.look()
    assert room.worker.round() > 60
    room.worker.round()
    assert len(room.slack._refusals["chat.postMessage"]) == 99
    for _ in range(11):
        room.come_back()
        room.worker.round()
    ((_, _, _, state, _, text),) = room.waiting()
    assert state == "dead"
    assert error in text
    assert "approval:chat:channels:ops" in text


def test_old_news_are_looked_for_once_in_a_queue_that_was_empty_a_moment_ago(room):
    # Nothing is known of the table yet, as after an outage that has just begun.
    room.database.execute(
        "INSERT INTO approval.outbox (destination, thread, seq, topic, body, created_at, due_at) "
        "SELECT 'chat-ops', 'drift/' || n, 1, 'drift', '{}', now() - CASE WHEN n > 1900 THEN interval '2 hours' "
        "ELSE interval '0' END, '-infinity' FROM generate_series(1, 2000) AS n"
    )
    began = time.monotonic()
    dropped = room.worker.call("drop_stale", "chat-ops", datetime.timedelta(hours=1))
    assert [(row["kind"], row["threads"]) for row in dropped] == [("drift", 100)]
    # A look at all others for each message took half a minute.
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("error", ["invalid_auth", "channel_not_found"])
def test_check_7_what_slack_will_never_take_is_dead_in_the_end_and_slack_is_left_alone(room, error):
    dead_in_the_end(room, error)


def test_check_8_a_channel_that_is_archived_is_left_alone(room):
    dead_in_the_end(room, "is_archived")


def test_one_dead_thread_does_not_stop_its_channel(room):
    room.route()
    jid = room.job()
    room.look()
    room.worker.value("tell_jobs", 10)
    room.database.execute(
        "UPDATE approval.outbox SET state = 'dead', attempts = 12, last_error = 'x' WHERE thread = %s", (f"job/{jid}",)
    )
    room.job("state.apply")
    room.work()
    assert room.titles() == ["state.apply on 1 minion, by root"]


def test_a_first_message_that_was_deleted_is_posted_anew(room):
    room.route()
    jid = room.job()
    room.work()
    room.ops.messages[0].deleted = True
    room.returned(jid, "web1")
    room.work()
    (message,) = room.ops.messages
    assert "1 ok" in message.shown


def test_check_24_two_masters_tell_each_message_once(room):
    from saltext.approval.engine.workers import chat
    from saltext.approval.settings import Settings

    room.route()
    other = chat.worker(Settings(room.opts()))
    try:
        for fun in ("a.b", "c.d", "e.f", "g.h"):
            room.job(fun)
        room.look()
        for _ in range(8):
            room.worker.round()
            other.round()
            time.sleep(0.6)
    finally:
        other.close()
    assert sorted(room.titles()) == [f"{fun} on 1 minion, by root" for fun in ("a.b", "c.d", "e.f", "g.h")]


def test_those_who_can_decide_are_asked_and_told_when_it_is_over(room, client):
    room.know()
    number = client("alice").request("package", ["web1"], {"hello": "2.10-3"}, "a test")["request"]
    room.work()
    (asked,) = room.direct("bob")
    assert f"Please decide on request {number}: Packages" in asked.shown
    assert "hello 2.10-3" in asked.shown
    assert "approve" not in asked.buttons
    assert [button["url"] for button in asked.buttons.values()] == [f"https://approval.example.com/requests/{number}"]
    assert room.direct("alice") == []
    client("bob").approve(number)
    room.work()
    (asked, *_) = room.direct("bob")
    assert "Does not wait for you any more" in asked.shown
    assert f"Please decide on request {number}" in room.direct("carol")[0].shown
    client("carol").approve(number)
    room.work()
    for name in ("bob", "carol"):
        (asked, *_) = room.direct(name)
        assert "Does not wait for you any more" in asked.shown
        assert f"{name} approved it" in asked.shown
