"""The options of Jira's custom fields over HTTP: Cloud can write them, Data Center only reads."""

from .jira_site import Context, Option
from .wire import Refused, Reply, route

ONLY_ADMINISTRATORS = "Only Jira administrators can manage custom field options."
CONTEXTS = "/rest/api/{version}/field/{field}/context"
OPTIONS = CONTEXTS + "/{context}/option"


class OptionRoutes:
    """The routes, for JiraStandIn."""

    @route("GET", CONTEXTS)
    def get_contexts(self, request, version, field):
        field = self._field(request, version, field)
        values = [
            {"id": context.id, "name": context.name, "description": "", "isGlobalContext": not context.projects,
             "isAnyIssueType": True}
            for context in field.contexts.values()
            if request.query.get("contextId") in (None, context.id)
        ]  # fmt: skip
        return Reply(200, self._paged(request, values, 50))

    @route("POST", CONTEXTS)
    def post_context(self, request, version, field):
        field = self._field(request, version, field)
        body = self._json(request)
        self._only(body, {"name", "description", "projectIds", "issueTypeIds"})
        projects = [str(number) for number in body.get("projectIds", [])]
        known = [str(10000 + number) for number in range(len(self.projects))]
        if not body.get("name"):
            raise Refused(400, self.error("The name of the context is required."))
        if not set(projects) <= set(known):
            raise Refused(404, self.error("The project was not found."))
        taken = {project for context in field.contexts.values() for project in context.projects}
        if taken & set(projects) or (not projects and any(not context.projects for context in field.contexts.values())):
            raise Refused(400, self.error("A project or the global context already has a context of this field."))
        context = Context(self.new_id(), body["name"], projects)
        field.contexts[context.id] = context
        shown = {"id": context.id, "name": context.name, "description": body.get("description", ""),
                 "projectIds": projects, "issueTypeIds": []}  # fmt: skip
        return Reply(201, shown)

    @route("GET", CONTEXTS + "/projectmapping")
    def get_project_mapping(self, request, version, field):
        field = self._field(request, version, field)
        values = []
        for context in field.contexts.values():
            if request.query.get("contextId") not in (None, context.id):
                continue
            values += [{"contextId": context.id, "projectId": project} for project in context.projects]
            if not context.projects:
                values.append({"contextId": context.id, "isGlobalContext": True})
        return Reply(200, self._paged(request, values, 50))

    @route("GET", OPTIONS)
    def get_options(self, request, version, field, context):
        context = self._context(request, version, field, context)
        wanted = request.query.get("optionId")
        options = [
            _shown(option)
            for option in context.options
            if wanted in (None, option.id, option.parent)
            and not (request.query.get("onlyOptions") == "true" and option.parent)
        ]
        return Reply(200, self._paged(request, options, 100, cap=100))

    @route("POST", OPTIONS)
    def post_options(self, request, version, field, context):
        context = self._context(request, version, field, context)
        given = self._options(request, {"value", "disabled", "optionId"})
        field = self.custom[field]
        count = sum(len(each.options) for each in field.contexts.values())
        if count + len(given) > self.limits.options_per_field:
            limit = f"{self.limits.options_per_field:,}"
            raise Refused(400, self.error(f"The number of options of the field exceeds the limit of {limit}."))
        parents = {option.id for option in context.options if option.parent is None}
        taken = {(option.value, option.parent) for option in context.options}
        made = []
        for each in given:
            value, parent = each.get("value"), each.get("optionId")
            if not isinstance(value, str) or not value.strip() or len(value) > 255:
                raise Refused(400, self.error("The value of an option must be 1 to 255 characters long."))
            if parent is not None and field.kind != "cascade":
                raise Refused(400, self.error("Only options of a cascading select have a parent."))
            if parent is not None and parent not in parents:
                raise Refused(404, self.error("The parent option was not found."))
            if (value, parent) in taken:
                raise Refused(400, self.error(f"The option '{value}' already exists."))
            taken.add((value, parent))
            made.append(Option(self.new_id(), value, parent, bool(each.get("disabled", False))))
        context.options += made
        return Reply(200, {"options": [_shown(option) for option in made]})

    @route("PUT", OPTIONS)
    def put_options(self, request, version, field, context):
        context = self._context(request, version, field, context)
        given = self._options(request, {"id", "value", "disabled"})
        known = {option.id: option for option in context.options}
        if any(each.get("id") not in known for each in given):
            raise Refused(404, self.error("One or more of the options were not found."))
        for each in given:
            option = known[each["id"]]
            clash = (each.get("value"), option.parent)
            if any((other.value, other.parent) == clash and other is not option for other in context.options):
                raise Refused(400, self.error(f"The option '{each['value']}' already exists."))
        for each in given:
            option = known[each["id"]]
            option.value = each.get("value", option.value)
            option.disabled = each.get("disabled", option.disabled)
        shown = [{"id": o.id, "value": o.value, "disabled": o.disabled} for o in (known[each["id"]] for each in given)]
        return Reply(200, {"options": shown})

    @route("PUT", OPTIONS + "/move")
    def move_options(self, request, version, field, context):
        context = self._context(request, version, field, context)
        body = self._json(request)
        self._only(body, {"customFieldOptionIds", "after", "position"})
        numbers = body.get("customFieldOptionIds")
        known = {option.id: option for option in context.options}
        if not isinstance(numbers, list) or not numbers or ("after" in body) == ("position" in body):
            raise Refused(400, self.error("Either 'after' or 'position' is required, with the options to move."))
        if len(numbers) > self.limits.options_per_call:
            raise self._too_many_options()
        after = body.get("after")
        if not set(numbers) <= known.keys() or (after is not None and after not in known):
            raise Refused(404, self.error("One or more of the options were not found."))
        if "position" in body and body["position"] not in ("First", "Last"):
            raise Refused(400, self.error("The position must be 'First' or 'Last'."))
        moved = [known[number] for number in numbers]
        if len({option.parent for option in (*moved, *([known[after]] if after else []))}) > 1 or after in numbers:
            raise Refused(400, self.error("Cascading options and their parents cannot be moved together."))
        rest = [option for option in context.options if option not in moved]
        place = len(rest) if body.get("position") == "Last" else 0
        if after is not None:
            place = rest.index(known[after]) + 1
        context.options = rest[:place] + moved + rest[place:]
        return Reply(204)

    @route("DELETE", OPTIONS + "/{option}")
    def delete_option(self, request, version, field, context, option):
        context = self._context(request, version, field, context)
        found = next((each for each in context.options if each.id == option), None)
        if found is None:
            raise Refused(404, self.error("The option was not found."))
        if any(each.parent == option for each in context.options):
            raise Refused(400, self.error("The option has cascading options, which have to be deleted first."))
        context.options.remove(found)
        for issue in self.issues.values():
            # Issues lose the value, as if nobody had ever chosen it.
            issue.fields[field] = _stripped(issue.fields.get(field), option)
        return Reply(204)

    @route("GET", "/rest/api/{version}/customFields/{number}/options")
    def get_options_of_data_center(self, request, version, number):
        self._version(request, version)
        field = self.custom.get(f"customfield_{number}")
        if self.is_cloud or field is None or not field.contexts:
            raise Refused(404, self.error("The custom field was not found."))
        size, page = min(int(request.query.get("maxResults", 50)), 1000), int(request.query.get("page", 1))
        known = [option for context in field.contexts.values() for option in context.options]
        values = [
            {"id": int(option.id), "value": option.value, "disabled": option.disabled,
             "childrenIds": [int(child.id) for child in known if child.parent == option.id]}
            for option in known
        ]  # fmt: skip
        start = (page - 1) * size
        return Reply(200, {"maxResults": size, "startAt": start, "total": len(values),
                           "isLast": start + size >= len(values), "options": values[start : start + size]})  # fmt: skip

    def _field(self, request, version, number):
        self._version(request, version)
        if not self.is_cloud:
            raise self.unknown(request)
        if not request.person.is_admin:
            raise Refused(403, self.error(ONLY_ADMINISTRATORS))
        field = self.custom.get(number)
        if field is None or not field.contexts:
            raise Refused(404, self.error("The custom field was not found."))
        return field

    def _context(self, request, version, field, number):
        context = self._field(request, version, field).contexts.get(number)
        if context is None:
            raise Refused(404, self.error("The context was not found for the custom field."))
        return context

    def _options(self, request, keys):
        body = self._json(request)
        self._only(body, {"options"})
        options = body.get("options")
        if not isinstance(options, list) or not all(isinstance(each, dict) for each in options) or not options:
            raise Refused(400, self.error("A list of options is required."))
        if len(options) > self.limits.options_per_call:
            raise self._too_many_options()
        for each in options:
            self._only(each, keys)
        return options

    def _too_many_options(self):
        limit = f"{self.limits.options_per_call:,}"
        return Refused(400, self.error(f"The number of options in a request is limited to {limit}."))

    def _only(self, body, keys):
        if not keys >= body.keys():
            text = "Invalid request payload. Refer to the REST API documentation and try again."
            raise Refused(400, self.error(text))

    def _paged(self, request, values, default, cap=1000):
        start, size = self._page(request, default=default, cap=cap)
        return {"isLast": start + size >= len(values), "maxResults": size, "startAt": start, "total": len(values),
                "values": values[start : start + size]}  # fmt: skip


def _shown(option):
    shown = {"id": option.id, "value": option.value, "disabled": option.disabled}
    return shown | ({"optionId": option.parent} if option.parent else {})


def _stripped(value, number):
    """The value of a field without an option."""
    if isinstance(value, list):
        return [option for option in value if option["id"] != number] or None
    if not isinstance(value, dict):
        return value
    if value["id"] == number:
        return None
    if value.get("child", {}).get("id") == number:
        return {key: part for key, part in value.items() if key != "child"}
    return value
