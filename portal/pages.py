"""Pages for people, as long as nobody logs in here: they tell nothing of what is in the database."""

from flask import Blueprint, abort

from . import answers

MOST = 2**63 - 1  # the largest number of a request
REQUEST = """\
<p>A request is shown and decided by command, with your own login to the database:</p>
<pre>
salt-approval show {number}
salt-approval approve {number}
salt-approval reject {number} --comment "the reason"
</pre>
<p>Nothing of it is shown here, not even whether there is one of this number.</p>"""


def blueprint():
    """``/requests/N``, to which comments and messages link."""
    pages = Blueprint("pages", __name__)

    @pages.get("/requests/<int:number>")
    def one(number):
        if not 1 <= number <= MOST:
            abort(404)
        return answers.page(f"Request {number}", REQUEST.format(number=number))

    return pages
