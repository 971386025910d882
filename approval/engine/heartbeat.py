"""The engine's sign of life on the master's disk: `salt-approval check` reads it, with the database away too."""

import json
import os
import time
from dataclasses import asdict, dataclass, field

EVERY_S = 5.0
DEAD_AFTER_S = 30.0


@dataclass(frozen=True)
class Heartbeat:
    """
    What the engine said of itself: when (seconds since 1970), the id of its process, which workers it runs, and
    which of them fail, with the error.
    """

    at: float
    pid: int
    workers: list = field(default_factory=list)
    failing: dict = field(default_factory=dict)

    @property
    def is_alive(self):
        """Whether it is young enough for an engine that works."""
        return abs(time.time() - self.at) < DEAD_AFTER_S


def path(opts):
    """Where it is, on a master with the configuration ``opts``."""
    return os.path.join(opts.get("cachedir", "/var/cache/salt/master"), "approval", "engine.json")


def write(opts, workers, failing):
    """Say that the engine is alive. Raises OSError."""
    place = path(opts)
    os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
    new = f"{place}.{os.getpid()}"
    try:
        # Errors stand in it: for the master's account alone.
        with open(
            os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w", encoding="utf-8"
        ) as file:
            json.dump(asdict(Heartbeat(time.time(), os.getpid(), workers, failing)), file)
        os.replace(new, place)
    except OSError:
        if os.path.lexists(new):
            os.unlink(new)
        raise


def read(opts):
    """The Heartbeat that was written last; None where there is none that can be understood. Raises OSError."""
    try:
        with open(path(opts), encoding="utf-8") as file:
            content = json.load(file)
        return Heartbeat(float(content["at"]), int(content["pid"]), list(content["workers"]), dict(content["failing"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
