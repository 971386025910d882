"""
Mail, for those who have no chat: one when something waits for them and one for the last call, and a digest each day.

Nobody decides by mail: an answer is read by nobody, and each mail says so. A mail is plain text with the same as HTML.
It is sent with TLS, and with a Message-ID of its content, by which mail systems know one that comes twice.
"""

import collections
import datetime
import email.message
import email.policy
import email.utils
import functools
import hashlib
import re
import smtplib
import ssl
import time
import zoneinfo
from dataclasses import dataclass

from ..config import read_secret_file
from ..errors import ConfigError
from . import html, plain
from .channel import Away, Channel, Failed, Later, Resting
from .channels import full_path, mapping
from .message import cut, plain_line, shown
from .words import line

SETTINGS = (
    "kind", "host", "port", "tls", "ca_file", "user", "password_file", "from", "to", "unsubscribe", "digest_at",
    "time_zone", "per_hour",
)  # fmt: skip
TLS = {"starttls": 587, "tls": 465, "none": 25}
# Characters by which a text could end a header, add an address or name more than one are left out.
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]")
LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
USER = re.compile(r"[^\x00-\x1f\x7f]{1,255}")
LEAVE = re.compile(r"mailto:[^\s<>,]{3,200}|https://[!-;=?-~]{3,500}")
CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
STEP_S = 10.0  # each step of SMTP
REST_S = 60.0  # for which a server is left alone that cannot be reached
SUBJECT, TEXT = 200, 20_000
MOST_TO, PER_HOUR, HOUR_S = 50, 500, 3600.0
TOLD = frozenset({"asked", "last-call"})  # acts of topic ask; reminders are the digest's, and what is over is not told


@dataclass(frozen=True)
class Server:
    """
    A mail server.

    host, port, tls
        Where it is, and how the way there is private: ``starttls``, ``tls`` from the start, or ``none``.
    ca_file
        Whose certificates are trusted; None: those that the system trusts.
    user, password_file
        What it wants to know; None: nothing.
    """

    host: str
    port: int
    tls: str = "starttls"
    ca_file: str | None = None
    user: str | None = None
    password_file: str | None = None


class Mail(Channel):
    """
    A channel of kind ``mail``.

    where
        Where its settings stand, for errors.
    server
        The Server.
    sender
        The address that sends; answers to it are read by nobody.
    to
        Addresses for what routes lead here; none: contacts alone are told.
    leave
        Where people say that they want no mail, as a URL of mailto: or https; None: nowhere.
    digest
        (time of the day, zone) of the digest; None: there is none.
    per_hour
        More mails than so many are sent later.
    """

    kind = "mail"

    def __init__(self, name, where, server, sender, to=(), leave=None, digest=None, per_hour=PER_HOUR):
        super().__init__(name)
        self._where, self._server, self._from, self._to = where, server, sender, to
        self._leave, self._digest, self._per_hour = leave, digest, per_hour
        self._sent = collections.deque()

    def wants(self, topic, body):
        """All that routes lead here; of what waits for somebody the first message and the last call."""
        return body.get("act") in TOLD if topic == "ask" else super().wants(topic, body)

    def deliver(self, message, key, ts=None, address=None):
        """See Channel; the id is the Message-ID of the first mail of the thread, which the others answer."""
        if address is not None and not ADDRESS.fullmatch(address):
            raise Failed(f"{self._where}: {shown(address)} is no address of mail: have it put right in the contacts")
        to = [address] if address is not None else self._to
        if not to:
            raise Failed(f"{self._where}: {shown(key)} is for nobody: set to, or have its route lead elsewhere")
        self._check_rate()
        mail = self._mail(message, to, ts)
        self._send(mail, to)
        self._sent.append(time.monotonic())
        return ts or mail["Message-ID"]

    def digest_since(self, now):
        """See Channel: since when it is the time of today's."""
        if self._digest is None:
            return None
        at, zone = self._digest
        today = now.astimezone(zone)
        due = datetime.datetime.combine(today.date(), at, zone)
        return due if due <= today else None

    def _mail(self, message, to, ts):
        last = [line("mail.no_answer"), line("mail.mute")]
        body = plain.text(message, TEXT) + "\n\n-- \n" + "\n".join(map(shown, map(plain_line, last))) + "\n"
        digest = hashlib.sha256("\0".join((self.name, *to, message.key, body)).encode()).hexdigest()
        mail = email.message.EmailMessage(policy=email.policy.SMTP)
        mail["From"] = self._from
        mail["Reply-To"] = self._from
        mail["To"] = ", ".join(to)
        mail["Subject"] = cut(shown(message.title), SUBJECT)
        mail["Date"] = email.utils.format_datetime(datetime.datetime.now(datetime.timezone.utc))
        mail["Message-ID"] = f"<{digest[:40]}@{self._from.partition('@')[2]}>"
        if ts is not None:
            mail["In-Reply-To"] = mail["References"] = ts
        # Programs that answer by themselves, as of who is away, do not.
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        if self._leave is not None:
            mail["List-Unsubscribe"] = f"<{self._leave}>"
        # No server in between can take offence at the characters, or at long lines.
        mail.set_content(body, cte="quoted-printable")
        mail.add_alternative(html.page(message, last), subtype="html", cte="quoted-printable")
        return mail

    def _check_rate(self):
        """Raises Later while so many were sent within an hour."""
        now = time.monotonic()
        while self._sent and self._sent[0] <= now - HOUR_S:
            self._sent.popleft()
        if len(self._sent) >= self._per_hour:
            wait = datetime.timedelta(seconds=self._sent[0] + HOUR_S - now)
            raise Later(datetime.datetime.now(datetime.timezone.utc) + wait)

    def _send(self, mail, to):
        server = self._server
        context = _context(server.ca_file, self._where)
        kind = functools.partial(smtplib.SMTP_SSL, context=context) if server.tls == "tls" else smtplib.SMTP
        password = server.user and read_secret_file(server.password_file, f"{self._where}: password_file")
        try:
            with kind(server.host.strip("[]"), server.port, timeout=STEP_S) as connection:
                if server.tls == "starttls":
                    connection.starttls(context=context)
                if server.user is not None:
                    connection.login(server.user, password)
                # Of several that are refused the others have it: it cannot be sent again to some alone.
                connection.send_message(mail, self._from, to)
        except smtplib.SMTPRecipientsRefused as exc:
            said = "; ".join(f"{address}: {_said(*answer)}" for address, answer in exc.recipients.items())
            raise Failed(f"{self._where}: the server refuses {cut(said, 300)}") from None
        except smtplib.SMTPAuthenticationError as exc:
            # The text may repeat what was sent.
            raise Resting(
                f"{self._where}: the server accepts no such user and password ({exc.smtp_code})", REST_S
            ) from None
        except smtplib.SMTPResponseException as exc:
            raise Failed(f"{self._where}: the server says {_said(exc.smtp_code, exc.smtp_error)}") from None
        except smtplib.SMTPNotSupportedError:
            raise Resting(
                f"{self._where}: the server offers no {self._missing()}, and nothing is sent without", REST_S
            ) from None
        except ssl.SSLError as exc:
            raise Resting(f"{self._where}: the server's certificate is not accepted ({exc.reason})", REST_S) from None
        except (smtplib.SMTPException, OSError) as exc:
            why = getattr(exc, "strerror", None) or type(exc).__name__
            raise Away(f"{self._where}: the server cannot be reached ({why})", REST_S) from None

    def _missing(self):
        return "STARTTLS" if self._server.tls == "starttls" else "login"


def channel(name, where, given):
    """The Mail that the mapping ``given`` describes. Raises ConfigError."""
    mapping(where, given, SETTINGS)
    tls = given.get("tls", "starttls")
    if tls not in TLS:
        raise ConfigError(f"{where}: tls must be one of {', '.join(TLS)}")
    host = _text(where, given, "host", HOST, "the name of the mail server")
    if tls == "none" and host not in LOCAL:
        raise ConfigError(f"{where}: tls may be none for a server on this machine alone, as localhost")
    if ("user" in given) != ("password_file" in given):
        raise ConfigError(f"{where}: set user and password_file, or none of them")
    has_login = "user" in given
    server = Server(
        host,
        _number(where, given, "port", TLS[tls], 65_535),
        tls,
        full_path(where, given, "ca_file") if "ca_file" in given else None,
        _text(where, given, "user", USER, "a name in one line") if has_login else None,
        full_path(where, given, "password_file") if has_login else None,
    )
    return Mail(
        name,
        where,
        server,
        _text(where, given, "from", ADDRESS, "the address that sends, as no-reply@example.com"),
        _addresses(where, given.get("to", [])),
        _text(where, given, "unsubscribe", LEAVE, "mailto:ADDRESS or https://...") if "unsubscribe" in given else None,
        _clock(where, given) if "digest_at" in given else None,
        _number(where, given, "per_hour", PER_HOUR, 100_000),
    )


def _context(ca_file, where):
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigError(f"{where}: ca_file {ca_file} cannot be used: {exc.strerror}") from None


def _text(where, given, setting, form, what):
    value = given.get(setting)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ConfigError(f"{where}: {setting} must be {what}")
    return value


def _number(where, given, setting, default, most):
    value = given.get(setting, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ConfigError(f"{where}: {setting} must be a whole number from 1 to {most}")
    return value


def _addresses(where, to):
    is_list = isinstance(to, list) and len(to) <= MOST_TO
    if not is_list or not all(isinstance(one, str) and ADDRESS.fullmatch(one) for one in to):
        raise ConfigError(f"{where}: to must be a list of addresses as ops@example.com, {MOST_TO} at most")
    return to


def _clock(where, given):
    """(the time of the day, the zone) of the digest."""
    at = given["digest_at"]
    match = CLOCK.fullmatch(at) if isinstance(at, str) else None
    if not match:
        raise ConfigError(f'{where}: digest_at must be a time of the day in quotes, as "07:30"')
    try:
        zone = zoneinfo.ZoneInfo(given.get("time_zone", "UTC"))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, TypeError, AttributeError, OSError):
        raise ConfigError(f"{where}: time_zone must be a name as Europe/Berlin") from None
    return datetime.time(int(match[1]), int(match[2])), zone


def _said(code, text):
    """An answer of a server, as one line."""
    text = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    return f"{code} {cut(shown(' '.join(text.split())), 200)}"
