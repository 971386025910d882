"""Keeps how minions stand to what is approved for them, so that pages on compliance look at few of them."""

from ..worker import DatabaseWorker


class Standings(DatabaseWorker):
    name = "standings"
    every_s = 2.0

    def round(self):
        while self.value("maintain_standings"):
            pass


def worker(settings):
    """The worker; see engine/worker.py."""
    return Standings(settings)
