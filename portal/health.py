"""Whether the service lives, and whether it can do its work: for those who watch it."""

import logging

from flask import Blueprint

from ..errors import ApprovalError
from . import answers, log


def blueprint(checks):
    """``/healthz`` and ``/readyz``; for ``checks`` see app.create."""
    health = Blueprint("health", __name__)

    @health.get("/healthz")
    def lives():
        """This process answers."""
        return answers.as_json({"status": "ok"})

    @health.get("/readyz")
    def is_ready():
        """200 if every check finds nothing, else 503; the sentences are in the log alone, as anybody may ask."""
        found = {name: _problem(check) for name, check in checks.items()}
        for name, problem in found.items():
            if problem:
                log.say("not ready", logging.WARNING, check=name, why=problem)
        state = {name: "failed" if problem else "ok" for name, problem in found.items()}
        is_right = not any(found.values())
        return answers.as_json(
            {"status": "ready" if is_right else "not ready", "checks": state}, 200 if is_right else 503
        )

    return health


def _problem(check):
    try:
        return check()
    except ApprovalError as exc:
        return str(exc)
