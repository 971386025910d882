"""
A request over many simulated minions in waves: the time that the engine itself takes.

One database on a private server, and the engine's worker dispatch with a publisher that reaches simulated minions: they
answer and converge at once. Their part, and the time that a wave waits, do not count.
"""

import time

import psycopg
from approval_database import ApprovalDatabase
from psycopg.types.json import Jsonb
from report import Row

from saltext.approval.engine.workers import dispatch
from saltext.approval.settings import Settings

MINIONS, MINIONS_QUICK = 100_000, 1_000
LIMIT_S = 60.0
MOST_ROUNDS = 500

TYPE = {
    "name": "package",
    "kind": "package",
    "dispatch": True,
    "requesters": ["*"],
    "pre_approved": True,
    "chain": [],
    "rollout": {"canaries": 10, "steps": ["5%", "25%"], "max_failures": "1%", "resume": {"group": "owners"}},
}
SITE = """
SELECT approval.put_principal('alice', 'person'), approval.put_identity('pg', 'alice', 'alice'),
    approval.put_group('owners', ''), approval.put_request_type(%s),
    approval.put_minions(ARRAY(SELECT 'm' || n FROM generate_series(1, %s) AS n))
"""
SUBMIT = """
SELECT approval.submit_request('pg', 'alice', 'package', 'measured', array_agg('m' || n), array_agg('package'::text),
    array_agg('hello'::text), array_agg('1'::text), NULL, 'pg', NULL)
FROM generate_series(1, %s) AS n
"""
ANSWER = """
INSERT INTO approval.job_return (jid, minion_id, attempt, fun, retcode, success, verdict, authenticated, flags, run_id,
    received_at, payload_digest, payload)
SELECT %(jid)s::text, minion_id, 1, %(fun)s, 0, true, 'unproven', false, '{}', %(jid)s::text || minion_id, now(), '', ''
FROM unnest(%(minions)s::text[]) AS minion_id
"""
CONVERGE = """
UPDATE approval.item SET outcome = 'converged', applied_at = now(), before_known = true
WHERE request_id = %(request)s AND minion_id = ANY (%(minions)s::text[])
"""
LATER = """
UPDATE approval.outbox SET due_at = now() WHERE state = 'waiting';
UPDATE approval.rollout SET look_at = now() WHERE state <> 'done';
"""


class Minions:
    """Stands in for the master's keys and publisher; ``away_s`` is the time that the minions took."""

    def __init__(self, connection, names):
        self._connection = connection
        self._names = names
        self.request = None
        self.away_s = 0.0

    def accepted(self, opts):
        return self._names

    def accepted_of(self, opts, minions):
        return set(minions)

    def publish(self, opts, jid, minions, function, arg, kwarg):
        start = time.perf_counter()
        given = {"jid": jid, "fun": function, "minions": minions, "request": self.request}
        self._connection.execute(ANSWER, given)
        if function == "state.apply":
            self._connection.execute(CONVERGE, given)
        self.away_s += time.perf_counter() - start
        return minions


def measure(directory, quick):
    """The row wave_100k: seconds of the worker's rounds until the last wave has its verdicts."""
    size = MINIONS_QUICK if quick else MINIONS
    with ApprovalDatabase(directory / "waves") as database:
        database.add_login("alice", "approval_person")
        with psycopg.connect(database.dsn_of(), autocommit=True) as connection:
            connection.execute(SITE, (Jsonb(TYPE), size))
            connection.execute("ANALYZE")
            minions = Minions(connection, [f"m{n}" for n in range(1, size + 1)])
            with psycopg.connect(database.dsn_of("alice"), autocommit=True) as alice:
                minions.request = alice.execute(SUBMIT, (size,)).fetchone()[0]
            connection.execute("ANALYZE")
            seconds = _roll_out(database, connection, minions)
    ratio = seconds / LIMIT_S
    yield Row("wave_100k", size, seconds, "s", f"{LIMIT_S:g} s", ratio, "<= 1", ratio <= 1)


def _roll_out(database, connection, minions):
    """The time that the worker takes, in seconds, without that of the minions."""
    engine = {"dsn_file": str(database.dsn_file("engine"))}
    worker = dispatch.worker(Settings.from_master({"approval": {"engine": engine}}))
    real = dispatch.keys, dispatch.publisher.publish, dispatch.publisher.new_jid
    number, total = 0, 0.0

    def new_jid(opts):
        nonlocal number
        number += 1
        return f"20260101{number:012d}"

    dispatch.keys, dispatch.publisher.publish, dispatch.publisher.new_jid = minions, minions.publish, new_jid
    try:
        for _ in range(MOST_ROUNDS):
            start = time.perf_counter()
            worker.round()
            total += time.perf_counter() - start
            state = connection.execute("SELECT state FROM approval.rollout").fetchone()[0]
            if state == "done":
                return total - minions.away_s
            for statement in LATER.strip().split("\n"):
                connection.execute(statement)
        raise RuntimeError(f"after {MOST_ROUNDS} rounds the rollout is {state}")
    finally:
        dispatch.keys, dispatch.publisher.publish, dispatch.publisher.new_jid = real
        worker.close()
