"""
What is read from a ServiceNow instance and written to it, by its REST interface of tables.

Rows that come are compared with what was asked for, since a part of a query that the instance does not understand is
dropped, and other rows come. What was written is read again: an answer of success may leave all as it was.
"""

import base64
import datetime
import itertools
import json
import re
from urllib.parse import parse_qs, quote, urlsplit

from requests.utils import parse_header_links

from . import credentials, markup, servicenow_check
from .http import Answer, Http
from .ticket import Away, Comment, Denied, Gone, NotMoved

PAGE = 200
BATCH = "/api/now/v1/batch"
PAGES_MAX = 500
SYS_ID = re.compile(r"[0-9a-f]{32}")
APPROVALS, HISTORY, ATTACHMENTS = "sysapproval_approver", "sys_audit", "sys_attachment"
APPROVAL_FIELDS = (
    "sys_id,sysapproval,approver,approver.user_name,approver.name,state,sys_created_on,sys_updated_on,sys_updated_by"
)
HISTORY_FIELDS = "sys_id,tablename,documentkey,fieldname,oldvalue,newvalue,user,sys_created_on"
# The last line of a work note of ours.
MARK = "[approval {}]"
MARKED = re.compile(r"\[approval ([a-z0-9/]{1,40})\]")
# The line above each note where all of them are shown as one text, in our account's form of dates.
NOTE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) - .* \([^()\n]*\)$", re.MULTILINE)
RAW_TIME = "%Y-%m-%d %H:%M:%S"


class Client:
    """
    The client of one instance.

    system
        The servicenow.ServiceNow of it.

    ``http`` is its Http.
    """

    def __init__(self, system):
        self._site, self._system = system.site, system
        self._tables, self._moves = tuple(system.own.types), system.own.moves
        self._table_of = {}  # sys_id -> the table that it was found in
        # The instance refuses questions without a type of content, though they have none.
        headers = {"Content-Type": "application/json"}
        self.http = Http(self._site.provider, self._site.url, credentials.of(self._site), headers)

    def fetch(self, ticket_id):
        """See ticket.System."""
        table, record = self._record(ticket_id)
        sys_id = record["sys_id"]
        approvals = self._rows(
            APPROVALS, f"sysapproval={sys_id}^ORDERBYsys_created_on", {"sysapproval": sys_id}, APPROVAL_FIELDS
        )
        wanted = {"documentkey": sys_id, "tablename": table}
        query = f"tablename={table}^documentkey={sys_id}^ORDERBYsys_created_on"
        try:
            history = list(self._rows(HISTORY, query, wanted, HISTORY_FIELDS))
        except Denied as exc:
            if exc.status == 401:
                raise
            history = None
        return {
            "table": table,
            "record": record,
            "approvals": list(approvals),
            "history": history,
            "users": self._users({row.get("user") for row in history or ()}),
        }

    def changed(self, since):
        """See ticket.System."""
        since = since.astimezone(datetime.timezone.utc).strftime(RAW_TIME)
        for table in self._tables:
            query = f"sys_updated_on>={since}^ORDERBYsys_updated_on"
            for row in self._rows(table, query, {}, "sys_id,sys_updated_on,sys_mod_count"):
                if row.get("sys_updated_on", "") >= since:
                    self._table_of[row["sys_id"]] = table
                    yield row["sys_id"], f"{row['sys_updated_on']}/{row.get('sys_mod_count')}"

    def comments(self, ticket_id):
        """See ticket.System."""
        table = self._record(ticket_id, "sys_id")[0]
        # Journal fields are empty but where values are given as they are shown.
        shown = self._get(
            ticket_id,
            self._at(table, ticket_id),
            sysparm_display_value="all",
            sysparm_fields="work_notes,sys_updated_on",
        )
        updated = shown.get("sys_updated_on") or {}
        notes = (shown.get("work_notes") or {}).get("display_value") or ""
        found = {}
        heads = NOTE.finditer(notes)
        for head, following in itertools.pairwise([*heads, None]):
            text = notes[head.end() : following.start() if following else len(notes)].strip()
            marked = MARKED.fullmatch(text.rpartition("\n")[2].strip())
            if marked and marked[1] not in found:
                found[marked[1]] = Comment(marked[1], text, _noted_at(head[1], updated))
        return found

    def comment(self, ticket_id, seq, text, comment_id=None):
        """See ticket.System. A work note cannot be changed, so a newer one stands above it."""
        table = self._record(ticket_id, "sys_id")[0]
        self._patch(table, ticket_id, {"work_notes": f"{markup.plain(text)}\n\n{MARK.format(seq)}"})
        if seq not in self.comments(ticket_id):
            raise Away(f"{self.http.name}: the work note {seq} is not there, though the instance took it")
        return seq

    def move(self, ticket_id, stage):
        """See ticket.System."""
        document = self._document(ticket_id)
        if self._system.ticket(document).stage == stage:
            return
        steps = self._moves.get(stage)
        if not steps:
            raise NotMoved(f"moves: of the site says nothing of {stage}: {_number(document)} stays as it is")
        reason = "the instance said that it is done"
        try:
            for fields in _left(steps, document["record"]):
                self._patch(document["table"], document["record"]["sys_id"], fields)
        except Denied as exc:
            if exc.status == 401:
                raise
            reason = str(exc)
        after = self._document(ticket_id)
        if self._system.ticket(after).stage != stage:
            raise NotMoved(
                f"{_number(after)} has state {after['record'].get('state')!r} after {fields} was written ({reason}): "
                "open tasks, mandatory fields, a conflict or a missing role may be why"
            )

    def attach(self, ticket_id, name, content):
        """See ticket.System."""
        table = self._record(ticket_id, "sys_id")[0]
        wanted = {"table_name": table, "table_sys_id": ticket_id, "file_name": name}
        if self._has_attachment(wanted):
            return
        self._done(
            ticket_id, lambda: self.http.request("POST", "/api/now/attachment/file", params=wanted, file=content)
        )
        if not self._has_attachment(wanted):
            raise Away(f"{self.http.name}: the file {name} is not there, though the instance took it")

    def batch(self, questions):
        """
        Ask several questions at once, each (method, path, content); gives those that were not come to before the
        instance's time for all of them was over. Raises Away and Denied, as for the first one that failed.
        """
        headers = [{"name": name, "value": "application/json"} for name in ("Accept", "Content-Type")]
        asked = [
            {
                "id": str(number),
                "method": method,
                "url": path,
                "headers": headers,
                "exclude_response_headers": True,
                "body": base64.b64encode(json.dumps(content).encode()).decode(),
            }
            for number, (method, path, content) in enumerate(questions)
        ]
        content = {"batch_request_id": "approval", "rest_requests": asked}
        answered = self.http.request("POST", BATCH, content=content).content["serviced_requests"]
        for one in answered:
            self.http.judged(Answer(one["status_code"], _decoded(one.get("body")), {}))
        done = {one["id"] for one in answered}
        if not done:
            raise Away(f"{self.http.name}: it came to nothing of a batch of {len(questions)} in its time")
        return [question for number, question in enumerate(questions) if str(number) not in done]

    def link(self, ticket_id, request, page):
        """The link stands in each work note: records have none of their own."""

    def _users(self, names):
        """{user name: sys_id} of those that there are."""
        names = sorted(name for name in names if isinstance(name, str) and name and not set(name) & set(",^"))
        if not names:
            return {}
        rows = self._rows("sys_user", f"user_nameIN{','.join(names)}", {}, "sys_id,user_name")
        return {row["user_name"]: row["sys_id"] for row in rows if row.get("user_name") in names}

    def check(self):
        """See ticket.System."""
        return servicenow_check.findings(self._system, self)

    def _has_attachment(self, wanted):
        query = "^".join(f"{name}={value}" for name, value in wanted.items())
        return any(True for _ in self._rows(ATTACHMENTS, query, wanted, f"sys_id,{','.join(wanted)}"))

    def _document(self, ticket_id):
        table, record = self._record(ticket_id)
        return {"table": table, "record": record}

    def _record(self, ticket_id, fields=None):
        """(table, row) of a ticket, by its sys_id or its number. Raises Gone."""
        asked = {} if fields is None else {"sysparm_fields": fields}
        known = self._table_of.get(ticket_id)
        reasons = []
        for table in self._tables if known is None else (known,):
            try:
                if SYS_ID.fullmatch(ticket_id):
                    row = self._get(ticket_id, self._at(table, ticket_id), sysparm_display_value="false", **asked)
                    if row.get("sys_id") != ticket_id:
                        raise Gone(f"{ticket_id} cannot be read any more: the instance gives another row")
                else:
                    row = next(self._rows(table, f"number={ticket_id}", {"number": ticket_id}, None), None)
                    if row is None:
                        raise Gone(f"{ticket_id} is in no table {table} that we may read")
            except Gone as exc:
                reasons.append(str(exc))
                continue
            self._table_of[row["sys_id"]] = table
            return table, row
        raise Gone("; ".join(reasons))

    def rows(self, table, query, wanted, fields):
        """See _rows()."""
        return self._rows(table, query, wanted, fields)

    def _rows(self, table, query, wanted, fields):
        """Yield the rows of a table that a query finds and that have the ``wanted`` fields. Raises Away, Denied."""
        asked = {
            "sysparm_query": query,
            "sysparm_limit": PAGE,
            "sysparm_display_value": "false",
            "sysparm_exclude_reference_link": "true",
            **({} if fields is None else {"sysparm_fields": fields}),
        }
        offset = 0
        for _ in range(PAGES_MAX):
            answer = self.http.get(f"/api/now/table/{quote(table, safe='')}", **asked, sysparm_offset=offset)
            for row in map(_raw, self._result(answer, list)):
                if all(row.get(name) == value for name, value in wanted.items()):
                    yield row
            # A page that is short, or empty, need not be the last one: rows that we may not read are left out of it.
            following = _next_offset(answer.headers.get("Link"))
            if following is None or following <= offset:
                return
            offset = following
        raise Away(f"{self.http.name}: the rows of {table} have no end")

    def _get(self, ticket_id, path, **asked):
        asked = {"sysparm_exclude_reference_link": "true", **asked}
        row = self._result(self._done(ticket_id, lambda: self.http.get(path, **asked)), dict)
        return row if asked.get("sysparm_display_value") == "all" else _raw(row)

    def _patch(self, table, ticket_id, fields):
        path = self._at(table, ticket_id)
        self._done(ticket_id, lambda: self.http.request("PATCH", path, content=fields))

    def _done(self, ticket_id, ask):
        """What ``ask`` gives. Raises Gone where the row is not there, or not for us: the instance does not tell."""
        try:
            return ask()
        except Denied as exc:
            if exc.status not in (404, 410):
                raise
            raise Gone(f"{ticket_id} was deleted, or cannot be read any more ({exc})") from None

    def _result(self, answer, kind):
        content = answer.content.get("result") if isinstance(answer.content, dict) else None
        if not isinstance(content, kind):
            raise Away(f"{self.http.name}: its answer has no result of the kind that was asked for")
        return content

    def _at(self, table, ticket_id):
        return f"/api/now/table/{quote(table, safe='')}/{quote(ticket_id, safe='')}"


def _left(steps, record):
    """The steps of a move that are left to a record: a move that was cut in between goes on where it was."""
    for taken in range(len(steps) - 1, 0, -1):
        written = {name: value for fields in steps[:taken] for name, value in fields.items()}
        if all(record.get(name) == value for name, value in written.items()):
            return steps[taken:]
    return steps


def moment(text):
    """A raw time as ServiceNow writes it, such as 2026-11-25 22:00:00, which is UTC, as a datetime. Raises Away."""
    try:
        return datetime.datetime.strptime(text, RAW_TIME).replace(tzinfo=datetime.timezone.utc)
    except (TypeError, ValueError):
        raise Away("ServiceNow gives a time that is none") from None


def _noted_at(shown, updated):
    """
    The time of a note that is shown in our account's time zone. How far that is from UTC, another time of the same
    record tells, which is given in both.
    """
    at = moment(shown)
    try:
        return at - (moment(updated.get("display_value")) - moment(updated.get("value")))
    except Away:
        return moment(updated.get("value"))


def _next_offset(link):
    """The offset of the next page, by the header Link; None: there is none."""
    for one in parse_header_links(link) if link else ():
        if one.get("rel") == "next":
            # Its address is not followed: only the number counts.
            offset = parse_qs(urlsplit(one.get("url", "")).query).get("sysparm_offset", [""])[0]
            return int(offset) if offset.isdecimal() else None
    return None


def _raw(row):
    """A row with the values alone: some releases give references as mappings all the same."""
    return {
        name: value["value"] if isinstance(value, dict) and "value" in value else value for name, value in row.items()
    }


def _number(document):
    return document["record"].get("number") or document["record"]["sys_id"]


def _decoded(body):
    """The JSON in a part of a batch's answer; None: there is none."""
    try:
        return json.loads(base64.b64decode(body or ""))
    except ValueError:
        return None
