"""Packages of Windows."""

import re

import salt.utils.versions

from .document import LATEST
from .packages import _PackageManager


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
