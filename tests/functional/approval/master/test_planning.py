"""Plans of requests: asked of minions over Salt's client, attached, shown, and demanded before the first approval."""

import contextlib

import pytest

from saltext.approval import cli, config, db
from saltext.approval.cli import render
from saltext.approval.client.database import DatabaseClient
from saltext.approval.errors import InputError, Refused
from saltext.approval.master import planning
from saltext.approval.policy import loader

POLICY = """
types:
  planned:
    kind: package
    requesters: ["*"]
    plan_within: 4 hours
    chain: [{name: review, any_of: [{group: reviewers}]}]
"""
HELLO = {"hello": "2.10-3"}
CHANGES = {"hello": {"old": "", "new": "2.10-3"}, "libhello1": {"old": "", "new": "1"}}


class Minions:
    """In place of Salt's client: remembers what was asked, and answers from ``chunks``."""

    def __init__(self):
        self.asked = []
        self.chunks = {}

    def cmd(self, tgt, fun, arg, tgt_type, kwarg, **options):
        assert (fun, arg, tgt_type, options["full_return"]) == ("state.single", ["approval.planned"], "list", True)
        self.asked.append((sorted(tgt), kwarg["items"]))
        return {
            minion: {"ret": {"approval_|-plan_|-plan_|-planned": chunk}, "jid": "1"}
            for minion, chunk in self.chunks.items()
            if minion in tgt
        }


@pytest.fixture
def minions(monkeypatch):
    minions = Minions()
    monkeypatch.setattr("salt.client.get_local_client", lambda mopts: contextlib.nullcontext(minions))
    return minions


@pytest.fixture
def runner(approved):
    """The runner's Client, acting as alice."""
    with db.connect(config.Connection(approved.dsn("policy_admin"))) as conn:
        loader.load(conn, loader.parse(POLICY))
    with db.connect(config.Connection(approved.dsn("operator"))) as conn:
        yield DatabaseClient(conn, "salt", "alice")


@pytest.fixture
def opts(master_opts, accept_key):
    """The options of a master that has accepted the keys of all minions asked for here but db1."""
    opts = master_opts()
    for minion in ("web1", "web2", "*", "_"):
        accept_key(opts, minion)
    return opts


def test_a_plan_is_made_by_the_command_too(client, approved, minions, opts, master_config, dsn_file, capsys):
    number = client("alice").request("package", ["web1", "web2"], HELLO, "needed")["request"]
    minions.chunks.update(
        {minion: {"result": True, "changes": {}, "comment": "As approved."} for minion in ("web1", "web2")}
    )
    words = ["plan", str(number), "--make", "--master-config", str(master_config())]
    assert cli.main([*words, "--sample", "1"]) == 0
    assert "nothing on 1 of 2 minions" in capsys.readouterr().out
    assert cli.main(words) == 0
    made = capsys.readouterr().out
    assert made.endswith("  web1, web2: nothing\n    As approved.\n")
    assert cli.main(["plan", str(number), "--dsn-file", str(dsn_file("bob"))]) == 0
    assert capsys.readouterr().out == made
    assert cli.main(["plan", "77", "--make", "--master-config", str(master_config())]) == 1
    assert "there is no request 77" in capsys.readouterr().err


def test_a_plan_is_made_shown_and_demanded(client, runner, minions, opts):
    number = client("alice").request("planned", ["web1", "web2"], HELLO, "needed")["request"]
    with pytest.raises(Refused, match="no plan of its present items that is no older than 04:00:00") as raised:
        client("bob").approve(number)
    assert raised.value.sqlstate == "AP019"
    assert "plan: none; the first approval needs one" in render.request(client("bob").show(number))
    assert "has no plan" in render.plan(client("bob").plan(number))

    minions.chunks["web1"] = {
        "result": None,
        "changes": CHANGES,
        "comment": "Package hello would be \x1b[31minstalled.",
    }
    plan = planning.make(opts, runner, number)
    assert minions.asked == [
        (["web1", "web2"], [{"kind": "package", "name": "hello", "type": "version", "value": "2.10-3"}]),
    ]
    assert [(answer["minion"], answer["outcome"]) for answer in plan["answers"]] == [
        ("web1", "changes"),
        ("web2", "silent"),
    ]
    shown = client("bob").show(number)
    assert shown["plan"] == plan["summary"]
    assert shown["plan"]["outcomes"] == {"changes": 1, "silent": 1}
    text = render.request(shown)
    assert "changes on 1, silent on 1 of 2 minions" in text
    assert "hello: absent -> 2.10-3 on 1\n" in text
    assert "libhello1: absent -> 1 on 1, brought along" in text
    text = render.plan(client("bob").plan(number))
    assert "web2: silent\n    The minion did not answer." in text
    assert "\x1b" not in text
    assert client("bob").approve(number)["state"] == "approved"
    assert [row["act"] for row in client("bob").audit(number)] == ["submitted", "planned", "approve", "approved"]
    with pytest.raises(Refused, match="nothing left to plan"):
        planning.make(opts, runner, number)


def test_a_sample(client, runner, minions, opts):
    number = client("alice").request("planned", ["web1", "web2", "*"], HELLO, "needed")["request"]
    plan = planning.make(opts, runner, str(number), sample=2)
    assert len(plan["answers"]) == 2
    assert planning.make(opts, runner, number, sample=2)["answers"] == plan["answers"], "the same minions again"
    with pytest.raises(InputError, match="sample"):
        planning.make(opts, runner, number, sample=0)


def test_minions_are_asked_for_what_is_theirs(approved, runner, minions, opts):
    columns = (["web1", "web2", "_"], ["package"] * 3, ["hello"] * 3, ["1", "2", "1"])
    number = db.value(
        runner._conn, "submit_request", "salt", "alice", "planned", "needed", *columns, None, "salt", None
    )
    planning.make(opts, runner, number)
    assert sorted((ids, items[0]["value"]) for ids, items in minions.asked) == [(["_", "web1"], "1"), (["web2"], "2")]


def test_amended_while_minions_answered(client, runner, minions, opts):
    number = client("alice").request("planned", ["web1", "web2"], HELLO, "needed")["request"]
    minions.cmd = lambda tgt, *args, **options: client("alice").amend(number, ["web1"], HELLO) and {}
    with pytest.raises(Refused, match="is not what was planned") as raised:
        planning.make(opts, runner, number)
    assert raised.value.sqlstate == "AP011"


def test_a_minion_whose_key_this_master_does_not_hold(approved, runner, minions, opts):
    approved.execute("SELECT approval.put_minions('{db1}')", login="operator")
    number = runner.request("planned", ["db1"], HELLO, "needed")["request"]
    (answer,) = planning.make(opts, runner, number)["answers"]
    assert (answer["outcome"], answer["comment"]) == ("silent", planning.NOT_HELD)
    assert minions.asked == []
