"""Makes alarms of what was seen, and tells those to whom routes lead, within a second."""

from ..worker import DatabaseWorker


class Alarms(DatabaseWorker):
    name = "alarms"
    every_s = 1.0

    def round(self):
        while self.value("settle_alarms"):
            pass


def worker(settings):
    """The worker; see engine/worker.py."""
    return Alarms(settings)
