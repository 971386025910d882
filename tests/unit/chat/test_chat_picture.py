"""The picture of a channel: all that people read is in it, and it is XML whatever they wrote."""

import json
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import chat_picture
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from standins.slack import SlackStandIn

from saltext.approval.chat import blocks
from saltext.approval.chat.story import Teller

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import chat_stories as stories

HERE = pathlib.Path(__file__).resolve().parent
PICTURE = HERE.parents[2] / "docs/chat-ops.svg"
TELLER = Teller(lambda text: text, "https://approval.example")


def logged(message, *replies):
    return {
        "ts": "1796025900.000100", "author": "salt", "blocks": blocks.payload(message)["blocks"],
        "replies": [logged(reply) for reply in replies],
    }  # fmt: skip


def channel():
    finding = {"kind": "package", "name": "vim", "verdict": "failed", "text": "no candidate"}
    job = stories.job(failed=1, silent=0, failures=[stories.failure(findings=[finding])])
    return [
        logged(TELLER.parent("job/1", job), TELLER.entry("job/1", 2, "verdict", {**job, "outcome": "failed"}, job)),
        logged(TELLER.parent("alarm/3", stories.alarm())),
        logged(TELLER.ask("ask/7/bob", stories.request(), stories.asked(), with_buttons=True)),
    ]


def post(slack, message, **where):
    """What Slack answers to a new message."""
    arguments = {"channel": "#ops", **blocks.payload(message), **blocks.NEW, **where}
    headers = {"Authorization": f"Bearer {slack.bot_token}", "Content-Type": "application/json; charset=utf-8"}
    url = f"{slack.url}/api/chat.postMessage"
    answer = requests.post(url, json.dumps(arguments), headers=headers, timeout=10).json()
    assert answer["ok"], answer
    assert "warning" not in answer
    return answer


def words(svg):
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314


def test_all_that_people_read_is_drawn():
    drawn = "\n".join(words(chat_picture.picture("ops", channel())))
    for text in (
        "# ops",
        "salt  08:05",
        "❌ state.apply on 2 minions, by root",
        "salt '*' state.apply",
        "web2: package vim: no candidate",
        "warning: unapproved-job on web1",
        "Approve",
        "Reject",
        "Request 7",
        "web1: package nginx 1.24.0-2",
        "job/1#2",
    ):
        assert text in drawn


def test_replies_stand_to_the_right():
    root = ElementTree.fromstring(chat_picture.picture("ops", channel()[:1]))  # noqa: S314
    squares = [rect.get("x") for rect in root.iter("{http://www.w3.org/2000/svg}rect") if rect.get("width") == "32"]
    assert squares == ["20", "60"]


def test_the_log_of_the_stand_in():
    with SlackStandIn() as slack:
        slack.new_channel("ops")
        first = post(slack, TELLER.parent("job/1", stories.job()))
        verdict = stories.job(failed=1, outcome="failed")
        reply = TELLER.entry("job/1", 2, "verdict", verdict, None)
        post(slack, reply, thread_ts=first["ts"], reply_broadcast=reply.is_loud)
        (message,) = chat_picture.recorded(slack.channel("ops"))
    assert message["ts"] == first["ts"]
    drawn = "\n".join(words(chat_picture.picture("ops", [message])))
    assert "1 ok, 0 failed, 1 have not returned yet." in drawn
    assert "job/1#2" in drawn


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters()))
def test_whatever_people_write_it_is_xml(text):
    job = stories.job(command=text, user=text, minions=[text])
    assert words(chat_picture.picture("ops", [logged(TELLER.parent("job/1", job))]))


def test_long_lines_are_broken():
    job = stories.job(command="salt web1 cmd.run " + "x" * 900, minions=[f"minion{n}" for n in range(16)])
    drawn = words(chat_picture.picture("ops", [logged(TELLER.parent("job/1", job))]))
    assert max(map(len, drawn)) <= 100
    assert "".join(drawn).count("x") >= 900


def test_the_command(tmp_path):
    log, target = tmp_path / "ops.json", tmp_path / "ops.svg"
    log.write_text(json.dumps(channel()), encoding="utf-8")
    subprocess.run([sys.executable, chat_picture.__file__, log, target], check=True, timeout=60)
    assert "# ops" in words(target.read_text(encoding="utf-8"))


def test_the_picture_in_the_documentation_is_that_of_the_log_here():
    """It is made anew by `tools/chat_picture.py tests/unit/chat/ops.json docs/chat-ops.svg`."""
    log = json.loads((HERE / "ops.json").read_text(encoding="utf-8"))
    assert PICTURE.read_text(encoding="utf-8") == chat_picture.picture("ops", log)


def test_each_colour_is_of_a_class_that_is_dark_where_the_screen_is():
    svg = chat_picture.picture("ops", channel())
    light, dark = re.search(
        r"<style>(.*)@media \(prefers-color-scheme: dark\) \{(.*)\}\s*</style>", svg, re.DOTALL
    ).groups()
    drawn = svg.partition("</style>")[2]
    assert "#" not in drawn.replace("# ops", "").replace("job/1#2", "")
    for style in (light, dark):
        assert {"text {", "rect {", ".pale {", ".code {", ".primary {", ".danger {"} <= set(
            re.findall(r"[\w.]+ \{", style)
        )
    colours = [re.search(r"^text \{.*fill: (#\w+)", style, re.MULTILINE)[1] for style in (light, dark)]
    assert colours[0] != colours[1]
