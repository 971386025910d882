"""
Ask for packages on minions, approve or reject what others ask for, and see what came of it.

.. code-block:: yaml

    approval:
      runner:
        dsn_file: /etc/salt/approval/runner.dsn
        provider: salt        # whose user names these are; an identity is provider:user

The caller is the user whom Salt names. As root on the master can claim to be anyone, what is decided here
counts as ``asserted``. A request type may demand more: ``salt-approval`` with one's own PostgreSQL login.

Answers leave out what is not known yet. A refusal is one sentence, with exit code 1.
"""

import salt.exceptions

__virtualname__ = "approval"
__func_alias__ = {"list_": "list"}


def __virtual__():
    return __virtualname__


def types():
    """
    Which kinds of request there are, who may make them, and which approvals they need.

        salt-run approval.types
    """
    return _call("types")


def request(request_type=None, minions=None, packages=None, reason=None, after=None, external_ref=None):
    """
    Ask for packages on minions.

    request_type: one of approval.types.
    minions: a list of exact ids; patterns are not expanded.
    packages: a mapping of name to version, latest or absent. Quote what looks like a number.
    reason: why, for those who approve.
    after: not before this time; ISO 8601, UTC where no zone is named.
    external_ref: the key of a ticket; the same key again is the same request.

        salt-run approval.request package minions='[web1, web2]' packages='{hello: 2.10-3}' reason=CHG-7
        salt-run approval.request package minions=web1 packages='{vim: "9.1", vlc: absent}' reason=CHG-8 \\
            after=2026-12-01T20:00+01:00 external_ref=CHG-8
    """
    return _call("request", request_type, minions, packages, reason, after, external_ref)


def list_(state=None, minion=None, limit=50):
    """
    The newest requests, of one state or one minion if given.

        salt-run approval.list
        salt-run approval.list state=pending minion=web1
    """
    return _call("list", state, minion, limit)


def show(request_id=None):
    """
    One request: its items, its chain, who decided, and what the minions proved.

        salt-run approval.show 7
    """
    return _call("show", request_id)


def approve(request_id=None, comment="", digest=None):
    """
    Approve the stage that a request waits at.

    digest: of the items, as approval.show gave it; refused if they have changed since.

        salt-run approval.approve 7
        salt-run approval.approve 7 comment='tested on staging' digest=sha256:...
    """
    return _call("approve", request_id, comment, digest)


def reject(request_id=None, comment="", digest=None):
    """
    Reject a request, which ends it.

        salt-run approval.reject 7 comment='not this week'
    """
    return _call("reject", request_id, comment, digest)


def cancel(request_id=None, comment=""):
    """
    Take back a request of one's own that is not in force yet.

        salt-run approval.cancel 7
    """
    return _call("cancel", request_id, comment)


def state(minion=None):
    """
    What is approved for a minion, now and at known later times, and what it last proved.

        salt-run approval.state web1
    """
    return _call("state", minion)


def minions():
    """
    The minions that requests may name.

        salt-run approval.minions
    """
    return _call("minions")


def sync_minions():
    """
    Make every minion whose key is accepted known to the approval database.

        salt-run approval.sync_minions
    """
    import salt.key

    with salt.key.get_key(__opts__) as keys:
        return _call("add_minions", keys.list_keys()["minions"])


def audit(request_id=None):
    """
    Every act on a request, oldest first.

        salt-run approval.audit 7
    """
    return _call("audit", request_id)


def verify_audit():
    """
    Check the audit's chains; lists each broken place, and nothing when all is whole.

        salt-run approval.verify_audit
    """
    return _call("verify_audit")


def _call(method, *args):
    # Imported here, since Salt loads every runner module for every runner call.
    from saltext.approval.client import operator, without_nulls
    from saltext.approval.errors import ApprovalError

    try:
        with operator(__opts__, globals().get("__user__")) as client:
            return without_nulls(getattr(client, method)(*args))
    except ApprovalError as exc:
        # The one exception whose text Salt shows as it is, with exit code 1; any other becomes a traceback.
        raise salt.exceptions.NotImplemented(str(exc)) from None
