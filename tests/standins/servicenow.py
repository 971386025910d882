"""A stand-in of ServiceNow: its logins, the Table API, the Change API, attachments, and the business rule that we ship.

Nothing of it is known to be more than the vendor documents, or than its users report. Parts that no document tells are
the stricter of what could be.
"""

import base64
import contextlib
import datetime
import email.message
import hashlib
import hmac
import json
import secrets
import time
import urllib.parse

from .jira_site import one_at_a_time
from .servicenow_query import Query
from .servicenow_site import CHOICES, CLOSE_CODES, RAW, ServiceNowSite
from .webhooks import post
from .wire import Refused, Reply, Request, StandIn, route

BATCH = "/api/now/v1/batch"
TABLE = "/api/now/table/{table}"
CHANGE = "/api/sn_chg_rest/change"
LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Instance Hibernating page</title></head><body></body></html>"
NO_RECORD = ("No Record found", "Record doesn't exist or ACL restricts the record retrieval")
# The fields that a template of standard changes sets: those of the caller are dropped.
OF_TEMPLATE = frozenset({"description", "implementation_plan", "backout_plan", "test_plan"})
ASKS = frozenset(
    {
        "sysparm_query",
        "sysparm_fields",
        "sysparm_limit",
        "sysparm_offset",
        "sysparm_display_value",
        "sysparm_exclude_reference_link",
        "sysparm_no_count",
        "sysparm_suppress_pagination_header",
        "sysparm_input_display_value",
        "sysparm_view",
        "sysparm_query_category",
        "sysparm_query_no_domain",
    }
)


class ServiceNowStandIn(ServiceNowSite, StandIn):
    """
    An instance with the content of ServiceNowSite.

    port
        To listen at; 0: a free one.

    Its lies, besides the faults of the wire: ``silent_patch`` (200, and nothing has changed), ``throttled`` (429 with
    ``retry_after_s``), ``login_page`` (200, and a page of HTML), ``lose_message`` (of the business rule).
    """

    LIES = ("silent_patch", "throttled", "login_page", "lose_message")

    def __init__(self, port=0, seed=None):
        StandIn.__init__(self, port)
        ServiceNowSite.__init__(self, seed)
        # The grant of client credentials is off in an instance until an administrator sets a property.
        self.client_credentials = False
        self.token_lifetime_s = 1799
        self.retry_after_s = 7
        # Requests of one user in an hour; None: no rule. The instance notices up to limit_lag_s late.
        self.limit_per_hour = None
        self.limit_lag_s = 30
        # Of a batch, the bytes that each part can have; and how many parts the instance gets done in the 30 seconds
        # that it has for all.
        self.batch_part_bytes = 5 * 1024 * 1024
        self.batch_parts_in_time = 150
        # Parts of queries that were dropped.
        self.dropped = []
        self._tokens = {}
        self._counts = {}
        self._rules = []
        self._sent = 0

    # Logins.

    def oauth_client(self, person):
        """Gives a person a client of OAuth: (client_id, client_secret)."""
        person.client_id, person.client_secret = self.new_id(), secrets.token_urlsafe(24)
        return person.client_id, person.client_secret

    def api_key(self, person):
        """Gives a person a key for the header x-sn-apikey."""
        person.api_key = secrets.token_urlsafe(24)
        return person.api_key

    @one_at_a_time
    def expire_tokens(self):
        """Has all tokens end now."""
        self._tokens.clear()

    @route("POST", "/oauth_token.do")
    def oauth_token(self, request):
        given = dict(urllib.parse.parse_qsl(request.body.decode()))
        person = next((p for p in self.people if p.client_id and p.client_id == given.get("client_id")), None)
        if given.get("grant_type") != "client_credentials":
            raise Refused(401, {"error": "unsupported_grant_type", "error_description": "unsupported_grant_type"})
        if person is None or person.client_secret != given.get("client_secret"):
            raise Refused(401, {"error": "invalid_client", "error_description": "access_denied"})
        if not self.client_credentials:
            text = "The client credentials grant is not enabled on this instance."
            raise Refused(401, {"error": "unauthorized_client", "error_description": text})
        token = secrets.token_urlsafe(32)
        self._tokens[token] = (person, time.monotonic() + self.token_lifetime_s)
        return Reply(200, {"access_token": token, "scope": "useraccount", "token_type": "Bearer",
                           "expires_in": self.token_lifetime_s})  # fmt: skip

    def _log_in(self, request):
        given = request.headers.get("Authorization", "")
        if given.startswith("Bearer "):
            person, ends = self._tokens.get(given[7:], (None, 0))
            return person if time.monotonic() < ends else None
        if given.startswith("Basic "):
            with contextlib.suppress(ValueError):
                user, _, password = base64.b64decode(given[6:]).decode().partition(":")
                return next((p for p in self.people if p.user_name == user and p.password == password), None)
            return None
        key = request.headers.get("x-sn-apikey")
        return next((p for p in self.people if key and p.api_key == key), None)

    # Checks that any request has to pass.

    def answer(self, request):
        """A page in place of any answer, where the instance sleeps; else the answer."""
        if self.lies.tell("login_page"):
            return Reply(200, LOGIN_PAGE)
        if self.lies.tell("throttled"):
            raise self._too_many(self.retry_after_s)
        return super().answer(request)

    def admit(self, request, endpoint, parts):
        """Who asks, in which form, and how often; then whether there is such a table, open to them."""
        if endpoint.endswith("/oauth_token.do"):
            return
        request.person = self._log_in(request)
        if request.person is None:
            raise Refused(401, self.error("User Not Authenticated", "Required to provide Auth information"))
        accept, kind = request.headers.get("Accept", ""), request.headers.get("Content-Type", "")
        if "application/json" not in accept:
            raise Refused(400, self.error("Requested media type not supported", f"Accept: {accept}"))
        if not kind or ("/attachment/" not in endpoint and not kind.startswith("application/json")):
            raise Refused(400, self.error("Unsupported content type", f"Content-Type: {kind}"))
        self._count(request.person)
        table = parts.get("table")
        if table is not None and table not in self.tables:
            raise Refused(400, self.error(f"Invalid table {table}"))
        if table in self.closed.tables and not request.person.is_admin:
            raise Refused(403, self.error("User Not Authorized", "Failed API level ACL Validation"))

    def error(self, text, detail=None):
        """ServiceNow's form of errors."""
        return {"error": {"message": text, "detail": detail}, "status": "failure"}

    def unknown(self, request):
        """The Refused for a path that nothing is at: to nobody it does not tell so much."""
        if self._log_in(request) is None:
            return Refused(401, self.error("User Not Authenticated", "Required to provide Auth information"))
        return Refused(400, self.error("Requested URI does not represent any resource", request.path))

    def _count(self, person):
        if self.limit_per_hour is None:
            return
        count, exceeded = self._counts.get(person, (0, None))
        now = time.monotonic()
        count += 1
        if count > self.limit_per_hour and exceeded is None:
            exceeded = now
        self._counts[person] = count, exceeded
        if exceeded is not None and now >= exceeded + self.limit_lag_s:
            raise self._too_many(3600 - int(time.time()) % 3600)

    def _too_many(self, seconds):
        headers = {
            "Retry-After": seconds,
            "X-RateLimit-Limit": self.limit_per_hour or 500,
            "X-RateLimit-Reset": int(time.time()) + seconds,
            "X-RateLimit-Rule": "Approval",
        }
        return Refused(429, self.error("Rate limit exceeded", "Too many requests"), headers)

    # Batches.

    @route("POST", BATCH)
    def post_batch(self, request):
        given = self._json(request)
        parts = given.get("rest_requests")
        if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
            raise Refused(400, self.error("Invalid batch request", "rest_requests is required"))
        missing = [name for part in parts for name in ("id", "method", "url") if not isinstance(part.get(name), str)]
        if missing or len({part["id"] for part in parts}) < len(parts):
            raise Refused(
                400, self.error("Invalid batch request", f"each request needs {missing or 'an id of its own'}")
            )
        serviced, unserviced = [], [part["id"] for part in parts]
        for part in parts[: self.batch_parts_in_time]:
            if len(part.get("body") or "") > self.batch_part_bytes:
                # A limit ends the whole batch, whatever comes behind.
                break
            unserviced.remove(part["id"])
            serviced.append(self._serviced(request, part))
        return Reply(200, {"batch_request_id": given.get("batch_request_id", ""), "serviced_requests": serviced,
                           "unserviced_requests": unserviced})  # fmt: skip

    def _serviced(self, request, part):
        """The answer to a part of a batch, which is asked as the one who sent the batch."""
        headers = email.message.Message()
        for one in part.get("headers", ()):
            headers[one["name"]] = one["value"]
        for name in ("Authorization", "x-sn-apikey"):
            if request.headers.get(name):
                headers[name] = request.headers[name]
        where = urllib.parse.urlsplit(part["url"])
        query = dict(urllib.parse.parse_qsl(where.query, keep_blank_values=True))
        try:
            body = base64.b64decode(part.get("body") or "", validate=True)
            reply = StandIn.answer(self, Request(part["method"], where.path, query, headers, body))
        except Refused as refused:
            reply = refused.reply
        except ValueError:
            reply = Reply(400, self.error("Invalid batch request", "body is no Base64"))
        return {"id": part["id"], "body": base64.b64encode(reply.content()[0]).decode(), "status_code": reply.status,
                "status_text": "", "headers": [], "execution_time": 5}  # fmt: skip

    # Tables.

    @route("GET", TABLE)
    def get_rows(self, request, table):
        filters = "".join(
            f"^{name}={value}" for name, value in request.query.items() if name not in ASKS and "^" not in value
        )
        query = self._query(table, request.query.get("sysparm_query", "") + filters, request.person)
        found = query.run(self.tables[table].values())
        limit = self._number(request, "sysparm_limit", 10000)
        offset = self._number(request, "sysparm_offset", 0)
        # The rules of access come after the limit, so a page can be short, or empty, with more to follow.
        page = [row for row in found[offset : offset + limit] if self._may_see(request.person, row)]
        headers = {}
        if request.query.get("sysparm_no_count") != "true":
            headers["X-Total-Count"] = len(found)
        if request.query.get("sysparm_suppress_pagination_header") != "true":
            headers["Link"] = ",".join(self._links(request, len(found), limit, offset))
        return Reply(200, {"result": [self._shown(table, row, request) for row in page]}, headers)

    @route("GET", TABLE + "/{sys_id}")
    def get_row(self, request, table, sys_id):
        return Reply(200, {"result": self._shown(table, self._row(request, table, sys_id), request)})

    @route("POST", TABLE)
    def post_row(self, request, table):
        fields = self._writable(table, self._json(request), request.person)
        if not request.person.is_admin:
            fields.pop("approval", None)
        row = self.create(table, fields, request.person)
        location = f"{self.url}/api/now/table/{table}/{row['sys_id']}"
        return Reply(201, {"result": self._shown(table, row, request)}, {"Location": location})

    @route("PATCH", TABLE + "/{sys_id}")
    @route("PUT", TABLE + "/{sys_id}")
    def patch_row(self, request, table, sys_id):
        row = self._row(request, table, sys_id)
        fields = self._writable(table, self._json(request), request.person)
        if table == "sysapproval_approver" and "state" in fields:
            # People who decide by the API decide as themselves, and only what they were asked for.
            if row["approver"] != request.person.sys_id and not request.person.is_admin:
                raise Refused(403, self.error("Operation Failed", "Error: ACL Exception Update Failed"))
            self.decide(row, request.person, fields.pop("state"))
        self._change(table, row, fields, request.person)
        return Reply(200, {"result": self._shown(table, row, request)})

    @route("DELETE", TABLE + "/{sys_id}")
    def delete_row(self, request, table, sys_id):
        row = self._row(request, table, sys_id)
        if not request.person.is_admin:
            raise Refused(403, self.error("Operation Failed", "Error: ACL Exception Delete Failed"))
        self.delete(table, row["sys_id"], request.person)
        return Reply(204)

    def _change(self, table, row, fields, person):
        """Writes fields; a state that the record cannot have now stays as it is, and nothing says so."""
        if self.lies.tell("silent_patch"):
            return
        if table == "change_request":
            state = fields.get("state")
            names = {label: value for value, label in CHOICES["change_request", "state"].items()}
            if state is not None:
                fields["state"] = state = names.get(state, state)
            if state is not None and not self.leads_to(row, state):
                del fields["state"]
            missing = [name for name in ("close_code", "close_notes") if not (fields.get(name) or row[name])]
            if fields.get("state") == "3" and row["state"] != "3" and missing:
                text = f"Error: Data Policy Exception: The following fields are mandatory: {', '.join(missing)}"
                raise Refused(403, self.error("Operation Failed", text))
            if fields.get("close_code", "") not in ("", *CLOSE_CODES):
                del fields["close_code"]
            if row["approval"] != fields.get("approval", row["approval"]) and not person.is_admin:
                del fields["approval"]
        self.edit(table, row["sys_id"], fields, person)

    # Changes.

    @route("POST", CHANGE + "/normal")
    def post_normal(self, request):
        return self._new_change(request, "normal")

    @route("POST", CHANGE + "/emergency")
    def post_emergency(self, request):
        return self._new_change(request, "emergency")

    @route("POST", CHANGE + "/standard/{template}")
    def post_standard(self, request, template):
        # The template says what is done, so these of the caller are dropped.
        return self._new_change(
            request, "standard", {"description", "implementation_plan", "backout_plan", "test_plan"}
        )

    @route("GET", CHANGE + "/{sys_id}")
    def get_change(self, request, sys_id):
        return self._change_reply(self._change_row(request, sys_id), request)

    @route("PATCH", CHANGE + "/{sys_id}")
    def patch_change(self, request, sys_id):
        row = self._change_row(request, sys_id)
        self._change("change_request", row, self._writable("change_request", self._json(request), request.person),
                     request.person)  # fmt: skip
        return self._change_reply(row, request)

    @route("GET", CHANGE + "/{sys_id}/nextstates")
    def next_states(self, request, sys_id):
        row = self._change_row(request, sys_id)
        states = [row["state"], *(each for each in self.model.get(row["state"], ()) if self.leads_to(row, each))]
        labels = CHOICES["change_request", "state"]
        return Reply(200, {"result": {"available_states": states,
                                      "state_label": {state: labels[state] for state in states}}})  # fmt: skip

    @route("GET", CHANGE + "/{sys_id}/task")
    def get_tasks(self, request, sys_id):
        row = self._change_row(request, sys_id)
        tasks = [task for task in self.tables["change_task"].values() if task["change_request"] == row["sys_id"]]
        return Reply(200, {"result": [self._pairs("change_task", task, request.person) for task in tasks]})

    @route("POST", CHANGE + "/{sys_id}/conflict")
    def post_conflict(self, request, sys_id):
        self._change_row(request, sys_id)
        return Reply(200, {"result": {"worker": {"sysId": self.new_id(), "state": {"value": 1}}}})

    @route("GET", CHANGE + "/{sys_id}/conflict")
    def get_conflict(self, request, sys_id):
        self._change_row(request, sys_id)
        # The status is this one though there is no conflict.
        return Reply(200, {"result": {"status": {"value": "Conflict"}, "conflicts": []}})

    @route("PATCH", CHANGE + "/{sys_id}/approvals")
    def patch_approvals(self, request, sys_id):
        change = self._change_row(request, sys_id)
        decision = self._json(request).get("state")
        if decision not in ("approved", "rejected"):
            raise Refused(400, self.error("Invalid state", "The state must be approved or rejected"))
        rows = [
            row
            for row in self.tables["sysapproval_approver"].values()
            if (row["sysapproval"], row["approver"], row["state"])
            == (change["sys_id"], request.person.sys_id, "requested")
        ]
        if not rows:
            raise Refused(400, self.error("No approval records found", "The user has no approval of this change"))
        for row in rows:
            self.decide(row, request.person, decision)
        return self._change_reply(change, request)

    def _new_change(self, request, kind, dropped=frozenset()):
        fields = self._writable("change_request", self._json(request), request.person)
        fields = {name: value for name, value in fields.items() if name not in dropped and name != "state"}
        row = self.create("change_request", fields | {"type": kind}, request.person)
        return self._change_reply(row, request)

    def _change_reply(self, row, request):
        return Reply(200, {"result": self._pairs("change_request", row, request.person)})

    def _change_row(self, request, sys_id):
        row = self.tables["change_request"].get(sys_id)
        if row is None or not self._may_see(request.person, row):
            raise Refused(404, self.error("Record not found", f"No change request with sys_id {sys_id}"))
        return row

    # Attachments.

    @route("POST", "/api/now/attachment/file")
    def post_file(self, request):
        asked = request.query
        missing = [name for name in ("table_name", "table_sys_id", "file_name") if not asked.get(name)]
        if missing:
            raise Refused(400, self.error("Missing parameter", f"{missing[0]} is required"))
        if not request.body:
            raise Refused(400, self.error("Empty file", "The request has no body"))
        if asked["table_name"] not in self.tables:
            raise Refused(400, self.error(f"Invalid table {asked['table_name']}"))
        self._row(request, asked["table_name"], asked["table_sys_id"])
        fields = {name: asked[name] for name in ("table_name", "table_sys_id", "file_name")}
        fields |= {"content_type": request.headers["Content-Type"], "size_bytes": str(len(request.body))}
        row = self.create("sys_attachment", fields, request.person)
        self.files[row["sys_id"]] = request.body
        return Reply(201, {"result": row | {"download_link": f"{self.url}/api/now/attachment/{row['sys_id']}/file"}})

    @route("GET", "/api/now/attachment")
    def get_files(self, request):
        query = self._query("sys_attachment", request.query.get("sysparm_query", ""), request.person)
        found = query.run(self.tables["sys_attachment"].values())
        return Reply(200, {"result": found[: self._number(request, "sysparm_limit", 1000)]})

    @route("GET", "/api/now/attachment/{sys_id}/file")
    def get_file(self, request, sys_id):
        if sys_id not in self.files:
            raise Refused(404, self.error(*NO_RECORD))
        return Reply(200, self.files[sys_id])

    # Messages from the instance.

    def business_rule(self, url, key, table="change_request"):
        """The rule that we ship, with its key: it tells this address of changes of the table from now on, once each."""
        self._sent = len(self.events) if not self._rules else self._sent
        self._rules.append((url, key, table))

    def deliver(self, at=None):
        """Sends what is due, each message once, signed as of now or of a time (seconds). Gives [(event, status)]."""
        with self.lock:
            events, self._sent = self.events[self._sent :], len(self.events)
        told = []
        for event in events:
            for url, key, table in self._rules:
                if table != event.table or self.lies.tell("lose_message"):
                    continue
                body = json.dumps(self.message(event), ensure_ascii=False).encode()
                headers = {
                    "Content-Type": "application/json",
                    "Accept": "application/json",
                    "User-Agent": "ServiceNow/1.0",
                    **sign(body, key, int(time.time() if at is None else at)),
                }
                told.append((f"{event.table}.{event.kind}", post(url, body, headers, 10.0)))
        return told

    def message(self, event):
        """The body of a message: raw values as texts, and references with what they show."""
        columns = self.columns[event.table]
        shown = {"event": f"{event.table}.{event.kind}", "table": event.table, "instance": "dev00000.service-now.com"}
        for name, value in event.row.items():
            if columns[name] in self.tables and value:
                value = {"value": value, "display_value": self.shown(event.table, name, value, event.by.time_zone)}
            elif name == "u_packages" and value:
                with contextlib.suppress(ValueError):
                    value = json.loads(value)
            if columns[name] != "journal":
                shown[name] = value
        return shown

    # How things are shown, and read.

    def _shown(self, table, row, request):
        """A row as the Table API shows it, by the parameters of the request."""
        names = [name.strip() for name in request.query.get("sysparm_fields", "").split(",") if name.strip()]
        way = request.query.get("sysparm_display_value", "false")
        shown = {}
        for path in names or [name for name in row if (table, name) not in self.closed.columns]:
            place = self._place(table, path)
            if place is None or (place in self.closed.columns and not request.person.is_admin):
                continue
            value = self._raw(table, row, path)
            shown[path] = self._value(place, value, row, way, request)
        return shown

    def _value(self, place, value, row, way, request):
        table, name = place
        kind = self.columns[table][name]
        zone = request.person.time_zone
        if kind == "journal":
            notes = self.notes(table, row["sys_id"], name, zone)
            return {"false": "", "true": notes}.get(way, {"display_value": notes, "value": ""})
        display = self.shown(table, name, value, zone)
        link = f"{self.url}/api/now/table/{kind}/{value}"
        if kind not in self.tables or value == "":
            return {"false": value, "true": display}.get(way, {"display_value": display, "value": value})
        if request.query.get("sysparm_exclude_reference_link") == "true":
            return {"false": value, "true": display}.get(way, {"display_value": display, "value": value})
        pair = {"link": link, "value": value} if way == "false" else {"display_value": display, "link": link}
        return pair if way in ("false", "true") else {"display_value": display, "value": value, "link": link}

    def _pairs(self, table, row, person):
        """A row as the Change API shows it."""
        shown = {}
        for name, value in row.items():
            if (table, name) not in self.closed.columns or person.is_admin:
                is_journal = self.columns[table][name] == "journal"
                display = self.notes(table, row["sys_id"], name, person.time_zone) if is_journal else None
                shown[name] = {
                    "value": value,
                    "display_value": self.shown(table, name, value, person.time_zone) if display is None else display,
                }
        return shown

    def _query(self, table, text, person):
        calls = {
            "getUserID": lambda: person.sys_id,
            "getUserName": lambda: person.user_name,
            "dateGenerate": lambda day, at: _utc(f"{day} {at}", person.time_zone),
        }

        def call(name, arguments):
            with contextlib.suppress(KeyError, TypeError, ValueError):
                return calls[name](*arguments)
            return None

        query = Query(
            text,
            lambda path: self._place(table, path) is not None,
            lambda row, path: self._raw(table, row, path),
            call,
        )
        self.dropped += query.dropped
        return query

    def _place(self, table, path):
        """(table, column) that a path such as ``approver.user_name`` leads to; None: nowhere."""
        *steps, name = path.split(".")
        for step in steps:
            table = self.columns[table].get(step)
            if table not in self.tables:
                return None
        return (table, name) if name in self.columns[table] else None

    def _raw(self, table, row, path):
        *steps, name = path.split(".")
        for step in steps:
            table = self.columns[table][step]
            row = self.tables[table].get(row[step], {})
        return row.get(name, "")

    def _may_see(self, person, row):
        return person.is_admin or row["sys_id"] not in self.closed.rows

    def _row(self, request, table, sys_id):
        row = self.tables[table].get(sys_id)
        if row is None or not self._may_see(request.person, row):
            raise Refused(404, self.error(*NO_RECORD))
        return row

    def _writable(self, table, fields, person):
        return {
            name: value
            for name, value in self.accepted(table, fields).items()
            if (table, name) not in self.closed.columns or person.is_admin
        }

    def _json(self, request):
        try:
            body = json.loads(request.body)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            text = "Exception while reading request"
            raise Refused(400, self.error(text, "The payload is not valid JSON."))
        return body

    def _number(self, request, name, default):
        try:
            return max(int(request.query.get(name, default)), 0)
        except ValueError:
            return default

    def _links(self, request, total, limit, offset):
        last = (total - 1) // limit * limit if limit and total else 0
        places = {"first": 0, "last": last}
        if offset > 0:
            places["prev"] = max(offset - limit, 0)
        if limit and offset + limit < total:
            places["next"] = offset + limit
        for rel, place in places.items():
            asked = urllib.parse.urlencode(request.query | {"sysparm_offset": place, "sysparm_limit": limit})
            yield f'<{self.url}{request.path}?{asked}>;rel="{rel}"'


def sign(body, key, at):
    """The headers by which the business rule that we ship proves a body of bytes, with a key of bytes, at a time."""
    made = hmac.new(key, b"v1." + str(at).encode() + b"." + body, hashlib.sha256).digest()
    return {"X-Approval-Timestamp": str(at), "X-Approval-Signature": "v1=" + base64.b64encode(made).decode()}


def _utc(text, time_zone):
    at = datetime.datetime.strptime(text, RAW).replace(tzinfo=time_zone)
    return at.astimezone(datetime.timezone.utc).strftime(RAW)
