"""Deadlines for what waits at a socket without one of its own, as libpq's and gunicorn's calls do."""

import contextlib
import os
import socket
import threading


@contextlib.contextmanager
def cut_after(seconds, descriptor):
    """
    Shut the socket with this descriptor down if what is done meanwhile is not over after so many seconds: whoever
    waits at it, in this thread or another, then sees its end.
    """
    # A descriptor of its own: the number may be another file's by the time.
    with socket.socket(fileno=os.dup(descriptor)) as own:
        timer = threading.Timer(seconds, _shut_down, (own,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _shut_down(own):
    with contextlib.suppress(OSError):
        own.shutdown(socket.SHUT_RDWR)
