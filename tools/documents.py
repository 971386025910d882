"""The blocks of the documentation: what a reader types, and the files that a reader writes."""

import pathlib
import re
from typing import NamedTuple

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
PATH = re.compile(r"`(/[^`]+)`")
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
PROMPT = re.compile(r"^(\w+)\$ (.+)$")


class Block(NamedTuple):
    """
    A fenced block of a page.

    language: ``sh`` (typed as root), ``console`` (lines with ``NAME$`` before them are typed by NAME, others are
    what is answered), ``yaml``, or nothing (a picture, an answer). file: where a reader is told to write it, if it is
    ``yaml``, or None.
    """

    page: str
    line: int
    heading: str
    language: str
    text: str
    file: str | None

    @property
    def commands(self):
        """(person, command line) of each command in it; a command may go on over lines that end with a backslash."""
        if self.language == "sh":
            lines = self.text.replace("\\\n", " ").splitlines()
            return [("root", line) for line in lines if line.strip() and not line.lstrip().startswith("#")]
        if self.language == "console":
            return [match.groups() for line in self.text.splitlines() if (match := PROMPT.match(line))]
        return []


def blocks(path):
    """The blocks of a Markdown page, in order."""
    page = pathlib.Path(path)
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        before = text[: match.start()]
        headings = HEADING.findall(FENCE.sub("", before))
        # A reader is told where to write it by the last path of the paragraph before, if that ends with a colon.
        paragraph = before.rstrip().rpartition("\n\n")[2]
        is_file = match[1] == "yaml" and paragraph.endswith((":", ":**"))
        paths = PATH.findall(paragraph) if is_file else []
        found.append(
            Block(
                page.name,
                before.count("\n") + 1,
                headings[-1] if headings else "",
                match[1],
                match[2],
                paths[-1] if paths else None,
            )
        )
    return found


def links(path):
    """The targets of a page's links within the repository: (path, or "" for the page itself; anchor, or "")."""
    found = LINK.findall(FENCE.sub("", pathlib.Path(path).read_text(encoding="utf-8")))
    return [target.partition("#")[::2] for target in found if "://" not in target]


def anchors(path):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = HEADING.findall(FENCE.sub("", pathlib.Path(path).read_text(encoding="utf-8")))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
