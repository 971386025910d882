"""
Causes that hold a change back, by chance: calendars whose openings overlap or touch, freezes of types and groups, and
changes that take effect later. The function that tells of it, dispatch and the documents say the same at every moment.

HELD_EXAMPLES sets how many policies are tried.
"""

import datetime
import os

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

HOURS = st.integers(-3, 12)
LENGTHS = st.integers(1, 5)
# No more openings than documents are written ahead for.
CALENDARS = st.lists(st.lists(st.integers(-6, 12), max_size=4, unique=True), min_size=2, max_size=2)
FREEZES = st.lists(
    st.tuples(HOURS, LENGTHS, st.sampled_from([None, "free", "first", "second"]), st.sampled_from([None, "edge"])),
    max_size=4,
)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["free", "first", "second"]), st.sampled_from(["web1", "web2"]), st.none() | st.integers(1, 12)
    ),
    min_size=1, max_size=5,
)  # fmt: skip
# Each change at each moment around which anything changes.
TOLD = """
WITH moment AS (
    SELECT DISTINCT greatest(edge.at + offset_by, clock_timestamp()) AS at
    FROM (SELECT clock_timestamp() AS at
          UNION SELECT valid_from FROM approval.document WHERE valid_from > now()) AS edge,
        unnest(ARRAY[interval '-1 second', '0', '1 minute']) AS offset_by
)
-- No end is infinity, which Python has no time for.
SELECT i.item_id, m.at, nullif(held.until, 'infinity'), held.until IS NOT NULL,
    d.item_ids @> ARRAY[i.item_id] AS is_in, sent.readiness = 'now' AS is_sent
FROM approval.item AS i
CROSS JOIN moment AS m
JOIN approval.document AS d ON d.minion_id = i.minion_id AND d.valid_from <= m.at AND d.valid_until > m.at
LEFT JOIN LATERAL approval.held_back(i.minion_id, i.item_id, m.at) AS held ON true
LEFT JOIN LATERAL approval.dispatchable(
    i.request_id, ARRAY[i.minion_id], ARRAY[i.item_id], m.at) AS sent ON true
ORDER BY 1, 2
"""


@settings(
    max_examples=int(os.environ.get("HELD_EXAMPLES", "10")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(calendars=CALENDARS, length=LENGTHS, freezes=FREEZES, changes=CHANGES)
def test_all_that_look_say_the_same(approved, calendars, length, freezes, changes):
    with psycopg.connect(approved.dsn()) as connection:
        put_policy(connection, calendars, length, freezes)
        connection.execute("SET LOCAL SESSION AUTHORIZATION alice")
        for number, (type_name, minion, after) in enumerate(changes):
            wanted = ([minion], ["package"], [f"p{number}"], ["1"], in_hours(connection, after))
            call(connection, "submit_request", "pg", "alice", type_name, "x", *wanted, "pg", None)
        connection.execute("SET LOCAL SESSION AUTHORIZATION DEFAULT")
        connection.execute("SET LOCAL jit = off")
        rows = connection.execute(TOLD).fetchall()
        connection.rollback()
    for item, at, until, is_held, is_in, is_sent in rows:
        assert (is_in, is_sent) == (not is_held, not is_held)
        if is_held:
            # Until then without a gap, and no longer.
            behind = [
                (later, is_in_later) for other, later, _, _, is_in_later, _ in rows if other == item and later >= at
            ]
            assert not any(is_in_later for later, is_in_later in behind if until is None or later < until)
            assert all(is_in_later for later, is_in_later in behind if later == until)


def put_policy(connection, calendars, length, freezes):
    """A type without a calendar and one for each calendar; nothing of this is committed."""
    call(connection, "put_minion_group", "edge", "", ["web2"])
    definition = {"kind": "package", "dispatch": True, "requesters": ["*"], "pre_approved": True, "chain": []}
    call(connection, "put_request_type", Jsonb({"name": "free", **definition}))
    for name, starts in zip(("first", "second"), calendars, strict=True):
        first, openings = datetime.datetime(2026, 1, 1), [in_hours(connection, start) for start in sorted(starts)]
        call(connection, "put_calendar", name, "FREQ=DAILY", "UTC", f"{length} hours", first, openings)
        call(connection, "put_request_type", Jsonb({"name": name, "calendar": name, **definition}))
    for number, (start, lasts, type_name, group) in enumerate(freezes):
        span = (in_hours(connection, start), in_hours(connection, start + lasts))
        call(connection, "put_freeze", f"freeze{number}", *span, type_name, group, "")


def call(connection, function, *arguments):
    connection.execute(f"SELECT approval.{function}({', '.join(['%s'] * len(arguments))})", arguments)


def in_hours(connection, hours):
    """The time that many hours from the transaction's start; None for None."""
    return connection.execute("SELECT now() + make_interval(hours => %s)", (hours,)).fetchone()[0]
