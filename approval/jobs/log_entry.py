"""What the job log has of a job, beside what the job cache has of it too."""

from ..intake import command_line

NOT_LOGGED = [None, False, False]


def of_published(load, nodegroups=None):
    """[command, is_test, is_runner] of a load that the master published, masked; housekeeping is not logged."""
    return _entry(load, nodegroups, False)


def of_return(load):
    """The same of a job that only this return describes: a runner's, or one of salt-call or of a schedule."""
    # A minion says with which command it sends a return; what the master itself ran has none.
    inner = load.get("return")
    is_runner = "cmd" not in load and isinstance(inner, dict) and "fun_args" in inner and "jid" in inner
    return _entry(load, None, is_runner)


def of_kept(load, claimed):
    """The same of a load as the job cache keeps it, which older versions left in the spool."""
    if not claimed:
        return _entry(load, None, False)
    returned = {"fun": load.get("fun"), "fun_args": load.get("arg"), "id": load.get("tgt"), "return": None}
    return _entry(returned, None, False)


def _entry(job, nodegroups, is_runner):
    if command_line.is_housekeeping(job.get("fun")):
        return NOT_LOGGED
    return [command_line.as_typed(job, nodegroups), command_line.is_test(job), is_runner]
