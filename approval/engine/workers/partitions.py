"""Makes the partitions of the job cache and the job log ahead of time, and drops those that are too old to be kept."""

from ...errors import ConfigError
from ...jobs import retention
from ..worker import DatabaseWorker


class Partitions(DatabaseWorker):
    name = "partitions"
    every_s = 3600.0

    def round(self):
        self.call("maintain_jobs", retention.keep_hours(self.opts), self.settings.keep_log_days())


def worker(settings):
    """The worker; see engine/worker.py."""
    if "keep_jobs_seconds" not in settings.opts:
        # Every master has it. Elsewhere no default is right: what is older is lost.
        raise ConfigError("partitions: keep_jobs_seconds is not set, as it stands in the master's configuration")
    return Partitions(settings)
