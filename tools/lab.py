"""A whole site on one machine: database, package repository, master, and minions in their own root file systems."""

import contextlib
import functools
import json
import os
import pathlib
import secrets
import subprocess
import sys
import time

import apt_repository
from approval_database import ApprovalDatabase
from minion_root import MinionRoot
from salt_master import SaltMaster
from salt_minion import SaltMinion

import saltext.approval.states

PROJECT = pathlib.Path(__file__).resolve().parent.parent
CACHE = PROJECT / ".cache"
PROGRAMS = pathlib.Path(sys.executable).parent
MINIONS = ("db1", "web1")
REQUESTER = "alice"
# Stage by stage: who approves. Their PostgreSQL logins are their own.
APPROVERS = ("bob", "carol")
POLICY = PROJECT / "demo/policy.yaml"
STATES = {"top.sls": "base:\n  '*':\n    - approval\n"}
# Pillar of another source, which has to stay as it is.
PILLARS = {"top.sls": "base:\n  '*':\n    - site\n", "site.sls": "site:\n  owner: web shop\n"}
WAIT_TIMEOUT_S = 420  # a minion that is too busy to answer is asked again after five minutes


class Lab:
    """
    Context manager.

    progress
        Called with a text; gives a context manager around each slow step.
    minion_ids
        The minions of its master.
    beside
        Another Lab, whose database and package repository this one uses: the master and its keys are its own.
    """

    def __init__(self, directory, progress, minion_ids=MINIONS, beside=None):
        self.directory = pathlib.Path(directory)
        # Of packages: a folder, as apt_repository makes it.
        self.repository = beside.repository if beside else self.directory / "repository"
        self._progress = progress
        self._minion_ids = minion_ids
        # Minions in one folder share the root that is unpacked there.
        self._roots = beside.directory if beside else self.directory
        self._password = secrets.token_urlsafe(18)
        self._stack = contextlib.ExitStack()
        self.database = beside.database if beside else None
        self.master = None
        self.minions = {}

    def __enter__(self):
        with self._stack:
            self._set_up()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def _set_up(self):
        root = MinionRoot(CACHE, minions_wheels())
        origin = "from the cache" if root.archive.exists() else "first time: this takes a minute"
        with self._progress(f"Debian root file system for the minions ({origin})"):
            root.build(self.directory / "mmdebstrap.log")
        if self.database is None:
            with self._progress("package repository with several versions of a few packages"):
                apt_repository.build(self.repository)
            with self._progress("private PostgreSQL with the approval schema, its policy and logins"):
                self.database = self._stack.enter_context(ApprovalDatabase(self.directory / "postgres"))
                self._set_up_logins()
        with self._progress("salt-master"):
            self.master = SaltMaster(self.directory / "master", PROGRAMS, self._master_configuration())
            self._stack.enter_context(self.master)
        with self._progress(
            f"minions {' and '.join(self._minion_ids)}: installed, keys accepted, first highstate done"
        ):
            for minion_id in self._minion_ids:
                self._add_minion(minion_id, root)
            self.enroll(*self.minions)
        with self._progress("the engine makes them known"):
            wait_until(lambda: set(self.minions) <= set(self.known_minions()), "the minions whose keys are accepted")

    def _set_up_logins(self):
        for person in APPROVERS:
            self.database.add_login(person, "approval_person")
        self.database.command("policy", "policy", "load", "--shipped")
        self.database.command("policy", "policy", "load", str(POLICY))

    def _master_configuration(self):
        """The master's configuration as an operator extends it, and an eauth user for the requester."""
        roots = {}
        for name, files in (("states", STATES), ("pillars", PILLARS)):
            roots[name] = self.directory / name
            roots[name].mkdir()
            for file, text in files.items():
                (roots[name] / file).write_text(text)
        passwords = self.directory / "eauth"
        passwords.touch(mode=0o600)
        passwords.write_text(f"{REQUESTER}:{self._password}\n")
        dsn_file = {
            name: {"dsn_file": str(self.database.dsn_file(name))}
            for name in ("exporter", "returner", "runner", "engine")
        }
        return {
            "file_roots": {"base": [str(roots["states"]), *saltext.approval.states.__path__]},
            "pillar_roots": {"base": [str(roots["pillars"])]},
            "ext_pillar": [{"approval": dsn_file["exporter"]}],
            "master_job_cache": "approval",
            "event_return": ["approval"],
            "approval": {name: dsn_file[name] for name in ("returner", "runner", "engine")},
            "engines": [{"approval": {}}],
            "external_auth": {"file": {"^filename": str(passwords), REQUESTER: ["@approval"]}},
        }

    def _add_minion(self, minion_id, root):
        configuration = {
            **self.master.minion_configuration,
            "startup_states": "highstate",
            # Ask again at once whether the key has been accepted.
            "acceptance_wait_time": 1,
        }
        minion = SaltMinion(minion_id, self._roots / minion_id, root, self.repository, configuration)
        minion.install()
        self._stack.callback(minion.wipe)
        self.minions[minion_id] = minion

    def enroll(self, *minion_ids):
        """Start minions that have new keys, accept these, and wait for the first highstate of each.

        Returns the return loads of these highstates.
        """
        with self.master.events() as events:
            for minion_id in minion_ids:
                self.minions[minion_id].start()
            try:
                return self._first_highstates(set(minion_ids), events)
            except TimeoutError as error:
                logs = [self.master.log(), *(self.minions[minion_id].log() for minion_id in minion_ids)]
                raise TimeoutError("\n".join([str(error), *logs])) from None

    def start(self, minion_id):
        """Start a minion whose key is accepted; returns the return load of its highstate at start."""
        with self.master.events() as events:
            self.minions[minion_id].start()
            return self._highstates({minion_id}, events)[0]

    def _first_highstates(self, minion_ids, events):
        pending = set(minion_ids)
        while pending:
            pending.discard(events.wait("salt/auth", lambda data: data.get("act") == "pend")["id"])
        self.master.run("salt-key", "--yes", "--accept-all")
        return self._highstates(minion_ids, events)

    def _highstates(self, minion_ids, events):
        loads = {}
        while set(loads) != minion_ids:
            load = events.wait("salt/job/*/ret/*", lambda data: data.get("fun") == "state.highstate")
            loads[load["id"]] = load
        return list(loads.values())

    def request(self, minion_ids, packages, reason, request_type="package"):
        """Ask for packages as the requester; returns the CompletedProcess, whose output is the request as JSON."""
        return self.as_requester("request", *request_arguments(minion_ids, packages, reason, request_type))

    def show(self, number):
        """A request as an approver sees it, also one of which something has drifted, as the exit code tells."""
        shown = self.database.command(APPROVERS[0], "--json", "show", str(number), check=False)
        return json.loads(shown.stdout)

    def known_minions(self):
        """The ids that requests may name."""
        return [
            row["minion_id"] for row in json.loads(self.database.command("runner", "--json", "minion", "list").stdout)
        ]

    def settled(self, number):
        """A request once the returns of all its minions are in; waits for that."""
        # A minion's answer reaches the command line a moment before the master has stored it.
        ended = (
            f"SELECT state FROM approval.request WHERE request_id = {number} "
            "AND state IN ('converged', 'partial', 'failed')"
        )
        wait_until(lambda: self.database.query(ended), f"outcome of request {number}")
        return self.show(number)

    def pillar(self, minion_id):
        """The pillar that the minion has now: its keys, the other source's part, and the packages approved for it."""
        # The whole of it is not asked for in clear text: that would put the key, by which the minion proves who it is,
        # into the job cache.
        self.master.call(minion_id, "saltutil.refresh_pillar", "wait=True")

        def ask(function, *arguments):
            return self.master.call(minion_id, function, *arguments)[minion_id]

        keys = sorted(ask("pillar.ls"))
        values = ask("pillar.item", "site", "approval:packages", *self.unmask(minion_id))
        return {"keys": keys, "site": values["site"], "approved": values["approval:packages"]}

    @functools.cache  # noqa: B019
    def unmask(self, minion_id):
        """The arguments by which a minion's pillar.get gives values in clear text, which some releases mask."""
        known = self.master.call(minion_id, "sys.argspec", "pillar.get")[minion_id]["pillar.get"]["args"]
        return ["unmask=True"] if "unmask" in known else []

    def stored_return(self, jid, minion_id):
        """The records of a job's return in the database: `verdict|authenticated` for each attempt, a line each."""
        return self.database.query(
            "SELECT verdict, authenticated FROM approval.job_return "
            f"WHERE jid = '{jid}' AND minion_id = '{minion_id}' ORDER BY attempt"
        )

    def on_master(self, *arguments):
        """The answer of `salt-approval` to the operator of the master, who needs no database for it."""
        configuration = str(self.master.directory / "etc/master")
        command = [PROGRAMS / "salt-approval", "--json", *arguments, "--master-config", configuration]
        return json.loads(subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout)

    def as_requester(self, function, *arguments):
        """Run a runner function as the requester, who is authenticated by eauth; returns the CompletedProcess."""
        credentials = ("--auth", "file", "--username", REQUESTER, "--password", self._password)
        command = self.master.command("salt-run", *credentials, "--out=json", f"approval.{function}", *arguments)
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def minions_wheels():
    """
    The folder with the wheels of the Salt that minions run: the one of this Python, or what APPROVAL_MINION_WHEELS
    names, a folder of the cache.
    """
    release = PROGRAMS.parent.name.removeprefix(".venv")
    return CACHE / os.environ.get("APPROVAL_MINION_WHEELS", f"salt-wheels{release}")


def request_arguments(minion_ids, packages, reason, request_type="package"):
    """The arguments of the runner's function `request`, as typed in a shell."""
    return [
        request_type,
        f"minions={json.dumps(minion_ids)}",
        f"packages={json.dumps(packages)}",
        f"reason={json.dumps(reason)}",
    ]


def wait_until(condition, what, within_s=WAIT_TIMEOUT_S):
    """Ask `condition` until it gives something true, and return that; TimeoutError names `what`."""
    deadline = time.monotonic() + within_s
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {within_s} s")
        time.sleep(0.1)
    return result
