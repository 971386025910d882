"""
Returns recorded one by one where jobs are kept for 400 days, beside where they are kept for five.

Both databases have the same minions, on a private server with default settings but for fsync, so that the rules are
measured and not the disk. The partitions of the past days are empty: what counts is that they are there.
"""

import psycopg
import returns
from approval_database import NAME
from report import Row
from rounds import medians

from saltext.approval import _core
from saltext.approval.jobs import packing

DAYS = {5: "day", 400: "week"}  # kept: what a partition spans then
REACH = 1.1
PARTITIONS = """
SELECT approval.make_partitions(parent, %s, current_date - %s, current_date)
FROM unnest(ARRAY['job', 'job_return']) AS parent
"""


def measure(database, minions, rounds, duration_s):
    """
    The row returns_400_days.

    minions
        A Fleet grown for returns.
    """
    few, many = (_with_days(database, *kept) for kept in DAYS.items())
    loads = returns.loads_of(database, minions)
    times = medians({name: _recording(database, name, loads) for name in (few, many)}, rounds, duration_s)
    for name in (few, many):
        with psycopg.connect(database.dsn_of(database=name), autocommit=True) as connection:
            (unproven,) = connection.execute(
                "SELECT count(*) FROM approval.job_return WHERE NOT authenticated"
            ).fetchone()
        if unproven:
            raise AssertionError(f"{unproven} returns in {name} are not authentic")
    ratio = times[many] / times[few]
    short, long = DAYS
    against = f"{short} days"
    yield Row("returns_400_days", long, times[many], "µs", against, ratio, f"<= {REACH}", ratio <= REACH)


def _with_days(database, days, unit):
    """The name of a copy of the database with the partitions that there are once jobs were kept for so many days."""
    name = f"days{days}"
    database.server.execute(f"CREATE DATABASE {name} TEMPLATE {NAME}")
    with psycopg.connect(database.dsn_of(database=name), autocommit=True) as connection:
        connection.execute("TRUNCATE approval.job_return")
        connection.execute(PARTITIONS, (unit, days))
        connection.execute("SELECT approval.maintain_jobs(%s * 24)", (days,))
    return name


def _recording(database, name, loads):
    """An alternative for rounds.medians that records the next of the loads in the database of that name."""
    dsn = database.dsn_file("returner").read_text().strip().replace(f"dbname={NAME}", f"dbname={name}")
    return returns.Returned(lambda load: _core.record_return(dsn, packing.pack(load)), loads)
