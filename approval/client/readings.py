"""How somebody is told that they may read a part, and not all."""

# Of each thing that is read in part: the fate of the rest, and what may be read besides.
LEFT_OUT = {
    "requests": ("Other requests and minions are left out", ", and requests in which you have a part"),
    "values": ("Values that you may not read are •••", ", and those of requests in which you have a part"),
    "job_log": ("Other jobs and returns are left out", ""),
    "audit": ("Other acts are left out", ""),
}


def left_out(groups, what):
    """The sentence for ``what`` of the answer of Client.readings(), of which the ``groups`` of minions may be read."""
    missing, besides = LEFT_OUT[what]
    of = f"those of {', '.join(groups)}" if groups else "none"
    return f"{missing}: by the policy you may read {of}{besides}."
