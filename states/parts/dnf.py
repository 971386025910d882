"""Packages of RedHat and its kin."""

import contextlib
import functools
import re
import time

import salt.utils.path
from salt.exceptions import CommandExecutionError

from .commands import _reason, _run
from .packages import _Blocked, _without_zero_epoch
from .rpm import _Row, _Rpm


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
