"""Answers: pages for people, problems as JSON (RFC 9457) for everybody else, and the headers of both."""

import json

from flask import Response, render_template, request

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Of pages that have scripts: files of ours alone, which may ask this service alone.
SCRIPTED = f"{POLICY}; script-src 'self'; connect-src 'self'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that know no frame-ancestors
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
TRANSPORT = "max-age=31536000"  # seconds; for this host alone, as others of the domain are not ours


def page(template, status=200, scripts=(), **values):
    """A Response with a page: the template of this name, with these values, and these files of scripts."""
    text = render_template(template, scripts=scripts, **values)
    response = Response(text, status, content_type="text/html; charset=utf-8")
    if scripts:
        response.headers["Content-Security-Policy"] = SCRIPTED
    return response


def kept(response):
    """
    The answer to a form that changes nothing, as one to which whoever sent it can come back: their browser keeps it,
    and nobody else may. When they sign out it is forgotten, see people.People.end().
    """
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def as_json(content, status=200, content_type="application/json"):
    """A Response with JSON."""
    return Response(json.dumps(content) + "\n", status, content_type=content_type)


def problem(status, title, detail):
    """A Response that says what is wrong: a page where the asker prefers HTML, else JSON."""
    kinds = ("application/problem+json", "application/json", "text/html")
    if request.accept_mimetypes.best_match(kinds) == "text/html":
        return page("problem.html", status, title=title, detail=detail)
    return as_json({"title": title, "status": status, "detail": detail}, status, "application/problem+json")


def with_headers(response):
    """The response with what every one of ours has."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = TRANSPORT
    response.headers["X-Request-Id"] = request.environ["approval.request_id"]
    return response
