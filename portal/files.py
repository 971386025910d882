"""The files that pages refer to, each under an address that changes with it, so that browsers keep it."""

import functools
import hashlib
import importlib.resources

from flask import Blueprint, Response, abort

KINDS = {
    "portal.css": "text/css; charset=utf-8",
    "combobox.js": "text/javascript; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "zone.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@functools.cache
def _content(name):
    return importlib.resources.files(__package__).joinpath("static", name).read_bytes()


@functools.cache
def address(name):
    """The address of one of the files."""
    return f"/static/{hashlib.sha256(_content(name)).hexdigest()[:16]}/{name}"


def blueprint():
    """``/static/...``"""
    static = Blueprint("files", __name__)

    @static.get("/static/<digest>/<name>")
    def one(digest, name):
        if name not in KINDS or f"/static/{digest}/{name}" != address(name):
            abort(404)
        response = Response(_content(name), content_type=KINDS[name])
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    return static
