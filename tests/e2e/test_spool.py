"""PostgreSQL stops: jobs run and are looked up as ever, and are recorded once it is back."""

import contextlib
import json
import re
import time

import pytest

MINIONS = ["db1", "web1"]
PINGED = dict.fromkeys(MINIONS, True)
WITHIN_S = 60


@contextlib.contextmanager
def database_away(lab):
    lab.database.server.stop()
    try:
        yield
    finally:
        lab.database.server.start()


def published(lab, function):
    """Publish a job without waiting; returns its jid once every minion has returned."""
    with lab.master.events() as events:
        output = lab.master.run("salt", "--async", "--list", ",".join(MINIONS), function)
        jid = re.search(r"job ID: (\d{20})", output)[1]
        for _ in MINIONS:
            events.wait(f"salt/job/{jid}/ret/*")
    return jid


def looked_up(lab, jid):
    """The answer of `salt-run jobs.lookup_jid`, once it has the returns of all: they are stored behind their events."""
    end = time.monotonic() + WITHIN_S
    while True:
        found = json.loads(lab.master.run("salt-run", "--out=json", "jobs.lookup_jid", jid))
        if len(found) == len(MINIONS) or time.monotonic() > end:
            return found


def wait_until_recorded(lab):
    end = time.monotonic() + WITHIN_S
    while lab.on_master("spool", "info")["entries"]:
        assert time.monotonic() < end, lab.master.log()
        time.sleep(0.1)


@pytest.fixture
def recorded(lab):
    """A function that counts the recorded returns of a job."""
    return lambda jid: int(lab.database.query(f"SELECT count(*) FROM approval.job_return WHERE jid = '{jid}'"))


def test_jobs_while_the_database_is_away(lab, recorded):
    with database_away(lab):
        assert lab.master.call(",".join(MINIONS), "test.ping") == PINGED
        jid = published(lab, "test.ping")
        assert looked_up(lab, jid) == PINGED
        batched = lab.master.run(
            "salt", "--batch-size=1", "--static", "--out=json", "--list", ",".join(MINIONS), "test.ping"
        )
        for minion_id in MINIONS:
            assert f'"{minion_id}": true' in batched
        assert jid in json.loads(lab.master.run("salt-run", "--out=json", "jobs.list_jobs"))
        assert lab.on_master("spool", "info")["kinds"]["return"] >= 6
    # By the engine, which nobody told.
    wait_until_recorded(lab)
    assert lab.on_master("spool", "info")["aside"] == 0
    assert recorded(jid) == 2
    assert looked_up(lab, jid) == PINGED
    jobs = json.loads(lab.master.run("salt-run", "--out=json", "jobs.list_jobs"))
    assert jobs[jid]["Function"] == "test.ping"
