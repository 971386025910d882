"""People on the web: how they sign in, how a page knows them, and what tells their forms from those of others.

A way to sign in is an object with ``provider``, under which the database knows its people; ``template``, its part of
the page on which they sign in; ``anew``, the address at which they sign in once more to be surer than by a sign-in of
long ago, None where there is no such thing; ``check()``, which raises ConfigError where it cannot be used; and
``credential(subject)``, a mark of what they proved who they are with, None where that no longer holds. Its routes call
``People.begin()`` once somebody has proven it. passwords.py and oidc.py are such ways.
"""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import re
import secrets
from urllib.parse import quote

from flask import abort, g, redirect, request

from .. import db
from ..client.session import SessionClient, TokenClient
from ..errors import ConfigError, Refused, Unavailable
from .reader import gettext_noop

PAGE_S = 8.0  # for the database to answer what one page asks
STREAM_S = 120.0  # to send what is longer; where the service's request_seconds are fewer, these
TOKEN_BYTES = 32
# The pages to which somebody is led who signs in: an address from elsewhere would lead away from here.
NEXT = re.compile(
    r"/(?:inbox|compliance|jobs|calendar|what-if|health|audit(?:/[0-9]{1,19}/[0-9]{1,19})?|"
    r"requests(?:/(?:new|[1-9][0-9]{0,18}))?|minions(?:/[A-Za-z0-9_.~%-]+)?|"
    # With what was typed into their forms.
    r"(?:sessions|delegations)(?:\?[A-Za-z0-9_.~%&=+-]{1,1000})?)"
)
HOME = "/inbox"
ALWAYS = "infinity"  # in PostgreSQL's words
# Nobody known, no such session, or the login may not speak for them any more.
STRANGERS = ("AP001", "AP002", "AP021")
ELSEWHERE = ("cross-site", "same-site")
NOT_OURS = gettext_noop(
    "This form was not made for you by this service, or you signed in anew since. Open the page again."
)


class SignedOut(Exception):
    """There is no session or token, or it has ended."""


class People:
    """
    The people who use the pages.

    ways
        The ways to sign in.
    database
        The database.Connections of the login that acts for them.
    masker
        Hides the secrets in what minions said.
    is_secure
        Whether the service is reached by https: cookies are then sent by that alone.
    """

    def __init__(self, ways, database, masker, is_secure):
        self.ways = {way.provider: way for way in ways}
        self.database = database
        self.is_secure = is_secure
        self._masker = masker
        self._session_cookie, self._form_cookie = self.cookie_name("approval"), self.cookie_name("approval-form")

    def cookie_name(self, name):
        """The whole name of a cookie of this very host, which no other of the domain can set."""
        # Browsers take the prefix with https alone.
        return f"__Host-{name}" if self.is_secure else name

    def ask(self, work):
        """
        What ``work`` gives, which is called with the SessionClient of whoever asks; ``g.person`` is then what its
        whoami() gives. Raises SignedOut, Refused and Unavailable. As database.Connections.call has it, it must bear a
        repetition.
        """
        return self.database.call(PAGE_S, self._as_asker(work))

    def watch(self, request_id, work):
        """
        As ask(), for a page that is open and asks by itself: the session does not last longer for it, and ``g.person``
        has ``change`` besides, the change number of a request or (None) of what waits for people. Raises Refused, too,
        where whoever asks may not see that.
        """
        return self.database.call(PAGE_S, self._as_asker(work, lambda client: client.watch(request_id)))

    def stream(self, work):
        """
        Yield what the iterator gives that ``work`` gives, which is called as by ask(), once; it raises the same at the
        first step, and may at each other.
        """
        return self.database.stream(STREAM_S, self._as_asker(work))

    def _as_asker(self, work, known=SessionClient.whoami):
        """
        A function of a connection that calls ``work`` with the SessionClient of whoever asks, as ``known`` says who
        that is. Raises SignedOut.
        """
        token = self.session_token()
        if token is None:
            raise SignedOut

        def acted(conn):
            client = SessionClient(conn, token, self._masker)
            try:
                person = known(client)
            except Refused as exc:
                if exc.sqlstate in STRANGERS:
                    raise SignedOut from None
                raise
            if not self.still_proves(person):
                client.end()
                raise SignedOut
            g.person = person
            return work(client)

        return acted

    def program(self, token):
        """
        Whose token of the API this is, as TokenClient.whoami() gives it. Raises SignedOut with what is wrong with it,
        and Unavailable.
        """
        try:
            person = self.ask_by_token(token, lambda client: client.whoami())
        except Refused as exc:
            if exc.sqlstate in STRANGERS:
                raise SignedOut(str(exc)) from None
            raise
        if not self.still_proves(person):
            raise SignedOut("its person proves who they are by something else now")
        return person

    def ask_by_token(self, token, work):
        """
        What ``work`` gives, which is called with the TokenClient of a token that program() knew. Raises Refused and
        Unavailable. As database.Connections.call has it, it must bear a repetition.
        """
        return self.database.call(PAGE_S, lambda conn: work(TokenClient(conn, token, self._masker)))

    def begin(self, way, subject, leads_to, authenticated_until=ALWAYS, said=None):
        """
        A Response that leads whoever proved by a way to be ``subject`` to the page ``leads_to``, with a new session in
        the place of the one that they may have. Raises Refused where the policy does not know them, and Unavailable.

        authenticated_until
            So long the session is authenticated, a datetime; None: it is not.
        said
            What the audit is to keep of the sign-in, an object of JSON.
        """
        credential = _credential(way, subject)
        if credential is None:
            raise Refused(f"{subject} cannot sign in any more", "AP001")
        before = self.session_token()

        def begun(conn):
            token = secrets.token_bytes(TOKEN_BYTES)
            db.call(
                conn, "begin_session", way.provider, subject, token, credential, client_address(), authenticated_until,
                db.json(said or {}),
            )  # fmt: skip
            if before is not None:
                _end(SessionClient(conn, before, self._masker))
            return token

        response = redirect(inside(leads_to), 303)
        self._keep(response, self._session_cookie, self.database.call(PAGE_S, begun))
        return response

    def anew(self, leads_to):
        """
        The address at which whoever asked signs in once more, to be led to a page of ours as somebody surer; None: it
        would make nobody surer. ask() came before.
        """
        address = self.ways[g.person["provider"]].anew
        return f"{address}&next={quote(leads_to)}" if address and g.person["can_be_surer"] else None

    def end(self):
        """A Response that leads to the page on which people sign in, once the session has ended."""
        token = self.session_token()
        if token is not None:
            self.database.call(PAGE_S, lambda conn: _end(SessionClient(conn, token, self._masker)))
        response = redirect("/login?ended=yes", 303)
        response.delete_cookie(self._session_cookie, secure=self.is_secure, httponly=True, samesite="Lax")
        response.headers["Clear-Site-Data"] = '"cache"'
        return response

    def session_token(self):
        """The token of the session of whoever asks, as bytes; None: there is none. It may be anybody's invention."""
        return self._token(self._session_cookie)

    def still_proves(self, person):
        """Whether the person proves who they are by the same as when their session began, or their token's."""
        way = self.ways.get(person["provider"])
        return way is not None and _credential(way, person["subject"]) == person["credential"]

    def mark(self):
        """The hidden mark of the forms of whoever has a session; who signs in anew gets another."""
        return _mark(self.session_token() or b"", b"form")

    def check_form(self):
        """End the request with 403 unless its form is one that was made for this session."""
        self._check(self._session_cookie, b"form")

    def with_sign_in_form(self, page):
        """
        A Response with what ``page`` gives, which is called with the mark of the form on which somebody signs in, who
        has no session yet.
        """
        token = self._token(self._form_cookie) or secrets.token_bytes(TOKEN_BYTES)
        response = page(_mark(token, b"sign in"))
        self._keep(response, self._form_cookie, token)
        return response

    def check_sign_in_form(self):
        """End the request with 403 unless its form is one that with_sign_in_form() made for this browser."""
        self._check(self._form_cookie, b"sign in")

    def _check(self, cookie, purpose):
        token = self._token(cookie)
        given = request.form.get("mark", "")
        if request.headers.get("Sec-Fetch-Site") in ELSEWHERE:
            abort(403, NOT_OURS)
        if token is None:
            raise SignedOut
        if not hmac.compare_digest(given.encode(), _mark(token, purpose).encode()):
            abort(403, NOT_OURS)

    def _token(self, cookie):
        """The token in a cookie, as bytes; None: there is none."""
        try:
            token = base64.urlsafe_b64decode(request.cookies.get(cookie, "") + "=")
        except (binascii.Error, ValueError):
            return None
        return token if len(token) == TOKEN_BYTES else None

    def _keep(self, response, cookie, token):
        response.set_cookie(cookie, _text(token), secure=self.is_secure, httponly=True, samesite="Lax")


def inside(address):
    """The address if it is that of one of our pages, else that of the first one."""
    return address if NEXT.fullmatch(address or "") else HOME


def client_address():
    """From where is asked, as text; of IPv6 the network, as one place has a whole one; None where it is not known."""
    try:
        address = ipaddress.ip_address(request.environ["approval.client"])
    except ValueError:
        return None
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def _credential(way, subject):
    try:
        return way.credential(subject)
    except ConfigError as exc:
        raise Unavailable(str(exc)) from None


def _end(client):
    try:
        client.end()
    except Refused as exc:
        if exc.sqlstate not in STRANGERS:
            raise


def _mark(token, purpose):
    return _text(hmac.new(token, purpose, hashlib.sha256).digest())


def _text(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
