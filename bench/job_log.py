"""
The question what ran on a minion within an hour, of a job log of 400 days, against its limit.

The log is written at once instead of lived through. Of 10,000 jobs one is on all minions, a hundred are on 200 of
them, a thousand on five, and the others on one.
"""

import datetime
import random

import psycopg
from approval_database import NAME, ApprovalDatabase
from report import Row
from rounds import Clocked, medians

JOBS = 10_000_000
JOBS_QUICK = 100_000
MINIONS = 100_000
MINIONS_QUICK = 10_000
DAYS = 400
LIMIT_MS = 50.0
SHOWN = 50
NUMBER = "INSERT INTO approval.minion_number (minion_id) SELECT 'm' || n FROM generate_series(1, %s) AS n"
WEEKS = """
SELECT approval.make_partition('job_log', week::date, week::text, (week + interval '7 days')::text)
FROM generate_series(date_trunc('week', now() - %s * interval '1 day'), now(), interval '7 days') AS week
"""
INDEXES = """
SELECT i.indexrelid::regclass::text, replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') FROM pg_index AS i
WHERE i.indrelid = 'approval.job_log'::regclass AND NOT i.indisprimary
"""
LACKING = """
SELECT i.indexrelid::regclass::text FROM pg_index AS i
WHERE i.indrelid = 'approval.job_log'::regclass AND NOT i.indisvalid
"""
ROWS = """
INSERT INTO approval.job_log (jid, published_at, fun, job_user, tgt, tgt_type, command, is_test, is_claim, minion_count,
    minions, minion_bits, ok, failed, silent, duration_s)
SELECT to_char(j.at, 'YYYYMMDDHH24MISS') || lpad((j.n %% 1000000)::text, 6, '0'), j.at,
    (ARRAY['state.apply', 'cmd.run', 'pkg.install', 'service.restart'])[1 + j.n %% 4], 'user' || j.n %% 20, '*', 'glob',
    'salt ''*'' state.apply web.server ' || j.n, false, false, p.count, p.minions, p.bits, p.count, 0, 0, 1.5
FROM (
    SELECT n, now() - n * (%(days)s * interval '1 day' / %(jobs)s) AS at, CASE
        WHEN n %% 10000 = 0 THEN %(minions)s WHEN n %% 100 = 0 THEN 200 WHEN n %% 10 = 0 THEN 5 ELSE 1 END AS count
    FROM generate_series(%(first)s, %(last)s) AS n) AS j
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS count, array_agg(m.number ORDER BY m.number) AS minions, NULL::bytea AS bits
    FROM (SELECT DISTINCT (1 + (j.n * 7919::bigint + k::bigint * k * 104729) %% %(minions)s)::integer AS number
          FROM generate_series(1, j.count) AS k) AS m
    WHERE j.count < %(minions)s
    UNION ALL
    SELECT j.count, NULL, decode(repeat('ff', j.count / 8 + 1), 'hex') WHERE j.count = %(minions)s) AS p
WHERE p.count > 0
"""
AT_ONCE = 100_000
ASK = "SELECT * FROM approval.list_jobs(%s, %s, %s, NULL, NULL, NULL, NULL, NULL, %s)"


def measure(directory, quick, rounds, duration_s):
    """The rows job_log_query, of an hour of one minion, and job_log_newest, of its newest jobs whenever they were."""
    jobs, minions = (JOBS_QUICK, MINIONS_QUICK) if quick else (JOBS, MINIONS)
    with ApprovalDatabase(directory / "job_log") as database:
        with psycopg.connect(database.dsn_of(database=NAME), autocommit=True) as connection:
            _write(connection, jobs, minions)
        database.add_login("asking", "approval_operator")
        chosen = random.Random(7)  # noqa: S311 (nothing is to be kept secret)
        end = datetime.datetime.now(datetime.timezone.utc)
        with psycopg.connect(database.dsn_of("asking"), autocommit=True) as connection:

            def of_an_hour():
                start = end - datetime.timedelta(hours=chosen.randrange(1, 24 * DAYS))
                return _ask(
                    connection, f"m{chosen.randrange(1, minions + 1)}", start, start + datetime.timedelta(hours=1)
                )

            def newest():
                return _ask(connection, f"m{chosen.randrange(1, minions + 1)}", None, None)

            if len(newest()) < min(SHOWN, jobs // 10_000):
                raise AssertionError("the log lacks jobs that were for all minions")
            clocked = {"job_log_query": Clocked(of_an_hour), "job_log_newest": Clocked(newest)}
            for name, value_us in medians(clocked, rounds, duration_s).items():
                value = value_us / 1000
                yield Row(name, jobs, value, "ms", "the limit", value / LIMIT_MS, "<= 1", value <= LIMIT_MS)


def _ask(connection, minion, start, until):
    return connection.execute(ASK, (minion, start, until, SHOWN)).fetchall()


def _write(connection, jobs, minions):
    connection.execute(NUMBER, (minions,))
    connection.execute(WEEKS, (DAYS,))
    # Made when the rows are there: an index that is made at once takes a fraction of the time.
    indexes = connection.execute(INDEXES).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    for first in range(1, jobs + 1, AT_ONCE):
        values = {
            "first": first,
            "last": min(jobs, first + AT_ONCE - 1),
            "jobs": jobs,
            "days": DAYS,
            "minions": minions,
        }
        connection.execute(ROWS, values)
    for _, definition in indexes:
        connection.execute(definition)
    # The index of a partitioned table is valid once each partition has its own.
    if lacking := connection.execute(LACKING).fetchall():
        raise AssertionError(f"partitions lack the indexes {lacking}")
    connection.execute("VACUUM ANALYZE approval.job_log")
    connection.execute("ANALYZE approval.minion_number")
