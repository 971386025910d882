"""A thousand jobs a minute that a channel of Slack is told of: the jobs, the worker that tells, and what was told."""

import datetime
import re
import threading
import time

JOBS_A_MINUTE = 1000
DRAINED_S = 420
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
WAITING = (
    "SELECT (SELECT count(*) FROM approval.outbox WHERE state = 'waiting') + (SELECT count(*) FROM approval.job_told)"
)


def opts(slack, channel, chat, folder):
    """
    The configuration of a worker that tells a channel of the stand-in ``slack``.

    chat
        What stands in approval:chat for its login.
    folder
        Where the file with its token is made.
    """
    token = folder / "bot.token"
    token.touch(mode=0o600)
    token.write_text(slack.bot_token)
    settings = {"kind": "slack", "token_file": str(token), "channel": channel.id, "api_url": slack.url + "/api/"}
    return {"approval": {"chat": {**chat, "channels": {"ops": settings}}}}


class Jobs:
    """
    Jobs on web1, which all are told; ``count`` of them, ``slowest_s`` of all writes.

    execute
        Executes a statement as the owner of the database.
    returner
        A connection of psycopg of the returner's login.
    """

    def __init__(self, execute, returner):
        execute("SELECT approval.maintain_jobs(24)")
        execute("SELECT approval.put_route('chat-ops', 'jobs', '{}', '{}')")
        self._returner = returner
        self.count, self.slowest_s = 0, 0.0

    def load(self, seconds):
        """Publish JOBS_A_MINUTE for so long, each of which returns at once."""
        began = time.monotonic()
        for number in range(int(seconds * JOBS_A_MINUTE / 60)):
            time.sleep(max(0.0, began + number * 60 / JOBS_A_MINUTE - time.monotonic()))
            fun, user = CALLS[number % len(CALLS)]
            self.count += 1
            jid = f"{datetime.datetime.now(datetime.timezone.utc):%Y%m%d%H%M%S}{self.count:06d}"
            started = time.monotonic()
            self._returner.execute(SAVE, (jid, fun, user, f"salt web1 {fun}"))
            self._returner.execute(RECORD, (jid, fun, jid))
            self.slowest_s = max(self.slowest_s, time.monotonic() - started)


class Telling:
    """The worker that tells, in a thread, by the configuration that opts() gives."""

    def __init__(self, configuration):
        from saltext.approval.engine.workers import chat
        from saltext.approval.settings import Settings

        self.worker = chat.worker(Settings(configuration))
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        self._thread.join()
        self.worker.close()

    def _work(self):
        while not self._ends.is_set():
            wait = self.worker.round()
            self._ends.wait(0.2 if wait is None else min(wait, 0.2))

    def drain(self, waiting):
        """Wait until all is told, by ``waiting``, which gives how much is not, and all lines say their number."""
        until = time.monotonic() + DRAINED_S
        while waiting() or any(one.count > one.told for one in list(self.worker._desks[0]._alike.values())):
            assert time.monotonic() < until, "messages still wait"
            time.sleep(1)


def told(channel):
    """How many jobs have a message of their own, are in a line with others, and were dropped as old news."""
    keys = [one.metadata["event_payload"]["key"] for one in channel.messages if not one.thread_ts]
    assert len(set(keys)) == len(keys)
    shown = [one.shown for one in channel.messages]
    alike = sum(int(count) for text in shown for count in ALIKE.findall(text))
    dropped = sum(int(count) for text in shown for count in DROPPED.findall(text))
    return sum(key.startswith("job/") for key in keys), alike, dropped


def check_rates(slack):
    """{name: how many calls}; no call came too early, and Slack had to refuse none."""
    calls = {name: [entry.at for entry in slack.requests("POST", f"/api/chat.{name}$") if entry.status == 200]
             for name in ("postMessage", "update")}  # fmt: skip
    assert [entry for entry in slack.log if entry.status == 429] == []
    assert (slack.hasty, slack.warnings, slack.dropped) == ([], [], [])
    for name, most, within_s in (("postMessage", 1, 0.9), ("update", 50, 59.0)):
        times = calls[name]
        assert all(late - early > within_s for early, late in zip(times, times[most:], strict=False)), name
    return {name: len(times) for name, times in calls.items()}
