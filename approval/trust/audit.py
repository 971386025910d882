"""
Offline verification of the audit trail: of the JSON lines that ``approval.export_audit()`` gives.

Nothing is trusted but the arithmetic. The hash of every entry and seal is recomputed as
sql/functions/audit/audit_hash.sql and seal_hash.sql do, each entry must continue the one before it in its stream,
each seal the one before it, and every head that a seal covers must be an entry of the file with that hash.
An entry in which a name was replaced by a pseudonym keeps the hash that it was given: its content need not give that
hash if an act ``pseudonymised`` of stream 0, whose own content does, names exactly this content.
Entries after the last seal are held together by their chain only: who can write to the database can still
rewrite it. And who can rewrite all of it, seals included, is found out only by a head that was published
elsewhere before.
"""

import hashlib
import json
import re
import tempfile
from array import array
from bisect import bisect_left
from dataclasses import dataclass

from ..errors import InputError

HASH = re.compile(r"[0-9a-f]{64}")
HASH_BYTES = 32
MAX_LINE_BYTES = 256 * 1024 * 1024  # a seal over two million requests; a longer line is no record
SPOOL_BYTES = 64 * 1024 * 1024
NULL_FIELD = b"\xff\xff\xff\xff"

TEXT = (str, "text")
TEXT_OR_NULL = ((str, type(None)), "text or null")
NUMBER = (int, "a whole number")
ENTRY = {
    "stream": NUMBER, "seq": NUMBER, "at": TEXT, "act": TEXT, "principal": TEXT_OR_NULL,
    "identity": TEXT_OR_NULL, "login_role": TEXT, "assurance": TEXT_OR_NULL, "detail": TEXT,
    "previous_hash": TEXT, "hash": TEXT,
}  # fmt: skip
SEAL = {"seal": NUMBER, "at": TEXT, "heads": (list, "a list"), "previous_hash": TEXT, "hash": TEXT}
# The order is that of the hash.
ENTRY_FIELDS = ("stream", "seq", "at", "act", "principal", "identity", "login_role", "assurance", "detail")
VOUCHING = "pseudonymised"  # an act, in stream 0, that names what entries have become
ALTERED = "it was altered: its content does not give its hash"


@dataclass(frozen=True)
class Finding:
    """
    The first record that is wrong: its line (from 1; 0: the file as a whole), and, as far as they are known,
    the stream and seq of the entry or the number of the seal concerned.
    """

    line: int
    problem: str
    stream: int | None = None
    seq: int | None = None
    seal: int | None = None

    def __str__(self):
        places = [f"line {self.line}"] if self.line else []
        if self.seal is not None:
            places.append(f"seal {self.seal}")
        if self.stream is not None:
            places.append(f"stream {self.stream}")
        if self.seq is not None:
            places.append(f"entry {self.seq}")
        return f"{', '.join(places) or 'the file'}: {self.problem}"


@dataclass(frozen=True)
class Report:
    """
    The result of a verification. entries, streams, seals: how many were read, up to the broken record if there is
    one. unsealed: entries that no seal covers yet. head: hash of the last seal. broken: None if nothing is wrong.
    published_seal: number of the seal that has the published head; None where none was given or found.
    replaced: entries with a pseudonym where a name was. They keep their hash, and an act vouches for what they say now:
    what they said before cannot be proven.
    """

    entries: int
    streams: int
    seals: int
    unsealed: int
    head: str | None
    broken: Finding | None
    published_seal: int | None = None
    replaced: int = 0

    @property
    def intact(self):
        """Whether nothing is wrong in what was read. Whether anything is missing at the end only a head can tell."""
        return self.broken is None

    @property
    def end_checked(self):
        """Whether a published head was given and found: up to its seal nothing can be missing."""
        return self.published_seal is not None


def verify(lines, head=None):
    """
    Verify an export, given as an iterable of its lines (str or bytes; read once, one at a time).

    ``head`` is a hash that audit_head() gave earlier and that was kept elsewhere: some seal must have it. Without
    it nobody can tell whether the end of the trail is missing. A trail without any seal is broken: it was cut off.
    Returns a Report; whatever is in the lines, nothing is raised for it. Raises InputError if ``head`` is
    not a hash.
    """
    if head is not None:
        head = head.strip().lower()
        if not HASH.fullmatch(head):
            raise InputError("the published head is not a hash of 64 hexadecimal digits")
    broken = None
    with _Trail(head) as trail:
        try:
            for line in lines:
                trail.read(line)
            trail.end()
        except _Broken as exc:
            broken = Finding(trail.line if exc.line is None else exc.line, *exc.args)
        return Report(
            trail.entries,
            trail.streams,
            trail.seals,
            trail.unsealed(),
            trail.head,
            broken,
            trail.published_seal,
            trail.replaced,
        )


def verify_file(path, head=None, told=iter):
    """
    The same for the file at ``path``; ``told`` wraps the iterator over its lines, to show how far it is. Raises
    OSError if the file cannot be read.
    """
    with open(path, "rb") as file:
        return verify(told(iter(lambda: file.readline(MAX_LINE_BYTES + 1), b"")), head)


def field(content):
    """One field of a hash: 4-byte big-endian length and UTF-8 bytes; None is 0xFFFFFFFF."""
    if content is None:
        return NULL_FIELD
    data = str(content).encode()
    return len(data).to_bytes(4, "big") + data


class _Broken(Exception):
    """
    A record is wrong; the arguments are those of Finding after its line. ``line`` is that of an earlier record, or None
    for the one that is read.
    """

    def __init__(self, *arguments, line=None):
        super().__init__(*arguments)
        self.line = line


class _Trail:
    """The memory of the lines read so far."""

    def __init__(self, published):
        self.line = self.entries = self.seals = self.replaced = 0
        self.head = self.published_seal = None
        self._published = published
        self._stream, self._seq, self._hash = -1, 0, ""  # the last entry
        # The hash of every entry, one behind the other: in memory while they are few, on disk beyond. Streams
        # are in order, so where each begins is found by bisection in three arrays, whatever their number.
        self._hashes = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115
        self._numbers, self._starts, self._sealed = array("q"), array("q"), array("q")
        # The content that entries became: (stream, seq) -> its digest, as the last act says that names them. Acts stand
        # in stream 0, which comes first, behind the entries of that stream that they name: these wait for them,
        # seq -> (line, digest).
        self._vouched, self._waiting = {}, {}

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._hashes.close()

    @property
    def streams(self):
        """How many streams were read."""
        return len(self._numbers)

    def unsealed(self):
        """How many entries no seal covers."""
        return self.entries - sum(self._sealed)

    def read(self, line):
        """Check the next line; raises _Broken."""
        self.line += 1
        record = _parse(line)
        kind = record.pop("record", None)
        if kind == "entry":
            _check_shape(record, ENTRY)
            self._read_entry(record)
        elif kind == "seal":
            _check_shape(record, SEAL)
            self._read_seal(record)
        else:
            raise _Broken("it is neither an entry nor a seal")

    def end(self):
        """Check what only the end of the file shows; raises _Broken."""
        self._end_policy()
        self.line = 0
        if not self.entries:
            raise _Broken("it holds no record")
        if not self.seals:
            raise _Broken("it holds no seal: it was cut off, or exported before anything was sealed")
        if self._published is not None:
            raise _Broken("no seal has the published head: the trail was rewritten, cut off before it, or is another's")

    def _read_entry(self, entry):
        stream, seq = entry["stream"], entry["seq"]
        if self.seals:
            raise _Broken("it stands behind a seal: entries come first", stream, seq)
        if stream != self._stream:
            if stream < self._stream:
                raise _Broken(f"it stands behind stream {self._stream}: lines are out of order", stream, seq)
            self._end_policy()
            self._stream, self._seq, self._hash = stream, 0, ""
            self._numbers.append(stream)
            self._starts.append(self.entries)
            self._sealed.append(0)
        if seq != self._seq + 1:
            before = f"entry {self._seq}" if self._seq else "the beginning of its stream"
            raise _Broken(f"entries are missing or out of order: it follows {before}", stream, seq)
        if entry["previous_hash"] != self._hash:
            if not stream and self._seq in self._waiting:
                # No act makes up for a hash that is not the one that was given.
                raise _Broken(ALTERED, stream, self._seq, line=self._waiting[self._seq][0])
            raise _Broken("it does not continue the one before it", stream, seq)
        fields = [field("apv1-audit"), *(field(entry[name]) for name in (*ENTRY_FIELDS, "previous_hash"))]
        digest = hashlib.sha256(b"".join(fields)).hexdigest()
        if entry["hash"] == digest:
            if not stream and entry["act"] == VOUCHING:
                self._vouched.update(_vouched(entry["detail"]))
        elif not stream:
            self._waiting[seq] = self.line, digest
        elif self._vouched.get((stream, seq)) != digest:
            raise _Broken(ALTERED, stream, seq)
        else:
            self.replaced += 1
        self._hashes.write(bytes.fromhex(entry["hash"]))
        self._seq, self._hash = seq, entry["hash"]
        self.entries += 1

    def _end_policy(self):
        """Check the entries of stream 0 that waited for an act, once it is over; raises _Broken."""
        for seq, (line, digest) in self._waiting.items():
            if self._vouched.get((0, seq)) != digest:
                raise _Broken(ALTERED, 0, seq, line=line)
        self.replaced += len(self._waiting)
        self._waiting.clear()

    def _read_seal(self, seal):
        self._end_policy()
        number = seal["seal"]
        if number != self.seals + 1:
            before = f"seal {self.seals}" if self.seals else "the entries"
            raise _Broken(f"seals are missing or out of order: it follows {before}", None, None, number)
        if seal["previous_hash"] != (self.head or ""):
            raise _Broken("it does not continue the one before it", None, None, number)
        heads = [_head(number, head) for head in seal["heads"]]
        fields = [field("apv1-seal"), field(number), field(seal["at"]), field(seal["previous_hash"])]
        fields += [field(part) for head in heads for part in head]
        if seal["hash"] != hashlib.sha256(b"".join(fields)).hexdigest():
            raise _Broken("it was altered: its content does not give its hash", None, None, number)
        last = -1
        for stream, seq, entry_hash in heads:
            if stream <= last:
                raise _Broken("its heads are not in the order of their streams", stream, seq, number)
            last = stream
            self._cover(number, stream, seq, entry_hash)
        self.seals, self.head = number, seal["hash"]
        if self.head == self._published:
            self._published, self.published_seal = None, number

    def _cover(self, number, stream, seq, entry_hash):
        index = bisect_left(self._numbers, stream)
        known = index < len(self._numbers) and self._numbers[index] == stream
        start = self._starts[index] if known else 0
        after = self._starts[index + 1] if index + 1 < len(self._starts) else self.entries
        if not known or not 1 <= seq <= after - start:
            raise _Broken("it covers an entry that is not in the file", stream, seq, number)
        if seq <= self._sealed[index]:
            raise _Broken("it covers an entry that an earlier seal covers", stream, seq, number)
        self._hashes.seek((start + seq - 1) * HASH_BYTES)
        if self._hashes.read(HASH_BYTES).hex() != entry_hash:
            raise _Broken("it covers another hash than this entry has", stream, seq, number)
        self._sealed[index] = seq


def _parse(line):
    if len(line) > MAX_LINE_BYTES:
        raise _Broken(f"it has more than {MAX_LINE_BYTES // 2**20} MiB")
    if not line.strip():
        raise _Broken("it is empty")
    try:
        record = _json(line if isinstance(line, str) else line.decode())
    # ValueError: not JSON, not UTF-8, or a number with thousands of digits.
    except (ValueError, RecursionError):
        raise _Broken("it is not JSON, or cut off") from None
    if not isinstance(record, dict):
        raise _Broken("it is not a JSON object")
    return record


def _vouched(detail):
    """{(stream, seq): digest} of the entries that an act vouches for; nothing of what is no such act."""
    try:
        named = _json(detail)["entries"]
        return {(_number(stream), _number(seq)): digest for stream, seq, digest in named}
    except (ValueError, RecursionError, KeyError, TypeError):
        return {}


def _json(text):
    return json.loads(text, object_pairs_hook=_once_each, parse_constant=_no_constant)


def _once_each(pairs):
    record = dict(pairs)
    if len(record) != len(pairs):
        raise _Broken("it has a key twice")
    return record


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


def _check_shape(record, shape):
    stream, seq, seal = (_number(record.get(name)) for name in ("stream", "seq", "seal"))
    for name in sorted(shape.keys() - record.keys()):
        raise _Broken(f"it has no {name}", stream, seq, seal)
    for name in sorted(record.keys() - shape.keys()):
        raise _Broken(f"it has an unknown key: {name[:40]!r}", stream, seq, seal)
    for name, (types, what) in shape.items():
        content = record[name]
        if not isinstance(content, types) or isinstance(content, bool):
            raise _Broken(f"its {name} is not {what}", stream, seq, seal)
        if isinstance(content, str) and not _is_unicode(content):
            raise _Broken(f"its {name} is not Unicode text", stream, seq, seal)
    if not HASH.fullmatch(record["hash"]):
        raise _Broken("its hash is not one", stream, seq, seal)
    for name in ("stream", "seq", "seal"):
        if name in shape and _number(record[name]) is None:
            raise _Broken(f"its {name} is out of range", stream, seq, seal)


def _head(number, head):
    """A head that a seal covers: (stream, seq, hash)."""
    match head:
        case [int(stream), int(seq), str(entry_hash)] if (
            _number(stream) is not None and _number(seq) is not None and HASH.fullmatch(entry_hash)
        ):
            return stream, seq, entry_hash
    raise _Broken("one of its heads is not a stream, a number and a hash", None, None, number)


def _number(value):
    """The value if PostgreSQL's bigint has it and it is not negative, else None."""
    return value if type(value) is int and 0 <= value < 2**63 else None


def _is_unicode(text):
    """Whether the text has a UTF-8 form: JSON can spell half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
