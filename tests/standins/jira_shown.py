"""How the stand-in of Jira shows things, and reads requests."""

import copy
import datetime
import json

from .jira_jql import BadJql, Jql
from .jira_site import CATEGORIES, RESOLUTIONS
from .wire import Refused

NOT_SEEN = "Issue does not exist or you do not have permission to see it."
INVALID_PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."


class Showing:
    """The forms of answers, and of what is asked, for JiraStandIn."""

    def user(self, person):
        """A person as the API shows them."""
        if not self.is_cloud:
            return {"self": f"{self._self()}/user?username={person.key.lower()}", "name": person.email.split("@")[0],
                    "key": person.key, "emailAddress": person.email, "displayName": person.name, "active": True,
                    "timeZone": "Europe/Amsterdam"}  # fmt: skip
        shown = {"self": f"{self._self()}/user?accountId={person.account_id}", "accountId": person.account_id,
                 "accountType": person.kind, "displayName": person.name, "active": True,
                 "timeZone": "Europe/Amsterdam", "avatarUrls": {}}  # fmt: skip
        if self.shows_addresses:
            shown["emailAddress"] = person.email
        return shown

    def shown_fields(self, issue, time_zone):
        """All fields of an issue as the API shows them."""
        shown = {
            name: stamp(value, time_zone) if isinstance(value, datetime.datetime) else value
            for name, value in (dict.fromkeys(self.custom) | issue.fields).items()
        }
        for name, custom in self.custom.items():
            if custom.kind == "assets" and shown[name] is not None:
                shown[name] = [self.reference(asset) for asset in shown[name]]
        resolution = issue.resolution and {"id": RESOLUTIONS[issue.resolution], "name": issue.resolution}
        if self.is_cloud and isinstance(shown["description"], str):
            paragraph = {"type": "paragraph", "content": [{"type": "text", "text": shown["description"]}]}
            shown["description"] = {"type": "doc", "version": 1, "content": [paragraph]}
        return shown | {
            "issuetype": {"self": f"{self._self()}/issuetype/{self.types[issue.type]}", "id": self.types[issue.type],
                          "name": issue.type, "subtask": False},
            "project": self._shown_project(issue.key.rsplit("-", 1)[0]),
            "status": self._status(issue.status),
            "resolution": resolution,
            "created": stamp(issue.created, time_zone),
            "updated": stamp(issue.updated, time_zone),
            "creator": self.user(issue.creator),
            "reporter": self.user(issue.reporter),
            "assignee": None,
            "attachment": [self.shown_file(each, time_zone) for each in issue.attachments],
            "labels": [],
        }  # fmt: skip

    def shown_file(self, attachment, time_zone):
        """An attachment as the API shows it."""
        return {"id": attachment.id, "filename": attachment.name, "author": self.user(attachment.author),
                "size": len(attachment.content), "created": stamp(attachment.created, time_zone),
                "mimeType": "application/json"}  # fmt: skip

    def _shown_issue(self, issue, request, names):
        fields = self.shown_fields(issue, self._zone(request))
        names = names_in(names)
        if "*all" not in names and "*navigable" not in names and any(not name.startswith("-") for name in names):
            kept = set(names)
        else:
            kept = set(fields)
        kept -= {name[1:] for name in names if name.startswith("-")}
        if kept <= {"id"}:
            return {"id": issue.id}
        shown = {"expand": "", "id": issue.id, "self": f"{self._self()}/issue/{issue.id}", "key": issue.key}
        if kept - {"key", "id"}:
            shown["fields"] = {name: value for name, value in fields.items() if name in kept}
        return shown

    def _shown_project(self, key):
        number = str(10000 + self.projects.index(key))
        kind = "service_desk" if self.is_service_desk else "software"
        return {"self": f"{self._self()}/project/{number}", "key": key, "name": key, "id": number,
                "projectTypeKey": kind}  # fmt: skip

    def _status(self, name):
        number, kind = self.statuses[name]
        category, title = CATEGORIES[kind]
        return {"self": f"{self._self()}/status/{number}", "id": number, "name": name, "description": "",
                "statusCategory": {"self": f"{self._self()}/statuscategory/{category}", "id": category, "key": kind,
                                   "name": title}}  # fmt: skip

    def _transition(self, transition, request, with_fields=False):
        shown = {"id": transition.id, "name": transition.name, "to": self._status(transition.target),
                 "hasScreen": bool(transition.screen), "isGlobal": False, "isInitial": False, "isAvailable": True,
                 "isConditional": transition.people is not None}  # fmt: skip
        if not self.is_cloud:
            shown = {key: shown[key] for key in ("id", "name", "to")}
        if with_fields:
            values = [{"id": number, "name": name} for name, number in RESOLUTIONS.items()]
            shown["fields"] = {
                name.rstrip("!"): {
                    "required": name.endswith("!"),
                    "schema": {"type": "resolution", "system": "resolution"},
                    "name": "Resolution",
                    "key": "resolution",
                    "operations": ["set"],
                    "allowedValues": values,
                }
                for name in transition.screen
            }
        return shown

    def _history(self, entry, request):
        created = stamp(entry.created, self._zone(request))
        return {"id": entry.id, "author": self.user(entry.author), "created": created,
                "items": self.shown_items(entry)}  # fmt: skip

    def _name(self, field):
        return self.custom[field].name if field in self.custom else field.capitalize()

    def shown_items(self, entry):
        """The items of a change; Data Center has no ids of fields in them."""
        items = copy.deepcopy(entry.items)
        if not self.is_cloud:
            for item in items:
                item.pop("fieldId", None)
        return items

    def _comment(self, issue, comment, request):
        shown = {
            "self": f"{self._self()}/issue/{issue.id}/comment/{comment.id}",
            "id": comment.id,
            "author": self.user(comment.author),
            "body": comment.body,
            "updateAuthor": self.user(comment.updater),
            "created": stamp(comment.created, self._zone(request)),
            "updated": stamp(comment.updated, self._zone(request)),
        }
        if self.is_cloud:
            internal = comment.properties.get("sd.public.comment", {}).get("internal", False)
            shown["jsdPublic"] = not internal
        if "properties" in names_in(request.query.get("expand", "")):
            shown["properties"] = [{"key": key, "value": value} for key, value in comment.properties.items()]
        return shown

    def _jsm_date(self, at, request):
        local = at.astimezone(self._zone(request))
        return {
            "iso8601": local.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "jira": stamp(at, self._zone(request)),
            "friendly": local.strftime("%d/%b/%y %-I:%M %p"),
            "epochMillis": int(at.timestamp() * 1000),
        }

    # Reading requests.

    def _version(self, request, version):
        if version not in (self.base.rsplit("/", 1)[1], "latest"):
            raise self.unknown(request)

    def _self(self):
        return self.url + self.base

    def _zone(self, request):
        return request.person.time_zone if request.person else datetime.timezone.utc

    def _issue(self, id_or_key):
        try:
            issue = self.issue(id_or_key)
        except KeyError:
            issue = None
        if issue is None or issue.hidden or issue.archived:
            raise Refused(404, self.error(NOT_SEEN))
        return issue

    def _comment_of(self, issue, number):
        for comment in issue.comments:
            if comment.id == number:
                return comment
        raise Refused(404, self.error(f"Can not find a comment for the id: {number}."))

    def _project(self, key):
        if key not in self.projects:
            raise Refused(404, self.error(f"No project could be found with key '{key}'."))

    def _json(self, request, kinds=dict):
        try:
            body = json.loads(request.body)
        except ValueError:
            body = None
            if request.body.strip() != b"null":
                text = "There was an error parsing JSON. Check that your request body is valid."
                raise Refused(400, self.error(text)) from None
        if not isinstance(body, kinds):
            raise Refused(
                400, self.error("Invalid request payload. Refer to the REST API documentation and try again.")
            )
        return body

    def _page(self, request, default, cap):
        try:
            start, size = int(request.query.get("startAt", 0)), int(request.query.get("maxResults", default))
        except ValueError:
            raise Refused(404, self.error("null for uri")) from None
        return max(start, 0), max(min(size, cap), 0)

    def _jql(self, text, request):
        try:
            return Jql(text, self, self._zone(request), self.now())
        except BadJql as problem:
            raise Refused(400, self.error(str(problem))) from None

    def _searchable(self, fresh):
        """The issues that the search knows; while it lags, as they were, but for the ids that are to be fresh."""
        if not self.lies.search_lags:
            self._index = {number: issue.copy() for number, issue in self.issues.items()}
        index = self._index | {number: self.issues[number] for number in fresh if number in self.issues}
        return [issue for issue in index.values() if not issue.hidden and not issue.archived]


def names_in(text):
    """The names in a list of a query, which commas part."""
    return [part.strip() for part in text.split(",") if part.strip()]


def stamp(at, time_zone):
    """A time as the API shows it."""
    local = at.astimezone(time_zone)
    return local.strftime("%Y-%m-%dT%H:%M:%S.") + f"{local.microsecond // 1000:03d}" + local.strftime("%z")
