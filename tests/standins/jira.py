"""A stand-in of Jira: Cloud with REST v3, or Data Center with REST v2.

Nothing of it is known to be more than the vendor documents, or than its users report. Parts that no document tells are
the stricter of what could be.
"""

import base64
import copy
import datetime
import json
import re
import secrets
import time
from collections import deque
from dataclasses import dataclass

from .jira_adf import is_document
from .jira_jql import BadJql, Jql
from .jira_options import OptionRoutes
from .jira_site import CATEGORIES, RESOLUTIONS, JiraSite
from .webhooks import Sender
from .wire import Refused, Reply, StandIn, route

CLOUD, DATA_CENTER = "cloud", "datacenter"
NOT_SEEN = "Issue does not exist or you do not have permission to see it."
INVALID_PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."


@dataclass
class Limits:
    """What the site takes; tests lower it."""

    burst_read_per_s: int = 100
    burst_write_per_s: int = 50
    issue_writes_2s: int = 20
    issue_writes_30s: int = 100
    comment_characters: int = 32767
    comments_per_issue: int = 5000
    property_characters: int = 32768
    property_key_characters: int = 255
    options_per_call: int = 1000
    options_per_field: int = 10000


class JiraStandIn(OptionRoutes, JiraSite, StandIn):
    """
    A site of Jira with the content of JiraSite.

    api
        ``cloud`` or ``datacenter``.
    port
        To listen at; 0: a free one.

    Its lies, besides the faults of the wire: ``silent_transition`` (204, and nothing has changed), ``conflict`` (409),
    ``throttled`` (429 with ``retry_after_s`` and ``throttle_reason``), ``unavailable`` (503), ``search_lags`` (the
    search knows what was there before), and those of the webhooks: ``lose_webhook``, ``duplicate_webhook``,
    ``shuffle_webhooks``.
    """

    LIES = (
        "silent_transition",
        "conflict",
        "throttled",
        "unavailable",
        "search_lags",
        "lose_webhook",
        "duplicate_webhook",
        "shuffle_webhooks",
    )

    def __init__(self, api=CLOUD, project="SC21", port=0, seed=None):
        StandIn.__init__(self, port)
        JiraSite.__init__(self, project, seed)
        self.api = api
        self.is_cloud = api == CLOUD
        self.base = "/rest/api/3" if self.is_cloud else "/rest/api/2"
        self.cloud_id = "11111111-2222-4333-8444-555555555555"
        # Where tokens with scopes work, and no others.
        self.gateway_url = f"{self.url}/ex/jira/{self.cloud_id}"
        self.limits = Limits()
        self.retry_after_s = 7
        self.throttle_reason = "jira-burst-based"
        self.anonymous_may_read = False
        self.shows_addresses = False
        self.hooks = Sender(self)
        self._calls = {}
        self._writes = {}
        self._index = {}
        self._pages = {}

    def __exit__(self, *details):
        self.hooks.stop()
        super().__exit__(*details)

    def basic(self, person):
        """The value of the header Authorization by which a person logs in at this kind of Jira."""
        if self.is_cloud:
            return "Basic " + base64.b64encode(f"{person.email}:{person.token}".encode()).decode()
        return f"Bearer {person.token}"

    def subscribe(self, url, secret=None, retry_s=None):
        """
        Has a webhook tell this address of all that happens from now on. With retry_s it does so of its own, waiting
        this long (in place of 5 to 15 minutes) before it sends anything again; without it, when deliver() is called.
        """
        return self.hooks.subscribe(url, secret, retry_s)

    def deliver(self, url=None, secret=None):
        """
        Sends what is due to all webhooks; with an address, first makes one for it that is also told of all that
        happened before. Gives the Deliveries.
        """
        if url:
            self.hooks.subscribe(url, secret, None, from_start=True)
        return self.hooks.deliver()

    # Who asks, and whether they may come in at all.

    def answer(self, request):
        """Takes off the gateway's part of the path, and answers."""
        prefix = f"/ex/jira/{self.cloud_id}"
        request.at_gateway = self.is_cloud and request.path.startswith(prefix + "/")
        if request.at_gateway:
            request.path = request.path[len(prefix) :]
        if self.lies.tell("unavailable"):
            raise Refused(503, {"message": "Service temporarily unavailable"})
        request.person = None
        request.problem = None
        self._log_in(request)
        reply = super().answer(request)
        if request.problem:
            reply.headers["X-Seraph-LoginReason"] = request.problem
        return reply

    def admit(self, request, endpoint, parts):
        """The limits, first those of the site, then those of one issue; then whether anybody may ask."""
        reply = self._throttle(request, endpoint, parts.get("issue"))
        if reply:
            raise reply
        is_open = endpoint.endswith(("/_edge/tenant_info", "/serverInfo"))
        may_read = self.anonymous_may_read and request.method == "GET" and not endpoint.endswith("/myself")
        if request.person is None and not is_open and not may_read:
            raise self._anonymous(request, "issue" in parts)
        if request.method in ("POST", "PUT") and not endpoint.endswith("/attachments"):
            kind = request.headers.get("Content-Type", "")
            if not kind.startswith("application/json"):
                raise Refused(415, self.error("Unsupported Media Type"))

    def error(self, text, **fields):
        """Jira's form of errors."""
        return {"errorMessages": [text] if text else [], "errors": fields}

    def unknown(self, request):
        """The Refused for a path that nothing is at: Jira has a page for it, its API an empty answer."""
        if request.path.startswith("/rest/"):
            return Refused(404, {"message": f"null for uri: {self.url}{request.path}", "status-code": 404})
        return Refused(404, "<html><head><title>Oops, you've found a dead link.</title></head></html>")

    def _log_in(self, request):
        given = request.headers.get("Authorization", "")
        if not given:
            return
        person = next((p for p in self.people if p.token and secrets.compare_digest(self.basic(p), given)), None)
        if self.is_cloud and given.startswith("Bearer ") and request.at_gateway:
            person = next((p for p in self.people if p.token and p.scopes and given == f"Bearer {p.token}"), None)
        if person and (person.scopes is not None) != request.at_gateway:
            raise Refused(401, {"code": 401, "message": "Unauthorized"})
        if person is None and (request.at_gateway or not self.is_cloud):
            raise Refused(401, {"message": "Unauthorized", "status-code": 401}, _failed())
        if person is None:
            # A site of the Cloud goes on with who cannot log in as with anybody from the street.
            request.problem = "AUTHENTICATED_FAILED"
        elif person.scopes is not None:
            scope = "read:jira-work" if request.method == "GET" else "write:jira-work"
            if re.search(r"/field/[^/]+/context", request.path):
                scope = "manage:jira-configuration"
            if scope not in person.scopes:
                raise Refused(401, {"code": 401, "message": "Unauthorized; scope does not match"})
        request.person = person

    def _anonymous(self, request, is_of_issue):
        headers = _failed() if request.problem else {}
        if is_of_issue:
            return Refused(404, self.error(NOT_SEEN), headers)
        text = "Client must be authenticated to access this resource."
        return Refused(401, {"message": text, "status-code": 401}, headers)

    def _throttle(self, request, endpoint, issue_key):
        now = time.monotonic()
        if self.lies.tell("throttled"):
            return self._too_many(self.retry_after_s, self.throttle_reason)
        calls = self._calls.setdefault((endpoint, request.method), deque())
        limit = self.limits.burst_read_per_s if request.method in ("GET", "POST") else self.limits.burst_write_per_s
        while calls and calls[0] <= now - 1:
            calls.popleft()
        if len(calls) >= limit:
            return self._too_many(1, "jira-burst-based")
        calls.append(now)
        if issue_key is None or request.method == "GET":
            return None
        try:
            writes = self._writes.setdefault(self.issue(issue_key).id, deque())
        except KeyError:
            return None
        while writes and writes[0] <= now - 30:
            writes.popleft()
        for count, span_s in ((self.limits.issue_writes_2s, 2), (self.limits.issue_writes_30s, 30)):
            recent = [at for at in writes if at > now - span_s]
            if len(recent) >= count:
                return self._too_many(max(1, round(recent[0] + span_s - now)), "jira-per-issue-on-write")
        writes.append(now)
        return None

    def _too_many(self, seconds, reason):
        if self.is_cloud:
            headers = {"Retry-After": seconds, "RateLimit-Reason": reason}
            return Refused(429, self.error("Rate limit exceeded."), headers)
        headers = {
            "Retry-After": seconds,
            "X-RateLimit-Limit": 100,
            "X-RateLimit-Remaining": 0,
            "X-RateLimit-Interval-Seconds": 1,
            "X-RateLimit-FillRate": 10,
        }
        return Refused(429, {"message": "Rate limit exceeded."}, headers)

    # Small things that a check looks at.

    @route("GET", "/_edge/tenant_info")
    def tenant_info(self, request):
        if not self.is_cloud:
            raise self.unknown(request)
        return Reply(200, {"cloudId": self.cloud_id})

    @route("GET", "/rest/api/{version}/serverInfo")
    def server_info(self, request, version):
        self._version(request, version)
        kind = "Cloud" if self.is_cloud else "Server"
        number = "1001.0.0-SNAPSHOT" if self.is_cloud else "10.3.12"
        numbers = [int(part) for part in re.findall(r"\d+", number)[:3]]
        return Reply(200, {"baseUrl": self.url, "version": number, "versionNumbers": numbers, "deploymentType": kind})

    @route("GET", "/rest/api/{version}/myself")
    def myself(self, request, version):
        self._version(request, version)
        return Reply(200, self.user(request.person))

    @route("GET", "/rest/api/{version}/mypermissions")
    def my_permissions(self, request, version):
        self._version(request, version)
        asked = [key for key in request.query.get("permissions", "").split(",") if key]
        if self.is_cloud and not asked:
            raise Refused(400, self.error("The 'permissions' query parameter is required."))
        known = {"ADMINISTER": request.person.is_admin, "BROWSE_PROJECTS": True, "ADD_COMMENTS": True,
                 "TRANSITION_ISSUES": True, "EDIT_ISSUES": True}  # fmt: skip
        wrong = [key for key in asked if key not in known]
        if wrong:
            raise Refused(400, self.error(f"Unrecognized permission '{wrong[0]}'"))
        permissions = {
            key: {"id": str(number), "key": key, "name": key, "type": "PROJECT", "havePermission": has}
            for number, (key, has) in enumerate(known.items())
            if not asked or key in asked
        }
        return Reply(200, {"permissions": permissions})

    @route("GET", "/rest/api/{version}/field")
    def fields(self, request, version):
        self._version(request, version)
        kinds = {"multiselect": ("array", "multiselect"), "cascade": ("option-with-child", "cascadingselect"),
                 "datetime": ("datetime", "datetime"), "textarea": ("string", "textarea")}  # fmt: skip
        fields = [{"id": "summary", "key": "summary", "name": "Summary", "custom": False, "orderable": True,
                   "navigable": True, "searchable": True, "clauseNames": ["summary"],
                   "schema": {"type": "string", "system": "summary"}}]  # fmt: skip
        for custom in self.custom.values():
            kind, plugin = kinds[custom.kind]
            number = int(custom.id.removeprefix("customfield_"))
            schema = {"type": kind, "custom": f"com.atlassian.jira.plugin.system.customfieldtypes:{plugin}",
                      "customId": number}  # fmt: skip
            if kind == "array":
                schema["items"] = "option"
            fields.append({"id": custom.id, "key": custom.id, "name": custom.name, "custom": True, "orderable": True,
                           "navigable": True, "searchable": True, "clauseNames": [f"cf[{number}]", custom.name],
                           "schema": schema})  # fmt: skip
        if not self.is_cloud:
            for shown in fields:
                del shown["key"]
        return Reply(200, fields)

    @route("GET", "/rest/api/{version}/project/{project}/statuses")
    def project_statuses(self, request, version, project):
        self._version(request, version)
        self._project(project)
        statuses = [self._status(name) for name in self.statuses]
        return Reply(200, [
            {"self": f"{self._self()}/issuetype/{number}", "id": number, "name": name, "subtask": False,
             "statuses": statuses}
            for name, number in self.types.items()
        ])  # fmt: skip

    @route("GET", "/rest/api/{version}/project/{project}")
    def project_of(self, request, version, project):
        self._version(request, version)
        self._project(project)
        return Reply(200, self._shown_project(project))

    # Issues.

    @route("GET", "/rest/api/{version}/issue/{issue}")
    def get_issue(self, request, version, issue):
        self._version(request, version)
        issue = self._issue(issue)
        shown = self._shown_issue(issue, request, request.query.get("fields", "*all"))
        expand = _list(request.query.get("expand", ""))
        if "changelog" in expand:
            entries = [self._history(entry, request) for entry in issue.history]
            total = len(entries)
            if self.is_cloud:
                # The newest come first here, and no more than a page; the path of its own has all, the oldest first.
                entries = entries[::-1][:100]
            shown["changelog"] = {"startAt": 0, "maxResults": len(entries), "total": total, "histories": entries}
        if "transitions" in expand:
            shown["transitions"] = [self._transition(t, request) for t in self.available(issue, request.person)]
        asked = _list(request.query.get("properties", ""))
        if asked:
            known = issue.properties
            shown["properties"] = {k: known[k] for k in known if "*all" in asked or k in asked}
        return Reply(200, shown)

    @route("PUT", "/rest/api/{version}/issue/{issue}")
    def put_issue(self, request, version, issue):
        self._version(request, version)
        issue = self._issue(issue)
        fields = self._json(request).get("fields", {})
        wrong = [name for name in fields if name not in issue.fields and name not in self.custom]
        if wrong:
            raise Refused(400, self.error(None, **{name: _not_on_screen(name) for name in wrong}))
        try:
            simple = {name: _simple(value) for name, value in fields.items()}
        except (KeyError, TypeError):
            raise Refused(400, self.error("The request body is not valid.")) from None
        self.edit(issue, simple, by=request.person)
        return Reply(204)

    @route("GET", "/rest/api/{version}/issue/{issue}/changelog")
    def changelog(self, request, version, issue):
        self._version(request, version)
        if not self.is_cloud:
            raise self.unknown(request)
        issue = self._issue(issue)
        start, size = self._page(request, default=100, cap=100)
        values = [self._history(entry, request) for entry in issue.history[start : start + size]]
        link = f"{self._self()}/issue/{issue.id}/changelog?maxResults={size}&startAt="
        page = {"self": f"{link}{start}", "maxResults": size, "startAt": start, "total": len(issue.history),
                "isLast": start + size >= len(issue.history), "values": values}  # fmt: skip
        if not page["isLast"]:
            page["nextPage"] = f"{link}{start + size}"
        return Reply(200, page)

    @route("POST", "/rest/api/{version}/search/jql")
    def search_jql(self, request, version):
        self._version(request, version)
        if not self.is_cloud:
            raise self.unknown(request)
        body = self._json(request)
        known = {"jql", "nextPageToken", "maxResults", "fields", "expand", "properties", "fieldsByKeys",
                 "reconcileIssues"}  # fmt: skip
        if not known >= body.keys() or not isinstance(body.get("fields", []), list):
            raise Refused(400, self.error(INVALID_PAYLOAD))
        fresh = body.get("reconcileIssues", [])
        if not isinstance(fresh, list) or not all(isinstance(number, int) for number in fresh) or len(fresh) > 50:
            raise Refused(400, self.error(INVALID_PAYLOAD))
        size = body.get("maxResults", 50)
        if not isinstance(size, int) or size < 1:
            raise Refused(400, self.error("The value of maxResults must be between 1 and 5,000."))
        jql = self._jql(body.get("jql", ""), request)
        if not jql.is_bounded:
            text = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
            raise Refused(400, self.error(text))
        found = jql.run(self._searchable({str(number) for number in fresh}))
        fields = body.get("fields") or ["id"]
        size = min(size, 5000 if set(fields) <= {"id", "key"} else 100)
        token = body.get("nextPageToken")
        if token is not None and token not in self._pages:
            raise Refused(400, self.error("The provided next page token is invalid or expired."))
        start = self._pages.get(token, 0)
        page = found[start : start + size]
        answer = {"issues": [self._shown_issue(issue, request, ",".join(fields)) for issue in page]}
        answer["isLast"] = start + size >= len(found)
        if not answer["isLast"]:
            answer["nextPageToken"] = secrets.token_urlsafe(24)
            self._pages[answer["nextPageToken"]] = start + size
        return Reply(200, answer)

    @route("GET", "/rest/api/{version}/search")
    @route("POST", "/rest/api/{version}/search")
    def search(self, request, version):
        self._version(request, version)
        if self.is_cloud:
            text = "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API."
            raise Refused(410, self.error(text))
        asked = request.query if request.method == "GET" else self._json(request)
        start, size = int(asked.get("startAt", 0)), min(int(asked.get("maxResults", 50)), 1000)
        found = self._jql(asked.get("jql", ""), request).run(self._searchable(set()))
        fields = asked.get("fields", "*navigable")
        fields = ",".join(fields) if isinstance(fields, list) else fields
        issues = [self._shown_issue(issue, request, fields) for issue in found[start : start + size]]
        return Reply(200, {"startAt": start, "maxResults": size, "total": len(found), "issues": issues})

    # Transitions.

    @route("GET", "/rest/api/{version}/issue/{issue}/transitions")
    def get_transitions(self, request, version, issue):
        self._version(request, version)
        issue = self._issue(issue)
        with_fields = "transitions.fields" in _list(request.query.get("expand", ""))
        wanted = request.query.get("transitionId")
        shown = [
            self._transition(transition, request, with_fields)
            for transition in self.available(issue, request.person)
            if wanted in (None, transition.id)
        ]
        return Reply(200, {"expand": "transitions", "transitions": shown})

    @route("POST", "/rest/api/{version}/issue/{issue}/transitions")
    def post_transition(self, request, version, issue):
        self._version(request, version)
        issue = self._issue(issue)
        body = self._json(request)
        wanted = body.get("transition")
        if not isinstance(wanted, dict) or "id" not in wanted:
            raise Refused(400, self.error("Missing 'transition' identifier"))
        transition = next((t for t in self.transitions if t.id == str(wanted["id"])), None)
        if transition is None:
            raise Refused(400, self.error(f"Transition id '{wanted['id']}' is not valid for this issue."))
        if transition not in self.available(issue, request.person):
            text = (
                "It seems that you have tried to perform a workflow operation "
                f"({transition.name}) that is not valid for the current state of this issue ({issue.key}). "
                "The likely cause is that somebody has changed the issue recently, please look at the issue history "
                "for details."
            )
            raise Refused(400, self.error(text))
        resolution = self._screen(transition, body)
        if self.lies.tell("conflict"):
            raise Refused(409, self.error("The issue could not be updated due to a conflicting update."))
        if not self.lies.tell("silent_transition"):
            self.take(issue, transition, request.person, resolution)
        return Reply(204)

    def _screen(self, transition, body):
        """The resolution that is given on the transition's screen. Raises Refused for what is not on it."""
        allowed = {name.rstrip("!") for name in transition.screen}
        fields = body.get("fields", {})
        wrong = [name for name in (*fields, *body.get("update", {})) if name not in allowed]
        if wrong:
            raise Refused(400, self.error(None, **{name: _not_on_screen(name) for name in wrong}))
        given = fields.get("resolution")
        if given is None:
            if "resolution!" in transition.screen:
                raise Refused(400, self.error(None, resolution="Resolution is required."))
            return None
        names = {number: name for name, number in RESOLUTIONS.items()}
        name = given.get("name") or names.get(given.get("id"))
        if name not in RESOLUTIONS:
            raise Refused(400, self.error(None, resolution=f"Resolution name '{name}' is not valid"))
        return name

    # Comments.

    @route("GET", "/rest/api/{version}/issue/{issue}/comment")
    def get_comments(self, request, version, issue):
        self._version(request, version)
        issue = self._issue(issue)
        start, size = self._page(request, default=100 if self.is_cloud else 1048576, cap=5000)
        order = request.query.get("orderBy", "created")
        if order.lstrip("+- ") != "created":
            raise Refused(400, self.error(f"The order by field '{order}' is not supported."))
        comments = issue.comments[::-1] if order.startswith("-") else issue.comments
        shown = [self._comment(issue, comment, request) for comment in comments[start : start + size]]
        return Reply(200, {"startAt": start, "maxResults": size, "total": len(comments), "comments": shown})

    @route("POST", "/rest/api/{version}/issue/{issue}/comment")
    def post_comment(self, request, version, issue):
        self._version(request, version)
        issue = self._issue(issue)
        body = self._json(request)
        self._check_comment(body)
        if len(issue.comments) >= self.limits.comments_per_issue:
            limit = f"{self.limits.comments_per_issue:,}"
            raise Refused(413, self.error(f"The issue has reached the limit of {limit} comments."))
        properties = {each["key"]: each["value"] for each in body.get("properties", [])}
        comment = self.comment(issue, body["body"], request.person, properties)
        return Reply(201, self._comment(issue, comment, request))

    @route("GET", "/rest/api/{version}/issue/{issue}/comment/{comment}")
    def get_comment(self, request, version, issue, comment):
        self._version(request, version)
        issue = self._issue(issue)
        return Reply(200, self._comment(issue, self._comment_of(issue, comment), request))

    @route("PUT", "/rest/api/{version}/issue/{issue}/comment/{comment}")
    def put_comment(self, request, version, issue, comment):
        self._version(request, version)
        issue = self._issue(issue)
        comment = self._comment_of(issue, comment)
        body = self._json(request)
        self._check_comment(body)
        if comment.author is not request.person:
            raise Refused(400, self.error(None, comment="You do not have permission to edit this comment."))
        comment.body = body["body"]
        comment.updated = issue.updated = self.now()
        comment.updater = request.person
        comment.properties.update({each["key"]: each["value"] for each in body.get("properties", [])})
        self.tell("comment_updated", request.person, issue, comment=comment)
        return Reply(200, self._comment(issue, comment, request))

    @route("GET", "/rest/api/{version}/comment/{comment}/properties/{key}")
    def get_comment_property(self, request, version, comment, key):
        self._version(request, version)
        for issue in self.issues.values():
            for known in issue.comments:
                if known.id == comment and key in known.properties:
                    return Reply(200, {"key": key, "value": known.properties[key]})
        raise Refused(404, self.error(f"The property with key '{key}' does not exist."))

    def _check_comment(self, body):
        text = body.get("body")
        if self.is_cloud:
            if not is_document(text):
                raise Refused(400, self.error(None, comment="Comment body is not valid!"))
            # No document says what of an ADF counts; its JSON is the most that could.
            size = len(json.dumps(text, ensure_ascii=False, separators=(",", ":")))
        else:
            if not isinstance(text, str) or not text.strip():
                raise Refused(400, self.error(None, comment="Comment body can not be empty!"))
            size = len(text)
        if size > self.limits.comment_characters:
            limit = f"{self.limits.comment_characters:,}"
            text = f"The entered text is too long. It exceeds the allowed limit of {limit} characters."
            raise Refused(400, self.error(None, comment=text))
        properties = body.get("properties", [])
        if not isinstance(properties, list) or not all(
            isinstance(each, dict) and each.keys() == {"key", "value"} for each in properties
        ):
            raise Refused(400, self.error("There was an error parsing JSON. Check that your request body is valid."))
        for each in properties:
            self._check_property(each["key"], each["value"])

    # Properties, links, approvals.

    @route("GET", "/rest/api/{version}/issue/{issue}/properties")
    def list_properties(self, request, version, issue):
        self._version(request, version)
        issue = self._issue(issue)
        link = f"{self._self()}/issue/{issue.id}/properties/"
        return Reply(200, {"keys": [{"self": link + key, "key": key} for key in issue.properties]})

    @route("GET", "/rest/api/{version}/issue/{issue}/properties/{key}")
    def get_property(self, request, version, issue, key):
        self._version(request, version)
        issue = self._issue(issue)
        if key not in issue.properties:
            raise Refused(404, self.error(f"The property with key '{key}' does not exist."))
        return Reply(200, {"key": key, "value": issue.properties[key]})

    @route("PUT", "/rest/api/{version}/issue/{issue}/properties/{key}")
    def put_property(self, request, version, issue, key):
        self._version(request, version)
        issue = self._issue(issue)
        value = self._json(request, kinds=object)
        self._check_property(key, value)
        status = 200 if key in issue.properties else 201
        issue.properties[key] = value
        return Reply(status)

    @route("DELETE", "/rest/api/{version}/issue/{issue}/properties/{key}")
    def delete_property(self, request, version, issue, key):
        self._version(request, version)
        if self._issue(issue).properties.pop(key, None) is None:
            raise Refused(404, self.error(f"The property with key '{key}' does not exist."))
        return Reply(204)

    def _check_property(self, key, value):
        if not isinstance(key, str) or not 0 < len(key) <= self.limits.property_key_characters:
            limit = self.limits.property_key_characters
            raise Refused(400, self.error(f"The property key must be 1 to {limit} characters long."))
        if len(json.dumps(value)) > self.limits.property_characters:
            limit = self.limits.property_characters
            raise Refused(400, self.error(f"The property value is longer than {limit} characters."))

    @route("POST", "/rest/api/{version}/issue/{issue}/remotelink")
    def post_link(self, request, version, issue):
        self._version(request, version)
        issue = self._issue(issue)
        body = self._json(request)
        shown = body.get("object")
        if not isinstance(shown, dict) or not shown.get("title") or not shown.get("url"):
            raise Refused(400, self.error(None, **{"object.title": "'title' and 'url' of the object are required."}))
        if len(body.get("globalId") or "") > 255:
            raise Refused(400, self.error(None, globalId="globalId cannot be longer than 255 characters."))
        global_id = body.get("globalId") or self.new_id()
        known = issue.links.get(global_id)
        # Fields that a later call leaves out are lost.
        issue.links[global_id] = {"id": known["id"] if known else int(self.new_id()), **body}
        number = issue.links[global_id]["id"]
        link = f"{self._self()}/issue/{issue.key}/remotelink/{number}"
        return Reply(200 if known else 201, {"id": number, "self": link})

    @route("GET", "/rest/api/{version}/issue/{issue}/remotelink")
    def get_links(self, request, version, issue):
        self._version(request, version)
        issue = self._issue(issue)
        link = f"{self._self()}/issue/{issue.key}/remotelink/"
        return Reply(200, [{"self": f"{link}{each['id']}", **each} for each in issue.links.values()])

    @route("GET", "/rest/servicedeskapi/request/{issue}/approval")
    def get_approvals(self, request, issue):
        if not self.is_cloud and request.headers.get("X-ExperimentalApi", "").lower() not in ("opt-in", "true"):
            raise Refused(412, {"errorMessage": "This API is experimental. Experimental APIs are not guaranteed."})
        issue = self._issue(issue)
        start, size = int(request.query.get("start", 0)), min(int(request.query.get("limit", 50)), 50)
        link = f"{self.url}/rest/servicedeskapi/request/{issue.id}/approval"
        values = [
            {
                "id": step.id,
                "name": step.name,
                "finalDecision": step.decision,
                "canAnswerApproval": request.person in step.approvers and step.decision == "pending",
                "approvers": [
                    {"approver": self.user(person), "approverDecision": step.answers.get(person, "pending")}
                    for person in step.approvers
                ],
                "createdDate": self._jsm_date(step.created, request),
                "_links": {"self": f"{link}/{step.id}"},
            }
            | ({"completedDate": self._jsm_date(step.completed, request)} if step.completed else {})
            for step in issue.approvals[start : start + size]
        ]
        return Reply(200, {"_expands": [], "size": len(values), "start": start, "limit": size,
                           "isLastPage": start + size >= len(issue.approvals), "_links": {"self": link},
                           "values": values})  # fmt: skip

    @route("POST", "/rest/servicedeskapi/request/{issue}/approval/{approval}")
    def post_approval(self, request, issue, approval):
        issue = self._issue(issue)
        step = next((each for each in issue.approvals if each.id == approval), None)
        if step is None:
            raise Refused(404, {"errorMessage": "The approval does not exist."})
        if request.person not in step.approvers or step.decision != "pending":
            raise Refused(403, {"errorMessage": "You are not an approver of this request."})
        decision = self._json(request).get("decision")
        if decision not in ("approve", "decline"):
            raise Refused(400, {"errorMessage": "The decision must be 'approve' or 'decline'."})
        self.answer_approval(issue, request.person, {"approve": "approved", "decline": "declined"}[decision],
                             {"approve": "Approve", "decline": "Decline"}[decision])  # fmt: skip
        return Reply(200, {"id": step.id, "finalDecision": step.decision})

    # How things are shown.

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
            name: _stamp(value, time_zone) if isinstance(value, datetime.datetime) else value
            for name, value in (dict.fromkeys(self.custom) | issue.fields).items()
        }
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
            "created": _stamp(issue.created, time_zone),
            "updated": _stamp(issue.updated, time_zone),
            "creator": self.user(issue.creator),
            "reporter": self.user(issue.reporter),
            "assignee": None,
            "labels": [],
        }  # fmt: skip

    def _shown_issue(self, issue, request, names):
        fields = self.shown_fields(issue, self._zone(request))
        names = _list(names)
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
        return {"self": f"{self._self()}/project/{10000 + self.projects.index(key)}", "key": key, "name": key,
                "id": str(10000 + self.projects.index(key)), "projectTypeKey": "service_desk"}  # fmt: skip

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
        created = _stamp(entry.created, self._zone(request))
        return {"id": entry.id, "author": self.user(entry.author), "created": created,
                "items": self.shown_items(entry)}  # fmt: skip

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
            "created": _stamp(comment.created, self._zone(request)),
            "updated": _stamp(comment.updated, self._zone(request)),
        }
        if self.is_cloud:
            internal = comment.properties.get("sd.public.comment", {}).get("internal", False)
            shown["jsdPublic"] = not internal
        if "properties" in _list(request.query.get("expand", "")):
            shown["properties"] = [{"key": key, "value": value} for key, value in comment.properties.items()]
        return shown

    def _jsm_date(self, at, request):
        local = at.astimezone(self._zone(request))
        return {
            "iso8601": local.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "jira": _stamp(at, self._zone(request)),
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


def _failed():
    return {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}


def _not_on_screen(name):
    return f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."


def _list(text):
    return [part.strip() for part in text.split(",") if part.strip()]


def _stamp(at, time_zone):
    local = at.astimezone(time_zone)
    return local.strftime("%Y-%m-%dT%H:%M:%S.") + f"{local.microsecond // 1000:03d}" + local.strftime("%z")


def _simple(value):
    """A value of the API as JiraSite.create() takes it."""
    if isinstance(value, list):
        return [option["value"] for option in value]
    if isinstance(value, dict):
        return (value["value"], value["child"]["value"]) if "child" in value else value["value"]
    return value
