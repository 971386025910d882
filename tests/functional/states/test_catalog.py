"""approval.catalog: the packages of each kind of system, and how little is told of what is known."""

import base64
import hashlib
import json
import pathlib
import sys
import zlib

import pytest
import salt.loader
import salt.pillar
from salt.exceptions import CommandExecutionError

MODULES = pathlib.Path(__file__).resolve().parents[3] / "states" / "_modules"
APT_DUMP = """Using Versioning System: Standard .deb
Package: virtual-thing
Package: hello
 Version: 2.10-3
     File: /var/lib/apt/lists/site_Packages
     File: /var/lib/dpkg/status
  Depends: libc6 2.34
 Description Language: en
                 File: /var/lib/apt/lists/site_i18n
 Version: 2.10-2
     File: /var/lib/apt/lists/site_Packages.lz4
Package: of-nowhere
 Version: 1.0
     File: /var/lib/dpkg/status
Package: hello:i386
 Version: 2.10-3
     File: /var/lib/apt/lists/site_Packages
"""
DNF = """approval|openssl|1:3.0.7-27.el9|x86_64
approval|bash|0:5.1-2.el9|x86_64\\n
approval|bash|0:5.1-1.el9|src
Last metadata expiration check: now
"""
RPM_REPOS = {"site": {"enabled": True, "baseurl": "http://a/"}, "off": {"enabled": "0", "baseurl": "http://b/"}}
ZYPPER = {"site": {"bash": ["5.1-1", "5.1-2"]}, "(System Packages)": {"of-nowhere": ["1"]}}
YUM = {"site": {"bash": ["0:5.1-1"]}, "@site": {"bash": ["5.0-1"]}, "installed": {"of-nowhere": ["1"]}}


class Minion:
    """A minion whose package manager says what a test wants."""

    def __init__(self, function, monkeypatch):
        self.function = function
        self.module = sys.modules[function.__module__]
        self.programs = {}  # words of a command, or the first of them -> (retcode, stdout)
        self.functions = {"cmd.run_all": self.run}
        self.refreshed = 0
        self.pillar = {}
        self.monkeypatch = monkeypatch
        monkeypatch.setattr(self.module, "__salt__", self.functions)
        monkeypatch.setattr(salt.pillar, "get_pillar", lambda *args, **kwargs: self)
        monkeypatch.setattr(
            salt.utils.path, "which", lambda name: f"/usr/bin/{name}" if name in self.programs else None
        )

    def compile_pillar(self):
        return self.pillar

    def run(self, command, **options):
        assert options["python_shell"] is False
        code, out = self.programs.get(" ".join(command[:2])) or self.programs[command[0]]
        return {"retcode": code, "stdout": out if code == 0 else "", "stderr": out if code else ""}

    def refresh(self):
        self.refreshed += 1

    def tell(self, family, *args, **kwargs):
        grains = {"os_family": family, "os": family, "osmajorrelease": 12, "osarch": "amd64"}
        self.monkeypatch.setattr(self.module, "__grains__", grains)
        return self.function(*(args or ("nonce",)), **kwargs)


@pytest.fixture
def minion(tmp_path, monkeypatch):
    opts = dict(salt.config.DEFAULT_MINION_OPTS)
    opts.update(
        {
            "id": "web1",
            "cachedir": str(tmp_path),
            "extension_modules": str(tmp_path / "extmods"),
            "module_dirs": [str(MODULES)],
        }
    )
    functions = salt.loader.minion_mods(opts)
    made = Minion(functions["approval.catalog"], monkeypatch)
    made.functions["pkg.refresh_db"] = made.refresh
    made.programs = {"apt-get indextargets": (0, "http://b/Packages\nhttp://a/Packages\n"), "apt-cache": (0, APT_DUMP)}
    return made


def lines(told):
    return zlib.decompress(base64.b64decode(told["packages"])).decode().split("\n")


def digest(lines):
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def test_debian_tells_what_its_repositories_have(minion):
    told = minion.tell("Debian")
    assert lines(told) == ["hello 2.10-2", "hello 2.10-3", "hello:i386 2.10-3"]
    assert told["content"] == digest(lines(told))
    assert told["sources"] == digest(["Debian", "Debian 12 amd64", "http://a/Packages", "http://b/Packages"])
    assert (told["system"], told["release"], told["complete"]) == ("Debian", "Debian 12 amd64", True)
    assert minion.refreshed == 1
    assert "mac" not in told
    json.dumps(told)


def test_redhat(minion):
    minion.functions["pkg.list_repos"] = lambda: RPM_REPOS
    minion.programs = {"dnf": (0, DNF)}
    told = minion.tell("RedHat")
    assert lines(told) == ["bash 5.1-2.el9", "openssl 1:3.0.7-27.el9"]
    assert told["sources"] == digest(["RedHat", "RedHat 12 amd64", "site http://a/"])
    minion.programs = {}
    minion.functions["pkg.list_repo_pkgs"] = lambda byrepo: YUM
    assert lines(minion.tell("RedHat")) == ["bash 5.1-1"]


def test_suse(minion):
    minion.functions["pkg.list_repos"] = lambda: RPM_REPOS
    minion.functions["pkg.list_repo_pkgs"] = lambda byrepo: ZYPPER
    assert lines(minion.tell("Suse")) == ["bash 5.1-1", "bash 5.1-2"]


def test_windows(minion):
    del minion.functions["pkg.refresh_db"]
    minion.functions["chocolatey.list"] = lambda: {"GoogleChrome": ["1.2"]}
    minion.functions["chocolatey.list_sources"] = lambda: {"site": {"URL: ": "http://a/", "Disabled": "False"}}
    told = minion.tell("Windows")
    assert (lines(told), told["complete"]) == (["GoogleChrome 1.2"], False)
    minion.functions["pkg.refresh_db"] = minion.refresh
    minion.functions["pkg.get_repo_data"] = lambda: {"repo": {"7zip": {"22.01": {}, "23.01": {}}}}
    more = minion.tell("Windows")
    assert lines(more) == ["7zip 22.01", "7zip 23.01", "GoogleChrome 1.2"]
    assert more["sources"] != told["sources"]


def test_what_is_known_is_not_told_again(minion):
    whole = minion.tell("Debian")
    minion.refreshed = 0
    known = {whole["sources"]: ["0" * 64]}
    told = minion.tell("Debian", "nonce", known)
    assert ("packages" in told, "content" in told, minion.refreshed) == (False, False, 0)
    changed = minion.tell("Debian", "nonce", known, ["web1"])
    assert (changed["content"], "packages" in changed) == (whole["content"], True)
    same = minion.tell("Debian", "nonce", {whole["sources"]: ["0" * 64, whole["content"]]}, ["web1"])
    assert (same["content"], "packages" in same) == (whole["content"], False)
    other = minion.tell("Debian", "nonce", {"0" * 64: [whole["content"]]}, ["web2"])
    assert "packages" in other


@pytest.mark.parametrize(
    ("family", "programs", "error"),
    [
        ("Solaris", {}, "it is not known how packages of Solaris are listed"),
        ("Debian", {"apt-get indextargets": (100, "E: broken sources.list")}, "E: broken sources.list"),
        ("Debian", {"apt-get indextargets": (0, "http://a/"), "apt-cache": (1, "")}, "apt-cache fails"),
    ],
)
def test_what_cannot_be_listed_is_said(minion, family, programs, error):
    minion.programs = programs
    minion.pillar = {"approval": {"evidence_key": "c3" * 32, "revision": 4}}
    told = minion.tell(family)
    assert (told["error"], told["content"], "packages" in told) == (error, None, False)
    assert (told["revision"], len(told["mac"])) == (4, 64)


def test_lists_that_cannot_be_fetched_are_told_as_they_are(minion):
    def refuse():
        raise CommandExecutionError("no network")

    minion.functions["pkg.refresh_db"] = refuse
    assert len(lines(minion.tell("Debian"))) == 3


def test_the_mac_binds_the_answer_to_the_question(minion):
    minion.pillar = {"site": {"evidence_key": "c3" * 32, "revision": 4}}
    first = minion.tell("Debian", "one", pillar_key="site")
    assert first["mac"] != minion.tell("Debian", "two", pillar_key="site")["mac"]
    assert first["mac"] == minion.tell("Debian", "one", pillar_key="site")["mac"]
    assert "mac" not in minion.tell("Debian", "one")
