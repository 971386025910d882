"""The log of the web service: a JSON object in each line.

A line holds neither a header nor a query string, a body or the text of an error, which may quote any of these: of an
exception it has the class and the places in the code. The path is cut to a bound, as anybody may send any.
"""

import datetime
import json
import logging
import os
import sys
import traceback

from gunicorn import glogging

LONGEST_PATH = 200  # characters
PLACES = 8  # of an exception, the innermost ones
QUIET = ("/healthz", "/readyz", "/metrics")  # asked every few seconds: said only where they tell of trouble
log = logging.getLogger("saltext.approval.portal")


def say(event, level=logging.INFO, **fields):
    """Write a line: the event in words, and fields with values that JSON has."""
    log.log(level, event, extra={"fields": fields})


def places(exc):
    """The exception's class and the places in the code that it came through, without what it says."""
    frames = traceback.extract_tb(exc.__traceback__)[-PLACES:]
    return {
        "error": type(exc).__name__,
        "places": [f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames],
    }


class Lines(logging.Formatter):
    """Writes each record as a line of JSON."""

    def format(self, record):
        time = datetime.datetime.fromtimestamp(record.created, datetime.timezone.utc)
        line = {
            "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "process": record.process,
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line.update(places(record.exc_info[1]))
        return json.dumps(line)


class Logger(glogging.Logger):
    """The logger of gunicorn, whose lines look like all others."""

    def setup(self, cfg):
        """Have all that this process says in one stream, in one form."""
        super().setup(cfg)
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(Lines())
        for logger in (self.error_log, logging.getLogger()):
            logger.handlers = [handler]
        logging.getLogger().setLevel(logging.WARNING)
        log.setLevel(logging.INFO)

    def access(self, resp, req, environ, request_time):
        """A line for each request that was answered."""
        path, status = str(environ.get("PATH_INFO", "")), str(resp.status).partition(" ")[0]
        # A page that is open asks every few seconds, and mostly hears that nothing has changed.
        if (path in QUIET and status == "200") or status == "304":
            return
        say(
            "request",
            id=environ.get("approval.request_id"),
            method=environ.get("REQUEST_METHOD"),
            path=path[:LONGEST_PATH],
            status=int(status) if status.isdigit() else None,
            bytes=resp.sent,
            ms=round(request_time.total_seconds() * 1000),
            client=environ.get("approval.client") or None,
        )
