"""A machine on which somebody follows the documentation: a copy-on-write copy of this one, with nothing set up.

It has what a newcomer brings along: Salt in /opt/saltstack/salt, a PostgreSQL cluster, a clone of the project, accounts
of people who may use sudo. Whatever is written there goes to memory and is gone with the machine; it has a network
of its own, so every service has its usual port. Salt's own packages (onedir) cannot be installed here: a virtual
environment in their place, with `salt-pip` and the folder `extras-X.Y` as they have them, stands for them. There is no
systemd: `systemctl` knows what the documentation asks of it.
"""

import contextlib
import ctypes
import os
import pathlib
import shutil
import subprocess
import sys
import time

import tomllib
from salt_minion import SaltMinion

CLONE_NEWNET = 0x40000000
PROJECT = pathlib.Path(__file__).resolve().parent.parent
ONEDIR = "/opt/saltstack/salt"
CLONE = "/root/saltext-approval"
PEOPLE = ("alice", "bob", "carol", "dave")
PROGRAMS = ("salt", "salt-call", "salt-cp", "salt-key", "salt-master", "salt-run")
START_TIMEOUT_S = 180

PROFILE = """\
unset "${!PIP_@}"
export PIP_CONFIG_FILE=/dev/null PIP_NO_INDEX=1 PIP_FIND_LINKS="/wheels /salt-wheels" PIP_DISABLE_PIP_VERSION_CHECK=1
"""
SALT_PIP = f"""\
#!/bin/sh
# As Salt's own: what is installed goes to the folder extras-X.Y.
extras=$(echo {ONEDIR}/extras-*)
for word in "$@"; do
    if [ "$word" = install ]; then
        exec {ONEDIR}/bin/python3 -m pip "$@" --target="$extras"
    fi
done
exec {ONEDIR}/bin/python3 -m pip "$@"
"""
# A master is up when it answers; systemd is told so by the master itself.
SYSTEMCTL = """\
#!/bin/bash
set -eu
if [ "$*" = --version ]; then printf "systemd 252 (none)\n-\n"; exit; fi
[ "$#" = 2 ] && [ "$2" = salt-master ] || { echo "systemctl: $*: not on this machine" >&2; exit 1; }
stop() {
    [ -e /run/master-of-systemctl.pid ] || return 0
    kill -- "-$(cat /run/master-of-systemctl.pid)" || true
    while kill -0 -- "-$(cat /run/master-of-systemctl.pid)" 2>/dev/null; do sleep 0.1; done
    rm /run/master-of-systemctl.pid
}
start() {
    setsid salt-master </dev/null >>/var/log/salt-master 2>&1 &
    echo $! >/run/master-of-systemctl.pid
    for _ in $(seq 600); do
        if salt-run --timeout=5 manage.up >/dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    cat /var/log/salt-master >&2
    return 1
}
case $1 in
    start) start ;;
    stop) stop ;;
    restart) stop; start ;;
    *) echo "systemctl: $1: not on this machine" >&2; exit 1 ;;
esac
"""

libc = ctypes.CDLL(None, use_errno=True)


class NewcomerMachine:
    """
    Context manager. Needs the namespaces of sandbox.py: its mounts are made in them.

    directory
        An empty folder for it.
    cache
        Where wheels are kept between runs: of what the package needs, and of what builds it.
    salt_wheels
        The wheels of Salt.
    """

    def __init__(self, directory, cache, salt_wheels):
        self.directory = pathlib.Path(directory)
        self.root = self.directory / "root"
        self._wheels = {"wheels": pathlib.Path(cache) / "wheels", "salt-wheels": pathlib.Path(salt_wheels)}
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with self._stack:
            self._download()
            self._stack.enter_context(_own_network())
            self._mount()
            self._furnish()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def run(self, command, user="root", check=True, text=""):
        """
        Run a command line in a login shell of `user`, as typed, with `text` as what is typed after it. Gives the
        CompletedProcess, its output and errors in `stdout`; raises RuntimeError with them if it fails and `check`
        is set.
        """
        folder = CLONE if user == "root" else "~"
        # What `export` did stays, as in the one shell that a person has open.
        memory = f"/tmp/shell-of-{user}"  # noqa: S108 - in that machine
        script = f". {memory} 2>/dev/null\ncd {folder}\n{command}\nresult=$?\nexport -p >{memory}\nexit $result\n"
        result = subprocess.run(
            ["chroot", self.root, "su", "-", user, "-s", "/bin/bash", "-c", script],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if check and result.returncode != 0:
            raise RuntimeError(f"{user}$ {command}\nexit status {result.returncode}\n{result.stdout}")
        return result

    def write(self, path, text, mode=0o644):
        """Write a file of that machine."""
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def path(self, path):
        """Where a file of that machine is on this one."""
        return self.root / str(path).lstrip("/")

    def add_minion(self, minion_id, root, repository):
        """Install a minion of this machine's master in a root file system of its own, and accept its key."""
        minion = SaltMinion(
            minion_id,
            self.directory / minion_id,
            root,
            repository,
            {"master": "127.0.0.1", "acceptance_wait_time": 1},
        )
        minion.install()
        # There is no way to Debian's mirrors from here, and apt would try them for minutes.
        (minion.directory / "etc/apt/sources.list").unlink(missing_ok=True)
        for file in (minion.directory / "etc/apt/sources.list.d").glob("*"):
            if file.name != "repository.list":
                file.unlink()
        self._stack.callback(minion.wipe)
        minion.start()
        self._until(f"salt-key --list=unaccepted | grep -qx {minion_id}", f"the key of {minion_id}")
        self.run(f"salt-key --yes --accept {minion_id}")
        self._until(f"salt --timeout=5 {minion_id} test.ping | grep -q True", f"an answer of {minion_id}")
        return minion

    def _until(self, command, what):
        deadline = time.monotonic() + START_TIMEOUT_S
        while (result := self.run(command, check=False)).returncode != 0:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}: not within {START_TIMEOUT_S} s: {result.stdout}")

    def _download(self):
        """What builds the package, and what it depends on: there is no way to an index from the machine."""
        project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
        wanted = sorted([*project["build-system"]["requires"], *project["project"]["dependencies"]])
        folder = self._wheels["wheels"]
        complete = folder / ".complete"
        if complete.exists() and complete.read_text() == "\n".join(wanted):
            return
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", folder, *wanted]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        complete.write_text("\n".join(wanted))

    def _mount(self):
        layers = self.directory / "layers"
        layers.mkdir()
        # In memory, since an overlay cannot lie on another one, as the root of a container is.
        self._attach(["-t", "tmpfs", "none"], layers)
        upper, work = layers / "upper", layers / "work"
        for folder in (upper, work, self.root):
            folder.mkdir()
        self._attach(["-t", "overlay", "-o", f"lowerdir=/,upperdir={upper},workdir={work}", "overlay"], self.root)
        self._attach(["--rbind", "/proc"], self.root / "proc")
        self._attach(["--rbind", "/dev"], self.root / "dev")
        for name, folder in self._wheels.items():
            (self.root / name).mkdir()
            self._attach(["--bind", str(folder)], self.root / name)

    def _attach(self, what, where):
        subprocess.run(["mount", *what, str(where)], check=True)
        self._stack.callback(subprocess.run, ["umount", "--lazy", str(where)], check=False)

    def _furnish(self):
        self._copy_project()
        # Nobody's settings of this host: neither those of shells, nor where pip looks.
        self.write("/etc/profile.d/newcomer.sh", PROFILE)
        for name in (".profile", ".bashrc", ".bash_profile"):
            self.path(f"/root/{name}").unlink(missing_ok=True)
        # What is to be installed is installed here: apt finds that, and looks for nothing newer.
        self._as_root("rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*")
        for person in PEOPLE:
            self._as_root(f"id {person} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash {person}")
        self.write("/etc/sudoers.d/people", "alice, bob ALL = NOPASSWD: /usr/bin/salt-run\n", 0o440)
        self._install_salt()
        self._make_cluster()
        self._stack.callback(self._as_root, "systemctl stop salt-master")
        self._as_root("systemctl start salt-master")

    def _copy_project(self):
        """A clone as the working tree has it, changes that are not committed included."""
        files = subprocess.run(
            ["git", "-C", PROJECT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            stdout=subprocess.PIPE,
            check=True,
        )
        for name in filter(None, files.stdout.decode().split("\0")):
            source, target = PROJECT / name, self.path(CLONE) / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)

    def _install_salt(self):
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        self._as_root(f"/usr/bin/python3 -m venv {ONEDIR} && {ONEDIR}/bin/pip install --quiet salt")
        extras = f"{ONEDIR}/extras-{version}"
        self.path(extras).mkdir()
        self.write(f"{ONEDIR}/lib/python{version}/site-packages/extras.pth", f"{extras}\n")
        for program in PROGRAMS:
            self.path(f"/usr/bin/{program}").symlink_to(f"{ONEDIR}/bin/{program}")
        self.write("/usr/bin/salt-pip", SALT_PIP, 0o755)
        self.write("/usr/local/sbin/systemctl", SYSTEMCTL, 0o755)
        # As Salt's packages leave it: a configuration that says nothing.
        self.write("/etc/salt/master", "")
        for folder in ("/etc/salt/master.d", "/srv/salt"):
            self.path(folder).mkdir(exist_ok=True)

    def _make_cluster(self):
        """A cluster as Debian's package makes one, in the place of any that this machine may have."""
        self._as_root("pg_lsclusters -h | while read -r version name _; do pg_dropcluster $version $name; done")
        self._as_root("rm -rf /var/run/postgresql/.s.PGSQL* && pg_createcluster 15 main")
        self._stack.callback(self._as_root, "pg_ctlcluster 15 main stop -m immediate")
        self._as_root("pg_ctlcluster 15 main start")

    def _as_root(self, command):
        self.run(f"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; {command}")


@contextlib.contextmanager
def _own_network():
    """Within the `with`, this process and those that it starts are in a network with nothing but a loopback device."""
    before = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(libc.unshare(CLONE_NEWNET), "unshare")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield
    finally:
        _check(libc.setns(before, CLONE_NEWNET), "setns")
        os.close(before)


def _check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
