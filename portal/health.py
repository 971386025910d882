"""Whether the service lives, and whether it can do its work: for those who watch it."""

import logging
import threading
import time

from flask import Blueprint

from ..errors import ApprovalError
from . import answers, log

FRESH_S = 1.0  # for which a finding counts: anybody may ask, and each check asks the database


def blueprint(checks):
    """``/healthz`` and ``/readyz``; for ``checks`` see app.create."""
    health = Blueprint("health", __name__)
    looking, last = threading.Lock(), {}

    @health.get("/healthz")
    def lives():
        """This process answers."""
        return answers.as_json({"status": "ok"})

    @health.get("/readyz")
    def is_ready():
        """200 if every check finds nothing, else 503; the sentences are in the log alone, as anybody may ask."""
        with looking:
            if not last or time.monotonic() >= last["until"]:
                last["found"] = {name: _problem(name, check) for name, check in checks.items()}
                last["until"] = time.monotonic() + FRESH_S
            found = last["found"]
        state = {name: "failed" if problem else "ok" for name, problem in found.items()}
        is_right = not any(found.values())
        return answers.as_json(
            {"status": "ready" if is_right else "not ready", "checks": state}, 200 if is_right else 503
        )

    return health


def _problem(name, check):
    try:
        problem = check()
    except ApprovalError as exc:
        problem = str(exc)
    if problem:
        log.say("not ready", logging.WARNING, check=name, why=problem)
    return problem
