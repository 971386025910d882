"""How long the engine takes to hear an event of the master's bus, at many events a second, and what that costs."""

import contextlib
import multiprocessing
import pathlib
import resource
import statistics
import sys
import tempfile
import threading
import time

import psycopg
import salt.config
import salt.transport
import salt.utils.event
from approval_database import NAME, ApprovalDatabase
from report import Floor, Row

# The Slack of the measurement is the one of the tests.
sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "tests"))

from standins import slack_load
from standins.slack import SlackStandIn

from saltext.approval.engine.bus import Bus
from saltext.approval.settings import Settings

RATE = 1000  # events a second
REACH_MS = 2000
TAG = "salt/minion/bench/start"
EVENT = {"id": "bench", "cmd": "_minion_event", "data": "x" * 500}
LIMIT_S = 30
context = multiprocessing.get_context("fork")


def measure(directory, duration_s):
    """
    The row event_lag: the longest lag in so many seconds; and by how much memory grew in the second half of them.
    Then event_lag_with_chat, the same while a thousand jobs a minute are told in a channel of Slack.
    """
    yield from _rows("event_lag", _heard(duration_s), duration_s)
    with ApprovalDatabase(directory / "chat") as database, SlackStandIn() as slack:
        database.add_login("bench_chat", "approval_chat")
        channel = slack.new_channel("ops")
        chat = slack_load.opts(slack, channel, {"dsn_file": str(database.dsn_file("bench_chat"))}, directory)
        answer, tell = context.Pipe(duplex=False)
        publisher = context.Process(target=_publish, args=(database, duration_s, tell))
        publisher.start()
        yield from _rows("event_lag_with_chat", _heard(duration_s, chat, database.dsn_of(database=NAME)), duration_s)
        count = answer.recv()
        publisher.join()
        own, alike, dropped = slack_load.told(channel)
        slack_load.check_rates(slack)
    if (own + alike, dropped) != (count, 0):
        raise AssertionError(f"of {count} jobs {own} were told, {alike} in a line with others, {dropped} as old news")
    yield Floor("messages that told of so many jobs", count, own, "messages")


def _publish(database, duration_s, tell):
    """A process that publishes jobs, and tells how many."""
    with (
        psycopg.connect(database.dsn_of(database=NAME), autocommit=True) as owner,
        psycopg.connect(database.dsn_file("returner").read_text(encoding="utf-8"), autocommit=True) as returner,
    ):
        owner.execute("SELECT approval.put_minions('{web1}')")
        jobs = slack_load.Jobs(owner.execute, returner)
        jobs.load(duration_s)
    tell.send(jobs.count)


def _rows(name, heard, duration_s):
    lags_ms, grown_mb = heard
    longest, rate = max(lags_ms), len(lags_ms) / duration_s
    is_reached = longest <= REACH_MS and rate >= 0.95 * RATE
    yield Row(name, len(lags_ms), longest, "ms", f"2 s, at {rate:.0f} a second", longest / REACH_MS, "<= 1", is_reached)
    yield Floor(f"{name}: the median lag of an event", len(lags_ms), statistics.median(lags_ms), "ms")
    yield Floor(f"{name}: memory that it took in the second half", len(lags_ms), grown_mb, "MB")


def _heard(duration_s, chat=None, dsn=None):
    """
    The lag of each event in ms, and by how much memory grew in MB.

    chat, dsn
        The configuration of a worker that tells people in the same process, and the owner's way to its database.
    """
    with tempfile.TemporaryDirectory(prefix="events") as folder:
        opts = salt.config.master_config(None)
        opts.update(sock_dir=folder, ipc_mode="ipc", id="bench")
        master = context.Process(target=_serve, args=(opts,))
        master.start()
        try:
            answer, ask = context.Pipe(duplex=False)
            ready = context.Event()
            listener = context.Process(target=_listen, args=(opts, duration_s, ready, ask, chat, dsn))
            listener.start()
            sent = _send(opts, duration_s, ready)
            lags_ms, dropped, grown_mb = answer.recv()
            listener.join()
        finally:
            master.kill()
            master.join()
    if len(lags_ms) < sent:
        raise AssertionError(f"{sent - len(lags_ms)} of {sent} events were not heard, {dropped} of them dropped")
    if listener.exitcode:
        raise AssertionError("the worker that tells people did not come to an end")
    return lags_ms, grown_mb


def _serve(opts):
    """The part of a master that hands events around."""
    if hasattr(salt.utils.event, "EventPublisher"):  # Salt 3006
        salt.utils.event.EventPublisher(opts).run()
    else:
        server = salt.transport.ipc_publish_server("master", opts)
        server.publish_daemon(server.publish_payload)


def _send(opts, duration_s, ready):
    """Send events at the rate, once they are heard; gives how many."""
    sent = 0
    with salt.utils.event.get_event("master", opts=opts, listen=False) as events:
        begun = time.monotonic()
        while not ready.is_set():
            if time.monotonic() - begun > LIMIT_S:
                raise AssertionError("nobody hears the events")
            events.fire_event({"at": 0}, TAG)
            time.sleep(0.1)
        start = time.monotonic()
        while (elapsed := time.monotonic() - start) < duration_s:
            while sent < elapsed * RATE:
                events.fire_event({**EVENT, "at": time.monotonic()}, TAG)
                sent += 1
            time.sleep(0.001)
        events.fire_event({"at": -1, "sent": sent}, TAG)
        time.sleep(1)  # what is not written yet is lost when the connection is closed
    return sent


def _listen(opts, duration_s, ready, answer, chat, dsn):
    """A process as the engine: the reader of the bus, a thread that takes what it hears, and one that tells people."""
    with slack_load.Telling(chat) if chat else contextlib.nullcontext() as telling:
        answer.send(_take(opts, duration_s, ready))
        if telling:
            with psycopg.connect(dsn, autocommit=True) as owner:
                telling.drain(lambda: owner.execute(slack_load.WAITING).fetchone()[0])


def _take(opts, duration_s, ready):
    """(lags in ms, how many were dropped, by how much memory grew in MB) of what is heard until the last event."""
    stopping, woken = threading.Event(), threading.Event()
    bus = Bus(Settings.from_master(opts), stopping)
    inbox = bus.open_inbox("bench", (TAG,), woken.set)
    bus.thread.start()
    lags_ms, half_mb, begun, sent = [], None, None, None
    # The bus may hand the last event to us before others.
    while sent is None or len(lags_ms) + inbox.dropped < sent:
        if not woken.wait(LIMIT_S):
            break
        woken.clear()
        while event := inbox.take():
            sent_at, now = event[1]["at"], time.monotonic()
            if sent_at == 0:
                ready.set()
            elif sent_at < 0:
                sent = event[1]["sent"]
            else:
                lags_ms.append((now - sent_at) * 1000)
                begun = begun or now
                if half_mb is None and now - begun >= duration_s / 2:
                    half_mb = _memory_mb()
    stopping.set()
    return lags_ms, inbox.dropped, _memory_mb() - half_mb


def _memory_mb():
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
