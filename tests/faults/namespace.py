"""Two network namespaces with a cable between them."""

import contextlib
import ctypes
import os
import pathlib
import subprocess
import time

CLONE_NEWNET = 0x40000000
SERVER, CLIENT = "198.51.100.1", "198.51.100.2"


class Cable:
    """Context manager. Processes get to its ends by server() and client(), called in them."""

    def __init__(self):
        self._stack = contextlib.ExitStack()
        self._ends = []

    def __enter__(self):
        with self._stack:
            self._ends = [self._stack.enter_context(_namespace()) for _ in range(2)]
            self.at_server("ip", "link", "add", "cable", "type", "veth", "peer", "cable", "netns", str(self._ends[1]))
            for end, address in enumerate((SERVER, CLIENT)):
                self._at(end, "ip", "address", "add", f"{address}/24", "dev", "cable")
                self._at(end, "ip", "link", "set", "cable", "up")
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def server(self):
        """Take this process to the server's end."""
        _enter(self._ends[0])

    def client(self):
        """Take this process to the clients' end."""
        _enter(self._ends[1])

    def at_server(self, *command):
        """Run a command at the server's end."""
        self._at(0, *command)

    def _at(self, end, *command):
        subprocess.run(["nsenter", f"--net={_path(self._ends[end])}", *command], check=True)


def why_not():
    """Why there can be no namespaces here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    probe = subprocess.run(["unshare", "--net", "ip", "link"], capture_output=True, text=True, check=False)
    return None if probe.returncode == 0 else f"no network namespaces: {probe.stderr.strip()}"


@contextlib.contextmanager
def _namespace():
    """A new namespace that lasts as long as the process whose id is given; which ends with this one."""
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sleep", "infinity"]
    holder = subprocess.Popen(command)
    try:
        while os.readlink(_path(holder.pid)) == os.readlink(_path("self")):
            assert holder.poll() is None
            time.sleep(0.005)
        yield holder.pid
    finally:
        holder.kill()
        holder.wait()


def _path(process):
    return pathlib.Path(f"/proc/{process}/ns/net")


def _enter(process):
    descriptor = os.open(_path(process), os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(descriptor)
