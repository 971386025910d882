"""The validator against a plain Python function of the same meaning, on the same returns."""

import highstate
import msgpack
import plain_validator
from report import Floor, Row
from rounds import Clocked, medians

from saltext.approval import _core

CHUNKS = (20, 200, 2000)
REACH_DICT = 5
REACH_MSGPACK = 8


def measure(rounds, duration_s):
    """The rows validate_dict and validate_msgpack for each number of chunks."""
    for count in CHUNKS:
        approved = highstate.packages(count)
        load = highstate.installed(approved)
        expected = {"minion": load["id"], "packages": approved}
        yield from _compare(count, load, expected, rounds, duration_s)


def _compare(count, load, expected, rounds, duration_s):
    packed = msgpack.packb(load, use_bin_type=True)
    plain, core = plain_validator.validate(load, expected), _core.validate(load, expected)
    if plain != core or core != _core.validate_msgpack(packed, expected):
        raise AssertionError("the validators do not agree on the return that they are measured with")
    times = medians(
        {
            "plain_dict": Clocked(lambda: plain_validator.validate(load, expected)),
            "core_dict": Clocked(lambda: _core.validate(load, expected)),
            "plain_msgpack": Clocked(lambda: plain_validator.validate(msgpack.unpackb(packed, raw=False), expected)),
            "core_msgpack": Clocked(lambda: _core.validate_msgpack(packed, expected)),
            "answer": Clocked(lambda: _built(core["findings"])),
            "unpacked": Clocked(lambda: msgpack.unpackb(packed, raw=False)),
        },
        rounds,
        duration_s,
    )
    for form, against, reach in (
        ("dict", "the plain Python function", REACH_DICT),
        ("msgpack", "unpackb and the plain Python function", REACH_MSGPACK),
    ):
        ratio = times[f"plain_{form}"] / times[f"core_{form}"]
        yield Row(
            f"validate_{form}",
            count,
            times[f"core_{form}"],
            "µs",
            against,
            ratio,
            f">= {reach}",
            ratio >= reach,
        )
    yield Floor("the findings' dicts, built in Python", count, times["answer"], "µs")
    yield Floor("msgpack.unpackb alone", count, times["unpacked"], "µs")


def _built(findings):
    """New dicts with new texts of the same findings: what any answer costs."""
    return [{**finding, "text": finding["text"] + "."} for finding in findings]
