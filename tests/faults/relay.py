"""A TCP relay in a process of its own that can stop passing anything on: to both sides, packets are lost."""

import asyncio
import multiprocessing
import socket

_fork = multiprocessing.get_context("fork")
CUT, MEND = b"c", b"m"


class Relay:
    """
    Context manager around a relay to the unix socket of a server; `port` is where it listens.

    address
        The address that it listens on.
    inside
        Called in its process first.
    """

    def __init__(self, unix_socket, address="127.0.0.1", inside=lambda: None):
        self._unix_socket = unix_socket
        self._address = address
        self._inside = inside
        self._orders, self._process, self.port = None, None, None

    def __enter__(self):
        self._orders, theirs = socket.socketpair()
        self._process = _fork.Process(target=self._run, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self.port = int.from_bytes(self._orders.recv(2), "big")
        return self

    def __exit__(self, *exception):
        self._process.kill()
        self._process.join()
        self._orders.close()

    def cut(self):
        """From now on nothing passes. Connections can be made, but nobody answers."""
        self._order(CUT)

    def mend(self):
        """From now on all passes, also what was sent meanwhile, as TCP sends again what was lost."""
        self._order(MEND)

    def _order(self, order):
        self._orders.sendall(order)
        assert self._orders.recv(1) == order

    def _run(self, orders):
        self._inside()
        asyncio.run(self._serve(orders))

    async def _serve(self, orders):
        loop = asyncio.get_running_loop()
        passing = asyncio.Event()
        passing.set()
        server = await asyncio.start_server(lambda *ends: self._connect(passing, *ends), self._address, 0)
        orders.setblocking(False)
        await loop.sock_sendall(orders, server.sockets[0].getsockname()[1].to_bytes(2, "big"))
        while order := await loop.sock_recv(orders, 1):
            if order == CUT:
                passing.clear()
            else:
                passing.set()
            await loop.sock_sendall(orders, order)

    async def _connect(self, passing, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self._unix_socket)
            await asyncio.gather(_pump(passing, reader, far_writer), _pump(passing, far_reader, writer))
        except OSError:
            writer.close()


async def _pump(passing, reader, writer):
    try:
        while data := await reader.read(65536):
            await passing.wait()
            writer.write(data)
            await writer.drain()
    finally:
        await passing.wait()
        writer.close()
