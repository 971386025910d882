"""Checks and state runs on one minion at the same time: neither keeps the other from running."""

import threading
import time

import pytest
import salt.client
from lab import wait_until


@pytest.fixture
def held(lab, approve):
    """web1 with something that is approved and applied."""
    approve("web1", {"acme-agent": "1.1-1"})
    returned = lab.master.call("web1", "state.highstate")["web1"]
    assert all(chunk["result"] for chunk in returned.values()), returned
    return lab.minions["web1"]


class Checks(threading.Thread):
    """Has web1 checked again and again, one check upon the other."""

    def __init__(self, configuration):
        super().__init__()
        self._configuration = configuration
        self._enough = threading.Event()
        self.returned = []  # (when it was asked, when it answered, what it answered)

    def run(self):
        with salt.client.LocalClient(self._configuration) as client:
            while not self._enough.is_set():
                asked = time.monotonic()
                answer = client.cmd("web1", "approval.observe", timeout=60)
                self.returned.append((asked, time.monotonic(), answer.get("web1")))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._enough.set()
        self.join()


def test_highstates_while_checks_go_on(lab, held):
    since = lab.database.query("SELECT now()")
    with Checks(str(lab.master.directory / "etc/master")) as checks:
        wait_until(lambda: checks.returned, "the first check")
        begun = time.monotonic()
        runs = [lab.master.call("web1", "state.highstate")["web1"] for _ in range(3)]
        ended = time.monotonic()
    for run in runs:
        assert isinstance(run, dict), run
        assert all(chunk["result"] for chunk in run.values()), run
    during = [answer for asked, answered, answer in checks.returned if begun < answered and asked < ended]
    assert len(during) >= 3, "checks went on meanwhile"
    for answer in during:
        assert answer["observed"]["packages"]["acme-agent"] == "1.1-1", answer
    stored = lab.database.query(
        "SELECT DISTINCT verdict, authenticated FROM approval.job_return "
        f"WHERE minion_id = 'web1' AND fun = 'approval.observe' AND received_at > '{since}'"
    )
    assert stored == "converged|t"


def test_a_check_while_a_state_run_goes_on(lab, held, state_run):
    running, finish = state_run
    evidence = lab.master.call("web1", "approval.observe")["web1"]
    assert evidence["observed"]["packages"]["acme-agent"] == "1.1-1"
    assert running() == ["state.single"], "it is still under way"
    finish()
