# Made of states/parts by tools/amalgamate.py: edit those, then run `make amalgamate`.
"""
Bring a minion to its approved state
====================================

The approved state of a minion is a document in its pillar: packages with exact versions, ``latest``
or absent; services running or dead; values. :func:`converged` applies it, reads back what is really
there, and returns that as evidence, which the master compares with what was approved.
:func:`observed` only reads, and :func:`performed` runs one approved action; both return evidence too.

This file runs on minions: it needs the standard library and Salt (3006 or later), nothing else.
"""

import collections
import contextlib
import fnmatch
import functools
import hashlib
import hmac
import itertools
import json
import logging
import os
import re
import struct
import tempfile
import time
import uuid
import xml.etree.ElementTree
from typing import NamedTuple

import salt.utils.data
import salt.utils.path
import salt.utils.pkg.rpm
import salt.utils.platform
import salt.utils.versions
from salt.exceptions import CommandExecutionError

# ----------------------------------------------------------------------------------------- commands


REASON_LENGTH = 500  # characters
# Lines of package managers that begin so explain nothing.
CHATTER = ("WARNING:", "debconf:", "E: Can not write log", "N: ", "W: ")
# dnf and yum count their steps in lines like this.
PROGRESS = re.compile(r".* \d+/\d+$")


def _run(command):
    """The answer of cmd.run_all for the words of a command that may fail."""
    return __salt__["cmd.run_all"](command, python_shell=False, ignore_retcode=True, output_loglevel="trace")


def _reason(exc):
    """The words of a package manager, taken from the exception that a Salt module made of them."""
    info = getattr(exc, "info", None)
    said = info.get("errors") if isinstance(info, dict) else None
    text = "\n".join(map(str, said)) if said else getattr(exc, "error", "") or str(exc)
    lines = [line.strip() for line in text.splitlines()]
    lines = _faults([line for line in lines if line and not line.startswith(CHATTER)])
    return _shorten("; ".join(lines).replace(":; ", ": ") or type(exc).__name__)


def _faults(lines):
    """The failures in the account that a package manager gives of a transaction; ``lines`` if they are no account."""
    failed = [number for number, line in enumerate(lines) if "scriptlet failed" in line]
    # A script speaks for itself in the line above.
    said = [line for number in failed for line in lines[max(number - 1, 0) : number + 1] if not PROGRESS.match(line)]
    if not any(line.startswith("Transaction Summary") for line in lines):
        return said or lines
    first = next((number for number, line in enumerate(lines) if line.startswith(("Error:", "Failed to"))), len(lines))
    return [*said, *lines[first:]] or lines[-3:]


def _shorten(text):
    """``text`` cut to what evidence carries for one resource."""
    return text if len(text) <= REASON_LENGTH else text[: REASON_LENGTH - 3] + "..."


# ----------------------------------------------------------------------------------------- document


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


# ----------------------------------------------------------------------------------------- evidence


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


# ------------------------------------------------------------------------------------------- memory


log = logging.getLogger(__name__)
MEMORY_FORMAT = 1  # of the file that _remember() writes


def _remember(document, found, unread=()):
    """
    The states before this minion first applied each item: plural kind -> name -> state.

    found
        plural kind -> name -> state now, read before anything is changed.
    unread
        Services whose state cannot be read now: a later reading may show the work of this run, and is
        never taken for the state before.

    The states are kept in the minion's cache, so that neither a return that gets lost nor a second run
    takes the first one away. An entry belongs to one approved value of one resource: another value, or a
    resource no longer approved, ends it. Raises OSError if the file cannot be written.
    """
    path = _memory()
    kept = _remembered(path, document.minion)
    entries = _entries(document, kept, found, unread)
    if entries != kept:
        items = {}
        for (plural, name), entry in entries.items():
            items.setdefault(plural, {})[name] = entry
        store = {"format": MEMORY_FORMAT, "minion": document.minion, "items": items}
        _write(path, json.dumps(store, sort_keys=True))
    return _before(entries)


def _memory():
    """The file of _remember()."""
    return os.path.join(__opts__["cachedir"], "approval_before.json")


def _remembered(path, minion):
    """The entries that _remember() kept in the file ``path``; none if it has no sound ones."""
    try:
        with open(path, encoding="utf-8") as file:
            store = json.load(file)
        if store["format"] != MEMORY_FORMAT or store["minion"] != minion:
            return {}
        return {
            (plural, name): {"approved": entry["approved"], "before": entry["before"]}
            if "before" in entry
            else {"approved": entry["approved"]}
            for plural, names in store["items"].items()
            for name, entry in names.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        log.warning("approval: %s is unreadable and is written anew", path)
        return {}


def _entries(document, kept, found, unread=()):
    """
    The entries of ``kept`` that still hold for ``document``, and new ones for the rest of ``found``. The entry of
    a service in ``unread`` has no state before.
    """
    entries = {}
    for plural in ("packages", "services"):
        for name, approved in getattr(document, plural).items():
            entry = kept.get((plural, name))
            if entry is None or entry["approved"] != approved:
                entry = {"approved": approved}
                if name in found.get(plural, {}):
                    entry["before"] = found[plural][name]
                elif plural == "packages" or name not in unread:
                    continue
            entries[plural, name] = entry
    return entries


def _before(entries):
    """The section ``before`` of evidence."""
    before = {}
    for (plural, name), entry in entries.items():
        if "before" in entry:
            before.setdefault(plural, {})[name] = entry["before"]
    return before


def _write(path, text):
    """Replace the file at ``path`` as a whole; readable by its owner only."""
    handle, scratch = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".approval_")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    except OSError:
        os.unlink(scratch)
        raise


# ----------------------------------------------------------------------------------------- packages


LOCK_POLL_SECONDS = 1.0
# Package managers say in one of these ways that another process is using their database.
LOCK_TEXT = re.compile(
    r"could not get lock|unable to (acquire|lock)|is locked by|another app is currently holding"
    r"|existing lock|resource temporarily unavailable",
    re.IGNORECASE,
)
# This sentence stands in a plan where the package manager foretells nothing.
UNTOLD = "The package manager does not tell beforehand what else would change or be replaced by these packages."


class _Blocked(Exception):
    """A transaction must not, or cannot, be carried out; the text says why."""


class _Locked(Exception):
    """The package manager stayed in the hands of another process."""


class _Package(NamedTuple):
    """An approved package: ``want`` is a version, a pattern of one, ``latest``, or None for absent."""

    name: str
    want: str | None

    @property
    def exact(self):
        """Whether just one version will do."""
        return self.want not in (None, LATEST) and "*" not in self.want


def _without_zero_epoch(version):
    """A version without an epoch of 0, which is the same as none."""
    return version[2:] if version.startswith("0:") and ":" not in version[2:] else version


class _PackageManager:
    """
    The packages of this minion through Salt's ``pkg`` functions, as every platform has them.

    ``found`` has the installed packages, name -> versions, as of the last read(). A name here is a *key*:
    the spelling that the platform's list uses for an approved name (``hello`` for ``hello:amd64``).
    """

    batches = True  # one transaction can change many packages

    def __init__(self, packages, purge, lock_timeout):
        self.items = [_Package(name, want) for name, want in sorted(packages.items())]
        self.purge = purge
        self.found = {}
        self._patience = lock_timeout  # seconds that this run still waits for locks
        self._compared = {}
        self._plans = {}  # (action, items) -> what simulate() said, since the last read()
        self.progress = 0  # the largest count of items that were as approved at one time
        self.tried = {}  # item -> the progress when it last failed
        self.remarks = set()  # sentences about the limits of plans
        self.notes = {}  # key -> a remark about a package that was changed

    # reading

    def read(self):
        """Ask the system what is installed; never a list that Salt has cached."""
        self._plans = {}
        self.found = __salt__["pkg.list_pkgs"](versions_as_list=True, use_context=False)

    def key(self, name):
        """The name in ``found`` of the approved package ``name``."""
        normalize = __salt__.get("pkg.normalize_name")
        return normalize(name) if normalize else name

    @functools.cached_property
    def held(self):
        """The keys of the packages that the administrator has put on hold."""
        if "pkg.list_holds" in __salt__:
            # pkg.list_holds raises where the plugin that could hold packages is not installed.
            with contextlib.suppress(Exception):
                return {self.key(name) for name in __salt__["pkg.list_holds"](full=False)}
        return set()

    def is_held(self, item):
        """Whether the administrator has put the package of ``item`` on hold."""
        return self.key(item.name) in self.held

    @staticmethod
    def hidden(name):
        """The reason why nobody can see whether the package ``name`` is installed; no text where one can."""
        return ""

    @staticmethod
    def path(name, meant):
        """The text of hidden() for package managers that take a name with a slash for ``meant``."""
        return f"no package can have this name: the package manager would take it for {meant}" if "/" in name else ""

    def compare(self, one, other):
        """-1, 0 or 1 as the platform orders two versions; None where it cannot say."""
        if one == other:
            return 0
        if (one, other) not in self._compared:
            self._compared[one, other] = self._compare(one, other)
        return self._compared[one, other]

    def _compare(self, one, other):
        if "pkg.version_cmp" in __salt__:
            return __salt__["pkg.version_cmp"](one, other)
        return None

    def meets(self, want, version):
        """Whether ``version`` is the version ``want``, fits it as a pattern, or that is ``latest``."""
        if "*" in want:
            return self.fits(want, version)
        return want == LATEST or self.same(want, version)

    def same(self, want, version):
        """Whether ``version`` is the version ``want``, however it is spelled."""
        return _without_zero_epoch(want) == _without_zero_epoch(version)

    def fits(self, want, version):
        """Whether ``version`` is one of those that the pattern ``want`` stands for."""
        return fnmatch.fnmatchcase(version, want)

    def installed(self, item):
        """The version of ``item`` that is there, or None; of several the approved or the newest."""
        versions = self.found.get(self.key(item.name))
        if not versions:
            return None
        if item.want not in (None, LATEST):
            for version in versions:
                if self.meets(item.want, version):
                    return version
        newer = functools.cmp_to_key(lambda one, other: self.compare(one, other) or 0)
        return max(versions, key=newer)

    def satisfied(self, item):
        """Whether ``item`` is as approved."""
        version = self.installed(item)
        if item.want is None:
            return version is None
        if version is None:
            return False
        return self.meets(item.want, version)

    def observed(self, item):
        """The version of ``item`` for evidence: the one found, as the platform spells it, or None."""
        return self.installed(item)

    def met(self):
        """
        name -> the approved text of each package that is as approved although its version is spelled
        otherwise: only the platform knows which spellings mean the same.
        """
        met = {}
        for item in self.items:
            version = None if item.want in (None, LATEST) else self.installed(item)
            if version is None or not self.meets(item.want, version):
                continue
            if not fnmatch.fnmatchcase(version, item.want):
                met[item.name] = item.want
        return met

    def noted(self):
        """name -> remarks about an approved package."""
        noted = {}
        for item in self.items:
            key = self.key(item.name)
            others = [version for version in self.found.get(key, []) if version != self.installed(item)]
            said = [self.notes[key]] if key in self.notes else []
            if others and item.exact:
                said.append(f"also installed in version {', '.join(others)}")
            if said:
                noted[item.name] = "; ".join(said)
        return noted

    def flat(self):
        """``found`` with versions as text, as Salt writes changes."""
        return {name: ",".join(versions) for name, versions in self.found.items()}

    # changing

    def review(self, items):
        """After a transaction: read what is installed, and return which of ``items`` are not."""
        self.read()
        self.progress = max(self.progress, sum(map(self.satisfied, self.items)))
        return [item for item in items if not self.satisfied(item)]

    def failed(self, items):
        """Note that ``items`` failed, and did so with what has been reached by now."""
        self.tried.update(dict.fromkeys(items, self.progress))

    def worth_retrying(self, items):
        """Those of ``items`` that failed before others got through, which they may have needed."""
        return [item for item in items if self.tried.get(item, 0) < self.progress]

    def namesakes(self):
        """The lists of items that are one package under several approved names."""
        groups = collections.defaultdict(list)
        for item in self.items:
            groups[self.key(item.name)].append(item)
        return [group for group in groups.values() if len(group) > 1]

    def leader(self, group):
        """The one of these namesakes that says best what all of them want; None if they want different things."""
        for item in group:
            if all(
                item.want == other.want or (None not in (item.want, other.want) and self.meets(other.want, item.want))
                for other in group
            ):
                return item
        return None

    def action(self, item):
        """The action that brings ``item`` to its approved state: install, downgrade or remove."""
        if item.want is None:
            return "remove"
        version = self.installed(item)
        target = None if version is None else self.target(item)
        if target is not None and self.compare(target, version) == -1:
            return "downgrade"
        return "install"

    def target(self, item):
        """The version that ``item`` is to be brought to, or None where that cannot be said beforehand."""
        return item.want if item.exact else None

    def check(self, action, items):
        """
        The changes that a transaction with ``action`` on ``items`` would make: key -> the version it
        will have, or None where it goes. Raises _Blocked if the transaction cannot be carried out, or
        would take an approved state away. Changes nothing.
        """
        if (action, *items) not in self._plans:
            self._plans[(action, *items)] = self.simulate(action, items)
        plan = self._plans[(action, *items)]
        asked = {self.key(item.name) for item in items}
        for other in self.items:
            if self.key(other.name) not in asked:
                self.check_other(other, plan)
        for key in sorted(self.held & plan.keys()):
            raise _Blocked(f"it would change {key}, which is on hold")
        return plan

    def simulate(self, action, items):
        """
        The changes of check(), as far as the platform can tell them; this one foretells the items alone.
        """
        self.remarks.add(UNTOLD)
        return {self.key(item.name): item.want for item in items}

    def check_other(self, other, plan):
        """Raise if ``plan`` would take the approved package ``other`` out of its state."""
        key = self.key(other.name)
        if key not in plan:
            return
        version = plan[key]
        if version is None:
            if other.want is not None:
                raise _Blocked(f"it would also remove {other.name}, which is approved")
        elif other.want is None:
            raise _Blocked(f"it needs {other.name}, which is approved to be absent")
        elif not self.meets(other.want, version):
            raise _Blocked(f"it would also bring {other.name} to {version}, and {other.want} is approved")

    def refresh(self):
        """Fetch the lists of available packages; returns why that failed, or None."""
        self.wait()
        try:
            __salt__["pkg.refresh_db"]()
        except Exception as exc:
            return _reason(exc)
        return None

    def transact(self, action, items):
        """Carry out ``action`` on ``items`` in one transaction; raises whatever stopped it."""
        self.check(action, items)
        while True:
            self.wait()
            try:
                self.apply(action, items)
                return
            except Exception as exc:
                if not LOCK_TEXT.search(str(exc)):
                    raise
                self.pause(_reason(exc))

    def apply(self, action, items):
        """One call of Salt's package function for ``action``."""
        keys = [self.key(item.name) for item in items]
        if action == "remove":
            __salt__["pkg.purge" if self.purge else "pkg.remove"](pkgs=keys)
            return
        # Salt compares the version it is given with the installed one: the foretold one has its epoch.
        plan = self.check(action, items)
        pkgs = [key if item.want == LATEST else {key: plan[key]} for key, item in zip(keys, items, strict=True)]
        __salt__["pkg.install"](pkgs=pkgs, refresh=False)

    def wait(self):
        """Return once no other process uses the package manager, where that can be seen."""

    def pause(self, why):
        """Wait a little for a lock; raises _Locked when the run has waited long enough."""
        if self._patience <= 0:
            raise _Locked(f"the package manager stayed locked: {why}")
        nap = min(LOCK_POLL_SECONDS, self._patience)
        self._patience -= nap
        time.sleep(nap)


# ---------------------------------------------------------------------------------------------- apt


try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class _Apt(_PackageManager):
    """Debian and its kin. apt can tell beforehand exactly what a transaction would do."""

    LOCKS = (
        "/var/lib/dpkg/lock-frontend",
        "/var/lib/dpkg/lock",
        "/var/cache/apt/archives/lock",
        "/var/lib/apt/lists/lock",
    )
    STATUS = "${db:Status-Status}\t${Package}:${Architecture}\t${Version}\n"
    STEP = re.compile(r"^(Inst|Conf|Remv|Purg) (\S+)(?: \[\S+\])?(?: \(([^\s)]+))?")

    @classmethod
    def hidden(cls, name):
        return cls.path(name, "a package and its release")

    def __init__(self, packages, purge, lock_timeout):
        super().__init__(packages, purge, lock_timeout)
        self.broken = {}  # key -> "version (status)" of a package neither installed nor absent
        self._foreign = {}  # name of a package that has to be absent -> key of the one of another architecture

    def read(self):
        # pkg.list_pkgs leaves a package whose configuration failed out, and takes a half installed
        # one for installed. Neither is there, and neither is gone. A database that cannot be read
        # looks to it like one without packages.
        super().read()
        self.broken = {}
        query = ["dpkg-query", "--showformat", self.STATUS, "--show"]
        listed = _run(query)
        if listed["retcode"] != 0:
            raise CommandExecutionError(listed["stderr"] or "dpkg-query fails")
        for line in listed["stdout"].splitlines():
            status, name, version = line.split("\t")
            key = self.key(name)
            if status in ("half-installed", "unpacked", "half-configured"):
                self.found.pop(key, None)
                self.broken[key] = f"{version} ({status})"
            elif status in ("installed", "triggers-awaited", "triggers-pending"):
                self.found.setdefault(key, [version])
        self._foreign = {}
        there, named = self.found.keys() | self.broken.keys(), {item.name for item in self.items}
        for item in self.items:
            if item.want is None and self.key(item.name) not in there:
                others = sorted(key for key in there - named if key.rpartition(":")[0] == item.name)
                self._foreign.update(dict.fromkeys([item.name], others[0]) if others else {})

    def key(self, name):
        # A package that has to be absent, without a word of its architecture, must be there in none.
        return self._foreign.get(name) or super().key(name)

    def satisfied(self, item):
        return super().satisfied(item) and not (item.want is None and self.key(item.name) in self.broken)

    def observed(self, item):
        # The remains of a package that has to be gone are a finding.
        if item.want is None:
            return self.broken.get(self.key(item.name)) or super().observed(item)
        return super().observed(item)

    def flat(self):
        return {**super().flat(), **self.broken}

    @functools.cached_property
    def held(self):
        selections = __salt__["pkg.get_selections"](state="hold")
        return {self.key(name) for name in selections.get("hold", [])}

    def simulate(self, action, items):
        command = ["apt-get", "-q", "-y", "-s", "-o", "Debug::NoLocking=1"]
        if action == "remove":
            command.append("purge" if self.purge else "remove")
            command += [self.key(item.name) for item in items]
        else:
            command += ["--allow-downgrades"] if action == "downgrade" else []
            command.append("install")
            for item in items:
                version = "" if item.want == LATEST else f"={_without_zero_epoch(item.want)}"
                command.append(self.key(item.name) + version)
        out = _run(command)
        if out["retcode"] != 0:
            raise _Blocked(self.complaint(out))
        plan = {}
        for step in filter(None, map(self.STEP.match, out["stdout"].splitlines())):
            verb, name, version = step.groups()
            key = self.key(name)
            if verb == "Conf":
                plan.setdefault(key, version)
            else:
                plan[key] = version if verb == "Inst" else None
        for item in items:
            self.check_item(item, plan)
        return plan

    @staticmethod
    def complaint(out):
        """The reasons of apt not to do it: the dependencies that are not met, and its errors."""
        unmet = out["stdout"].partition("unmet dependencies:\n")[2]
        lines = [" ".join(line.split()) for line in (unmet + "\n" + out["stderr"]).splitlines()]
        said = [line for line in lines if line and not line.startswith(CHATTER)]
        return _shorten("; ".join(said) or "apt-get refuses it without a reason")

    def check_item(self, item, plan):
        """Raise unless ``plan`` does to ``item`` what is approved, and not what apt made of it."""
        key = self.key(item.name)
        # apt takes names it does not know for regular expressions, for virtual packages, and with
        # "-" at the end for removals.
        if key not in plan:
            raise _Blocked("apt knows no package of exactly this name")
        version = plan[key]
        if item.want is None:
            if version is not None:
                raise _Blocked(f"apt would install {version} instead of removing it")
        elif version is None:
            raise _Blocked("apt would remove it instead")
        elif not self.meets(item.want, version):
            raise _Blocked(f"apt would install {version} instead")

    def target(self, item):
        if item.exact:
            return item.want
        try:
            return self.simulate("downgrade", [item])[self.key(item.name)]
        except _Blocked:
            return None

    def apply(self, action, items):
        # pkg.remove passes over packages that pkg.list_pkgs doesn't list.
        if action == "remove" and any(self.key(item.name) in self.broken for item in items):
            command = ["apt-get", "-q", "-y", "purge" if self.purge else "remove"]
            command += [self.key(item.name) for item in items]
            out = __salt__["cmd.run_all"](
                command,
                python_shell=False,
                env={"DEBIAN_FRONTEND": "noninteractive"},
                output_loglevel="trace",
            )
            if out["retcode"] != 0:
                raise CommandExecutionError(out["stderr"])
            return
        super().apply(action, items)

    def wait(self):
        # Salt waits by itself when apt finds its lock taken, but for half an hour: by then the
        # state would look hung. For that reason apt is never run into a lock.
        for path in self.LOCKS:
            holder = _lock_holder(path)
            while holder is not None:
                # The id is 0 for a process of another container.
                self.pause(f"{f'process {holder}' if holder else 'another process'} holds {path}")
                holder = _lock_holder(path)


def _lock_holder(path):
    """The id of the process that has a lock on the file ``path``, or None."""
    try:
        with open(path, "rb") as file:
            # This is a struct flock; F_GETLK takes no lock and is in nobody's way.
            layout = "hhqqi0q"
            lock = struct.pack(layout, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, pid = struct.unpack(layout, fcntl.fcntl(file, fcntl.F_GETLK, lock))
    except OSError:
        return None
    return None if kind == fcntl.F_UNLCK else pid


# ---------------------------------------------------------------------------------------------- rpm


class _Meaning(NamedTuple):
    """The rpm that an approved name means: its own name, its architecture if that was asked for, and the key."""

    name: str
    arch: str | None
    key: str


class _Row(NamedTuple):
    """A package that a transaction would change: to ``version``, or None where it goes."""

    name: str
    arch: str
    version: str | None


class _Rpm(_PackageManager):
    """
    The package managers that use rpm.

    Names can end as an architecture does (``gpfs.gplbin-4.18.x86_64``): a package of exactly that name
    comes first, if one is installed or on offer. Otherwise the end is the architecture that was asked
    for, and a package of another one is not what was approved.

    Each has its own:

    query(names)
        (name, version, architecture) of the packages of these names in the repositories, as far as they tell.
    foretell(action, items)
        The changes that a transaction would make, a list of _Row; None where they are not told. Raises
        _Blocked with the reason if it would fail.
    mark(), said_since(mark)
        The words of the scripts of packages since mark() was called, where they are kept.
    targets(items)
        ``items`` as pkg.install takes names that end as an architecture does.
    erase(items)
        Removes ``items``; raises CommandExecutionError.
    """

    ARCHITECTURES = frozenset((*salt.utils.pkg.rpm.ARCHES, "noarch"))
    FAILED_SCRIPT = re.compile(r"warning: (%\w+)\((\S+)\) scriptlet failed, (.+)")

    @classmethod
    def hidden(cls, name):
        return cls.path(name, "a file")

    def __init__(self, packages, purge, lock_timeout):
        super().__init__(packages, purge, lock_timeout)
        self._meanings = {}  # approved name -> _Meaning, as of the last read()
        self._offers = None  # name -> (version, architecture) of each that the repositories have
        self._details = None  # key -> version, release, arch of each that is installed

    # names

    def read(self):
        super().read()
        if not self.found:
            # The package rpm at least is there: Salt takes the silence of a broken database for an empty one.
            out = _run(["rpm", "--query", "--all"])
            raise CommandExecutionError(out["stderr"] or "rpm lists no package at all")
        self._details = None
        self._meanings = {item.name: self._meaning(item) for item in self.items}

    def key(self, name):
        meaning = self._meanings.get(name)
        return meaning.key if meaning else name

    def _meaning(self, item):
        name = item.name
        base, arch = self.split(name)
        if arch is None:
            return _Meaning(name, None, self.foreign(item) or name)
        key = self.spelling(base, arch)
        # The list spells a package of a foreign architecture like one that is named so.
        listed = name in self.found and (key != name or arch not in self.architectures(name))
        if listed or (name not in self.found and self.offers(name)):
            return _Meaning(name, None, name)
        if key in self.found and arch not in self.architectures(key):
            key = name  # the installed one has another architecture
        return _Meaning(base, arch, key)

    def split(self, name):
        """A name and the architecture at its end; None if it does not look like one."""
        base, _, arch = name.rpartition(".")
        return (base, arch) if base and arch in self.ARCHITECTURES else (name, None)

    def foreign(self, item):
        """
        The key of the package of a foreign architecture that ``item``, of which none is said, means: where none
        of another one is there, nor to be had if it has to be there. None if there is no such package.
        """
        if item.name in self.found:
            return None
        named = {other.name for other in self.items}
        for key in sorted(self.found.keys() - named):
            base, arch = self.split(key)
            if base == item.name and arch and arch in self.architectures(key):
                others = () if item.want is None else self.offers(item.name)
                return None if any(offered != arch for _, offered in others) else key
        return None

    @staticmethod
    def spelling(name, arch):
        """The key of a package: its spelling in the list of installed packages."""
        return salt.utils.pkg.rpm.resolve_name(name, arch, __grains__.get("osarch"))

    def details(self, key):
        """version, release and arch of the installed packages that are listed as ``key``."""
        if self._details is None:
            self._details = __salt__["pkg.list_pkgs"](attr=["version", "release", "arch"], use_context=False)
        base, arch = self.split(key)
        # A list with attributes has packages of a foreign architecture under the name alone.
        return self._details.get(key) or [one for one in self._details[base] if one["arch"] == arch]

    def architectures(self, key):
        """The architectures of the installed packages that are listed as ``key``."""
        return {one["arch"] for one in self.details(key)}

    def labelled(self, item):
        """
        The installed version that the name of ``item``, which has to be absent, ends with, as rpm itself labels a
        package (``hello-2.10-1.noarch``); None if it is no label.
        """
        if item.want is not None or self.key(item.name) in self.found:
            return None
        labels = {item.name, self.split(item.name)[0]}
        for key, versions in self.found.items():
            name = self.split(key)[0]
            for version in versions if item.name.startswith(f"{name}-") else ():
                if f"{name}-{self._comparable('', version)}" in labels:
                    return version
        return None

    def satisfied(self, item):
        return super().satisfied(item) and self.labelled(item) is None

    def observed(self, item):
        # A package that rpm labels so is there.
        return self.labelled(item) or super().observed(item)

    def is_held(self, item):
        # A hold is of a name, whatever the architecture.
        return super().is_held(item) or self._meanings[item.name].name in self.held

    def is_ambiguous(self, meaning):
        """Whether a package manager could take the name alone for that of another package."""
        return meaning.arch is not None or self.split(meaning.name)[1] is not None

    # versions

    def same(self, want, version):
        # A version approved without an epoch or a release stands for each of them.
        want, version = _without_zero_epoch(want), self._comparable(want, version)
        return want == version or ("-" not in want and want == version.rpartition("-")[0])

    def fits(self, want, version):
        return fnmatch.fnmatchcase(self._comparable(want, version), _without_zero_epoch(want))

    @staticmethod
    def _comparable(want, version):
        """``version`` without an epoch unless ``want`` has one."""
        return _without_zero_epoch(version) if ":" in want else re.sub(r"^\d+:", "", version)

    def offers(self, name):
        """(version, architecture) of each package of exactly this name that the repositories are known to have."""
        if self._offers is None:
            names = {name for item in self.items for name in (item.name, self.split(item.name)[0])}
            self._offers = collections.defaultdict(list)
            for one, version, arch in self.query(sorted(names)):
                self._offers[one].append((version, arch))
        return self._offers.get(name, [])

    def refresh(self):
        failed = super().refresh()
        self._offers = None
        self.read()
        return failed

    def candidate(self, item):
        """The version of ``item`` to ask for, and its architecture; None: what the package manager makes of it."""
        meaning = self._meanings[item.name]
        if item.want == LATEST and not self.is_ambiguous(meaning):
            return None, None
        fitting = [
            (version, arch)
            for version, arch in self.offers(meaning.name)
            if meaning.arch in (None, arch) and self.meets(item.want, version)
        ]
        if not fitting:
            return None, meaning.arch
        order = functools.cmp_to_key(lambda one, other: self.compare(one[0], other[0]) or 0)
        version, arch = max(fitting, key=order)
        # A name that looks like one with an architecture has to be asked for in full.
        return version, arch if self.is_ambiguous(meaning) else None

    def asked(self, item):
        """The version and the architecture to ask for of ``item``, which is to be there; None for any."""
        version, arch = self.candidate(item)
        return version or (None if item.want == LATEST else item.want), arch

    def target(self, item):
        version = self.candidate(item)[0]
        if version is not None or not item.exact:
            return version
        # The epoch is not known: the one of the installed version is taken.
        epoch = (self.installed(item) or "").rpartition(":")[0]
        return f"{epoch}:{item.want}" if epoch and ":" not in item.want else item.want

    # transactions

    def simulate(self, action, items):
        rows = self.foretell(action, items)
        if rows is None:
            self.remarks.add(UNTOLD)
            return super().simulate(action, items)
        # Removals come first, so that a package which another version of it replaces ends at that version.
        rows = sorted(rows, key=lambda row: row.version is not None)
        plan = {self.spelling(row.name, row.arch): row.version for row in rows}
        for item in items:
            meaning = self._meanings[item.name]
            named = [row for row in rows if row.name == meaning.name and meaning.arch in (None, row.arch)]
            if not named:
                raise _Blocked(self.refusal(action, item))
            plan[meaning.key] = named[-1].version
            self.check_item(item, named[-1].version)
        return plan

    def refusal(self, action, item):
        """The reason why a transaction would do nothing to ``item``."""
        if self.labelled(item):
            return "it is a package together with its version: ask for the package to be absent"
        if action == "remove":
            return "the package manager would not remove it"
        meaning = self._meanings[item.name]
        offered = sorted({version for version, arch in self.offers(meaning.name) if meaning.arch in (None, arch)})
        if offered and self.candidate(item)[0] is None and item.want != LATEST:
            return f"the repositories do not have it, but {', '.join(offered)}"
        return "the package manager would not: the repositories do not have it, or another package replaces it"

    def check_item(self, item, version):
        """Raise unless ``version``, to which a transaction would bring ``item``, is what is approved."""
        if item.want is None:
            if version is not None:
                raise _Blocked(f"the package manager would bring it to {version} instead of removing it")
        elif version is None:
            raise _Blocked("the package manager would remove it instead")
        elif not self.meets(item.want, version):
            raise _Blocked(f"the package manager would bring it to {version} instead")

    def apply(self, action, items):
        mark = self.mark()
        try:
            self.carry_out(action, items)
        finally:
            for script, label, how in self.FAILED_SCRIPT.findall(self.said_since(mark)):
                key = self.spelling(label.rsplit("-", 2)[0], label.rpartition(".")[2])
                self.notes[key] = f"its script {script} failed: {how}"

    def carry_out(self, action, items):
        """The transaction itself."""
        meanings = [self._meanings[item.name] for item in items]
        if not any(map(self.is_ambiguous, meanings)):
            super().apply(action, items)
        elif action == "remove":
            # pkg.remove strips names of an end that looks like an architecture.
            self.erase(items)
        else:
            __salt__["pkg.install"](pkgs=self.targets(items), refresh=False, normalize=False)


# ---------------------------------------------------------------------------------------------- dnf


class _Dnf(_Rpm):
    """RedHat and its kin, where dnf or yum says beforehand what it would do."""

    PROGRAMS = ("dnf5", "dnf", "tdnf", "yum")  # Salt's order of preference
    # dnf 5 begins with "Updating and loading repositories:".
    SECTION = re.compile(
        r"(Installing|Upgrading|Updating(?! and)|Downgrading|Reinstalling|Removing|Obsolet\w+)\b.*:\s*$"
    )
    ASKED = ("Operation aborted", "Exiting on user command", "Nothing to do")
    OFFER = "approval|%{name}|%{evr}|%{arch}\\n"
    BEGIN = re.compile(r"^Begin time\s*: (.+)$", re.MULTILINE)

    @functools.cached_property
    def program(self):
        """The one that Salt uses too, or None."""
        return next(filter(salt.utils.path.which, self.PROGRAMS), None)

    def query(self, names):
        if self.program not in ("dnf5", "dnf"):
            return
        command = [self.program, "--quiet", "repoquery", "--available"]
        # A part of the version keeps the end of the name from being taken for an architecture.
        wanted = [f"{name}-*" if self.split(name)[1] else name for name in names]
        out = _run([*command, "--queryformat", self.OFFER, *wanted])
        for line in out["stdout"].splitlines():
            if line.startswith("approval|"):
                _, name, version, arch = line.removesuffix("\\n").split("|")
                yield name, _without_zero_epoch(version), arch

    def specification(self, item):
        """``item`` as the programs take it."""
        meaning = self._meanings[item.name]
        name, arch = meaning.name, meaning.arch
        if item.want is None and arch is None and self.is_ambiguous(meaning) and name in self.found:
            one = self.details(name)[0]
            version, arch = f"{one['version']}-{one['release']}", one["arch"]
        elif item.want is None:
            version = None
        else:
            version, arch = self.asked(item)
        if version and self.program == "yum" and not arch:
            version = version.rpartition(":")[2]  # yum takes an epoch with the architecture only
        return name + (f"-{version}" if version else "") + (f".{arch}" if arch else "")

    def action(self, item):
        # Kernels stay side by side; Salt installs these two beside any other version.
        action = super().action(item)
        return "install" if action == "downgrade" and item.name in ("kernel", "kernel-devel") else action

    def foretell(self, action, items):
        if self.program is None:
            return None
        command = [self.program, "--assumeno", action]
        if action == "install" and self.program.startswith("dnf"):
            command += ["--best", "--allowerasing"]  # as Salt calls it
        out = _run([*command, *map(self.specification, items)])
        said = out["stdout"] + out["stderr"]
        if out["retcode"] != 0 and not any(text in said for text in self.ASKED):
            raise _Blocked(_reason(CommandExecutionError(out["stderr"] or out["stdout"])))
        rows = list(self.rows(out["stdout"]))
        return rows if rows or "Nothing to do" in said else None

    def rows(self, text):
        """
        The table of packages in what a program says, as _Row.

        A row that does not fit goes on in the next line. The packages that it replaces are listed below it: as
        ``NAME.ARCH EVR`` in dnf 4 and yum; in columns in dnf 5, which lists the old version of an upgrade too.
        """
        section, rows = None, []
        for line in text.splitlines():
            heading = self.SECTION.match(line)
            words = line.split()
            if heading:
                section = heading[1]
            elif not words or line.startswith("Transaction Summary"):
                section = None
            elif section and words[0] == "replacing":
                rows.append(
                    ("Replaced", [*words[1].rpartition(".")[::2], *words[2:]] if len(words) == 3 else words[1:])
                )
            elif section and line.startswith("  ") and rows:
                rows[-1][1].extend(words)
            elif section:
                rows.append((section, words))
        for section, words in rows:
            if len(words) >= 3:
                gone = section.startswith(("Removing", "Replaced", "Obsolet"))
                yield _Row(words[0], words[1], None if gone else _without_zero_epoch(words[2]))

    def targets(self, items):
        return list(map(self.specification, items))

    def erase(self, items):
        out = _run([self.program, "-y", "remove", *map(self.specification, items)])
        if out["retcode"] != 0:
            raise CommandExecutionError(out["stderr"] + out["stdout"])

    def mark(self):
        return int(time.time())

    def said_since(self, mark):
        if self.program in (None, "tdnf"):
            return ""
        said = _run([self.program, "history", "info"])["stdout"]
        with contextlib.suppress(ValueError, TypeError):
            begin = time.mktime(time.strptime(self.BEGIN.search(said)[1].strip(), "%a %b %d %H:%M:%S %Y"))
            return said if begin >= mark else ""
        return ""


# ------------------------------------------------------------------------------------------- zypper


class _Zypper(_Rpm):
    """SUSE, where zypper says beforehand what it would do."""

    COMMAND = ("zypper", "--non-interactive", "--no-refresh", "--xmlout")
    HISTORY = "/var/log/zypp/history"
    GONE = "to-remove"
    CHANGED = ("to-install", "to-upgrade", "to-downgrade", "to-reinstall", "to-change-arch")

    @functools.cached_property
    def held(self):
        # pkg.list_holds leaves out packages that are not installed.
        return super().held | {self.key(name) for name in __salt__.get("pkg.list_locks", dict)()}

    def ask(self, *arguments):
        """The answer of zypper as an XML element, None where it gave none, and the result of cmd.run_all."""
        try:
            out = _run([*self.COMMAND, *arguments])
        except CommandExecutionError as exc:
            return None, {"retcode": 127, "stdout": "", "stderr": str(exc)}
        try:
            answer = xml.etree.ElementTree.fromstring(out["stdout"])  # noqa: S314, zypper is trusted
        except xml.etree.ElementTree.ParseError:
            return None, out
        return answer, out

    @staticmethod
    def errors(answer):
        """The texts of the errors in an answer of zypper."""
        return [one.text for one in answer.iter("message") if one.get("type") == "error"]

    def query(self, names):
        native = __grains__.get("osarch")
        # A name that ends as an architecture does is only found with its own.
        wanted = [f"{name}.{arch}" for name in names if self.split(name)[1] for arch in ("noarch", native)]
        wanted += [name for name in names if not self.split(name)[1]]
        answer, _ = self.ask("search", "--type", "package", "--details", "--match-exact", *wanted)
        for one in () if answer is None else answer.iter("solvable"):
            # A package that is installed and no longer on offer is of no repository.
            if one.get("repository") != "(System Packages)":
                yield one.get("name"), _without_zero_epoch(one.get("edition")), one.get("arch")

    def specification(self, item):
        """``item`` as zypper takes it: NAME, NAME.ARCH, either perhaps with =VERSION."""
        meaning = self._meanings[item.name]
        name, arch = meaning.name, meaning.arch
        version = None
        if item.want is not None:
            version, arch = self.asked(item)
        elif arch is None and self.is_ambiguous(meaning) and name in self.found:
            arch = self.details(name)[0]["arch"]
        return name + (f".{arch}" if arch else "") + (f"={version}" if version else "")

    def foretell(self, action, items):
        options = {
            "install": ("install", "--dry-run", "--auto-agree-with-licenses", "--name"),
            "downgrade": ("install", "--dry-run", "--auto-agree-with-licenses", "--oldpackage", "--name"),
            "remove": ("remove", "--dry-run"),
        }
        answer, out = self.ask(*options[action], *map(self.specification, items))
        if answer is None:
            raise _Blocked(_reason(CommandExecutionError(out["stderr"] or out["stdout"])))
        summary = answer.find(".//install-summary")
        if summary is None:
            said = self.errors(answer) or [one.text for one in answer.iter("description")] or [out["stderr"]]
            raise _Blocked(_reason(CommandExecutionError("\n".join(said))))
        rows = list(self.rows(summary))
        if action == "remove":
            # zypper removes a package given by name alone in all architectures, and foretells one.
            names = {item.name for item in items if not self.is_ambiguous(self._meanings[item.name])}
            for key in self.found:
                name, arch = self.split(key)
                if name in names - {key} and arch in self.architectures(key):
                    rows.append(_Row(name, arch, None))
        return rows

    def rows(self, summary):
        for section in summary:
            for one in section.iter("solvable"):
                if one.get("type") == "package" and section.tag in (self.GONE, *self.CHANGED):
                    version = None if section.tag == self.GONE else _without_zero_epoch(one.get("edition"))
                    yield _Row(one.get("name"), one.get("arch"), version)

    def targets(self, items):
        pkgs = []
        for item in items:
            name, _, version = self.specification(item).partition("=")
            pkgs.append({name: version} if version else name)
        return pkgs

    def erase(self, items):
        answer, out = self.ask("remove", *map(self.specification, items))
        if out["retcode"] not in (0, 107):  # a script failed
            errors = [] if answer is None else self.errors(answer)
            raise CommandExecutionError("\n".join(errors) or out["stderr"])

    def mark(self):
        with contextlib.suppress(OSError):
            return os.path.getsize(self.HISTORY)
        return 0

    def said_since(self, mark):
        try:
            with open(self.HISTORY, encoding="utf-8", errors="replace") as file:
                file.seek(mark)
                return file.read()
        except OSError:
            return ""


# --------------------------------------------------------------------------------------- chocolatey


class _Chocolatey(_PackageManager):
    """Windows. Chocolatey takes one package at a time."""

    batches = False
    VERSION = re.compile(r"(\d+(?:\.\d+){0,3})(?:-([^+]+))?(?:\+.*)?", re.ASCII)

    def read(self):
        self._plans = {}
        listed = __salt__["chocolatey.list"](local_only=True)
        self.found = {name.lower(): list(versions) for name, versions in listed.items()}

    def key(self, name):
        return name.lower()

    held = frozenset()  # a pin makes Chocolatey itself refuse

    @staticmethod
    def hidden(name):
        if "chocolatey" in name.lower():
            return "it cannot be seen: Salt's list of installed packages leaves out names with chocolatey in them"
        return ""

    @classmethod
    def normal(cls, version):
        """
        ``version`` as NuGet compares it; None if it is no version of NuGet's.

        First come four numbers, of which those left out are 0; then whether it is no prerelease, and the
        labels of one, whatever their case: numbers before words. Text behind a ``+`` does not count.
        """
        match = cls.VERSION.fullmatch(version)
        if match is None:
            return None
        numbers = [int(number) for number in match[1].split(".")]
        labels = [
            (0, int(label), "") if label.isdecimal() else (1, 0, label.lower()) for label in (match[2] or "").split(".")
        ]
        return numbers + [0] * (4 - len(numbers)), match[2] is None, labels

    def same(self, want, version):
        one, other = self.normal(want), self.normal(version)
        return want == version or (one is not None and one == other)

    def _compare(self, one, other):
        first, second = self.normal(one), self.normal(other)
        if first is None or second is None:
            return salt.utils.versions.version_cmp(one, other)
        return (first > second) - (first < second)

    def refresh(self):
        return None

    def apply(self, action, items):
        (item,) = items
        version = None if item.want == LATEST else item.want
        if action == "remove":
            __salt__["chocolatey.uninstall"](item.name)
        elif action == "downgrade":
            __salt__["chocolatey.install"](item.name, version=version, force=True)
        elif self.installed(item) is None:
            __salt__["chocolatey.install"](item.name, version=version)
        else:
            __salt__["chocolatey.upgrade"](item.name, version=version)


# ------------------------------------------------------------------------------------- transactions


def _package_manager():
    """The class for the package manager of this minion; raises _Blocked where Salt knows none."""
    family = __grains__.get("os_family")
    kind = {"Debian": _Apt, "RedHat": _Dnf, "Suse": _Zypper, "Windows": _Chocolatey}.get(family, _PackageManager)
    needed = "chocolatey.list" if kind is _Chocolatey else "pkg.list_pkgs"
    if needed not in __salt__:
        raise _Blocked(f"Salt has no {needed} on this minion")
    return kind


def _open_packages(packages, purge, lock_timeout):
    """
    The package manager, with the installed packages read, and name -> why for those that cannot be read.
    Where none can be read, the package manager has no items.
    """
    if not packages:
        return _PackageManager({}, purge, lock_timeout), {}
    try:
        kind = _package_manager()
        hidden = {name: why for name in packages if (why := kind.hidden(name))}
        manager = kind({name: packages[name] for name in packages.keys() - hidden}, purge, lock_timeout)
        manager.read()
    except Exception as exc:
        why = f"the installed packages cannot be read: {_reason(exc)}"
        return _PackageManager({}, purge, lock_timeout), dict.fromkeys(packages, why)
    return manager, hidden


def _read_again(manager, why):
    """
    Read the packages after the last act of a run. Returns name -> why for those that are not as approved.
    Nothing is observed of those that cannot be read.

    why
        name -> why for those that were not when the last transaction was over.
    """
    if not manager.items:
        return {}
    try:
        manager.read()
    except Exception as exc:
        names = [item.name for item in manager.items]
        manager.items = []
        return dict.fromkeys(names, f"the installed packages cannot be read: {_reason(exc)}")
    changed = "something changed it after the last transaction"
    return {item.name: why.get(item.name, changed) for item in manager.items if not manager.satisfied(item)}


def _settle(items, attempt, batches):
    """
    Bring as many of ``items`` through ``attempt`` as possible, in as few calls as possible.

    attempt
        Called with a list of items; returns those that did not get through, and why.
    batches
        Whether it takes more than one item at a time.

    A list that fails as a whole is halved until the item that fails stands alone. Returns item -> why, for
    each that failed by itself.
    """
    failed = {}
    groups = [items] if batches else [[item] for item in items]
    while groups:
        group = groups.pop(0)
        if not group:
            continue
        remaining, why = attempt(group)
        if remaining and len(group) == 1:
            failed[group[0]] = why
        elif len(remaining) < len(group):
            groups.insert(0, remaining)
        else:
            half = len(group) // 2
            groups[:0] = [group[:half], group[half:]]
    return failed


def _vet(manager, action, items):
    """
    Ask the package manager about ``action`` on ``items`` without doing it. Returns the changes it would
    make (key -> version, or None for gone), and item -> why for those it would not do.
    """
    plan = {}

    def attempt(group):
        try:
            plan.update(manager.check(action, group))
        except _Blocked as exc:
            manager.failed(group)
            return group, str(exc)
        return [], ""

    return plan, _settle(items, attempt, batches=True)


def _carry_out(manager, action, items):
    """Do ``action`` on ``items``; returns item -> why for those not as approved afterwards."""

    def attempt(group):
        why, failed = "the package manager reported success, but nothing changed", False
        try:
            manager.transact(action, group)
        except _Locked:
            raise
        except _Blocked as exc:
            manager.failed(group)
            return group, str(exc)
        except Exception as exc:
            # The other packages must still converge, whatever a package manager or its Salt module
            # raises for one; and some of these may have been changed before it failed.
            why, failed = _reason(exc), True
        remaining = manager.review(group)
        manager.failed(remaining)
        if failed and not remaining:
            # The note is the only place that tells of this failure.
            for item in group:
                manager.notes.setdefault(manager.key(item.name), f"it is so, though the package manager said: {why}")
        return remaining, why

    return _settle(items, attempt, manager.batches)


def _due(manager):
    """
    The items not in their approved state that may be changed, and name -> why for those that may not.
    """
    due = [item for item in manager.items if not manager.satisfied(item)]
    if not due:
        return [], {}
    why, led, contradicting = {}, {}, {}
    for group in manager.namesakes():
        leader = manager.leader(group)
        if leader is not None:
            led.update((item, leader) for item in group)
            continue
        for item in group:
            others = ", ".join(other.name for other in group if other is not item)
            contradicting[item] = f"{others} is the same package, and something else is approved for that"
    for item in due:
        if item in contradicting:
            why[item.name] = contradicting[item]
        elif manager.is_held(item):
            why[item.name] = "it is on hold, and a hold is not overridden"
    # A package that is approved under several names is changed under one of them.
    return list(dict.fromkeys(led.get(item, item) for item in due if item.name not in why)), why


def _grouped(manager, items):
    """(action, items) for what has to be done: new dependencies come before old ones go."""
    for action in ("install", "downgrade", "remove"):
        group = [item for item in items if manager.action(item) == action]
        if group:
            yield action, group


def _converge_packages(manager, refresh):
    """
    Bring all packages to their approved state, as far as possible.

    Returns name -> why for each package that is not in it at the end.
    """
    due, why = _due(manager)
    coming = [item.name for item in due if item.want is not None]
    stale = None
    try:
        if refresh and coming:
            stale = manager.refresh()
        while due:
            manager.failed(due)  # until they are through
            for action, group in list(_grouped(manager, due)):
                group = [item for item in group if not manager.satisfied(item)]
                failed = _vet(manager, action, group)[1]
                good = [item for item in group if item not in failed]
                failed.update(_carry_out(manager, action, good))
                why.update((item.name, reason) for item, reason in failed.items())
            due = manager.worth_retrying([item for item in due if not manager.satisfied(item)])
    except _Locked as exc:
        manager.read()
        why.update((item.name, str(exc)) for item in due)
    if stale:
        for name in set(coming) & why.keys():
            why[name] += f" (the lists of available packages could not be fetched: {stale})"
    changed = "another package's transaction changed it"
    why_key = {manager.key(name): reason for name, reason in why.items()}
    return {
        item.name: why.get(item.name) or why_key.get(manager.key(item.name), changed)
        for item in manager.items
        if not manager.satisfied(item)
    }


# ----------------------------------------------------------------------------------------- services


# A service that was started or stopped successfully gets so long to show it: init scripts return early.
SERVICE_SECONDS = 5.0
SERVICE_POLL_SECONDS = 0.1
# systemd has several names for running and dead; its other states are on the way to these.
UNIT_STATES = {
    "active": "running",
    "reloading": "running",
    "refreshing": "running",
    "inactive": "dead",
    "failed": "dead",
}
UNIT_AIMS = {"activating": "running", "deactivating": "dead"}
UNIT_SUFFIXES = (
    *(".service", ".socket", ".device", ".mount", ".automount", ".swap"),
    *(".target", ".path", ".timer", ".slice", ".scope"),
)
# The properties of a unit that are read here.
UNIT_PROPERTIES = (
    *("Id", "Names", "Type", "ActiveState", "SubState", "Result", "InvocationID", "ActiveEnterTimestampMonotonic"),
    *("Conflicts", "ConflictedBy", "Requires", "BindsTo", "Requisite"),
)
# Needed units of other kinds are passed over: all units need the same few targets, slices and mounts.
NEEDED_UNITS = (".service", ".socket", ".timer", ".path")


class _Unit(NamedTuple):
    """
    A service as its manager shows it.

    ``state`` is ``running``, ``dead``, or what systemd calls a state in between. ``id`` is the manager's own
    name of it, the same for all its aliases. ``shown`` has systemd's properties; elsewhere it is empty.
    """

    state: str
    id: str
    shown: dict

    @property
    def moment(self):
        """The properties that differ from one start of the service to the next."""
        return tuple(self.shown.get(key) for key in ("InvocationID", "ActiveEnterTimestampMonotonic"))

    def named(self, *properties):
        """The units that these properties name."""
        found = set()
        for key in properties:
            value = self.shown.get(key) or ()
            found.update(value.split() if isinstance(value, str) else value)
        return found

    def fate(self):
        """The account of systemd of a service that does not run, as text behind a sentence; or nothing."""
        if self.shown.get("Type") == "oneshot" and self.shown.get("Result") == "success":
            return ": it ran and ended, as a service of the type oneshot does"
        told = [self.shown.get(key) for key in ("ActiveState", "SubState", "Result")]
        return f" ({', '.join(filter(None, told))})" if any(told) else ""


def _show(name):
    """
    The properties of a unit that systemd shows; none where there is no systemd. Raises
    CommandExecutionError where systemd does not tell: a unit of which nothing is known may run.
    """
    if "service.show" not in __salt__:
        return {}
    shown = {}
    with contextlib.suppress(Exception):
        shown = dict(__salt__["service.show"](name))
    # A failure of systemctl shows up as text without properties; another service manager shows something else.
    if shown.get("Id") or "service.systemctl_reload" not in __salt__:
        return shown
    # Salt's module stumbles over " ; " in a unit's command.
    unit = name if name.endswith(UNIT_SUFFIXES) else f"{name}.service"
    command = ["systemctl", "show", "--property", ",".join(UNIT_PROPERTIES), "--", unit]
    out = _run(command)
    shown = dict(line.partition("=")[::2] for line in out["stdout"].splitlines())
    if not shown.get("ActiveState"):
        raise CommandExecutionError(out["stderr"] or f"systemd tells nothing of {unit}")
    return shown


def _look(name):
    """The _Unit that ``name`` means now; raises whatever the service manager raises."""
    shown = _show(name)
    if not shown.get("ActiveState"):
        return _Unit("running" if __salt__["service.status"](name) else "dead", name, {})
    state = UNIT_STATES.get(shown["ActiveState"], shown["ActiveState"])
    return _Unit(state, shown.get("Id") or name, shown)


class _Services:
    """
    The approved services of this minion.

    wanted
        name -> running or dead.

    read() fills ``units``, name -> _Unit, and ``unread``, name -> why it cannot be read; oppose() fills
    ``opposed``, name -> the contradiction that it is in.
    """

    def __init__(self, wanted):
        self.wanted = wanted
        self.units, self.unread = {}, {}
        self.opposed = {}
        self._failed = {}  # name -> the words of the service manager when it failed to start or stop it
        self._told = set()  # names that the service manager says to have started or stopped
        self._restless = set()  # names that did not come to rest

    def read(self):
        """Ask the service manager for all of them."""
        self.units, self.unread = {}, {}
        for name in self.wanted:
            try:
                self.units[name] = _look(name)
            except Exception as exc:
                self.unread[name] = _reason(exc)

    def states(self):
        """name -> state, of those that could be read."""
        return {name: unit.state for name, unit in self.units.items()}

    def past(self):
        """The states for a revert to go back to: those of states(), where one on its way to a state is in it."""
        return {name: UNIT_AIMS.get(state, state) for name, state in self.states().items()}

    def due(self, wanted=SERVICE_STATES):
        """The names of those that are not as they should be."""
        return [name for name, unit in self.units.items() if unit.state != self.wanted[name] in wanted]

    def oppose(self):
        """
        Find which cannot be as approved together, as far as systemd tells: aliases of one unit, units that
        exclude each other, and units that need one that has to be dead, also through others.

        Two that both are as approved do not contradict each other, whatever their units say.
        """
        self.opposed = {}
        due = set(self.due())
        if not due:
            return
        ids = {alias: unit.id for unit in self.units.values() for alias in unit.named("Names")}
        seen = {unit.id: unit for unit in self.units.values()}
        needed = {}  # name -> the ids of the units that run with it: its own and those it needs
        excluded = {}  # name -> the ids of the units that cannot run then
        for name, unit in self.units.items():
            if self.wanted[name] == "running":
                needed[name], excluded[name] = self._together(unit, ids, seen)
        for one, other in itertools.permutations(sorted(self.units), 2):
            if due & {one, other}:
                self._compare(one, other, needed, excluded)

    @staticmethod
    def _together(unit, ids, seen):
        """The ids of the units that have to run for ``unit`` to run, and of those that must not."""
        found, excluded, todo = set(), set(), [unit.id]
        while todo:
            key = todo.pop()
            if key in found:
                continue
            found.add(key)
            if key not in seen:
                with contextlib.suppress(Exception):
                    seen[key] = _look(key)
            if key in seen:
                excluded |= {ids.get(other, other) for other in seen[key].named("Conflicts", "ConflictedBy")}
                needs = seen[key].named("Requires", "BindsTo", "Requisite")
                todo += [ids.get(need, need) for need in needs if need.endswith(NEEDED_UNITS)]
        return found, excluded - found

    def _compare(self, one, other, needed, excluded):
        """Note it if the service ``one``, which has to run, cannot do so with ``other``."""
        if self.wanted[one] != "running":
            return
        unit = self.units[other]
        if self.wanted[other] == "dead":
            if unit.id == self.units[one].id:
                why = f"it is the same unit, {unit.id}, as {{}}, which is approved to be {{}}"
                self._note(one, why.format(other, "dead"))
                self._note(other, why.format(one, "running"))
            elif unit.id in needed[one]:
                self._note(one, f"it needs {other}, which is approved to be dead")
                self._note(other, f"{one}, which is approved to be running, needs it")
        elif excluded[one] & needed[other]:
            self._note(one, f"it cannot run beside {other}, which is approved to be running too")
            self._note(other, f"it cannot run beside {one}, which is approved to be running too")

    def _note(self, name, why):
        self.opposed.setdefault(name, why)

    def converge(self):
        """
        Start and stop services that are not as approved and in no contradiction. Returns whether any was told to.

        A second round mends the effects of the first one on others: a unit that is started starts those it wants.
        """
        acted = False
        for _ in range(2):
            for wanted in ("dead", "running"):
                for name in self.due((wanted,)):
                    if name not in self.opposed and name not in self._failed:
                        acted = self._act(name) or acted
            if acted:
                self.read()
        return acted

    def _act(self, name):
        """Start or stop one, unless that of another has done so by now. Returns whether it was told to."""
        wanted = self.wanted[name]
        try:
            if _look(name).state == wanted:
                return False
            if __salt__["service.start" if wanted == "running" else "service.stop"](name):
                self._told.add(name)
                self._await(name)
            else:
                self._failed[name] = "the service manager reported a failure"
        except Exception as exc:
            self._failed[name] = _reason(exc)
        return True

    def _await(self, name):
        """Give one the time to show what it was told: init scripts return early, and systemd may have to wait."""
        deadline = time.monotonic() + SERVICE_SECONDS
        while (unit := _look(name)).state != self.wanted[name] and time.monotonic() < deadline:
            if unit.shown and unit.state in SERVICE_STATES:
                return
            time.sleep(SERVICE_POLL_SECONDS)

    def settle(self, seconds):
        """
        Read them until none changes for so many seconds, so that a service that stops, dies or starts another
        one a moment later is seen. One that does not come to rest within SERVICE_SECONDS more is an error.
        """
        self.read()
        deadline = time.monotonic() + seconds + SERVICE_SECONDS
        while seconds:
            earlier = self.units
            time.sleep(seconds)
            self.read()
            self._restless = {
                name
                for name, unit in self.units.items()
                if unit.state not in SERVICE_STATES
                or name not in earlier
                or (unit.state, unit.moment) != (earlier[name].state, earlier[name].moment)
            }
            if not self._restless or time.monotonic() >= deadline:
                return

    def errors(self):
        """name -> why, of those that are not as approved, or of which obstacles() tells."""
        return {**{name: self._why(name) for name in self.due()}, **self.obstacles()}

    def _why(self, name):
        if name in self._failed:
            return self._failed[name]
        if name in self._told:
            unit = self.units[name]
            return f"it did not stay so{unit.fate() if self.wanted[name] == 'running' else ''}"
        return "the start or stop of another one changed it"

    def notes(self):
        """name -> the failure, of those that are as approved nevertheless."""
        fine = self.units.keys() - self.errors().keys()
        return {
            name: f"it is so, though the service manager said: {self._failed[name]}"
            for name in fine & self._failed.keys()
        }

    def obstacles(self):
        """name -> why, of those that do not come to rest, are in a contradiction, or cannot be read."""
        restless = {
            name: f"it does not come to rest; when last seen it was {self.units[name].state}"
            for name in self._restless & self.units.keys()
        }
        return {**restless, **self.opposed, **self.unread}


def _starts(names):
    """
    name -> when the service was last started, as ``<boot id> <microseconds since that boot>``, or None if
    it does not run. Only where systemd tells; a service that cannot be asked is left out.
    """
    found = {}
    for name in names:
        with contextlib.suppress(Exception):
            shown = _show(name)
            runs = UNIT_STATES.get(shown.get("ActiveState"), "running") == "running"
            moment = int(shown["ActiveEnterTimestampMonotonic"])
            found[name] = f"{_boot_id()} {moment}" if moment and runs else None
    return found


# ------------------------------------------------------------------------------------------ actions


# Evidence carries a return of so many bytes whole, and so many characters of a longer one.
RETURN_SIZE = 2048
RETURN_LENGTH = 512


def _perform(function, arguments):
    """
    Run one execution function.

    Returns its retcode, whether it succeeded as Salt judges a job of its own, and its return; of one
    that raised, the reason. A bare False is no success either.
    """
    if function not in __salt__:
        return 1, False, f"Salt has no {function} on this minion"
    earlier = __context__.get("retcode", 0)
    __context__["retcode"] = 0
    try:
        returned = __salt__[function](**arguments)
        retcode = __context__.get("retcode", 0)
    except Exception as exc:
        return 1, False, _reason(exc)
    finally:
        __context__["retcode"] = earlier
    if isinstance(retcode, bool) or not isinstance(retcode, int):
        retcode = int(bool(retcode))
    if isinstance(returned, dict):
        success = all(returned.get(key, True) for key in ("result", "success"))
    else:
        success = returned is not False
    return retcode, success and retcode == 0, returned


def _outcome(function, retcode, success, returned):
    """
    The account that evidence gives of an action, as canonical JSON: ``fun``, ``retcode``, ``success``, ``return``.

    A long return is cut to the beginning of its canonical JSON, as text; ``digest`` beside it covers the
    whole. A return that JSON cannot express is given as Python writes it.
    """
    try:
        text = json.dumps(returned, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        text = _canonical(str(returned))
    data = text.encode("utf-8", "replace")  # a lone surrogate is no UTF-8
    outcome = {"fun": function, "retcode": retcode, "success": success}
    if len(data) <= RETURN_SIZE:
        outcome["return"] = json.loads(data)
    else:
        outcome["return"] = data.decode()[:RETURN_LENGTH]
        outcome["digest"] = "sha256:" + hashlib.sha256(data).hexdigest()
    return _canonical(outcome)


# ---------------------------------------------------------------------------------------- sentences


# The end of a service's name among changes, where no package can have it.
OF_SERVICE = " (service)"


def _summary(document):
    """The sentence for a minion that is in its approved state."""
    counts = [
        f"{len(section)} {plural if len(section) != 1 else plural[:-1]}"
        for plural in KINDS.values()
        if (section := getattr(document, plural))
    ]
    what = ", ".join(counts) or "it is empty"
    return f"Revision {document.revision} of the approved state is in place: {what}."


def _complaints(document, errors):
    """A sentence for each resource that is not in its approved state."""
    for plural, reasons in document.unusable.items():
        for name, why in sorted(reasons.items()):
            yield f"{plural[:-1].capitalize()} {name} cannot be applied: {why}."
    errors = {
        plural: {name: why for name, why in reasons.items() if name in getattr(document, plural)}
        for plural, reasons in errors.items()
    }
    for name, why in sorted(errors["packages"].items()):
        want = document.packages[name]
        if want is None:
            fault = "is not absent"
        elif want == LATEST:
            fault = "is not installed"
        else:
            fault = f"is not at {want}"
        yield f"Package {name} {fault}: {why.rstrip('.')}."
    for name, why in sorted(errors["services"].items()):
        yield f"Service {name} is not {document.services[name]}: {why.rstrip('.')}."


def _forecasts(changes):
    """A sentence for each change that would be made."""
    for name, change in sorted(changes.items()):
        if name.endswith(OF_SERVICE):
            yield f"Service {name.removesuffix(OF_SERVICE)} would be {change['new']}."
        elif not change["new"]:
            yield f"Package {name} would be removed."
        elif not change["old"]:
            yield f"Package {name} would be installed at {change['new']}."
        else:
            yield f"Package {name} would go from {change['old']} to {change['new']}."


def _service_changes(before, after):
    """The changes of services, under keys that no package can have."""
    return {
        f"{name}{OF_SERVICE}": {"old": before.get(name, ""), "new": state}
        for name, state in after.items()
        if before.get(name) != state
    }


def _reading(document, manager, services):
    """plural kind -> name -> the state found, for each package and service that was read and is not as approved."""
    packages = {}
    for item in manager.items:
        if not manager.satisfied(item):
            found = manager.observed(item)
            packages[item.name] = "it is not installed" if found is None else f"{found} is installed"
    others = {name: f"it is {state}" for name, state in services.items() if state != document.services[name]}
    return {"packages": packages, "services": others}


# --------------------------------------------------------------------------------------------- plan


def _plan_packages(manager, names):
    """The changes that bringing these packages in would make, as Salt writes them, and name -> why for the others."""
    due, why = _due(manager)
    keys = set(map(manager.key, names))
    due = [item for item in due if manager.key(item.name) in keys]
    why = {name: reason for name, reason in why.items() if name in names}
    before = manager.flat()
    changes = {}
    for action, group in _grouped(manager, due):
        plan, failed = _vet(manager, action, group)
        why.update((item.name, reason) for item, reason in failed.items())
        for key, version in plan.items():
            if (version or "") != before.get(key, ""):
                changes[key] = {"old": before.get(key, ""), "new": version or ""}
    return changes, why


def _plan(ret, document, manager, services, errors):
    """Complete ``ret`` for a test run with the changes to come. Nothing is changed, and ``ret`` is no evidence."""
    ret["changes"], why = _plan_packages(manager, document.packages)
    errors["packages"].update(why)
    coming = {name: state for name, state in document.services.items() if name not in services.opposed}
    ret["changes"].update(_service_changes(services.states(), coming))
    lines = [*_complaints(document, errors), *_forecasts(ret["changes"]), *sorted(manager.remarks)]
    ret["comment"] = "\n".join(lines) or _summary(document)
    if any(errors.values()):
        ret["result"] = False
    else:
        ret["result"] = None if ret["changes"] else True
    return ret


def _asked(items):
    """
    The resources of a request, as :func:`planned` takes them: kind -> name -> value. Raises _Refused.
    """
    asked = {kind: {} for kind in (*KINDS, "action")}
    for item in items if isinstance(items, list) else [None]:
        if not isinstance(item, dict) or item.get("kind") not in asked:
            raise _Refused("the items have to be a list of mappings with kind, name, type and value")
        kind, name, want = item["kind"], item.get("name"), item.get("value")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise _Refused(f"{name!r} among them is not a name")
        if not (isinstance(want, str) and want) and not (want is None and item.get("type") == "absent"):
            raise _Refused(f"the value of {name} among them is not text")
        if kind == "service" and want not in SERVICE_STATES:
            raise _Refused(f"the state of service {name} is neither running nor dead")
        asked[kind][name] = want
    return asked


# ---------------------------------------------------------------------------------------- functions


__virtualname__ = "approval"
SETTLE_SECONDS = 1.5


def __virtual__():
    """Load everywhere: what a platform lacks is said for each resource that needs it."""
    return __virtualname__


def planned(name, items=None, pillar_key="approval", removal="remove"):
    """
    Say what a request would change on this minion if it were approved. Nothing is changed, under
    ``test=True`` or not.

    .. code-block:: bash

        salt web1 state.single approval.planned plan \\
            items='[{"kind": "package", "name": "hello", "type": "version", "value": "2.10-3"}]'

    name
        Any text; it identifies this state and is not used otherwise.

    items
        What is asked for: a list of mappings with ``kind``, ``name``, ``type`` and ``value``. A package
        of type ``absent`` has the value None, a value and an action JSON text.

    pillar_key
        The key that the approved state has in the pillar, as the ``key`` of the ext_pillar.

    removal
        As of :func:`converged`.

    The items are planned beside what is approved already, which they must not take away. ``changes``
    and ``comment`` are those of a test run of :func:`converged`. The result is None if something would
    change, True if all is so already, False if not all of it can be done. A plan is no evidence.
    """
    ret = {"name": name, "changes": {}, "result": False, "comment": ""}
    if removal not in ("remove", "purge"):
        ret["comment"] = "Nothing was planned: the option removal has to be remove or purge."
        return ret
    try:
        document = _document(pillar_key)
    except _Refused as exc:
        ret["comment"] = f"Nothing was planned: the approved state is refused because {exc}."
        return ret
    try:
        asked = _asked(items)
    except _Refused as exc:
        ret["comment"] = f"Nothing was planned: {exc}."
        return ret

    wanted = document._replace(packages=asked["package"], services=asked["service"], values={}, unusable={})
    packages = {**document.packages, **wanted.packages}
    manager, unread = _open_packages(packages, removal == "purge", 0)
    services = _Services({**document.services, **wanted.services})
    services.read()
    services.oppose()
    errors = {
        "packages": {package: why for package, why in unread.items() if package in wanted.packages},
        "services": {service: why for service, why in services.obstacles().items() if service in wanted.services},
    }
    _plan(ret, wanted, manager, services, errors)
    lines = ret["comment"].splitlines() if ret["changes"] or ret["result"] is False else []
    lines += [
        f"Value {value} would be in the pillar."
        for value, text in sorted(asked["value"].items())
        if document.values.get(value) != text
    ]
    lines += [f"Action {function} would be run." for function in sorted(asked["action"])]
    if lines and ret["result"]:
        ret["result"] = None
    ret["comment"] = "\n".join(lines) or "All that is asked for is so already."
    return ret


def converged(
    name, pillar_key="approval", removal="remove", refresh=True, lock_timeout=300, settle_time=SETTLE_SECONDS
):
    """
    Bring this minion to the approved state in its pillar, and return evidence of what is there.

    .. code-block:: yaml

        approval:
          approval.converged:
            - order: last

    name
        Any text; it identifies this state and is not used otherwise.

    pillar_key
        The key that the approved state has in the pillar, as the ``key`` of the ext_pillar.

    removal
        What becomes of a package approved to be absent: ``remove`` leaves its configuration files
        on the minion, as the package manager does, so that a revert finds them; ``purge`` deletes
        them too. What other states have removed before is not purged afterwards.

    refresh
        Whether to fetch the lists of available packages before something is installed. A run that
        has nothing to install never does.

    lock_timeout
        The seconds that one run may wait, altogether, while other processes use the package
        manager.

    settle_time
        The seconds for which no approved service may change, after the last act of a run that changed
        packages or services, until what is there counts. With 0 it is read once.

    Nothing is applied unless the approved state in the pillar was made for this minion and agrees
    with its digest. Packages are changed in as few transactions as possible; one that fails does
    not keep the others from being applied. The result is False if any resource is not in its
    approved state at the end, and the comment says which and why.

    With ``test=True`` nothing is changed: the comment and the changes say what would be, including
    dependencies where the package manager can tell. A test run returns no evidence.

    The evidence is returned under the key ``approval``, beside the usual ones.
    """
    ret = {"name": name, "changes": {}, "result": False, "comment": ""}
    if removal not in ("remove", "purge"):
        ret["comment"] = "Nothing was applied: the option removal has to be remove or purge."
        return ret
    if not isinstance(lock_timeout, int | float) or lock_timeout < 0:
        ret["comment"] = "Nothing was applied: the option lock_timeout has to be seconds."
        return ret
    if isinstance(settle_time, bool) or not isinstance(settle_time, int | float) or settle_time < 0:
        ret["comment"] = "Nothing was applied: the option settle_time has to be seconds."
        return ret
    try:
        document = _document(pillar_key)
    except _Refused as exc:
        ret["comment"] = f"Nothing was applied: the approved state is refused because {exc}."
        return ret
    if document.revision == 0:
        ret["result"] = True
        ret["comment"] = "Nothing is approved for this minion: the approval database lacks it."
        return ret

    manager, unread = _open_packages(document.packages, removal == "purge", lock_timeout)
    services = _Services(document.services)
    services.read()
    if __opts__["test"]:
        services.oppose()
        errors = _with_unusable(document, {"packages": unread, "services": services.obstacles()})
        return _plan(ret, document, manager, services, errors)

    installed, running = manager.flat(), services.states()
    found = {item.name: manager.observed(item) for item in manager.items}
    try:
        before = _remember(document, {"packages": found, "services": services.past()}, services.unread)
    except OSError as exc:
        ret["comment"] = f"Nothing was applied: what is there now cannot be written down: {exc}."
        return ret

    errors = {"packages": {**unread, **_converge_packages(manager, refresh)}}
    acted = bool(manager.tried) or manager.flat() != installed
    if acted:
        services.read()
    services.oppose()
    acted = services.converge() or acted
    if acted:
        # The state at the end counts, whatever each act reported.
        if document.services:
            services.settle(settle_time)
        errors["packages"] = {**unread, **_read_again(manager, errors["packages"])}
    errors["services"] = services.errors()
    errors = _with_unusable(document, errors)
    ret["changes"] = salt.utils.data.compare_dicts(installed, manager.flat())
    ret["changes"].update(_service_changes(running, services.states()))

    observed = {
        "packages": {item.name: manager.observed(item) for item in manager.items},
        "services": services.states(),
        "values": document.values,
    }
    notes = {"packages": manager.noted(), "services": services.notes()}
    ret["approval"] = _evidence(document, observed, before, errors, notes, {"packages": manager.met()})
    ret["result"] = not any(errors.values())
    lines = list(_complaints(document, errors)) or [_summary(document)]
    of_approved = set(map(manager.key, notes["packages"]))
    told = {key: note for key, note in manager.notes.items() if key not in of_approved} | notes["packages"]
    lines += [f"Package {key}: {note}." for key, note in sorted(told.items())]
    ret["comment"] = "\n".join(lines)
    return ret


def observed(name, pillar_key="approval"):
    """
    Read what the approved resources of this minion are now, and return that as evidence.

    .. code-block:: bash

        salt web1 state.single approval.observed approval

    name
        Any text; it identifies this state and is not used otherwise.

    pillar_key
        The key that the approved state has in the pillar, as the ``key`` of the ext_pillar.

    Nothing is changed, under ``test=True`` or not. The result is True if every resource is in its
    approved state; the comment says which are not. The evidence is that of :func:`converged`, with
    the start times of the services as ``starts``, where systemd tells them. Its ``before`` has what
    :func:`converged` found when it first applied an item, so that what was never applied can be told
    from what is no longer as it was applied. Refused when :func:`converged` would apply nothing.
    """
    ret = {"name": name, "changes": {}, "result": False, "comment": ""}
    try:
        document = _document(pillar_key)
    except _Refused as exc:
        ret["comment"] = f"Nothing was read: the approved state is refused because {exc}."
        return ret
    if document.revision == 0:
        ret["result"] = True
        ret["comment"] = "Nothing is approved for this minion: the approval database lacks it."
        return ret

    manager, unread = _open_packages(document.packages, False, 0)
    services = _Services(document.services)
    services.read()
    if any(state not in SERVICE_STATES for state in services.states().values()):
        services.settle(SETTLE_SECONDS)
    services.oppose()
    found = {
        "packages": {item.name: manager.observed(item) for item in manager.items},
        "services": services.states(),
        "starts": _starts(document.services),
        "values": document.values,
    }
    before = _before(_entries(document, _remembered(_memory(), document.minion), {}))
    unknown = _with_unusable(document, {"packages": unread, "services": services.obstacles()})
    ret["approval"] = _evidence(document, found, before, unknown, met={"packages": manager.met()})
    errors = _reading(document, manager, services.states())
    for plural, reasons in unknown.items():
        errors.setdefault(plural, {}).update(reasons)
    ret["result"] = not any(errors.values())
    ret["comment"] = "\n".join(_complaints(document, errors)) or _summary(document)
    return ret


def performed(name, function, arguments=None, services=(), pillar_key="approval", **others):
    """
    Run one approved action: one Salt execution function, once. Returns evidence of what it returned.

    .. code-block:: bash

        salt web1 state.single approval.performed name=17 function=service.restart \\
            arguments='{"name": "nginx"}' services='["nginx"]'

    name
        The id of the approved item; the evidence carries what came out under it.

    function
        The execution function.

    arguments
        Its keyword arguments, as a mapping.

    services
        Services whose start times are read before and after, where systemd tells them: ``starts`` in
        ``before`` and in ``observed``.

    pillar_key
        The key that the approved state has in the pillar, as the ``key`` of the ext_pillar.

    others
        Refused, but for what Salt adds about the job: ``__pub_kwarg`` to one that waited in the minion's queue
        for another state run, which a function that does not take it would be refused for.

    Nothing is run under ``test=True``, nor when :func:`converged` would apply nothing. The result is
    True if the function succeeded as Salt judges a job: it raised nothing, its retcode is 0, and it
    did not return False, nor a mapping whose ``result`` or ``success`` is false.
    """
    ret = {"name": name, "changes": {}, "result": False, "comment": ""}
    unknown = sorted(key for key in others if not key.startswith("__pub_"))
    if unknown:
        ret["comment"] = f"Nothing was run: there is no argument {unknown[0]}."
        return ret
    arguments = {} if arguments is None else arguments
    if not isinstance(arguments, dict) or not all(isinstance(key, str) for key in arguments):
        ret["comment"] = "Nothing was run: the arguments have to be a mapping of names."
        return ret
    try:
        document = _document(pillar_key)
        if document.revision == 0:
            raise _Refused("the approval database lacks this minion")
    except _Refused as exc:
        ret["comment"] = f"Nothing was run: the approved state is refused because {exc}."
        return ret
    if __opts__["test"]:
        ret["result"] = None
        ret["comment"] = f"{function} would be run."
        return ret

    before = _starts(services)
    retcode, success, returned = _perform(function, arguments)
    starts = _starts(services)
    if starts != before:
        # A service that dies a moment after its start was not restarted.
        time.sleep(SETTLE_SECONDS)
        starts = _starts(services)
    found = {"actions": {str(name): _outcome(function, retcode, success, returned)}, "starts": starts}
    ret["approval"] = _evidence(document, found, {"starts": before})
    ret["changes"] = {"performed": function}
    ret["result"] = success
    if success:
        ret["comment"] = f"{function} succeeded."
    else:
        ret["comment"] = _shorten(f"{function} failed with retcode {retcode}: {returned}")
    return ret
