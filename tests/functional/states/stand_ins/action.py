"""Functions for approved actions, which do nothing but answer."""

from salt.exceptions import CommandExecutionError

__virtualname__ = "action"


def __virtual__():
    return __virtualname__


def answer(value=None, retcode=0):
    """Return ``value`` with ``retcode``, as cmd.run reports one."""
    __context__["machine"].ran.append(value)
    if retcode:
        __context__["retcode"] = retcode
    return value


def refuse(why):
    __context__["machine"].ran.append(why)
    raise CommandExecutionError(why)


def unusual():
    """A value that JSON cannot express."""
    return {("a", 1): {1, 2}, "n": float("nan")}
