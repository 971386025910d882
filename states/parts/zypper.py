"""Packages of SUSE."""

import contextlib
import functools
import os
import xml.etree.ElementTree

from salt.exceptions import CommandExecutionError

from .commands import _reason, _run
from .packages import _Blocked, _without_zero_epoch
from .rpm import _Row, _Rpm


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
