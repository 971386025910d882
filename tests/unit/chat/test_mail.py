"""Mails are sent by TLS or not at all, name nobody else, and say that nobody decides by one."""

import datetime
import os
import pathlib
import smtplib
import ssl
import subprocess
import sys

import pytest
from standins.smtp import SmtpStandIn

from saltext.approval.chat.channel import Away, Failed, Later, Resting
from saltext.approval.chat.mail import channel
from saltext.approval.chat.message import Link, Message
from saltext.approval.chat.story import Teller
from saltext.approval.errors import ConfigError

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import chat_stories

WHERE = "approval:chat:channels:mail"
LOGIN = ("salt", "S3cret-of-mail")
ASKED = {
    "act": "asked",
    "stage": 1,
    "why": ["reviewers"],
    "in_stead_of": None,
    "until": chat_stories.LATER,
    "until_what": "then it expires",
    "assurance_needed": "asserted",
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """The files of a certificate for localhost, and of its key."""
    folder = tmp_path_factory.mktemp("tls")
    crt, key = str(folder / "crt"), str(folder / "key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", crt, "-keyout", key],
        check=True, capture_output=True,
    )  # fmt: skip
    return crt, key


@pytest.fixture(scope="module")
def context(certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture
def password_file(tmp_path):
    path = tmp_path / "password"
    path.write_text(LOGIN[1])
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def server(context):
    with SmtpStandIn(context) as server:
        yield server


@pytest.fixture
def settings(server, certificate):
    return {
        "kind": "mail",
        "host": "localhost",
        "port": server.port,
        "ca_file": certificate[0],
        "from": "no-reply@example.com",
        "unsubscribe": "mailto:salt-admins@example.com",
    }


@pytest.fixture
def mail(settings):
    return made(settings)


def made(settings):
    return channel("mail", WHERE, settings)


def ask(**changes):
    return Teller(str, "https://salt.example.com").ask("ask/7/bob", chat_stories.request(), {**ASKED, **changes})


def test_somebody_is_asked(mail, server):
    first = mail.deliver(ask(), "ask/7/bob", address="bob@example.com")
    (taken,) = server.taken
    assert (taken.sender, taken.to, taken.by_tls) == ("no-reply@example.com", ["bob@example.com"], True)
    told = taken.mail
    assert first == told["Message-ID"]
    assert told["Subject"] == "Please decide on request 7: Packages"
    assert told["From"] == told["Reply-To"] == "no-reply@example.com"
    assert told["To"] == "bob@example.com"
    assert told["Auto-Submitted"] == "auto-generated"
    assert told["List-Unsubscribe"] == "<mailto:salt-admins@example.com>"
    assert told["In-Reply-To"] is None
    text, html = (part.get_content() for part in told.iter_parts())
    for words in (
        "alice asks for this on 2 minions",
        "nginx",
        "https://salt.example.com/requests/7",
        "nobody decides by one",
    ):
        assert words in text
        assert words in html
    # The last call is of the same thread.
    assert mail.deliver(ask(act="last-call"), "ask/7/bob", ts=first, address="bob@example.com") == first
    last = server.taken[1].mail
    assert last["In-Reply-To"] == last["References"] == first != last["Message-ID"]


@pytest.mark.parametrize(
    ("topic", "act", "is_wanted"),
    [
        ("ask", "asked", True), ("ask", "last-call", True), ("ask", "reminder", False), ("ask", "over", False),
        ("requests", "approved", True), ("jobs", None, True), ("verdict", None, True), ("digest", None, True),
        ("update", None, False),
    ],
)  # fmt: skip
def test_what_is_told(mail, topic, act, is_wanted):
    assert mail.wants(topic, {"act": act}) is is_wanted


def test_one_that_comes_twice_is_known(mail, server):
    for _ in range(2):
        mail.deliver(ask(), "ask/7/bob", address="bob@example.com")
    assert len({taken.mail["Message-ID"] for taken in server.taken}) == 1
    mail.deliver(ask(), "ask/7/bob", address="carol@example.com")
    assert len({taken.mail["Message-ID"] for taken in server.taken}) == 2


def test_no_text_makes_a_header_or_an_element(mail, server):
    odd = "x\r\nBcc: eve@example.com\r\n\r\n<b>hello</b>"
    mail.deliver(
        Message("request/7", odd, ((odd,),), links=(Link(odd, "https://x/" + odd),)),
        "request/7",
        address="bob@example.com",
    )
    (taken,) = server.taken
    assert taken.to == ["bob@example.com"]
    assert taken.mail["Bcc"] is None
    assert taken.mail["Subject"] == "x␍␊Bcc: eve@example.com␍␊␍␊<b>hello</b>"
    text, html = (part.get_content() for part in taken.mail.iter_parts())
    assert "<b>hello" not in html
    assert "\nBcc" not in text


@pytest.mark.parametrize(
    "address",
    ["bob", "bob@", "bob@example.com, eve@example.com", "bob@example.com\r\nBcc: eve@example.com", "<bob@example.com>",
     "bob@example.com>", "bob smith@example.com", "bob@@example.com", "T1/U2", "b\u00f6b@example.com", "-@-",
     "bob@example.com ", ""],
)  # fmt: skip
def test_what_is_no_address_gets_nothing(mail, server, address):
    with pytest.raises(Failed, match="is no address of mail"):
        mail.deliver(ask(), "ask/7/bob", address=address)
    assert not server.taken


def test_routes_lead_to_the_addresses_of_the_setting(settings, server):
    mail = made({**settings, "to": ["ops@example.com", "lead@example.com"]})
    mail.deliver(Message("drift/web1", "Drift on web1"), "drift/web1")
    assert server.taken[0].to == ["ops@example.com", "lead@example.com"]
    with pytest.raises(Failed, match="drift/web1 is for nobody: set to"):
        made(settings).deliver(Message("drift/web1", "Drift on web1"), "drift/web1")


def test_a_long_message_is_cut(mail, server):
    message = Message("job/1", "t" * 5000, tuple((f"line {n} \U0001f600",) for n in range(20_000)))
    mail.deliver(message, "job/1", address="bob@example.com")
    (taken,) = server.taken
    assert len(taken.content) < 300_000
    assert max(map(len, taken.content.split(b"\r\n"))) < 998
    assert len(taken.mail["Subject"]) == 200
    text, _ = (part.get_content() for part in taken.mail.iter_parts())
    assert "There is more of this than fits here." in text


def test_more_than_so_many_wait(settings, server):
    mail = made({**settings, "per_hour": 2})
    for _ in range(2):
        mail.deliver(ask(), "ask/7/bob", address="bob@example.com")
    with pytest.raises(Later) as caught:
        mail.deliver(ask(), "ask/7/bob", address="bob@example.com")
    wait = caught.value.due_at - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(minutes=55) < wait <= datetime.timedelta(hours=1)
    assert len(server.taken) == 2


# The way to the server.


def test_with_a_login(settings, context, password_file):
    with SmtpStandIn(context, login=LOGIN) as server:
        given = {**settings, "port": server.port, "user": LOGIN[0], "password_file": password_file}
        made(given).deliver(ask(), "ask/7/bob", address="bob@example.com")
        assert server.taken[0].with_login
        with pytest.raises(Failed, match="the server says 530"):
            made({**settings, "port": server.port}).deliver(ask(), "ask/7/bob", address="bob@example.com")
        with pytest.raises(Resting, match=r"accepts no such user and password \(535\)") as caught:
            made({**given, "user": "eve"}).deliver(ask(), "ask/7/bob", address="bob@example.com")
        assert LOGIN[1] not in str(caught.value)


def test_tls_from_the_start(settings, context):
    with SmtpStandIn(context, from_start=True) as server:
        mail = made({**settings, "port": server.port, "tls": "tls"})
        mail.deliver(ask(), "ask/7/bob", address="bob@example.com")
        assert server.taken[0].by_tls


def test_nothing_is_sent_in_clear(settings):
    with SmtpStandIn() as server:
        with pytest.raises(Resting, match="offers no STARTTLS, and nothing is sent without"):
            made({**settings, "port": server.port}).deliver(ask(), "ask/7/bob", address="bob@example.com")
        assert not server.taken
        made({**settings, "port": server.port, "tls": "none"}).deliver(ask(), "ask/7/bob", address="bob@example.com")
        assert not server.taken[0].by_tls


def test_a_certificate_that_nobody_trusts(settings, server):
    del settings["ca_file"]
    with pytest.raises(Resting, match=r"certificate is not accepted \(CERTIFICATE_VERIFY_FAILED\)"):
        made(settings).deliver(ask(), "ask/7/bob", address="bob@example.com")
    assert not server.taken


@pytest.mark.parametrize(
    ("answer", "said"),
    [("550 No such user", "bob@example.com: 550 No such user"), ("451 Try again", "bob@example.com: 451 Try again")],
)
def test_an_address_that_the_server_refuses(mail, server, answer, said):
    server.refused["bob@example.com"] = answer
    with pytest.raises(Failed, match=f"the server refuses {said}"):
        mail.deliver(ask(), "ask/7/bob", address="bob@example.com")


def test_one_refused_of_several(settings, server):
    server.refused["gone@example.com"] = "550 No such user"
    mail = made({**settings, "to": ["gone@example.com", "ops@example.com"]})
    mail.deliver(Message("drift/web1", "Drift on web1"), "drift/web1")
    assert server.taken[0].to == ["ops@example.com"]


def test_a_mail_that_the_server_refuses(mail, server):
    server.answer("554 It looks like spam")
    with pytest.raises(Failed, match="the server says 554 It looks like spam"):
        mail.deliver(ask(), "ask/7/bob", address="bob@example.com")


def test_a_server_that_is_not_there(mail, server):
    server.stop()
    server.stop = lambda **_: None
    with pytest.raises(Away, match=f"^{WHERE}: the server cannot be reached"):
        mail.deliver(ask(), "ask/7/bob", address="bob@example.com")


def test_no_answer_of_a_server_that_hangs_is_waited_for_forever(mail, server, monkeypatch):
    seen = []

    def hang(self, *args, **kwargs):
        seen.append(self.timeout)
        raise TimeoutError

    monkeypatch.setattr(smtplib.SMTP, "getreply", hang)
    with pytest.raises(Away, match="cannot be reached"):
        mail.deliver(ask(), "ask/7/bob", address="bob@example.com")
    assert seen == [10.0]


# Settings.


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"host": "a b"}, "host must be the name of the mail server"),
        ({"host": None}, "host must be the name of the mail server"),
        ({"port": True}, "port must be a whole number from 1 to 65535"),
        ({"tls": "yes"}, "tls must be one of starttls, tls, none"),
        ({"tls": "none", "host": "mail.example.com"}, "tls may be none for a server on this machine alone"),
        ({"from": "Salt <no-reply@example.com>"}, "from must be the address that sends"),
        ({"to": "ops@example.com"}, "to must be a list of addresses"),
        ({"to": ["ops@example.com\nBcc: eve@example.com"]}, "to must be a list of addresses"),
        ({"to": ["ops@example.com"] * 51}, "to must be a list of addresses as ops@example.com, 50 at most"),
        ({"unsubscribe": "https://x/>\r\nBcc: eve@example.com"}, "unsubscribe must be mailto:ADDRESS or https://"),
        ({"user": "salt"}, "set user and password_file, or none of them"),
        ({"user": "a\nb", "password_file": "/x"}, "user must be a name in one line"),
        ({"user": "salt", "password_file": "x"}, "password_file must be the full path of a file"),
        ({"digest_at": "7:30"}, "digest_at must be a time of the day in quotes"),
        ({"digest_at": 450}, "digest_at must be a time of the day in quotes"),
        ({"digest_at": "07:30", "time_zone": "Mars/Base"}, "time_zone must be a name as Europe/Berlin"),
        ({"digest_at": "07:30", "time_zone": 1}, "time_zone must be a name as Europe/Berlin"),
        ({"per_hour": 0}, "per_hour must be a whole number"),
        ({"password": "x"}, "there is no setting 'password' .known: kind, host, port"),
    ],
)
def test_settings_that_are_refused(settings, changes, said):
    with pytest.raises(ConfigError, match=f"^{WHERE}: {said}"):
        made({**settings, **changes})


def test_files_that_cannot_be_used(settings, server, password_file):
    given = {**settings, "user": "salt", "password_file": password_file}
    os.chmod(password_file, 0o644)
    with pytest.raises(ConfigError, match="others may read or write it"):
        made(given).deliver(ask(), "ask/7/bob", address="bob@example.com")
    with pytest.raises(ConfigError, match="ca_file /nowhere/ca cannot be used: No such file"):
        made({**settings, "ca_file": "/nowhere/ca"}).deliver(ask(), "ask/7/bob", address="bob@example.com")
    assert not server.taken


@pytest.mark.parametrize(
    ("now", "since"),
    [
        ("2026-11-30T06:29:59+00:00", None),
        ("2026-11-30T06:30:00+00:00", "2026-11-30T07:30:00+01:00"),
        ("2026-11-30T22:59:00+00:00", "2026-11-30T07:30:00+01:00"),
        ("2026-11-30T23:01:00+00:00", None),
        ("2026-07-01T05:30:00+00:00", "2026-07-01T07:30:00+02:00"),
    ],
)
def test_when_the_digest_is_due(settings, now, since):
    mail = made({**settings, "digest_at": "07:30", "time_zone": "Europe/Berlin"})
    expected = since and datetime.datetime.fromisoformat(since)
    assert mail.digest_since(datetime.datetime.fromisoformat(now)) == expected
    assert made(settings).digest_since(datetime.datetime.fromisoformat(now)) is None


def test_the_digest(mail, server):
    row = {"request_id": 7, "title": "Packages", "requester": "alice", "until": chat_stories.LATER,
           "until_what": "then it expires", "total": 1}  # fmt: skip
    message = Teller(str, "https://salt.example.com").inbox([row], key="digest/bob")
    mail.deliver(message, "digest/bob", address="bob@example.com")
    told = server.taken[0].mail
    assert told["Subject"] == "1 request waits for you"
    assert "Request 7: Packages, asked for by alice" in told.get_body(("plain",)).get_content()
    assert 'href="https://salt.example.com/requests/7"' in told.get_body(("html",)).get_content()
