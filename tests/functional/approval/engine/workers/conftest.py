"""A master with actions to send, whose jobs go nowhere, and minions that return."""

import pytest

from saltext.approval import _core, config, db
from saltext.approval.jobs import packing
from saltext.approval.master import publisher
from saltext.approval.policy import loader

TYPES = """
types:
  restart:
    kind: action
    action: {function: service.restart}
    parameters: {properties: {name: {type: string}}, required: [name]}
    requesters: ["*"]
    pre_approved: true
    chain: []
  flush:
    kind: action
    action: {function: cache.flush, kwarg: {all: true}}
    returns: {type: object, required: [freed]}
    requesters: ["*"]
    pre_approved: true
    chain: []
  reboot:
    kind: action
    action: {function: system.reboot, kwarg: {in_seconds: false}}
    parameters: {properties: {at_time: {type: integer}}}
    requesters: ["*"]
    pre_approved: true
    chain: []
  at-once:
    kind: package
    dispatch: true
    requesters: ["*"]
    pre_approved: true
    chain: []
"""


class Published:
    """
    The published jobs: a list of (jid, minions, function, arg, kwarg); ``error`` is raised instead. The keys of
    ``lost`` minions are accepted no more when a job is published.
    """

    def __init__(self):
        self.jobs = []
        self.error = None
        self.lost = set()

    def __call__(self, opts, jid, minions, function, arg, kwarg):
        if self.error:
            raise self.error
        reached = [minion for minion in minions if minion not in self.lost]
        self.jobs.append((jid, reached, function, list(arg), kwarg))
        return reached


@pytest.fixture
def published(monkeypatch, master_opts, accept_key):
    """Stands in for Salt's client; a Published. The keys of two minions are accepted."""
    published = Published()
    monkeypatch.setattr(publisher, "publish", published)
    for minion in ("web1", "web2"):
        accept_key(master_opts(), minion)
    return published


@pytest.fixture
def acting(approved, client):
    """A Client of alice, on a database with TYPES."""
    with db.connect(config.Connection(approved.dsn("policy_admin"))) as conn:
        loader.load(conn, loader.parse(TYPES))
    return client("alice")


@pytest.fixture
def returned(approved):
    """
    A function that stores a job and its return with this evidence, authentic or not, as the returner would. Tests
    of the returner show that evidence without a valid mac is never authentic.
    """

    def store(jid, minion, evidence, boot="boot-1", authentic=True):
        load = {"jid": jid, "id": minion, "return": {"approval_|-x_|-x_|-performed": {"approval": evidence}}}
        approved.execute(
            "INSERT INTO approval.job VALUES (%s, 'state.single', %s, 'list', 'root', ARRAY[%s], '', false, "
            "clock_timestamp(), NULL)",
            (jid, minion, minion),
        )
        approved.execute(
            "INSERT INTO approval.job_return (jid, minion_id, attempt, fun, retcode, success, verdict, "
            "authenticated, flags, run_id, boot_id, received_at, payload_digest, payload) "
            "VALUES (%s, %s, 1, 'state.single', 0, true, 'converged', "
            "%s, '{}', %s, %s, clock_timestamp(), '', %s)",
            (jid, minion, authentic, jid, boot, _core.compress(packing.pack(load))),
        )

    return store
