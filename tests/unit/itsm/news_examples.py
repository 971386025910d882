"""What the database tells of a request, as approval.ticket_news gives it, for the tests of what tickets are told."""

DIGEST = "5f0c" * 16


def news(**changes):
    """What the database tells of a pending request for two packages on two minions."""
    return {
        "request": 7,
        "state": "pending",
        "title": "Packages",
        "requester": "alice",
        "reverts": None,
        "minions": ["web1", "web2"],
        "minion_count": 2,
        "items": [
            {"kind": "package", "name": "nginx", "type": "version", "value": "1.24.0-2"},
            {"kind": "package", "name": "vim", "type": "absent", "value": None},
            {"kind": "package", "name": "curl", "type": "latest", "value": None},
        ],
        "item_count": 3,
        "after": None,
        "expires_at": "2026-12-07T09:30:00.12345+00:00",
        "approved_at": None,
        "chain": [
            {
                "name": "review",
                "satisfied_at": None,
                "any_of": [
                    {"group": "reviewers", "quorum": 1, "people": ["bob", "carol"]},
                    {"group": "managers", "quorum": 2, "people": ["dave", "erin", "frank"]},
                ],
                "decisions": [],
            }
        ],
        "waits": [],
        "rollout": None,
        "verdicts": {"converged": 0, "failed": 0, "waiting": 2},
        "failed": [],
        "failed_count": 0,
        "ticket": {
            "id": "10001", "key": "SC21-7", "url": None, "generation": 1, "digest": DIGEST, "bound_at": None,
            "held": None, "is_newest": True,
        },
        **changes,
    }  # fmt: skip


def decided(decision="approve", comment=None):
    stage = dict(news()["chain"][0], satisfied_at="2026-11-30T10:00:00+00:00")
    made = {"decision": decision, "by": "bob", "at": "2026-11-30T10:00:00+00:00", "comment": comment}
    return [{**stage, "decisions": [made]}]
