"""The worker that asks minions which packages they could get, and what becomes of their answers."""

import base64
import hashlib
import hmac
import pathlib
import struct
import sys
import zlib

import pytest
import salt.config
import salt.loader
import salt.pillar

from saltext.approval.cli import minions as shown
from saltext.approval.client import syncing
from saltext.approval.engine.workers import inventory
from saltext.approval.errors import ConfigError, InputError, Refused
from saltext.approval.master import publisher
from saltext.approval.settings import Settings

MODULES = pathlib.Path(__file__).resolve().parents[5] / "states" / "_modules"
DUMP = "Package: {}\n Version: {}\n     File: /var/lib/apt/lists/site\n"


class Minion:
    """A Debian with these packages in its repositories, which runs our own module, or answers what a test wants."""

    def __init__(self, name, database, cache, functions):
        self.name, self.database, self.cache, self.functions = name, database, cache, functions
        self.packages, self.sources = {"hello": "2.10-3", "vim": "2:9.0"}, "http://site/Packages"
        self.asked = []  # the arguments of each question

    def pillar(self):
        rows = self.database.execute(
            "SELECT revision, encode(evidence_key, 'hex') FROM approval.exported_document "
            "WHERE minion_id = %s AND valid_from <= now() ORDER BY valid_from DESC LIMIT 1",
            (self.name,),
            login="exporter",
        )
        return {"approval": dict(zip(("revision", "evidence_key"), rows[0], strict=True))} if rows else {}

    def run(self, command, **options):
        out = self.sources if command[0] == "apt-get" else "".join(DUMP.format(*pair) for pair in self.packages.items())
        return {"retcode": 0, "stdout": out, "stderr": ""}

    def told(self, kwarg):
        return self.functions(self, kwarg)

    def answer(self, jid, returned, name=None):
        self.cache.returner(
            {
                "cmd": "_return",
                "id": name or self.name,
                "jid": jid,
                "fun": "approval.catalog",
                "fun_args": [],
                "retcode": 0,
                "success": True,
                "return": returned,
            }
        )


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A function that runs the module of minions as one of them."""
    opts = dict(salt.config.DEFAULT_MINION_OPTS)
    opts.update({"id": "web1", "cachedir": str(tmp_path), "module_dirs": [str(MODULES)]})
    opts["extension_modules"] = str(tmp_path / "minion-extmods")
    function = salt.loader.minion_mods(opts)["approval.catalog"]
    module = sys.modules[function.__module__]

    def run(minion, kwarg):
        class Compiled:
            def compile_pillar(self):
                return minion.pillar()

        monkeypatch.setattr(salt.pillar, "get_pillar", lambda *args, **kwargs: Compiled())
        monkeypatch.setattr(module, "__opts__", {**opts, "id": minion.name})
        monkeypatch.setattr(module, "__salt__", {"cmd.run_all": minion.run, "pkg.refresh_db": lambda: None})
        monkeypatch.setattr(module, "__grains__", {"os_family": "Debian", "os": "Debian", "osarch": "amd64"})
        return function(**kwarg)

    return run


@pytest.fixture
def minions(approve, approved, cache, master_opts, module, accept_key):
    """Three minions, two with something approved; their keys are accepted."""
    approved.execute("SELECT approval.put_minions('{web3}')", login="operator")
    approve(["web1", "web2"], {"hello": "2.10-3"})
    for name in ("web1", "web2", "web3"):
        accept_key(master_opts(), name)
    return {name: Minion(name, approved, cache, module) for name in ("web1", "web2", "web3")}


@pytest.fixture
def jobs(monkeypatch, cache):
    """The jobs by which minions were asked, as (jid, minions, arguments). They reach the job cache."""
    asked = []

    def publish(opts, jid, minions, function, arg, kwarg):
        assert (function, arg) == ("approval.catalog", [])
        load = {"fun": function, "arg": [kwarg], "jid": jid, "tgt": list(minions), "tgt_type": "list", "user": "root"}
        cache.save_load(jid, load, list(minions))
        asked.append((jid, list(minions), kwarg))

    monkeypatch.setattr(publisher, "publish", publish)
    return asked


@pytest.fixture
def worker(minions, jobs, master_opts):
    """A function that makes the worker, with changed settings."""
    made = []

    def build(**settings):
        opts = master_opts()
        opts["approval"]["engine"]["workers"] = {"inventory": settings}
        made.append(inventory.worker(Settings.from_master(opts)))
        return made[-1]

    yield build
    for one in made:
        one.close()


@pytest.fixture
def go_round(minions, jobs):
    """A function: a round of the worker, the answers of all that were asked in it, and the round that takes them."""

    def go(worker, **instead):
        known = len(jobs)
        worker.round()
        for jid, asked, kwarg in jobs[known:]:
            for name in asked:
                minion = minions[name]
                minion.asked.append(kwarg)
                minion.answer(jid, instead[name] if name in instead else minion.told(kwarg))
        worker.round()

    return go


def again(database):
    """As if a day had passed since everybody was asked."""
    database.execute(
        "UPDATE approval.catalog_ask SET asked_at = asked_at - interval '1 day', "
        "answered_at = answered_at - interval '1 day';"
    )
    database.execute("UPDATE approval.catalog SET seen_at = seen_at - interval '1 day'")
    database.execute("UPDATE approval.catalog_member SET claimed_at = claimed_at - interval '1 day'")


def names(client, pattern, minion=None):
    return [(row["name"], row["versions"]) for row in client("alice").packages(pattern, minion)]


def test_minions_with_the_same_repositories_share_a_catalog(worker, minions, jobs, go_round, client, approved):
    go_round(worker(at_once=10))
    assert [(sorted(asked), kwarg["known"]) for _, asked, kwarg in jobs] == [(["web1", "web2", "web3"], {})]
    catalog = client("alice").minion("web3")["catalog"]
    assert (catalog["minions"], catalog["packages"], catalog["refuses"]) == (3, 2, False)
    assert client("alice").minion("web1")["catalog"]["refuses"] is True
    assert "what they lack is refused" in shown.minion_text(client("alice").minion("web1"))
    assert names(client, "hel") == [("hello", ["2.10-3"])]
    with pytest.raises(Refused, match="on web1 there is no package helo "):
        client("alice").request("package", "web1", {"helo": "1"}, "typed wrong")
    with pytest.raises(Refused, match="on web1 package hello has no version 9"):
        client("alice").request("package", "web1", {"hello": "9"}, "typed wrong", dry_run=True)
    noted = client("alice").request("package", "web3", {"helo": "1"}, "typed wrong", dry_run=True)
    assert noted["notes"][0]["minions"] == ["web3"]


def test_what_is_known_is_told_in_few_bytes(worker, minions, jobs, go_round, client, approved):
    asks = worker(at_once=10)
    go_round(asks)
    again(approved)
    go_round(asks)
    (contents,) = jobs[1][2]["known"].values()
    assert (len(jobs), len(contents), jobs[1][2]["collect"]) == (2, 1, ["web1", "web2"])
    for minion in minions.values():
        assert "packages" not in minion.told(minion.asked[-1])
    assert client("alice").minion("web1")["catalog"]["agreed_at"]
    minions["web1"].packages = minions["web2"].packages = {"hello": "2.10-4"}
    again(approved)
    go_round(asks)
    assert names(client, "hello", "web3") == [("hello", ["2.10-4"])]
    assert client("alice").packages("vim")[0]["gone"] == ["2:9.0"]


def test_who_contradicts_is_told_and_alone(worker, minions, go_round, client, approved):
    approved.execute("SELECT approval.put_route('chat', 'inventory', '{}')", login="policy_admin")
    asks = worker(at_once=10)
    go_round(asks)
    minions["web2"].packages = {"evil": "1"}
    for _ in range(3):
        again(approved)
        go_round(asks)
    assert client("alice").minion("web2")["catalog"]["is_apart"] is True
    assert names(client, "evil") == []
    assert names(client, "evil", "web2") == [("evil", ["1"])]
    assert names(client, "hello", "web1") == [("hello", ["2.10-3"])]
    assert approved.execute("SELECT body ->> 'act' FROM approval.outbox WHERE thread = 'catalog/web2'") == [
        ("catalog-contradicts",)
    ]


def test_a_named_collector_is_enough(worker, minions, jobs, go_round, client):
    go_round(worker(at_once=1, collectors=["web1"]))
    assert client("alice").minion("web1")["catalog"]["refuses"] is True


def test_only_so_many_owe_an_answer(worker, jobs, minions, approved):
    asks = worker(at_once=2)
    assert asks.round() == inventory.ANSWERS_EVERY_S
    asks.round()
    assert [len(asked) for _, asked, _ in jobs] == [2]
    jid, (first, *_), kwarg = jobs[0]
    minions[first].answer(jid, minions[first].told(kwarg))
    asks.round()
    assert [len(asked) for _, asked, _ in jobs] == [2, 1]


def bomb(lines, **fields):
    packed = base64.b64encode(zlib.compress(lines)).decode()
    told = {"format": 1, "system": "Debian", "release": "12", "complete": True, "sources": "a" * 64}
    return {**told, "content": hashlib.sha256(lines).hexdigest(), "packages": packed, **fields}


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (bomb(b"\n".join(b"p%d 1" % n for n in range(1_000_000))), "more than 300000 versions"),
        (bomb(b"p\x07 1"), "characters that none has"),
        (bomb(b"x" * 10_000_000 + b" 1"), "longer than 255"),
        (bomb(b"x" * 70_000_000), "more than 64 MB"),
        (bomb(b"hello 1", content="b" * 64), "not those of its own digest"),
        ("'approval.catalog' is not available.", "no mapping"),
        ({"format": 1, "system": "x" * 10_000_000}, "no release"),
        (bomb(b"hello 1", error="E: broken"), "its package manager says: E: broken"),
    ],
)
def test_a_hostile_catalog_is_refused_whole(worker, minions, go_round, client, approved, answer, refusal):
    """Of a minion that has no key, so that nobody else can be thought to have sent it."""
    asks = worker(at_once=10)
    go_round(asks, web3=answer)
    seen = client("alice").minion("web3")
    assert (refusal in seen["refusal"], seen["catalog"]) == (True, None)
    assert "its last answer was not taken" in shown.minion_text(seen)
    assert names(client, "hel") == [("hello", ["2.10-3"])]
    assert approved.execute("SELECT count(*) FROM approval.package_name") == [(2,)]


def test_an_answer_in_anothers_name_is_passed_over(worker, minions, jobs, client, approved):
    asks = worker(at_once=10)
    asks.round()
    ((jid, _, kwarg),) = jobs
    web3, web1 = minions["web3"], minions["web1"]
    web3.packages = {"evil": "1"}
    web3.answer(jid, web3.told(kwarg), name="web1")
    asks.round()
    assert client("alice").minion("web1")["catalog"] is None
    assert "not proven" in client("alice").minion("web1")["refusal"]
    web1.answer(jid, web1.told(kwarg))
    asks.round()
    assert client("alice").minion("web1")["catalog"]["is_proven"] is True
    assert (names(client, "evil"), client("alice").minion("web1")["refusal"]) == ([], None)
    # A later one changes nothing either: it is not waited for any more.
    web3.answer(jid, web3.told(kwarg), name="web1")
    asks.round()
    assert names(client, "hello", "web1") == [("hello", ["2.10-3"])]


def test_the_mac_is_what_the_page_says(minions):
    """The module, SQL and this agree."""
    minion = minions["web1"]
    told = minion.told({"nonce": "n"})
    approved = minion.pillar()["approval"]
    parts = ["apv1-catalog", "web1", str(approved["revision"]), "n", "Debian", told["release"], "true"]
    parts += [told["sources"], told["content"]]
    message = b"".join(struct.pack(">I", len(part)) + part.encode() for part in parts)
    assert told["mac"] == hmac.new(bytes.fromhex(approved["evidence_key"]), message, "sha256").hexdigest()


def test_grains_are_facts(worker, minions, client, master_opts, remember_grains, approved):
    grains = {"os": "Debian", "os_family": "Debian", "osarch": "amd64", "kernel": "Linux", "osrelease": "12"}
    remember_grains(master_opts(), "web1", {**grains, "saltversion": "3008.1"})
    remember_grains(master_opts(), "web2", {**grains, "os": ["no", "text"], "saltversion": "x\x1b" + "y" * 9000})
    asks = worker()
    asks.round()
    seen = client("alice").minion("web1")
    assert {name: seen[name] for name in ("os", "os_release", "salt_version")} == {
        "os": "Debian",
        "os_release": "12",
        "salt_version": "3008.1",
    }
    odd = client("alice").minion("web2")
    assert (odd["os"], odd["salt_version"]) == (None, "x?" + "y" * 253)
    assert client("alice").minion("web3")["kernel"] is None


def test_a_start_has_a_minion_asked_and_not_each_time(worker, minions, jobs, go_round, approved):
    asks = worker(at_once=10)
    go_round(asks)
    approved.execute("UPDATE approval.catalog_ask SET asked_at = asked_at - interval '2 hours'")
    for minion in ("web1", "web1", "nobody", "../../etc", "x" * 300):
        asks.heard(f"salt/minion/{minion}/start", {})
    go_round(asks)
    for _ in range(3):
        asks.heard("salt/minion/web1/start", {})
        go_round(asks)
    assert [asked for _, asked, _ in jobs[1:]] == [["web1"]]


def test_a_minion_whose_key_was_accepted_meanwhile_is_asked_when_it_starts(
    worker, minions, jobs, approved, accept_key, master_opts
):
    asking = worker()
    asking.round()
    approved.execute("SELECT approval.put_minions('{web4}')", login="operator")
    accept_key(master_opts(), "web4")
    asking.heard("salt/minion/web5/start", {})
    asking.heard("salt/minion/web4/start", {})
    asking.round()
    assert jobs[-1][1] == ["web4"]


def test_on_demand(worker, minions, jobs, go_round, client):
    asks = worker(at_once=10)
    go_round(asks)
    told = []
    answer = syncing.run(client("alice"), ["web2"], 0, told.append)
    assert answer == {"wanted": 1, "minions": 1, "answered": 0, "refused": 0}
    assert shown.synced_text(answer) == "0 of 1 answered"
    since = client("alice").sync_packages("web2")["since"]
    go_round(asks)
    assert [asked for _, asked, _ in jobs[1:]] == [["web2"]]
    assert client("alice").sync_progress(since, ["web2"])["answered"] == 1
    with pytest.raises(Refused, match="unknown minion: 'nobody'"):
        client("alice").sync_packages(["nobody"])
    with pytest.raises(InputError, match="wait is a number"):
        syncing.run(client("alice"), None, "long")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"hour": 1}, "no setting 'hour'"),
        ({"at_once": 0}, "at_once must be a number, 1"),
        ({"hours": "x"}, "hours must be a number"),
        ({"collectors": "web1"}, "collectors must be a list"),
    ],
)
def test_settings_that_are_wrong(worker, settings, problem):
    with pytest.raises(ConfigError, match=problem):
        worker(**settings)


def test_switched_off(master_opts):
    opts = master_opts()
    opts["approval"]["engine"]["workers"] = {"inventory": False}
    assert inventory.worker(Settings.from_master(opts)) is None
