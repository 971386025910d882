"""Every policy of docs/rollouts.md is one that the database takes, and its table of keys is complete."""

import pathlib
import re

import pytest
import yaml

from saltext.approval import config, db
from saltext.approval.policy import loader

DOCS = pathlib.Path(__file__).parents[4] / "docs"
PAGE = (DOCS / "rollouts.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
GROUPS = """
groups: {change-managers: {}, standard-requesters: {}, on-call: {}}
minion_groups: {pilots: {minions: [db1]}}
"""


@pytest.fixture
def admin(database):
    """A connection of a policy administrator to a database that has the groups and minions that the page mentions."""
    database.execute("SELECT approval.put_minions(%s)", (["db1", "db2"],), login="operator")
    with db.connect(config.Connection(database.dsn("policy_admin"))) as conn:
        loader.load(conn, loader.parse(GROUPS))
        yield conn


def test_no_block_is_lost():
    assert len(BLOCKS) == 5


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: next(iter(yaml.safe_load(block)["types"])))
def test_the_database_takes_it(admin, block):
    assert loader.load(admin, loader.parse(block))
    assert loader.load(admin, loader.parse(block)) == [], "a second time nothing changes"
    assert loader.load(admin, loader.parse(loader.to_yaml(loader.show(admin)))) == [], "nor by what show() gives"


def test_at_once_is_told_kept_and_taken_away(admin):
    assert loader.load(admin, loader.parse("minion_groups: {pair: {minions: [db1, db2], at_once: 1}}")) == [
        "+ minion group pair:  (2 minions, 1 at a time)"
    ]
    assert loader.load(admin, loader.parse("minion_groups: {pair: {minions: [db1, db2]}}")) == []
    assert loader.load(admin, loader.parse("minion_groups: {pair: {at_once: any}}")) == [
        "~ minion group pair",
        "    at_once: 1 -> any",
    ]


def test_every_key_is_in_the_table_of_the_policy():
    (function,) = (DOCS.parent / "sql/functions").rglob("rollout_problem.sql")
    known = re.search(r"known constant text\[\] := ARRAY\[(.*?)\]", function.read_text(encoding="utf-8"))[1]
    table = re.search(r"^\| key of `rollout`.*?\n\n", (DOCS / "policy.md").read_text(encoding="utf-8"), re.M | re.S)[0]
    listed = [re.search("`(.*?)`", row)[1] for row in table.strip().splitlines()[2:]]
    assert listed == re.findall("'(.*?)'", known)
