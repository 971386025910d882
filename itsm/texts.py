"""What a ticket is told, as a colleague would write it: the words for what the database knows of a request.

The words stand in languages/, one file each. Names, reasons and comments come from people and minions: they are shown
in one line, without secrets, and cut where they are long. What a job returned is never shown.
"""

import datetime
import functools
import importlib.resources
import re
import zoneinfo

import yaml

from ..errors import ConfigError
from ..intake import masking
from . import markup
from .markup import Bullets, Link, Paragraph, Strong, Table
from .ticket import Page

# The rows of a table, or names in a list, that stand there until it says "and n more".
MOST_ROWS = 50
MOST_NAMES = 20
NAME, REASON = 128, 300  # characters
MOST_KEPT = 2000  # names and reasons as they are shown
FRACTION = re.compile(r"\.\d+")
SETTLED = ("converged", "partial", "failed", "rejected", "expired", "cancelled", "withdrawn", "superseded")


def languages():
    """The names of the languages that there are."""
    folder = importlib.resources.files(__package__).joinpath("languages")
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


@functools.lru_cache(maxsize=8)
def phrases(language):
    """The words of a language. Raises ConfigError where there is none of this name."""
    if language not in languages():
        raise ConfigError(f"there is no language {language!r} for tickets (there are {', '.join(languages())})")
    file = importlib.resources.files(__package__).joinpath("languages", f"{language}.yaml")
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def checksum(digest):
    """What the binding comment shows of the digest of a ticket."""
    return digest[:12]


def of_site(site, settings):
    """The Writer of a sites.Site by the Settings. Raises ConfigError."""
    masker = masking.of_site(settings.masking_patterns)
    zone = zoneinfo.ZoneInfo(site.time_zone)
    return Writer(site.kind, site.language, zone, settings.public_url(), masker.masked_text)


class Writer:
    """
    Writes what the tickets of one site are told.

    kind
        That of the site's system, whose limits hold.
    language
        The name of one of languages/. Raises ConfigError.
    zone
        The site's time zone, a tzinfo.
    public_url
        Where people find the web service; None: texts have no links.
    mask
        Hides the secrets in a text, as Masker.masked_text does.
    """

    def __init__(self, kind, language, zone, public_url, mask):
        self._kind, self._zone, self._mask = kind, zone, mask
        self._url = public_url and public_url.rstrip("/")
        self._phrases = phrases(language)
        # The same names stand in many lines, and a text is written again until it fits.
        self._cut = functools.lru_cache(maxsize=MOST_KEPT)(self._cut_anew)

    # Each of these gives blocks. ``news`` is what approval.ticket_news gives.

    def asked(self, news, is_amended=False):
        """The binding comment: what is asked for, by whom it has to be approved, and when it takes effect."""
        return self._fitted(lambda most: self._asked(news, is_amended, most))

    def decided(self, news):
        """Who decided last, and what is still needed."""
        made = [(decision["at"], stage["name"], decision) for stage in news["chain"] for decision in stage["decisions"]]
        blocks = []
        if made:
            _, stage, decision = max(made, key=lambda row: row[0])
            key = "approve" if decision["decision"] == "approve" else "reject"
            blocks.append(self._line(f"decided.{key}", by=self._name(decision["by"]), stage=self._name(stage)))
            if decision.get("comment"):
                said = self._reason(decision["comment"])
                blocks.append(self._line("decided.said", by=self._name(decision["by"]), comment=said))
        needed = self._stages(news) if news["state"] == "pending" else ()
        if needed:
            blocks += [self._line("decided.missing"), Bullets(needed)]
        return self._short(self._with_link(news, blocks))

    def escalated(self, news):
        """A stage was not decided in time: others may decide now."""
        blocks = [self._line("decided.escalated"), Bullets(self._stages(news))]
        return self._short(self._with_link(news, blocks))

    def approved(self, news, is_hurried=False):
        """Who approved, and what it waits for now."""
        people = sorted({decision["by"] for stage in news["chain"] for decision in stage["decisions"]
                         if decision["decision"] == "approve"})  # fmt: skip
        first = self._line("approved.done", people=self._names(people)) if people else self._line("approved.beforehand")
        if is_hurried:
            first = self._line("approved.broken_glass")
        return self._with_link(news, [first, *self._waiting(news)])

    def held(self, news):
        """The ticket keeps its request from being sent, and why; or it does so no longer."""
        if news["ticket"]["held"]:
            return self._with_link(news, [self._line("held.ticket", reason=self._reason(news["ticket"]["held"]))])
        return self._with_link(news, [self._line("held.released")])

    def progress(self, news):
        """How far it is; one comment, written anew each time."""
        counts = self._counts(news)
        rollout = news.get("rollout")
        if rollout and rollout["waves"]:
            blocks = [self._line("progress.wave", wave=rollout["wave"], waves=rollout["waves"], **counts)]
            if rollout["halted"]:
                blocks.append(self._line("progress.halted", reason=self._reason(rollout["halted"])))
        else:
            blocks = [self._line("progress.standing", **counts)]
        return self._with_link(news, blocks)

    def verdict(self, news):
        """How it ended, with a table of the minions on which it failed, and why."""
        return self._fitted(lambda most: self._verdict(news, most))

    def page(self, news):
        """The ticket.Page of a request; None: there is no web service."""
        if not self._url:
            return None
        state = news["state"]
        return Page(
            self._page_url(news),
            self._text("link", request=news["request"]),
            self._name(news["title"]),
            self._text(f"states.{state}"),
            state in SETTLED,
        )

    def evidence(self, news):
        """All that is known of a request that has ended, as JSON has it; in full, but without secrets."""
        return self._masked(news)

    def refused(self, reason):
        """No request could be made of the ticket, for this reason."""
        return (self._line("refused.ticket", reason=self._reason(reason)),)

    def decision_refused(self, by, reason):
        """The decision of somebody does not count, for this reason."""
        return (self._line("refused.decision", by=self._name(by), reason=self._reason(reason)),)

    def _asked(self, news, is_amended, most):
        key = "amended" if is_amended else "request" if news["reverts"] is None else "revert"
        blocks = [
            self._line(
                f"asked.{key}",
                request=news["request"],
                title=self._name(news["title"]),
                requester=self._name(news["requester"]),
                reverts=news["reverts"],
            ),
            self._line("asked.minions", minions=self._minions(news["minions"], news["minion_count"], most)),
            Bullets(self._rows([(self._item(item),) for item in news["items"]], news["item_count"], most)),
        ]
        if news["after"] is not None:
            blocks.append(self._line("asked.after", at=self._time(news["after"])))
        elif news["state"] == "pending":
            blocks.append(self._line("asked.at_once"))
        needed = self._stages(news) if news["state"] == "pending" else ()
        if needed:
            expires = self._line("asked.expires", at=self._time(news["expires_at"]))
            blocks += [self._line("asked.stages"), Bullets(needed), expires]
        blocks.append(self._line("asked.binding", digest=checksum(news["ticket"]["digest"])))
        return self._with_link(news, blocks)

    def _verdict(self, news, most):
        counts = self._counts(news)
        blocks = [Paragraph((Strong(self._text(f"verdict.{news['state']}", n=counts["all"], **counts)),))]
        if news["state"] == "rejected":
            blocks += self.decided(news)[:2]
        failed = [
            (self._name(row["minion"]), self._item(row), self._reason(row["reason"] or ""))
            for row in news["failed"][:most]
        ]
        if failed:
            blocks.append(Table(tuple(self._phrases["verdict"]["table"]), tuple(failed)))
        if news["failed_count"] > len(failed) and news["failed"]:
            blocks.append(self._line("more", n=news["failed_count"] - len(failed)))
        if news["state"] in ("failed", "partial"):
            blocks.append(self._line("verdict.again"))
        return self._with_link(news, blocks)

    def _fitted(self, write):
        """What ``write`` gives for as many rows as the system's limit leaves room for."""
        most = MOST_ROWS
        while most and not markup.fits(write(most), self._kind):
            most //= 2
        return self._short(write(most))

    def _short(self, blocks):
        """The blocks within the system's limit: without lists, the last ones first, where they are too long."""
        for block in [block for block in reversed(blocks) if not isinstance(block, Paragraph)]:
            if markup.fits(blocks, self._kind):
                break
            blocks = tuple(other for other in blocks if other is not block)
        return blocks

    def _waiting(self, news):
        """What an approved request waits for, and in how many waves it goes out."""
        blocks = []
        for hold in news["waits"]:
            if hold["by"] == "after":
                blocks.append(self._line("waiting.after", at=self._time(hold["until"])))
            else:
                key = "held" if hold["until"] else "held_without_end"
                until = self._time(hold["until"]) if hold["until"] else ""
                blocks.append(self._line(f"waiting.{key}", n=hold["minions"], by=self._name(hold["by"]), at=until))
        if news.get("rollout") and news["rollout"]["waves"] > 1:
            blocks.append(self._line("waiting.waves", n=news["rollout"]["waves"]))
        return blocks or ([self._line("waiting.due")] if news["state"] == "approved" else [])

    def _stages(self, news):
        """The stages that wait for approvals, a line of parts each."""
        return tuple(
            (
                self._text(
                    "asked.stage",
                    stage=self._name(stage["name"]),
                    groups=self._phrases["or"].join(
                        self._text(
                            "asked.group",
                            quorum=choice["quorum"],
                            group=self._name(choice["group"]),
                            people=self._names(choice["people"]),
                        )
                        for choice in stage["any_of"]
                    ),
                ),
            )
            for stage in news["chain"]
            if stage["satisfied_at"] is None
        )

    def _item(self, item):
        """What a minion is to have, in a few words."""
        name, value = self._name(item["name"]), self._name("" if item["value"] is None else item["value"])
        if item["kind"] == "package":
            key = item["type"] if item["type"] in ("latest", "absent") else "version"
            return self._text(f"asked.package.{key}", name=name, value=value)
        return self._text("asked.item", kind=item["kind"], name=name, value=value)

    def _minions(self, minions, count, most):
        shown = minions[: min(most, MOST_NAMES)]
        return (
            f"{self._listed(shown, count)} ({self._text('minions', n=count)})"
            if count > 1
            else self._listed(shown, count)
        )

    def _names(self, names):
        return self._listed(names[:MOST_NAMES], len(names))

    def _listed(self, names, count):
        """Names, the last one behind "and"; or behind them how many more there are."""
        names = [self._name(name) for name in names]
        if count > len(names):
            names.append(self._text("more", n=count - len(names)))
            return ", ".join(names)
        return self._phrases["and"].join(filter(None, [", ".join(names[:-1]), *names[-1:]]))

    def _rows(self, rows, count, most):
        """At most so many rows of a list, and how many more there are."""
        shown = rows[:most]
        more = [(self._text("more", n=count - len(shown)),)] if count > len(shown) else []
        return (*shown, *more)

    def _counts(self, news):
        verdicts = news["verdicts"]
        return {"done": verdicts["converged"], "failed": verdicts["failed"], "all": news["minion_count"]}

    def _time(self, text):
        """A time as JSON of the database has it, in the site's zone, which it names."""
        # Python 3.10 takes no fraction but of three or six digits.
        local = datetime.datetime.fromisoformat(FRACTION.sub("", text)).astimezone(self._zone)
        return self._text(
            "date",
            weekday=self._phrases["weekdays"][local.weekday()],
            day=local.day,
            month=self._phrases["months"][local.month - 1],
            year=local.year,
            clock=f"{local:%H:%M}",
            zone=local.tzname(),
        )

    def _masked(self, value):
        if isinstance(value, str):
            return self._mask(value)
        if isinstance(value, list):
            return [self._masked(one) for one in value]
        return {name: self._masked(one) for name, one in value.items()} if isinstance(value, dict) else value

    def _name(self, text):
        return self._cut(str(text), NAME)

    def _reason(self, text):
        return self._cut(str(text), REASON)

    def _cut_anew(self, text, length):
        # Secrets are looked for in far more than is shown, so that none of which the end is missing can be seen.
        return markup.cut(self._mask(text[: 10 * length]), length)

    def _with_link(self, news, blocks):
        """The blocks, and last the page of the request."""
        if self._url:
            words = self._text("link", request=news["request"])
            blocks = [*blocks, Paragraph((Link(words, self._page_url(news)),))]
        return tuple(blocks)

    def _page_url(self, news):
        return f"{self._url}/requests/{news['request']}"

    def _line(self, key, **values):
        return Paragraph((self._text(key, **values),))

    def _text(self, key, **values):
        """The phrase of this dotted key, in the form that the number ``n`` wants where it has several."""
        phrase = self._phrases
        for part in key.split("."):
            phrase = phrase[part]
        if isinstance(phrase, dict):
            phrase = phrase["one" if values["n"] == 1 else "other"]
        return phrase.format(**values)
