"""A stand-in of Jira: Cloud with REST v3, or Data Center with REST v2.

Nothing of it is known to be more than the vendor documents, or than its users report. Parts that no document tells are
the stricter of what could be.
"""

import base64
import json
import re
import secrets
import time
from collections import deque
from dataclasses import dataclass

from . import jira_openapi
from .jira_assets import AssetRoutes
from .jira_issues import IssueRoutes
from .jira_options import OptionRoutes
from .jira_shown import NOT_SEEN, Showing
from .jira_site import JiraSite
from .jira_talk import TalkRoutes
from .webhooks import Sender
from .wire import Refused, Reply, StandIn, route

PERMISSIONS = (
    "BROWSE_PROJECTS",
    "ADD_COMMENTS",
    "EDIT_OWN_COMMENTS",
    "TRANSITION_ISSUES",
    "EDIT_ISSUES",
    "LINK_ISSUES",
)
CLOUD, DATA_CENTER = "cloud", "datacenter"


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


class JiraStandIn(IssueRoutes, TalkRoutes, OptionRoutes, AssetRoutes, Showing, JiraSite, StandIn):
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
        # Those of PERMISSIONS that nobody has.
        self.withheld = set()
        # Parts of requests that were answered, and that Jira has no use for.
        self.dropped = []
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
        if self.is_cloud and request.path.startswith(self.base) and not request.path.endswith("/attachments"):
            body = json.loads(request.body) if request.body else None
            self.dropped += jira_openapi.faults_of_request(request.method, request.path, request.query, body)
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
        is_at_api = request.at_gateway or request.path.startswith("/jsm/")
        if person is None and (is_at_api or not self.is_cloud):
            raise Refused(401, {"message": "Unauthorized", "status-code": 401}, _failed())
        if person is None:
            # A site of the Cloud goes on with who cannot log in as with anybody from the street.
            request.problem = "AUTHENTICATED_FAILED"
        elif person.scopes is not None:
            scope = "read:jira-work" if request.method == "GET" else "write:jira-work"
            if re.search(r"/field/[^/]+/context", request.path):
                scope = "manage:jira-configuration"
            if request.path.startswith("/jsm/"):
                scope = "read:cmdb-object:jira" if "/object/" in request.path else "read:cmdb-schema:jira"
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
        granted = dict.fromkeys(PERMISSIONS, True) | dict.fromkeys(self.withheld, False)
        known = {"ADMINISTER": request.person.is_admin, **granted}
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
                 "datetime": ("datetime", "datetime"), "textarea": ("string", "textarea"),
                 "assets": ("any", None)}  # fmt: skip
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
            if custom.kind == "assets":
                schema["custom"] = self.asset_type
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


def _failed():
    return {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
