"""gunicorn's worker with threads, with a deadline for each request.

gunicorn waits for the rest of a request as long as its sender likes, in one of the few threads, and for the end of a
connection in its main loop. Whoever sends slowly could hold up everybody by that.
"""

import contextlib
import json
import logging
import socket
import ssl
import time

from gunicorn.http.errors import ParseException
from gunicorn.workers import gthread

from . import log
from .cutting import cut_after

# A thread waits so long for the first byte of a connection, then leaves that to the main loop. It is also how long
# what is left of a body is read before the next request.
gthread.DEFAULT_WORKER_DATA_TIMEOUT = 0.05
LINGER_S = 2.0
LINGER_BYTES = 32 * 1024 * 1024  # more than the largest body that a sender has
STATUS = {  # of requests that are none; all others are 400
    "LimitRequestLine": (414, "URI Too Long"),
    "LimitRequestHeaders": (431, "Request Header Fields Too Large"),
    "UnsupportedTransferCoding": (501, "Not Implemented"),
    "ExpectationFailed": (417, "Expectation Failed"),
}


class Worker(gthread.ThreadWorker):
    """As gunicorn's, but no connection has a thread for longer than a request may take."""

    def handle(self, conn):
        """Answer a request; whoever has not sent all of it in time is cut off."""
        with cut_after(self.app.request_seconds, conn.sock.fileno()):
            result = super().handle(conn)
            if result is False:
                _linger(conn.sock)
        return result

    def handle_error(self, req, client, addr, exc):
        """Answer what is no request, and what the application did not answer; say neither what was sent."""
        status, title = STATUS.get(type(exc).__name__, (400, "Bad Request"))
        if isinstance(exc, ParseException | ssl.SSLError):
            log.say("no request", logging.WARNING, status=status, client=addr[0] if addr else None, **log.places(exc))
        else:
            status, title = 500, "Internal Server Error"
            log.say("a request failed", logging.ERROR, **log.places(exc))
        body = json.dumps({"title": title, "status": status}) + "\n"
        head = (
            f"HTTP/1.1 {status} {title}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
            f"Cache-Control: no-store\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with contextlib.suppress(OSError):
            client.sendall((head + body).encode("ascii"))


def _linger(sock):
    """
    Have the peer read our answer before the connection ends, though it may be sending still: an end with something
    unread would take the answer away from it.
    """
    until, taken = time.monotonic() + LINGER_S, 0
    with contextlib.suppress(OSError):
        # Of the socket itself: shutdown() of one with TLS would drop its state while another thread may be at it.
        socket.socket.shutdown(sock, socket.SHUT_WR)
        while taken < LINGER_BYTES and time.monotonic() < until:
            sock.settimeout(max(0.01, until - time.monotonic()))
            data = socket.socket.recv(sock, 65_536)
            if not data:
                break
            taken += len(data)
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
