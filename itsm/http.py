"""
The one client of the REST interfaces of other systems: a question gets one answer of JSON, or a clear error.

A question is never repeated here but for one 401, after which some credentials can be had anew: the queue that a
question came from knows when to try again. Redirects are not followed, cookies not kept, and answers have limits of
size and time. No text of an error holds a secret.
"""

import datetime
import email.utils
import http.cookiejar
import json
import random
import time
from dataclasses import dataclass
from urllib.parse import urlencode

import requests

from .. import __version__
from .ticket import Away, Denied

CONNECT_S, SILENT_S, WHOLE_S = 5.0, 20.0, 60.0
ANSWER_BYTES_MAX = 16 * 1024 * 1024
TEXT_MAX = 300
PIECE_BYTES = 65_536
# The pause after "too many requests" where the site names none, or a shorter one.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 30.0
LONGEST_WISH_S = 86_400.0  # a longer Retry-After is a fault of whoever stands in between
PER_TICKET = "jira-per-issue-on-write"  # a limit of one issue, of which others know nothing
LOGIN_HEADER = "X-Seraph-LoginReason"


@dataclass(frozen=True)
class Answer:
    """What a site said: the status of HTTP, the content (None: there is none), and the headers."""

    status: int
    content: object
    headers: object


class Http:
    """
    The REST interface of one site.

    name
        The site, for texts of errors.
    url
        Its address, below which all paths are.
    credentials
        One of credentials.py.
    headers
        What each question has beside those of credentials.
    """

    def __init__(self, name, url, credentials, headers=None):
        self.name, self.url = name, url.rstrip("/")
        self._credentials = credentials
        self._rests_until = 0.0  # by the monotonic clock
        self._limited = 0  # how often in a row
        self._session = requests.Session()
        self._session.headers = {
            "Accept": "application/json",
            "User-Agent": f"saltext-approval/{__version__}",
            **(headers or {}),
        }
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))

    def get(self, path, **params):
        """The Answer to a GET of ``path``. Raises Away and Denied."""
        return self.request("GET", path, params=params)

    def request(self, method, path, params=None, content=None, file=None, headers=None):
        """
        The Answer to one question.

        content
            What is sent as JSON; None: nothing.
        file
            Bytes that are sent as they are, as application/json, instead.
        headers
            More of them, for this question.

        Raises Away: the site cannot be asked now, and it is not known whether it did what was asked. Raises Denied,
        with the status: it did not.
        """
        left_s = self._rests_until - time.monotonic()
        if left_s > 0:
            raise Away(f"{self.name}: it was asked too often, and is left alone for a while", _in(left_s))
        body = file if content is None else json.dumps(content).encode()
        kind = {**(headers or {}), **({} if body is None else {"Content-Type": "application/json"})}
        answer = self._send(method, path, params, body, {**kind, **self._credentials.headers(self)})
        if answer.status == 401 and self._credentials.renew():
            answer = self._send(method, path, params, body, {**kind, **self._credentials.headers(self)})
        return self.judged(answer)

    def form(self, path, fields, headers=None):
        """
        What the answer holds to a form that is posted with these headers, and without our credentials. Raises Away and
        Denied.
        """
        body = urlencode(fields).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self.judged(self._send("POST", path, None, body, kind)).content

    def close(self):
        """Close the connections."""
        self._session.close()

    def _send(self, method, path, params, body, headers):
        until = time.monotonic() + WHOLE_S
        try:
            # An authentication of ours, though an empty one, keeps the one in a file .netrc away.
            with self._session.request(
                method, self.url + path, params=params, data=body, headers=headers, auth=lambda request: request,
                timeout=(CONNECT_S, SILENT_S), allow_redirects=False, stream=True,
            ) as response:  # fmt: skip
                return Answer(response.status_code, self._read(response, until), response.headers)
        except requests.exceptions.SSLError as exc:
            raise Away(f"{self.name}: its certificate is not accepted ({_reason(exc)})") from None
        except requests.exceptions.Timeout:
            raise Away(f"{self.name}: no answer in time") from None
        except (requests.exceptions.RequestException, OSError) as exc:
            # The text of the error may hold the address with all that was asked.
            raise Away(f"{self.name}: the connection failed ({_reason(exc)})") from None

    def _read(self, response, until):
        """The content of a response; the text of one that is no JSON is None where it is an error's."""
        pieces, size = [], 0
        for piece in response.iter_content(PIECE_BYTES):
            pieces.append(piece)
            size += len(piece)
            if size > ANSWER_BYTES_MAX:
                raise Away(f"{self.name}: an answer has more than {ANSWER_BYTES_MAX} bytes")
            if time.monotonic() > until:
                raise Away(f"{self.name}: no whole answer in {WHOLE_S:.0f} s")
        if not size:
            return None
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "application/json" or kind.endswith("+json"):
            try:
                return json.loads(b"".join(pieces))
            except (ValueError, RecursionError):
                if response.status_code < 400:
                    raise Away(f"{self.name}: its answer is no whole JSON") from None
        elif response.status_code < 300:
            raise Away(
                f"{self.name}: it answered with {kind or 'something'} instead of JSON: it may be asleep, or something "
                "in between answers for it"
            )
        return None

    def judged(self, answer):
        """The Answer, if it says that what was asked was done. Raises Away and Denied."""
        status = answer.status
        login = answer.headers.get(LOGIN_HEADER, "")
        if any(word in login.upper() for word in ("FAILED", "DENIED")):
            raise Denied(
                f"{self.name}: it refuses our token ({LOGIN_HEADER}: {_line(login)}), and answers as to anybody",
                401,
            )
        if status == 429 or (status == 503 and "Retry-After" in answer.headers):
            raise self._limit(answer)
        self._limited = 0
        if status < 300:
            return answer
        said = self._said(answer.content)
        if status < 400:
            raise Denied(f"{self.name}: it sends us elsewhere ({status}): url has to be its own address", status)
        if status == 401:
            raise Denied(f"{self.name}: it does not accept our token or password{said}", status)
        if status == 403:
            raise Denied(f"{self.name}: we may not do that there{said}", status)
        if status >= 500:
            raise Away(f"{self.name}: it has a fault of its own ({status}{said})")
        raise Denied(f"{self.name}: it refuses ({status}{said})", status)

    def _limit(self, answer):
        wish_s = _seconds(answer.headers.get("Retry-After"))
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**self._limited) * random.uniform(0.7, 1.3)  # noqa: S311
        pause_s = max(wish_s, pause_s)
        reason = _line(answer.headers.get("RateLimit-Reason") or answer.headers.get("X-RateLimit-Rule") or "")
        if reason != PER_TICKET:
            self._limited += 1
            self._rests_until = time.monotonic() + pause_s
        told = f" ({reason})" if reason else ""
        return Away(f"{self.name}: it is asked too often{told}", _in(pause_s))

    def _said(self, content):
        """What a content says of an error, for people, with ``: `` before it; empty where it says nothing."""
        if not isinstance(content, dict):
            return ""
        found = content.get("errorMessages")
        texts = [text for text in found if isinstance(text, str)] if isinstance(found, list) else []
        if isinstance(content.get("errors"), dict):
            texts += [f"{name}: {text}" for name, text in content["errors"].items()]
        inner = content["error"] if isinstance(content.get("error"), dict) else content
        texts += [inner[name] for name in ("error", "message", "detail", "error_description") if
                  isinstance(inner.get(name), str)]  # fmt: skip
        text = _line("; ".join(filter(None, texts)))
        for secret in self._credentials.secrets():
            text = text.replace(secret, "***")
        return f": {text}" if text else ""


def _reason(exc):
    """The kind of the error at the bottom."""
    while True:
        inner = getattr(exc, "reason", None) or exc.__cause__ or exc.__context__
        if not isinstance(inner, BaseException):
            break
        exc = inner
    if isinstance(exc, OSError) and exc.strerror and type(exc).__module__ != "requests.exceptions":
        return _line(exc.strerror)
    return type(exc).__name__


def _line(text):
    """A text of somebody else's as one short line without anything that moves a cursor."""
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}..."


def _seconds(text):
    """The seconds that a Retry-After says, as a number or a date; 0 where it is neither."""
    try:
        seconds = float(text)
    except (TypeError, ValueError):
        try:
            at = email.utils.parsedate_to_datetime(text)
        except (TypeError, ValueError):
            return 0.0
        if at.tzinfo is None:
            at = at.replace(tzinfo=datetime.timezone.utc)
        seconds = (at - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
    return min(LONGEST_WISH_S, seconds) if seconds > 0 else 0.0


def _in(seconds):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
