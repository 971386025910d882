"""Waiting for minions that were asked which packages they could get."""

import time

from ..errors import InputError

LOOK_EVERY_S = 1.0
LONGEST_S = 86_400


def run(client, minions=None, wait=60, told=lambda progress: None):
    """
    Have minions, or (None) all, asked, and wait for their answers.

    wait
        The seconds after which the answer is how far it is by then.
    told
        Called with what Client.sync_progress() returned, each time that more have answered.

    Returns that of the last time, with ``wanted``. Raises as the client does, and InputError.
    """
    try:
        seconds = float(wait)
    except (TypeError, ValueError):
        seconds = -1.0
    if not 0 <= seconds <= LONGEST_S:
        raise InputError(f"wait is a number of seconds up to {LONGEST_S}")
    asked = client.sync_packages(minions)
    until, before = time.monotonic() + seconds, None
    while True:
        progress = client.sync_progress(asked["since"], minions)
        if progress != before:
            told(progress)
        before = progress
        left = until - time.monotonic()
        if progress["answered"] >= progress["minions"] or left <= 0:
            return {"wanted": asked["wanted"], **progress}
        time.sleep(min(LOOK_EVERY_S, left))
