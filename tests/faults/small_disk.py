"""A file system of a few megabytes that nobody else sees."""

import contextlib
import pathlib
import subprocess

import pytest

FILLER = "filler"
SCRIPT = 'mount -t tmpfs -o size="$1",mode=700 none "$2" && echo mounted && exec sleep infinity'


class SmallDisk:
    """
    Context manager around a tmpfs of `size` (as mount takes it) in a mount namespace of its own; `path` leads there
    for every process of this account. The disk is gone when this process is. Skips the test where none can be mounted.
    """

    def __init__(self, folder, size):
        self._folder = folder
        self._size = size
        self._holder = None
        self.path = None

    def __enter__(self):
        self._folder.mkdir()
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh"]
        self._holder = subprocess.Popen([*command, self._size, self._folder], stdout=subprocess.PIPE, text=True)
        if self._holder.stdout.readline() != "mounted\n":
            self.__exit__()
            pytest.skip("a file system can be mounted only by root, or where users may make namespaces")
        self.path = pathlib.Path(f"/proc/{self._holder.pid}/root{self._folder}")
        return self

    def __exit__(self, *exception):
        self._holder.kill()
        self._holder.wait()
        self._holder.stdout.close()

    def fill(self):
        """Write until not a byte more fits."""
        with open(self.path / FILLER, "ab", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def empty(self):
        """Take away what fill() wrote."""
        (self.path / FILLER).unlink()
