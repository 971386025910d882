"""Shapes of secrets that a site has of its own, as regular expressions in the master's configuration."""

import re
import warnings

try:
    from re import _parser as parser
except ImportError:  # Python 3.10
    import sre_parse as parser

LONGEST = 200  # characters of a pattern
MOST = 50  # patterns
COUNTED = 200  # the highest number in a repetition that has one
LONGEST_LINE = 4000  # characters; of a longer line the own patterns can say nothing in time, so it is hidden


class BadPattern(ValueError):
    """A pattern that is not used; the text says which and why."""


def compiled(patterns):
    """The patterns, which are texts, ready for hidden(). Raises BadPattern for one that is wrong or may be slow."""
    if len(patterns) > MOST:
        raise BadPattern(f"there are more than {MOST} patterns")
    return tuple(_compiled(pattern) for pattern in patterns)


def hidden(patterns, text, mark):
    """The text with what the patterns match in its lines replaced by ``mark``."""
    if not patterns:
        return text
    return "".join(_hidden_in_line(patterns, line, mark) for line in text.splitlines(keepends=True))


def _hidden_in_line(patterns, line, mark):
    if len(line) > LONGEST_LINE:
        return mark + line[len(line.rstrip("\r\n")) :]
    for pattern in patterns:
        line = pattern.sub(mark, line)
    return line


def _compiled(pattern):
    if not pattern or len(pattern) > LONGEST:
        raise BadPattern(f"a pattern has 1 to {LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parser.parse(pattern)
            found = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as exc:
        raise BadPattern(f"{pattern!r} is no regular expression: {exc}") from None
    if found.match(""):
        raise BadPattern(f"{pattern!r} matches where nothing is")
    if sum(_unbounded(tree, pattern, inside=False)) > 1:
        raise BadPattern(
            f"{pattern!r} has more than one * or + and could take too long: write {{0,{COUNTED}}} for others"
        )
    return found


def _unbounded(tree, pattern, inside):
    """A 1 for each repetition without an end. Raises BadPattern for one within another, and for what looks back."""
    for operation, argument in tree:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, repeated = argument
            endless = most == parser.MAXREPEAT
            if inside and least != most:
                raise BadPattern(f"{pattern!r} repeats a repetition and could take too long")
            if not endless and most > COUNTED:
                raise BadPattern(f"{pattern!r} repeats more than {COUNTED} times")
            yield int(endless)
            yield from _unbounded(repeated, pattern, inside or most > 1)
        elif name.startswith("GROUPREF"):
            raise BadPattern(f"{pattern!r} refers to a group, which could take too long")
        else:
            for part in _parts(argument):
                yield from _unbounded(part, pattern, inside)


def _parts(argument):
    """The patterns within an operation, whichever it is."""
    if isinstance(argument, parser.SubPattern):
        yield argument
    elif isinstance(argument, list | tuple):
        for part in argument:
            yield from _parts(part)
