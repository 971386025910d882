"""The page on health, by a browser that runs no script: what is to be mended, and the numbers."""

import pytest

from saltext.approval.admin import check


def test_nobody_sees_it_without_a_session(visit, people):
    stranger = visit()
    answer = stranger.get("/health")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login?next=/health")
    assert "mended" not in answer.text
    assert stranger.post("/health", {}).status_code == 405


@pytest.fixture
def faults(people, client):
    """Something dead, and a group that is too small."""
    people.execute("SELECT approval.put_route('chat', 'requests')")
    client("alice").request("package", ["web1"], {"hello": "1"}, "CHG-7")
    people.execute("UPDATE approval.outbox SET state = 'dead', last_error = 'no <b>channel</b>'")
    people.execute("SELECT approval.drop_membership('reviewers', 'bob')")


def test_what_is_found_comes_with_how_to_mend_it(visit, faults, master_config, working_master):
    page = visit("carol").get("/health")
    assert page.status_code == 200
    assert (
        "Types package error Nobody can approve such requests, as these groups have no members: reviewers."
        in page.plain
    )
    assert "To mend it: salt-approval policy load FILE." in page.plain
    assert "Messages to chat warning 1 message could not be delivered since" in page.plain
    assert "no &lt;b&gt;channel" in page.text
    assert "Messages that are not delivered: waiting, held back until their time, or dead. 1 chat dead" in page.plain
    assert "Requests that are not closed, by state." in page.plain
    # The command has the same sentences of the database.
    said = [
        row
        for row in check.run(str(master_config())).findings
        if row["subject"] in ("types package", "messages to chat")
    ]
    assert [row["problem"] for row in said if row["problem"].startswith(("nobody can approve", "1 message"))] != []
    assert all(row["remedy"] in page.plain for row in said)
