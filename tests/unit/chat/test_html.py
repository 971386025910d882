"""Mail's HTML shows what stands in a message, and nothing of it becomes an element."""

import datetime
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from saltext.approval.chat import html
from saltext.approval.chat.message import At, Bold, Link, Message, Mono, Section

WHEN = datetime.datetime(2026, 11, 30, 8, 5, tzinfo=datetime.timezone.utc)


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.elements, self.text, self.targets = [], "", []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.targets += [value for name, value in attrs if name == "href"]

    def handle_data(self, data):
        self.text += data


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def test_all_parts():
    message = Message(
        "ask/7/bob",
        "Please decide",
        ((Bold("b"), " ", Mono("m"), " at ", At(WHEN)),),
        (
            Section("code", text="a\nb", title="Code"),
            Section("fields", (("who", "root"),)),
            Section("table", (("minion", "n"), ("web1", "1"))),
            Section("text", (("end",),)),
        ),
        (Link("Open", "https://x/?a=1&b=2"),),
    )
    reader = read(html.page(message, [("No answers.",)]))
    words = ["Please decide", "b m at 2026-11-30 08:05 UTC", "Code", "a\nb", "who: root", "minion  n\nweb1    1", "end"]
    assert reader.text.split() == " ".join([*words, "Open", "No answers.", "ask/7/bob"]).split()
    assert reader.targets == ["https://x/?a=1&b=2"]


def every_part(text):
    return Message(
        text,
        text,
        ((text, Bold(text), Mono(text), Link(text, "https://x/" + text)),),
        (Section("code", text=text, title=text), Section("fields", ((text, text),)), Section("text", ((text,),))),
    )


@given(st.text(min_size=1, max_size=60))
def test_nothing_becomes_an_element(text):
    assert read(html.page(every_part(text))).elements == read(html.page(every_part("x"))).elements


def test_long_ones_are_cut_between_elements():
    message = Message("k", "t", tuple((f"<{n}>",) for n in range(10_000)))
    page = html.page(message, [("last",)], longest=2000)
    assert len(page) <= 2000
    reader = read(page)
    assert "There is more of this than fits here." in reader.text
    assert reader.text.split()[-2:] == ["last", "k"]
