"""Slack's limits are kept at a thousand jobs a minute, and after it was away all is told or summed up."""

import os

import pytest
from standins import slack_load
from standins.slack import SlackStandIn

pytestmark = pytest.mark.skipif(os.environ.get("APPROVAL_FAULTS") != "full", reason="takes minutes: `make faults`")

LOAD_S, AWAY_S = 60, 120
WRITTEN_WITHIN_S = 2.0


class Room(slack_load.Telling):
    """A channel that all jobs are told in, with the worker, and the job cache."""

    def __init__(self, slack, database, settings, folder):
        self.slack, self.database = slack, database
        self.ops = slack.new_channel("ops")
        self._returner = database.connect("returner")
        self.jobs = slack_load.Jobs(database.execute, self._returner)
        super().__init__(slack_load.opts(slack, self.ops, settings, folder))

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self._returner.close()

    def end(self):
        """Wait until all is told; how many jobs have a message of their own, are in a line, and were dropped."""
        self.drain(lambda: self.database.execute(slack_load.WAITING)[0][0])
        return slack_load.told(self.ops)


@pytest.fixture
def room(site, settings_of, tmp_path):
    from saltext.approval.chat.slack import Workspace

    Workspace._paces.clear()
    with SlackStandIn() as slack, Room(slack, site, settings_of("chat"), tmp_path) as opened:
        yield opened


def test_check_3_a_thousand_jobs_a_minute_are_told_within_the_rates(room, print_counts):
    room.jobs.load(LOAD_S)
    own, alike, dropped = room.end()
    assert (own + alike, dropped) == (room.jobs.count, 0)
    print_counts(jobs=room.jobs.count, own_messages=own, in_lines=alike, **slack_load.check_rates(room.slack))


def test_check_6_an_hour_without_slack_delays_no_job_and_all_is_told_or_summed_up(room, print_counts):
    room.slack.crash()
    room.jobs.load(AWAY_S)
    assert room.jobs.slowest_s < WRITTEN_WITHIN_S
    room.database.execute("UPDATE approval.outbox SET created_at = created_at - interval '70 minutes'")
    before = room.jobs.count
    room.slack.restart()
    room.worker._desks[0]._stale_at = 0.0
    room.jobs.load(LOAD_S / 4)
    own, alike, dropped = room.end()
    assert own + alike + dropped == room.jobs.count
    assert 0 < dropped <= before
    assert room.jobs.slowest_s < WRITTEN_WITHIN_S
    print_counts(
        jobs=room.jobs.count, own_messages=own, in_lines=alike, dropped=dropped,
        slowest_ms=int(room.jobs.slowest_s * 1000),
    )  # fmt: skip
    slack_load.check_rates(room.slack)
