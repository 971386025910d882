"""One text in three forms; nothing that people or minions wrote becomes markup in any of them."""

import json
import re

import pytest

from saltext.approval.itsm import markup
from saltext.approval.itsm.markup import Bullets, Link, Paragraph, Strong, Table

EXAMPLE = (
    Paragraph((Strong("Request 7"), " asks for ", Link("this", "https://approval.example.com/requests/7"), ".")),
    Bullets((("nginx 1.24.0",), (Strong("vim"), " is removed"))),
    Table(("Minion", "Why"), (("web-1", "no candidate"), ("web-2", ""))),
)
# Texts that somebody would write to have more shown than their characters.
INJECTIONS = [
    "[~admin]", "[click|https://evil.example.com]", "https://evil.example.com", "mailto:a@example.com",
    "www.evil.example.com", "!https://evil.example.com/x.png!", "{html}<script>{html}", "{color:red}x{color}",
    "*bold*", "_thin_", "-gone-", "+new+", "~low~", "^high^", "??cite??", "{{mono}}", "h1. Big", "bq. Said",
    "# one", "* one", "|cell|", "||head||", "\\\\", "\\{x}", "a -- b", "----", "(!)", ":)", ";-)", ":D", "(/)",
    "@admin", "[^file.txt]", "&lt;b&gt;", "&#42;bold&#42;", "<b>x</b>", "{quote}", "!x!", "[#top]", "a|b",
    "{panel:title=x}",
]  # fmt: skip


def unescaped(text):
    """The characters that a renderer of wiki text shows for numeric entities."""
    return re.sub(r"&#(\d+);", lambda match: chr(int(match[1])), text)


def test_a_document_of_jira_cloud():
    assert markup.adf(EXAMPLE) == {
        "type": "doc",
        "version": 1,
        "content": [
            {
                "type": "paragraph",
                "content": [
                    {"type": "text", "text": "Request 7", "marks": [{"type": "strong"}]},
                    {"type": "text", "text": " asks for "},
                    {
                        "type": "text",
                        "text": "this",
                        "marks": [{"type": "link", "attrs": {"href": "https://approval.example.com/requests/7"}}],
                    },
                    {"type": "text", "text": "."},
                ],
            },
            {
                "type": "bulletList",
                "content": [
                    {
                        "type": "listItem",
                        "content": [{"type": "paragraph", "content": [{"type": "text", "text": "nginx 1.24.0"}]}],
                    },
                    {
                        "type": "listItem",
                        "content": [
                            {
                                "type": "paragraph",
                                "content": [
                                    {"type": "text", "text": "vim", "marks": [{"type": "strong"}]},
                                    {"type": "text", "text": " is removed"},
                                ],
                            }
                        ],
                    },
                ],
            },
            {
                "type": "table",
                "content": [
                    _row("tableHeader", ["Minion"], ["Why"]),
                    _row("tableCell", ["web-1"], ["no candidate"]),
                    _row("tableCell", ["web-2"], []),
                ],
            },
        ],
    }


def _row(kind, *cells):
    paragraphs = [
        {"type": "paragraph", "content": [{"type": "text", "text": text} for text in texts]} for texts in cells
    ]
    return {"type": "tableRow", "content": [{"type": kind, "attrs": {}, "content": [cell]} for cell in paragraphs]}


def test_wiki_text_of_jira_data_center():
    assert markup.wiki(EXAMPLE) == (
        "*Request 7* asks for [this|https://approval.example.com/requests/7].\n\n"
        "* nginx 1.24.0\n* *vim* is removed\n\n"
        "||Minion||Why||\n|web-1|no candidate|\n|web-2| |"
    )


def test_plain_text_of_servicenow():
    assert markup.plain(EXAMPLE) == (
        "Request 7 asks for this: https://approval.example.com/requests/7.\n\n"
        "- nginx 1.24.0\n- vim is removed\n\n"
        "Minion | Why\nweb-1 | no candidate\nweb-2 | "
    )


@pytest.mark.parametrize("text", INJECTIONS)
def test_wiki_text_shows_what_was_written_and_no_more(text):
    written = markup.wiki((Paragraph((text,)),))
    assert unescaped(written) == text
    left = re.sub(r"&#\d+;", "", written)
    assert not set("{}[]()!?@*|\\~^+<>#&") & set(left)
    assert not re.search(r"https?:|mailto:|www\.|\b(?:h1|bq)\.|[:;]-?[)D]|(?<!\w)[-_]|[-_](?!\w)", left)


@pytest.mark.parametrize("text", INJECTIONS)
def test_wiki_text_has_a_text_alike_wherever_it_stands(text):
    def frame(text):
        cells = Table((text,), ((f"{text} y",),))
        parts = (Strong(text), Link(text, "https://approval.example.com"))
        return (Bullets(((f"x {text}",), (Strong(text),))), cells, Paragraph(parts))

    alone = markup.wiki((Paragraph((text,)),))
    assert markup.wiki(frame(text)) == markup.wiki(frame("日")).replace("日", alone)


@pytest.mark.parametrize("text", INJECTIONS)
def test_a_document_of_jira_cloud_has_no_nodes_of_a_text(text):
    document = markup.adf((Paragraph((text,)), Table((text,), ((text,),))))
    kinds = set(re.findall(r'"type": "(\w+)"', json.dumps(document)))
    assert kinds == {"doc", "paragraph", "text", "table", "tableRow", "tableHeader", "tableCell"}
    assert "marks" not in json.dumps(document)
    assert document["content"][0]["content"][0]["text"] == text


@pytest.mark.parametrize("text", ["[code]<b>x</b>[/code]", "[ CODE ]x[ / Code ]", "[cod\u200be]x[/code]", "@[Admin]"])
def test_work_notes_have_no_html_and_no_mention(text):
    written = markup.plain((Paragraph((text, "")), Bullets(((text,),)), Table((text,), ((text,),))))
    assert not re.search(r"\[\s*/?\s*code\s*\]|@\[", written, re.IGNORECASE)


def test_parts_that_make_markup_together_are_found():
    assert "[code]" not in markup.plain((Paragraph(("[co", "de]<b>")),))


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\nb\r\tc", "a b c"),
        ("a\x00b\x1b[31m", "a b [31m"),
        ("abc\u202egpj.exe", "abcgpj.exe"),
        ("a\u200bb\u2028c", "ab c"),
        ("\ud800x", "x"),
        ("  Zürich   日本 ", "Zürich 日本"),
        (7, "7"),
    ],
)
def test_what_is_not_seen_is_left_out(text, seen):
    assert markup.cleaned(text) == seen


def test_a_long_text_is_cut_and_says_so():
    assert markup.cut("abcdef", 6) == "abcdef"
    assert markup.cut("abcdefg", 6) == "abcde…"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example.com", "file:///etc/passwd", ""])
def test_a_link_leads_to_a_page(url):
    with pytest.raises(ValueError, match="https"):
        Link("x", url)


def test_the_address_of_a_link_does_not_end_it():
    written = markup.wiki((Paragraph((Link("x", "https://approval.example.com/a|b]c{d}"),)),))
    assert written == "[x|https://approval.example.com/a%7Cb%5Dc%7Bd%7D]"


def test_empty_texts_make_no_nodes():
    assert markup.adf((Paragraph(("", "x")),))["content"] == [
        {"type": "paragraph", "content": [{"type": "text", "text": "x"}]}
    ]


@pytest.mark.parametrize("kind", ["jira", "servicenow", "generic"])
def test_a_text_fits_or_not(kind):
    assert markup.fits((Paragraph(("x" * 3000,)),), kind)
    assert not markup.fits((Paragraph(("x" * 33_000,)),), kind)
    # In a document each of these characters stands as six, in wiki text as five.
    assert markup.fits((Paragraph(("日" * 3000,)),), kind)
    assert not markup.fits((Paragraph(("日" * 6000,)),), "jira")
