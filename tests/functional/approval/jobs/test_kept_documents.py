"""A return alone is held against a document that the connection keeps, and never against one that is the wrong one."""

import itertools

import msgpack
import pytest
from psycopg.types.json import Jsonb

from saltext.approval import _core

SETUP = """
SELECT approval.put_principal('alice', 'person'), approval.put_identity('salt', 'alice', 'alice'),
    approval.put_request_type(%s)
"""
FREE = {"name": "free", "kind": "package", "requesters": ["*"], "pre_approved": True, "chain": []}
SUBMIT = """
SELECT approval.submit_request('salt', 'alice', 'free', 'because', %s, '{package}', '{hello}', %s, NULL, 'salt', NULL)
"""
DOCUMENT = "SELECT digest, evidence_key FROM approval.document_history WHERE minion_id = %s AND revision = %s"
JID = "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS')"
SAVE_LOAD = "SELECT approval.save_load(%s, 'state.apply', '*', 'glob', 'root', %s, '', false)"
STORED = """
SELECT verdict, authenticated, flags, (
    SELECT array_agg(f.name || ' ' || f.verdict || ' ' || f.reason) FROM approval.findings_of(r.findings) AS f)
FROM approval.job_return AS r WHERE jid = %s ORDER BY attempt
"""
REWRITE = """
SET session_replication_role = replica;
UPDATE approval.document_history SET {} WHERE minion_id = 'web1'
"""
EVER_NEW = """
CREATE OR REPLACE FUNCTION approval.expected_document(
    p_minion_id text, p_revision bigint, p_published_at timestamptz, p_now timestamptz)
    RETURNS TABLE (
        revision bigint, digest text, evidence_key bytea, kinds text[], names text[], types text[], contents text[])
    LANGUAGE sql AS $$
SELECT h.revision, h.digest, sha256(random()::text::bytea), h.kinds, h.names, h.types, h.contents
FROM approval.document_history AS h WHERE h.minion_id = p_minion_id
$$
"""
run_ids = itertools.count(1)


class Site:
    """A minion web1, for which hello is approved in version 1, and a connection as a master has it."""

    def __init__(self, database):
        self.database = database
        self.options = database.options
        database.execute(SETUP, [Jsonb(FREE)])
        database.execute("SELECT approval.put_minions('{web1}')")
        self.approve("1")

    def approve(self, version):
        self.database.execute(SUBMIT, [["web1"], [version]])

    def publish(self):
        """A job that is published to web1."""
        ((jid,),) = self.database.execute(JID)
        self.database.execute(SAVE_LOAD, [jid, ["web1"]])
        return jid

    def evidence(self, revision, version, claimed=None):
        """Evidence of a revision by its key, which claims to be of that one, or another."""
        ((digest, key),) = self.database.execute(DOCUMENT, ["web1", revision])
        return signed(claimed or revision, digest, key, version)

    def record(self, jid, evidence, **changed):
        """The outcome of a return with this evidence; None: of a state that installed hello in version 1."""
        load = {"id": "web1", "jid": jid, "fun": "state.apply", "retcode": 0, "return": returned(evidence)} | changed
        return _core.record_return(self.database.dsn("returner"), msgpack.packb(load), **self.options)["outcome"]

    def returned(self, revision=1, version="1", jid=None):
        """What is stored of a new return with genuine evidence."""
        jid = jid or self.publish()
        assert self.record(jid, self.evidence(revision, version)) == "recorded"
        return self.stored(jid)

    def stored(self, jid):
        """What is stored of the returns of a job."""
        return self.database.execute(STORED, [jid])


def signed(revision, digest, key, version):
    evidence = {
        "format": 1,
        "minion": "web1",
        "revision": revision,
        "digest": digest,
        "run_id": f"{next(run_ids):032x}",
        "boot_id": "b" * 32,
        "observed": {"packages": {"hello": version}, "services": {}, "values": {}},
        "before": {"packages": {"hello": None}},
    }
    return evidence | {"mac": _core.mac(key, evidence)}


def returned(evidence):
    if evidence is None:
        changes = {"hello": {"old": "", "new": "1"}}
        chunk = {"result": True, "changes": changes, "name": "hello", "__run_num__": 0}
        chunk["comment"] = "The following packages were installed/updated: hello"
        return {"pkg_|-hello_|-hello_|-installed": chunk}
    chunk = {"result": True, "changes": {}, "comment": "", "name": "approval", "__run_num__": 0, "approval": evidence}
    return {"approval_|-approval_|-approval_|-converged": chunk}


CONVERGED = ("converged", True, [], ["hello converged observed"])


@pytest.fixture
def site(database):
    """A Site whose connection has the document of web1, which has converged on it."""
    made = Site(database)
    assert made.returned() == [CONVERGED]
    return made


@pytest.fixture
def unread(database):
    """From now on no document can be read."""

    def forbid():
        database.execute("ALTER FUNCTION approval.expected_documents RENAME TO away")

    return forbid


def test_a_kept_document_is_not_read_again(site, unread):
    unread()
    assert site.returned() == [CONVERGED]
    jid = site.publish()
    assert site.record(jid, None) == "recorded"
    with pytest.raises(_core.DatabaseError, match="no such function"):
        site.record(site.publish(), site.evidence(1, "1", claimed=2))


def test_no_document_is_kept_as_well(database, unread):
    site = Site(database)
    database.execute("SELECT approval.put_minions('{web2}')")
    assert site.record(site.publish(), None, id="web2") == "recorded"
    unread()
    jid = site.publish()
    assert site.record(jid, None, id="web2") == "recorded"
    assert site.stored(jid)[0][:2] == ("invalid", False)


def test_what_is_approved_afterwards_counts(site):
    old = site.evidence(1, "1")
    site.approve("2")
    # Without a claim of its own a return is held against what was in force when its job was published.
    jid = site.publish()
    assert site.record(jid, None) == "recorded"
    fresh = site.publish()
    site.options = site.options | {"timeout_ms": 5001}
    assert site.record(fresh, None) == "recorded"
    assert site.stored(jid) == site.stored(fresh)
    jid = site.publish()
    assert site.record(jid, old) == "recorded"
    assert site.stored(jid)[0][1:3] == (True, ["stale"])
    # The evidence of one revision cannot be handed in as another's.
    jid = site.publish()
    assert site.record(jid, site.evidence(1, "2", claimed=2)) == "recorded"
    assert site.stored(jid)[0][1] is False
    assert site.returned(2, "2") == [CONVERGED]


def test_a_return_of_an_earlier_job_is_held_against_what_was_in_force(site):
    jid = site.publish()
    site.approve("2")
    assert site.returned(2, "2") == [CONVERGED]
    assert site.record(jid, None) == "recorded"
    later = site.publish()
    assert site.record(later, None) == "recorded"
    assert site.stored(jid)[0][3] == ["hello converged observed"]
    assert site.stored(later)[0][3] != site.stored(jid)[0][3]


@pytest.mark.parametrize("change", ["evidence_key = sha256(evidence_key)", "contents = '{2}', digest = '{}'"])
def test_a_history_that_is_another_one(site, change):
    """As after a database is restored, and other things are approved than those that were lost."""
    old = site.evidence(1, "1")
    digest = _core.digest("web1", 1, [("package", "hello", "version", "2")])
    with site.database.connect() as connection:
        connection.execute(REWRITE.format(change.replace("'{}'", f"'{digest}'")))
    jid = site.publish()
    assert site.record(jid, old) == "recorded"
    assert site.stored(jid)[0][:2] != ("converged", True)
    assert site.stored(jid)[0][1] is False
    jid = site.publish()
    version = "2" if "contents" in change else "1"
    assert site.record(jid, site.evidence(1, version)) == "recorded"
    assert site.stored(jid)[0][:2] == ("converged", True)


def test_a_minion_that_was_removed(site):
    site.database.execute("UPDATE approval.minion SET removed_at = now() WHERE minion_id = 'web1'")
    assert [row[1:3] for row in site.returned()] == [(False, ["removed"])]
    site.database.execute("SELECT approval.put_minions('{web1}')")
    assert site.returned() == [CONVERGED]


def test_a_request_that_is_taken_back(site):
    ((number,),) = site.database.execute("SELECT max(request_id) FROM approval.request")
    site.database.execute("SELECT approval.put_request_type(%s)", [Jsonb({**FREE, "name": "revert", "kind": "any"})])
    site.database.execute("SELECT approval.revert_request('salt', 'alice', %s, NULL, '')", [number])
    assert [row[1:3] for row in site.returned()] == [(True, ["stale"])]
    jid = site.publish()
    assert site.record(jid, site.evidence(2, None)) == "recorded"
    assert site.stored(jid)[0][:3] == ("converged", True, [])


def test_a_new_connection(site):
    site.database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = 'returner' AND datname = current_database()"
    )
    site.approve("2")
    assert [row[1:3] for row in site.returned()] == [(True, ["stale"])]
    assert site.returned(2, "2") == [CONVERGED]


@pytest.mark.parametrize("timeout_ms", [5000, 5001])
def test_a_replay(site, timeout_ms):
    """By the same master, or by another one, whose connection keeps documents of its own."""
    jid, evidence = site.publish(), site.evidence(1, "1")
    assert site.record(jid, evidence) == "recorded"
    site.options = site.options | {"timeout_ms": timeout_ms}
    assert site.record(jid, evidence) == "repeat"
    other = site.publish()
    assert site.record(other, evidence) == "recorded"
    assert site.stored(other)[0][1:3] == (False, ["replayed"])


def test_two_masters(site):
    first, second = site.options, site.options | {"timeout_ms": 5001}
    for version, revision in (("2", 2), ("3", 3), ("4", 4)):
        site.approve(version)
        for options in (first, second, first, second):
            site.options = options
            assert site.returned(revision, version) == [CONVERGED]


def test_what_nobody_signed(site):
    jid = site.publish()
    assert site.record(jid, site.evidence(1, "1") | {"mac": "0" * 64}) == "recorded"
    assert site.stored(jid)[0][1] is False
    assert site.returned() == [CONVERGED]


def test_a_document_that_changes_each_time(site):
    with site.database.connect() as connection:
        connection.execute(EVER_NEW)
    jid = site.publish()
    with pytest.raises(_core.Error, match="changed each time") as failed:
        site.record(jid, site.evidence(1, "1"))
    assert failed.value.code == "timeout"
    assert site.stored(jid) == []
