"""
Metrics in the places where Prometheus gets them: an address, a unix socket, a file for node_exporter.

A scrape is answered with what is known at the moment and waits for nothing. Nothing in an answer is a secret, but
who may ask is for the address, the socket's folder and the proxy in front to decide.
"""

import contextlib
import http.server
import logging
import os
import socket
import socketserver
import stat
import threading

import prometheus_client
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from ..errors import ConfigError
from .metrics import METRICS

log = logging.getLogger(__name__)

FAMILIES = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily}
MOST_AT_ONCE = 16  # scrapes; more are turned away
CLIENT_TIMEOUT_S = 10.0
SOCKET_MODE = 0o660
FILE_MODE = 0o644  # numbers alone, which node_exporter reads by an account of its own


class Exposition:
    """
    Metrics in the places that the settings.Metrics ``places`` names.

    rows
        Called for each answer, in any thread: gives the rows (name, labels, value) to tell; those with a name that is
        not in METRICS are left out, as a database of a newer version may have some.

    Every method raises ConfigError if a place cannot be used; what is said of one place holds up no other.
    """

    def __init__(self, places, rows):
        self._places = places
        self._rows = rows
        self._registry = prometheus_client.CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        self._servers = {}  # place -> _Server

    def collect(self):
        """The families of prometheus_client, in the order of METRICS."""
        families = {}
        for name, labels, value in self._rows():
            metric = METRICS.get(name)
            if metric is None:
                continue
            if name not in families:
                families[name] = FAMILIES[metric.kind](name, metric.text, labels=metric.labels)
            families[name].add_metric([labels[label] for label in metric.labels], value)
        return [families[name] for name in METRICS if name in families]

    def open(self):
        """Listen where that is wanted and not done yet."""
        problems = []
        for place in (self._places.address, self._places.socket):
            if place is None or place in self._servers:
                continue
            try:
                self._servers[place] = _Server(place, prometheus_client.MetricsHandler.factory(self._registry))
            except OSError as exc:
                problems.append(
                    f"approval:engine:metrics: {_named(place)} cannot be listened at: {exc.strerror or exc}"
                )
        if problems:
            raise ConfigError("; ".join(problems))

    def write(self):
        """Write the file, if there is to be one: another one takes its place, so that nobody reads half of it."""
        path = self._places.textfile
        if path is None:
            return
        new = f"{path}.{os.getpid()}"
        content = prometheus_client.generate_latest(self._registry)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(new)
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE), "wb") as file:
                os.fchmod(file.fileno(), FILE_MODE)
                file.write(content)
            os.replace(new, path)
        except OSError as exc:
            with contextlib.suppress(OSError):
                os.unlink(new)
            raise ConfigError(f"approval:engine:metrics: {path} cannot be written: {exc.strerror}") from None

    def close(self):
        """Listen no more; the file stays as it was written last."""
        while self._servers:
            self._servers.popitem()[1].stop()


class _Server(http.server.ThreadingHTTPServer):
    """
    Listens at a place, (host, port) or the path of a socket, until stop(), in a thread of its own. Raises OSError.

    A client can neither keep a thread for long nor have more than a few.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, place, handler):
        handler.timeout = CLIENT_TIMEOUT_S
        self._place = place
        self._free = threading.BoundedSemaphore(MOST_AT_ONCE)
        if isinstance(place, str):
            self.address_family = socket.AF_UNIX
        elif ":" in place[0]:
            self.address_family = socket.AF_INET6
        super().__init__(place, handler)
        threading.Thread(target=self.serve_forever, name="approval-metrics-server", daemon=True).start()

    def server_bind(self):
        # The one of HTTPServer asks the domain name system for the name of the host.
        self.server_name, self.server_port = "localhost", 0
        if self.address_family != socket.AF_UNIX:
            socketserver.TCPServer.server_bind(self)
            return
        _make_way(self._place)
        # A socket gets these rights when it is bound, and is never there with others.
        os.fchmod(self.socket.fileno(), SOCKET_MODE)
        self.socket.bind(self._place)

    def stop(self):
        """Listen no more."""
        self.shutdown()
        self.server_close()
        if self.address_family == socket.AF_UNIX:
            with contextlib.suppress(OSError):
                os.unlink(self._place)

    def process_request(self, request, client_address):
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request, client_address):
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request, client_address):
        log.info("approval: a client of the metrics was not answered", exc_info=True)


def _make_way(path):
    """Remove the socket of an engine that is gone. Raises OSError if somebody listens there, or it is another file."""
    try:
        is_socket = stat.S_ISSOCK(os.lstat(path).st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise FileExistsError(0, "there is a file that is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.settimeout(1.0)
        try:
            stream.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except FileNotFoundError:
            return
    raise OSError(0, "another process listens there")


def _named(place):
    if isinstance(place, str):
        return place
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
