"""Where a minion's approved state is read from: the settings of ``ext_pillar: approval``, for all who need them.

Used for every pillar, so it imports nothing heavy.
"""

import functools
import os
import time
from dataclasses import dataclass, field

from . import config
from .errors import ConfigError

WHERE = "ext_pillar approval"
ALSO = ("key", "mode", "snapshot", "max_age")
MODES = ("database", "snapshot")
# In mode snapshot, one that is not refreshed any more must not go on unnoticed while the database can be asked.
FRESH_S = 60.0


@dataclass(frozen=True)
class Source:
    """
    What the settings say.

    connection
        A config.Connection.
    key
        The key of the pillar.
    reading
        What reading() gives: where the snapshot is, and when it is asked.
    """

    connection: config.Connection
    key: str
    reading: dict = field(default_factory=dict)


def source(settings, cachedir):
    """
    The Source that the mapping ``settings`` describes.

    cachedir
        Salt's, below which the snapshot is unless the settings say otherwise.

    Raises ConfigError. What stands in the settings and in the file that they name is looked at once a second.
    """
    second = int(time.monotonic())
    try:
        return _source(second, cachedir, **settings)
    except TypeError:
        # Settings that cannot be kept, such as lists: none of ours may be one, so the text says which.
        return _source.__wrapped__(second, cachedir, **settings)


@functools.lru_cache(maxsize=4, typed=True)
def _source(second, cachedir, /, **settings):
    connection = config.connection(settings, WHERE, ALSO)
    key = settings.get("key", "approval")
    if not isinstance(key, str) or not key:
        raise ConfigError(f"{WHERE}: key must be a non-empty text")
    return Source(connection, key, reading(settings, cachedir))


def reading(settings, cachedir):
    """The keyword arguments of ``_core.document`` that the mapping gives, beside those of the connection."""
    mode = settings.get("mode", "database")
    if mode not in MODES:
        raise ConfigError(f"{WHERE}: mode must be {' or '.join(MODES)}")
    snapshot = settings.get("snapshot") or os.path.join(cachedir, "approval", "snapshot")
    if not isinstance(snapshot, str) or not os.path.isabs(snapshot):
        raise ConfigError(f"{WHERE}: snapshot must be the full path of a directory")
    # One environment of LMDB must not be opened twice in a process.
    found = {"snapshot": os.path.normpath(snapshot)}
    max_age = settings.get("max_age")
    if max_age is not None:
        if isinstance(max_age, bool) or not isinstance(max_age, int | float) or not max_age > 0:
            raise ConfigError(f"{WHERE}: max_age must be a number of seconds above 0")
        found["max_age"] = float(max_age)
    if mode == "snapshot":
        found["snapshot_first"] = found.get("max_age", FRESH_S)
    return found


def sources(opts):
    """The settings of each entry of ours under ``ext_pillar`` in a master's configuration."""
    entries = opts.get("ext_pillar") or []
    return [entry["approval"] for entry in entries if isinstance(entry, dict) and "approval" in entry]


def state_arguments(opts):
    """What functions on minions have to be told of the configuration ``opts``: pillar_key, unless it is as usual."""
    configured = sources(opts)
    key = configured[0].get("key") if configured and isinstance(configured[0], dict) else None
    return {"pillar_key": key} if key else {}
