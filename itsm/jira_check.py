"""What a site of Jira has to have for its settings to work."""

import datetime
from urllib.parse import quote

from . import checking, jira_assets
from .ticket import Denied, Gone

# The permissions that we need in a project, and what for.
PERMISSIONS = {
    "BROWSE_PROJECTS": "tickets are not read",
    "ADD_COMMENTS": "tickets are not told anything",
    "EDIT_OWN_COMMENTS": "the comment on progress is not kept up to date",
    "TRANSITION_ISSUES": "tickets stay where they are",
}
# A permission without which everything else goes on, and what it is for.
LINKS = ("LINK_ISSUES", "tickets get no link to their request")
# The type that a field has to have, by the form in which it is read.
KINDS = {"options": "array", "cascade": "option-with-child", "lines": "string", jira_assets.FORM: "assets"}
# The types of fields that refer to objects of Assets, of the Cloud and of Data Center.
ASSETS = ("com.atlassian.jira.plugins.cmdb:cmdb-object-cftype",
          "com.riadalabs.jira.plugins.insight:rlabs-customfield-default-object")  # fmt: skip
TIME = "datetime"
PAGE = 100
OLDEST_SIGNING = 10  # the first Data Center that signs its webhooks
# The stages out of which a transition leads into a stage.
PRECEDING = {"waiting": ("approved", "revert"), "done": ("waiting",), "failed": ("waiting",)}


def findings(system, client):
    """See ticket.System.check()."""
    name, rest, http = system.site.provider, client.rest, client.http
    us = client.us()
    subject = us.get("accountId") or us.get("key")
    yield "ok", f"we are {us.get('displayName')} there ({subject})", None
    if subject not in system.site.ignore_actors:
        yield "warning", f"our own account {subject} is not among ignore_actors", "Add it there: we decide nothing."
    about = http.get(f"{rest}/serverInfo")
    yield checking.clock(name, about, datetime.datetime.now(datetime.timezone.utc))
    yield from _kind(system, about.content)
    for project in sorted({project for project, _ in system.own.types}):
        yield from _project(system, client, project)
    yield from _fields(system, http.get(f"{rest}/field").content)
    if system.own.assets is not None:
        yield from _assets(system.own.assets, client)
    for stage in system.own.moves:
        yield from _move(system, client, stage)
    yield from _options(system, client)


def _kind(system, about):
    is_cloud = about.get("deploymentType") == "Cloud"
    if is_cloud != (system.own.api == "cloud"):
        right = "cloud" if is_cloud else "datacenter"
        yield "error", f"the site is of another kind than api: {system.own.api}", f"Set api: {right}."
    elif not is_cloud and (about.get("versionNumbers") or [0])[0] < OLDEST_SIGNING:
        yield (
            "error",
            f"Jira {about.get('version')} does not sign its webhooks, so none of them is taken",
            f"Upgrade it to {OLDEST_SIGNING}.0, or have rules call the routes.",
        )
    else:
        yield "ok", f"it is Jira {'Cloud' if is_cloud else about.get('version')}", None


def _project(system, client, project):
    at = quote(project, safe="")
    try:
        client.http.get(f"{client.rest}/project/{at}")
        types = client.http.get(f"{client.rest}/project/{at}/statuses").content
    except Denied as exc:
        if exc.status not in (403, 404):
            raise
        yield (
            "error",
            f"there is no project {project} that we may see",
            "Correct its key, or give us *Browse projects*.",
        )
        return
    asked = {"projectKey": project, "permissions": ",".join((*PERMISSIONS, LINKS[0]))}
    given = client.http.get(f"{client.rest}/mypermissions", **asked).content["permissions"]
    for permission, harm in PERMISSIONS.items():
        if not given.get(permission, {}).get("havePermission"):
            yield "error", f"we have not {permission} in {project}: {harm}", "Give it to our account's role there."
    permission, harm = LINKS
    if system.own.remote_links and not given.get(permission, {}).get("havePermission"):
        yield (
            "warning",
            f"we have not {permission} in {project}: {harm}",
            "Give it to our account's role there, or set remote_links: false.",
        )
    known = {one["name"].casefold(): {status["name"].casefold() for status in one["statuses"]} for one in types}
    wanted = [name for key, name in system.own.types if key == project]
    for name in wanted:
        if name not in known:
            yield (
                "error",
                f"{project} has no issue type {name!r} (there are {_names(one['name'] for one in types)})",
                "Correct its name under types, or add it to the project.",
            )
    there = set().union(*(known.get(name, ()) for name in wanted))
    named = {status for edges in system.own.edges.values() for edge in edges for status in edge if status is not None}
    missing = sorted(named - there) if there else []
    if missing:
        yield (
            "error",
            f"{project} has no status {_names(missing)} in the workflows of these issue types",
            "Correct the names under workflow.",
        )
    elif there:
        yield "ok", f"{project} has the issue types and statuses that are named", None


def _fields(system, fields):
    kinds = {field["id"]: _type_of(field.get("schema") or {}) for field in fields}
    wrong = False
    for (project, name), one in system.own.types.items():
        wanted = [(field, KINDS.get(form)) for form, field in (*one.minions, *one.packages)]
        for field, kind in [*wanted, *([] if one.after is None else [(one.after, TIME)])]:
            where = f"{project}, {name}: {field}"
            if field not in kinds:
                wrong = True
                yield "error", f"{where}: there is no such field", "Correct its id: customfield_ and a number."
            elif kind is not None and kinds[field] != kind:
                wrong = True
                yield (
                    "error",
                    f"{where} is of type {kinds[field]}, where {kind} is needed for what is read of it",
                    "Name another field, or another form of it.",
                )
    if not wrong:
        yield "ok", "the fields are there, and of the right types", None


def _type_of(schema):
    return KINDS[jira_assets.FORM] if schema.get("custom") in ASSETS else schema.get("type")


def _assets(own, client):
    """Whether Assets is where the settings say, and has the attributes that are read."""
    try:
        if own.workspace is not None:
            there = client.http.get("/rest/servicedeskapi/assets/workspace").content["values"]
            known = [one.get("workspaceId") for one in there]
            if own.workspace not in known:
                yield (
                    "error",
                    f"the workspace of Assets is not {own.workspace} (there is {_names(known) or 'none'})",
                    "Correct workspace under assets.",
                )
                return
        root = jira_assets.root(own)
        if own.workspace is None:
            schemas = client.assets.get(f"{root}/objectschema/list").content["objectschemas"]
        else:
            schemas = client.assets.get(f"{root}/objectschema/list", maxResults=PAGE).content["values"]
        known = {
            attribute["name"]
            for schema in schemas
            for attribute in client.assets.get(f"{root}/objectschema/{schema['id']}/attributes").content
        }
    except Denied as exc:
        if exc.status not in (403, 404):
            raise
        yield (
            "error",
            f"we may not read Assets: {exc}",
            "Give our account access to Jira Service Management, and the role *Object schema users*.",
        )
        return
    missing = set(own.attributes.values()) - known
    if missing:
        yield (
            "error",
            f"no schema of Assets that we may read has an attribute {_names(missing)}",
            "Correct the names under assets, or give us *Object schema users* of the schema that has them.",
        )
    else:
        yield "ok", "Assets has the attributes that are read", None


def _move(system, client, stage):
    """Whether an issue that is there now can be moved; nothing is moved."""
    statuses = sorted({end for one in PRECEDING.get(stage, ()) for _, end in system.own.edges.get(one, ())})
    found = client.in_statuses(statuses) if statuses else None
    name = system.own.moves[stage]
    if found is None:
        where = f" ({_names(statuses)})" if statuses else ""
        yield (
            "warning",
            f"whether {name!r} leads to {stage} could not be tried: no issue is where it leads from{where}",
            "Try again when there is one.",
        )
        return
    try:
        offered = {one["name"].strip().casefold(): one for one in client.transitions(found)}
    except Gone:
        offered = {}
    transition = offered.get(name.strip().casefold())
    if transition is None:
        yield (
            "error",
            f"issue {found} has no transition {name!r} for us (there is {_names(offered) or 'none'})",
            "Correct the name under moves, or let our account take it.",
        )
        return
    yield "ok", f"the transition {name!r} is there for us, as for issue {found}", None
    yield from _resolution(name, system.own.resolutions.get(stage), transition.get("fields", {}).get("resolution"))


def _resolution(name, wanted, shown):
    """Whether a resolution can be set with a transition, by what its screen has of it: None where it has none."""
    if wanted is None:
        if shown and shown.get("required"):
            yield (
                "error",
                f"the transition {name!r} wants a resolution",
                f"Say it under moves, as in {{transition: {name}, resolution: Done}}.",
            )
        return
    if shown is None:
        yield (
            "warning",
            f"the screen of the transition {name!r} has no resolution, so {wanted!r} is not set",
            "Put the field on its screen, or have the workflow set it.",
        )
        return
    values = [value.get("name") for value in shown.get("allowedValues", ())]
    if wanted in values:
        yield "ok", f"the transition {name!r} sets the resolution {wanted!r}", None
    else:
        yield (
            "error",
            f"there is no resolution {wanted!r} (there is {_names(values) or 'none'})",
            "Correct the name under moves.",
        )


def _options(system, client):
    if system.own.api != "cloud":
        yield "ok", "Data Center lets nobody write options: they are not kept up to date", None
        return
    given = client.http.get(f"{client.rest}/mypermissions", permissions="ADMINISTER").content["permissions"]
    if given["ADMINISTER"]["havePermission"]:
        yield "ok", "we may write the options of fields", None
    else:
        yield (
            "warning",
            "we have not *Administer Jira*: the options of fields are not kept up to date",
            "Give it to our account, if they are to be.",
        )


def _names(names):
    return ", ".join(sorted(map(repr, names)))
