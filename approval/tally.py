"""
How many pillars the processes of a master served, and from where: for the engine's metrics.

A file has a slot for each process that counts. A process takes a slot by a lock on it, which it loses only by its end,
and is the one to write there; the next process to take it counts on. So counting is a write to memory that waits for
nobody, and the sum of all slots never goes back. Whatever goes wrong, the pillar is served and is not counted.
"""

import fcntl
import functools
import mmap
import os
import struct
import threading

SOURCES = ("database", "snapshot", "failed")
PLACES = {source: number for number, source in enumerate(SOURCES)}
SLOTS = 256
SLOT = struct.Struct(f"={len(SOURCES)}Q")
SIZE = SLOTS * SLOT.size
# struct flock of a lock for writing on so many bytes from there.
LOCK = "hhqqi4x"

_lock = threading.Lock()
_taken = {}  # path -> (descriptor, the numbers of a slot) of this process, or None where it cannot count


def _forget():
    """In a child: the slots of the parent are the parent's."""
    global _lock
    _lock = threading.Lock()
    for taken in _taken.values():
        if taken is not None:
            os.close(taken[0])
    _taken.clear()


os.register_at_fork(after_in_child=_forget)


@functools.lru_cache(maxsize=4)
def path(cachedir):
    """The file's place below the directory for what can be made again, ``Settings.cachedir``."""
    return os.path.join(cachedir, "approval", "pillars")


def count(place, source):
    """Count a pillar in the file ``place``: one of SOURCES."""
    with _lock:
        if place not in _taken:
            _taken[place] = _take(place)
        taken = _taken[place]
        if taken is not None:
            taken[1][PLACES[source]] += 1


def counted(place):
    """{source: how many} of all processes together; {} where nobody counts. Raises OSError."""
    try:
        with open(place, "rb") as file:
            content = file.read(SIZE)
    except FileNotFoundError:
        return {}
    if len(content) < SIZE:
        return {}  # it is just being made
    return dict(zip(SOURCES, map(sum, zip(*SLOT.iter_unpack(content), strict=True)), strict=True))


def _take(place):
    """A free slot, as in _taken."""
    try:
        os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
    try:
        # It never gets smaller, so that others' memory stays there; on a full disk this fails, and no later write does.
        os.posix_fallocate(descriptor, 0, SIZE)
        for number in range(SLOTS):
            offset = (os.getpid() + number) % SLOTS * SLOT.size
            if _is_mine(descriptor, offset):
                slot = memoryview(mmap.mmap(descriptor, SIZE))[offset : offset + SLOT.size]
                return descriptor, slot.cast("Q")
    except OSError:
        pass
    os.close(descriptor)
    return None


def _is_mine(descriptor, offset):
    # By the open file: a lock of the process would go as soon as anything in it closed the same file.
    lock = struct.pack(LOCK, fcntl.F_WRLCK, os.SEEK_SET, offset, SLOT.size, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, lock)
    except BlockingIOError:
        return False
    return True
