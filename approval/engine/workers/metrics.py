"""
Offers the engine's metrics to Prometheus.

The numbers of the database are asked for beside the scrapes, so that one is answered at once, however the database is.
While it gives none the answer has none of them: an old number would pass for a new one.
"""

import time

from ...errors import ConfigError
from .. import metrics
from ..saying import Saying
from ..worker import DatabaseWorker

ROUND_S = 15.0
LONGEST_ANSWER_S = 30.0  # of the database, which is given up then until the next round
SHARE = 20  # it works for these numbers for one part in so many of the time at most
LONGEST_PAUSE_S = 300.0


class Part:
    """
    The numbers of one source.

    source, subject
        Its name in metrics, and for the log.
    rows
        As metrics.engine_rows() gives them; None: they could not be had when they were last asked for.
    """

    def __init__(self, source, subject):
        self.rows = None
        self._at = None
        self._source = source
        self._said = Saying(f"approval: no metrics of {subject}")

    def fill(self, collected):
        """Ask anew, by the function ``collected``; what it raises is logged."""
        try:
            rows = list(collected())
        except Exception as exc:
            # Whatever is wrong with one part, the others are told.
            self.rows = None
            self._said.failed(exc)
        else:
            self.rows, self._at = rows, time.time()
            self._said.succeeded()

    def told(self):
        """The rows, and of when they are; none while they cannot be had."""
        rows = self.rows
        return (
            [] if rows is None else [*rows, metrics.row("collected_timestamp_seconds", self._at, source=self._source)]
        )


class Metrics(DatabaseWorker):
    """
    The worker.

    settings
        The Settings, of which metrics() are to be offered.
    """

    name = "metrics"
    every_s = ROUND_S

    def __init__(self, settings):
        # Imported here: its package is there only where metrics are wanted.
        from .. import exposition

        super().__init__(settings)
        self.limit_s = min(self.limit_s, LONGEST_ANSWER_S)
        self._exposition = exposition.Exposition(settings.metrics(), self._rows)
        self._disk = Part("disk", "the spool and the snapshot")
        self._database = Part("database", "the database")
        self._ask_at = 0.0  # when the database is asked next, by the monotonic clock
        self._took_s = None  # how long it took to answer
        self._stays_open = False

    def round(self):
        problems = [problem_of(self._exposition.open)]
        self._disk.fill(lambda: metrics.disk_rows(self.settings))
        if time.monotonic() >= self._ask_at:
            self._ask()
        problems.append(problem_of(self._exposition.write))
        found = "; ".join(problem for problem in problems if problem)
        if found:
            self._stays_open = True
            raise ConfigError(found)

    def close(self):
        # After a place that cannot be used: the other places go on.
        stays_open, self._stays_open = self._stays_open, False
        super().close()
        if not stays_open:
            self._exposition.close()

    def _ask(self):
        began = time.monotonic()
        self._database.fill(lambda: ((row["name"], row["labels"], row["value"]) for row in self.call("metrics")))
        self._took_s = time.monotonic() - began
        if self._database.rows is None:
            super().close()
        self._ask_at = began + min(SHARE * self._took_s, LONGEST_PAUSE_S)

    def _rows(self):
        yield from self.figures()
        yield from self._disk.told()
        if self._took_s is not None:
            yield metrics.row("database_up", self._database.rows is not None)
            yield metrics.row("database_collection_seconds", self._took_s)
        yield from self._database.told()


def problem_of(act):
    """The text of the ConfigError that the function raises, or None."""
    try:
        act()
    except ConfigError as exc:
        return str(exc)
    return None


def worker(settings):
    """The worker; None where no metrics are wanted."""
    if settings.worker("metrics") is None or settings.metrics() is None:
        return None
    problem = metrics.problem(settings)
    if problem is not None:
        raise ConfigError(problem)
    return Metrics(settings)
