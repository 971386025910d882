"""The conditions that hold afterwards, whatever happened: the answers to the crowd, held against the database."""

import collections

# Requests of reviewers are in force at once, so that one act approves.
POLICY = """
principals:
  bob: {identities: ["pg:bob"]}
groups:
  reviewers: {title: Review, members: [bob]}
types:
  standard:
    title: Packages without approval
    kind: package
    requesters: [reviewers]
    pre_approved: true
    chain: []
  revert: {kind: any, requesters: ["*"], chain: [{name: release, any_of: [{group: reviewers}]}]}
"""
HISTORY = "SELECT minion_id, revision, digest, names, contents FROM approval.document_history"
REQUESTS = "SELECT external_ref, count(*), min(state) FROM approval.request GROUP BY external_ref"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
RETURNS = "SELECT jid, minion_id, count(*), bool_and(authenticated) FROM approval.job_return GROUP BY jid, minion_id"


def check(events, database):
    """Assert all of it; the counts as a dict."""
    by_kind = collections.defaultdict(list)
    for event in events:
        by_kind[event["what"]].append(event)
    approvals = check_approvals(by_kind, database)
    check_reads(by_kind, database)
    returns = check_returns(by_kind, database)
    assert database.execute(DEADLOCKS) == [(0,)]
    return {
        "reads": len(by_kind["read"]),
        "reads_refused": len(by_kind["read-failed"]),
        "reads_from_snapshot": sum(read["source"] == "snapshot" for read in by_kind["read"]),
        "longest_call_s": round(max(event["end"] - event["start"] for event in events), 2),
        **approvals,
        **returns,
    }


def check_approvals(by_kind, database):
    """Every approval that was acknowledged is there, and none that nobody asked for; none twice."""
    asked = {event["ref"] for event in by_kind["asking"]}
    acknowledged = {event["ref"] for event in by_kind["approved"]}
    rows = database.execute(REQUESTS)
    kept = {ref for ref, _, _ in rows}
    assert not acknowledged - kept, "approvals were lost"
    assert not kept - asked, "approvals were invented"
    assert all(count == 1 for _, count, _ in rows), "approvals were made twice"
    newest = newest_version([event for event in by_kind["asking"] if event["ref"] in kept])
    current = "SELECT minion_id, contents FROM approval.document WHERE valid_from <= now() AND valid_until > now()"
    held = {minion: contents[0] for minion, contents in database.execute(current) if contents}
    assert held == {minion: f"1.{number}" for minion, number in newest.items()}
    return {"approved": len(acknowledged), "approvals_lost": 0, "approvals_invented": 0}


def newest_version(events):
    """{minion: number} of the newest of these requests."""
    newest = collections.Counter()
    for event in events:
        for minion in event["minions"]:
            newest[minion] = max(newest[minion], event["number"])
    return newest


def check_reads(by_kind, database):
    """
    Each document that was read was approved, whole. Neither database nor snapshot went back; and what came from the
    database was not older than what had been approved when it was asked.
    """
    approved = {
        (minion, revision): (digest, dict(zip(names, contents, strict=True)))
        for minion, revision, digest, names, contents in database.execute(HISTORY)
    }
    # In the order in which they could not but be known: a read by its start, what it or an approval proved by its end.
    moments = [(read["start"], 1, read) for read in by_kind["read"]]
    moments += [(read["end"], 0, read) for read in by_kind["read"]]
    moments += [(act["end"], 0, act) for act in by_kind["approved"]]
    seen, known = collections.Counter(), collections.Counter()
    for _, starts, event in sorted(moments, key=lambda moment: moment[:2]):
        if event["what"] == "approved":
            for minion in event["minions"]:
                known[minion] = max(known[minion], event["number"])
        elif not starts:
            place = event["source"], event["minion"]
            seen[place] = max(seen[place], event["revision"])
        else:
            minion, revision = event["minion"], event["revision"]
            if revision:
                assert approved[minion, revision] == (event["digest"], event["packages"]), "a read was invented"
            else:
                assert event["packages"] == {}
            assert revision >= seen[event["source"], minion], "a read went back"
            if event["source"] == "database":
                version = int(event["packages"].get("app", "1.0").partition(".")[2])
                assert version >= known[minion], "a read missed what was approved before"


def check_returns(by_kind, database):
    """A return that was acknowledged is kept once; another one at most once; and nothing else is."""
    handed_in = {(event["jid"], event["minion"]) for event in by_kind["handing-in"]}
    acknowledged = {(event["jid"], event["minion"]) for event in by_kind["return"]}
    rows = database.execute(RETURNS)
    kept = {(jid, minion) for jid, minion, _, _ in rows}
    assert not acknowledged - kept, "returns were lost"
    assert all(count == 1 for _, _, count, _ in rows), "returns were recorded twice"
    assert all(authenticated for *_, authenticated in rows)
    assert not kept - handed_in, "returns were invented"
    assert {event["outcome"] for event in by_kind["return"]} <= {"recorded", "repeat", "accepted"}
    return {
        "returns": len(acknowledged),
        "returns_refused": len(by_kind["return-failed"]),
        "returns_recorded_without_an_answer": len(kept - acknowledged),
        "repeats": sum(event["outcome"] == "repeat" for event in by_kind["return"]),
        "returns_lost": 0,
        "returns_twice": 0,
    }
