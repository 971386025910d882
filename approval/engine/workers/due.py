"""Does what only time brings: requests expire, stages time out, approvals end or are asked for anew; changes add up."""

import datetime

from ..worker import DatabaseWorker


class Due(DatabaseWorker):
    name = "due"
    every_s = 60.0

    def round(self):
        self.value("expire_due")
        self.value("renew_requests")
        self.value("maintain_changes")
        due = self.value("next_due")
        if due is None:
            return None
        # expire_due skips rows that another session holds: they can wait a second.
        return max(1.0, (due - datetime.datetime.now(datetime.timezone.utc)).total_seconds())


def worker(settings):
    """The worker; see engine/worker.py."""
    return Due(settings)
