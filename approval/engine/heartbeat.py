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
    The sign of life of the engine: when (seconds since 1970), the id of its process, which workers it runs, which of
    them fail, with the error, how many events those lost that were too slow, and how many were passed over.
    """

    at: float
    pid: int
    workers: list = field(default_factory=list)
    failing: dict = field(default_factory=dict)
    dropped: dict = field(default_factory=dict)
    junk: int = 0

    @property
    def is_alive(self):
        """Whether it is young enough for an engine that works."""
        return abs(time.time() - self.at) < DEAD_AFTER_S


def path(cachedir):
    """Where it is below the directory for what can be made again, ``Settings.cachedir``."""
    return os.path.join(cachedir, "approval", "engine.json")


def write(cachedir, workers, failing, dropped=None, junk=0):
    """Say that the engine is alive. Raises OSError."""
    place = path(cachedir)
    os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
    new = f"{place}.{os.getpid()}"
    try:
        # Errors stand in it: for the master's account alone.
        with open(
            os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w", encoding="utf-8"
        ) as file:
            json.dump(asdict(Heartbeat(time.time(), os.getpid(), workers, failing, dropped or {}, junk)), file)
        os.replace(new, place)
    except OSError:
        if os.path.lexists(new):
            os.unlink(new)
        raise


def read(cachedir):
    """The Heartbeat that was written last; None where there is none that can be understood. Raises OSError."""
    try:
        with open(path(cachedir), encoding="utf-8") as file:
            content = json.load(file)
        return Heartbeat(
            float(content["at"]),
            int(content["pid"]),
            list(content["workers"]),
            dict(content["failing"]),
            dict(content["dropped"]),
            int(content["junk"]),
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
