"""The snapshot while those who read it and who writes it are killed, the database is away, and the disk is full."""

import random
import subprocess
import sys
import time

import pytest
from crowd import reader, recorder
from small_disk import SmallDisk

from saltext.approval import _core
from saltext.approval.engine.workers import snapshot
from saltext.approval.settings import Settings, source

TIMES = {"connect_timeout_ms": 500, "timeout_ms": 500}
VERIFY = "import sys; from saltext.approval.cli import main; sys.exit(main())"


class Kept:
    """A crowd with a keeper of the snapshot below a folder, which is there when this is made."""

    def __init__(self, crowd, site, folder, mode):
        settings = {"dsn": site.dsn("exporter"), "mode": mode, **TIMES}
        opts = {
            "cachedir": str(folder),
            "ext_pillar": [{"approval": settings}],
            "approval": {"engine": {"dsn": site.dsn("engine")}},
        }
        self._source = source(settings, str(folder))
        self.path = self._source.reading["snapshot"]
        self.crowd = crowd(
            read=reader(settings, str(folder)),
            record=recorder({"dsn": site.dsn("returner"), **TIMES}),
            approver=site.dsn("bob"),
            keepers={"snapshot": lambda: snapshot.worker(Settings.from_master(opts))},
        )
        self.crowd.wait("approved", names=["approver"])
        self.crowd.wait("round", 2, names=["snapshot"])
        self._start = time.monotonic()

    def refresh(self, **options):
        """One round of a keeper, by this process."""
        return _core.snapshot_refresh(self._source.connection.conninfo, self.path, **options)

    def check(self, minions):
        """Nobody was refused a document, and in the end the snapshot says what the database says."""
        refused = [event for event in self.crowd.events() if event["what"] == "read-failed"]
        assert not [event for event in refused if event["start"] > self._start]
        self.refresh()
        for minion in minions:
            told = [_core.snapshot_read(self.path, minion), _core.document(self._source.connection.conninfo, minion)]
            for document in told:
                del document["source"], document["as_of"]
            assert told[0] == told[1]
        command = [sys.executable, "-P", "-c", VERIFY, "snapshot", "verify", "--path", self.path]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("mode", ["database", "snapshot"])
def test_readers_and_the_writer_are_killed(site, server, crowd, settle, times, folder, minions, mode):
    kept = Kept(crowd, site, folder, mode)
    busy, kills = kept.crowd, times(10, 200)
    for number in range(kills):
        time.sleep(random.uniform(0, 0.3))  # anywhere in what they do
        busy.kill_one("snapshot")
        busy.kill_one(random.choice(busy.users))
        if number % 5 == 2:
            server.kill()
            busy.wait("read")
            server.start()
    busy.wait("round", 2, names=["snapshot"])
    busy.wait("return", 2)
    settle(busy, site, writers_killed=kills, readers_killed=kills)
    kept.check(minions)


def test_the_disk_is_full(site, server, crowd, settle, times, folder, minions):
    fills = times(1, 20)
    with SmallDisk(folder / "disk", "4m") as disk:
        kept = Kept(crowd, site, disk.path, "snapshot")
        busy, refused = kept.crowd, 0
        for _ in range(fills):
            disk.fill()
            while not refuses_for_want_of_room(kept):
                time.sleep(0.01)
            refused += 1
            busy.wait("read", 10)
            server.kill()
            busy.wait("read", 10)
            server.start()
            disk.empty()
            busy.wait("round", 2, names=["snapshot"])
        busy.wait("return", 2)
        settle(busy, site, disk_full=fills, builds_refused=refused)
        kept.check(minions)


def refuses_for_want_of_room(kept):
    """Whether a new generation was refused because of the disk; False if another process is at one."""
    with pytest.raises(_core.Error) as caught:
        kept.refresh(rebuild=True)
    assert caught.value.code in ("full", "limit")
    return caught.value.code == "full"
