"""The documentation leads to what is there: its links."""

import pathlib

import documents
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    dead = []
    for name, anchor in documents.links(page):
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in documents.anchors(target)):
            dead.append(f"{name}#{anchor}")
    assert not dead
