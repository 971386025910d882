"""Tells a story on a terminal, one checked outcome after the other."""

import contextlib
import os
import shlex
import sys
import textwrap
import threading
import time

WIDTH = 100
GREEN, RED, BOLD, DIM = "32", "31", "1", "2"


class StepFailed(Exception):
    """An outcome that the story promises did not hold."""


class Narrator:
    """Writes to `stream`; in color and with a running clock where that is a terminal."""

    def __init__(self, stream=sys.stdout):
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._has_color = self._is_terminal and "NO_COLOR" not in os.environ
        self.checks = 0

    def heading(self, text):
        self._line(f"\n{self._colored(BOLD, text)}")

    def say(self, text):
        for line in textwrap.wrap(text, WIDTH - 3):
            self._line(f"   {line}")

    def command(self, who, words):
        """Show a command as `who` types it; call before running it."""
        self._line(self._colored(DIM, f"   {who}$ {shlex.join(words)}"))

    def quote(self, text, limit=20):
        """Show what a command printed, cut to `limit` lines."""
        lines = text.rstrip().splitlines()
        for line in lines[:limit]:
            self._line(f"      {line}")
        if len(lines) > limit:
            self._line(f"      ... {len(lines) - limit} more lines")

    def check(self, holds, outcome, found=None):
        """State an outcome; raises StepFailed, with what was found instead, unless it holds."""
        if not holds:
            self._line(f"   {self._colored(RED, 'FAILED')} {outcome}")
            raise StepFailed(outcome if found is None else f"{outcome}\nfound: {found}")
        self.checks += 1
        self._line(f"   {self._colored(GREEN, 'ok')} {outcome}")

    @contextlib.contextmanager
    def progress(self, text):
        """Show that `text` is under way, and how long it took."""
        started = time.monotonic()
        self._write(f"   {text} ... ")
        end = "\n"
        try:
            with self._clock(text, started):
                yield
            end = f"{time.monotonic() - started:.1f} s\n"
        finally:
            self._write(end)

    @contextlib.contextmanager
    def _clock(self, text, started):
        """Keep the seconds running at the end of the line, on a terminal."""
        if not self._is_terminal:
            yield
            return
        done = threading.Event()

        def tick():
            while not done.wait(0.5):
                self._write(f"\r   {text} ... {time.monotonic() - started:.0f} s")

        ticker = threading.Thread(target=tick)
        ticker.start()
        try:
            yield
        finally:
            done.set()
            ticker.join()
            self._write(f"\r   {text} ... ")

    def _colored(self, color, text):
        return f"\x1b[{color}m{text}\x1b[0m" if self._has_color else text

    def _line(self, text):
        self._write(text + "\n")

    def _write(self, text):
        self._stream.write(text)
        self._stream.flush()
