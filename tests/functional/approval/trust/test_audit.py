"""
The export of a real database's trail, verified offline: intact as it is, and whatever is done to it, or to
the database by its superuser, is found and named.
"""

import json

import pytest

from saltext.approval.trust import audit

APPROVED = 1  # the number of the approved request
FORGE = """
UPDATE approval.audit_entry SET act = %(act)s, hash = approval.audit_hash(
    stream, seq, at, %(act)s, principal, identity, login_role, assurance, detail, previous_hash)
WHERE (stream, seq) = (%(stream)s, %(seq)s)
"""


POLICY = """
SELECT approval.put_minions('{web1,web2,Zürich-ß}'), approval.put_group('owners', ''),
    approval.put_principal('alice', 'person'), approval.put_identity('pg', 'alice', 'alice'),
    approval.put_principal('bob', 'person'), approval.put_identity('pg', 'bob', 'bob'),
    approval.put_membership('owners', 'bob'),
    approval.put_request_type('{"name": "package", "kind": "package", "requesters": ["*"],
                                "chain": [{"name": "owner", "any_of": [{"group": "owners"}]}]}')
"""
SUBMIT = """
SELECT approval.submit_request('pg', 'alice', 'package', 'nötig: "ja"', %s, %s, %s, %s, NULL, 'pg', NULL)
"""


@pytest.fixture
def trail(database):
    """A policy and two requests, one of them approved, all sealed; then one entry more."""
    database.execute(POLICY)
    for minions in (["web1", "Zürich-ß"], ["web2"]):
        count = len(minions)
        items = (minions, ["package"] * count, ["hello"] * count, ["2.10-3"] * count)
        database.execute(SUBMIT, items, login="alice")
    decide = "SELECT approval.decide('pg', 'bob', %s, 'approve', 'fine', NULL)"
    assert database.execute(decide, (APPROVED,), login="bob") == [("approved",)]
    assert database.execute("SELECT approval.seal_audit()", login="engine") == [(3,)]
    database.execute("SELECT approval.put_minions('{web3}')", login="operator")
    return database


def export(database, login="auditor"):
    return [line for (line,) in database.execute("SELECT approval.export_audit()", login=login)]


def tamper(database, query, parameters=None):
    """As only a superuser can: past the triggers that keep history as it was written."""
    with database.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        assert connection.execute(query, parameters).rowcount > 0


def test_the_export_is_intact(trail):
    records = export(trail)
    report = audit.verify(records)
    assert report.intact
    kinds = [json.loads(line)["record"] for line in records]
    assert (report.entries, report.seals) == (kinds.count("entry"), kinds.count("seal"))
    assert report.unsealed == 1
    ((_, _, head),) = trail.execute("SELECT * FROM approval.audit_head()", login="auditor")
    assert report.head == head
    assert audit.verify(records, head).intact


def test_every_field_of_every_record_counts(trail):
    records = [json.loads(line) for line in export(trail)]
    for index, record in enumerate(records):
        for name, content in record.items():
            if isinstance(content, list):
                altered = content[:-1]
            else:
                altered = content + 1 if isinstance(content, int) else f"{content or ''}0"
            changed = [*records[:index], {**record, name: altered}, *records[index + 1 :]]
            finding = audit.verify(map(json.dumps, changed)).broken
            # If a record is told apart by its own number, the one after it can be the first to look wrong.
            assert finding is not None, (record, name)
            assert finding.line in (index + 1, index + 2), (record, name)
            assert finding.problem


def test_every_record_that_is_missing_or_moved_is_found(trail):
    records = export(trail)
    report = audit.verify(records)
    last_of_policy = max(index for index, line in enumerate(records) if json.loads(line).get("stream") == 0)
    for index in range(len(records) - 1):
        missing = audit.verify(records[:index] + records[index + 1 :], report.head).broken
        # Nothing refers to the one entry that came after the seal.
        assert (missing is None) == (index == last_of_policy)
        moved = [*records[:index], records[index + 1], records[index], *records[index + 2 :]]
        assert audit.verify(moved).broken.line in (index + 1, index + 2)


def test_every_cut_is_found_by_the_published_head(trail):
    text = "\n".join(export(trail))
    head = audit.verify(text.split("\n")).head
    for length in range(0, len(text), 97):
        assert not audit.verify(text[:length].split("\n"), head).intact
    finding = audit.verify(text[: text.index("\n") + 40].split("\n")).broken
    assert (finding.line, finding.problem) == (2, "it is not JSON, or cut off")


def test_what_the_superuser_alters_is_named(trail):
    tamper(
        trail,
        "UPDATE approval.audit_entry SET principal = 'mallory' WHERE (stream, seq) = (%s, 2)",
        (APPROVED,),
    )
    finding = audit.verify(export(trail)).broken
    assert (finding.stream, finding.seq) == (APPROVED, 2)
    assert finding.problem == "it was altered: its content does not give its hash"


def test_what_the_superuser_deletes_is_named(trail):
    tamper(trail, "DELETE FROM approval.audit_entry WHERE (stream, seq) = (%s, 2)", (APPROVED,))
    finding = audit.verify(export(trail)).broken
    assert (finding.stream, finding.seq) == (APPROVED, 3)
    assert finding.problem == "entries are missing or out of order: it follows entry 1"


def test_a_request_that_the_superuser_deletes_is_named_by_the_seal(trail):
    tamper(trail, "DELETE FROM approval.audit_entry WHERE stream = %s", (APPROVED,))
    finding = audit.verify(export(trail)).broken
    assert (finding.seal, finding.stream) == (1, APPROVED)
    assert finding.problem == "it covers an entry that is not in the file"


def test_what_the_superuser_forges_with_its_hash_is_named(trail):
    tamper(trail, FORGE, {"act": "reject", "stream": APPROVED, "seq": 2})
    finding = audit.verify(export(trail)).broken
    assert (finding.stream, finding.seq) == (APPROVED, 3)
    assert finding.problem == "it does not continue the one before it"


def test_an_end_that_the_superuser_forges_with_its_hash_is_named(trail):
    ((seq,),) = trail.execute("SELECT max(seq) FROM approval.audit_entry WHERE stream = %s", (APPROVED,))
    tamper(trail, FORGE, {"act": "rejected", "stream": APPROVED, "seq": seq})
    finding = audit.verify(export(trail)).broken
    assert (finding.seal, finding.stream, finding.seq) == (1, APPROVED, seq)
    assert finding.problem == "it covers another hash than this entry has"


def test_only_those_who_may_read_the_trail_export_it(trail):
    for login in ("alice", "operator", "policy_admin", "auditor"):
        assert audit.verify(export(trail, login)).intact
    for login in ("exporter", "returner", "minion_returner", "engine"):
        with pytest.raises(Exception, match="permission denied"):
            export(trail, login)
