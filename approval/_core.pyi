"""The C core: reads approved state, validates returns and records them.

Functions that take a ``conninfo`` (libpq's, keywords or URI) keep one connection per process and
settings, and a second one for threads that call at once. ``connect_timeout_ms`` bounds connecting
to all hosts together, ``timeout_ms`` one answer. ``prepare=False`` is for a PgBouncer in
transaction mode.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypedDict

class Error(Exception):
    """Base of all errors of the C core."""

    code: str | None
    """What kind: damaged, database, forked, full, invalid, limit, protocol, timeout, unavailable."""
    sqlstate: str | None
    """The server's code, where the server said no."""

class Unavailable(Error):
    """The database cannot be reached, or did not answer in time."""

class DatabaseError(Error):
    """The database refused; ``sqlstate`` says why."""

class DataError(Error, ValueError):
    """An argument cannot be used."""

class StoreError(Error):
    """A store on disk is full or damaged."""

class _DocumentHead(TypedDict):
    revision: int
    digest: str
    minion: str
    source: Literal["database", "snapshot"]
    as_of: str
    packages: dict[str, str | None]
    services: dict[str, str]
    values: dict[str, Any]

class Document(_DocumentHead, total=False):
    """The approved state of a minion, as its pillar has it.

    ``unreadable`` is there only if it has something: ``{"values": {name: text}}``, of values that Salt's msgpack
    would not bring to the minion as they are, or whose JSON is spelled otherwise than Python spells it.
    """

    evidence_key: str
    unreadable: dict[str, dict[str, str]]

class SnapshotInfo(TypedDict):
    """Times are seconds since 1970 UTC, by the clock of who refreshed it."""

    generation: int
    built_at: float
    refreshed_at: float
    xmin: int
    minions: int
    size_bytes: int

class SnapshotRound(SnapshotInfo):
    """What a refresh did: whether all was ``built`` anew, how many minions were ``written``, and
    how many of them are ``unusable``, as a document does not match its digest."""

    built: bool
    written: int
    unusable: int

class SnapshotCount(TypedDict):
    minions: int
    documents: int

class Finding(TypedDict):
    """The validator's answer for one resource."""

    minion: str | None
    kind: str
    name: str
    verdict: Literal["converged", "failed", "not-applied", "drift", "unproven"]
    reason: str
    expected: str | None
    observed: str | None
    source: Literal["evidence", "changes", "return", "fun_args", "none"]
    text: str

class Verdict(TypedDict):
    """The validator's answer for one return. ``revision`` is the claimed one."""

    verdict: Literal["converged", "partial", "failed", "not-applied", "drift", "invalid", "unproven"]
    revision: int | None
    authenticated: bool
    findings: list[Finding]
    unapproved: list[str]

class Record(Verdict):
    """A verdict, and what became of the return. ``attempt`` is 0 in quarantine."""

    outcome: Literal["recorded", "repeat", "attempt", "quarantined"]
    attempt: int

_Argument = bool | int | float | str | bytes | Sequence[str | None] | Sequence[bytes | None] | None
_Cell = bool | int | float | str | bytes | list[str | None] | list[bytes | None] | list[int | None] | None

def document(
    conninfo: str,
    minion_id: str,
    *,
    snapshot: str | None = None,
    snapshot_first: float = 0.0,
    max_age: float = ...,
    connect_timeout_ms: int = 2000,
    timeout_ms: int = 5000,
    prepare: bool = True,
) -> Document:
    """The approved state of exactly this minion. An unknown one has revision 0 and nothing in it.

    While the database is away: from the snapshot in the directory ``snapshot``, if it was refreshed
    within ``max_age`` seconds. One refreshed within ``snapshot_first`` is asked before the database.
    """

def documents(
    conninfo: str,
    minion_ids: Iterable[str],
    *,
    connect_timeout_ms: int = 2000,
    timeout_ms: int = 5000,
    prepare: bool = True,
) -> dict[str, Document | Error]:
    """document() of each of at most 10000 minions, from the database alone, with many reads on their way at once.

    One that is not handed out (it does not match its digest, the server refuses) is an Error here, and
    keeps no other from being read. Raises Error when not all could be asked. ``timeout_ms`` is for all together.
    """

def snapshot_refresh(
    conninfo: str,
    path: str,
    *,
    rebuild: bool = False,
    connect_timeout_ms: int = 2000,
    timeout_ms: int = 5000,
    prepare: bool = True,
) -> SnapshotRound:
    """Bring the snapshot up to date; make or build it anew where it cannot be continued.

    ``timeout_ms`` bounds the time without any answer, not the whole.
    """

def snapshot_read(path: str, minion_id: str, max_age: float = ..., /) -> Document:
    """The approved state of exactly this minion, as the snapshot has it."""

def snapshot_info(path: str, /) -> SnapshotInfo:
    """What there is in the snapshot."""

def snapshot_verify(path: str, /) -> SnapshotCount:
    """Read and check all of it. Damage to the file's structure can end the process: call it in a child."""

def record_return(
    conninfo: str,
    packed_load: bytes,
    *,
    connect_timeout_ms: int = 2000,
    timeout_ms: int = 5000,
    prepare: bool = True,
) -> Record:
    """Validate and store a return, given as msgpack. The same again changes nothing.

    Tests and benchmarks alone call it: ``Returns`` records, and builds no dictionaries.
    """

def check_return(packed_load: bytes, /) -> None:
    """Raise DataError for a return that can never be recorded: no map, say, or of no minion. Asks no database."""

def record_returns(
    conninfo: str,
    packed_loads: Sequence[bytes],
    *,
    connect_timeout_ms: int = 2000,
    timeout_ms: int = 5000,
    prepare: bool = True,
) -> list[Record]:
    """record_return() for each of 1 to 1000 loads in turn, in one transaction: after an exception none was stored.

    Tests and benchmarks alone call it, too.
    """

class Returns:
    """1 to 1000 returns, each as msgpack, to be recorded in one go."""

    def __init__(self, packed_loads: Sequence[bytes]) -> None: ...
    def record(
        self,
        conninfo: str,
        upcoming: Returns | None = None,
        *,
        connect_timeout_ms: int = 2000,
        timeout_ms: int = 5000,
        prepare: bool = True,
    ) -> list[Literal["recorded", "repeat", "attempt", "quarantined"]]:
        """record_returns() for them, but only the outcome of each.

        ``upcoming`` are validated while the server stores these, to be recorded next; what is wrong
        with them is raised then.
        """

def call(
    conninfo: str,
    function: str,
    args: Iterable[_Argument],
    *,
    repeatable: bool = False,
    connect_timeout_ms: int = 2000,
    timeout_ms: int = 5000,
    prepare: bool = True,
) -> list[tuple[_Cell, ...]]:
    """The rows of ``approval.<function>(args ...)``; times are seconds since 1970 UTC, JSON is text.

    A ``repeatable`` call, for which twice is the same as once, is made again on a new connection
    when a kept one turns out to be dead.
    """

_SpoolEntry = tuple[int, str | None, float, str, bytes, str | None, float]

class Spool:
    """The spool in this directory, made if it isn't there. A process has each open once.

    An entry is (seq, kind, accepted, jid, payload, reason, aside_at); times are seconds since 1970 UTC.
    The kind is load, return, minions, endtime or events, or None of a damaged one; the reason is None
    of one that was not set aside.
    """

    def __init__(self, path: str | bytes, bound_bytes: int, *, write_timeout_ms: int = 5000) -> None: ...
    def put(self, entries: Iterable[tuple[str, float, str, bytes]], /) -> int:
        """Add entries (kind, accepted, jid, payload), all or none, on disk when it returns. Gives the first number."""
    def count_dropped(self, events: int, /) -> None:
        """Count events that found no room."""
    def read(self, first: int = 0, *, count: int = 500, size: int = 16777216, aside: bool = False) -> list[_SpoolEntry]:
        """Entries in their order, at most so many and so many bytes, but always one."""
    def find(
        self,
        jid: str | None = None,
        kind: str | None = None,
        *,
        after: tuple[str, int] | None = None,
        count: int = ...,
        size: int = ...,
    ) -> list[_SpoolEntry]:
        """The entries of a job, or of all ordered by job, without the damaged ones.

        ``after`` is (jid, seq) of the one behind which to go on; at most so many and so many bytes, but always one.
        """
    def has(self, jid: str, /) -> bool:
        """Whether any entry of the job waits."""
    def info(self) -> dict[str, Any]:
        """What is in it."""
    def remove(self, seqs: Iterable[int], /) -> None:
        """Remove entries that wait, all at once."""
    def set_aside(self, seq: int, reason: str, now: float, /) -> bool:
        """Set an entry aside. Gives whether it was there."""
    def retry(self, seq: int, /) -> int:
        """Put what was set aside behind all others again. Gives its new number, or 0."""
    def drop(self, seq: int, /) -> bool:
        """Forget what was set aside. Gives whether it was there."""
    def close(self) -> None:
        """Close it. All else then raises DataError."""

def compress(data: bytes, /) -> bytes:
    """The bytes as an LZ4 frame, as payloads are stored."""

def decompress(data: bytes, max_size: int = 268435456) -> bytes:
    """The content of an LZ4 frame; more than ``max_size`` bytes are refused."""

def digest(minion_id: str, revision: int, items: Iterable[tuple[str, str, str, str | None]]) -> str:
    """The digest of a document; an item is (kind, name, type, value).

    Tests alone call it: a document is checked against its digest as it is read.
    """

def mac(evidence_key: bytes | str, evidence: dict[str, Any]) -> str:
    """The mac that this evidence must carry, in hex. The key is raw or in hex.

    Tests alone call it: evidence is checked as a return is validated.
    """

def validate(load: Any, expected: dict[str, Any], /) -> Verdict:
    """Judge a return as Salt gives it to a returner.

    Tests and benchmarks alone call it: returns are validated as they are recorded.
    """

def validate_msgpack(data: bytes, expected: dict[str, Any], /) -> Verdict:
    """Judge a return in msgpack."""

def validate_json(data: str | bytes, expected: dict[str, Any], /) -> Verdict:
    """Judge a return in JSON."""
