"""How text looks on a terminal: its width, the zone of times, tables, and many minions in few words.

Written to a file or a pipe nothing is wrapped, and nothing is ever cut: a line there is as long as it has to be.
"""

import contextlib
import contextvars
import datetime
import re
import shutil
import sys
import textwrap
from dataclasses import dataclass

UNKNOWN = "-"
GAP = "  "
INDENT = 4  # columns in front of a table, at the most
NARROW = 24  # columns; a text that would get less than this has lines of its own
FEW = 3  # minions that are named one by one
LONG = 60  # characters; minions that take more are counted, and the first and last named
TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d(?::\d\d)?)")
# A time in a sentence of the database, as approval.when_text writes it.
SENTENCE_TIME = re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\d{4}-\d\d-\d\d \d\d:\d\d) UTC\b")
WORDS = {"break_long_words": False, "break_on_hyphens": False}  # for textwrap: an id is not broken
NUMBERED = re.compile(r"(.*?)([0-9]{1,15})([^0-9]*)", re.DOTALL)


@dataclass(frozen=True)
class Look:
    """The width of the terminal (None: there is none), and whether times are shown in UTC."""

    width: int | None = None
    utc: bool = True


_look = contextvars.ContextVar("approval_look", default=Look())  # noqa: B039 (it is frozen)


@contextlib.contextmanager
def looking(utc=False):
    """Text made meanwhile is for standard output: as wide as the terminal, with times in the local zone or UTC."""
    # get_terminal_size() has COLUMNS win over what the terminal says.
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    token = _look.set(Look(width, utc))
    try:
        yield
    finally:
        _look.reset(token)


def cell(value):
    """A value in one line: ``-`` for None, and a time as moment() has it."""
    if value is None:
        return UNKNOWN
    return moment(plain(value))


def plain(value):
    """A value in one line, exactly: what was approved or asked for may look like a time and be none."""
    return UNKNOWN if value is None else printable(" ".join(str(value).split()))


def moment(text):
    """A time in ISO 8601 to the second, with its zone, as it is shown; any other text as it is."""
    match = TIME.fullmatch(text)
    if not match:
        return text
    offset = {"Z": "+00:00"}.get(match[2], match[2])
    try:
        return _zoned(match[1] + (offset if len(offset) > 3 else f"{offset}:00"), "%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return text


def sentence(text):
    """A sentence of the database in one line, with its times in the zone in which moment() shows times."""

    def shown(match):
        try:
            return _zoned(f"{match[1]}:00+00:00", "%a %Y-%m-%d %H:%M")
        except (ValueError, OverflowError, OSError):
            return match[0]

    return SENTENCE_TIME.sub(shown, plain(text))


def _zoned(written, form):
    """A time in ISO 8601 as it is shown. Raises ValueError, OverflowError and OSError for what no clock shows."""
    time = datetime.datetime.fromisoformat(written).astimezone(datetime.timezone.utc if _look.get().utc else None)
    zone = f"{time:%z}"
    return f"{time:{form}} " + (f"{zone[:3]}:{zone[3:5]}" if time.utcoffset() else "UTC")


def printable(text):
    """The text without what could speak to a terminal: some of it comes from minions."""
    return "".join(character if character.isprintable() else "?" for character in text)


def table(rows, columns, exact=()):
    """
    Rows (dicts) as aligned columns, {key: heading}; a last column without heading is free text. The columns in
    ``exact`` are shown as plain() does.
    """
    return "\n".join(line for part in parts(rows, columns, exact) for line in part)


def parts(rows, columns, exact=()):
    """The same as a list of the heading and each row, which on a narrow terminal are several lines each."""
    keys = list(columns)
    cells = [[plain(row.get(key)) if key in exact else cell(row.get(key)) for key in keys] for row in rows]
    width = _look.get().width
    room = None if width is None else width - INDENT
    lines = [list(columns.values()), *cells]
    widths = _widths(lines, room)
    taken = sum(widths[:-1]) + len(GAP) * (len(widths) - 1)
    if room is None or columns[keys[-1]] or len(keys) == 1 or room - taken >= NARROW:
        return [_written(line, widths) for line in lines]
    # The free text goes below its row.
    widths = _widths([line[:-1] for line in lines], room)
    below = [
        [] if line[-1] in ("", UNKNOWN) else textwrap.wrap(line[-1], max(NARROW, room - 4), **WORDS) for line in lines
    ]
    return [
        _written(line[:-1], widths) + [f"    {text}" for text in texts]
        for line, texts in zip(lines, below, strict=True)
    ]


def fold(minions):
    """
    Many minion ids in few words: ``web[1-200]``, or how many they are with the first and the last of them.
    """
    ids = sorted(set(minions), key=_natural)
    if len(ids) <= FEW:
        return ", ".join(map(plain, ids))
    ranges = ", ".join(_ranges(ids))
    shown = ranges if len(ranges) <= LONG else f"{plain(ids[0])}, {plain(ids[1])}, ... {plain(ids[-1])}"
    return f"{len(ids)} minions: {shown}"


def grouped(rows, same, of="minion"):
    """
    The rows (dicts), those with equal ``same`` keys as one: its ``of`` is the list of theirs, in the order of ids.
    """
    groups = {}
    for row in rows:
        key = tuple(str(row.get(name)) for name in same)
        groups.setdefault(key, {**row, of: []})[of].append(row[of])
    return list(groups.values())


def paged(lines, limit, more):
    """The first ``limit`` of the lines (None: all), and if any are left out a line that says how many: ``more``."""
    left_out = 0 if limit is None else max(0, len(lines) - limit)
    return lines[: len(lines) - left_out] + ([f"... {left_out} more: {more}"] if left_out else [])


def _widths(lines, room):
    """How wide each column is: as its content where there is room, else the widest are narrowed to their words."""
    widths = [max(len(line[number]) for line in lines) for number in range(len(lines[0]))]
    if room is None:
        return widths
    words = [
        max((len(word) for line in lines for word in line[number].split()), default=0) for number in range(len(widths))
    ]
    while sum(widths) + len(GAP) * (len(widths) - 1) > room:
        number = max(range(len(widths)), key=lambda number: widths[number] - max(words[number], 12))
        if widths[number] <= max(words[number], 12):
            break
        widths[number] -= 1
    return widths


def _written(line, widths):
    """The cells of a row as lines of text, each cell wrapped to its width."""
    wrapped = [
        textwrap.wrap(text, width, **WORDS) if len(text) > width else [text]
        for text, width in zip(line, widths, strict=True)
    ]
    written = []
    for number in range(max(map(len, wrapped))):
        row = [part[number] if number < len(part) else "" for part in wrapped]
        written.append(GAP.join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    return written


def _natural(minion):
    """The order of people: web2 before web10."""
    return [
        (int(part), part) if part.isdigit() and part.isascii() else (-1, part) for part in re.split("([0-9]+)", minion)
    ]


def _ranges(ids):
    """The ids, in order, with those that differ in their last number only written as PREFIX[FIRST-LAST]SUFFIX."""
    run = []  # (id, prefix, digits, suffix) of ids that count on
    for minion in ids:
        match = NUMBERED.fullmatch(minion)
        # A bracket in an id itself would be taken for a range.
        parts = (minion, *match.groups()) if match and "[" not in minion else (minion, None, "", "")
        if run and not _counts_on(run[-1], parts):
            yield _range(run)
            run = []
        run.append(parts)
    if run:
        yield _range(run)


def _counts_on(last, parts):
    return (
        parts[1] is not None
        and (last[1], last[3]) == (parts[1], parts[3])
        and int(parts[2]) == int(last[2]) + 1
        and (len(last[2]) == len(parts[2]) or not (last[2].startswith("0") or parts[2].startswith("0")))
    )


def _range(run):
    if len(run) < FEW:
        return ", ".join(plain(parts[0]) for parts in run)
    first, last = run[0], run[-1]
    return plain(f"{first[1]}[{first[2]}-{last[2]}]{first[3]}")
