"""Is the spool as it should be? A part of the check."""

import os
import stat
import time

from ... import _core
from ...errors import ConfigError
from ...jobs import spool

WHERE = "approval:returner spool"
NEARLY_FULL = 0.7  # of the bound; with less than an eighth left nothing more is taken
LONG_S = 600


def run(opts, uid, findings):
    """
    Add to ``findings`` what is wrong with the spool of the master that runs as ``uid``: its place, what was set
    aside, how full it is, and how long anything has waited.
    """
    try:
        settings = spool.settings(opts)
    except ConfigError as exc:
        findings.error(WHERE, str(exc), "See: salt-approval help when-the-database-is-away")
        return
    problem = _place(settings.path, uid)
    if problem:
        findings.error(WHERE, *problem)
        return
    kept = spool.Spool(settings)
    try:
        info = kept.info()
    except (_core.Error, OSError) as exc:
        findings.error(
            WHERE,
            f"it cannot be used, so that with the database away returns would be lost: {exc}",
            "See: salt-approval help when-the-database-is-away",
        )
        return
    _content(info, findings)


def _place(path, uid):
    """(problem, remedy) if the account ``uid`` cannot keep the spool in the directory ``path``."""
    existing = path
    while not os.path.lexists(existing) and existing != os.path.dirname(existing):
        existing = os.path.dirname(existing)
    try:
        status = os.stat(existing)
    except OSError as exc:
        return f"{existing}: {exc.strerror}", "Name another directory."
    if not stat.S_ISDIR(status.st_mode):
        return f"{existing} is no directory", "Name another directory."
    if existing == path:
        if status.st_mode & 0o077:
            return f"others may read or write {path}", f"chmod 700 {path}"
        if uid not in (0, status.st_uid):
            return f"{path} does not belong to the master's account", f"chown -R it to uid {uid}."
    elif uid != 0 and not (status.st_uid == uid and status.st_mode & stat.S_IWUSR):
        return f"the master's account cannot make {path}", f"Make it: install -d -m 700 -o {uid} {path}"
    return None


def _content(info, findings):
    if info["aside"]:
        findings.warning(
            WHERE,
            f"{info['aside']} entries could not be recorded and were set aside",
            "Look at them: salt-approval spool show --poison; then spool retry or spool drop.",
        )
    if info["used_bytes"] > NEARLY_FULL * info["bound_bytes"]:
        findings.error(
            WHERE,
            "it is nearly full: with the database away returns would be lost",
            "Bring the database back, or raise spool_max_mb.",
        )
    if info["entries"] and info["oldest"] and info["oldest"] < time.time() - LONG_S:
        findings.warning(
            WHERE,
            f"{info['entries']} entries wait, the oldest for more than {LONG_S // 60} minutes",
            "Is the database away, or the engine (engines: - approval) not running? salt-approval spool drain "
            "records them and says what is wrong.",
        )
    if info["dropped_events"]:
        findings.warning(
            WHERE,
            f"{info['dropped_events']} events found no room in it so far, and are lost",
            "Raise spool_max_mb if they matter.",
        )
