"""The minions that a target of Salt's means, found out on the master.

Targets are a convenience for operators: the request names the exact ids that come out, and the database checks
each.
"""

import inspect

from ..errors import InputError

TYPES = ("glob", "pcre", "list", "grain", "grain_pcre", "pillar", "pillar_pcre", "pillar_exact", "ipcidr",
         "range", "compound", "nodegroup")  # fmt: skip


def choose(opts, minions, tgt, tgt_type):
    """``minions`` if there is no ``tgt``, else what that means; one of the two is given."""
    if tgt is None:
        return minions
    if minions is not None:
        raise InputError("give minions, which are exact ids, or tgt, which is a target of Salt's; not both")
    return resolve(opts, tgt, tgt_type)


def resolve(opts, tgt, tgt_type="glob"):
    """
    The ids of the minions that ``tgt`` means now, in order: of those whose key is accepted, by the grains and
    pillars that the master has of them. A minion that it knows nothing of is not meant by a grain.

    Raises InputError if there is none, or for a type of target that Salt does not know.
    """
    import salt.utils.minions

    from . import keys

    if tgt_type not in TYPES:
        raise InputError(f"{tgt_type!r} is not a type of target (known: {', '.join(TYPES)})")
    if not isinstance(tgt, str | list) or not tgt:
        raise InputError("tgt must be a target as salt takes it, such as 'web*'")
    checker = salt.utils.minions.CkMinions(opts)
    # A Salt that knows of resources behind minions is asked as for a function that a minion runs whole, since
    # what is wanted are minions.
    knows_resources = "fun" in inspect.signature(checker.check_minions).parameters
    wanted = {"fun": "state.apply"} if knows_resources else {}
    # Not greedy, or all minions would be meant by a grain while the master keeps none.
    found = checker.check_minions(tgt, tgt_type, greedy=False, **wanted)
    if found["missing"]:
        raise InputError(f"the target names {found['missing'][0]!r}, whose key is not accepted")
    # The master may remember the grains of a minion whose key is gone.
    ids = sorted(set(found["minions"]) & set(keys.accepted(opts)))
    if not ids:
        raise InputError(f"the target {tgt!r} ({tgt_type}) means no minion")
    return ids
