"""
Keeps the snapshot of all approved state on the master's disk up to date.

The worker takes directory and login from the entry ``approval`` under ``ext_pillar``, for whose time without the
database the snapshot is.
"""

import logging
import os
import subprocess
import sys
import time

from ... import _core
from ...errors import Unavailable
from ..worker import Worker

log = logging.getLogger(__name__)

# A full build may have to wait for the first row of a large table.
TIMEOUT_MS = 60_000
VERIFY_EVERY_S = 86_400.0
# Exit code 1: it is damaged. Refreshing finds out whether there is none, or one that cannot be opened.
VERIFY = """
import sys
from saltext.approval import _core
try:
    _core.snapshot_verify(sys.argv[1])
except _core.Error as exc:
    sys.exit(exc.code == "damaged")
"""


class Snapshot(Worker):
    """
    Reads what was changed as soon as the database tells, and looks by itself every two seconds, which also says to
    the readers that nothing was missed.

    source
        A settings.Source.
    """

    name = "snapshot"
    every_s = 2.0
    channels = ("approval_documents",)

    def __init__(self, source):
        self._source = source
        self._verified = None  # when, by the monotonic clock
        self._is_damaged = False

    def round(self):
        path = self._source.reading["snapshot"]
        rebuild = self._is_damaged
        if self._verified is None or time.monotonic() - self._verified > VERIFY_EVERY_S:
            rebuild = self._is_damaged = not verified(path)
            self._verified = time.monotonic()
            if rebuild:
                log.error("approval: the snapshot in %s is damaged: it is built anew", path)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        options = {**self._source.connection.options, "timeout_ms": TIMEOUT_MS}
        try:
            done = _core.snapshot_refresh(self._source.connection.conninfo, path, rebuild=rebuild, **options)
        except _core.Unavailable as exc:
            raise Unavailable(str(exc)) from None
        self._is_damaged = False
        if done["built"]:
            log.info("approval: the snapshot was built: %d minions", done["minions"])
        if done["unusable"]:
            log.error("approval: %d minions have a document that does not match its digest", done["unusable"])


def verified(path):
    """
    Whether the snapshot in the directory ``path`` is sound, or there is none that could be unsound.

    Another process looks: damage to the file's structure can end it.
    """
    command = [sys.executable, "-P", "-c", VERIFY, path]
    result = subprocess.run(  # noqa: S603
        command, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return result.returncode == 0  # below 0: a signal ended it


def worker(settings):
    """The worker; None on a master without our pillar."""
    if settings.worker("snapshot") is None or not settings.pillars:
        return None
    return Snapshot(settings.source())
