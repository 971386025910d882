"""Packages of Debian and its kin."""

import functools
import os
import re
import struct

from salt.exceptions import CommandExecutionError

from .commands import CHATTER, _run, _shorten
from .document import LATEST
from .packages import _Blocked, _PackageManager, _without_zero_epoch

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
