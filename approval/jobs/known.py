"""Jobs that the database is known to have, so that it is not asked for each return of one."""

import time

MOST = 10_000
FORGET_S = 60.0  # a database that was restored may not have what it had


class KnownJobs:
    """Job ids that were seen in the database, by this process and not long ago."""

    def __init__(self):
        self._jids = set()
        self._since = time.monotonic()

    def __contains__(self, jid):
        self._forget()
        return jid in self._jids

    def add(self, jid):
        """Remember that the database has this job, or will not have it at all."""
        self._forget()
        self._jids.add(jid)

    def _forget(self):
        now = time.monotonic()
        if now - self._since > FORGET_S or len(self._jids) >= MOST:
            self._jids.clear()
            self._since = now
