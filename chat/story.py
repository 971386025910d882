"""
The words for what the database knows: of a request, a job, an alarm, a minion; and what people ask for in a chat.

A thread has one parent, which is written anew as things go on, and entries below it, which stay. Names, reasons and
comments come from people and minions: secrets in them are hidden, and then they are cut where they are long.
"""

import datetime
import re

from .message import At, Bold, Button, Link, Message, Mono, Section, cut, plain_line
from .words import line, phrases, say

NAME, REASON, COMMAND, PATTERN_ROOM = 128, 300, 1000, 10
MOST_ROWS = 20
FRACTION = re.compile(r"\.\d+")
TONES = {
    "converged": "good", "failed": "bad", "partial": "bad", "rejected": "bad", "expired": "warning",
    "ok": "good", "silent": "warning", "critical": "bad", "warning": "warning",
}  # fmt: skip
# Acts on a request that everybody in the channel sees.
LOUD = frozenset({"glass-broken", "rollout-halted", "failed"})
# The weakest proof of who somebody is, which a chat gives.
ASSERTED = "asserted"


class Teller:
    """
    Makes messages of what approval.chat_story gives.

    mask
        Hides the secrets in a text, as Masker.masked_text does.
    public_url
        Where people find the web service; None: messages have no links.
    """

    def __init__(self, mask, public_url=None):
        self._mask, self._url = mask, public_url and public_url.rstrip("/")

    def parent(self, thread, story, body=None):
        """
        The Message on the subject of a thread as it stands now.

        body
            That of the newest message of the thread. Of a job it says whether it is over; a job that the job cache
            has dropped has no story, and is told by it alone.
        """
        kind = thread.partition("/")[0]
        if kind == "job":
            return self._job(thread, {**(body or {}), **(story or {})})
        return {"request": self._request, "alarm": self._alarm, "drift": self._drift}[kind](thread, story)

    def entry(self, thread, seq, topic, body, story):
        """
        The Message on one event of a thread, to stand below its parent; None: the parent tells it all.

        story
            Of a job, each of its ``failures`` may have ``reasons``, as failures.reasons finds them in the return.
        """
        key = f"{thread}#{seq}"
        kind = thread.partition("/")[0]
        if kind == "request" and topic == "requests":
            return self._act(key, body)
        if kind == "job" and topic == "verdict":
            return self._outcome(key, body, story)
        if kind == "alarm" and body.get("act") in ("muted", "acknowledged"):
            return self._alarm_act(key, body)
        if kind == "drift" and body.get("act") in ("began", "changed", "ended", "silent", "heard"):
            return self._drift_act(key, seq, body)
        return None

    def ask(self, thread, story, body, with_buttons=False):
        """
        The direct message to somebody who can decide on a request.

        body
            That of a message of topic ``ask``: ``act`` (asked, reminder, last-call or over), ``stage``, and but for the
            last one ``why`` (groups), ``in_stead_of``, ``until``, ``until_what`` and ``assurance_needed``.
        with_buttons
            Whether the site lets people decide here. A stage that wants a surer proof gets none all the same.

        A stage that is passed is told as over, whatever the act says, with who decided. Buttons are of what the story
        has, as that is shown.
        """
        stage = next((one for one in story["chain"] if one["satisfied_at"] is None), None)
        is_open = story["state"] == "pending" and stage is not None and stage["stage"] == body["stage"]
        act = body["act"] if is_open else "over"
        title = say("ask.title." + act, request=story["request"], title=self._name(story["title"]))
        lines, links = [*self._asked(story)], self._links(story["request"])
        if act == "over":
            return Message(thread, title, (*lines, *self._decisions(story)), links=links)
        lines.append(line("ask.stage", stage=Bold(self._name(stage["name"]))))
        lines.append(line("ask.why", groups=self._names(body["why"])))
        if body.get("in_stead_of"):
            lines.append(line("ask.in_stead_of", who=self._name(body["in_stead_of"])))
        lines.append(line("ask.until", at=_moment(body["until"]), what=self._reason(body["until_what"])))
        is_sure = body["assurance_needed"] in (None, ASSERTED)
        if not is_sure:
            lines.append(line("ask.stronger"))
        buttons = self._buttons(story, stage) if with_buttons and is_sure else ()
        tone = "warning" if act == "last-call" else "plain"
        return Message(thread, title, tuple(lines), (self._items(story), self._plan(story)), links, buttons, tone)

    def inbox(self, rows, key="inbox"):
        """What waits for somebody: the rows of approval.inbox; the digest of a day likewise."""
        lines = [
            line(
                "inbox.row",
                link=self._request_link(row["request_id"]),
                title=self._name(row["title"]),
                who=self._name(row["requester"]),
                at=_moment(row["until"]),
                what=self._reason(row["until_what"]),
            )
            for row in rows[:MOST_ROWS]
        ]
        # Rows are a page; each says how many there are in all.
        total = rows[0]["total"] if rows else 0
        return Message(key, say("inbox.title", n=total), _first(lines, total) or (line("inbox.none"),))

    def alike_title(self, row):
        """The title for many messages like this one of the queue, which is the first of its thread."""
        if row["topic"] == "drift":
            return say(f"drift.many.{row['body']['act']}")
        return self.parent(row["thread"], None, row["body"]).title

    def alike(self, key, title, count):
        """One Message for so many of which each would have this title."""
        return Message(key, self._reason(title), (line("alike", n=count),))

    def busy(self, report, key="busy"):
        """What is under way, as approval.busy has it."""
        lists = {
            "running": [self._run(job) for job in report["running"]],
            "due": [self._due(one) for one in report["due"]],
            "windows": [self._span(one, one["calendar"]) for one in report["windows"]],
            "freezes": [self._span(one, one["freeze"], one["reason"]) for one in report["freezes"]],
        }
        sections = tuple(
            Section("text", _first(rows, len(rows)), title=say(f"busy.{name}")) for name, rows in lists.items() if rows
        )
        title = say("busy.title", minion=self._name(report["minion"])) if report["minion"] else say("busy.title_all")
        lines = [] if sections else [line("busy.none")]
        tone = "warning" if lists["running"] or lists["freezes"] else "plain"
        return Message(key, title, (*lines, line("busy.as_of", at=_moment(report["as_of"]))), sections, tone=tone)

    def summed_up(self, key, dropped):
        """What stands for messages that are too old to be sent: rows with ``kind``, ``threads`` and ``messages``."""
        rows = tuple(
            line(
                "summed_up.row",
                kind=self._name(row["kind"]),
                n=row["messages"],
                threads=say("threads", n=row["threads"]),
            )
            for row in dropped
        )
        title = say("summed_up.title", n=sum(row["messages"] for row in dropped))
        return Message(key, title, rows, tone="warning")

    def _run(self, job):
        returned = job["minion_count"] - job["silent"]
        return line(
            "busy.run",
            command=Mono(self._command(job["command"])),
            who=self._who(job["user"]),
            at=_moment(job["published_at"]),
            returned=returned,
            minions=say("minions", n=job["minion_count"]),
        )

    def _due(self, one):
        link, title = self._request_link(one["request"]), self._name(one["title"])
        if one.get("by"):
            return line("busy.held", link=link, title=title, by=self._name(one["by"]), at=_moment(one["until"]))
        if one.get("waiting_for"):
            return line("busy.waits", link=link, title=title, reason=self._reason(one["waiting_for"]))
        return line("busy.change", link=link, title=title)

    def _span(self, one, name, reason=None):
        span = line("busy.span", name=self._name(name), first=_moment(one["from"]), last=_moment(one["until"]))
        return (*span, f": {self._reason(reason)}") if reason else span

    def _request(self, thread, story):
        state, lines = story["state"], [(Bold(phrases()["request"]["state"].get(story["state"], story["state"])),)]
        lines += self._asked(story)
        if story.get("break_glass_at"):
            lines.append(line("request.hurried", at=_moment(story["break_glass_at"])))
        if state == "pending":
            lines.append(line("request.expires", at=_moment(story["expires_at"])))
        if story.get("waiting_for"):
            lines.append(line("request.waits", reason=self._reason(story["waiting_for"])))
        lines += self._decisions(story)
        lines += self._progress(story)
        sections = [self._items(story)]
        if story["failures"]:
            sections.append(self._failed_items(story["failures"]))
        tone = TONES.get(state, "warning" if story.get("break_glass_at") else "plain")
        title = say("request.title", request=story["request"], title=self._name(story["title"]))
        return Message(thread, title, tuple(lines), tuple(sections), self._links(story["request"]), tone=tone)

    def _asked(self, story):
        """Who asks for what, where and why."""
        minions, who = say("minions", n=story["minion_count"]), self._name(story["requester"])
        if story.get("on_behalf_of"):
            yield line("request.asked_for", who=who, minions=minions, other=self._name(story["on_behalf_of"]))
        else:
            yield line("request.asked", who=who, minions=minions)
        if story.get("reverts"):
            yield line("request.reverts", reverts=story["reverts"])
        if story.get("reason"):
            yield line("request.reason", reason=self._reason(story["reason"]))
        if story.get("ticket"):
            yield line("request.ticket", ticket=self._ticket(story["ticket"]))
        if story.get("after"):
            yield line("request.after", at=_moment(story["after"]))

    def _ticket(self, ticket):
        """The key of a ticket, which leads to it where there is a page."""
        key, url = self._name(ticket["key"]), ticket.get("url") or ""
        return Link(key, url) if url.startswith(("http://", "https://")) else key

    def _items(self, story):
        rows = [
            line(
                "request.item",
                minion=Bold(self._name(item["minion"])),
                kind=item["kind"],
                name=Mono(self._name(item["name"])),
                value=self._name("" if item["content"] is None else item["content"]),
            )
            for item in story["items"][:MOST_ROWS]
        ]
        return Section("text", _first(rows, story["item_count"]), title=say("request.items"))

    def _decisions(self, story):
        for stage in story["chain"]:
            for decision in stage["decisions"]:
                yield line(
                    "ask.decided." + decision["decision"],
                    who=self._name(decision["by"]),
                    at=_moment(decision["at"]),
                    identity=self._name(decision["identity"]),
                    assurance=decision["assurance"],
                )
                if decision.get("comment"):
                    yield line("said", who=self._name(decision["by"]), comment=self._reason(decision["comment"]))

    def _progress(self, story):
        """How far an approved request is."""
        rollout, outcomes = story.get("rollout"), story.get("outcomes") or {}
        if rollout and story.get("approved_at") and rollout["waves"]:
            opened = [wave["wave"] for wave in rollout["waves"] if wave.get("opened_at")]
            yield line("request.wave", wave=max(opened, default=0), waves=len(rollout["waves"]))
            if rollout["state"] == "halted":
                yield line("request.halted", reason=self._reason(rollout.get("because") or say("unknown_reason")))
        if story.get("approved_at"):
            failed = outcomes.get("failed", 0) + outcomes.get("drift", 0)
            done = outcomes.get("converged", 0)
            yield line("request.standing", done=done, all=story["item_count"], failed=failed)

    def _plan(self, story):
        changes = (story.get("plan") or {}).get("changes")
        if not changes:
            return Section("text", (line("ask.no_plan"),), title=say("ask.plan"))
        rows = [
            line(
                "ask.change",
                name=Mono(self._name(one["name"])),
                old=self._name(one["old"] or "–"),  # noqa: RUF001  a dash stands for nothing
                new=self._name(one["new"] or "–"),  # noqa: RUF001
                minions=say("minions", n=one["minions"]),
            )
            for one in changes[:MOST_ROWS]
        ]
        return Section("text", _first(rows, len(changes)), title=say("ask.plan"))

    def _buttons(self, story, stage):
        value = f"{story['request']}/{stage['stage']}/{story['digest']}"
        minions, title = say("minions", n=story["minion_count"]), self._name(story["title"])
        confirm = say("ask.confirm", request=story["request"], title=title, minions=minions)
        return (Button("approve", say("ask.approve"), value, confirm), Button("reject", say("ask.reject"), value))

    def _failed_items(self, failures):
        head, rows = phrases()["failed_on"], []
        for one in failures[:MOST_ROWS]:
            reason = self._reason(one.get("text") or say("unknown_reason"))
            rows.append(
                (Bold(self._name(one["minion"])), f": {one['kind']} ", Mono(self._name(one["name"])), f": {reason}")
            )
        return Section("text", tuple(rows), title=head)

    def _act(self, key, body):
        act = body["act"]
        name, lines = phrases()["act"]["names"].get(act, self._name(act)), []
        if body.get("principal"):
            who, identity = self._name(body["principal"]), self._name(body.get("identity") or "")
            lines.append(line("act.by", who=who, identity=identity, assurance=body.get("assurance") or ""))
        detail = body.get("detail") if isinstance(body.get("detail"), dict) else {}
        comment = detail.get("comment") or detail.get("reason")
        if isinstance(comment, str):
            lines.append((self._reason(comment),))
        tone = TONES.get(act, "warning" if act in LOUD else "plain")
        return Message(key, name, tuple(lines), tone=tone, is_loud=act in LOUD)

    def _job(self, thread, job):
        title = say("job.title", fun=self._name(job["fun"]), n=job["minion_count"], who=self._who(job["user"]))
        lines = [line("job.started", at=_moment(job["published_at"]))]
        if job.get("minions"):
            lines.append(line("job.where", minions=self._names(job["minions"])))
        lines += [line(f"job.{name}") for name in ("test", "claim") if job.get(name)]
        lines.append(self._counts(job))
        if job.get("duration_s") is not None and not job["silent"]:
            lines.append(line("job.took", seconds=round(float(job["duration_s"]), 1)))
        command = (Section("code", text=self._command(job["command"])),) if job["command"] else ()
        links = self._links(job["request"]) if job.get("request") else ()
        return Message(thread, title, tuple(lines), command, links, tone=TONES.get(_outcome(job), "plain"))

    def _counts(self, job):
        ended = "job.outcome_of_states" if _runs_states(job["fun"]) else "job.outcome"
        key = "job.standing" if _outcome(job) == "running" else ended
        return line(key, ok=job["ok"], failed=job["failed"], silent=job["silent"])

    def _outcome(self, key, body, story):
        """How a job ended; of those that failed, which and why."""
        sections = ()
        failures = (story or {}).get("failures") or ()
        if failures:
            rows = [self._failure(one) for one in failures[:MOST_ROWS]]
            sections = (Section("text", _first(rows, body["failed"]), title=say("job.failures")),)
        title = say("job.title", fun=self._name(body["fun"]), n=body["minion_count"], who=self._who(body["user"]))
        has_failed = body["failed"] > 0
        tone = TONES.get(_outcome(body), "plain")
        return Message(key, title, (self._counts(body),), sections, tone=tone, is_loud=has_failed)

    def _failure(self, failure):
        """A minion on which a job failed, and why: what its states said, else its return code."""
        reasons = [f"{one['kind']} {one['name']}: {one.get('text') or one['verdict']}" for one in failure["findings"]]
        reasons += failure.get("reasons") or ()
        if not reasons and failure.get("retcode"):
            reasons = [say("retcode", code=failure["retcode"])]
        shown = "; ".join(reasons) or say("unknown_reason")
        return (Bold(self._name(failure["minion_id"])), ": ", self._reason(shown))

    def _alarm(self, thread, alarm):
        kind = alarm["of_kind"] if "of_kind" in alarm else alarm["kind"]
        minions = self._names(alarm["minions"], alarm["minion_count"]) or say("minions", n=alarm["minion_count"])
        title = say("alarm.title", severity=alarm["severity"], kind=kind, minions=minions)
        lines = []
        if alarm.get("who"):
            lines.append(line("alarm.who", who=self._name(alarm["who"])))
        lines.append(line("alarm.first", at=_moment(alarm["first_at"])))
        if alarm["count"] > 1:
            lines.append(line("alarm.count", n=alarm["count"], at=_moment(alarm["last_at"])))
        if alarm["act"] in ("muted", "acknowledged"):
            lines += self._alarm_lines(alarm)
        sections = (Section("code", text=self._command(alarm["what"])),) if alarm.get("what") else ()
        tone = "good" if alarm["act"] == "acknowledged" else TONES.get(alarm["severity"], "plain")
        links = self._links(alarm["request"]) if alarm.get("request") else ()
        return Message(thread, title, tuple(lines), sections, links, tone=tone)

    def _alarm_lines(self, alarm):
        who = self._name(alarm["decided_by"])
        until = {"at": _moment(alarm["muted_until"])} if alarm["act"] == "muted" else {}
        yield line(f"alarm.{alarm['act']}", who=who, **until)
        if alarm.get("comment"):
            yield line("said", who=who, comment=self._reason(alarm["comment"]))

    def _alarm_act(self, key, body):
        first, *said = self._alarm_lines(body)
        return Message(key, plain_line(first), tuple(said))

    def _drift(self, thread, story):
        lines = [line("drift.count", n=story["count"]) if story["count"] else line("drift.none")]
        if story.get("silence"):
            lines.append(line("drift.silent"))
        rows = [
            line(
                "drift.resource",
                kind=one["kind"],
                name=Mono(self._name(one["name"])),
                expected=self._name(one["expected"] or "–"),  # noqa: RUF001
                observed=self._name(one["observed"] or "–"),  # noqa: RUF001
                at=_moment(one["since"]),
            )
            for one in story["resources"][:MOST_ROWS]
        ]
        sections = (Section("text", _first(rows, story["count"])),) if rows else ()
        tone = "warning" if story["count"] or story.get("silence") else "good"
        return Message(
            thread, say("drift.title", minion=self._name(story["minion"])), tuple(lines), sections, tone=tone
        )

    def _drift_act(self, key, seq, body):
        act = body["act"]
        rows = [
            line(
                "drift.found",
                kind=one["kind"],
                name=Mono(self._name(one["name"])),
                expected=self._name(one["expected"] or "–"),  # noqa: RUF001
                observed=self._name(one["observed"] or "–"),  # noqa: RUF001
            )
            for one in body["found"]
        ]
        rows += [
            line("drift.restored", kind=one["kind"], name=Mono(self._name(one["name"]))) for one in body["restored"]
        ]
        # Drift that begins again was told as over: its first message alone would not be seen.
        is_loud = act in ("began", "silent") and seq > 1
        tone = "good" if act in ("ended", "heard") else "warning"
        title = say(f"drift.acts.{act}", minion=self._name(body["minion"]))
        return Message(key, title, tuple(rows[:MOST_ROWS]), tone=tone, is_loud=is_loud)

    def _names(self, names, count=None):
        """Names with commas, and how many more there are."""
        count = len(names) if count is None else count
        shown = [self._name(name) for name in names[:MOST_ROWS]]
        if names and count > len(shown):
            shown.append(say("more", n=count - len(shown)))
        return ", ".join(shown)

    def _links(self, request):
        return (self._request_link(request),) if self._url else ()

    def _request_link(self, request):
        """The name of a request, which leads to its page where there is a web service."""
        name = say("request.link", request=request)
        return Link(name, f"{self._url}/requests/{request}") if self._url else name

    def _who(self, user):
        """The user of a job; of one that only its minion tells of there may be none."""
        return self._name(user) if user else say("unknown_user")

    def _name(self, text):
        return self._cut(text, NAME)

    def _reason(self, text):
        return self._cut(text, REASON)

    def _command(self, text):
        return self._cut(text, COMMAND)

    def _cut(self, text, length):
        # Secrets are looked for in far more than is shown, so that none of which the end is missing can be seen.
        return cut(self._mask(str(text)[: PATTERN_ROOM * length]), length)


def _outcome(job):
    """How a job ended, as its notice says; a story without that is told as it stands."""
    if "outcome" in job:
        return job["outcome"]
    return "failed" if job["failed"] else "running" if job["silent"] else "ok"


def _runs_states(fun):
    """Whether all functions of a job, which commas stand between, run states, by whose results it fails."""
    return all(one.startswith("state.") for one in fun.split(","))


def _first(rows, count):
    """The first rows, and below them how many more there are."""
    shown = tuple(rows[:MOST_ROWS])
    return (*shown, line("more", n=count - len(shown))) if count > len(shown) else shown


def _moment(text):
    """A time as psycopg or JSON of the database has it; one without end, or none, as a text."""
    if isinstance(text, datetime.datetime):
        return At(text)
    if not isinstance(text, str) or "infinity" in text:
        return "–"  # noqa: RUF001
    # Python 3.10 takes no fraction but of three or six digits.
    return At(datetime.datetime.fromisoformat(FRACTION.sub("", text)))
