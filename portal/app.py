"""The Flask application of the web service."""

import logging

from flask import Flask
from werkzeug.exceptions import HTTPException

from ..errors import Unavailable
from . import answers, files, health, log, reader, reading, sayings, wording
from .front import Front
from .reader import gettext_noop

RETRY_S = 5
DETAILS = {
    400: gettext_noop("The request cannot be understood."),
    404: gettext_noop("There is nothing at this address."),
    405: gettext_noop("This address does not take requests of this kind."),
    413: gettext_noop("The request is larger than what is taken here."),
    500: gettext_noop("Something went wrong here. The log of the service has it under this answer's X-Request-Id."),
    503: gettext_noop("The service cannot do this now. Try again in a few seconds."),
}


def create(web, checks, blueprints, names_people=None, metrics=None):
    """
    The application, by the config.Web ``web``.

    checks
        {name: function} of what has to be for the service to be ready: each gives None, or a sentence that says what
        is wrong; or raises ApprovalError.
    blueprints
        More of them beside health, the files of pages, and the choice of how they are read.
    names_people
        The header by which the proxy at the unix socket says who is signed in there; None: there is none.
    metrics
        The metrics.Metrics that count what is answered; None: nothing is counted.
    """
    app = Flask("saltext.approval.portal", static_folder=None, template_folder="templates")
    app.json.sort_keys = False
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(wording.FILTERS | sayings.FILTERS)
    app.jinja_env.globals.update(file=files.address, now=wording.now, reader=reader.current, weekdays=wording.weekdays)
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.install_gettext_callables(reader.gettext, reader.ngettext, newstyle=True)
    for blueprint in (health.blueprint(checks), files.blueprint(), reading.blueprint(), *blueprints):
        app.register_blueprint(blueprint)
    app.after_request(answers.with_headers)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Unavailable, _away)
    app.register_error_handler(Exception, _failure)
    app.wsgi_app = Front(app.wsgi_app, web, names_people)
    if metrics is not None:
        metrics.count(app)
        app.wsgi_app = metrics.beside(app.wsgi_app)
    return app


def load(app):
    """
    Load what the pages of create() need: their templates, and how each language writes. Each process that is forked
    afterwards shares that; otherwise each would load it at its first page, some ten MB.
    """
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)
    for language in reader.LANGUAGES:
        with app.test_request_context(headers={"Cookie": f"{reader.LANGUAGE}={language}"}):
            answers.page("problem.html", title="", detail=DETAILS[404])


def _http_problem(exc):
    if exc.response is not None:
        return exc.response
    # A refusal says itself why.
    detail = exc.description if exc.code == 403 else DETAILS.get(exc.code, exc.name)
    response = answers.problem(exc.code, exc.name, detail)
    if exc.code == 405 and exc.valid_methods:
        response.headers["Allow"] = ", ".join(exc.valid_methods)
    return response


def _away(exc):
    log.say("the database is away", logging.ERROR, why=str(exc))
    response = answers.problem(503, "Service Unavailable", DETAILS[503])
    response.headers["Retry-After"] = str(RETRY_S)
    return response


def _failure(exc):
    log.say("a request failed", logging.ERROR, **log.places(exc))
    return answers.problem(500, "Internal Server Error", DETAILS[500])
