"""Do the master and its engine do their work? A part of the check."""

import datetime
import os
import socket
import time

from ... import _core
from ...engine import heartbeat
from ...errors import ConfigError

STALE_S = 120.0
CONNECT_S = 2.0
SOCKET = "master_event_pub.ipc"


def run(settings, findings):
    """
    Add to ``findings`` that the master with these Settings does not run, that its engine gave no sign of life
    lately or says that workers fail, and what is wrong with the snapshot, which the engine keeps.
    """
    opts = settings.opts
    is_running = _master_runs(opts)
    if is_running is False:
        findings.error(
            "master", "it does not run, and so neither does its engine", "Start it: systemctl start salt-master"
        )
    elif is_running:
        findings.look("master")
    if _has_engine(settings):
        _engine(settings.cachedir, findings, is_running)
    _snapshot(settings, findings)


def _has_engine(settings):
    """Whether the configuration has one: another finding says so where it has not."""
    names = [
        name
        for engine in settings.opts.get("engines") or []
        for name in (engine if isinstance(engine, dict) else [engine])
    ]
    return "approval" in names and bool(settings.section("engine"))


def _master_runs(opts):
    """Whether somebody listens where the master publishes its events; None where that cannot be told."""
    folder = opts.get("sock_dir")
    if not folder or opts.get("ipc_mode", "ipc") != "ipc":
        return None
    # A connection by the folder's descriptor: the path may be longer than an address can be.
    try:
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
            stream.settimeout(CONNECT_S)
            stream.connect(f"/proc/self/fd/{descriptor}/{SOCKET}")
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return True


def run_service(settings, path, findings):
    """Add to ``findings`` that the service with these Settings, of the file ``path``, does not run, or what fails."""
    dead_since = _sign_of_life("service", settings.cachedir, findings)
    if dead_since:
        findings.error("service", f"it does not run ({dead_since})", f"Start it: salt-approval serve --config {path}")


def _engine(cachedir, findings, is_running):
    dead_since = _sign_of_life("engine", cachedir, findings)
    if dead_since and is_running is not False:
        findings.error(
            "engine",
            f"it does not run ({dead_since}): nothing is dispatched, nothing expires, and the audit is not sealed",
            "Look for `approval` in the master's log, mend what it says, and restart the master.",
        )


def _sign_of_life(subject, cachedir, findings):
    """What is known of one that gave no sign of life lately, in words; else None, and what it says is a finding."""
    try:
        beat = heartbeat.read(cachedir)
    except OSError as exc:
        findings.warning(
            subject, f"whether it is alive could not be seen: {heartbeat.path(cachedir)}: {exc.strerror}", ""
        )
        return None
    findings.look(subject)
    if beat is None:
        return "it never gave a sign of life"
    if not beat.is_alive:
        return f"its last sign of life is of {_time(beat.at)}"
    for name, error in sorted(beat.failing.items()):
        findings.error(subject, f"its worker {name} fails: {error}", "It is tried again and again. The log has more.")
    for name, count in sorted(beat.dropped.items()):
        findings.warning(
            subject,
            f"its worker {name} was too slow for the master's events, and lost {count} since the engine was started",
            "It looks for what they told in other ways. If the number grows, the database or the master is too slow.",
        )
    if beat.junk:
        findings.warning(
            subject,
            f"{beat.junk} of the master's events were too large or no mappings, and were passed over",
            "A minion may send them. Look for it with: salt-run state.event pretty=True",
        )
    return None


def _snapshot(settings, findings):
    try:
        # Settings that are wrong have findings of their own.
        is_kept = settings.section("engine") and settings.worker("snapshot") is not None
        path = settings.snapshot() if is_kept else None
    except ConfigError:
        return
    if path is None:
        return
    findings.look("snapshot")
    if not os.path.isdir(path):
        findings.warning(
            "snapshot",
            f"there is none in {path}: with the database away no state run is possible",
            "The engine makes it.",
        )
        return
    try:
        info = _core.snapshot_info(path)
    except _core.Error as exc:
        findings.warning("snapshot", f"it cannot be used: {exc}", "See: salt-approval help snapshot")
        return
    if time.time() - info["refreshed_at"] > STALE_S:
        findings.warning(
            "snapshot",
            f"it is of {_time(info['refreshed_at'])}: with the database away minions would get what held then",
            "The engine refreshes it every two seconds.",
        )


def _time(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
