"""What a job takes in the job log, on however many minions; and a job on all of many minions is found on each."""

import datetime
import random

import pytest

MINIONS = 20_000
SAVE = "SELECT approval.save_load(%s, %s, %s, 'glob', %s, %s, '', false, NULL, %s)"
SIZE = "SELECT pg_total_relation_size(relid) FROM pg_partition_tree('approval.job_log') WHERE relid::text ~ %s"


@pytest.fixture(scope="module")
def log(new_database):
    """The database, with numbers for so many minions. The tests of this file share it."""
    with new_database("job_log") as database:
        database.execute("SELECT approval.maintain_jobs(24)")
        database.execute(
            "INSERT INTO approval.minion_number (minion_id) SELECT 'm' || n FROM generate_series(1, %s) AS n",
            (MINIONS,),
        )
        yield database


def size_of(log):
    now = datetime.datetime.now(datetime.timezone.utc)
    monday = now - datetime.timedelta(days=now.weekday())
    ((size,),) = log.execute(SIZE, (f"job_log_{monday:%Y%m%d}$",))
    return size


@pytest.mark.parametrize(("count", "jobs"), [(0, 50), (1, 80), (16, 80), (17, 80), (600, 20), (5000, 5), (MINIONS, 3)])
@pytest.mark.parametrize("text", ["salt 'web*' pkg.install hello refresh=True", "x" * 5000])
def test_a_job_takes_four_bytes_a_minion_and_a_kilobyte_at_most(log, count, jobs, text):
    before = size_of(log)
    # The same minions each time, as different as they can be from those of another test.
    chosen = random.Random(count)
    with log.connect("returner") as connection:
        for number in range(jobs):
            minions = [f"m{n}" for n in chosen.sample(range(1, MINIONS + 1), count)]
            word = text if len(text) > 1000 else "pkg.install"
            jid = f"2026120100{count:05}{len(text) % 100:02}{number:03}"
            connection.execute(SAVE, (jid, word, word, word[:100], minions, text))
    each = (size_of(log) - before) / jobs
    print(f"{count} minions: {each:.0f} bytes")
    # Files grow by pages of 8 kB, of the table, its TOAST and each of their indexes.
    assert each <= 4 * count + 1024 + 10 * 8192 / jobs


def test_a_job_on_all_of_them_is_found_on_each(log):
    jid = "20261202000000000001"
    with log.connect("returner") as connection:
        connection.execute(SAVE, (jid, "x.y", "*", "root", [f"m{n}" for n in range(1, MINIONS + 1)], "salt '*' x.y"))
    with log.connect("operator") as connection:
        for minion in (1, 2, 7, 8, 9, MINIONS - 1, MINIONS):
            found = connection.execute(
                "SELECT jid FROM approval.list_jobs(%s, NULL, NULL, 'x.y', NULL, NULL, NULL, NULL, 9)", (f"m{minion}",)
            ).fetchall()
            assert found == [(jid,)], minion
