"""Makes the partitions of the job cache ahead of time, and drops those that are older than jobs are kept."""

from ...jobs import retention
from ..worker import DatabaseWorker


class Partitions(DatabaseWorker):
    name = "partitions"
    every_s = 3600.0

    def round(self):
        self.call("maintain_jobs", retention.keep_hours(self.opts))


def worker(opts):
    """The worker; see workers.Worker."""
    return Partitions(opts)
