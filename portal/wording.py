"""How pages say what the database knows, in the reader's language and time zone: times, numbers, states, items."""

import collections
import datetime
import json
import math
import re

from babel import dates, numbers
from markupsafe import Markup, escape

from . import reader
from .reader import gettext, gettext_noop, ngettext, ngettext_noop

LONGEST = 2_000  # characters of a value
# The tone of a state or standing, for its colour; its word always stands beside it.
TONES = {
    "pending": "due", "waiting": "due", "approved": "going", "converged": "good", "failed": "bad",
    "partial": "bad", "drift": "bad", "drifted": "bad", "rejected": "bad", "expired": "off", "cancelled": "off",
    "withdrawn": "off", "superseded": "off", "impossible": "bad", "silent": "due", "changes": "going", "nothing": "off",
    "not-applied": "bad", "drifting": "bad", "unknown": "off", "window": "good", "freeze": "bad", "request": "due",
}  # fmt: skip
# What went wrong comes first.
ORDER = ("failed", "drift", "drifted", "drifting", "impossible", "silent", "waiting", "changes", "nothing", "converged")
SPANS = ((86_400, "in days", "days ago"), (3_600, "in hours", "hours ago"), (60, "in minutes", "minutes ago"))
# Nouns that are counted, one and many of each.
COUNTED = {
    "minion": ngettext_noop("%(n)s minion", "%(n)s minions"),
    "request": ngettext_noop("%(n)s request", "%(n)s requests"),
    "item": ngettext_noop("%(n)s item", "%(n)s items"),
    "person": ngettext_noop("%(n)s person", "%(n)s people"),
    "more item": ngettext_noop("%(n)s more item", "%(n)s more items"),
    "more change": ngettext_noop("%(n)s more change", "%(n)s more changes"),
    "resource": ngettext_noop("%(n)s resource", "%(n)s resources"),
    "stream": ngettext_noop("%(n)s stream", "%(n)s streams"),
    "row": ngettext_noop("%(n)s row", "%(n)s rows"),
    "option": ngettext_noop("%(n)s is found.", "%(n)s are found."),
    "error": ngettext_noop("%(n)s error", "%(n)s errors"),
    "warning": ngettext_noop("%(n)s warning", "%(n)s warnings"),
    "character": ngettext_noop("%(n)s character", "%(n)s characters"),
    "day": ngettext_noop("%(n)s day", "%(n)s days"),
    "in days": ngettext_noop("in %(n)s day", "in %(n)s days"),
    "days ago": ngettext_noop("%(n)s day ago", "%(n)s days ago"),
    "in hours": ngettext_noop("in %(n)s hour", "in %(n)s hours"),
    "hours ago": ngettext_noop("%(n)s hour ago", "%(n)s hours ago"),
    "in minutes": ngettext_noop("in %(n)s minute", "in %(n)s minutes"),
    "minutes ago": ngettext_noop("%(n)s minute ago", "%(n)s minutes ago"),
    "did it": ngettext_noop("%(n)s did it", "%(n)s did it"),
    "failed in it": ngettext_noop("%(n)s failed", "%(n)s failed"),
    "did not return": ngettext_noop("%(n)s did not return", "%(n)s did not return"),
}
# The database's words that are no names: states, standings, verdicts, kinds, and how sure somebody is.
WORDS = {
    "absent": gettext_noop("absent"),
    "action": gettext_noop("action"),
    "approved": gettext_noop("approved"),
    "asserted": gettext_noop("asserted"),
    "authenticated": gettext_noop("authenticated"),
    "cancelled": gettext_noop("cancelled"),
    "changes": gettext_noop("changes"),
    "converged": gettext_noop("converged"),
    "drift": gettext_noop("drift"),
    "drifted": gettext_noop("drifted"),
    "drifting": gettext_noop("drifting"),
    "error": gettext_noop("error"),
    "expired": gettext_noop("expired"),
    "failed": gettext_noop("failed"),
    "freeze": gettext_noop("freeze"),
    "impossible": gettext_noop("impossible"),
    "invalid": gettext_noop("invalid"),
    "not-applied": gettext_noop("not applied"),
    "nothing": gettext_noop("nothing"),
    "package": gettext_noop("package"),
    "partial": gettext_noop("partial"),
    "passed": gettext_noop("passed"),
    "pending": gettext_noop("pending"),
    "present": gettext_noop("now"),
    "refused": gettext_noop("refused"),
    "rejected": gettext_noop("rejected"),
    "request": gettext_noop("opening"),
    "review": gettext_noop("review"),
    "service": gettext_noop("service"),
    "signed": gettext_noop("signed"),
    "silent": gettext_noop("silent"),
    "superseded": gettext_noop("superseded"),
    "to come": gettext_noop("to come"),
    "unknown": gettext_noop("unknown"),
    "unproven": gettext_noop("unproven"),
    "value": gettext_noop("value"),
    "waiting": gettext_noop("waiting"),
    "warning": gettext_noop("warning"),
    "window": gettext_noop("window"),
    "withdrawn": gettext_noop("withdrawn"),
}
# How times and days are written, by language: the patterns of CLDR.
FORMS = {
    "en": {
        "whole": "EEE d MMM y, HH:mm", "day and minute": "EEE d MMM, HH:mm", "minute": "HH:mm", "day": "EEE d MMM",
        "month": "MMMM y",
    },
    "de": {
        "whole": "EEE, d. MMM y, HH:mm", "day and minute": "EEE, d. MMM, HH:mm", "minute": "HH:mm",
        "day": "EEE, d. MMM", "month": "MMMM y",
    },
}  # fmt: skip
# How somebody is told that they may read a part of something, and not all.
LEFT_OUT = {
    "requests": gettext_noop(
        "Other requests and minions are left out: by the policy you may read %(of)s, and requests in which you have a "
        "part."
    ),
    "values": gettext_noop(
        "Values that you may not read are •••: by the policy you may read %(of)s, and those of requests in which you "
        "have a part."
    ),
    "job_log": gettext_noop("Other jobs and returns are left out: by the policy you may read %(of)s."),
    "audit": gettext_noop("Other acts are left out: by the policy you may read %(of)s."),
}
NEXT = 3  # documents to come that a page shows
FRACTION = re.compile(r"\.\d+")  # of a second; Python before 3.11 reads no other lengths than its own


def now():
    """The present time."""
    return datetime.datetime.now(datetime.timezone.utc)


def moment(value):
    """A time, from the database or as JSON has it, as a datetime in the reader's zone."""
    at = datetime.datetime.fromisoformat(FRACTION.sub("", value)) if isinstance(value, str) else value
    return at.astimezone(reader.current().zone)


def when(value):
    """A time, from the database or as JSON has it, as <time>: the day and minute in the zone, and how far from now."""
    at = moment(value)
    away = Markup(' <span class="away">({})</span>').format(_away((at - now()).total_seconds()))
    return _time(at, Markup("{}{}").format(_written(at, "whole"), away))


def epoch(seconds):
    """A time in seconds since 1970, as when() has it."""
    return when(datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc))


def at(value):
    """A datetime as <time>: the day and minute in the reader's zone."""
    return _time(value, _written(moment(value), "whole"))


def written(value):
    """A time, as moment() takes it, as text: the day and minute in the reader's zone."""
    return _written(moment(value), "whole")


def clock(value, day=None):
    """A datetime as <time>: the minute in its zone, behind the day unless it is of that one."""
    return _time(value, _written(value, "minute" if value.date() == day else "day and minute"))


def date(value):
    """A day as people write it: Sat 5 Dec."""
    return _written(value, "day")


def month(value):
    """The month of a day, with its year."""
    return _written(value, "month")


def weekdays():
    """The short names of the days of the week, from Monday on."""
    return [reader.current().locale.days["format"]["abbreviated"][day] for day in range(7)]


def _time(at, text):
    return Markup('<time datetime="{:%Y-%m-%dT%H:%M:%SZ}">{}</time>').format(at.astimezone(datetime.timezone.utc), text)


def _written(at, form):
    """A time or a day in one of the FORMS of the reader's language, which have no zone; a whole one has its own."""
    reads = reader.current()
    pattern = FORMS[reads.language][form]
    if not isinstance(at, datetime.datetime):
        return dates.format_date(at, pattern, reads.locale)
    text = dates.format_datetime(at, pattern, at.tzinfo, reads.locale)
    return f"{text} {at:%Z}" if form == "whole" else text


def _away(seconds):
    for length, ahead, ago in SPANS:
        count = int(abs(seconds) // length)
        if count:
            return count_of(count, ahead if seconds > 0 else ago)
    return gettext("just now")


def number(value):
    """A number as the reader's language writes it."""
    return numbers.format_decimal(value, locale=reader.current().locale)


def count_of(count, what):
    """A number with its noun, one of COUNTED: 1 minion, 1,200 minions."""
    return ngettext(*COUNTED[what], count) % {"n": number(count)}


def word(name):
    """A word of the database for people: a state, a standing, a kind; as it is where it is none of WORDS."""
    return gettext(WORDS[name]) if name in WORDS else name


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
        return gettext("absent")
    text = _text(item["value"])
    return f"{text} ({item['pinned']})" if item.get("pinned") else text


def before(item):
    """The content that was there before; None where that is not known."""
    known = item.get("before")
    if known is None:
        return None
    return gettext("absent") if known["value"] is None else _text(known["value"])


def observed(item):
    """The content that was seen, "absent" where that was proven; None where nothing is known."""
    is_absent = (item["type"], item.get("outcome")) == ("absent", "converged") or (
        (item["kind"], item.get("outcome")) == ("package", "drift")
    )
    seen = item.get("observed")
    return gettext("absent") if is_absent and seen is None else seen and cut(seen)


def _text(value):
    return cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def cut(text):
    """The text, up to a length that a page has room for."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({count_of(len(text), 'character')})"


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
        return (
            gettext("All that is approved for it is proven to be there.")
            if total
            else gettext("Nothing is approved for it.")
        )
    others = ", ".join(f"{number(count)} {word(name)}" for name, count in in_order(counts) if name != "converged")
    said = {"good": number(good), "resources": count_of(total, "resource"), "others": others}
    return gettext("Proven to be as approved: %(good)s of %(resources)s; %(others)s.") % said


def approved(counts):
    """The counts of minions without those for which nothing is approved."""
    return {name: count for name, count in counts.items() if name != "unknown" and count}


def in_line(counts):
    """How many minions are in line, as a sentence."""
    total, good = sum(counts.values()), counts.get("converged", 0)
    share = number(math.floor(1000 * good / total) / 10)  # never 100 % where one is not
    said = {"good": number(good), "minions": count_of(total, "minion"), "share": f"{share}\N{NO-BREAK SPACE}%"}
    # One of two is, and none of one is.
    count = 1 if 1 in (good, total) else total
    text = ngettext(
        "%(good)s of %(minions)s is in line (%(share)s).", "%(good)s of %(minions)s are in line (%(share)s).", count
    )
    return text % said


def came_of(job):
    """How many minions did a job, failed in it and did not return, and how long it took."""
    words = {"ok": "did it", "failed": "failed in it", "silent": "did not return"}
    counts = ", ".join(count_of(job[name], what) for name, what in words.items() if job[name])
    took = "" if job["duration_s"] is None else f", {number(round(job['duration_s'], 1))} s"
    return (counts or gettext("nothing returned yet")) + took


def stream(number):
    """What a stream of the audit is about."""
    return gettext("request %(number)s") % {"number": number} if number else gettext("the policy")


def remark(detail):
    """What somebody wrote with an act, or gave as its reason; empty where there is none."""
    said = [detail.get(name) for name in ("comment", "reason", "because")]
    return next((text for text in said if isinstance(text, str) and text), "")


def pretty(content):
    """What JSON has a form for, as people read it."""
    return json.dumps(content, indent=2, ensure_ascii=False)


def left_out(groups, what):
    """That of ``what``, one of LEFT_OUT, the groups of minions may be read, and no others: as a sentence."""
    of = gettext("those of %(groups)s") % {"groups": ", ".join(groups)} if groups else gettext("none")
    return gettext(LEFT_OUT[what]) % {"of": of}


def event_name(event):
    """The name of what a calendar has: a window, a freeze, or a request that may go on."""
    words = {
        "window": gettext("Window %(name)s"),
        "freeze": gettext("Freeze %(name)s"),
        "request": gettext("Request %(name)s may be applied"),
    }
    return words[event["kind"]] % event


FILTERS = {
    function.__name__: function
    for function in (
        when, epoch, at, clock, date, month, number, word, count_of, tone, in_order, wanted, before, observed, cut,
        short, sentence, capital, lines, pretty, progress, bar, in_force, to_come, worst_first, standings, told,
        approved, in_line, came_of, event_name, stream, remark, left_out,
    )
}  # fmt: skip
