"""
Metrics of the web service for Prometheus, at a port of their own: how many requests, of which kind, how long they took.

Its processes write into files of one folder, and whichever of them is asked adds them up; see prometheus_client's
multiprocess mode. No label says who asked, or about which minion or request.
"""

import os
import shutil
import tempfile
import time

from flask import g, request

from ..errors import ConfigError

PACKAGE = "prometheus_client"
FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # by which the package knows of the mode; it looks when it is imported
PATH = "/metrics"
METHODS = ("GET", "HEAD", "POST")
OTHER = "other"  # than a route, or one of these methods: a label of its own for each would have no end
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10)  # bounds of how long requests took


class Metrics:
    """
    What is counted, and the answer to who asks for it at ``port``, where the service listens too. end() has to be
    called by the process that made it. Raises ConfigError where the package is missing.
    """

    def __init__(self, port):
        self._port = port
        self._maker = os.getpid()
        self._folder = tempfile.mkdtemp(prefix="salt-approval-web-")
        os.environ[FOLDER] = self._folder
        try:
            import prometheus_client
            from prometheus_client import multiprocess
        except ModuleNotFoundError:
            self.end()
            raise ConfigError(
                f"approval:web: metrics need the Python package {PACKAGE}: pip install '{PACKAGE}'"
            ) from None
        registry = prometheus_client.CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, self._folder)
        self._answer = prometheus_client.make_wsgi_app(registry)
        self._ended = multiprocess.mark_process_dead
        self._requests = prometheus_client.Counter(
            "saltext_approval_web_requests",
            "Requests that were answered, by route, method and status.",
            ("route", "method", "status"),
            registry=None,
        )
        self._seconds = prometheus_client.Histogram(
            "saltext_approval_web_request_seconds",
            "How long the service took for a request, by route.",
            ("route",),
            buckets=SECONDS,
            registry=None,
        )

    def count(self, app):
        """Have a Flask application count what it answers."""
        app.before_request(_begin)
        app.after_request(self._note)

    def beside(self, application):
        """The WSGI application, but at the port of metrics, where there is nothing else."""

        def answer(environ, start_response):
            # Of the socket itself: a Host could name any port. A unix socket has a path in the place of both.
            _, *port = environ["gunicorn.socket"].getsockname()[:2]
            if port != [self._port]:
                return application(environ, start_response)
            if environ["PATH_INFO"] == PATH and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
                return self._answer(environ, start_response)
            start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return []

        return answer

    def process_ended(self, process):
        """Forget what only a living process has."""
        self._ended(process, self._folder)

    def end(self):
        """Remove the folder, unless this is a process that was forked since: those come by here at their ends too."""
        if os.getpid() == self._maker:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _note(self, response):
        route = OTHER if request.url_rule is None else request.url_rule.rule
        method = request.method if request.method in METHODS else OTHER
        self._requests.labels(route, method, response.status_code).inc()
        self._seconds.labels(route).observe(time.perf_counter() - g.began)
        return response


def _begin():
    g.began = time.perf_counter()
