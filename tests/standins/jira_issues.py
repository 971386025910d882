"""Issues in the stand-in of Jira: their fields and history, the search, and transitions."""

import secrets

from .jira_shown import INVALID_PAYLOAD, names_in
from .jira_site import RESOLUTIONS
from .wire import Refused, Reply, route


class IssueRoutes:
    """The routes, for JiraStandIn."""

    @route("GET", "/rest/api/{version}/issue/{issue}")
    def get_issue(self, request, version, issue):
        self._version(request, version)
        issue = self._issue(issue)
        shown = self._shown_issue(issue, request, request.query.get("fields", "*all"))
        expand = names_in(request.query.get("expand", ""))
        if "changelog" in expand:
            entries = [self._history(entry, request) for entry in issue.history]
            total = len(entries)
            if self.is_cloud:
                # The newest come first here, and no more than a page; the path of its own has all, the oldest first.
                entries = entries[::-1][:100]
            shown["changelog"] = {"startAt": 0, "maxResults": len(entries), "total": total, "histories": entries}
        if "names" in expand:
            shown["names"] = {name: self._name(name) for name in shown.get("fields", ())}
        if "transitions" in expand:
            shown["transitions"] = [self._transition(t, request) for t in self.available(issue, request.person)]
        asked = names_in(request.query.get("properties", ""))
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
        with_fields = "transitions.fields" in names_in(request.query.get("expand", ""))
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


def _not_on_screen(name):
    return f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."


def _simple(value):
    """A value of the API as JiraSite.create() takes it."""
    if isinstance(value, list):
        return [option["value"] for option in value]
    if isinstance(value, dict):
        return (value["value"], value["child"]["value"]) if "child" in value else value["value"]
    return value
