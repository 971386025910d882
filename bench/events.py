"""How long the engine takes to hear an event of the master's bus, at many events a second, and what that costs."""

import multiprocessing
import resource
import statistics
import tempfile
import threading
import time

import salt.config
import salt.transport
import salt.utils.event
from report import Floor, Row

from saltext.approval.engine.bus import Bus
from saltext.approval.settings import Settings

RATE = 1000  # events a second
REACH_MS = 2000
TAG = "salt/minion/bench/start"
EVENT = {"id": "bench", "cmd": "_minion_event", "data": "x" * 500}
LIMIT_S = 30
context = multiprocessing.get_context("fork")


def measure(duration_s):
    """The row event_lag: the longest lag in so many seconds; and by how much memory grew in the second half of them."""
    with tempfile.TemporaryDirectory(prefix="events") as folder:
        opts = salt.config.master_config(None)
        opts.update(sock_dir=folder, ipc_mode="ipc", id="bench")
        master = context.Process(target=_serve, args=(opts,))
        master.start()
        try:
            answer, ask = context.Pipe(duplex=False)
            ready = context.Event()
            listener = context.Process(target=_listen, args=(opts, duration_s, ready, ask))
            listener.start()
            sent = _send(opts, duration_s, ready)
            lags_ms, dropped, grown_mb = answer.recv()
            listener.join()
        finally:
            master.kill()
            master.join()
    if len(lags_ms) < sent:
        raise AssertionError(f"{sent - len(lags_ms)} of {sent} events were not heard, {dropped} of them dropped")
    longest, rate = max(lags_ms), sent / duration_s
    is_reached = longest <= REACH_MS and rate >= 0.95 * RATE
    yield Row("event_lag", sent, longest, "ms", f"2 s, at {rate:.0f} a second", longest / REACH_MS, "<= 1", is_reached)
    yield Floor("the median lag of an event", sent, statistics.median(lags_ms), "ms")
    yield Floor("memory that it took in the second half", sent, grown_mb, "MB")


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


def _listen(opts, duration_s, ready, answer):
    """A process as the engine: the reader of the bus, and a worker's thread that takes what it hears."""
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
    answer.send((lags_ms, inbox.dropped, _memory_mb() - half_mb))


def _memory_mb():
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
