"""Salt minions, each in a root file system and in PID and mount namespaces of its own."""

import contextlib
import os
import pathlib
import signal
import subprocess
import uuid

import yaml
from minion_root import SALT

REPOSITORY = "/srv/repository"
# By which a machine tells one boot from the next. All in here share one kernel, so each minion's is written by us.
BOOT_ID = "/etc/boot_id"
# Enters the new namespaces; what it mounts is gone with them. $1 root, $2 repository, then the command.
ENTER = f"""\
set -e
mount -t proc proc "$1/proc"
mount --bind "$1{BOOT_ID}" "$1/proc/sys/kernel/random/boot_id"
mount --bind "$2" "$1{REPOSITORY}"
root=$1
shift 2
exec chroot "$root" "$@"
"""


class SaltMinion:
    """One minion. `root` is a MinionRoot, `repository` the folder of the local apt repository."""

    def __init__(self, minion_id, directory, root, repository, configuration):
        self.id = minion_id
        self.directory = pathlib.Path(directory)
        self._root = root
        self._repository = repository
        self._configuration = {"id": minion_id, **configuration}
        self._process = None
        self._disk = contextlib.ExitStack()

    def install(self):
        """Give the minion a new root file system, as an installer would: own dpkg, Salt, no key, no history."""
        self._disk.enter_context(self._root.mounted(self.directory))
        (self.directory / REPOSITORY.lstrip("/")).mkdir(parents=True)
        (self.directory / BOOT_ID.lstrip("/")).touch()
        source = self.directory / "etc/apt/sources.list.d/repository.list"
        source.write_text(f"deb [trusted=yes] file:{REPOSITORY} ./\n")
        configuration = self.directory / "etc/salt/minion"
        configuration.parent.mkdir(parents=True)
        configuration.write_text(yaml.safe_dump(self._configuration))

    def start(self):
        """Boot: start salt-minion, with a new boot id. It ends with the process that called this at the latest."""
        (self.directory / BOOT_ID.lstrip("/")).write_text(f"{uuid.uuid4()}\n")
        with open(self.directory.with_suffix(".log"), "ab") as log:
            self._process = self._enter(
                subprocess.Popen,
                [f"{SALT}/bin/salt-minion"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self):
        """Cut the minion off, as a power failure would: every process in its namespace is gone on return."""
        if self._process is None:
            return
        # unshare ignores SIGTERM and returns only when the whole namespace has ended. Its child is the
        # namespace's first process, and takes everything with it.
        children = pathlib.Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        for pid in children.split():
            os.kill(int(pid), signal.SIGKILL)
        self._process.wait()
        self._process = None

    def wipe(self):
        """Stop the minion and delete its root file system."""
        self.stop()
        self._disk.close()

    def run(self, *command, text=""):
        """Run a command in the minion's root with `text` as its input, and return its output."""
        return self._enter(subprocess.run, command, check=True, input=text, stdout=subprocess.PIPE, text=True).stdout

    def packages(self):
        """What dpkg has installed there: package name -> version."""
        output = self.run("dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\n")
        rows = (line.split(" ") for line in output.splitlines())
        return {name: version for status, name, version in rows if status == "installed"}

    def log(self):
        """What the minion's process wrote so far."""
        return self.directory.with_suffix(".log").read_text(errors="replace")

    def _enter(self, call, command, **options):
        enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh"]
        return call([*enter, str(self.directory), str(self._repository), *command], **options)
