"""Point reads with libpq alone, by a small C program that is built here."""

import pathlib
import shlex
import subprocess

SOURCE = pathlib.Path(__file__).with_name("point_read.c")
BATCH = 50


def build(directory):
    """Compile the program into the directory; returns its path."""
    program = pathlib.Path(directory) / "point_read"
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libpq"], check=True, capture_output=True, text=True)
    command = ["cc", "-O2", "-std=gnu11", "-o", str(program), str(SOURCE), *shlex.split(flags.stdout)]
    subprocess.run(command, check=True)
    return program


class LibpqReader:
    """
    An alternative for rounds.medians, as a context manager: the prepared ``sql`` with one id after the other.

    next_id
        A function that gives the id to read next.
    """

    def __init__(self, program, dsn, sql, next_id):
        self._command = [program, dsn, sql]
        self._next_id = next_id
        self._process = None

    def __enter__(self):
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        return self

    def __exit__(self, *exception):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def run(self, duration_s):
        """Read for so long; the times of all reads in µs."""
        times = []
        while sum(times) < duration_s * 1e6:
            self._process.stdin.write(" ".join(self._next_id() for _ in range(BATCH)) + "\n")
            answer = self._process.stdout.readline().split()
            if len(answer) != BATCH:
                raise RuntimeError("point_read ended before its time")
            times += [int(ns) / 1000 for ns in answer]
        return times
