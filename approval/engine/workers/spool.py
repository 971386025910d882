"""Records what waits in the spool while the database can be reached."""

from ...jobs import drain, spool
from ...jobs.database import JobDatabase
from ..worker import Worker


class Drainer(Worker):
    name = "spool"
    every_s = 0.25

    def __init__(self, settings):
        self._spool = spool.Spool(spool.settings(settings.opts))
        self._database = JobDatabase(settings.connection("returner"))

    def round(self):
        # Not to the end, so that the engine can stop.
        done = drain.run(self._spool, self._database, limit_s=1.0)
        return None if done.finished or done.busy else 0.0


def worker(settings):
    """The worker; None on a master whose job cache is another."""
    return Drainer(settings) if settings.section("returner") else None
