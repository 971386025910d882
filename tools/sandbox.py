#!/usr/bin/env python3
"""Run a command so that nothing of it can stay behind.

    sandbox.py COMMAND [ARGUMENT...]

The command gets PID and mount namespaces of its own and a temporary directory, named by RUN_DIRECTORY in its
environment. When it ends, or this program is stopped or killed, the kernel ends every process that it started
and drops every mount that it made; then the directory is removed. Needs root.
"""

import ctypes
import os
import signal
import sys

from run_directory import RunDirectory

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
PR_SET_PDEATHSIG = 1
FORWARDED = (signal.SIGTERM, signal.SIGHUP)

libc = ctypes.CDLL(None, use_errno=True)


def main(command):
    if not command:
        sys.exit(__doc__.strip())
    if os.geteuid() != 0:
        sys.exit("sandbox.py: needs root, for namespaces and for the root file systems of minions")
    with RunDirectory() as directory:
        os.environ["RUN_DIRECTORY"] = str(directory)
        return run(command)


def run(command):
    """Run the command in new namespaces and return its exit status (128 + signal when a signal ended it)."""
    _check(libc.unshare(CLONE_NEWNS | CLONE_NEWPID), "unshare")
    init = os.fork()
    if init == 0:
        status = 1
        try:
            status = _init(command)
        except OSError as error:
            print(f"sandbox.py: {error}", file=sys.stderr)
        finally:
            # Not by the way of the parent, which removes the directory.
            os._exit(status)
    # A terminal sends SIGINT to the command as well; this program only waits for the command's own end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in FORWARDED:
        signal.signal(number, lambda number, frame: os.kill(init, number))
    return _exit_status(os.waitpid(init, 0)[1])


def _init(command):
    """Be the first process of the namespace: start the command, reap what is orphaned, end with the command."""
    _check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL), "prctl")
    _check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "make / private")
    _check(libc.mount(b"proc", b"/proc", b"proc", 0, None), "mount /proc")
    child = os.fork()
    if child == 0:
        try:
            os.execvp(command[0], command)
        except OSError as error:
            print(f"sandbox.py: {command[0]}: {error.strerror}", file=sys.stderr)
            os._exit(127)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in FORWARDED:
        signal.signal(number, lambda number, frame: os.kill(child, number))
    while True:
        pid, status = os.wait()
        if pid == child:
            return _exit_status(status)


def _exit_status(status):
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
