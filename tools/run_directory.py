"""A temporary directory that is gone after the run, also after a run that was killed.

The owner keeps a lock on the directory. The kernel drops the lock with the owner, so the next run recognizes what a
killed one left behind, and removes it.
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
import tempfile

# Short, since the path of a unix socket may have 107 bytes. The names in there are made by mkdtemp.
DISK = pathlib.Path("/var/tmp")  # noqa: S108
MEMORY = pathlib.Path("/dev/shm")  # noqa: S108
# Several times what a run with two roots of minions needs, since it takes the memory of all that runs beside it.
ENOUGH_BYTES = 8 << 30
PREFIX = "saltext-approval."


class RunDirectory:
    """
    Context manager; its value is the path of the new directory.

    parent
        Where to make it: MEMORY or DISK; None: in memory where there is plenty, else on the disk.
    """

    def __init__(self, parent=None):
        self._parent = parent
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with self._stack:
            remove_abandoned()
            path = self._stack.enter_context(_created(self._parent or _roomy()))
            # The server's account has to reach its folder below; every folder below has its own, tighter mode.
            path.chmod(0o755)
            self._stack = self._stack.pop_all()
            return path

    def __exit__(self, *exception):
        self._stack.close()


def remove_abandoned():
    """Remove the directories of this account whose owner has died."""
    for path in (*DISK.glob(PREFIX + "*"), *MEMORY.glob(PREFIX + "*")):
        with _locked(path) as is_ours:
            if is_ours:
                shutil.rmtree(path)


def _roomy():
    """Memory where there is plenty, because the roots of minions are many files; else the disk."""
    try:
        space = os.statvfs(MEMORY)
        (available,) = (
            int(line.split()[1]) << 10
            for line in pathlib.Path("/proc/meminfo").read_text().splitlines()
            if line.startswith("MemAvailable:")
        )
    except (OSError, ValueError):
        return DISK
    # As containers mount it often, nothing of a root could run there.
    usable = os.access(MEMORY, os.W_OK) and not space.f_flag & (os.ST_NOEXEC | os.ST_NODEV)
    return MEMORY if usable and min(available, space.f_bavail * space.f_frsize) >= ENOUGH_BYTES else DISK


@contextlib.contextmanager
def _created(parent):
    """Make a directory, keep it locked, and remove it at the end."""
    while True:
        path = pathlib.Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        # Another run may just take it for an abandoned one, and remove it: then the next one is ours.
        with _locked(path) as is_ours:
            if not is_ours:
                continue
            try:
                yield path
            finally:
                shutil.rmtree(path)
            return


@contextlib.contextmanager
def _locked(path):
    """Lock a directory for the time of the block; the value says whether it is there, of this account, and locked."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        yield False
        return
    try:
        yield _is_lockable(path, descriptor)
    finally:
        os.close(descriptor)


def _is_lockable(path, descriptor):
    status = os.fstat(descriptor)
    if status.st_uid != os.getuid():
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    # Its last owner may have removed it between the opening and the locking.
    return path.exists() and path.stat().st_ino == status.st_ino
