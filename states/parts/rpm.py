"""Packages of the kin of rpm: the part that dnf, yum and zypper have in common."""

import collections
import fnmatch
import functools
import re
from typing import NamedTuple

import salt.utils.pkg.rpm
from salt.exceptions import CommandExecutionError

from .commands import _run
from .document import LATEST
from .packages import UNTOLD, _Blocked, _PackageManager, _without_zero_epoch


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
