"""What the database says in its own words, in the reader's language.

It says each sentence in English, with names, numbers and times in it. SENTENCES are the formats by which they are known
again; what is none of them is shown as it is, as English. A refusal has a code besides: behind the sentence of REFUSALS
for that its own words are shown.
"""

import functools
import re

from markupsafe import Markup

from . import reader, wording
from .reader import gettext, gettext_noop

# By SQLSTATE; in English the database's own words suffice.
REFUSALS = {
    "AP001": gettext_noop("Nobody is known by this identity, or it was disabled."),
    "AP002": gettext_noop("You may not do this."),
    "AP003": gettext_noop("There is no such type of requests."),
    "AP004": gettext_noop("There is no such minion."),
    "AP005": gettext_noop("Something that was given is not possible."),
    "AP006": gettext_noop("This cannot be done any more, or not yet, as it stands."),
    "AP007": gettext_noop("Nobody decides on what they asked for or changed themselves."),
    "AP008": gettext_noop("You are not one of those who decide here."),
    "AP009": gettext_noop("It is not sure enough that it is you."),
    "AP010": gettext_noop("This was decided already."),
    "AP011": gettext_noop("It is not what was shown to you any more."),
    "AP013": gettext_noop("This form has made another request already."),
    "AP014": gettext_noop("There is nothing of this number."),
    "AP015": gettext_noop("Nothing is asked for."),
    "AP016": gettext_noop("This time is not possible."),
    "AP017": gettext_noop("The policy could not be like this."),
    "AP018": gettext_noop("It contradicts another request that is open."),
    "AP019": gettext_noop("It lacks a fresh plan."),
    "AP020": gettext_noop("This service is not set up as it has to be: its transactions are not READ COMMITTED."),
    "AP021": gettext_noop("Your session has ended."),
    "AP022": gettext_noop("A token of the API does not serve for this."),
    "AP023": gettext_noop("The key of this call was used for another one."),
    "AP024": gettext_noop("The call with this key is still under way."),
    "AP025": gettext_noop("This is for those alone who may read all of it."),
}

# Parts of the sentences below, by their names: how each of them looks; any other is one or more characters.
PARTS = {
    "n": r"[0-9,]+", "needed": r"[0-9]+", "number": r"[0-9]+", "other": r"[0-9]+", "stage": r"[0-9]+", "job": r"[0-9]+",
    "state": r"[a-z-]+", "how": r"[a-z]+", "least": r"[a-z]+", "group": r"\S+", "rest": r"[0-9,]+ minions? .+",
    "time": r"[A-Z][a-z]{2} [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} UTC",
}  # fmt: skip
WORDS = ("state", "how", "least")  # parts that are words of the database
INNER = ("why", "who", "or_who", "rest")  # parts that are sentences themselves, which have to be known as well
# The more particular ones come first.
SENTENCES = (
    # These say which stage a request waits for, and which plan or answer it lacks before.
    gettext_noop("it contradicts request %(other)s (%(example)s); %(why)s"),
    gettext_noop("it waits for request %(other)s (%(example)s); %(why)s"),
    gettext_noop("it has no plan of its present items that is no older than %(span)s; %(why)s"),
    gettext_noop("stage %(stage)s (%(name)s): %(who)s"),
    gettext_noop("blocked, %(group)s has %(n)s of %(needed)s approvers it needs"),
    gettext_noop("%(n)s of %(group)s"),
    # These say what keeps approved items from being proven.
    gettext_noop("halted %(time)s: %(because)s; %(why)s"),
    gettext_noop("take effect %(time)s (after)"),
    gettext_noop("takes effect %(time)s (after)"),
    gettext_noop("held until %(time)s by %(what)s"),
    gettext_noop("held by %(what)s, no end is known"),
    gettext_noop("overtaken by request %(other)s"),
    gettext_noop("started %(time)s, and is to be caught up"),
    gettext_noop("started %(time)s, and are to be caught up"),
    gettext_noop("asked %(time)s what was there before, job %(job)s"),
    gettext_noop("sent %(time)s, job %(job)s, no answer yet"),
    gettext_noop("sent %(time)s, job %(job)s, no answer yet; a highstate brings it"),
    gettext_noop("sent %(time)s, job %(job)s, accepted; the new start is not proven yet"),
    gettext_noop("sent %(time)s, job %(job)s, answered without proof"),
    gettext_noop("sent %(time)s, job %(job)s, answered without proof; a highstate brings it"),
    gettext_noop("not sent: %(error)s"),
    gettext_noop("due, not sent yet"),
    gettext_noop("waits for a highstate: its type is not dispatched"),
    gettext_noop("wait for a highstate: their type is not dispatched"),
    gettext_noop("waits for somebody to run it: its type is not dispatched"),
    gettext_noop("wait for somebody to run it: their type is not dispatched"),
    gettext_noop("it is %(state)s, and waits for nothing any more"),
    gettext_noop("it is not approved yet, and its type waits for no calendar"),
    gettext_noop(
        "it is not approved yet, and then waits for calendar %(name)s, of which no opening is known that late"
    ),
    gettext_noop("it is not approved yet, and then waits for calendar %(name)s"),
    gettext_noop("nothing holds it back"),
    # How far a minion that started has come.
    gettext_noop("it waits for its turn, %(time)s at the soonest"),
    gettext_noop("it is asked whether it is there, job %(job)s"),
    gettext_noop("it is there"),
    gettext_noop("job %(job)s is about to be sent"),
    gettext_noop("job %(job)s was sent, no answer yet"),
    # Why somebody cannot decide, and what else the forms are refused for.
    gettext_noop("request %(number)s is %(state)s: there is nothing left to decide"),
    gettext_noop("request %(number)s expired %(time)s"),
    gettext_noop("request %(number)s was made for %(name)s, who may not decide on it"),
    gettext_noop("%(name)s asked for request %(number)s and may not decide on it"),
    gettext_noop("%(name)s changed what request %(number)s asks for and may not decide on it"),
    gettext_noop("request %(number)s is not what was reviewed: its digest is %(digest)s"),
    gettext_noop("request %(number)s is at stage %(stage)s, and this decision is for stage %(other)s"),
    gettext_noop(
        "request %(number)s waited too long at stage %(stage)s (%(name)s), which was to be passed by %(time)s"
    ),
    gettext_noop("whoever delegated to %(name)s has decided on request %(number)s already; one person counts once"),
    gettext_noop("%(name)s has decided on request %(number)s already; one person counts once"),
    gettext_noop("%(name)s is not an approver of stage %(stage)s (%(title)s), which request %(number)s is at"),
    gettext_noop("stage %(stage)s (%(name)s) asks for an identity that is %(least)s; this one is only %(how)s"),
    gettext_noop("request %(number)s cannot be approved yet: %(why)s"),
    gettext_noop("it contradicts request %(other)s (%(example)s)"),
    gettext_noop("it waits for request %(other)s (%(example)s)"),
    gettext_noop("request %(number)s has no plan of its present items that is no older than %(span)s"),
    gettext_noop("Submit it again."),
    gettext_noop("To take it back, cancel it."),
    gettext_noop("Its approvers are: %(who)s"),
    gettext_noop("Decide with your own login: salt-approval approve."),
    gettext_noop("Who asked for it resolves that: supersede, or wait."),
    gettext_noop("Make one: salt-run approval.plan."),
    gettext_noop("request %(number)s is not to be reviewed"),
    gettext_noop("request %(number)s was reviewed already"),
    gettext_noop("%(name)s is not in %(group)s, which reviews request %(number)s"),
    gettext_noop("%(name)s had a part in request %(number)s and may not review it"),
    gettext_noop("only who asked for request %(number)s may cancel it"),
    gettext_noop("request %(number)s is %(state)s: it can no longer be cancelled"),
    gettext_noop("request %(number)s is approved, and all of it was sent or applied: it can no longer be cancelled"),
    gettext_noop("request %(number)s is %(state)s: there is nothing to take back"),
    gettext_noop("there is no request %(number)s"),
    gettext_noop("there is no group of minions %(name)s"),
    gettext_noop("unknown minion: %(name)s"),
    gettext_noop("what would be asked for is not what was shown before"),
    # These say what is to be mended.
    gettext_noop("types %(name)s"),
    gettext_noop("type %(name)s, stage %(stage)s (%(title)s)"),
    gettext_noop("request %(number)s"),
    gettext_noop("rollout of request %(number)s"),
    gettext_noop("tickets of %(name)s"),
    gettext_noop("messages to %(name)s"),
    gettext_noop("readers of %(what)s"),
    gettext_noop("minions that started"),
    gettext_noop("sending"),
    gettext_noop("requests"),
    gettext_noop("catalogs"),
    gettext_noop("audit"),
    gettext_noop("it has no identity, so it cannot act"),
    gettext_noop("Give it one, or disable it."),
    gettext_noop("it awaits its review by %(group)s since %(day)s"),
    gettext_noop("Somebody of that group who had no part in it: salt-approval review."),
    gettext_noop("all of it is paused since %(time)s by %(name)s: %(comment)s"),
    gettext_noop("Once it may go on: salt-approval rollout resume --all --comment WHY"),
    gettext_noop("failures halted it"),
    gettext_noop(
        "See which: salt-approval rollout show %(number)s. "
        "Then decide: salt-approval rollout resume %(other)s go-on, or give-up"
    ),
    gettext_noop("acts since %(time)s are not sealed"),
    gettext_noop("The worker seal of the engine does it within a second: salt-approval check on the master."),
    gettext_noop("what was to end by itself %(time)s still stands"),
    gettext_noop("The worker due of the engine does it: salt-approval check on the master."),
    gettext_noop("%(n)s message waits since %(time)s, and none is taken"),
    gettext_noop("%(n)s messages wait since %(time)s, and none is taken"),
    gettext_noop("The worker dispatch of the engine sends them: salt-approval check on the master."),
    gettext_noop("%(n)s delivery waits since %(time)s, and none is taken"),
    gettext_noop("%(n)s deliveries wait since %(time)s, and none is taken"),
    gettext_noop("The worker tickets of salt-approval serve does it, where approval:itsm has the site."),
    gettext_noop("%(n)s delivery could not be worked off"),
    gettext_noop("%(n)s deliveries could not be worked off"),
    gettext_noop(
        "See why: salt-approval itsm list SITE --deliveries. Once that is mended: salt-approval itsm retry SITE."
    ),
    gettext_noop(
        "The worker catch_up of the engine whose master has their keys does it; salt-approval catch-ups has them."
    ),
    gettext_noop("alarms"),
    gettext_noop("%(kind)s: %(n)s not acknowledged (%(numbers)s); the last: %(last)s"),
    gettext_noop("Look at them, and acknowledge or mute each: salt-approval alarms"),
    gettext_noop(
        "Look whether what delivers them runs: salt-approval check on its host. Where nothing takes them any more: "
        "salt-approval outbox drop THREAD --destination %(name)s"
    ),
    # Several of these in one.
    gettext_noop("%(n)s minion: %(why)s"),
    gettext_noop("%(n)s minions: %(why)s"),
    gettext_noop("%(n)s minion %(why)s"),
    gettext_noop("%(n)s minions %(why)s"),
    gettext_noop("%(why)s, %(rest)s"),
    gettext_noop("%(who)s, or %(or_who)s"),
)
FIELD = re.compile(r"%\((\w+)\)s")
TIME = re.compile(PARTS["time"])


def said(text, code=None):
    """
    What the database says, as a whole sentence in the reader's language: of a text, or of an exception; one that is no
    Refused says what is wrong as its page does, and so does Markup. Where no translation is known it is English, and
    marked so; behind the sentence for its SQLSTATE ``code`` if that is given.
    """
    if isinstance(text, Markup):
        return text
    is_ours = isinstance(text, Exception) and not hasattr(text, "sqlstate")
    code, text = getattr(text, "sqlstate", code), str(text)
    translated = in_words(text)
    if translated is not None or is_ours or reader.current().language == reader.SOURCE:
        return wording.sentence(translated or text)
    english = Markup('<span lang="en">{}</span>').format(wording.sentence(text))
    return Markup("{} {}").format(gettext(REFUSALS[code]), english) if code in REFUSALS else english


def part(text):
    """A part of a sentence that the database says, in the reader's language; as it is where none is known."""
    return in_words(text) or text


def in_words(text):
    """What the database says in the reader's language, with times in their zone; None: no translation is known."""
    if reader.current().language == reader.SOURCE:
        return TIME.sub(lambda time: _when(time.group()), text)
    for sentence, pattern in _patterns():
        found = pattern.fullmatch(text)
        parts = found and {name: _part(name, value) for name, value in found.groupdict().items()}
        if found and None not in parts.values():
            return gettext(sentence) % parts
    return None


def _part(name, value):
    if name in INNER:
        return in_words(value)
    if name == "time":
        return _when(value)
    return wording.word(value) if name in WORDS else value


def _when(text):
    """A time as approval.when_text writes it, as the reader does."""
    return wording.written(f"{text[4:14]}T{text[15:20]}:00+00:00")


@functools.cache
def _patterns():
    """[(sentence, its pattern)]; its first letter may have become a capital."""
    found = []
    for sentence in SENTENCES:
        pieces = FIELD.split(sentence)
        pattern = "".join(
            f"(?P<{piece}>{PARTS.get(piece, '.+?')})" if place % 2 else re.escape(piece)
            for place, piece in enumerate(pieces)
        )
        first = pattern[0]
        if first.isalpha():
            pattern = f"[{first.lower()}{first.upper()}]{pattern[1:]}"
        found.append((sentence, re.compile(pattern, re.DOTALL)))
    return found


FILTERS = {"said": said, "part": part}
