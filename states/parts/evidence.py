"""Evidence: the report of one run, under a mac that only a minion with this document can make."""

import hashlib
import hmac
import uuid

from .commands import _shorten
from .document import KINDS, _field, _in_order

EVIDENCE_FORMAT = 2
# Evidence also tells the outcome of actions, and when services were last started.
TOLD = {**KINDS, "action": "actions", "start": "starts"}
# The sections of evidence, in the order in which its mac covers them.
SECTIONS = ("observed", "before", "meets", "errors", "notes")


def _boot_id():
    """The text that tells one boot of this machine from the next."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return f"boot-{__salt__['ps.boot_time']()}"


def _sayable(sections):
    """``sections`` (plural kind -> name -> text) without empty ones, each text as evidence can carry it."""
    return {
        plural: {name: _shorten(why.encode("utf-8", "replace").decode()) for name, why in texts.items()}
        for plural, texts in sections.items()
        if texts
    }


def _evidence(document, observed, before, errors=(), notes=(), met=()):
    """
    The evidence of one run, under the document's key.

    Each section is plural kind -> name -> text.

    observed
        The state at the end.
    before
        The state before the resource was first applied.
    errors
        The reason why a resource is not as approved, or could not be read.
    notes
        Remarks about a resource, whether or not it is as approved.
    met
        The approved text of a resource that is as approved, but spelled otherwise.
    """
    evidence = {
        "format": EVIDENCE_FORMAT,
        "minion": document.minion,
        "revision": document.revision,
        "digest": document.digest,
        "run_id": uuid.uuid4().hex,
        "boot_id": _boot_id(),
        "observed": observed,
        "before": before,
    }
    if any(dict(met).values()):
        evidence["meets"] = dict(met)
    for section, said in (("errors", _sayable(dict(errors))), ("notes", _sayable(dict(notes)))):
        if said:
            evidence[section] = said
    evidence["mac"] = _mac(document.evidence_key, evidence)
    return evidence


def _mac(key, evidence):
    """The message authentication code of ``evidence`` under the 32 bytes ``key``, as hex text."""
    parts = ["apv2-evidence", evidence["minion"], str(evidence["revision"])]
    parts += [evidence["digest"], evidence["run_id"], evidence["boot_id"]]
    for section in SECTIONS:
        found = [
            (kind, name, value)
            for kind, plural in TOLD.items()
            for name, value in evidence.get(section, {}).get(plural, {}).items()
        ]
        parts.append(str(len(found)))
        for item in _in_order(found):
            parts.extend(item)
    return hmac.new(key, b"".join(map(_field, parts)), hashlib.sha256).hexdigest()
