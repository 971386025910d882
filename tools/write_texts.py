#!/usr/bin/env python3
"""Write portal/locale anew from the sources: the texts of the pages, and each language with what it lacks marked.

A text that was changed is not guessed from another one: it is missing in each language until somebody translates it.
"""

import io
import pathlib

from babel.messages import extract, pofile
from babel.messages.catalog import Catalog

PORTAL = pathlib.Path(__file__).resolve().parent.parent / "portal"
LOCALE = PORTAL / "locale"
TEMPLATE = LOCALE / "messages.pot"
KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "gettext_noop": None,
    "ngettext_noop": (1, 2),
}
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
OPTIONS = {"templates/**.html": {"trimmed": "true", "silent": "false"}}
# Fields of the header that are another's each time.
PASSING = tuple(
    f'"{name}:'
    for name in (
        "Project-Id-Version", "Report-Msgid-Bugs-To", "POT-Creation-Date", "PO-Revision-Date", "Last-Translator",
        "Language-Team", "Generated-By",
    )
)  # fmt: skip
HEADER = "# Texts of the pages of saltext-approval."


def sources():
    """The catalog of the texts in the sources."""
    catalog = _catalog(None)
    found = extract.extract_from_dir(PORTAL, METHODS, OPTIONS, KEYWORDS, callback=None)
    # In order, so that it is the same wherever it is made; without the numbers of lines, which move with each edit.
    for name, _line, message, _comments, context in sorted(found, key=lambda one: (one[0], one[1])):
        catalog.add(message, None, [(name, 0)], context=context)
    return catalog


def _catalog(locale):
    return Catalog(locale, header_comment=HEADER, project="saltext-approval", fuzzy=False)


def as_text(catalog):
    """The catalog as a file has it; nothing in it depends on when, by whom or with which Babel it was written."""
    written = io.BytesIO()
    pofile.write_po(written, catalog, width=120, omit_header=catalog.locale is None, include_lineno=False)
    lines = written.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(PASSING))


def files():
    """{path: text} of all files, as they should be."""
    texts = sources()
    made = {TEMPLATE: as_text(texts)}
    for path in sorted(LOCALE.glob("*.po")):
        with path.open("rb") as file:
            known = pofile.read_po(file, locale=path.stem)
        catalog = _catalog(path.stem)
        for message in texts:
            if message.id:
                translated = known.get(message.id, message.context)
                catalog.add(
                    message.id, translated.string if translated else None, message.locations, context=message.context
                )
        made[path] = as_text(catalog)
    return made


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
