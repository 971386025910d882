"""Salt lets a minion return as another (`resource_id`). Such a return must move nothing, however right it looks."""

import json
import pathlib
import secrets

from lab import wait_until
from minion_root import SALT

from saltext.approval import _core

APPROVED = {"acme-probe": "0.9-1"}
SENDER = (pathlib.Path(__file__).parent / "send_return.py").read_text()


def forged_load(victim, document, key):
    """A highstate return of the victim that claims to have converged on its document, signed with `key`."""
    evidence = {
        "format": 1,
        "minion": victim,
        "revision": document["revision"],
        "digest": document["digest"],
        "run_id": secrets.token_hex(16),
        "boot_id": "forged",
        "observed": {"packages": APPROVED},
        "before": {"packages": dict.fromkeys(APPROVED)},
        "errors": {},
    }
    evidence["mac"] = _core.mac(key, evidence)
    chunk = {
        "name": "approval",
        "result": True,
        "changes": {},
        "comment": "The minion is in its approved state.",
        "approval": evidence,
        "__sls__": "approval",
        "__run_num__": 0,
        "__id__": "approval",
    }
    return {
        "resource_id": victim,
        "fun": "state.highstate",
        "fun_args": [],
        "return": {"approval_|-approval_|-approval_|-converged": chunk},
        "retcode": 0,
        "success": True,
    }


def test_return_of_another_minion_moves_nothing(lab, approve):
    victim, attacker = lab.minions["web1"], lab.minions["db1"]
    number = approve(victim.id, APPROVED)
    document = exported(lab, victim.id)
    # A job that the victim was really asked to do, whose number the attacker knows.
    jid = lab.database.query("SELECT max(jid) FROM approval.job WHERE minions @> '{web1}'")
    genuine = wait_until(lambda: lab.stored_return(jid, victim.id), "the return of the victim itself")

    load = {"jid": jid, **forged_load(victim.id, document, secrets.token_hex(32))}
    attacker.run(f"{SALT}/bin/python", "-c", SENDER, text=json.dumps(load))

    stored = wait_until(lambda: added(lab.stored_return(jid, victim.id), genuine), "the forged return")
    assert stored.endswith("|f"), "it is kept, and flagged as not authenticated"
    request = lab.show(number)
    assert request["state"] == "approved"
    assert [item["outcome"] for item in request["items"]] == ["waiting"]
    assert "acme-probe" not in victim.packages()


def test_the_same_evidence_from_the_minion_itself_counts(lab, approve):
    """The counterpart: what the forged return lacks is the key and nothing else."""
    number = approve("db1", APPROVED)
    document = exported(lab, "db1")
    jid = lab.database.query("SELECT max(jid) FROM approval.job WHERE minions @> '{db1}'")
    wait_until(lambda: lab.stored_return(jid, "db1"), "the return of the minion itself")

    load = {"jid": jid, **forged_load("db1", document, document["evidence_key"])}
    lab.minions["db1"].run(f"{SALT}/bin/python", "-c", SENDER, text=json.dumps(load))

    assert lab.settled(number)["state"] == "converged"


def exported(lab, minion_id):
    """The head of the minion's pillar, and the key that is for that minion alone."""
    query = (
        "SELECT revision, digest, encode(evidence_key, 'hex') FROM approval.exported_document "
        f"WHERE minion_id = '{minion_id}' AND valid_from <= now() ORDER BY valid_from DESC LIMIT 1"
    )
    revision, digest, key = lab.database.query(query).split("|")
    return {"revision": int(revision), "digest": digest, "evidence_key": key}


def added(stored, before):
    """The lines of `stored` after those that were there before."""
    return stored.removeprefix(before).strip()
