"""How pages say what the database knows: times, numbers, states, items."""

import collections
import datetime
import json
import math
import re

from markupsafe import Markup, escape

from ..client.readings import left_out

LONGEST = 2_000  # characters of a value
# The tone of a state or standing, for its colour; its word always stands beside it.
TONES = {
    "pending": "due", "waiting": "due", "approved": "going", "converged": "good", "failed": "bad",
    "partial": "bad", "drift": "bad", "drifted": "bad", "rejected": "bad", "expired": "off", "cancelled": "off",
    "withdrawn": "off", "superseded": "off", "impossible": "bad", "silent": "due", "changes": "going", "nothing": "off",
    "not-applied": "bad", "drifting": "bad", "unknown": "off", "window": "good", "freeze": "bad", "request": "due",
}  # fmt: skip
SPANS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
# What went wrong comes first.
ORDER = ("failed", "drift", "drifted", "drifting", "impossible", "silent", "waiting", "changes", "nothing", "converged")
NEXT = 3  # documents to come that a page shows
FRACTION = re.compile(r"\.\d+")  # of a second; Python before 3.11 reads no other lengths than its own


def now():
    """The present time."""
    return datetime.datetime.now(datetime.timezone.utc)


def moment(value, zone=datetime.timezone.utc):
    """A time, from the database or as JSON has it, as a datetime in a zone."""
    at = datetime.datetime.fromisoformat(FRACTION.sub("", value)) if isinstance(value, str) else value
    return at.astimezone(zone)


def when(value, zone=datetime.timezone.utc):
    """A time, from the database or as JSON has it, as <time>: the day and minute in a zone, and how far from now."""
    at = moment(value, zone)
    away = Markup(' <span class="away">({})</span>').format(_away((at - now()).total_seconds()))
    return _time(at, Markup("{}{}").format(_written(at), away))


def epoch(seconds):
    """A time in seconds since 1970, as when() has it."""
    return when(datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc))


def at(value):
    """A datetime as <time>: the day and minute in UTC."""
    return _time(value, _written(value))


def clock(value, day=None):
    """A datetime as <time>: the minute in its zone, behind the day unless it is of that one."""
    return _time(value, f"{value:%H:%M}" if value.date() == day else f"{date(value)}, {value:%H:%M}")


def date(value):
    """A day as people write it: Sat 5 Dec."""
    return f"{value:%a} {value.day} {value:%b}"


def _time(at, text):
    return Markup('<time datetime="{:%Y-%m-%dT%H:%M:%SZ}">{}</time>').format(at.astimezone(datetime.timezone.utc), text)


def _written(at):
    return f"{at:%a} {at.day} {at:%b %Y, %H:%M %Z}"


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
    return sorted((counts or {}).items(), key=lambda pair: (_rank(pair[0]), pair[0]))


def _rank(standing):
    return ORDER.index(standing) if standing in ORDER else len(ORDER)


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


def in_force(documents):
    """The document of a minion that holds now, None: there is none."""
    return next((document for document in documents if document["in_force"]), None)


def to_come(documents):
    """
    What the next NEXT documents of a minion change, [(document, items)]: an item as that document has it, or as it was
    before, with ``ends``, where it is not held to it any more. Documents that change nothing are left out.
    """
    before = in_force(documents)
    known, steps = _resources(before), []
    for document in documents:
        if document["in_force"]:
            continue
        wanted_then = _resources(document)
        changes = [item for key, item in wanted_then.items() if _asked(known.get(key)) != _asked(item)]
        changes += [{**item, "ends": True} for key, item in known.items() if key not in wanted_then]
        if changes:
            steps.append((document, changes))
        known = wanted_then
    return steps[:NEXT]


def _resources(document):
    return {(item["kind"], item["name"]): item for item in document["items"]} if document else {}


def _asked(item):
    return item and (item["type"], item["value"], item["request"])


def worst_first(items):
    """The items, what went wrong first, then by name."""
    return sorted(items, key=lambda item: (_rank(item["standing"]), item["kind"], item["name"]))


def standings(items):
    """{standing: how many of the items}."""
    return collections.Counter(item["standing"] for item in items)


def told(counts):
    """How many of a minion's resources are as approved, as a sentence."""
    total, good = sum(counts.values()), counts.get("converged", 0)
    if good == total:
        return "All that is approved for it is proven to be there." if total else "Nothing is approved for it."
    others = ", ".join(f"{count:,} {name}" for name, count in in_order(counts) if name != "converged")
    return f"Proven to be as approved: {good:,} of {count_of(total, 'resource')}; {others}."


def approved(counts):
    """The counts of minions without those for which nothing is approved."""
    return {name: count for name, count in counts.items() if name != "unknown" and count}


def in_line(counts):
    """How many minions are in line, as a sentence."""
    total, good = sum(counts.values()), counts.get("converged", 0)
    share = f"{math.floor(1000 * good / total) / 10:g}\N{NO-BREAK SPACE}%"  # never 100 % where one is not
    return f"{good:,} of {count_of(total, 'minion')} {'is' if 1 in (good, total) else 'are'} in line ({share})."


def came_of(job):
    """How many minions did a job, failed in it and did not return, and how long it took."""
    words = {"ok": "did it", "failed": "failed", "silent": "did not return"}
    counts = ", ".join(f"{job[name]:,} {word}" for name, word in words.items() if job[name])
    took = "" if job["duration_s"] is None else f", {job['duration_s']:.1f} s"
    return (counts or "nothing returned yet") + took


def stream(number):
    """What a stream of the audit is about."""
    return f"request {number}" if number else "the policy"


def remark(detail):
    """What somebody wrote with an act, or gave as its reason; empty where there is none."""
    said = [detail.get(name) for name in ("comment", "reason", "because")]
    return next((text for text in said if isinstance(text, str) and text), "")


def pretty(content):
    """What JSON has a form for, as people read it."""
    return json.dumps(content, indent=2, ensure_ascii=False)


def event_name(event):
    """The name of what a calendar has: a window, a freeze, or a request that may go on."""
    words = {"window": "window {}", "freeze": "freeze {}", "request": "request {} may be applied"}
    return capital(words[event["kind"]].format(event["name"]))


FILTERS = {
    function.__name__: function
    for function in (
        when, epoch, at, clock, date, count_of, tone, in_order, wanted, before, observed, cut, short, sentence, capital,
        lines, pretty, progress, bar, in_force, to_come, worst_first, standings, told, approved, in_line, came_of,
        event_name, stream, remark, left_out,
    )
}  # fmt: skip
