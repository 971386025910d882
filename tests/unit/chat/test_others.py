"""What apprise is given, and that its URL stands nowhere but in its file."""

import json
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from saltext.approval.chat import others
from saltext.approval.chat.channel import Away, Failed, Later
from saltext.approval.chat.message import Link, Message, size
from saltext.approval.errors import ConfigError

WHERE = "approval:chat:channels:teams"
SECRET = "S3cretOfTheHook"  # noqa: S105
MESSAGE = Message(
    "request/7", "Request 7: *Packages*", (("for <b>@channel</b>",),), links=(Link("Open", "https://x/"),)
)


class Chat(ThreadingHTTPServer):
    """Takes what is posted to it; ``status``: its answer; ``held``: it answers when that is set."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.posted, self.status, self.held = [], 200, threading.Event()
        self.held.set()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.held.wait(20)
        self.server.posted.append((self.path, json.loads(content)))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Nothing on the standard error."""


@pytest.fixture
def chat():
    with Chat() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.held.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def made(chat, tmp_path):
    """A function that makes a channel of a URL, by default to the chat as JSON."""

    def make(url=None, **given):
        path = tmp_path / "url"
        path.touch(mode=0o600)
        path.write_text(url or f"json://127.0.0.1:{chat.server_port}/{SECRET}")
        return others.channel("teams", WHERE, {"kind": "apprise", "url_file": str(path), **given})

    return make


def test_a_message_is_posted(made, chat):
    assert made().deliver(MESSAGE, "request/7") is None
    ((path, content),) = chat.posted
    assert path == f"/{SECRET}"
    assert content["message"] == "Request 7: *Packages*\nfor <b>@channel</b>\nOpen: https://x/\nrequest/7"


def test_as_markdown(made, chat):
    made(format="markdown").deliver(MESSAGE, "request/7")
    text = chat.posted[0][1]["message"]
    assert text.startswith("**Request 7\\: \\*Packages\\***")
    assert "&lt;b\\>@\u200bchannel" in text


def test_chats_that_read_markdown_get_it_though_apprise_calls_it_text(made, chat):
    made(f"mmost://127.0.0.1:{chat.server_port}/abcdefghijklmnopqrstuvwxyz").deliver(MESSAGE, "request/7")
    text = chat.posted[0][1]["text"]
    assert "\\*Packages\\*" in text
    assert "@channel" not in text


def test_a_long_message_is_cut_and_keeps_its_key(made, chat):
    made().deliver(Message("job/1", "t", tuple((f"line {n}",) for n in range(5000))), "job/1")
    text = chat.posted[0][1]["message"]
    assert size(text) <= 4000
    assert text.endswith("There is more of this than fits here.\njob/1")


@pytest.mark.parametrize("status", [400, 403, 500])
def test_false_is_a_failure(made, chat, status):
    chat.status = status
    with pytest.raises(Away, match=f"^{WHERE}: it could not be delivered") as caught:
        made().deliver(MESSAGE, "request/7")
    assert SECRET not in str(caught.value)


def test_an_error_of_a_plugin_is_a_failure(made, chat, monkeypatch, capfd):
    channel = made()
    channel.deliver(MESSAGE, "request/7")

    def fail(*args, **kwargs):
        raise RuntimeError(SECRET)

    monkeypatch.setattr(type(channel._service), "notify", fail)
    monkeypatch.setattr(type(channel._service), "send", fail)
    with pytest.raises(Away) as caught:
        channel.deliver(MESSAGE, "request/7")
    assert SECRET not in str(caught.value) + "".join(capfd.readouterr())


def test_a_chat_that_hangs_is_waited_for_so_long(made, chat):
    channel = made()
    channel._timeout_s = 0.3
    chat.held.clear()
    began = time.monotonic()
    with pytest.raises(Away, match=r"no answer in 0.3 s, so that it may come twice"):
        channel.deliver(MESSAGE, "request/7")
    assert time.monotonic() - began < 20
    # The thread is not left to a second one.
    before = threading.active_count()
    with pytest.raises(Later):
        channel.deliver(MESSAGE, "request/7")
    assert threading.active_count() <= before
    chat.held.set()
    channel._running.join(10)
    channel._timeout_s = 20
    channel.deliver(MESSAGE, "request/7")
    assert len(chat.posted) == 2


def test_the_url_is_logged_nowhere(made, chat, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    channel = made()
    channel.deliver(MESSAGE, "request/7")
    chat.status = 500
    with pytest.raises(Away):
        channel.deliver(MESSAGE, "request/7")
    assert SECRET not in caplog.text + "".join(capfd.readouterr())
    assert SECRET not in repr(channel)


def test_people_are_not_asked_where_all_can_read_it(made, chat):
    with pytest.raises(Failed, match="contacts are of Slack or mail"):
        made().deliver(MESSAGE, "ask/7/bob", address="bob@example.com")
    assert not chat.posted


def test_another_url_needs_no_restart(made, chat):
    channel = made()
    channel.deliver(MESSAGE, "request/7")
    made(f"json://127.0.0.1:{chat.server_port}/new")
    channel.deliver(MESSAGE, "request/7")
    assert [path for path, _ in chat.posted] == [f"/{SECRET}", "/new"]


@pytest.mark.parametrize("url", [f"nosuchchat://{SECRET}", f"slack://{SECRET}", SECRET])
def test_a_url_that_apprise_does_not_know(made, url):
    with pytest.raises(ConfigError, match="holds no URL that apprise knows") as caught:
        made(url).deliver(MESSAGE, "request/7")
    assert SECRET not in str(caught.value)


def test_a_file_that_others_can_read(made, tmp_path):
    channel = made()
    (tmp_path / "url").chmod(0o644)
    with pytest.raises(ConfigError, match="others may read or write it"):
        channel.deliver(MESSAGE, "request/7")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url_file": None}, "url_file must be the full path of a file"),
        ({"url": "json://x"}, "there is no setting 'url'"),
        ({"format": "html"}, "format must be text or markdown"),
    ],
)
def test_settings_that_are_refused(changes, said):
    with pytest.raises(ConfigError, match=f"^{WHERE}: {said}"):
        others.channel("teams", WHERE, {"kind": "apprise", "url_file": "/etc/url", **changes})
