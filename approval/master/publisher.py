"""Sends jobs to minions from a process beside the master."""

import salt.client
import salt.exceptions
import salt.utils.jid

from ..errors import ApprovalError


class NotSent(ApprovalError):
    """The job was surely not published; says why."""


class Doubtful(ApprovalError):
    """Nobody knows whether the job was published."""


# Errors that Salt raises for a job that the master refused, or that never left this process.
SURELY_NOT = (
    salt.exceptions.PublishError,
    salt.exceptions.AuthenticationError,
    salt.exceptions.AuthorizationError,
    salt.exceptions.EauthAuthenticationError,
)


# The job by which minions apply all that is approved for them: its function, arguments and keyword arguments. It names
# the state, which no top file has to have, and brings along the modules that this is made of. A state run that is under
# way is waited for.
APPLY = ("state.apply", ["approval"], {"queue": True, "sync_mods": "states,modules"})


def new_jid(opts):
    """An id for a job that is to be published."""
    return salt.utils.jid.gen_jid(opts)


def publish(opts, jid, minions, function, arg, kwarg):
    """
    Publish one job to exactly these minions.

    opts
        The master's configuration.
    jid
        The id that it shall have, as new_jid() gives it.
    arg, kwarg
        The function's arguments: a list, and a mapping.

    Returns those that it was published to: the master leaves out whose key is not accepted. Raises NotSent, which
    also says that none of them has such a key, or Doubtful.
    """
    try:
        with salt.client.get_local_client(mopts=opts) as client:
            published = client.run_job(
                list(minions), function, arg=list(arg), tgt_type="list", jid=jid, kwarg=dict(kwarg)
            )
    except SURELY_NOT as exc:
        raise NotSent(_text(exc)) from exc
    except salt.exceptions.SaltException as exc:
        # run_job() makes its own exception of what happened, whatever it was.
        if isinstance(exc.__context__, SURELY_NOT):
            raise NotSent(_text(exc.__context__)) from exc
        raise Doubtful(_text(exc)) from exc
    if not published:
        raise NotSent("no minion has an accepted key")
    return published["minions"]


def _text(exc):
    return " ".join(str(exc).split()) or type(exc).__name__
