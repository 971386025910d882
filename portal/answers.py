"""Answers: pages for people, problems as JSON (RFC 9457) for everybody else, and the headers of both."""

import html
import json

from flask import Response, request

POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
TRANSPORT = "max-age=31536000"  # seconds; for this host alone, as others of the domain are not ours
PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
</head>
<body>
<main>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""


def page(title, content, status=200):
    """A Response with a page; ``content`` is HTML, the title is text."""
    return Response(
        PAGE.format(title=html.escape(title), content=content), status, content_type="text/html; charset=utf-8"
    )


def as_json(content, status=200, content_type="application/json"):
    """A Response with JSON."""
    return Response(json.dumps(content) + "\n", status, content_type=content_type)


def problem(status, title, detail):
    """A Response that says what is wrong: a page where the asker prefers HTML, else JSON."""
    kinds = ("application/problem+json", "application/json", "text/html")
    if request.accept_mimetypes.best_match(kinds) == "text/html":
        return page(title, f"<p>{html.escape(detail)}</p>", status)
    return as_json({"title": title, "status": status, "detail": detail}, status, "application/problem+json")


def with_headers(response):
    """The response with what every one of ours has."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = TRANSPORT
    response.headers["X-Request-Id"] = request.environ["approval.request_id"]
    return response
