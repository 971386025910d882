"""What is added to an issue in the stand-in of Jira: comments, properties, files, links, and approvals."""

import email
import json

from .jira_adf import is_document
from .jira_site import Attachment
from .wire import Refused, Reply, route


class TalkRoutes:
    """The routes, for JiraStandIn."""

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
        if "LINK_ISSUES" in self.withheld:
            raise Refused(403, self.error("You do not have permission to link issues."))
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
        shown = {key: {"self": f"{link}{each['id']}", **each} for key, each in issue.links.items()}
        wanted = request.query.get("globalId")
        if wanted is None:
            return Reply(200, list(shown.values()))
        if wanted not in shown:
            raise Refused(404, self.error(f"The remote link with globalId '{wanted}' does not exist."))
        return Reply(200, shown[wanted])

    @route("POST", "/rest/api/{version}/issue/{issue}/attachments")
    def post_attachments(self, request, version, issue):
        self._version(request, version)
        if request.headers.get("X-Atlassian-Token") not in ("no-check", "nocheck"):
            raise Refused(403, "XSRF check failed")
        issue = self._issue(issue)
        head = b"Content-Type: " + request.headers.get("Content-Type", "").encode() + b"\r\n\r\n"
        parts = email.message_from_bytes(head + request.body)
        if not parts.is_multipart():
            raise Refused(415, self.error("Unsupported Media Type"))
        files = [part for part in parts.get_payload() if part.get_param("name", header="Content-Disposition") == "file"]
        made = [
            Attachment(self.new_id(), part.get_filename(), request.person, self.now(), part.get_payload(decode=True))
            for part in files
        ]
        issue.attachments += made
        return Reply(200, [self.shown_file(each, self._zone(request)) for each in made])

    @route("GET", "/rest/servicedeskapi/request/{issue}/approval")
    def get_approvals(self, request, issue):
        if not self.is_cloud and request.headers.get("X-ExperimentalApi", "").lower() not in ("opt-in", "true"):
            raise Refused(412, {"errorMessage": "This API is experimental. Experimental APIs are not guaranteed."})
        issue = self._issue(issue)
        if not self.is_service_desk:
            raise Refused(404, {"errorMessage": "The requested issue is not a service desk request."})
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
