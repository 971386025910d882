"""The root file systems of minions: a minimal Debian with Salt, built once and kept as an archive.

The archive holds the host's Debian release with its own dpkg, Salt in /opt/salt, and the host's way to reach the
Debian mirrors. It is rebuilt when any of that changes. RpmRoot has the package managers of RedHat and SUSE besides.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

SALT = "/opt/salt"
# Raise when the archive's content changes for a reason that _inputs() does not see.
FORMAT = 1
DIGITS = 12


class MinionRoot:
    """Builds the archive in the folder `cache` from the wheels of Salt in `wheels`, and unpacks it."""

    NAME = "minion-root"
    # Beyond the essential packages and apt: Python for Salt.
    PACKAGES = ("python3", "python3-venv")
    VENV_OPTIONS = ""
    # A command of the shell that completes the root $1.
    COMPLETION = "true"

    def __init__(self, cache, wheels):
        self.wheels = pathlib.Path(wheels)
        # Beside those of other releases of Salt, whose wheels are in folders of other names.
        self._name = f"{self.NAME}-{self.wheels.name}"
        self._release = platform_release()
        self._apt_configuration = _host_apt_configuration()
        self._sources = _host_debian_sources()
        self.archive = pathlib.Path(cache) / f"{self._name}-{self._digest()}.tar"

    def build(self, log):
        """
        Build the archive unless it is there. What the tools print goes to the file `log`.

        A run beside this one that wants the same archive waits for it.
        """
        self.archive.parent.mkdir(parents=True, exist_ok=True)
        with open(self.archive.parent / f"{self._name}.lock", "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.archive.exists():
                self._build(log)

    def _build(self, log):
        for outdated in self.archive.parent.glob(f"{self._name}-{'?' * DIGITS}.*"):
            outdated.unlink()
        partial = self.archive.with_suffix(".partial")
        configuration = pathlib.Path(log).with_suffix(".apt.conf")
        configuration.write_text(self._apt_configuration)
        sources = pathlib.Path(log).with_suffix(".sources.list")
        sources.write_text(self._sources)
        install_salt = (
            f'chroot "$1" python3 -m venv {self.VENV_OPTIONS} {SALT} && '
            f'chroot "$1" {SALT}/bin/pip install --quiet --no-index --find-links /wheels salt && '
            'rm -r "$1/wheels"'
        )
        command = [
            *("mmdebstrap", "--mode=root", "--variant=apt", "--format=tar"),
            f"--include={','.join(self.PACKAGES)}",
            f"--aptopt={configuration}",
            '--customize-hook=mkdir "$1/wheels"',
            f"--customize-hook=sync-in {self.wheels} /wheels",
            f"--customize-hook={install_salt}",
            f"--customize-hook={self.COMPLETION}",
            # The lists stay, so that a new minion can install at once.
            "--skip=cleanup/apt/lists",
            *(self._release, str(partial), str(sources)),
        ]
        with open(log, "wb") as output:
            result = subprocess.run(command, check=False, stdout=output, stderr=subprocess.STDOUT)
        if result.returncode != 0:
            partial.unlink(missing_ok=True)
            raise RuntimeError(f"mmdebstrap failed:\n{_tail(log)}")
        partial.rename(self.archive)
        _give_to_invoker(self.archive)

    @contextlib.contextmanager
    def mounted(self, directory):
        """
        Within the `with`, `directory` is a fresh root.

        It shows the root that is unpacked beside it, once for all that are mounted there; writes go to memory. Needs
        the namespaces of sandbox.py: the mounts of a run that is killed are gone with them.
        """
        directory = pathlib.Path(directory)
        unpacked = directory.with_name(self.NAME)
        if not unpacked.exists():
            self.unpack(unpacked)
        layers = directory.with_suffix(".layers")
        with _mounted(["-t", "tmpfs", "none"], layers):
            for name in ("upper", "work"):
                (layers / name).mkdir()
            options = f"lowerdir={unpacked},upperdir={layers}/upper,workdir={layers}/work"
            with _mounted(["-t", "overlay", "-o", options, "overlay"], directory):
                yield directory

    def unpack(self, directory):
        """Create `directory` as a fresh root that resolves names as the host does."""
        directory = pathlib.Path(directory)
        directory.mkdir()
        subprocess.run(["tar", "-x", "-p", "--numeric-owner", "-f", self.archive, "-C", directory], check=True)
        for name in ("resolv.conf", "hosts"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"/etc/{name}", directory / "etc" / name)

    def _digest(self):
        inputs = [
            str(FORMAT),
            self._release,
            os.uname().machine,
            self._apt_configuration,
            self._sources,
            *self.PACKAGES,
            self.VENV_OPTIONS,
            self.COMPLETION,
            *sorted(path.name for path in self.wheels.glob("*.whl")),
        ]
        return hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:DIGITS]


class RpmRoot(MinionRoot):
    """A root in which dnf, zypper and rpm are at home, for Salt to be told that it is of RedHat's kin, or SUSE's."""

    NAME = "rpm-root"
    PACKAGES = (
        *MinionRoot.PACKAGES,
        *("rpm", "dnf", "zypper", "createrepo-c", "python3-dnf", "python3-rpm"),
    )
    # Salt asks Python's rpm to compare versions.
    VENV_OPTIONS = "--system-site-packages"
    # It has versionlock, and says that it breaks zypper: one file is in both.
    COMPLETION = (
        'chroot "$1" sh -c "cd /tmp && apt-get -q download dnf-plugins-core && '
        'dpkg-deb --extract dnf-plugins-core_*.deb / && rm *.deb"'
    )


@contextlib.contextmanager
def _mounted(what, where):
    """Within the `with`, this is mounted on `where`, a folder that is made for it and is gone afterwards."""
    where.mkdir()
    subprocess.run(["mount", *what, where], check=True)
    try:
        yield
    finally:
        # A process that is just ending may have a file in there.
        subprocess.run(["umount", "--lazy", where], check=True)
        where.rmdir()


def platform_release():
    """The codename of the host's Debian, such as bookworm."""
    fields = dict(
        line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text().splitlines() if "=" in line
    )
    if fields.get("ID") != "debian":
        raise RuntimeError("the roots of the minions are built on Debian only: this host is something else")
    return fields["VERSION_CODENAME"].strip('"')


def _host_apt_configuration():
    """How the host's apt fetches: proxies, certificates, retries, as a configuration file."""
    command = ["apt-config", "dump", "--no-empty", "--format", '%F "%v";%n', "Acquire"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _host_debian_sources():
    """The host's sources of Debian itself, one line each; third parties' are of no use to a minion."""
    lines = _debian_index_targets()
    if not lines:
        subprocess.run(["apt-get", "-qq", "update"], check=True, stdout=sys.stderr)
        lines = _debian_index_targets()
    if not lines:
        raise RuntimeError("apt knows no source of Debian packages on this host (apt-get indextargets)")
    return "".join(f"{line}\n" for line in lines)


def _debian_index_targets():
    command = ["apt-get", "indextargets", "--format", "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"]
    command += ["Created-By: Packages", "Origin: Debian", f"Architecture: {_architecture()}"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return sorted(set(output.splitlines()))


def _architecture():
    command = ["dpkg", "--print-architecture"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def _give_to_invoker(path):
    """Under sudo, let the cached file belong to the person who ran sudo, who may then delete it."""
    if "SUDO_UID" in os.environ:
        os.chown(path, int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"]))


def _tail(path, lines=20):
    return "\n".join(pathlib.Path(path).read_text(errors="replace").splitlines()[-lines:])
