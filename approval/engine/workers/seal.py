"""Chains every act into the audit's global chain, within a second of it."""

from ..worker import DatabaseWorker


class Seal(DatabaseWorker):
    name = "seal"
    every_s = 0.5

    def round(self):
        while self.value("seal_audit"):
            pass


def worker(settings):
    """The worker; see engine/worker.py."""
    return Seal(settings)
