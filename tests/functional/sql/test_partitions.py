"""Which partitions of jobs a call locks, where jobs are kept for 400 days: a lock for each is what days cost."""

import datetime

import pytest

DAYS = 400
MAKE = (
    "SELECT approval.make_partitions(parent, 'week', current_date - %s, current_date) FROM unnest(%s::text[]) AS parent"
)
SAVE = "SELECT approval.save_load(%s, 'test.ping', '*', 'glob', 'root', %s, 'load', false)"
RECORD = (
    "SELECT outcome FROM approval.record_return"
    "(%s, %s, 'test.ping', 0, true, 'unproven', false, NULL, NULL, NULL, NULL, '[]', NULL, 'payload', 'digest', NULL)"
)
LOCKED = r"""
SELECT substring(c.relname FROM '^(.+)_(?:\d{8}|default)$'), count(*)
FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND c.relkind = 'r' AND c.relname ~ '^job(_return)?_(\d{8}|default)$' GROUP BY 1
"""
MINIONS = [f"m{n}" for n in range(9)]


@pytest.fixture(scope="module")
def days(new_database):
    """The database with partitions of 400 days, as maintain_jobs makes them, and a job of this hour."""
    with new_database("partitions") as database:
        database.execute(MAKE, (DAYS, ["job", "job_return"]))
        database.execute("SELECT approval.maintain_jobs(%s * 24)", (DAYS,))
        database.jid = f"{datetime.datetime.now(datetime.timezone.utc):%Y%m%d%H%M%S%f}"
        database.execute(SAVE, (database.jid, MINIONS), login="returner")
        yield database


def locked(connection, call, parameters):
    """How many partitions of which table one more call locks, once the connection has its plans."""
    with connection.transaction(force_rollback=True):
        connection.execute(call, parameters)
    with connection.transaction(force_rollback=True):
        connection.execute(call, parameters)
        return dict(connection.execute(LOCKED).fetchall())


def test_a_return_locks_a_partition_for_each_week_of_jobs_and_one_of_returns(days):
    with days.connect("returner") as connection:
        for minion in MINIONS[:6]:
            assert connection.execute(RECORD, (days.jid, minion)).fetchone() == ("recorded",)
        held = locked(connection, RECORD, (days.jid, MINIONS[6]))
    # Weeks that are begun at both ends, the days ahead, and the default one.
    assert held == {"job": pytest.approx(DAYS / 7, abs=4), "job_return": 1}


@pytest.mark.parametrize("day", ["now", "20010101120000000000", "99990101120000000000", "no jid", ""])
@pytest.mark.parametrize(
    ("call", "tables"),
    [
        ("SELECT * FROM approval.get_load(%s)", {"job": 1}),
        ("SELECT * FROM approval.get_jid(%s)", {"job": 1, "job_return": 1}),
        ("SELECT approval.get_endtime(%s)", {"job": 1}),
        ("SELECT approval.update_endtime(%s, 1)", {"job": 1}),
    ],
)
def test_what_salt_asks_of_a_job_locks_the_partition_of_its_day(days, call, tables, day):
    jid = days.jid if day == "now" else day
    with days.connect("returner") as connection:
        assert locked(connection, call, (jid,)) == tables
