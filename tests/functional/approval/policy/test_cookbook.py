"""Every request type of docs/cookbook.md is one that the database takes; its tables of keys are complete."""

import pathlib
import re

import pytest
import yaml
from psycopg.types.json import Jsonb

COOKBOOK = pathlib.Path(__file__).parents[4] / "docs/cookbook.md"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", COOKBOOK.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
TYPES = {name: body for block in BLOCKS for name, body in yaml.safe_load(block)["types"].items()}


@pytest.fixture
def site(database):
    """A database with every group, minion group and calendar that the page mentions."""
    for group in {group for body in TYPES.values() for group in _groups(body)}:
        database.execute("SELECT approval.put_group(%s, '')", (group,))
    for group in {group for body in TYPES.values() for group in body.get("targets", ())}:
        database.execute("SELECT approval.put_minion_group(%s, '', '{}')", (group,))
    for calendar in {body["calendar"] for body in TYPES.values() if "calendar" in body}:
        saturdays = (calendar, "FREQ=WEEKLY;BYDAY=SA", "Europe/Berlin", "6 hours", "2026-01-03 22:00", [])
        database.execute("SELECT approval.put_calendar(%s, %s, %s, %s, %s, %s)", saturdays)
    return database


def _groups(body):
    yield from (group for group in body["requesters"] if group != "*")
    yield from filter(None, [body.get("review_group")])
    for stage in body["chain"]:
        yield from (alternative["group"] for alternative in stage["any_of"])
        yield from filter(None, [stage.get("escalate_to")])


def test_no_block_is_lost():
    assert len(TYPES) == len(BLOCKS) == 12


@pytest.mark.parametrize("name", TYPES)
def test_the_database_takes_it(site, name):
    definition = Jsonb({"name": name, **TYPES[name]})
    for _ in range(2):
        # The same definition again is the same version: loading a file twice changes nothing.
        assert site.execute("SELECT approval.put_request_type(%s)", (definition,), login="policy_admin") == [(1,)]


def test_every_key_is_in_a_table_of_the_page():
    """The page says that its tables are complete: compared with the keys that the function knows."""
    (file,) = (COOKBOOK.parents[1] / "sql/functions").rglob("put_request_type.sql")
    function = file.read_text(encoding="utf-8")
    known = [set(re.findall("'(.*?)'", keys)) for keys in re.findall(r"key NOT IN \((.*?)\);", function, re.DOTALL)]
    tables = re.findall(r"^\| key of.*?\n\n", COOKBOOK.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    listed = [
        {key for row in table.strip().splitlines()[2:] for key in re.findall("`(.*?)`", row.split("|")[1])}
        for table in tables
    ]
    assert listed == [known[0] - {"name"}, known[1]]
