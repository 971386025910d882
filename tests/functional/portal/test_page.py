"""What docs/web.md says of the web service holds."""

import pathlib
import re

import documents
import yaml

from saltext.approval.portal import config

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/web.md"
TEXT = PAGE.read_text(encoding="utf-8")


def table(heading):
    """The first cells of the rows of the table with this heading."""
    rows = TEXT.partition(f"| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [row.split(" | ")[0] for row in rows]


def test_every_setting_has_a_row():
    named = re.findall(r"`(\w+)`", " ".join(table("setting under `approval:web` | default | meaning")))
    assert sorted(named) == sorted(config.KNOWN)


def test_every_event_has_a_row():
    said = set()
    for path in (ROOT / "portal").glob("*.py"):
        said.update(re.findall(r'\b_?say\(\s*"([^"]+)"', path.read_text(encoding="utf-8")))
    said.discard("request")
    assert sorted(said) == sorted(re.findall(r"`([^`]+)`", " ".join(table("event | meaning"))))


def test_it_starts_with_the_settings_that_stand_there(start, settings_of, site_files):
    (block,) = [block for block in documents.blocks(PAGE) if block.language == "yaml"]
    written = yaml.safe_load(block.text)["approval"]
    site = written["itsm"]["sites"]["sc21"]
    assert [secret["file"] for secret in site["webhook_secrets"]] == ["/etc/salt-approval/sc21.webhook"]
    site["webhook_secrets"] = [{"file": str(site_files["webhook"])}]
    service = start(written["web"], itsm={**settings_of("itsm"), "sites": written["itsm"]["sites"]})
    assert service.ask("GET", "/readyz")[0] == 200
