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
    machine = __context__["machine"]
    if name not in machine.started:
        raise CommandExecutionError(f"Unit {name} not found.")
    return {"Id": f"{name}.service", "ActiveEnterTimestampMonotonic": str(machine.started[name])}
