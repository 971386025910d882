"""Pages for people, where nobody signs in: they tell nothing of what is in the database."""

from flask import Blueprint, abort

from . import answers

MOST = 2**63 - 1  # the largest number of a request


def blueprint():
    """``/requests/N``, to which comments and messages link."""
    pages = Blueprint("pages", __name__)

    @pages.get("/requests/<int:number>")
    def one(number):
        if not 1 <= number <= MOST:
            abort(404)
        return answers.page("by_command.html", number=number)

    return pages
