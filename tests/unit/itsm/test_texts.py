"""What tickets are told: each kind of comment, in each language, whatever people and minions have written."""

import json
import pathlib
import re
import string
import sys
import zoneinfo

import pytest

from saltext.approval.errors import ConfigError
from saltext.approval.intake import masking
from saltext.approval.itsm import markup, texts

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from news_examples import DIGEST, decided, news


def writer(kind="jira", language="en", url="https://approval.example.com/", zone="Europe/Amsterdam"):
    return texts.Writer(kind, language, zoneinfo.ZoneInfo(zone), url, masking.masked_text)


def told(blocks):
    return markup.plain(blocks)


def test_the_binding_comment_says_what_is_asked_and_who_has_to_approve():
    assert told(writer().asked(news())) == (
        "Thank you. This ticket is now request 7 (Packages), asked for by alice.\n\n"
        "On web1 and web2 (2 minions):\n\n"
        "- nginx 1.24.0-2\n- vim is removed\n- curl, the latest version\n\n"
        "It takes effect as soon as it is approved.\n\n"
        "These have to approve:\n\n"
        "- review: 1 of reviewers (bob and carol), or 2 of managers (dave, erin and frank)\n\n"
        "If nobody has decided by Mon 7 Dec 2026, 10:30 CET, the request expires.\n\n"
        "An approval counts for exactly this (checksum 5f0c5f0c5f0c). If the ticket is changed, it has to be approved "
        "again.\n\n"
        "Request 7: https://approval.example.com/requests/7"
    )


def test_a_later_time_is_one_of_the_site():
    asked = news(after="2026-07-01T22:00:00+00:00")
    assert "on Thu 2 Jul 2026, 00:00 CEST, not before" in told(writer().asked(asked))
    assert "Es gilt ab Mi, 1. Juli 2026, 22:00 Uhr UTC" in told(writer(language="de", zone="UTC").asked(asked))


def test_an_amendment_and_a_revert_say_what_they_are():
    assert "Approvals of before do not count" in told(writer().asked(news(), is_amended=True))
    assert "takes back what request 3 brought" in told(writer().asked(news(reverts=3)))


def test_other_items_than_packages_are_named():
    items = [{"kind": "service", "name": "nginx", "type": "state", "value": "running"}]
    assert "- service nginx: running" in told(writer().asked(news(items=items, item_count=1)))


def test_one_minion_is_no_list():
    assert "\n\nOn web1:\n\n" in told(writer().asked(news(minions=["web1"], minion_count=1)))


def test_a_decision_says_whose_and_what_is_still_needed():
    chain = [*decided(comment="looks good"), {**news()["chain"][0], "name": "release"}]
    said = told(writer().decided(news(chain=chain)))
    assert said.startswith("bob approved this at stage review.\n\nbob: looks good\n\nStill needed:\n\n- release: 1 of")
    assert "bob said no at stage review." in told(writer().decided(news(state="rejected", chain=decided("reject"))))


def test_an_approved_request_says_what_it_waits_for():
    approved = news(state="approved", chain=decided(), rollout={"waves": 4, "wave": 0, "halted": None})
    assert told(writer().approved(approved)).startswith("Approved by bob.\n\nIt goes out in 4 waves, each only after")
    waits = [
        {"by": "freeze year-end", "until": "2027-01-02T00:00:00+00:00", "minions": 2},
        {"by": "calendar weekend", "until": None, "minions": 1},
        {"by": "after", "until": "2027-01-05T00:00:00+00:00", "minions": 3},
    ]
    assert told(writer(url=None).approved(news(state="approved", chain=decided(), waits=waits))).split("\n\n") == [
        "Approved by bob.",
        "2 minions are held back by freeze year-end until Sat 2 Jan 2027, 01:00 CET.",
        "1 minion is held back by calendar weekend, with no end known.",
        "It takes effect on Tue 5 Jan 2027, 01:00 CET.",
    ]
    assert told(writer(url=None).approved(news(state="approved", chain=[]))) == (
        "Changes of this type are approved beforehand.\n\nIt is sent now."
    )
    assert "break-glass" in told(writer().approved(news(state="approved", chain=decided()), is_hurried=True))


def test_a_hold_is_said_and_its_end():
    held = {**news()["ticket"], "held": "somebody changed the field Package"}
    assert "On hold: somebody changed the field Package." in told(writer().held(news(ticket=held)))
    assert "Not on hold any more" in told(writer().held(news()))


def test_progress_counts_minions_by_waves_where_there_are_any():
    counts = {"converged": 1, "failed": 0, "waiting": 1}
    assert "1 of 2 minions have it" in told(writer().progress(news(state="approved", verdicts=counts)))
    rollout = {"waves": 3, "wave": 2, "halted": "web3 had a full disk"}
    said = told(writer().progress(news(state="approved", verdicts=counts, rollout=rollout)))
    assert said.startswith("Wave 2 of 3: 1 of 2 minions are done, 0 failed.\n\nThe rollout was halted: web3 had a full")


def test_a_verdict_has_a_table_of_what_failed_and_why():
    failed = [{"minion": "web2", "kind": "package", "name": "nginx", "type": "version", "value": "1.24.0-2",
               "reason": "no such version\nin the repositories"}]  # fmt: skip
    ended = news(state="failed", failed=failed, failed_count=1, verdicts={"converged": 1, "failed": 1, "waiting": 0})
    assert told(writer(url=None).verdict(ended)) == (
        "This failed on 1 of 2 minions; it is on 1.\n\n"
        "Minion | What | Why\nweb2 | nginx 1.24.0-2 | no such version in the repositories\n\n"
        "Once the cause is mended, the next run brings it, and this ticket is told."
    )


@pytest.mark.parametrize("language", texts.languages())
@pytest.mark.parametrize("state", texts.SETTLED)
def test_each_end_of_a_request_has_words(state, language):
    ended = news(state=state, chain=decided("reject" if state == "rejected" else "approve", "because"))
    said = told(writer(language=language).verdict(ended))
    assert writer(language=language).page(ended).is_over
    assert len(said) > 30
    assert ("because" in said) == (state == "rejected")


def leaves(node, path=""):
    if isinstance(node, dict):
        return {leaf for key, value in node.items() for leaf in leaves(value, f"{path}.{key}")}
    names = node if isinstance(node, str) else ""
    return {(path, tuple(sorted({name for _, name, _, _ in string.Formatter().parse(names) if name})))}


@pytest.mark.parametrize("language", texts.languages())
def test_each_language_has_the_same_phrases_with_the_same_names_in_them(language):
    assert leaves(texts.phrases(language)) == leaves(texts.phrases("en"))
    assert [len(texts.phrases(language)[name]) for name in ("weekdays", "months")] == [7, 12]
    assert len(texts.phrases(language)["verdict"]["table"]) == 3


def test_an_unknown_language_is_refused():
    with pytest.raises(ConfigError, match=r"no language 'fr'.*de, en"):
        writer(language="fr")


@pytest.mark.parametrize("kind", markup.LIMITS)
@pytest.mark.parametrize("letter", ["x", "日", '"', "|"])
def test_long_lists_are_cut_to_the_limit_of_the_system_and_say_so(kind, letter):
    minions = [f"{number}{letter * 120}" for number in range(20)]
    failed = [{"minion": minions[0], "kind": "package", "name": letter * 120, "type": "version", "value": letter * 120,
               "reason": letter * 5000}] * 50  # fmt: skip
    ended = news(state="failed", minions=minions, minion_count=70_000, failed=failed, failed_count=60_000)
    blocks = writer(kind).verdict(ended)
    assert markup.fits(blocks, kind)
    assert re.search(r"and (59|60),?\d{3} more", told(blocks))
    items = [{"kind": "package", "name": letter * 120, "type": "version", "value": letter * 120}] * 50
    blocks = writer(kind).asked(news(minions=minions, minion_count=70_000, items=items, item_count=900))
    assert markup.fits(blocks, kind)
    assert "70000 minions" in told(blocks)
    assert re.search(r"and 8\d\d more|and 900 more", told(blocks))


@pytest.mark.parametrize("kind", markup.LIMITS)
def test_many_people_and_stages_are_left_out_where_there_is_no_room(kind):
    groups = [{"group": "g" * 100, "quorum": 1, "people": [f"{number}{'p' * 120}" for number in range(50)]}] * 5
    stage = dict(news()["chain"][0], any_of=groups)
    many = news(chain=[stage] * 4)
    for blocks in (writer(kind).asked(many), writer(kind).escalated(many), writer(kind).decided(many)):
        assert markup.fits(blocks, kind)
    assert texts.checksum(DIGEST) in told(writer(kind).asked(many))


def test_what_is_approved_already_does_not_wait_for_approval():
    assert "as soon as it is approved" not in told(writer().asked(news(state="approved")))


def test_secrets_are_hidden_in_comments_and_evidence():
    reason = "login failed: password=hunter2secret for https://bob:hunter2secret@example.com/"
    failed = [{"minion": "web2", "kind": "package", "name": "nginx", "type": "version", "value": "1", "reason": reason}]
    ended = news(state="failed", failed=failed, failed_count=1, chain=decided(comment=reason))
    held = news(ticket={**news()["ticket"], "held": reason})
    for said in (
        told(writer().verdict(ended)),
        told(writer().decided(ended)),
        told(writer().held(held)),
        told(writer().refused(reason)),
        json.dumps(writer().evidence(ended)),
    ):
        assert "login failed" in said
        assert "hunter2secret" not in said


def test_names_of_phrases_in_what_people_wrote_stay_as_they_are():
    comment = "{request} {0.__class__}"
    assert f"bob: {comment}" in told(writer().decided(news(chain=decided(comment=comment))))


def test_nothing_that_people_or_minions_write_becomes_markup():
    evil = "[~admin] {html}<b>|!https://evil.example.com/x.png!"
    failed = [{"minion": evil, "kind": "package", "name": evil, "type": "version", "value": evil, "reason": evil}]
    ended = news(state="failed", failed=failed, failed_count=1)
    written = markup.wiki(writer().verdict(ended))
    assert "evil" in written
    assert not re.search(r"\[~|\{html|!https|<b>", written)


def test_refusals_say_why():
    assert told(writer().refused("minion web9 is unknown")) == (
        "I cannot make a request of this ticket: minion web9 is unknown"
    )
    assert told(writer().decision_refused("bob", "bob asked for it")) == (
        "I cannot count the decision of bob: bob asked for it"
    )
