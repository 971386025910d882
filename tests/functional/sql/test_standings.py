"""How minions stand is counted right at each moment while many change it at once, and whatever is kept of it."""

import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor

from psycopg.types.json import Jsonb

MINIONS = [f"m{number}" for number in range(60)]
GROUPS = ("a", "b", "c", "d")
CHANGES = int(os.environ.get("STANDING_CHANGES", "60"))  # of each thread
THREADS = 3
NAMES = ("hello", "world")
TYPE = {
    "name": "package",
    "kind": "package",
    "requesters": ["*"],
    "chain": [{"name": "owner", "any_of": [{"group": "owners"}]}],
}
POLICY = """
SELECT approval.put_minions(%(minions)s), approval.put_principal('alice', 'person'),
    approval.put_identity('salt', 'alice', 'alice'), approval.put_group('owners', ''),
    approval.put_request_type(%(type)s)
"""
ASK = """
SELECT approval.submit_request('salt', 'alice', 'package', 'because', array_agg(m.minion_id),
    array_agg('package'::text), array_agg(n.name), array_agg('1'::text), NULL, 'salt', NULL)
FROM unnest(%(minions)s::text[]) AS m (minion_id), unnest(%(names)s::text[]) AS n (name)
"""
# What each kind of change does to some minions; times lie around now, so that some pass while others change something.
STORIES = {
    "outcome": """
UPDATE approval.item SET outcome = (ARRAY['waiting', 'failed', 'drift', 'converged'])[%(n)s %% 4 + 1],
    applied_at = CASE %(n)s %% 4 WHEN 3 THEN now() END
WHERE minion_id = ANY (%(some)s)
""",
    "state": """
UPDATE approval.item SET state = (ARRAY['approved', 'superseded'])[%(n)s %% 2 + 1],
    effective_at = coalesce(effective_at, now()), approval_seq = coalesce(approval_seq, 1)
WHERE minion_id = ANY (%(some)s)
""",
    "drift": """
INSERT INTO approval.drift AS d (minion_id, kind, name, item_id, request_id, expected, finding, jid, since, last_seen)
SELECT i.minion_id, i.kind, i.name, i.item_id, i.request_id, '1', '', 'j', now(), now() FROM approval.item AS i
WHERE i.minion_id = ANY (%(some)s) AND i.name = (%(names)s::text[])[%(n)s %% 2 + 1]
ORDER BY i.minion_id, i.name
ON CONFLICT (minion_id, kind, name) DO UPDATE SET last_seen = now(), cleared_at = NULL
""",
    "mended": "UPDATE approval.drift SET cleared_at = now() WHERE minion_id = ANY (%(some)s)",
    "silent": """
INSERT INTO approval.silence SELECT m, now(), 'j', 'state.apply', now(), 1 FROM unnest(%(some)s::text[]) AS m
ON CONFLICT DO NOTHING
""",
    "heard": "DELETE FROM approval.silence WHERE minion_id = ANY (%(some)s)",
    "nothing more": "DELETE FROM approval.document WHERE minion_id = ANY (%(some)s)",
    "documents": """
DELETE FROM approval.document WHERE minion_id = ANY (%(some)s);
INSERT INTO approval.document (minion_id, valid_from, valid_until, revision, digest, evidence_key, kinds, names, types,
    contents, item_ids)
SELECT i.minion_id, e.valid_from, e.valid_until, 1, 'sha256:' || repeat('0', 64), sha256(''), array_agg(i.kind),
    array_agg(i.name), array_agg(i.type), array_agg(i.content), array_agg(i.item_id)
FROM approval.item AS i, (
    VALUES (now() - interval '1 hour', now() + %(n)s %% 300 * interval '1 ms', NULL),
        (now() + %(n)s %% 300 * interval '1 ms', now() + %(n)s %% 700 * interval '1 ms' + interval '300 ms', 'hello')
) AS e (valid_from, valid_until, name)
WHERE i.minion_id = ANY (%(some)s) AND i.name = coalesce(e.name, i.name)
GROUP BY i.minion_id, e.valid_from, e.valid_until
""",
    "removed": "UPDATE approval.minion SET removed_at = now() WHERE minion_id = ANY (%(some)s)",
    "back": "UPDATE approval.minion SET removed_at = NULL WHERE minion_id = ANY (%(some)s)",
    "group": "SELECT approval.put_minion_group(%(group)s, '', %(some)s)",
}
# What is counted otherwise than by a look at each minion, of one state of the database.
WRONG = """
WITH kept AS (
    SELECT * FROM approval.count_standings(%(groups)s)
), stands AS (
    SELECT s.minion_id, s.standing, (
        SELECT count(*) FROM approval.drift AS t JOIN approval.document AS d USING (minion_id)
        WHERE t.minion_id = s.minion_id AND s.standing = 'drifting' AND t.cleared_at IS NULL
            AND t.item_id = ANY (d.item_ids) AND d.valid_from <= now() AND d.valid_until > now()) AS resources
    FROM approval.standing AS s
    WHERE %(groups)s::text[] IS NULL OR s.minion_id IN (
        SELECT g.minion_id FROM approval.minion_group_member AS g WHERE g.group_name = ANY (%(groups)s))
), counted AS (
    SELECT NULL AS minion_group, s.standing, count(*) AS minions, sum(s.resources)::bigint AS resources
    FROM stands AS s GROUP BY 2
    UNION ALL
    SELECT g.group_name, s.standing, count(*), sum(s.resources)::bigint
    FROM stands AS s JOIN approval.minion_group_member AS g USING (minion_id)
    WHERE %(groups)s::text[] IS NULL OR g.group_name = ANY (%(groups)s)
    GROUP BY 1, 2
)
(SELECT 'kept', k.* FROM kept AS k EXCEPT SELECT 'kept', c.* FROM counted AS c)
UNION ALL
(SELECT 'counted', c.* FROM counted AS c EXCEPT SELECT 'counted', k.* FROM kept AS k)
"""


def happen(connection, story, values):
    for statement in STORIES[story].split(";\n"):
        connection.execute(statement, values)


def wrong(connection, chance):
    """The rows of WRONG, for somebody who may read all minions, or those of some groups."""
    groups = chance.choice([None, ["a"], ["a", "b"], ["b", "c", "d"], []])
    return connection.execute(WRONG, {"groups": groups}).fetchall()


def test_what_is_kept_is_what_a_look_at_each_minion_finds(new_database):
    with new_database("standings") as database:
        with database.connect() as connection:
            connection.execute(POLICY, {"minions": MINIONS, "type": Jsonb(TYPE)})
            connection.execute(ASK, {"minions": MINIONS, "names": list(NAMES)})
            assert wrong(connection, random.Random(0)) == []
        over, found, looks = threading.Event(), [], []

        def change(share):
            chance = random.Random(share)
            # Each has minions of its own, as who changes one holds its lock.
            mine = MINIONS[share::THREADS]
            with database.connect() as connection:
                for _ in range(CHANGES):
                    with connection.transaction(force_rollback=chance.random() < 0.1):
                        for story in chance.choices(list(STORIES), k=chance.randint(1, 3)):
                            values = {
                                "some": sorted(chance.sample(mine, chance.randint(1, 5))), "names": list(NAMES),
                                "n": chance.randrange(1_000), "group": GROUPS[share],
                            }  # fmt: skip
                            happen(connection, story, values)

        def keep():
            with database.connect() as connection:
                while not over.wait(0.02):
                    connection.execute("SELECT approval.maintain_standings()")

        def look():
            chance = random.Random(99)
            with database.connect() as connection:
                while not over.is_set():
                    looks.append(None)
                    found.extend(wrong(connection, chance))

        with ThreadPoolExecutor(THREADS + 3) as pool:
            others = [pool.submit(task) for task in (keep, keep, look)]
            try:
                list(pool.map(change, range(THREADS)))
            finally:
                over.set()
            for task in others:
                task.result()
        assert looks
        assert found == []
        with database.connect() as connection:
            while connection.execute("SELECT approval.maintain_standings()").fetchone()[0]:
                pass
            for number in range(10):
                assert wrong(connection, random.Random(number)) == []
            assert connection.execute("SELECT count(*) FROM approval.standing_change").fetchone() == (0,)
            (many,) = connection.execute("SELECT sum(minions) FROM approval.standing_tally").fetchone()
            assert connection.execute("SELECT count(*) FROM approval.standing").fetchone() == (many,)


def test_who_changes_nothing_adds_nothing(new_database):
    with new_database("standings") as database, database.connect() as connection:
        connection.execute(POLICY, {"minions": MINIONS, "type": Jsonb(TYPE)})
        connection.execute(ASK, {"minions": MINIONS, "names": list(NAMES)})
        values = {"some": MINIONS, "names": list(NAMES), "n": 0}
        for story in ("documents", "drift", "silent", "outcome"):
            happen(connection, story, values)
        connection.execute("DELETE FROM approval.standing_change")
        # The same once more: outcomes as they were, drift seen again, somebody who stays silent, a revision alone.
        for story in ("outcome", "drift", "silent"):
            happen(connection, story, values)
        connection.execute("UPDATE approval.silence SET missed = missed + 1")
        connection.execute("UPDATE approval.minion SET revision = revision + 1")
        connection.execute("UPDATE approval.item SET observed = '0'")
        assert connection.execute("SELECT count(*) FROM approval.standing_change").fetchone() == (0,)


def test_nobody_waits_for_what_is_counted(new_database):
    with new_database("standings") as database, database.connect() as one, database.connect() as other:
        one.execute(POLICY, {"minions": MINIONS, "type": Jsonb(TYPE)})
        other.execute("SET lock_timeout = '1ms'")
        with one.transaction():
            one.execute("SELECT approval.maintain_standings()")
            happen(other, "silent", {"some": MINIONS[:5]})
            assert other.execute("SELECT approval.maintain_standings()").fetchone() == (0,), "one at a time counts"
            assert wrong(other, random.Random(0)) == []
        assert one.execute("SELECT approval.maintain_standings()").fetchone() == (5,)
