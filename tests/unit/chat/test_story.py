"""What people read of requests, jobs, alarms and minions: who, what, where, how it ended; and no secrets."""

import datetime
import json
import pathlib
import sys

import pytest

from saltext.approval.chat import blocks
from saltext.approval.chat.message import At, plain_line
from saltext.approval.chat.story import Teller
from saltext.approval.intake import masking

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import chat_stories as stories

TELLER = Teller(masking.of_site(lambda: ()).masked_text, "https://approval.example/")
PLAIN = Teller(lambda text: text)


def read(message):
    """All that people read of a message, a line each; checked to be one that Slack takes."""
    payload = blocks.payload(message)
    json.dumps(payload)
    lines = [message.title, *map(plain_line, message.lines)]
    for section in message.sections:
        lines += [section.title] if section.title else []
        lines += [section.text] if section.kind == "code" else map(plain_line, section.rows)
    return "\n".join(lines)


def test_a_pending_request():
    message = TELLER.parent("request/7", stories.request())
    assert message.key == "request/7"
    assert read(message) == (
        "Request 7: Packages\n"
        "Waits for approval\n"
        "alice asks for this on 2 minions.\n"
        "Why: CVE-2026-1\n"
        "Expires at 2026-12-07 09:30 UTC if nobody has decided.\n"
        "Waits: stage 1 (review): 1 of reviewers\n"
        "Asked for\n"
        "web1: package nginx 1.24.0-2\n"
        "web2: package vim "
    )
    assert [(link.text, link.url) for link in message.links] == [("Request 7", "https://approval.example/requests/7")]
    assert not message.buttons  # a channel is never asked


def test_an_approved_request_says_by_whom_and_how_far():
    story = stories.request(
        state="approved", approved_at=stories.AT, chain=stories.decided(comment="go"), waiting_for="freeze christmas",
        rollout={"state": "halted", "because": "2 failures", "waves": [
            {"wave": 1, "opened_at": stories.AT}, {"wave": 2, "opened_at": None}]},
        outcomes={"converged": 1, "failed": 1},
        failures=[{"minion": "web2", "kind": "package", "name": "vim", "outcome": "failed", "text": "no candidate"}],
    )  # fmt: skip
    text = read(TELLER.parent("request/7", story))
    assert "bob approved it at 2026-11-30 08:05 UTC, as ldap:bob (authenticated)." in text
    assert "bob: go" in text
    assert "Waits: freeze christmas" in text
    assert "Wave 1 of 2.\nThe rollout was halted: 2 failures. Somebody has to say whether it goes on." in text
    assert "1 of 2 changes are done, and proved so; 1 failed." in text
    assert "Failed\nweb2: package vim: no candidate" in text
    assert "Expires" not in text


@pytest.mark.parametrize(
    ("state", "tone", "word"),
    [
        ("converged", "good", "Done"),
        ("failed", "bad", "Failed"),
        ("rejected", "bad", "Rejected"),
        ("expired", "warning", "Expired"),
        ("a-new-one", "plain", "a-new-one"),
    ],
)
def test_the_verdict_is_seen_at_once(state, tone, word):
    message = TELLER.parent("request/7", stories.request(state=state, approved_at=stories.AT))
    assert message.tone == tone
    assert plain_line(message.lines[0]).startswith(word)


def test_break_glass_is_seen_in_the_parent_and_by_all():
    story = stories.request(state="approved", approved_at=stories.AT, break_glass_at=stories.AT)
    message = TELLER.parent("request/7", story)
    assert message.tone == "warning"
    assert "Let past windows and freezes (break-glass) at 2026-11-30 08:05 UTC." in read(message)
    entry = TELLER.entry("request/7", 4, "requests", stories.act("glass-broken"), story)
    assert (entry.key, entry.is_loud) == ("request/7#4", True)


def test_acts_stand_in_the_thread():
    body = stories.act("reject", detail={"comment": "not on a friday"})
    entry = TELLER.entry("request/7", 3, "requests", body, stories.request())
    assert read(entry) == "Rejected\nBy bob (ldap:bob, authenticated)\nnot on a friday"
    assert not entry.is_loud
    wave = TELLER.entry("request/7", 5, "requests", stories.act("wave-opened", principal=None, detail=None), None)
    assert read(wave) == "The next wave goes out"
    assert TELLER.entry("request/7", 6, "requests", stories.act("reviewed"), None).title == "reviewed"
    given_up = TELLER.entry("request/7", 7, "requests", stories.act("rollout-given-up"), None)
    assert given_up.title == "The rollout was given up"
    assert TELLER.entry("request/7", 6, "update", {}, stories.request()) is None


def test_a_ticket_is_a_link_only_to_a_page():
    ticket = {"key": "CHG-7", "url": "https://jira.example/CHG-7"}
    assert "Ticket: CHG-7" in read(TELLER.parent("request/7", stories.request(ticket=ticket)))
    ticket["url"] = "javascript:alert(1)"
    assert "javascript" not in json.dumps(blocks.payload(TELLER.parent("request/7", stories.request(ticket=ticket))))


def test_a_job_that_runs_and_is_over():
    message = TELLER.parent("job/1", stories.job())
    assert read(message) == (
        "state.apply on 2 minions, by root\n"
        "Started at 2026-11-30 08:05 UTC\n"
        "On web1, web2\n"
        "1 ok, 0 failed, 1 have not returned yet.\n"
        "salt '*' state.apply"
    )
    body = stories.job(outcome="silent")
    over = TELLER.parent("job/1", stories.job(), body)
    assert "1 ok, 0 failed by their states, 1 silent." in read(over)
    for fun, failed in (
        ("cmd.run", "0 failed"),
        ("state.apply,test.ping", "0 failed"),
        ("state.sls,state.top", "0 failed by their states"),
    ):
        assert f"1 ok, {failed}, 1 silent." in read(TELLER.parent("job/1", stories.job(fun=fun), body))
    assert over.tone == "warning"
    assert TELLER.parent("job/1", None, body).title == over.title  # the job cache has dropped it


def test_a_job_that_failed_says_which_minions_and_why():
    finding = {"kind": "package", "name": "vim", "verdict": "failed", "text": "no candidate"}
    story = stories.job(
        failed=2, silent=0, ok=0, duration_s=4.26,
        failures=[stories.failure(), stories.failure(minion_id="web1", findings=[finding])],
    )  # fmt: skip
    entry = TELLER.entry("job/1", 2, "verdict", {**story, "outcome": "failed"}, story)
    assert read(entry).endswith("Failed, and why\nweb2: return code 2\nweb1: package vim: no candidate")
    assert (entry.is_loud, entry.tone) == (True, "bad")
    assert "Took 4.3 s." in read(TELLER.parent("job/1", story))
    assert TELLER.entry("job/1", 3, "update", {}, story) is None


def test_states_that_failed_are_the_reason():
    failures = [stories.failure(reasons=["file.managed /etc/motd: no such source"])]
    entry = TELLER.entry("job/1", 2, "verdict", stories.job(failed=30), stories.job(failed=30, failures=failures))
    assert "web2: file.managed /etc/motd: no such source\nand 29 more" in read(entry)
    failures = [stories.failure(retcode=0)]
    entry = TELLER.entry("job/1", 2, "verdict", stories.job(failed=1), stories.job(failed=1, failures=failures))
    assert "web2: no reason is known" in read(entry)


def test_a_job_that_went_well_is_not_loud():
    entry = TELLER.entry("job/1", 2, "verdict", stories.job(silent=0, ok=2, outcome="ok"), None)
    assert (entry.is_loud, entry.tone) == (False, "good")


def test_test_runs_and_claims_are_called_so():
    text = read(TELLER.parent("job/1", stories.job(test=True, claim=True, request=7)))
    assert "A test run, which changes nothing." in text
    assert "all of it is what the minion says" in text


def test_a_job_of_which_little_is_known():
    message = TELLER.parent("job/1", stories.job(user=None, command=None, minions=None, claim=True))
    assert message.title == "state.apply on 2 minions, by somebody unknown"
    assert message.sections == ()


def test_alarms():
    message = TELLER.parent("alarm/3", stories.alarm(count=4))
    assert read(message) == (
        "warning: unapproved-job on web1\n"
        "By root\n"
        "Since 2026-11-30 08:05 UTC\n"
        "Seen 4 times, the last time at 2026-11-30 08:05 UTC\n"
        "salt web1 pkg.install vim"
    )
    assert message.tone == "warning"
    notice = stories.alarm(kind="break-glass", severity="critical", who=None, what=None, request=7, minion_count=300)
    del notice["of_kind"]
    critical = TELLER.parent("alarm/3", notice)
    assert (critical.title, critical.tone) == ("critical: break-glass on web1, and 299 more", "bad")
    assert TELLER.entry("alarm/3", 1, "alarms", notice, None) is None


def test_what_is_done_about_alarms():
    body = stories.alarm(act="muted", muted_until=stories.LATER, decided_by="carol", comment="the vendor is at it")
    entry = TELLER.entry("alarm/3", 2, "alarms", body, None)
    assert read(entry) == "carol muted this until 2026-12-07 09:30 UTC.\ncarol: the vendor is at it"
    done = stories.alarm(act="acknowledged", decided_by="carol", comment=None)
    message = TELLER.parent("alarm/3", done)
    assert "carol acknowledged this." in read(message)
    assert message.tone == "good"


def test_drift():
    message = TELLER.parent("drift/web1", stories.drift(silence={"since": stories.AT}))
    assert read(message) == (
        "Drift on web1\n"
        "1 thing is not as it was applied.\n"
        "The minion is silent.\n"
        "package nginx: applied 1.24.0-2, found 1.25.0-1, since 2026-11-30 08:05 UTC"
    )
    over = TELLER.parent("drift/web1", stories.drift(count=0, resources=[]))
    assert (over.lines, over.tone) == ((("All is as it was applied.",),), "good")


def drift_act(act, found=(), restored=()):
    rows = [[{"kind": "package", "name": name, "expected": "1", "observed": None} for name in names]
            for names in (found, restored)]  # fmt: skip
    return {"minion": "web1", "act": act, "count": len(found), "found": rows[0], "restored": rows[1]}


def test_what_comes_of_drift():
    changed = TELLER.entry("drift/web1", 2, "drift", drift_act("changed", ["nginx"], ["vim"]), None)
    assert read(changed) == (
        "Drift on web1 changed\n"
        "package nginx: applied 1, found –\n"  # noqa: RUF001
        "package vim is as it was applied again."
    )
    assert (changed.tone, changed.is_loud) == ("warning", False)
    assert TELLER.entry("drift/web1", 1, "drift", drift_act("began", ["nginx"]), None).is_loud is False
    assert TELLER.entry("drift/web1", 4, "drift", drift_act("began", ["nginx"]), None).is_loud is True
    ended = TELLER.entry("drift/web1", 3, "drift", drift_act("ended", [], ["vim"]), None)
    assert (ended.title, ended.tone) == ("Drift on web1 ended", "good")
    many = TELLER.entry("drift/web1", 3, "drift", drift_act("changed", ["a"] * 20, ["b"] * 20), None)
    assert len(many.lines) == 20
    assert TELLER.entry("drift/web1", 1, "drift", {"note": "of another time"}, None) is None


PLANNED = {"changes": [{"name": "nginx", "old": "1.22", "new": "1.24.0-2", "minions": 2, "asked_for": True}]}
OVER = {"request": 7, "act": "over", "principal": "bob", "stage": 1, "state": "approved"}


def test_somebody_is_asked_with_all_that_matters():
    message = TELLER.ask("ask/7/bob", stories.request(plan=PLANNED), stories.asked(in_stead_of="carol"))
    text = read(message)
    for what in (
        "Please decide on request 7: Packages",
        "alice asks for this on 2 minions.",
        "Stage review.",
        "Why you: you are of reviewers.",
        "You stand in for carol.",
        "Decide by 2026-12-07 09:30 UTC, then it expires.",
        "The plan\nnginx: 1.22 → 1.24.0-2 on 2 minions",
        "web1: package nginx 1.24.0-2",
    ):
        assert what in text
    assert message.links
    assert not message.buttons  # off unless the site wants them


def test_buttons_are_bound_to_what_is_shown():
    # It was amended since: another message tells of that, but the items here are the new ones already.
    body = stories.asked(digest="0" * 64)
    message = TELLER.ask("ask/7/bob", stories.request(), body, with_buttons=True)
    assert [button.action for button in message.buttons] == ["approve", "reject"]
    assert {button.value for button in message.buttons} == {f"7/1/{stories.DIGEST}"}
    assert message.buttons[0].confirm == "Approve request 7 (Packages) on 2 minions?"
    assert "There is no plan." in read(message)


@pytest.mark.parametrize("needed", ["authenticated", "strong", "anything"])
def test_a_stage_that_wants_more_has_no_buttons(needed):
    body = stories.asked(assurance_needed=needed)
    message = TELLER.ask("ask/7/bob", stories.request(), body, with_buttons=True)
    assert not message.buttons
    assert "please decide on the page" in read(message)


def test_reminders_and_the_last_call():
    reminder = TELLER.ask("ask/7/bob", stories.request(), stories.asked(act="reminder"))
    assert reminder.title.startswith("Still waits for you")
    last = TELLER.ask("ask/7/bob", stories.request(), stories.asked(act="last-call"))
    assert (last.title, last.tone) == ("Last call for request 7: Packages", "warning")


@pytest.mark.parametrize("body", [OVER, stories.asked()])
@pytest.mark.parametrize("made", ["approve", "reject"])
def test_after_a_decision_every_copy_says_who_when_and_how(made, body):
    state = "approved" if made == "approve" else "rejected"
    story = stories.request(state=state, chain=stories.decided(made, "as agreed"))
    message = TELLER.ask("ask/7/bob", story, body, with_buttons=True)
    verb = "approved" if made == "approve" else "rejected"
    assert message.title == "Does not wait for you any more: request 7: Packages"
    assert f"bob {verb} it at 2026-11-30 08:05 UTC, as ldap:bob (authenticated).\nbob: as agreed" in read(message)
    assert not message.buttons


@pytest.mark.parametrize("body", [OVER, stories.asked(stage=2)])
def test_another_stage_does_not_wait_for_who_was_asked_at_this(body):
    message = TELLER.ask("ask/7/bob", stories.request(), body, with_buttons=True)
    assert message.title.startswith("Does not wait for you any more")
    assert not message.buttons


def test_the_inbox():
    row = {"title": "Packages", "requester": "alice", "until_what": "then it expires", "total": 30}
    until = datetime.datetime.fromisoformat(stories.LATER)
    text = read(TELLER.inbox([{**row, "request_id": n, "until": until} for n in range(1, 26)]))
    assert text.startswith(
        "30 requests wait for you\n"
        "Request 1: Packages, asked for by alice, until 2026-12-07 09:30 UTC, then it expires\n"
    )
    assert text.endswith("and 10 more")
    assert read(TELLER.inbox([])) == "0 requests wait for you\nNothing waits for you."


def busy(**changes):
    return {"minion": "web1", "as_of": stories.AT, "running": [], "due": [], "windows": [], "freezes": [], **changes}


def test_busy():
    span = {"from": stories.AT, "until": stories.LATER}
    due = {"request": 7, "title": "Packages", "until": None, "by": None, "waiting_for": None}
    message = TELLER.busy(
        busy(
            running=[stories.job()],
            due=[due, {**due, "by": "freeze x", "until": "infinity"}, {**due, "waiting_for": "the next wave"}],
            windows=[{"calendar": "nights", **span}],
            freezes=[{"freeze": "christmas", **span, "type": None, "minion_group": None, "reason": "all are away"}],
        )
    )
    text = read(message)
    assert "salt '*' state.apply by root, since 2026-11-30 08:05 UTC, 1 of 2 minions returned" in text
    assert "Due\nRequest 7: Packages\nRequest 7: Packages, held back by freeze x until –\n" in text  # noqa: RUF001
    assert "Request 7: Packages, waits: the next wave" in text
    assert "nights, from 2026-11-30 08:05 UTC until 2026-12-07 09:30 UTC" in text
    assert "christmas, from 2026-11-30 08:05 UTC until 2026-12-07 09:30 UTC: all are away" in text
    assert "As of 2026-11-30 08:05 UTC" in text
    assert message.tone == "warning"
    assert read(TELLER.busy(busy(minion=None))).startswith("Under way\nNothing runs, nothing is due")


def test_old_news_is_summed_up():
    dropped = [{"kind": "alarm", "threads": 1, "messages": 1}, {"kind": "job", "threads": 60, "messages": 120}]
    assert read(TELLER.summed_up("summed-up/1", dropped)) == (
        "121 messages are too old to be sent\nalarm: 1 message in 1 thread\njob: 120 messages in 60 threads"
    )


def test_many_alike_are_one():
    assert read(TELLER.alike("jobs/1", "cmd.run on 1 minion, by root", 40)) == (
        "cmd.run on 1 minion, by root\n40 like this in the same minute."
    )


def test_without_a_web_service_there_are_no_links():
    assert PLAIN.parent("request/7", stories.request()).links == ()


@pytest.mark.parametrize(
    "secret",
    [
        "mysql -pS3cretS3cret",
        "mysql --password=S3cretS3cret",
        "curl -u bob:S3cretS3cret http://x/",
        "env API_KEY=S3cretS3cret run",
        "sshpass -p S3cretS3cret ssh x",
        "curl -H 'Authorization: Bearer S3cretS3cret' x",
        "curl 'http://x/?token=S3cretS3cret'",
        "export TOKEN=S3cretS3cret; run",
    ],
)
def test_check_14_secrets_are_hidden_before_anything_is_cut(secret):
    for command in (secret, "x" * 990 + " " + secret):
        for message in (
            TELLER.parent("job/1", stories.job(command=command)),
            TELLER.parent("alarm/3", stories.alarm(what=command)),
            TELLER.parent("request/7", stories.request(reason=secret, title=secret)),
            TELLER.entry("request/7", 3, "requests", stories.act("reject", detail={"comment": secret}), None),
        ):
            assert "S3c" not in json.dumps(blocks.payload(message))


def test_check_14_what_is_cut_is_marked():
    (section,) = PLAIN.parent("job/1", stories.job(command="x" * 3000)).sections
    assert section.text == "x" * 999 + "…"


def test_times_of_the_database():
    lines = PLAIN.parent("job/1", stories.job(published_at="2026-11-30T09:05:00.1+01:00")).lines
    assert [str(part) for part in lines[0] if isinstance(part, At)] == ["2026-11-30 08:05 UTC"]
