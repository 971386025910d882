"""The spool while those who write into it and who drains it are killed, the database is away, and the disk is full."""

import random
import time

import pytest
from crowd import reader, returner
from small_disk import SmallDisk

from saltext.approval.engine.workers import snapshot
from saltext.approval.engine.workers import spool as spool_worker
from saltext.approval.jobs import spool
from saltext.approval.settings import Settings

TIMES = {"connect_timeout_ms": 500, "timeout_ms": 2000}
# Where no return may be refused as long as there is the database, however busy the machine is.
PATIENT = {"connect_timeout_ms": 10_000, "timeout_ms": 60_000}


class Spooled:
    """
    A crowd that hands its returns to the returner, with a drainer, and a snapshot to read while the database is away.

    folder, disk
        Where the snapshot is, and where the spool is.
    times
        For how long each waits for the database.
    """

    def __init__(self, crowd, site, folder, disk, mode, times):
        pillar = {"dsn": site.dsn("exporter"), **times}
        settings = {"dsn": site.dsn("returner"), "mode": mode, "spool": f"{disk}/spool", "spool_max_mb": 16, **times}
        self._opts = {
            "cachedir": str(folder),
            "ext_pillar": [{"approval": pillar}],
            "approval": {"returner": settings, "engine": {"dsn": site.dsn("engine")}},
        }
        self.crowd = crowd(
            read=reader(pillar, str(folder)),
            record=returner(self._opts),
            approver=site.dsn("bob"),
            pause_s=0.05,  # so that not more comes in than can be drained
            keepers={
                "drainer": lambda: spool_worker.worker(Settings.from_master(self._opts)),
                "snapshot": lambda: snapshot.worker(Settings.from_master(self._opts)),
            },
        )
        self.crowd.wait("approved", names=["approver"])
        self.crowd.wait("round", 2, names=["snapshot"])
        self.crowd.wait("return", 2)

    def refused(self):
        """How many returns were not accepted."""
        return sum(event["what"] == "return-failed" for event in self.crowd.events())

    def drain(self):
        """Let all finish and record what still waits; the number of entries that were set aside."""
        self.crowd.stop()
        worker = spool_worker.worker(Settings.from_master(self._opts))
        while worker.round() is not None:
            pass
        info = spool.Spool(spool.settings(self._opts)).info()
        assert info["entries"] == 0
        return info["aside"]


@pytest.mark.parametrize("mode", ["database", "spool"])
def test_writers_and_the_drainer_are_killed(site, server, crowd, settle, times, folder, mode):
    spooled = Spooled(crowd, site, folder, folder, mode, TIMES)
    busy, kills = spooled.crowd, times(10, 200)
    for number in range(kills):
        time.sleep(random.uniform(0, 0.3))  # anywhere in what they do
        busy.kill_one("drainer")
        busy.kill_one(random.choice(busy.users))
        if number % 5 == 2:
            server.kill()
            busy.wait("return", 5)
            server.start()
    busy.wait("return", 2)
    assert spooled.refused() == 0
    assert spooled.drain() == 0
    settle(busy, site, drainers_killed=kills, writers_killed=kills)


def test_the_disk_is_full(site, server, crowd, settle, times, folder):
    fills = times(1, 20)
    with SmallDisk(folder / "disk", "8m") as disk:
        spooled = Spooled(crowd, site, folder, disk.path, "spool", PATIENT)
        busy = spooled.crowd
        for number in range(fills):
            disk.fill()
            # While there is the database, what finds no room goes there.
            busy.wait("return", 5)
            if number == 0:  # later the breaker may hold one back that was last told that it is away
                assert spooled.refused() == 0
            server.kill()
            busy.wait("return-failed")
            server.start()
            disk.empty()
            busy.wait("return", 5)
        assert spooled.drain() == 0
        settle(busy, site, disk_full=fills)
