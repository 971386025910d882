"""Pages that are open, and ask every few seconds whether they are still true: mostly they are, which costs little."""

import hashlib
import threading
import time

from flask import Response, g, request

from ..errors import Refused
from . import answers
from .people import SignedOut

LIVE = ("live.js",)  # the scripts of such a page
KNOWN_S = 4.0  # for which it counts that a session may see a page, so that nobody learns more after 5
FRESH_S = 1.0  # for which a change number counts, whoever asks
MOST = 10_000  # of each that a process remembers
ENDED = "Your session has ended."


class Watching:
    """The answers to pages that are open, for a people.People."""

    def __init__(self, people):
        self._people = people
        self._lock = threading.Lock()
        self._persons, self._numbers = {}, {}

    def answer(self, request_id, page):
        """
        A Response to a page that asks anew: 304 while the page has the present change number of a request, or (None) of
        what waits for people; else what ``page`` gives, which is called with the SessionClient of whoever asks, with
        that number as its ETag; or 401 or 403 to whom it is not for any more.

        That somebody may see it is remembered for some seconds. By what they prove who they are is looked at each time.
        """
        began, key = time.monotonic(), (self._people.session_token(), request_id)
        number = self._remembered(key, began)
        if number is not None and _has(number):
            return _unchanged(number)

        def read(client):
            number = str(g.person["change"])
            self._remember(key, g.person, number, began)
            return _unchanged(number) if _has(number) else _tagged(page(client), number)

        return self._asked(request_id, read)

    def answer_by_content(self, page):
        """The same for a page that has no change number: it is made each time, and a digest of it is its ETag."""

        def read(client):
            response = page(client)
            digest = hashlib.sha256(response.get_data()).hexdigest()[:16]
            return _unchanged(digest) if _has(digest) else _tagged(response, digest)

        return self._asked(None, read)

    def _asked(self, request_id, read):
        try:
            return self._people.watch(request_id, read)
        except SignedOut:
            return answers.problem(401, "Unauthorized", ENDED)
        except Refused as exc:
            if not exc.sqlstate.startswith("AP"):
                raise
            return answers.problem(403, "Forbidden", str(exc))

    def _remembered(self, key, moment):
        """The change number of what this session may see, None where the database has to be asked for one of both."""
        with self._lock:
            person, person_until = self._persons.get(key, (None, 0.0))
            number, number_until = self._numbers.get(key[1], (None, 0.0))
        is_known = person_until > moment and number_until > moment and self._people.still_proves(person)
        return number if is_known else None

    def _remember(self, key, person, number, moment):
        with self._lock:
            for known in (self._persons, self._numbers):
                if len(known) >= MOST:
                    known.clear()
            self._persons[key] = (person, moment + KNOWN_S)
            self._numbers[key[1]] = (number, moment + FRESH_S)


def _has(tag):
    # A proxy that compresses makes weak tags of ours.
    return request.if_none_match.contains_weak(tag)


def _tagged(response, tag):
    response.set_etag(tag)
    return response


def _unchanged(tag):
    return _tagged(Response(status=304), tag)
