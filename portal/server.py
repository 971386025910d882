"""The web service under gunicorn: its processes, threads, limits and end."""

import gc
import os

from gunicorn.app.base import BaseApplication

LONGEST_LINE = 4_094  # bytes of a request's first line; the codes of some providers of sign-ins are long
MOST_HEADERS = 64
LONGEST_HEADER = 8_190  # bytes
KEEP_ALIVE_S = 5
MEMORY = "/dev/shm"  # noqa: S108 (files there are made with names of their own)


class Server(BaseApplication):
    """
    The WSGI application ``application`` by the config.Web ``web``; run() returns when it is told to end.

    metrics
        The metrics.Metrics that are told at a port of their own; None: there are none.
    """

    def __init__(self, application, web, metrics=None):
        self._application = application
        self._web = web
        self._metrics = metrics
        self.request_seconds = web.request_seconds  # for the worker
        super().__init__()

    def load_config(self):
        """gunicorn's settings, all of them from ours."""
        web = self._web
        settings = {
            "bind": web.bind if web.metrics is None else [web.bind, _text(*web.metrics)],
            "umask": 0o117,  # of the unix socket: for this account and its group
            "certfile": web.certificate,
            "keyfile": web.key,
            "workers": web.workers,
            "threads": web.threads,
            "worker_class": "saltext.approval.portal.worker.Worker",
            "worker_connections": web.connections,
            "worker_tmp_dir": MEMORY if os.path.isdir(MEMORY) else None,
            "keepalive": KEEP_ALIVE_S,
            "timeout": 30,  # a process whose main loop stands still for so long is replaced
            "graceful_timeout": web.stop_seconds,
            "limit_request_line": LONGEST_LINE,
            "limit_request_fields": MOST_HEADERS,
            "limit_request_field_size": LONGEST_HEADER,
            "logger_class": "saltext.approval.portal.log.Logger",
            "accesslog": "-",
            # Headers of proxies are front.Front's, which knows whom to believe.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "forwarder_headers": "",
            "header_map": "drop",
            "preload_app": True,
            "pre_fork": _keep_shared,
            "proc_name": "salt-approval-web",
            "control_socket_disable": True,
        }
        if self._metrics is not None:
            settings["child_exit"] = lambda _arbiter, worker: self._metrics.process_ended(worker.pid)
        for name, value in settings.items():
            if name in self.cfg.settings:  # older ones have not all of them
                self.cfg.set(name, value)

    def load(self):
        """The application, which all processes share."""
        return self._application


def _keep_shared(_arbiter, _worker):
    """
    Have the collector of garbage leave alone what is loaded: by looking at it, each process would come to have a copy
    of its own of what they share, some 18 MB.
    """
    gc.collect()
    gc.freeze()


def _text(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
