"""
A batch of returns leaves what the same returns leave one by one, whatever they are and however they repeat; and a
return that is recorded alone leaves what a batch of it leaves, whatever happens in between.
"""

import contextlib
import dataclasses
import datetime
import itertools
import os

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from saltext.approval import _core

SETUP = """
SELECT approval.put_principal('alice', 'person'), approval.put_identity('salt', 'alice', 'alice'),
    approval.put_request_type(%s)
"""
FREE = {"name": "free", "kind": "package", "requesters": ["*"], "pre_approved": True, "chain": []}
SUBMIT = """
SELECT approval.submit_request('salt', 'alice', 'free', 'because', %s, '{package,package}', %s, %s, NULL, 'salt', NULL)
"""
# Stored rows, without what differs between two databases: keys and what is made with them, times and numbers.
STORED = {
    "job_return": "SELECT jid, minion_id, attempt, fun, retcode, success, verdict, authenticated, flags, revision,"
    " run_id, boot_id FROM approval.job_return WHERE minion_id = ANY (%s) ORDER BY 1, 2, 3",
    "job_finding": "SELECT * FROM approval.job_finding WHERE minion_id = ANY (%s) ORDER BY 1, 2, 3, 4, 5",
    "quarantine": "SELECT minion_id, jid, fun, reason FROM approval.quarantine WHERE minion_id = ANY (%s)"
    " ORDER BY minion_id, entry_no",
    "item": "SELECT minion_id, kind, name, before_content, state, outcome, pinned, observed, outcome_text, outcome_jid,"
    " before_known, applied_at IS NULL FROM approval.item WHERE minion_id = ANY (%s) ORDER BY minion_id, item_id",
    "request": "SELECT r.state FROM approval.request AS r WHERE r.request_id IN"
    " (SELECT i.request_id FROM approval.item AS i WHERE i.minion_id = ANY (%s)) ORDER BY r.request_id",
    "document": "SELECT minion_id, revision, names, types, contents FROM approval.document"
    " WHERE minion_id = ANY (%s) ORDER BY 1, 2",
}
# The rows that a return alone leaves, and a batch of it, to the last one: neither merges anything.
STORED_ALONE = STORED | {
    "seen_run": "SELECT minion_id, run_id, jid FROM approval.seen_run WHERE minion_id = ANY (%s) ORDER BY 1, 2",
    "drift": "SELECT minion_id, kind, name, expected, observed, finding, jid, cleared_at IS NULL FROM approval.drift"
    " WHERE minion_id = ANY (%s) ORDER BY 1, 2, 3",
    "silence": "SELECT minion_id FROM approval.silence WHERE minion_id = ANY (%s) ORDER BY 1",
    "alarm_signal": "SELECT kind, minions, cause, alike, who, what, jid, times FROM approval.alarm_signal"
    " WHERE minions && %s::text[] ORDER BY signal_no",
    "history": "SELECT minion_id, revision, names, types, contents FROM approval.document_history"
    " WHERE minion_id = ANY (%s) ORDER BY 1, 2",
    "audit_entry": "SELECT e.act, e.principal, e.assurance FROM approval.audit_entry AS e WHERE e.stream IN"
    " (SELECT i.request_id FROM approval.item AS i WHERE i.minion_id = ANY (%s)) ORDER BY e.stream, e.seq",
}
# Acts between returns, in both databases, to the first minion or both: another version is approved (of
# minions that are known again, if one was removed), a job that came unannounced is published, the minion is missed,
# removed, and known again.
ACTS = {
    "approve": "SELECT approval.put_minions(%(minions)s), approval.submit_request('salt', 'alice', 'free', 'because',"
    " %(minions)s, '{package,package}', '{hello,hello}', %(versions)s, NULL, 'salt', NULL)",
    "publish": "SELECT approval.save_load(%(jid)s, 'state.apply', '*', 'glob', 'root', %(minions)s, '', false)",
    "miss": "INSERT INTO approval.silence SELECT %(minion)s, now(), 'j', 'state.apply', now(), 1 ON CONFLICT DO NOTHING"
    " RETURNING 1",
    "remove": "UPDATE approval.minion SET removed_at = now() WHERE minion_id = %(minion)s RETURNING 1",
    "know": "SELECT approval.put_minions(ARRAY[%(minion)s])",
}
COUNTED = "SELECT s.sequencename, coalesce(s.last_value, 0) FROM pg_sequences AS s WHERE s.schemaname = 'approval'"
BEFORE = '4 \\ "quoted" \t\x01\x1f ü'
numbers = itertools.count(1)


@dataclasses.dataclass(frozen=True)
class Return:
    """A return, as a recipe: which of the example's minions and jids, and what its evidence says."""

    minion: int
    jid: str
    run: int
    revision: int | None
    genuine: bool
    hello: str | None
    sl: str | None
    before: bool
    retcode: int
    fun: str = "state.apply"


# A return of a job that nobody published is held against what is in force when it comes, which a return before
# it may have changed: by a batch, all come at once. Hence no revision there that a further one could follow.
PLACES = st.one_of(
    st.tuples(st.sampled_from(["both", "first"]), st.sampled_from([1, 2, 2, 2, 99, None])),
    st.tuples(st.sampled_from(["unknown", "none"]), st.sampled_from([1, 99])),
)
RETURNS = st.lists(
    st.builds(
        lambda place, **others: Return(jid=place[0], revision=place[1], **others),
        place=PLACES,
        minion=st.integers(0, 1),
        run=st.integers(0, 3),
        genuine=st.sampled_from([True, True, True, False]),
        hello=st.sampled_from(["1", "1", "0", None]),
        sl=st.sampled_from(["5", "5", None]),
        before=st.booleans(),
        retcode=st.integers(0, 1),
    ),
    min_size=1,
    max_size=12,
)


STORIES = st.lists(
    st.one_of(
        st.builds(
            Return,
            minion=st.integers(0, 1),
            jid=st.sampled_from(["both", "both", "first", "unknown", "none"]),
            run=st.integers(0, 5),
            revision=st.sampled_from([1, 2, 2, 2, 3, 4, 99, None]),
            genuine=st.sampled_from([True, True, True, False]),
            hello=st.sampled_from(["1", "1", "2", "0", None]),
            sl=st.sampled_from(["5", "5", None]),
            before=st.booleans(),
            retcode=st.integers(0, 1),
            fun=st.sampled_from(["state.apply"] * 4 + ["test.ping", "pkg.install"]),
        ),
        st.sampled_from(sorted(ACTS)),
    ),
    min_size=4,
    max_size=16,
)


@pytest.fixture(scope="module")
def twins(new_database):
    """Two databases in which the same happens, each with a superuser's connection to it."""
    with contextlib.ExitStack() as stack:
        pairs = []
        for name in ("one_by_one", "batch"):
            database = stack.enter_context(new_database(name))
            connection = stack.enter_context(database.connect())
            connection.execute(SETUP, [Jsonb(FREE)])
            pairs.append((database, connection))
        yield pairs


class Example:
    """The world of an example: two minions, for which two requests are approved, and two published jobs."""

    def __init__(self, twin, number):
        self.database, self.connection = twin
        self.minions = [f"m{number}a", f"m{number}b"]
        moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d000000")
        self.jids = {name: f"{moment}{number:05}{place}" for place, name in enumerate(("both", "first", "unknown"))}
        self.jids["none"] = "no jid"
        self._rows("SELECT approval.put_minions(%s)", self.minions)
        for packages, versions in ((["hello", "hello"], ["1", "1"]), (["sl", "sl"], ["latest", "latest"])):
            self._rows(SUBMIT, self.minions, packages, versions)
        for name, minions in (("both", self.minions), ("first", self.minions[:1])):
            save = "SELECT approval.save_load(%s, 'state.apply', '*', 'glob', 'root', %s, '', false)"
            self._rows(save, self.jids[name], minions)
        self.versions = itertools.cycle("21")
        self._read_documents()
        self._counted = dict(self._rows(COUNTED))

    def _read_documents(self):
        documents = self._rows(
            "SELECT minion_id, revision, digest, evidence_key FROM approval.document_history"
            " WHERE minion_id = ANY (%s)",
            self.minions,
        )
        self.documents = {row[:2]: row[2:] for row in documents}

    def _rows(self, query, *parameters):
        return self.connection.execute(query, parameters).fetchall()

    def load(self, recipe):
        """The return, packed, with evidence of this database's keys."""
        minion = self.minions[recipe.minion]
        chunk = {"result": True, "changes": {}, "comment": "", "name": "approval", "__run_num__": 0}
        if recipe.revision is not None:
            digest, key = self.documents.get((minion, recipe.revision), ("sha256:" + "0" * 64, bytes(32)))
            evidence = {
                "format": 1,
                "minion": minion,
                "revision": recipe.revision,
                "digest": digest,
                "run_id": f"{recipe.run:032x}",
                "boot_id": "b" * 32,
                "observed": {"packages": {"hello": recipe.hello, "sl": recipe.sl}, "services": {}, "values": {}},
                "before": {"packages": {"hello": None, "sl": BEFORE} if recipe.before else {}},
            }
            chunk["approval"] = evidence | {"mac": _core.mac(key if recipe.genuine else b"x" * 32, evidence)}
        load = {
            "id": minion,
            "jid": self.jids[recipe.jid],
            "fun": recipe.fun,
            "fun_args": [],
            "retcode": recipe.retcode,
            "success": True,
            "return": {"approval_|-approval_|-approval_|-converged": chunk}
            if recipe.fun == "state.apply"
            else {"hello": {"old": "", "new": recipe.hello or ""}},
        }
        return msgpack.packb(load)

    def counted(self):
        """How far each sequence has come since the beginning."""
        return {name: value - self._counted[name] for name, value in self._rows(COUNTED)}

    def act(self, name):
        """Do one of ACTS."""
        values = {
            "minion": self.minions[0],
            "minions": self.minions,
            "jid": self.jids["unknown"],
            "versions": [next(self.versions)] * 2,
        }
        self.connection.execute(ACTS[name], values)
        self._read_documents()

    def stored(self, queries=STORED):
        """The rows of the minions in each table."""
        return {table: self._rows(query, self.minions) for table, query in queries.items()}


@pytest.mark.parametrize("login", ["returner", "minion_returner"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(recipes=RETURNS)
def test_as_one_by_one(twins, login, recipes):
    number = next(numbers)
    one, batch = (Example(twin, number) for twin in twins)
    singly = [_core.record_return(one.database.dsn(login), one.load(recipe)) for recipe in recipes]
    together = _core.record_returns(batch.database.dsn(login), [batch.load(recipe) for recipe in recipes])
    assert together == singly
    assert batch.stored() == one.stored()
    assert {row[3] for row in one.stored()["item"]} <= {None, BEFORE}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(recipes=RETURNS, size=st.integers(1, 4))
def test_batches_that_are_prepared_while_others_are_stored(twins, recipes, size):
    number = next(numbers)
    one, batch = (Example(twin, number) for twin in twins)
    singly = [_core.record_return(one.database.dsn("returner"), one.load(recipe)) for recipe in recipes]
    loads = [batch.load(recipe) for recipe in recipes]
    batches = [_core.Returns(loads[at : at + size]) for at in range(0, len(loads), size)]
    outcomes = []
    for returns, upcoming in zip(batches, [*batches[1:], None], strict=True):
        outcomes += returns.record(batch.database.dsn("returner"), upcoming)
    assert outcomes == [answer["outcome"] for answer in singly]
    assert batch.stored() == one.stored()


@pytest.mark.parametrize(("genuine", "most"), [(False, 20), (True, 40)])
def test_of_many_different_returns_the_first_are_kept(twins, genuine, most):
    number = next(numbers)
    one, batch = (Example(twin, number) for twin in twins)
    recipes = [Return(0, "both", n, 1, genuine, "1", "5", False, n) for n in range(most + 5)] * 2
    singly = [_core.record_return(one.database.dsn("returner"), one.load(recipe)) for recipe in recipes]
    together = _core.record_returns(batch.database.dsn("returner"), [batch.load(recipe) for recipe in recipes])
    assert together == singly
    assert [answer["outcome"] for answer in together].count("quarantined") == 10
    assert batch.stored() == one.stored()


@pytest.mark.parametrize("login", ["returner", "minion_returner"])
@settings(
    max_examples=int(os.environ.get("RECORD_EXAMPLES", "15")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(story=STORIES)
def test_alone_as_in_a_batch(twins, login, story):
    number = next(numbers)
    alone, batch = (Example(twin, number) for twin in twins)
    for step in story:
        if isinstance(step, str):
            alone.act(step)
            batch.act(step)
            continue
        recorded = _core.record_return(alone.database.dsn(login), alone.load(step), **alone.database.options)
        returns, upcoming = (_core.Returns([batch.load(step)]) for _ in range(2))
        outcomes = returns.record(batch.database.dsn(login), upcoming, **batch.database.options)
        assert outcomes == [recorded["outcome"]]
    assert batch.stored(STORED_ALONE) == alone.stored(STORED_ALONE)
    assert batch.counted() == alone.counted()
