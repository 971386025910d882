"""What is kept of a large request stays right when many change its items at once, and nobody waits for it."""

import os
import random
import threading

from psycopg.types.json import Jsonb

MINIONS = [f"m{number}" for number in range(1_001)]
CHANGES = int(os.environ.get("TALLY_CHANGES", "100"))  # of each thread
THREADS = 4
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
    array_agg('package'::text), array_agg('hello'::text), array_agg('1'::text), NULL, 'salt', NULL)
FROM unnest(%(minions)s::text[]) AS m (minion_id)
"""
# As returns do, one outcome after another; some end without having happened.
CHANGE = "UPDATE approval.item SET outcome = %s WHERE minion_id = ANY (%s)"
KEPT = "SELECT outcome, items FROM approval.count_items(%s, 1)"
COUNTED = "SELECT outcome, count(*) FROM approval.item WHERE request_id = %s GROUP BY outcome"


def test_many_change_items_at_once(new_database):
    with new_database("tally") as database:
        with database.connect() as connection:
            values = {"minions": MINIONS, "type": Jsonb(TYPE)}
            connection.execute(POLICY, values)
            (number,) = connection.execute(ASK, values).fetchone()

        def change(share):
            chance = random.Random(share)
            # Each has minions of its own, as returns hold the locks of theirs.
            mine = MINIONS[share::THREADS]
            with database.connect() as connection:
                for _ in range(CHANGES):
                    with connection.transaction(force_rollback=chance.random() < 0.1):
                        chosen = chance.sample(mine, chance.randint(1, 3))
                        connection.execute(CHANGE, (chance.choice(["waiting", "failed", "drift"]), chosen))

        threads = [threading.Thread(target=change, args=(share,)) for share in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with database.connect() as connection:
            counted = sorted(connection.execute(COUNTED, (number,)).fetchall())
            assert sum(count for _, count in counted) == len(MINIONS)
            assert sorted(connection.execute(KEPT, (number,)).fetchall()) == counted
            (entries,) = connection.execute(
                "SELECT count(*) FROM approval.item_tally WHERE request_id = %s", (number,)
            ).fetchone()
            assert entries < THREADS * CHANGES
