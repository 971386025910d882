"""
What is read from a Jira site and written to it: REST v3 of the Cloud, v2 of Data Center.

Nothing is believed because Jira said yes: whatever was written is read again. A comment of ours is known by who wrote
it and by its property, so that one is never written twice, and nobody else can write one in our name.
"""

import datetime
import logging
import re
from urllib.parse import quote

from . import credentials, jira_assets, jira_check, markup
from .http import Http
from .jira_assets import GATEWAY
from .ticket import Away, Comment, Denied, Gone, NotMoved

log = logging.getLogger(__name__)

PAGE = 100
PAGES_MAX = 500
MARK = "approval"  # the property of our comments
# The service desk's own property of comments that customers do not see.
INTERNAL = {"key": "sd.public.comment", "value": {"internal": True}}
SERVICE_DESK = "service_desk"
STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?(Z|[+-]\d\d:?\d\d)")


class Client:
    """
    The client of one site.

    system
        The jira.Jira of it.

    ``http`` is its Http, ``rest`` the path below which its interface is; ``assets`` is the Http of its Assets.
    """

    def __init__(self, system):
        self._site, self._system = system.site, system
        self._is_cloud = system.own.api == "cloud"
        self.rest = "/rest/api/3" if self._is_cloud else "/rest/api/2"
        self._us = None
        cloud_id = self._site.auth.get("cloud_id")
        # The tokens of service accounts work at the gateway, and nowhere else.
        url = self._site.url if cloud_id is None else f"{GATEWAY}/ex/jira/{quote(cloud_id, safe='')}"
        self.http = self.assets = Http(self._site.provider, url, credentials.of(self._site))
        if system.own.assets is not None and jira_assets.address(self._site, GATEWAY) != url:
            address = jira_assets.address(self._site, GATEWAY)
            self.assets = Http(f"Assets of {self._site.provider}", address, credentials.of(self._site))

    def us(self):
        """Our account there, as Jira gives it."""
        if self._us is None:
            self._us = self.http.get(f"{self.rest}/myself").content
        return self._us

    def fetch(self, ticket_id):
        """See ticket.System; the document is the one that jira.Jira reads."""
        document = self._document(ticket_id)
        fields = document["issue"]["fields"]
        if fields.get("archiveddate") or fields.get("archivedDate"):
            raise Gone(f"{document['issue']['key']} was archived")
        issue = document["issue"]
        return {**document, "approvals": self._approvals(issue), "assets": self._objects(issue)}

    def changed(self, since):
        """See ticket.System."""
        # Times of JQL are those of our account's time zone; minutes that have passed are the same everywhere.
        passed = datetime.datetime.now(datetime.timezone.utc) - since
        minutes = max(1, int(passed.total_seconds() // 60) + 1)
        jql = f"{self._ours()} AND updated >= -{minutes}m ORDER BY updated ASC"
        return self._searched_by_token(jql) if self._is_cloud else self._searched_by_number(jql)

    def comments(self, ticket_id):
        """See ticket.System."""
        found = {}
        path = f"{self._at(ticket_id)}/comment"
        for comment in self._pages(path, "comments", orderBy="created", expand="properties"):
            seq = _seq(comment)
            if seq is None:
                continue
            if not self._is_ours(comment.get("author")):
                log.warning("approval: %s: comment %s of somebody else bears our mark", ticket_id, comment.get("id"))
                continue
            text = comment.get("body")
            found[seq] = Comment(
                comment["id"], text if isinstance(text, str) else _text(text), moment(comment["created"])
            )
        return found

    def comment(self, ticket_id, seq, text, comment_id=None):
        """See ticket.System."""
        content = {
            "body": markup.adf(text) if self._is_cloud else markup.wiki(text),
            "properties": [{"key": MARK, "value": {"seq": seq}}, INTERNAL],
        }
        path = f"{self._at(ticket_id)}/comment"
        if comment_id is None:
            return self._found(ticket_id, lambda: self.http.request("POST", path, content=content)).content["id"]
        path = f"{path}/{quote(comment_id, safe='')}"
        return self._found(ticket_id, lambda: self.http.request("PUT", path, content=content)).content["id"]

    def move(self, ticket_id, stage):
        """See ticket.System."""
        before = self._document(ticket_id)
        if self._system.ticket(before).stage == stage:
            return
        issue = before["issue"]
        name = self._system.own.moves.get(stage)
        if name is None:
            status = issue["fields"]["status"]["name"]
            raise NotMoved(f"workflow: moves: of the site says nothing of {stage}: {issue['key']} stays in {status!r}")
        transition = self._transition(issue, name)
        reason = "Jira said that it is done"
        try:
            content = {"transition": {"id": transition["id"]}}
            resolution = self._system.own.resolutions.get(stage)
            # Jira refuses a field that is not on the screen, as where the same name has another screen, or none.
            if resolution is not None and "resolution" in transition.get("fields", {}):
                content["fields"] = {"resolution": {"name": resolution}}
            self.http.request("POST", f"{self._at(issue['id'])}/transitions", content=content)
        except Denied as exc:
            if exc.status not in (400, 404, 409, 413, 422):
                raise
            # Somebody else may have been quicker; and what Jira says of that is not always so.
            reason = str(exc)
        after = self._document(issue["id"])
        if self._system.ticket(after).stage != stage:
            now = after["issue"]["fields"]["status"]["name"]
            raise NotMoved(f"{issue['key']} is in {now!r} after the transition {name!r} ({reason})")

    def check(self):
        """See ticket.System."""
        return jira_check.findings(self._system, self)

    def in_statuses(self, statuses):
        """The id of an issue of ours that is in one of these statuses, any one of them; None: there is none."""
        quoted = ", ".join('"' + status.replace("\\", "\\\\").replace('"', '\\"') + '"' for status in statuses)
        jql = f"{self._ours()} AND status in ({quoted}) ORDER BY updated DESC"
        found = self._searched_by_token(jql) if self._is_cloud else self._searched_by_number(jql)
        return next((ticket_id for ticket_id, _ in found), None)

    def transitions(self, ticket_id):
        """The transitions of an issue that we may take now, with the fields of their screens. Raises Gone."""
        # Those without permission are left out, and ids differ between workflows.
        path = f"{self._at(ticket_id)}/transitions"
        return self._found(ticket_id, lambda: self.http.get(path, expand="transitions.fields")).content["transitions"]

    def attach(self, ticket_id, name, content):
        """The verdict stands in a comment: nothing is attached to issues."""

    def link(self, ticket_id, request, page):
        """See ticket.System."""
        if not self._system.own.remote_links:
            return
        # Of an older link with this id, Jira drops what is not said anew, so all is said each time.
        wanted = {
            "globalId": f"approval={self._site.provider}&request={request}",
            "application": {"type": "saltext-approval", "name": "Salt approval"},
            "relationship": "request",
            "object": {
                "url": page.url,
                "title": page.title,
                "summary": f"{page.about}: {page.state}",
                "status": {"resolved": page.is_over, "icon": {"title": page.state}},
            },
        }
        if self._has_link(ticket_id, wanted):
            return
        # A 404 may also say that the site has links switched off, so it does not make the ticket gone.
        self.http.request("POST", f"{self._at(ticket_id)}/remotelink", content=wanted)
        if not self._has_link(ticket_id, wanted):
            raise Denied(f"{self.http.name}: it took a link for {ticket_id}, which is not there")

    def _has_link(self, ticket_id, wanted):
        try:
            found = self.http.get(f"{self._at(ticket_id)}/remotelink", globalId=wanted["globalId"]).content
        except Denied as exc:
            if exc.status != 404:
                raise
            return False
        return _has(found, wanted)

    def _document(self, ticket_id):
        """An issue by its id, which a moved one keeps, with all its history and the names of fields. Raises Gone."""
        # Of what expand gives, the Cloud leaves out the oldest entries, so those are asked for on their own.
        asked = {"fields": "*all", "expand": "names" if self._is_cloud else "names,changelog"}
        issue = self._found(ticket_id, lambda: self.http.get(self._at(ticket_id), **asked), (403, 404, 410)).content
        if not isinstance(issue, dict) or not isinstance(issue.get("fields"), dict) or "id" not in issue:
            raise Away(f"{self.http.name}: what it gives for {ticket_id} is no issue")
        if str(ticket_id).isdecimal() and str(issue["id"]) != str(ticket_id):
            raise Gone(f"{ticket_id} cannot be read any more: Jira gives another issue, {issue.get('key')}")
        if self._is_cloud:
            history = list(self._pages(f"{self._at(issue['id'])}/changelog", "values"))
        else:
            history = (issue.pop("changelog", None) or {}).get("histories")
        return {"issue": issue, "history": history, "names": issue.pop("names", None)}

    def _found(self, ticket_id, ask, gone=(404, 410)):
        """What ``ask`` gives. Raises Gone where the issue is not there, or not for us: those are the statuses of it."""
        try:
            return ask()
        except Denied as exc:
            if exc.status not in gone:
                raise
            raise Gone(f"{ticket_id} was deleted, or cannot be read any more ({exc})") from None

    def _at(self, ticket_id):
        return f"{self.rest}/issue/{quote(str(ticket_id), safe='')}"

    def _approvals(self, issue):
        """The approvals of the service desk; none where the project is no service desk."""
        if (issue["fields"].get("project") or {}).get("projectTypeKey") != SERVICE_DESK:
            return []
        path = f"/rest/servicedeskapi/request/{quote(str(issue['id']), safe='')}/approval"
        # Data Center has this as an experiment.
        headers = None if self._is_cloud else {"X-ExperimentalApi": "opt-in"}
        found = []
        for _ in range(PAGES_MAX):
            asked = {"start": len(found), "limit": 50}
            try:
                page = self.http.request("GET", path, params=asked, headers=headers).content
            except Denied as exc:
                if exc.status == 401:
                    raise
                # An issue that did not come through the portal has none.
                return found
            found += page["values"]
            if page.get("isLastPage", True) or not page["values"]:
                break
        return found

    def _objects(self, issue):
        """The objects of Assets that an issue refers to, by reference; None for one that is not there for us."""
        found = {}
        for reference in self._system.objects(issue):
            try:
                found[reference] = self.assets.get(jira_assets.path(self._system.own.assets, reference)).content
            except Denied as exc:
                if exc.status != 404:
                    raise
                found[reference] = None
        return found

    def _pages(self, path, name, **parameters):
        """Yield all that a list of pages has under ``name``."""
        start = 0
        for _ in range(PAGES_MAX):
            asked = {"startAt": start, "maxResults": PAGE, **parameters}
            page = self._found(path, lambda asked=asked: self.http.get(path, **asked)).content
            values = page[name]
            yield from values
            start += len(values)
            if not values or page.get("isLast") or start >= page.get("total", start + 1):
                return
        raise Away(f"{self.http.name}: {path} has no end")

    def _searched_by_token(self, jql):
        token = None
        for _ in range(PAGES_MAX):
            content = {"jql": jql, "fields": ["updated"], "maxResults": PAGE}
            if token is not None:
                content["nextPageToken"] = token
            page = self.http.request("POST", f"{self.rest}/search/jql", content=content).content
            yield from map(_change, page["issues"])
            token = page.get("nextPageToken")
            if token is None:
                return

    def _searched_by_number(self, jql):
        yield from map(_change, self._pages(f"{self.rest}/search", "issues", jql=jql, fields="updated"))

    def _ours(self):
        """JQL for the site's projects."""
        names = ", ".join(f'"{project}"' for project in sorted({project for project, _ in self._system.own.types}))
        return f"project in ({names})"

    def _is_ours(self, author):
        name = "accountId" if self._is_cloud else "key"
        return isinstance(author, dict) and author.get(name) is not None and author[name] == self.us().get(name)

    def _transition(self, issue, name):
        """The one transition of this name, in any case, that we may take now. Raises NotMoved."""
        offered = self.transitions(issue["id"])
        found = [one for one in offered if one["name"].strip().casefold() == name.strip().casefold()]
        status = issue["fields"]["status"]["name"]
        if not found:
            names = ", ".join(sorted(repr(one["name"]) for one in offered)) or "none"
            raise NotMoved(
                f"{issue['key']} has no transition {name!r} for us from {status!r}; there is: {names}. Either the "
                "workflow has none, or our account may not take it"
            )
        if len({one["to"]["id"] for one in found}) > 1:
            raise NotMoved(f"{issue['key']} has several transitions {name!r} from {status!r}: name one of them anew")
        return found[0]


def moment(text):
    """A time as Jira writes it, such as 2026-11-25T22:00:00.000+0000, as a datetime in UTC. Raises Away."""
    found = STAMP.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise Away("Jira gives a time that is none")
    whole, fraction, zone = found.groups()
    zone = "+00:00" if zone == "Z" else f"{zone[:3]}:{zone[-2:]}"
    at = datetime.datetime.fromisoformat(f"{whole}.{(fraction or '0').ljust(6, '0')}{zone}")
    return at.astimezone(datetime.timezone.utc)


def _has(found, wanted):
    """Whether an answer says all that was wanted, whatever else it says."""
    if not isinstance(wanted, dict):
        return found == wanted
    return isinstance(found, dict) and all(_has(found.get(name), value) for name, value in wanted.items())


def _change(issue):
    """(id, time of the last change) of an issue that was found."""
    return str(issue["id"]), str(issue["fields"]["updated"])


def _seq(comment):
    """The mark of a comment, whoever wrote it; None: it bears none."""
    for one in comment.get("properties") or ():
        if isinstance(one, dict) and one.get("key") == MARK and isinstance(one.get("value"), dict):
            seq = one["value"].get("seq")
            return seq if isinstance(seq, str) else None
    return None


def _text(document):
    """The text of a document of ADF, a line for each block; ``[type]`` for what has no text."""
    lines = [""]

    def walk(node):
        kind, content = node.get("type"), node.get("content")
        if kind == "text":
            lines[-1] += str(node.get("text", ""))
        elif kind == "hardBreak":
            lines.append("")
        elif isinstance(content, list):
            for child in content:
                walk(child)
            if lines[-1] and kind not in ("doc", "tableCell", "tableHeader"):
                lines.append("")
        elif kind != "paragraph":
            attributes = node.get("attrs") or {}
            lines[-1] += str(attributes.get("text") or attributes.get("url") or f"[{kind}]")

    walk(document if isinstance(document, dict) else {})
    return "\n".join(lines).rstrip("\n")
