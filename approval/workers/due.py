"""Does what only time brings: requests expire, stages time out, approvals end or are asked for anew."""

from . import DatabaseWorker


class Due(DatabaseWorker):
    name = "due"
    every_s = 60.0

    def round(self):
        self.value("expire_due")
        self.value("renew_requests")


def worker(opts):
    """The worker; see workers.Worker."""
    return Due(opts)
