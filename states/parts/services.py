"""Services: how they are read, how they contradict each other, how they are started and stopped."""

import contextlib
import itertools
import time
from typing import NamedTuple

from salt.exceptions import CommandExecutionError

from .commands import _reason, _run
from .document import SERVICE_STATES
from .evidence import _boot_id

# A service that was started or stopped successfully gets so long to show it: init scripts return early.
SERVICE_SECONDS = 5.0
SERVICE_POLL_SECONDS = 0.1
# systemd has several names for running and dead; its other states are on the way to these.
UNIT_STATES = {
    "active": "running",
    "reloading": "running",
    "refreshing": "running",
    "inactive": "dead",
    "failed": "dead",
}
UNIT_AIMS = {"activating": "running", "deactivating": "dead"}
UNIT_SUFFIXES = (
    *(".service", ".socket", ".device", ".mount", ".automount", ".swap"),
    *(".target", ".path", ".timer", ".slice", ".scope"),
)
# The properties of a unit that are read here.
UNIT_PROPERTIES = (
    *("Id", "Names", "Type", "ActiveState", "SubState", "Result", "InvocationID", "ActiveEnterTimestampMonotonic"),
    *("Conflicts", "ConflictedBy", "Requires", "BindsTo", "Requisite"),
)
# Needed units of other kinds are passed over: all units need the same few targets, slices and mounts.
NEEDED_UNITS = (".service", ".socket", ".timer", ".path")


class _Unit(NamedTuple):
    """
    A service as its manager shows it.

    ``state`` is ``running``, ``dead``, or what systemd calls a state in between. ``id`` is the manager's own
    name of it, the same for all its aliases. ``shown`` has systemd's properties; elsewhere it is empty.
    """

    state: str
    id: str
    shown: dict

    @property
    def moment(self):
        """The properties that differ from one start of the service to the next."""
        return tuple(self.shown.get(key) for key in ("InvocationID", "ActiveEnterTimestampMonotonic"))

    def named(self, *properties):
        """The units that these properties name."""
        found = set()
        for key in properties:
            value = self.shown.get(key) or ()
            found.update(value.split() if isinstance(value, str) else value)
        return found

    def fate(self):
        """The account of systemd of a service that does not run, as text behind a sentence; or nothing."""
        if self.shown.get("Type") == "oneshot" and self.shown.get("Result") == "success":
            return ": it ran and ended, as a service of the type oneshot does"
        told = [self.shown.get(key) for key in ("ActiveState", "SubState", "Result")]
        return f" ({', '.join(filter(None, told))})" if any(told) else ""


def _show(name):
    """
    The properties of a unit that systemd shows; none where there is no systemd. Raises
    CommandExecutionError where systemd does not tell: a unit of which nothing is known may run.
    """
    if "service.show" not in __salt__:
        return {}
    shown = {}
    with contextlib.suppress(Exception):
        shown = dict(__salt__["service.show"](name))
    # A failure of systemctl shows up as text without properties; another service manager shows something else.
    if shown.get("Id") or "service.systemctl_reload" not in __salt__:
        return shown
    # Salt's module stumbles over " ; " in a unit's command.
    unit = name if name.endswith(UNIT_SUFFIXES) else f"{name}.service"
    command = ["systemctl", "show", "--property", ",".join(UNIT_PROPERTIES), "--", unit]
    out = _run(command)
    shown = dict(line.partition("=")[::2] for line in out["stdout"].splitlines())
    if not shown.get("ActiveState"):
        raise CommandExecutionError(out["stderr"] or f"systemd tells nothing of {unit}")
    return shown


def _look(name):
    """The _Unit that ``name`` means now; raises whatever the service manager raises."""
    shown = _show(name)
    if not shown.get("ActiveState"):
        return _Unit("running" if __salt__["service.status"](name) else "dead", name, {})
    state = UNIT_STATES.get(shown["ActiveState"], shown["ActiveState"])
    return _Unit(state, shown.get("Id") or name, shown)


class _Services:
    """
    The approved services of this minion.

    wanted
        name -> running or dead.

    read() fills ``units``, name -> _Unit, and ``unread``, name -> why it cannot be read; oppose() fills
    ``opposed``, name -> the contradiction that it is in.
    """

    def __init__(self, wanted):
        self.wanted = wanted
        self.units, self.unread = {}, {}
        self.opposed = {}
        self._failed = {}  # name -> the words of the service manager when it failed to start or stop it
        self._told = set()  # names that the service manager says to have started or stopped
        self._restless = set()  # names that did not come to rest

    def read(self):
        """Ask the service manager for all of them."""
        self.units, self.unread = {}, {}
        for name in self.wanted:
            try:
                self.units[name] = _look(name)
            except Exception as exc:
                self.unread[name] = _reason(exc)

    def states(self):
        """name -> state, of those that could be read."""
        return {name: unit.state for name, unit in self.units.items()}

    def past(self):
        """The states for a revert to go back to: those of states(), where one on its way to a state is in it."""
        return {name: UNIT_AIMS.get(state, state) for name, state in self.states().items()}

    def due(self, wanted=SERVICE_STATES):
        """The names of those that are not as they should be."""
        return [name for name, unit in self.units.items() if unit.state != self.wanted[name] in wanted]

    def oppose(self):
        """
        Find which cannot be as approved together, as far as systemd tells: aliases of one unit, units that
        exclude each other, and units that need one that has to be dead, also through others.

        Two that both are as approved do not contradict each other, whatever their units say.
        """
        self.opposed = {}
        due = set(self.due())
        if not due:
            return
        ids = {alias: unit.id for unit in self.units.values() for alias in unit.named("Names")}
        seen = {unit.id: unit for unit in self.units.values()}
        needed = {}  # name -> the ids of the units that run with it: its own and those it needs
        excluded = {}  # name -> the ids of the units that cannot run then
        for name, unit in self.units.items():
            if self.wanted[name] == "running":
                needed[name], excluded[name] = self._together(unit, ids, seen)
        for one, other in itertools.permutations(sorted(self.units), 2):
            if due & {one, other}:
                self._compare(one, other, needed, excluded)

    @staticmethod
    def _together(unit, ids, seen):
        """The ids of the units that have to run for ``unit`` to run, and of those that must not."""
        found, excluded, todo = set(), set(), [unit.id]
        while todo:
            key = todo.pop()
            if key in found:
                continue
            found.add(key)
            if key not in seen:
                with contextlib.suppress(Exception):
                    seen[key] = _look(key)
            if key in seen:
                excluded |= {ids.get(other, other) for other in seen[key].named("Conflicts", "ConflictedBy")}
                needs = seen[key].named("Requires", "BindsTo", "Requisite")
                todo += [ids.get(need, need) for need in needs if need.endswith(NEEDED_UNITS)]
        return found, excluded - found

    def _compare(self, one, other, needed, excluded):
        """Note it if the service ``one``, which has to run, cannot do so with ``other``."""
        if self.wanted[one] != "running":
            return
        unit = self.units[other]
        if self.wanted[other] == "dead":
            if unit.id == self.units[one].id:
                why = f"it is the same unit, {unit.id}, as {{}}, which is approved to be {{}}"
                self._note(one, why.format(other, "dead"))
                self._note(other, why.format(one, "running"))
            elif unit.id in needed[one]:
                self._note(one, f"it needs {other}, which is approved to be dead")
                self._note(other, f"{one}, which is approved to be running, needs it")
        elif excluded[one] & needed[other]:
            self._note(one, f"it cannot run beside {other}, which is approved to be running too")
            self._note(other, f"it cannot run beside {one}, which is approved to be running too")

    def _note(self, name, why):
        self.opposed.setdefault(name, why)

    def converge(self):
        """
        Start and stop services that are not as approved and in no contradiction. Returns whether any was told to.

        A second round mends the effects of the first one on others: a unit that is started starts those it wants.
        """
        acted = False
        for _ in range(2):
            for wanted in ("dead", "running"):
                for name in self.due((wanted,)):
                    if name not in self.opposed and name not in self._failed:
                        acted = self._act(name) or acted
            if acted:
                self.read()
        return acted

    def _act(self, name):
        """Start or stop one, unless that of another has done so by now. Returns whether it was told to."""
        wanted = self.wanted[name]
        try:
            if _look(name).state == wanted:
                return False
            if __salt__["service.start" if wanted == "running" else "service.stop"](name):
                self._told.add(name)
                self._await(name)
            else:
                self._failed[name] = "the service manager reported a failure"
        except Exception as exc:
            self._failed[name] = _reason(exc)
        return True

    def _await(self, name):
        """Give one the time to show what it was told: init scripts return early, and systemd may have to wait."""
        deadline = time.monotonic() + SERVICE_SECONDS
        while (unit := _look(name)).state != self.wanted[name] and time.monotonic() < deadline:
            if unit.shown and unit.state in SERVICE_STATES:
                return
            time.sleep(SERVICE_POLL_SECONDS)

    def settle(self, seconds):
        """
        Read them until none changes for so many seconds, so that a service that stops, dies or starts another
        one a moment later is seen. One that does not come to rest within SERVICE_SECONDS more is an error.
        """
        self.read()
        deadline = time.monotonic() + seconds + SERVICE_SECONDS
        while seconds:
            earlier = self.units
            time.sleep(seconds)
            self.read()
            self._restless = {
                name
                for name, unit in self.units.items()
                if unit.state not in SERVICE_STATES
                or name not in earlier
                or (unit.state, unit.moment) != (earlier[name].state, earlier[name].moment)
            }
            if not self._restless or time.monotonic() >= deadline:
                return

    def errors(self):
        """name -> why, of those that are not as approved, or of which obstacles() tells."""
        return {**{name: self._why(name) for name in self.due()}, **self.obstacles()}

    def _why(self, name):
        if name in self._failed:
            return self._failed[name]
        if name in self._told:
            unit = self.units[name]
            return f"it did not stay so{unit.fate() if self.wanted[name] == 'running' else ''}"
        return "the start or stop of another one changed it"

    def notes(self):
        """name -> the failure, of those that are as approved nevertheless."""
        fine = self.units.keys() - self.errors().keys()
        return {
            name: f"it is so, though the service manager said: {self._failed[name]}"
            for name in fine & self._failed.keys()
        }

    def obstacles(self):
        """name -> why, of those that do not come to rest, are in a contradiction, or cannot be read."""
        restless = {
            name: f"it does not come to rest; when last seen it was {self.units[name].state}"
            for name in self._restless & self.units.keys()
        }
        return {**restless, **self.opposed, **self.unread}


def _starts(names):
    """
    name -> when the service was last started, as ``<boot id> <microseconds since that boot>``, or None if
    it does not run. Only where systemd tells; a service that cannot be asked is left out.
    """
    found = {}
    for name in names:
        with contextlib.suppress(Exception):
            shown = _show(name)
            runs = UNIT_STATES.get(shown.get("ActiveState"), "running") == "running"
            moment = int(shown["ActiveEnterTimestampMonotonic"])
            found[name] = f"{_boot_id()} {moment}" if moment and runs else None
    return found
