"""The server's side of a WebSocket (RFC 6455), without extensions."""

import base64
import contextlib
import hashlib
import socket
import struct
import threading

CONTINUATION, TEXT, CLOSE, PING, PONG = 0x0, 0x1, 0x8, 0x9, 0xA
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
GOING_AWAY, PROTOCOL_ERROR = 1001, 1002


class Closed(Exception):
    """The other side has closed the connection, or broken the protocol."""


def upgrade(headers):
    """The headers of the answer to a request that upgrades; None: it does not ask for a WebSocket of version 13."""
    asks = headers.get("Upgrade", "").lower() == "websocket" and "upgrade" in headers.get("Connection", "").lower()
    key = headers.get("Sec-WebSocket-Key")
    if not asks or not key or headers.get("Sec-WebSocket-Version") != "13":
        return None
    accept = base64.b64encode(hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()).decode()
    return {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept}


class WebSocket:
    """
    One connection after its upgrade. Any thread may send; one receives.

    connection, incoming
        The socket, and a file of what comes in.
    is_frozen
        Pings get no answer any more.
    """

    def __init__(self, connection, incoming):
        self._connection = connection
        self._incoming = incoming
        self._lock = threading.Lock()
        self._is_closed = False
        self.is_frozen = False

    def send(self, text):
        """Sends a text. Raises OSError where the connection is broken."""
        self._send(TEXT, text.encode())

    def receive(self):
        """The next text that comes. Answers pings by itself. Raises Closed, OSError."""
        parts = []
        while True:
            is_last, opcode, content = self._frame()
            if opcode == CLOSE:
                self.close()
                raise Closed("the other side closed the connection")
            if opcode == PING:
                if not self.is_frozen:
                    self._send(PONG, content)
            elif opcode in (TEXT, CONTINUATION):
                parts.append(content)
                if is_last:
                    return b"".join(parts).decode()
            elif opcode != PONG:
                raise self._broken(f"opcode {opcode} is not expected")

    def close(self, code=1000):
        """Sends a close frame, once."""
        if not self._is_closed:
            self._is_closed = True
            with contextlib.suppress(OSError):
                self._send(CLOSE, struct.pack("!H", code))

    def cut(self, code):
        """Sends a close frame, and waits for no answer."""
        self.close(code)
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def _send(self, opcode, content):
        size = len(content)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", 0x80 | opcode, 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 127, size)
        with self._lock:
            self._connection.sendall(head + content)

    def _frame(self):
        first, second = self._read(2)
        if not second & 0x80:
            raise self._broken("a frame of a client must be masked")
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self._read(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._read(8))
        mask = self._read(4)
        content = bytes(byte ^ mask[index % 4] for index, byte in enumerate(self._read(size)))
        return bool(first & 0x80), first & 0x0F, content

    def _read(self, size):
        content = self._incoming.read(size)
        if len(content) < size:
            raise Closed("the connection broke")
        return content

    def _broken(self, text):
        self.close(PROTOCOL_ERROR)
        return Closed(text)
