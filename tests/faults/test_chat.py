"""Slack's limits are kept at a thousand jobs a minute, and after it was away all is told or summed up."""

import datetime
import os
import re
import threading
import time

import pytest
from standins.slack import SlackStandIn

pytestmark = pytest.mark.skipif(os.environ.get("APPROVAL_FAULTS") != "full", reason="takes minutes: `make faults`")

JOBS_A_MINUTE = 1000
LOAD_S, AWAY_S, DRAINED_S = 60, 120, 420
WRITTEN_WITHIN_S = 2.0
CALLS = [(fun, user) for fun in ("cmd.run", "state.apply") for user in ("root", "sudo_alice")]
ALIKE = re.compile(r"^([0-9]+) like this in the same minute\.$", re.MULTILINE)
DROPPED = re.compile(r"^job: [0-9]+ messages? in ([0-9]+) threads?$", re.MULTILINE)
SAVE = (
    "SELECT approval.save_load(%s, %s, '*', 'glob', %s, ARRAY['web1'], '\\x00'::bytea, false, "
    "extract(epoch FROM now())::float8, %s)"
)
RECORD = (
    "SELECT outcome FROM approval.record_returns(ARRAY[%s], ARRAY['web1'], ARRAY[%s], '{0}', '{t}', '{unproven}', "
    "'{f}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', ARRAY['[]'], '{NULL}', ARRAY['x'::bytea], ARRAY[sha256(%s::bytea)])"
)


class Room:
    """A channel that all jobs are told in, the worker in a thread, and the job cache; ``slowest_s`` of all writes."""

    def __init__(self, slack, database, settings, folder):
        from saltext.approval.engine.workers import chat
        from saltext.approval.settings import Settings

        self.slack, self.database = slack, database
        self.ops = slack.new_channel("ops")
        token = folder / "bot.token"
        token.touch(mode=0o600)
        token.write_text(slack.bot_token)
        channel = {"kind": "slack", "token_file": str(token), "channel": self.ops.id, "api_url": slack.url + "/api/"}
        database.execute("SELECT approval.maintain_jobs(24)")
        database.execute("SELECT approval.put_route('chat-ops', 'jobs', '{}', '{}')")
        self.worker = chat.worker(Settings({"approval": {"chat": {**settings, "channels": {"ops": channel}}}}))
        self.slowest_s, self.jobs, self._ends = 0.0, 0, threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._returner = database.connect("returner")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        self._thread.join()
        self.worker.close()
        self._returner.close()

    def _work(self):
        while not self._ends.is_set():
            wait = self.worker.round()
            self._ends.wait(0.2 if wait is None else min(wait, 0.2))

    def load(self, seconds):
        """Publish JOBS_A_MINUTE for so long, each of which returns at once."""
        began = time.monotonic()
        for number in range(int(seconds * JOBS_A_MINUTE / 60)):
            time.sleep(max(0.0, began + number * 60 / JOBS_A_MINUTE - time.monotonic()))
            fun, user = CALLS[number % len(CALLS)]
            self.jobs += 1
            jid = f"{datetime.datetime.now(datetime.timezone.utc):%Y%m%d%H%M%S}{self.jobs:06d}"
            started = time.monotonic()
            self._returner.execute(SAVE, (jid, fun, user, f"salt web1 {fun}"))
            self._returner.execute(RECORD, (jid, fun, jid))
            self.slowest_s = max(self.slowest_s, time.monotonic() - started)

    def drain(self):
        """Wait until all that waits is told, and all lines say their number."""
        until = time.monotonic() + DRAINED_S
        waiting = (
            "SELECT (SELECT count(*) FROM approval.outbox WHERE state = 'waiting') "
            "+ (SELECT count(*) FROM approval.job_told)"
        )
        while self.database.execute(waiting) != [(0,)] or any(
            one.count > one.told for one in list(self.worker._desks[0]._alike.values())
        ):
            assert time.monotonic() < until, self.ops.transcript()[-2000:]
            time.sleep(1)

    def told(self):
        """How many jobs have a message of their own, are in a line with others, and were dropped as old news."""
        keys = [one.metadata["event_payload"]["key"] for one in self.ops.messages if not one.thread_ts]
        assert len(set(keys)) == len(keys)
        shown = [one.shown for one in self.ops.messages]
        alike = sum(int(count) for text in shown for count in ALIKE.findall(text))
        dropped = sum(int(count) for text in shown for count in DROPPED.findall(text))
        return sum(key.startswith("job/") for key in keys), alike, dropped

    def check_rates(self):
        """No call came too early, and Slack had to refuse none."""
        calls = {name: [entry.at for entry in self.slack.requests("POST", f"/api/chat.{name}$") if entry.status == 200]
                 for name in ("postMessage", "update")}  # fmt: skip
        assert [entry for entry in self.slack.log if entry.status == 429] == []
        assert (self.slack.hasty, self.slack.warnings, self.slack.dropped) == ([], [], [])
        for name, most, within_s in (("postMessage", 1, 0.9), ("update", 50, 59.0)):
            times = calls[name]
            assert all(late - early > within_s for early, late in zip(times, times[most:], strict=False)), name
        return {name: len(times) for name, times in calls.items()}


@pytest.fixture
def room(site, settings_of, tmp_path):
    from saltext.approval.chat.slack import Workspace

    Workspace._paces.clear()
    with SlackStandIn() as slack, Room(slack, site, settings_of("chat"), tmp_path) as opened:
        yield opened


def test_check_3_a_thousand_jobs_a_minute_are_told_within_the_rates(room, print_counts):
    room.load(LOAD_S)
    room.drain()
    own, alike, dropped = room.told()
    assert (own + alike, dropped) == (room.jobs, 0)
    print_counts(jobs=room.jobs, own_messages=own, in_lines=alike, **room.check_rates())


def test_check_6_an_hour_without_slack_delays_no_job_and_all_is_told_or_summed_up(room, print_counts):
    room.slack.crash()
    room.load(AWAY_S)
    assert room.slowest_s < WRITTEN_WITHIN_S
    room.database.execute("UPDATE approval.outbox SET created_at = created_at - interval '70 minutes'")
    before = room.jobs
    room.slack.restart()
    room.worker._desks[0]._stale_at = 0.0
    room.load(LOAD_S / 4)
    room.drain()
    own, alike, dropped = room.told()
    assert own + alike + dropped == room.jobs
    assert 0 < dropped <= before
    assert room.slowest_s < WRITTEN_WITHIN_S
    print_counts(
        jobs=room.jobs, own_messages=own, in_lines=alike, dropped=dropped, slowest_ms=int(room.slowest_s * 1000)
    )
    room.check_rates()
