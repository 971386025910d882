"""A real salt-master with configuration, keys, ports and sockets of its own."""

import contextlib
import os
import pathlib
import shlex
import signal
import socket
import subprocess
import time

import salt.client
import salt.config
import salt.utils.args
import salt.utils.event
import yaml

try:
    from salt.cluster import healthchecks
except ImportError:  # A Salt whose masters form no clusters.
    healthchecks = None

START_TIMEOUT_S = 60
CALL_TIMEOUT_S = 60


class SaltError(Exception):
    """A Salt command failed; the text holds what it printed."""


class SaltMaster:
    """Context manager around one master below `directory`, run from the folder of programs `bin_directory`."""

    def __init__(self, directory, bin_directory, configuration):
        self.directory = pathlib.Path(directory)
        self._bin = pathlib.Path(bin_directory)
        self.publish_port, self.return_port = _free_ports(2)
        self.configuration = {
            "root_dir": str(self.directory),
            # Both explicit: Salt moves the sockets when their path is much longer than the cache's.
            "sock_dir": str(self.directory / "run"),
            "cachedir": str(self.directory / "cache"),
            "extension_modules": str(self.directory / "extmods"),
            "interface": "127.0.0.1",
            "publish_port": self.publish_port,
            "ret_port": self.return_port,
            "user": "root",
            # As many as the two minions and the commands of one person keep busy.
            "worker_threads": 3,
            **configuration,
        }
        self._process = None
        self._client = None

    @property
    def minion_configuration(self):
        """What a minion has to know of this master."""
        return {
            "master": "127.0.0.1",
            "master_port": self.return_port,
            "publish_port": self.publish_port,
        }

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exception):
        self.stop()

    def start(self):
        """Write the configuration, start the master, and return when it takes commands."""
        for folder in (self.directory / "etc", self.directory / "run"):
            folder.mkdir(parents=True, exist_ok=True)
        (self.directory / "etc/master").write_text(yaml.safe_dump(self.configuration))
        self._unlink_signs()
        with open(self.directory / "output", "ab") as output:
            self._process = subprocess.Popen(
                [self._bin / "salt-master", "-c", self.directory / "etc"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SaltError(f"salt-master did not start:\n{self.log()}")
            time.sleep(0.05)

    @property
    def _signs(self):
        """The files that tell that the master takes commands."""
        if hasattr(healthchecks, "mark_cluster_ready"):
            return [self.directory / "cache/health/ready"]
        # A Salt that does not say so itself: what its commands talk to is there.
        return [self.directory / "run" / name for name in ("master_event_pub.ipc", "master_event_pull.ipc")]

    def _unlink_signs(self):
        for file in self._signs:
            file.unlink(missing_ok=True)

    def _is_ready(self):
        if not all(file.exists() for file in self._signs):
            return False
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self.return_port)) == 0

    def stop(self):
        """Kill the master with all its processes; nothing of it is needed any more."""
        if self._process is None:
            return
        if self._client is not None:
            self._client.destroy()
            self._client = None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def command(self, program, *arguments):
        """The full command line of one of Salt's programs against this master, as a list."""
        return [str(self._bin / program), "-c", str(self.directory / "etc"), *arguments]

    def run(self, program, *arguments, check=True):
        """Run one of Salt's programs and return what it printed; SaltError when it fails and `check` is set."""
        result = subprocess.run(
            self.command(program, *arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and result.returncode != 0:
            line = shlex.join([program, *arguments])
            raise SaltError(f"{line}: exit status {result.returncode}\n{result.stdout}{result.stderr}")
        return result.stdout

    def call(self, target, function, *arguments):
        """
        Run an execution function on minions (a list, separated by commas): minion id -> its return.

        The arguments are as typed for `salt`. SaltError when a minion says nothing; its return may say that it failed.
        """
        # No process of `salt`: its start takes longer than most jobs.
        if self._client is None:
            self._client = salt.client.LocalClient(str(self.directory / "etc/master"))
        minion_ids = target.split(",")
        found = self._client.cmd(
            minion_ids,
            function,
            salt.utils.args.parse_input(arguments, no_parse=[]),
            timeout=CALL_TIMEOUT_S,
            tgt_type="list",
            full_return=True,
        )
        silence = {"out": "no_return"}
        if any(found.get(minion_id, silence).get("out") == "no_return" for minion_id in minion_ids):
            raise SaltError(f"{shlex.join([target, function, *arguments])}: {found}")
        return {minion_id: answer["ret"] for minion_id, answer in found.items()}

    @contextlib.contextmanager
    def events(self):
        """Listen to the event bus from here on; the value is an Events."""
        options = salt.config.master_config(str(self.directory / "etc/master"))
        with salt.utils.event.get_event("master", opts=options, listen=True) as bus:
            yield Events(bus)

    def log(self):
        """What the master printed and logged so far."""
        files = [self.directory / "output", self.directory / "var/log/salt/master"]
        return "\n".join(file.read_text(errors="replace") for file in files if file.exists())


class Events:
    """The events since the listener was opened."""

    def __init__(self, bus):
        self._bus = bus

    def wait(self, tag, accept=lambda data: True, timeout_s=120):
        """The data of the next event with a tag like the glob `tag` whose data `accept` likes; else TimeoutError.

        Events that come before it are gone for later calls.
        """
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            event = self._bus.get_event(wait=left, tag=tag, match_type="fnmatch", full=True)
            if event is not None and event["tag"] == "salt/event/exit":
                # What Salt makes of Ctrl-C.
                raise KeyboardInterrupt
            if event is not None and accept(event["data"]):
                return event["data"]
        raise TimeoutError(f"no event {tag} within {timeout_s} s")


def _free_ports(count):
    """Ports of 127.0.0.1 that are free now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
