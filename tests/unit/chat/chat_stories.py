"""Stories of threads as approval.chat_story gives them, and bodies of notices, for the tests of messages."""

DIGEST = "5f0c" * 16
AT, LATER = "2026-11-30T08:05:00.12345+00:00", "2026-12-07T09:30:00+00:00"


def decision(made="approve", comment=None):
    return {
        "decision": made,
        "by": "bob",
        "identity": "ldap:bob",
        "assurance": "authenticated",
        "at": AT,
        "comment": comment,
    }


def request(**changes):
    """A pending request for two packages on two minions."""
    return {
        "kind": "request",
        "request": 7,
        "type": "standard",
        "title": "Packages",
        "state": "pending",
        "requester": "alice",
        "on_behalf_of": None,
        "reason": "CVE-2026-1",
        "ticket": None,
        "submitted_at": AT,
        "after": None,
        "expires_at": LATER,
        "approved_at": None,
        "closed_at": None,
        "break_glass_at": None,
        "reverts": None,
        "renews": None,
        "digest": DIGEST,
        "item_count": 2,
        "minion_count": 2,
        "outcomes": {"waiting": 2},
        "items": [
            {"minion": "web1", "kind": "package", "name": "nginx", "content": "1.24.0-2"},
            {"minion": "web2", "kind": "package", "name": "vim", "content": None},
        ],
        "failures": [],
        "chain": [
            {
                "stage": 1,
                "name": "review",
                "min_assurance": "asserted",
                "started_at": AT,
                "satisfied_at": None,
                "until": LATER,
                "any_of": [{"group": "reviewers", "quorum": 1}],
                "decisions": [],
            }
        ],
        "plan": None,
        "rollout": None,
        "waiting_for": "stage 1 (review): 1 of reviewers",
        **changes,
    }


def decided(made="approve", comment=None):
    return [{**request()["chain"][0], "satisfied_at": AT, "decisions": [decision(made, comment)]}]


def job(**changes):
    """A highstate on two minions, of which one has not returned."""
    return {
        "kind": "job",
        "jid": "20261130080500123456",
        "published_at": AT,
        "command": "salt '*' state.apply",
        "fun": "state.apply",
        "user": "root",
        "target": "*",
        "target_type": "glob",
        "test": False,
        "claim": False,
        "request": None,
        "minion_count": 2,
        "minions": ["web1", "web2"],
        "ok": 1,
        "failed": 0,
        "silent": 1,
        "duration_s": None,
        "failures": [],
        **changes,
    }


def failure(**changes):
    return {
        "minion_id": "web2",
        "fun": "state.apply",
        "retcode": 2,
        "success": False,
        "verdict": None,
        "received_at": AT,
        "findings": [],
        **changes,
    }


def alarm(**changes):
    return {
        "alarm": 3,
        "act": "raised",
        "of_kind": "unapproved-job",
        "kind": "alarm",
        "severity": "warning",
        "minions": ["web1"],
        "minion_count": 1,
        "who": "root",
        "what": "salt web1 pkg.install vim",
        "jid": "20261129220000123456",
        "request": None,
        "count": 1,
        "first_at": AT,
        "last_at": AT,
        "muted_until": None,
        "decided_by": None,
        "comment": None,
        **changes,
    }


def drift(**changes):
    return {
        "kind": "drift",
        "minion": "web1",
        "silence": None,
        "count": 1,
        "resources": [
            {
                "kind": "package",
                "name": "nginx",
                "expected": "1.24.0-2",
                "observed": "1.25.0-1",
                "since": AT,
                "last_seen": AT,
                "jid": "20261130080500123456",
                "text": None,
            }
        ],
        **changes,
    }


def act(name, **changes):
    return {
        "request": 7,
        "seq": 3,
        "at": AT,
        "act": name,
        "principal": "bob",
        "identity": "ldap:bob",
        "assurance": "authenticated",
        "detail": {},
        "type": "standard",
        **changes,
    }


def asked(**changes):
    """The body of a message of topic ask."""
    return {
        "request": 7,
        "act": "asked",
        "principal": "bob",
        "address": "U2",
        "why": ["reviewers"],
        "in_stead_of": None,
        "stage": 1,
        "stage_name": "review",
        "until": LATER,
        "until_what": "then it expires",
        "digest": DIGEST,
        "assurance_needed": "asserted",
        **changes,
    }
