"""
What the job log has of a job, beside what the job cache has of it too, and the calls by which alarms are judged.

An entry is [command, is_test, is_runner, calls]; calls are those of calls.changing(), or None of what nobody published.
"""

from ..intake import command_line
from . import calls

NOT_LOGGED = [None, False, False, None]


def of_published(load, nodegroups=None):
    """The entry of a load that the master published, masked; housekeeping is not logged."""
    return _entry(load, nodegroups, False, calls.changing(load))


def of_return(load):
    """The same of a job that only this return describes: a runner's, or one of salt-call or of a schedule."""
    # A minion says with which command it sends a return; what the master itself ran has none.
    inner = load.get("return")
    is_runner = "cmd" not in load and isinstance(inner, dict) and "fun_args" in inner and "jid" in inner
    return _entry(load, None, is_runner)


def of_kept(load, claimed):
    """The same of a load as the job cache keeps it, which older versions left in the spool."""
    if not claimed:
        return of_published(load)
    returned = {"fun": load.get("fun"), "fun_args": load.get("arg"), "id": load.get("tgt"), "return": None}
    return _entry(returned, None, False)


def _entry(job, nodegroups, is_runner, changing=None):
    if command_line.is_housekeeping(job.get("fun")):
        return NOT_LOGGED
    return [command_line.as_typed(job, nodegroups), command_line.is_test(job), is_runner, changing]
