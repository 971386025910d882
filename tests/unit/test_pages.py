"""The documentation leads to what is there: its links, the paths that it names, its lists of what the code has."""

import pathlib
import re

import documents
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TYPED = re.compile(r"`([\w.*-]+/[\w.*/-]*|[\w*-]+\.(?:py|c|h|sql|sls|md|yaml|toml))`")
LARGEST_PICTURE = 150_000  # bytes
FLOOR = re.compile(r"^\| \d \|.*$", re.MULTILINE)  # names within saltext.approval, which test_layers.py looks at


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    dead = []
    for name, anchor in documents.links(page):
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in documents.anchors(target)):
            dead.append(f"{name}#{anchor}")
    assert not dead


def test_pictures_are_small_and_shown():
    """Each of them is of the demo: `make pictures` takes them anew."""
    shown = {
        (page.parent / name).resolve()
        for page in PAGES
        for name in re.findall(r"!\[[^\]]+\]\(([^)]+\.png)\)", page.read_text(encoding="utf-8"))
    }
    there = {path.resolve() for path in (ROOT / "docs/pictures").iterdir()}
    assert shown == there
    assert [path.name for path in there if path.stat().st_size > LARGEST_PICTURE] == []


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_paths_exist(page):
    """NOUN, NAME and NNNN in a path stand for any name or number: sql/functions/NOUN/."""
    text = FLOOR.sub("", (ROOT / page).read_text(encoding="utf-8"))
    named = {path: re.sub("NOUN|NAME|NNNN", "*", path) for path in TYPED.findall(text)}
    assert named
    assert not [path for path, pattern in named.items() if not any(ROOT.glob(pattern.rstrip("/")))]


def test_the_model_has_the_edges_and_refusals_of_the_database():
    page = (ROOT / "docs/model.md").read_text(encoding="utf-8")
    migrations = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "sql/migrations").glob("*.sql"))
    functions = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "sql/functions").rglob("*.sql"))
    inserted = "".join(re.findall(r"INSERT INTO approval\.transition VALUES(.*?);", migrations, re.DOTALL))
    drawn = set(re.findall(r"^    (\w+) --> (\w+)", page, re.MULTILINE))
    assert drawn == set(re.findall(r"'(\w+)', '(\w+)'", inserted))
    assert re.findall(r"^\| (AP\d{3}) \|", page, re.MULTILINE) == sorted(set(re.findall(r"'(AP\d{3})'", functions)))


def test_the_page_on_verdicts_has_every_reason():
    page = (ROOT / "docs/validation.md").read_text(encoding="utf-8")
    source = (ROOT / "cext/validate_finding.c").read_text(encoding="utf-8")
    reasons = set(re.findall(r'\[APV_REASON_\w+\] = \{\s*"([\w-]+)"', source)) - {"none"}
    assert reasons
    assert not {reason for reason in reasons if f"`{reason}`" not in page}
