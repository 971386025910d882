"""
Read what the approved resources of a minion are
================================================

:func:`observe` is how the master checks minions. It is a function and no state, because Salt refuses a state
run while any other one is under way: a check keeps no highstate waiting, nor is it kept waiting by one.

This file runs on minions: it needs the standard library, Salt (3006 or later) and the state module beside it.
"""

import salt.loader
import salt.pillar
from salt.exceptions import CommandExecutionError

__virtualname__ = "approval"


def __virtual__():
    """Load everywhere, as the state module does."""
    return __virtualname__


def observe(pillar_key="approval"):
    """
    Read what the approved resources of this minion are now, and return that as evidence.

    .. code-block:: bash

        salt web1 approval.observe

    pillar_key
        The key that the approved state has in the pillar, as the ``key`` of the ext_pillar.

    The pillar is compiled anew, as for a state run. Nothing is changed. Returns what the state
    ``approval.observed`` has as its evidence; raises CommandExecutionError where that has none.
    """
    # What the process that got this job holds as pillar may be hours old.
    pillar = salt.pillar.get_pillar(
        __opts__, dict(__grains__), __opts__["id"], __opts__.get("saltenv"), pillarenv=__opts__.get("pillarenv")
    )
    opts = {**__opts__, "pillar": pillar.compile_pillar()}
    states = salt.loader.states(opts, __salt__, None, None)
    if "approval.observed" not in states:
        raise CommandExecutionError("'approval.observed' is not available.")
    ret = states["approval.observed"]("approval", pillar_key=pillar_key)
    if "approval" not in ret:
        raise CommandExecutionError(ret["comment"])
    return ret["approval"]
