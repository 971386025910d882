"""A stand-in of a mail server, which speaks SMTP as RFC 5321 has it, and keeps what it takes."""

import email
import email.policy
from dataclasses import dataclass, field

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult


@dataclass
class Taken:
    """A mail that was taken: its envelope, whether it came by TLS and with a login, and itself."""

    sender: str
    to: list
    by_tls: bool
    with_login: bool
    content: bytes

    @property
    def mail(self):
        """The mail as an EmailMessage."""
        return email.message_from_bytes(self.content, policy=email.policy.default)


@dataclass
class _Handler:
    refused: dict = field(default_factory=dict)
    answer: str = "250 OK"
    taken: list = field(default_factory=list)

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answer.startswith("250"):
            by_tls = server.transport.get_extra_info("ssl_object") is not None
            self.taken.append(
                Taken(envelope.mail_from, envelope.rcpt_tos, by_tls, bool(session.authenticated), envelope.content)
            )
        return self.answer


class SmtpStandIn(Controller):
    """
    A mail server on a port of its own, as a context manager.

    context
        The ssl.SSLContext with its certificate; None: it has no TLS. It comes by STARTTLS, or from_start.
    login
        (user, password) that it wants to know; None: anybody may send.
    refused
        address -> the answer with which it is refused, as ``550 No such user``.
    answer
        That to a whole mail.
    taken
        The mails.
    """

    def __init__(self, context=None, from_start=False, login=None):
        self._handler = _Handler()
        self._context, self._login = context, login
        super().__init__(self._handler, hostname="127.0.0.1", port=0, ssl_context=context if from_start else None)

    @property
    def refused(self):
        return self._handler.refused

    @property
    def taken(self):
        return self._handler.taken

    def answer(self, text):
        """Has it answer so to a whole mail."""
        self._handler.answer = text

    def factory(self):
        """The protocol of a connection."""
        starttls = None if self.ssl_context else self._context
        return SMTP(
            self._handler,
            hostname="mail.example.com",
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=self._login is not None,
            auth_require_tls=self.ssl_context is None,
            authenticator=self._authenticate,
        )

    def _authenticate(self, server, session, envelope, mechanism, data):
        is_right = (data.login.decode(), data.password.decode()) == self._login
        return AuthResult(success=is_right, handled=False)

    def _trigger_server(self):
        # The port that the system chose; the controller says with it that the server is there.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop(no_assert=True)
