"""How pages say what the database knows: times, numbers, states, items."""

import datetime
import json
import re

from markupsafe import Markup, escape

LONGEST = 2_000  # characters of a value
# The tone of a state or standing, for its colour; its word always stands beside it.
TONES = {
    "pending": "due", "waiting": "due", "approved": "going", "converged": "good", "failed": "bad",
    "partial": "bad", "drift": "bad", "drifted": "bad", "rejected": "bad", "expired": "off", "cancelled": "off",
    "withdrawn": "off", "superseded": "off", "impossible": "bad", "silent": "due", "changes": "going", "nothing": "off",
}  # fmt: skip
SPANS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
# What went wrong comes first.
ORDER = ("failed", "drift", "drifted", "impossible", "silent", "waiting", "changes", "nothing", "converged")
FRACTION = re.compile(r"\.\d+")  # of a second; Python before 3.11 reads no other lengths than its own


def now():
    """The present time."""
    return datetime.datetime.now(datetime.timezone.utc)


def when(value):
    """A time, from the database or as JSON has it, as <time>: the day and minute in UTC, and how far from now."""
    at = datetime.datetime.fromisoformat(FRACTION.sub("", value)) if isinstance(value, str) else value
    at = at.astimezone(datetime.timezone.utc)
    away = Markup(' <span class="away">({})</span>').format(_away((at - now()).total_seconds()))
    return Markup('<time datetime="{}">{}{}</time>').format(f"{at:%Y-%m-%dT%H:%M:%SZ}", _written(at), away)


def at(value):
    """A datetime as <time>: the day and minute in UTC."""
    return Markup('<time datetime="{}">{}</time>').format(f"{value:%Y-%m-%dT%H:%M:%SZ}", _written(value))


def _written(at):
    return f"{at:%a} {at.day} {at:%b %Y, %H:%M} UTC"


def _away(seconds):
    for length, name in SPANS:
        count = int(abs(seconds) // length)
        if count:
            words = count_of(count, name)
            return f"in {words}" if seconds > 0 else f"{words} ago"
    return "just now"


def count_of(number, what):
    """A number with its noun: 1 minion, 1,200 minions."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def tone(word):
    """The tone of a state or standing."""
    return TONES.get(word, "off")


def in_order(counts):
    """The counts of standings, [(standing, count)], what went wrong first."""
    rank = {name: place for place, name in enumerate(ORDER)}
    return sorted((counts or {}).items(), key=lambda pair: (rank.get(pair[0], len(ORDER)), pair[0]))


def wanted(item):
    """The content that an item asks for."""
    if item["type"] == "absent":
        return "absent"
    text = _text(item["value"])
    return f"{text} ({item['pinned']})" if item.get("pinned") else text


def before(item):
    """The content that was there before; None where that is not known."""
    known = item.get("before")
    if known is None:
        return None
    return "absent" if known["value"] is None else _text(known["value"])


def observed(item):
    """The content that was seen, ``absent`` where that was proven; None where nothing is known."""
    is_absent = (item["type"], item.get("outcome")) == ("absent", "converged") or (
        (item["kind"], item.get("outcome")) == ("package", "drift")
    )
    seen = item.get("observed")
    return "absent" if is_absent and seen is None else seen and cut(seen)


def _text(value):
    return cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def cut(text):
    """The text, up to a length that a page has room for."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text):,} characters)"


def short(digest):
    """The beginning of a digest, by which people tell it from another."""
    return digest.rpartition(":")[2][:12]


def sentence(text):
    """A sentence of the database, with a full stop. Its first word may be a name, which stays as it is written."""
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def capital(text):
    """The text with a capital in front."""
    return text[:1].upper() + text[1:]


def lines(text):
    """A text as HTML that keeps its line breaks."""
    return Markup("<br>").join(escape(line) for line in text.splitlines())


def progress(shown):
    """
    The steps of a request's chain, [(step, stage)]: each stage is ``passed``, ``refused``, ``present`` or ``to come``.
    """
    steps = []
    for stage in shown["chain"]:
        if any(decision["decision"] == "reject" for decision in stage["decisions"]):
            step = "refused"
        elif stage["satisfied_at"]:
            step = "passed"
        elif shown["state"] == "pending" and stage["stage"] == shown["stage"]:
            step = "present"
        else:
            step = "to come"
        steps.append((step, stage))
    return steps


def bar(counts):
    """[(x, width, tone, standing, count)] of a bar that is 100 wide, a part for each standing: none too thin to see."""
    ordered = in_order(counts)
    total = sum(count for _, count in ordered)
    widths = [max(1.0, 100 * count / total) for _, count in ordered]
    scale, x, parts = 100 / (sum(widths) or 1), 0.0, []
    for (name, count), width in zip(ordered, widths, strict=True):
        parts.append((round(x, 2), round(width * scale, 2), tone(name), name, count))
        x += width * scale
    return parts


FILTERS = {
    function.__name__: function
    for function in (
        when, at, count_of, tone, in_order, wanted, before, observed, cut, short, sentence, capital, lines, progress,
        bar,
    )
}  # fmt: skip
