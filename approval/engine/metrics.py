"""
The metrics that the engine has for Prometheus: their names and meanings, here alone.

Rows are (name, labels, value). Those of the database come from its function ``metrics``, those of the engine from
engine_rows(), those of the master's disk from disk_rows(). A new metric has a line in METRICS, a row in one of
these, and one in the table of ``docs/running.md``, with which a test compares METRICS.
"""

import importlib.util
import os
import time
from typing import NamedTuple

from .. import __version__, _core, tally
from ..errors import ConfigError

PACKAGE = "prometheus_client"


class Metric(NamedTuple):
    """
    What a metric is.

    kind
        ``gauge`` or ``counter``.
    text
        Its meaning, a sentence for people.
    labels
        The names of its labels.
    """

    kind: str
    text: str
    labels: tuple = ()


METRICS = {
    f"saltext_approval_{name}": metric
    for name, metric in {
        # Of the database: all engines of one database have the same.
        "minions": Metric("gauge", "Registered minions by how they stand to what is approved for them.", ("standing",)),
        "drifting_resources": Metric("gauge", "Resources that were applied and are otherwise now."),
        "requests": Metric("gauge", "Requests that are not closed, by state.", ("state",)),
        "oldest_request_timestamp_seconds": Metric(
            "gauge", "When the oldest request of a state was submitted.", ("state",)
        ),
        "outbox_messages": Metric(
            "gauge",
            "Messages that are not delivered: waiting, held back until their time, or dead.",
            ("destination", "state"),
        ),
        "outbox_oldest_due_timestamp_seconds": Metric(
            "gauge", "Since when the oldest waiting message of a destination is due.", ("destination",)
        ),
        "returns_total": Metric("counter", "Returns that were recorded, by what the validator found.", ("verdict",)),
        "alarms": Metric("gauge", "Alarms that nobody has acknowledged or muted.", ("severity",)),
        "rollouts": Metric("gauge", "Requests that are sent in waves, and those that failures halted.", ("state",)),
        "sending_paused": Metric("gauge", "Whether somebody has paused all sending to minions."),
        "catch_ups_waiting": Metric("gauge", "Minions that started behind, and wait to be caught up."),
        "audit_unsealed_streams": Metric("gauge", "Requests, and the policy, with acts that are not sealed yet."),
        # Of the master's disk.
        "spool_entries": Metric("gauge", "Jobs, returns and events that wait for the database."),
        "spool_aside_entries": Metric("gauge", "Entries of the spool that were set aside."),
        "spool_oldest_timestamp_seconds": Metric("gauge", "When the oldest entry of the spool came."),
        "spool_used_bytes": Metric("gauge", "How full the spool is."),
        "spool_bound_bytes": Metric("gauge", "How full the spool can get."),
        "spool_dropped_events_total": Metric("counter", "Events that found no room in the spool."),
        "snapshot_minions": Metric("gauge", "Minions whose approved state is in the snapshot."),
        "snapshot_size_bytes": Metric("gauge", "The size of the snapshot."),
        "snapshot_refreshed_timestamp_seconds": Metric("gauge", "When the snapshot was last known to be up to date."),
        "pillars_total": Metric("counter", "Pillars that the master asked for, by where they came from.", ("source",)),
        # Of the engine.
        "build_info": Metric("gauge", "Always 1; the version that the engine runs.", ("version",)),
        "collected_timestamp_seconds": Metric(
            "gauge", "When the engine had the numbers of a source: engine, disk, database.", ("source",)
        ),
        "database_up": Metric("gauge", "Whether the database answered when the engine last asked for its numbers."),
        "database_collection_seconds": Metric("gauge", "How long the database took to answer that."),
        "worker_rounds_total": Metric("counter", "Rounds that a worker began.", ("worker",)),
        "worker_errors_total": Metric("counter", "How often a worker failed, in a round or at its start.", ("worker",)),
        "worker_busy_seconds_total": Metric("counter", "The time that a worker spent in rounds.", ("worker",)),
        "worker_interval_seconds": Metric("gauge", "The longest pause between two rounds of a worker.", ("worker",)),
        "worker_last_success_timestamp_seconds": Metric(
            "gauge", "When a worker last came to the end of a round.", ("worker",)
        ),
        "inbox_events": Metric("gauge", "Events of the master that a worker has yet to hear.", ("worker",)),
        "inbox_lag_seconds": Metric("gauge", "For how long the oldest of these events has been there.", ("worker",)),
        "inbox_dropped_events_total": Metric(
            "counter", "Events that a worker lost, as it was too slow for them.", ("worker",)
        ),
        "bus_up": Metric("gauge", "Whether the events of the master can be read."),
        "bus_junk_events_total": Metric("counter", "Events that were passed over: too large, or no mappings."),
    }.items()
}


def problem(settings):
    """The reason, for people, for which the metrics that these Settings want cannot be offered; None: there is none."""
    try:
        if settings.metrics() is None or importlib.util.find_spec(PACKAGE):
            return None
    except ConfigError as exc:
        return str(exc)
    return (
        f"approval:engine:metrics: the Python package {PACKAGE} is missing: install it beside this one, as with "
        f"salt-pip install {PACKAGE}"
    )


def engine_rows(runners, bus):
    """
    What the engine knows of itself.

    runners
        The Runners of its workers.
    bus
        Its Bus.
    """
    yield row("build_info", 1, version=__version__)
    yield row("collected_timestamp_seconds", time.time(), source="engine")
    is_heard = False
    for runner in runners:
        of_worker = {"worker": runner.name}
        if runner.worker is not None:
            yield row("worker_interval_seconds", runner.worker.every_s, **of_worker)
        yield row("worker_rounds_total", runner.rounds, **of_worker)
        yield row("worker_errors_total", runner.errors, **of_worker)
        yield row("worker_busy_seconds_total", runner.busy_s, **of_worker)
        if runner.succeeded_at is not None:
            yield row("worker_last_success_timestamp_seconds", runner.succeeded_at, **of_worker)
        if runner.inbox is not None:
            is_heard = True
            yield row("inbox_events", runner.inbox.waiting, **of_worker)
            yield row("inbox_lag_seconds", runner.inbox.lag_s, **of_worker)
            yield row("inbox_dropped_events_total", runner.inbox.dropped, **of_worker)
    if is_heard:
        yield row("bus_up", bus.error is None)
        yield row("bus_junk_events_total", bus.junk)


def disk_rows(settings):
    """
    What is on the disk of the master with these Settings: nothing of what it does not have. Raises what reading the
    spool or the snapshot raises.
    """
    if settings.section("returner"):
        # Imported here, as other processes run workers without Salt.
        from ..jobs import spool

        info = spool.Spool(spool.settings(settings.opts)).info()
        yield row("spool_entries", info["entries"])
        yield row("spool_aside_entries", info["aside"])
        if info["entries"]:
            yield row("spool_oldest_timestamp_seconds", info["oldest"])
        yield row("spool_used_bytes", info["used_bytes"])
        yield row("spool_bound_bytes", info["bound_bytes"])
        yield row("spool_dropped_events_total", info["dropped_events"])
    for source, pillars in tally.counted(tally.path(settings.cachedir)).items():
        yield row("pillars_total", pillars, source=source)
    path = settings.snapshot()
    if path is not None and os.path.isdir(path):
        info = _core.snapshot_info(path)
        yield row("snapshot_minions", info["minions"])
        yield row("snapshot_size_bytes", info["size_bytes"])
        yield row("snapshot_refreshed_timestamp_seconds", info["refreshed_at"])


def row(name, value, **labels):
    """The row of a metric, whose name is given without what all names begin with."""
    return f"saltext_approval_{name}", labels, float(value)
