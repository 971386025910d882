"""Stand-in for Salt's service module: the services of the Machine in the loader's context."""

from salt.exceptions import CommandExecutionError

__virtualname__ = "service"


def __virtual__():
    return __virtualname__


def status(name):
    machine = __context__["machine"]
    machine.count("status")
    if name not in machine.services:
        raise CommandExecutionError(f"Unit {name} not found.")
    return machine.see_service(name)


def start(name):
    return __context__["machine"].set_service(name, "running")


def stop(name):
    return __context__["machine"].set_service(name, "dead")


def restart(name):
    machine = __context__["machine"]
    machine.started[name] += 1000
    return machine.set_service(name, "running")


def show(name):
    """As of a manager that is not systemd: it does not tell whether the service runs."""
    started = __context__["machine"].started
    shown = {"ActiveEnterTimestampMonotonic": str(started[name])} if name in started else {}
    return {"Id": f"{name}.service", **shown}
