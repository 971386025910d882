"""The document: the approved state of this minion, as its pillar gives it, checked against its digest."""

import hashlib
import json
import re
import struct
from typing import NamedTuple

import salt.utils.platform

LATEST = "latest"
KINDS = {"package": "packages", "service": "services", "value": "values"}
SERVICE_STATES = ("running", "dead")
# Services of Windows have spaces in their names; elsewhere tools would take the text behind one for another word.
NAME = re.compile(r"[A-Za-z0-9](?:[^\s*?\[\]]" + (r"| (?=[^\s])" if salt.utils.platform.is_windows() else "") + r")*")


class _Refused(Exception):
    """The pillar is no approved state of this minion; the text says why."""


class _Document(NamedTuple):
    """The approved state of this minion, as its pillar gives it, checked."""

    minion: str
    revision: int
    digest: str
    evidence_key: bytes
    packages: dict
    services: dict
    values: dict  # name -> canonical JSON text
    unusable: dict  # plural kind -> name -> why the approved item is in none of the above


def _field(text):
    """``text`` as a field of a digest: its UTF-8 bytes behind their length; None has no bytes."""
    if text is None:
        return b"\xff\xff\xff\xff"
    data = text.encode()
    return struct.pack(">I", len(data)) + data


def _canonical(value):
    """The one JSON text of ``value``."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _in_order(items):
    """``items`` in the order in which a digest or a mac covers them: by kind, then by name, as bytes."""
    return sorted(items, key=lambda item: (item[0].encode(), item[1].encode()))


def _digest(minion, revision, items):
    """
    The digest of a document.

    minion
        The minion's id.
    revision
        The number of the document.
    items
        (kind, name, type, value) of each resource, in any order; the value is text or None.
    """
    hashed = hashlib.sha256(_field("apv1") + _field(minion) + _field(str(revision)))
    for item in _in_order(items):
        for part in item:
            hashed.update(_field(part))
    return "sha256:" + hashed.hexdigest()


def _items(packages, services, values):
    """The resources of a document, as :func:`_digest` takes them."""
    for name, want in packages.items():
        kind = {None: "absent", LATEST: LATEST}.get(want, "version")
        yield "package", name, kind, want
    for name, want in services.items():
        yield "service", name, "state", want
    for name, text in values.items():
        yield "value", name, "json", text


def _section(pillar, plural):
    """The mapping ``plural`` of the approved state in ``pillar``."""
    section = pillar.get(plural)
    if not isinstance(section, dict) or not all(isinstance(name, str) for name in section):
        raise _Refused(f"its {plural} are not a mapping of names")
    return dict(section)


def _texts(section, of):
    """``section``, of whose resources each has a text; raises _Refused, naming it as ``of`` of one, if not."""
    for name, want in section.items():
        if not isinstance(want, str):
            raise _Refused(f"{of} {name} is not text")
    return section


def _unreadable(pillar, values):
    """name -> stored text of the values that the master could not put among ``values`` as they are."""
    kinds = pillar.get("unreadable", {})
    if not isinstance(kinds, dict) or kinds.keys() - {"values"}:
        raise _Refused("it holds what this version of its state does not know")
    texts = _texts(_section({"values": {}, **kinds}, "values"), "the text of value")
    if texts.keys() & values.keys():
        raise _Refused("it has a value twice")
    return texts


def _unusable(packages, services, texts):
    """plural kind -> name -> why, of the resources that are approved, and cannot be used here."""
    why = {"packages": {}, "services": {}, "values": {}}
    for plural, section in (("packages", packages), ("services", services)):
        for name in section:
            if not NAME.fullmatch(name):
                why[plural][name] = "a command could take its name for an option or a pattern"
    for name, want in packages.items():
        if want == "":
            why["packages"][name] = "its version is empty"
    for name, want in services.items():
        if want not in SERVICE_STATES:
            why["services"][name] = f"a service can be running or dead, not {want!r}"
    for name in texts:
        why["values"][name] = (
            "its value holds what Salt cannot carry, such as a number beyond 64 bits or JSON in another spelling: "
            "ask for it anew"
        )
    return why


def _document(pillar_key):
    """The approved state in the pillar under ``pillar_key``; raises _Refused unless it is sound."""
    if __pillar__.get("_errors"):
        raise _Refused("the pillar was rendered with errors")
    pillar = __pillar__.get(pillar_key)
    if pillar is None:
        raise _Refused(f"the pillar has no key {pillar_key!r}; the master's ext_pillar provides it")
    if not isinstance(pillar, dict):
        raise _Refused(f"the pillar key {pillar_key!r} is not a mapping")

    minion, revision, digest = (pillar.get(key) for key in ("minion", "revision", "digest"))
    if minion != __opts__["id"]:
        raise _Refused("it was made for another minion")
    if isinstance(revision, bool) or not isinstance(revision, int) or revision < 0:
        raise _Refused("it has no revision")

    packages = _section(pillar, "packages")
    _texts({name: want for name, want in packages.items() if want is not None}, "the version of package")
    services = _texts(_section(pillar, "services"), "the state of service")
    try:
        values = {name: _canonical(value) for name, value in _section(pillar, "values").items()}
        texts = _unreadable(pillar, values)
        found = _digest(minion, revision, _items(packages, services, {**values, **texts}))
    except (TypeError, ValueError) as exc:
        raise _Refused("it holds what JSON or UTF-8 cannot express") from exc
    if not isinstance(digest, str) or digest != found:
        raise _Refused(
            "its content does not match its digest, as when pillar was given on the command line "
            "or merged from another source"
        )

    if revision == 0:
        if packages or services or values or texts:
            raise _Refused("it has resources but no revision")
        return _Document(minion, 0, digest, b"", {}, {}, {}, {})
    try:
        key = bytes.fromhex(pillar.get("evidence_key"))
    except (TypeError, ValueError):
        key = b""
    if len(key) != 32:
        raise _Refused("it has no usable evidence key")
    unusable = _unusable(packages, services, texts)
    packages = {name: want for name, want in packages.items() if name not in unusable["packages"]}
    services = {name: want for name, want in services.items() if name not in unusable["services"]}
    return _Document(minion, revision, digest, key, packages, services, values, unusable)


def _with_unusable(document, errors):
    """``errors`` (plural kind -> name -> why) and the items of ``document`` that cannot be used."""
    return {plural: {**errors.get(plural, {}), **why} for plural, why in document.unusable.items()}
