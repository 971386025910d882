"""The validator, in both builds, against a plain Python function of the same meaning, on the same returns."""

import builds
import highstate
import msgpack
import plain_validator
from report import Floor, Row
from rounds import Clocked, medians

REACH_DICT = {20: 5, 200: 5, 2000: 4}  # chunks: times as fast
REACH_MSGPACK = {20: 8, 200: 8, 2000: 8}


def measure(directory, rounds, duration_s):
    """The rows validate_dict and validate_msgpack for each number of chunks, of the build guided by a profile."""
    with builds.cores(directory) as cores:
        for count in REACH_DICT:
            approved = highstate.packages(count)
            load = highstate.installed(approved)
            expected = {"minion": load["id"], "packages": approved}
            yield from _compare(cores, count, load, expected, rounds, duration_s)


def _compare(cores, count, load, expected, rounds, duration_s):
    packed = msgpack.packb(load, use_bin_type=True)
    unjudged = msgpack.packb({**load, "fun": "test.ping"}, use_bin_type=True)
    answer = plain_validator.validate(load, expected)
    alternatives = {
        "python_dict": Clocked(lambda: plain_validator.validate(load, expected)),
        "python_msgpack": Clocked(lambda: plain_validator.validate(msgpack.unpackb(packed, raw=False), expected)),
        "answer": Clocked(lambda: _built(answer["findings"])),
        "unpacked": Clocked(lambda: msgpack.unpackb(packed, raw=False)),
        "walked": Clocked(lambda: cores["guided"].validate_msgpack(unjudged, {"packages": {}})),
    }
    for name, core in cores.items():
        if answer != core.validate(load, expected) or answer != core.validate_msgpack(packed, expected):
            raise AssertionError("the validators do not agree on the return that they are measured with")
        alternatives[f"{name}_dict"] = Clocked(lambda core=core: core.validate(load, expected))
        alternatives[f"{name}_msgpack"] = Clocked(lambda core=core: core.validate_msgpack(packed, expected))
    times = medians(alternatives, rounds, duration_s)
    for form, against, reach in (
        ("dict", "the plain Python function", REACH_DICT[count]),
        ("msgpack", "unpackb and the plain Python function", REACH_MSGPACK[count]),
    ):
        name, took = f"validate_{form}", times[f"guided_{form}"]
        ratio = times[f"python_{form}"] / took
        yield Row(name, count, took, "µs", against, ratio, f">= {reach}", ratio >= reach)
        yield Floor(f"{name} as set-up builds it", count, times[f"plain_{form}"], "µs")
        yield Floor(against, count, times[f"python_{form}"], "µs")
    yield Floor("the findings' dicts, built in Python", count, times["answer"], "µs")
    yield Floor("msgpack.unpackb alone", count, times["unpacked"], "µs")
    yield Floor("the bytes walked through by validate_msgpack, and nothing judged", count, times["walked"], "µs")


def _built(findings):
    """New dicts with new texts of the same findings: what any answer costs."""
    return [{**finding, "text": finding["text"] + "."} for finding in findings]
