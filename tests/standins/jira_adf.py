"""Jira's check of the Atlassian Document Format, as far as a comment of a program may use it."""

LISTS = frozenset({"bulletList", "orderedList"})
BLOCKS = LISTS | {"paragraph", "heading", "codeBlock", "blockquote", "panel", "rule", "table", "expand"}
INLINES = frozenset({"text", "hardBreak", "mention", "emoji", "date", "status", "inlineCard"})
# The nodes that may stand in each (None: it has no content at all), and the attributes that it must have.
NODES = {
    "doc": (BLOCKS, ()),
    "paragraph": (INLINES, ()),
    "heading": (INLINES, ("level",)),
    "bulletList": (frozenset({"listItem"}), ()),
    "orderedList": (frozenset({"listItem"}), ()),
    "listItem": (LISTS | {"paragraph", "codeBlock"}, ()),
    "codeBlock": (frozenset({"text"}), ()),
    "blockquote": (LISTS | {"paragraph", "codeBlock"}, ()),
    "panel": (LISTS | {"paragraph", "heading", "codeBlock", "rule"}, ("panelType",)),
    "rule": (None, ()),
    "table": (frozenset({"tableRow"}), ()),
    "tableRow": (frozenset({"tableCell", "tableHeader"}), ()),
    "tableCell": (BLOCKS - {"table", "expand"}, ()),
    "tableHeader": (BLOCKS - {"table", "expand"}, ()),
    "expand": (BLOCKS - {"expand"}, ()),
    "text": (None, ()),
    "hardBreak": (None, ()),
    "mention": (None, ("id",)),
    "emoji": (None, ("shortName",)),
    "date": (None, ("timestamp",)),
    "status": (None, ("text", "color")),
    "inlineCard": (None, ()),
}
# Nodes that have at least one child.
FILLED = LISTS | {"listItem", "blockquote", "panel", "table", "tableRow", "tableCell", "tableHeader"}
MARKS = frozenset({"strong", "em", "code", "link", "strike", "underline", "textColor", "subsup"})
KEYS = frozenset({"type", "version", "content", "text", "marks", "attrs"})


def is_document(node):
    """Whether an object is a whole document."""
    return isinstance(node, dict) and node.get("type") == "doc" and node.get("version") == 1 and _is_valid(node)


def text_of(node):
    """The text in a node, its paragraphs and cells in lines of their own."""
    if node["type"] == "text":
        return node["text"]
    if node["type"] == "hardBreak":
        return "\n"
    inner = "".join(text_of(child) for child in node.get("content", ()))
    return inner + "\n" if node["type"] in BLOCKS else inner


def _is_valid(node):
    if not isinstance(node, dict) or node.get("type") not in NODES or not node.keys() <= KEYS:
        return False
    children, required = NODES[node["type"]]
    attributes = node.get("attrs", {})
    content = node.get("content", [])
    if not isinstance(attributes, dict) or not isinstance(content, list) or not attributes.keys() >= set(required):
        return False
    if ("version" in node or node["type"] == "doc") and node.get("version") != 1:
        return False
    if node["type"] == "text":
        return "content" not in node and _is_text(node)
    if "text" in node or "marks" in node or (children is None and "content" in node):
        return False
    if node["type"] in FILLED and not content:
        return False
    if node["type"] == "doc" and "content" not in node:
        return False
    return all(
        isinstance(child, dict) and child.get("type") in (children or ()) and _is_valid(child) for child in content
    )


def _is_text(node):
    marks = node.get("marks", [])
    return (
        isinstance(node.get("text"), str)
        and node["text"] != ""
        and isinstance(marks, list)
        and all(
            isinstance(mark, dict)
            and mark.get("type") in MARKS
            and (mark["type"] != "link" or isinstance(mark.get("attrs", {}).get("href"), str))
            for mark in marks
        )
    )
