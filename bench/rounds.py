"""Timing of alternatives side by side, in shuffled rounds: what else the machine does meets all of them."""

import random
import statistics
import time


class Clocked:
    """An alternative that is called here, once for each measured call."""

    def __init__(self, call):
        self._call = call

    def run(self, duration_s):
        """Call it for so long; the times of all calls in µs."""
        times, call, clock = [], self._call, time.perf_counter_ns
        end = clock() + int(duration_s * 1e9)
        while True:
            start = clock()
            call()
            stop = clock()
            times.append((stop - start) / 1000)
            if stop >= end:
                return times


def medians(alternatives, rounds, duration_s):
    """
    The median time of a call of each alternative in µs.

    alternatives
        {name: something with run(duration_s) that gives the times in µs, such as Clocked}

    Each round runs every alternative once, in random order, for ``duration_s``. The answer is the median
    over the rounds of the rounds' medians; a first, short round warms up and does not count.
    """
    found = {name: [] for name in alternatives}
    order = list(alternatives)
    for name in order:
        alternatives[name].run(duration_s / 10)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            found[name].append(statistics.median(alternatives[name].run(duration_s)))
    return {name: statistics.median(times) for name, times in found.items()}
