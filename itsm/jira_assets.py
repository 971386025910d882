"""
Objects of Assets, a part of Jira Service Management, that the fields of issues refer to.

A field holds references alone. The objects are fetched with the issue, from the place that the settings name, and count
as far as they are read here: an object that is edited changes what the ticket asks for, as an edited field does.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote

from ..errors import ConfigError, InputError
from . import items, jira_fields, sites
from .ticket import Unfetched

FORM = "assets"
MOST = 100  # objects of one ticket: each is a question of its own
GATEWAY = "https://api.atlassian.com"  # where Assets of the Cloud is
WORKSPACE = re.compile("[A-Za-z0-9-]{1,64}")
NUMBER = re.compile("[0-9]{1,19}")
KEY = re.compile("[A-Z][A-Z0-9_]{0,39}-[0-9]{1,19}")
# The attributes that are read of the object of a package, and of a minion.
PACKAGE, MINION = ("package", "version"), ("minion",)


@dataclass(frozen=True)
class Settings:
    """
    Where objects are, and which of their attributes are read.

    workspace
        The id of the site's workspace; None: Data Center, which has but one.
    attributes
        The name of the attribute for each of PACKAGE and MINION that is read.
    """

    workspace: str | None
    attributes: dict


def load(where, given, is_cloud, ticket_types):
    """The Settings in the mapping ``given``; None: no field of the types refers to objects. Raises ConfigError."""
    read = {name for one in ticket_types for names in _fields(one).values() for name in names}
    if given is None and not read:
        return None
    sites.mapping(where, given, ("workspace", *PACKAGE, *MINION))
    workspace = given.get("workspace")
    if is_cloud and (not isinstance(workspace, str) or not WORKSPACE.fullmatch(workspace)):
        raise ConfigError(f"{where}: workspace must be the id that /rest/servicedeskapi/assets/workspace shows")
    if not is_cloud and workspace is not None:
        raise ConfigError(f"{where}: Data Center has no workspaces")
    names = [name for name in (*PACKAGE, *MINION) if name in read or name in given]
    return Settings(workspace, {name: sites.text(f"{where}: {name}", given.get(name)) for name in names})


def references(own, ticket_type, fields):
    """
    The objects that the fields of an issue refer to, each once: their numbers, or in Data Center their keys. Raises
    InputError.
    """
    found = dict.fromkeys(one for name in _fields(ticket_type) for one in _references(own, name, fields.get(name)))
    if len(found) > MOST:
        raise InputError(
            f"{', '.join(_fields(ticket_type))}: the ticket refers to {len(found)} objects of Assets, of which {MOST} "
            "are read at most: ask by several tickets"
        )
    return tuple(found)


def path(own, reference):
    """The path of an object, below address()."""
    return f"{root(own)}/object/{quote(reference, safe='')}"


def root(own):
    """The path below which Assets is."""
    if own.workspace is None:
        return "/rest/assets/1.0"
    return f"/jsm/assets/workspace/{quote(own.workspace, safe='')}/v1"


def address(site, gateway=GATEWAY):
    """The address below which the paths of a site's Assets are."""
    if site.own.assets.workspace is None:
        return site.url
    cloud_id = site.auth.get("cloud_id")
    return gateway if cloud_id is None else f"{gateway}/ex/jira/{quote(cloud_id, safe='')}"


def readable(site, ticket_type, fields, objects):
    """
    The fields that refer to objects, as items.minions() and items.packages() take them.

    objects
        What was fetched, by reference; None: there is no such object, or not for us.

    Raises InputError, Unfetched.
    """
    own = site.own.assets
    missing = [one for one in references(own, ticket_type, fields) if one not in objects]
    if missing:
        raise Unfetched(
            f"{', '.join(_fields(ticket_type))}: object {missing[0]} of Assets was not fetched with the ticket",
            ticket_type.request_type,
            [f"{address(site) or ''}{path(own, one)}" for one in missing],
        )
    return {
        name: [_read(own, name, roles, one, objects[one]) for one in _references(own, name, fields[name])]
        for name, roles in _fields(ticket_type).items()
        if fields.get(name) is not None
    }


def bound(own, ticket_type, fields, objects):
    """
    The fields that refer to objects, as they are bound: the reference of each object, and the texts that were read of
    it. A field that refers to something else is left out.
    """
    found = {}
    for name, roles in _fields(ticket_type).items():
        try:
            found[name] = [
                {"id": one, "read": _attributes(own, roles, one, objects.get(one))}
                for one in sorted(_references(own, name, fields.get(name)))
            ]
        except InputError:
            continue
    return found


def _fields(ticket_type):
    """The fields that refer to objects, and what is read of those: {field: names}."""
    found = {}
    for sources, names in ((ticket_type.minions, MINION), (ticket_type.packages, PACKAGE)):
        for form, name in sources:
            if form == FORM:
                found[name] = tuple(dict.fromkeys((*found.get(name, ()), *names)))
    return found


def _references(own, where, value):
    """The references in a field. Raises InputError."""
    return [_reference(own, where, one) for one in jira_fields.listed(where, [] if value is None else value)]


def _reference(own, where, value):
    if not isinstance(value, dict):
        raise InputError(f"{where}: {items.shown(value)} stands where an object of Assets has to be")
    if own.workspace is None:
        key = value.get("key")
        if not isinstance(key, str) or not KEY.fullmatch(key):
            raise InputError(f"{where}: {items.shown(key)} is no key of an object of Assets, as in CMDB-88")
        return key
    number, workspace = value.get("objectId"), value.get("workspaceId")
    if not isinstance(number, str) or not NUMBER.fullmatch(number):
        raise InputError(f"{where}: {items.shown(number)} is no number of an object of Assets, in quotes")
    if workspace != own.workspace or value.get("id") != f"{workspace}:{number}":
        raise InputError(
            f"{where}: object {number} of Assets is not of the site's workspace, {own.workspace}: choose one of that"
        )
    return number


def _read(own, where, names, reference, found):
    """(key, {name: text}) of an object. Raises InputError."""
    read = _attributes(own, names, reference, found)
    if read is None:
        raise InputError(f"{where}: there is no object {reference} of Assets that we may read: choose another one")
    key = found["objectKey"]
    for name in names:
        texts, attribute = read[name], own.attributes[name]
        if len(texts) != 1 or not isinstance(texts[0], str) or not texts[0].strip():
            raise InputError(
                f"{where}: object {key} of Assets has to have one text as its {attribute!r}, which is the {name}; it "
                f"has {', '.join(map(items.shown, texts)) or 'none'}"
            )
    return key, {name: read[name][0] for name in names}


def _attributes(own, names, reference, found):
    """The values of an object's attributes for these names, {name: values}; None: what was found is not the object."""
    if not isinstance(found, dict) or not isinstance(found.get("objectKey"), str):
        return None
    if reference != (found["objectKey"] if own.workspace is None else found.get("id")):
        return None
    values = {}
    given = found.get("attributes")
    for one in given if isinstance(given, list) else []:
        kind = one.get("objectTypeAttribute") if isinstance(one, dict) else None
        if isinstance(kind, dict) and isinstance(kind.get("name"), str):
            held = one.get("objectAttributeValues")
            values[kind["name"]] = [_value(each) for each in held] if isinstance(held, list) else []
    return {name: values.get(own.attributes[name], []) for name in names}


def _value(given):
    """A value as it is; of a reference to another object, and of what is no text or number, None."""
    value = given.get("value") if isinstance(given, dict) else None
    return value if isinstance(value, str | bool | int | float) else None
