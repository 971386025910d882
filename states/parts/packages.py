"""Packages through Salt's ``pkg`` functions: the part that all package managers have in common."""

import collections
import contextlib
import fnmatch
import functools
import re
import time
from typing import NamedTuple

from .commands import _reason
from .document import LATEST

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
