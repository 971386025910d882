"""
Any call may fail, before or after it did its work: each return is kept; where several fail for one return, it may be
lost, and is named then.

FAULT_EXAMPLES sets how many sequences are tried.
"""

import contextlib
import errno
import os

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from saltext.approval import _core, config
from saltext.approval.errors import ConfigError
from saltext.approval.jobs import drain, packing, spool
from saltext.approval.jobs.database import JobDatabase

CALLS = {
    "has": (spool.Spool, "has"),
    "put": (spool.Spool, "put"),
    "find": (spool.Spool, "find"),
    "remove": (spool.Spool, "remove"),
    "set_aside": (spool.Spool, "set_aside"),
    "write": (JobDatabase, "write"),
    "record_all": (JobDatabase, "record_all"),
    "rows": (JobDatabase, "rows"),
    "connection": (config, "connection"),
}
FAILURES = [
    lambda: _core.DataError("the arrays differ in length"),
    lambda: OSError(errno.EIO, "Input/output error"),
    MemoryError,
    lambda: RuntimeError("can't start new thread"),
    lambda: ConfigError("the DSN file is empty"),
    lambda: TypeError("a bug"),
    lambda: KeyError("a bug"),
    lambda: _core.Error("something new"),
    lambda: psycopg.OperationalError("not even ours"),
    KeyboardInterrupt,
]
# The call that fails, how, whether it has done its work by then, and after how many that don't.
FAULTS = st.lists(
    st.tuples(st.sampled_from(sorted(CALLS)), st.sampled_from(range(len(FAILURES))), st.booleans(), st.integers(0, 1)),
    max_size=4,
    unique_by=lambda fault: fault[0],
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["return"] * 4 + ["load", "minions", "endtime", "junk", "drain"]), st.integers(0, 1), FAULTS
    ),
    min_size=1,
    max_size=8,
)


@contextlib.contextmanager
def failing(faults):
    with pytest.MonkeyPatch.context() as patched:
        for call, failure, is_late, after in faults:
            owner, name = CALLS[call]
            patched.setattr(owner, name, once(getattr(owner, name), FAILURES[failure](), is_late, after))
        yield


def once(call, failure, is_late, after):
    """`call`, but that it fails once: an exception that lasts is one of what is away, which other tests have."""
    left = [None] * after + [failure]

    def instead(*args, **kwargs):
        raised = left.pop(0) if left else None
        answer = None if raised and not is_late else call(*args, **kwargs)
        if raised:
            raise raised
        return answer

    return instead


@settings(
    max_examples=int(os.environ.get("FAULT_EXAMPLES", "10")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(steps=[("junk", 0, []), ("return", 0, [("put", 0, False, 0)])], mode="database")
@example(steps=[("return", 0, [("connection", 0, False, 0), ("put", 0, False, 0)])], mode="database")
@example(steps=[("return", 0, [("write", 0, False, 0), ("put", len(FAILURES) - 1, False, 0)])], mode="database")
@given(steps=STEPS, mode=st.sampled_from(["database", "database", "spool"]))
def test_each_return_is_kept_or_named(steps, mode, returner_in, line, database, caplog):
    cache = returner_in(mode=mode)
    caplog.clear()
    loads = {"fun": "test.ping", "arg": [], "tgt": "*", "tgt_type": "glob", "user": "root"}
    jids = [cache.prep_jid(), cache.prep_jid()]
    given_over = {}  # (job, minion) -> how many calls were to fail for it
    database_of_drain = JobDatabase(config.connection(line.settings, "test"))
    for number, (what, job, faults) in enumerate(steps):
        jid, minion = jids[job], f"m{number}"
        load = {
            "fun": "test.ping",
            "fun_args": [],
            "return": True,
            "retcode": 0,
            "success": True,
            "id": minion,
            "jid": jid,
        }
        with failing(faults), contextlib.suppress(Exception, KeyboardInterrupt):
            if what == "return":
                given_over[jid, minion] = len(faults)
                cache.returner(load)
            elif what == "load":
                cache.save_load(jid, loads, [minion])
            elif what == "minions":
                cache.save_minions(jid, [minion])
            elif what == "endtime":
                cache.update_endtime(jid, "2026, Nov 22 15:00:01.000005")
            elif what == "junk":
                cache.spool.put("return", jid, b"\xc1")
            else:
                drain.run(cache.spool, database_of_drain)
    assert drain.run(cache.spool, database_of_drain).finished
    kept = set(database.execute("SELECT jid, minion_id FROM approval.job_return"))
    kept |= set(database.execute("SELECT jid, minion_id FROM approval.quarantine"))
    for entry in cache.spool.read(aside=True):
        with contextlib.suppress(Exception):
            kept.add((entry.jid, packing.readable(entry.payload)["id"]))
    for jid, minion in given_over.keys() - kept:
        assert given_over[jid, minion] > 1
        assert f"The return of {minion!r} for job {jid!r}" in caplog.text, caplog.text
    for seq in [entry.seq for entry in cache.spool.read(aside=True)]:
        cache.spool.drop(seq)
