"""A real systemd, as the first process of PID, mount and cgroup namespaces of its own."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import time

BOOT = """
set -e
umask 022
groups=/sys/fs/cgroup
[ ! -d "$groups/systemd" ] || groups="$groups/systemd"
mkdir "$groups/$2"
echo $$ > "$groups/$2/cgroup.procs"
exec setpriv --pdeathsig KILL unshare --fork --kill-child --pid --mount --uts --ipc --cgroup --mount-proc sh -c '
    set -e
    mount --make-rprivate /
    if [ -d /sys/fs/cgroup/systemd ]; then
        mount -t tmpfs none /sys/fs/cgroup
        mkdir /sys/fs/cgroup/systemd
        mount -t cgroup -o none,name=systemd none /sys/fs/cgroup/systemd
    else
        mount -t cgroup2 none /sys/fs/cgroup
    fi
    mount -t tmpfs none /run
    mount --bind "$1" /lib/systemd/system
    mount -t tmpfs none /etc/systemd/system
    exec env -i PATH="$PATH" container=test SYSTEMD_LOG_TARGET=console /lib/systemd/systemd --unit=multi-user.target
' sh "$1"
"""
CLEAN = """
groups=/sys/fs/cgroup
[ ! -d "$groups/systemd" ] || groups="$groups/systemd"
find "$groups/$1" -depth -type d -exec rmdir {} +
"""
AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]
START_SECONDS = 30


class Systemd:
    """
    Context manager around a systemd that knows no units but those that put() writes.

    ``path`` is a directory for PATH, whose ``systemctl`` speaks to it. Needs root, or sudo without a password.
    """

    def __init__(self, directory):
        self.units = directory / "units"
        self.path = directory / "bin"
        self._group = f"saltext-approval-{os.getpid()}"
        self._log = directory / "log"

    def __enter__(self):
        self.units.mkdir()
        self.path.mkdir()
        for target in ("sysinit", "basic", "multi-user", "shutdown", "sockets", "timers", "paths"):
            self._write(f"{target}.target", "[Unit]\nDefaultDependencies=no\n")
        command = [*AS_ROOT, "sh", "-c", BOOT, "sh", self.units, self._group]
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self._await()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _await(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            first = self._first()
            if first:
                wrapper = self.path / "systemctl"
                enter = " ".join([*AS_ROOT, "nsenter", "-t", first, "-m", "-p", "--"])
                wrapper.write_text(f'#!/bin/sh\nexec {enter} {shutil.which("systemctl")} "$@"\n')
                wrapper.chmod(0o755)
                if self.ctl("is-system-running") in ("running", "degraded"):
                    return
            time.sleep(0.1)
        raise RuntimeError(f"no systemd could be started: {self._log.read_text()}")

    def _first(self):
        """The process id of systemd here, once there is one: the last of a line of only children."""
        found = str(self._process.pid)
        while True:
            try:
                children = pathlib.Path(f"/proc/{found}/task/{found}/children").read_text().split()
                name = pathlib.Path(f"/proc/{found}/comm").read_text().strip()
            except OSError:
                return None
            if name == "systemd":
                return found
            if not children:
                return None
            found = children[0]

    def __exit__(self, *_):
        first = self._first()
        if first:
            subprocess.run([*AS_ROOT, "kill", "-KILL", first], check=False)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        subprocess.run([*AS_ROOT, "sh", "-c", CLEAN, "sh", self._group], check=False)

    def _write(self, name, text):
        (self.units / name).write_text(text)

    def ctl(self, *words):
        """The output of systemctl, whatever its exit status."""
        run = subprocess.run([self.path / "systemctl", *words], capture_output=True, text=True, check=False)
        return run.stdout.strip()

    def put(self, units, aliases=()):
        """
        Make units known.

        units
            Name (a service, if it has no suffix) -> {section: lines}; a service has a daemon that sleeps unless
            its section says otherwise.
        aliases
            Other name -> name of a unit; None masks it.
        """
        for name, sections in units.items():
            full = name if "." in name else f"{name}.service"
            sections = {"Unit": [], **sections}
            if full.endswith(".service"):
                sections.setdefault("Service", ["ExecStart=/bin/sleep infinity"])
            self._write(
                full, "".join(f"[{section}]\n" + "\n".join(lines) + "\n" for section, lines in sections.items())
            )
        for alias, name in dict(aliases).items():
            (self.units / f"{alias}.service").symlink_to("/dev/null" if name is None else f"{name}.service")
        self.ctl("daemon-reload")

    def clear(self):
        """Stop and forget all units but the targets."""
        names = [path.name for path in self.units.iterdir() if not path.name.endswith(".target")]
        if names:
            self.ctl("stop", *[name for name in names if "@." not in name], "*@*.service")
        for name in names:
            (self.units / name).unlink()
        self.ctl("daemon-reload")
        self.ctl("reset-failed")

    def running(self, *names):
        """name -> whether it is active."""
        return {name: self.ctl("is-active", name) == "active" for name in names}

    def invocations(self, *names):
        """name -> what differs from one start to the next."""
        return {name: self.ctl("show", name, "-P", "InvocationID") for name in names}
