"""approval.converged through Salt's real loader, on a machine whose packages are kept in memory."""

import collections
import fnmatch
import hashlib
import json
import pathlib
import struct
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2] / "states"
KEY = "c3" * 32


class Machine:
    """
    Packages and services in memory, with the behavior of a package manager.

    The database stands in for the host's own, which tests may not change. A transaction with a version that
    is not available fails as a whole; one with a package in ``faulty`` does the rest and leaves
    that one out.
    """

    def __init__(self):
        self.installed = {}  # name -> versions
        self.available = {}  # name -> version -> names it needs
        self.held = set()
        self.faulty = set()
        self.services = {}  # name -> running or dead
        self.stubborn = set()  # services that do not do as they are told
        self.started = {}  # name -> microseconds since the boot, or 0
        self.ran = []  # what stand_ins/action.py was called for
        self.slow = {}  # name -> how often it still looks as before it was started or stopped
        self.settling = collections.Counter()
        self.locked = 0  # so many transactions find the lock taken
        self.lock_files = ()  # instead of those of the host's apt
        self.unreadable = ""
        self.damaged = ""  # what the commands say that cannot read the database of packages
        self.unreachable = ""  # why the lists of available packages cannot be fetched
        self.conflicts = {}  # name -> name that has to go for it
        self.broken = {}  # name -> status of dpkg
        self.transactions = []
        self.commands = []
        self.counted = collections.Counter()

    def count(self, what):
        self.counted[what] += 1

    def offer(self, *names, versions=("1.0", "2.0"), needs=()):
        for name in names:
            self.available[name] = dict.fromkeys(versions, tuple(needs))

    def have(self, **packages):
        self.installed.update({name: [version] for name, version in packages.items()})

    # what happens when

    def closure(self, wanted):
        """``wanted`` (name -> version or None for the newest) with what it needs; or why not."""
        todo, plan = list(wanted.items()), {}
        while todo:
            name, version = todo.pop()
            offered = self.available.get(name, {"": ()})
            version = max(fnmatch.filter(offered, version or "*"), default=version)
            if version not in self.available.get(name, {}):
                return None, f"E: Version '{version}' for '{name}' was not found"
            plan[name] = version
            for need in self.available[name][version]:
                need, _, exact = need.partition("=")
                have = plan.get(need) or (self.installed.get(need) or [None])[0]
                if need in wanted and exact and (wanted[need] or have) != exact:
                    return None, f"{name} : Depends: {need} (= {exact})"
                if need not in plan and need not in wanted and have != (exact or have or ""):
                    todo.append((need, exact or None))
        return plan, ""

    def dependents(self, names):
        """``names`` and every installed package that needs one of them."""
        going = set(names) & set(self.installed)
        while True:
            more = {
                name
                for name, versions in self.installed.items()
                for need in self.available.get(name, {}).get(versions[0], ())
                if need.partition("=")[0] in going and name not in going
            }
            if not more:
                return going
            going |= more

    def begin(self, kind, names):
        from salt.exceptions import CommandExecutionError

        if self.locked:
            self.locked -= 1
            raise CommandExecutionError("E: Could not get lock /var/lib/dpkg/lock-frontend")
        self.transactions.append((kind, *sorted(names)))

    def fail(self, said):
        from salt.exceptions import CommandExecutionError

        raise CommandExecutionError("Problem encountered.", info={"errors": [said], "changes": {}})

    def install(self, wanted):
        self.begin("install", wanted)
        plan, why = self.closure(wanted)
        if plan is None:
            self.fail(why)
        for name, version in plan.items():
            if name in self.conflicts:
                self.installed.pop(self.conflicts[name], None)
            if name not in self.faulty:
                self.installed[name] = [version]
        broken = sorted(self.faulty & plan.keys())
        if broken:
            self.fail(f"dpkg: error processing package {broken[0]} (--configure)")

    def remove(self, names):
        self.begin("remove", names)
        for name in self.dependents(set(names) - self.faulty):
            del self.installed[name]

    def refresh(self):
        from salt.exceptions import CommandExecutionError

        self.count("refresh")
        if self.unreachable:
            raise CommandExecutionError(self.unreachable)

    def set_service(self, name, state):
        if name in self.stubborn:
            return False
        self.services[name] = state
        self.settling[name] = self.slow.get(name, 0)
        return True

    def see_service(self, name):
        """Whether it seems to run."""
        running = self.services[name] == "running"
        if self.settling[name] == 0:
            return running
        self.settling[name] -= 1
        return not running

    # commands

    def command(self, command):
        """(retcode, stdout, stderr) of a command that the state runs beside the pkg functions."""
        self.commands.append(command)
        if self.damaged and command[0] in ("dpkg-query", "rpm"):
            return 1, "", self.damaged
        if command[0] == "dpkg-query":
            return 0, self.dpkg_query(), ""
        if command[0] == "zypper":
            return self.zypper(command[4:])
        if command[0] == "apt-get" and "-s" in command:
            return self.apt_simulation(command)
        if command[:4] == ["apt-get", "-q", "-y", "remove"]:
            self.begin("remove", command[4:])
            for name in command[4:]:
                self.broken.pop(name, None)
            return 0, "", ""
        raise AssertionError(command)

    def dpkg_query(self):
        lines = [f"{status}\t{name}:amd64\t1.0" for name, status in self.broken.items()]
        lines += [
            f"installed\t{name if ':' in name else f'{name}:amd64'}\t{versions[0]}"
            for name, versions in self.installed.items()
            if name not in self.broken
        ]
        return "\n".join(lines)

    def zypper(self, words):
        """In the XML of zypper 1.14."""
        if words[0] == "search":
            rows = [
                f'<solvable kind="package" name="{name}" edition="{version}" arch="noarch" repository="site"/>'
                for name in words[5:]
                for version in self.available.get(name, ())
            ]
            return 0, f"<stream><search-result>{''.join(rows)}</search-result></stream>", ""
        targets = words[words.index("--dry-run") + 1 :]
        targets = [word for word in targets if not word.startswith("-")]
        if words[0] == "remove":
            plan, gone = {}, self.dependents(targets)
        else:
            plan, why = self.closure(dict((*target.split("="), None)[:2] for target in targets))
            if plan is None:
                return 104, f'<stream><message type="error">{why}</message></stream>', ""
            gone = {self.conflicts[name] for name in plan if name in self.conflicts}
        rows = [f'<solvable type="package" name="{name}" edition="1.0" arch="noarch"/>' for name in sorted(gone)]
        text = f"<to-remove>{''.join(rows)}</to-remove>"
        rows = [f'<solvable type="package" name="{name}" edition="{v}" arch="noarch"/>' for name, v in plan.items()]
        text += f"<to-install>{''.join(rows)}</to-install>"
        return 0, f"<stream><install-summary>{text}</install-summary></stream>", ""

    def apt_simulation(self, command):
        """In the words of apt 2.6."""
        verb = next(word for word in ("install", "remove", "purge") if word in command)
        targets = command[command.index(verb) + 1 :]
        if verb != "install":
            gone = self.dependents(targets) | (set(targets) & self.broken.keys())
            return 0, "\n".join(f"Remv {name} [1.0]" for name in sorted(gone)), ""
        wanted = dict((*target.split("="), None)[:2] for target in targets)
        plan, why = self.closure(wanted)
        if plan is None:
            stdout = "The following packages have unmet dependencies:\n " + why
            if why.startswith("E: "):
                return 100, "Reading package lists...", why
            return 100, stdout, "E: Unable to correct problems, you have held broken packages."
        lines = ["Reading package lists..."]
        for name, version in plan.items():
            if name in self.conflicts:
                lines.append(f"Remv {self.conflicts[name]} [1.0]")
            lines.append(f"Inst {name} ({version} localhost [amd64])")
        lines += [f"Conf {name} ({version} localhost [amd64])" for name, version in plan.items()]
        return 0, "\n".join(lines), ""


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def approve():
    """A function that gives the pillar of a document with these resources."""
    revisions = iter(range(1, 100))

    def field(text):
        if text is None:
            return b"\xff" * 4
        return struct.pack(">I", len(text.encode())) + text.encode()

    def document(packages=(), services=(), values=()):
        packages, services, values = dict(packages), dict(services), dict(values)
        revision = next(revisions)
        kinds = {None: "absent", "latest": "latest"}
        items = [("package", name, kinds.get(v, "version"), v) for name, v in packages.items()]
        items += [("service", name, "state", state) for name, state in services.items()]
        items += [
            ("value", name, "json", json.dumps(v, sort_keys=True, separators=(",", ":"))) for name, v in values.items()
        ]
        hashed = hashlib.sha256(b"".join(map(field, ["apv1", "web1", str(revision)])))
        for item in sorted(items, key=lambda item: item[:2]):
            hashed.update(b"".join(map(field, item)))
        return {
            "revision": revision,
            "digest": "sha256:" + hashed.hexdigest(),
            "evidence_key": KEY,
            "minion": "web1",
            "packages": packages,
            "services": services,
            "values": values,
        }

    return document


@pytest.fixture
def minion_opts(tmp_path):
    """A function that gives the configuration of a minion with a document as its pillar."""
    import salt.config

    def build(document, os_family="Example", test=False):
        opts = dict(salt.config.DEFAULT_MINION_OPTS)
        opts.update(
            {
                "id": "web1",
                "test": test,
                "cachedir": str(tmp_path),
                "extension_modules": str(tmp_path / "extmods"),
                "module_dirs": [str(HERE / "stand_ins"), str(ROOT / "_modules")],
                "states_dirs": [str(ROOT / "_states")],
                "grains": {"os_family": os_family, "os": os_family, "kernel": "Linux"},
                "pillar": {"approval": document},
            }
        )
        return opts

    return build


@pytest.fixture
def apply(machine, minion_opts, monkeypatch):
    """
    A function that runs a state on the machine with a document as its pillar: approval.converged,
    unless another one is named.
    """
    import salt.loader

    def run(document, os_family="Example", test=False, state="converged", name="approval", **arguments):
        opts = minion_opts(document, os_family, test)
        context = {"machine": machine}
        utils = salt.loader.utils(opts, context=context)
        functions = salt.loader.minion_mods(opts, context=context, utils=utils)
        states = salt.loader.states(opts, functions, utils, None, context=context)
        function = states[f"approval.{state}"]
        monkeypatch.setattr(sys.modules[function.__module__]._Apt, "LOCKS", machine.lock_files)
        return function(name, **arguments)

    return run


@pytest.fixture
def observe(machine, minion_opts, monkeypatch):
    """
    A function that runs approval.observe with a document as the pillar that the master gives, and with
    nothing as the one that the minion has.
    """
    import salt.loader
    import salt.pillar

    asked = []

    class Master:
        def __init__(self, given):
            self.given = given

        def compile_pillar(self):
            return self.given

    def run(document, os_family="Example", **arguments):
        def get_pillar(opts, grains, minion_id, saltenv=None, pillarenv=None):
            asked.append((minion_id, grains["os_family"], saltenv, pillarenv))
            return Master({"approval": document})

        monkeypatch.setattr(salt.pillar, "get_pillar", get_pillar)
        opts = minion_opts({}, os_family)
        context = {"machine": machine}
        utils = salt.loader.utils(opts, context=context)
        return salt.loader.minion_mods(opts, context=context, utils=utils)["approval.observe"](**arguments)

    run.asked = asked
    return run
