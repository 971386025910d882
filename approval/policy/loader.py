"""
The policy (who is who, and which request passes which chain): from a YAML file into the database.

.. code-block:: yaml

    principals:
      alice: {identities: ["pg:alice", "salt:alice"]}          # kind: person unless it says service
      mallory: {disabled: true}
    groups:
      change-managers: {title: Release changes, members: [alice]}
    types:
      package:
        title: Install packages
        kind: package
        requesters: ["*"]
        chain: [{name: release, any_of: [{group: change-managers, quorum: 1}]}]
    calendars:
      weekend:
        {rule: FREQ=WEEKLY;BYDAY=SA, time_zone: Europe/Berlin, duration: 6 hours, starts_on: 2026-01-03 22:00}
    minion_groups:
      shops: {title: In the shops, minions: [till1, till2]}
      database-pair: {minions: [db1, db2], at_once: 1}       # never both at a time; any: as many as there are
    freezes:
      christmas: {from: 2026-12-20, until: 2027-01-07, minion_group: shops, reason: Christmas business}
      inventory: {lifted: true}
    speakers:                                                  # login, or a role that logins have
      approval_operator: {salt: asserted}
      salt_portal: {oidc: authenticated}
    routes:                                                    # what another system is told
      chat: [{topic: requests, filter: {act: approved}}, {topic: drift, groups: [shops]}]
    contacts:                                                  # where people are told of what waits for them
      alice: {slack-ops: T024/U061}
    readers:                                                   # who may read what; everybody, of what it does not name
      values: [{groups: [change-managers]}, {groups: [shop-managers], minion_group: shops}]
    alarms:                                                    # rules for kinds of alarms
      unapproved-job: {group_functions: {shops: ["cmd.*"]}, quiet_hours: weekend}
      drift: {severity: info, muted_groups: [shops]}

The file says all about what it names: identities, members, minions, a speaker's providers, a destination's routes and
the readers of something that it does not list are dropped (where it has no such list they stay); of a kind of alarm
what it does not say is as usual. Objects that it does not name are left alone, so a policy can be in several files.
"""

import datetime
import json

import yaml

from .. import db
from ..errors import InputError
from ..intake import durations, fields, items
from . import calendars, diff, functions

PRINCIPAL_KEYS = ("kind", "identities", "disabled")
GROUP_KEYS = ("title", "members")
MINION_GROUP_KEYS = ("title", "minions", "at_once")
FREEZE_KEYS = ("from", "until", "type", "minion_group", "reason", "lifted")
SPEAKER_KEYS = ("assurance", "attests")
ROUTE_LISTS = ("groups", "types", "outcomes", "functions", "users", "severities")
ROUTE_KEYS = ("topic", "filter", *ROUTE_LISTS, "quiet_hours")
READER_KEYS = ("groups", "minion_group")
ALARM_KEYS = (
    "enabled", "severity", "functions", "read_only", "group_functions", "quiet_hours", "muted_groups",
)  # fmt: skip
ACTION_KEYS = ("function", "arg", "kwarg")


def parse(content):
    """The policy in the YAML text. Raises InputError for its shape; what it means the database checks."""
    try:
        # The loader is a SafeLoader; ruff only knows those of PyYAML itself.
        policy = yaml.load(content, Loader=_Loader)  # noqa: S506
    except yaml.YAMLError as exc:
        raise InputError(f"the policy is not YAML: {' '.join(str(exc).split())}") from None
    policy = _mapping("the policy", policy, tuple(SECTIONS))
    return {
        section: {name: read(name, body) for name, body in _named(section, policy.get(section))}
        for section, read in SECTIONS.items()
    }


def load(conn, policy, dry_run=False, warnings=None):
    """
    Make the database's policy what parse() returned, in one transaction; lines that say what changes.

    Needs role approval_policy_admin. A second time nothing changes, but that the openings of calendars are
    worked out further ahead. ``dry_run`` takes everything back at the end. To the list ``warnings`` is added what
    then cannot work: quorums that no group reaches, names that look alike, functions that Salt does not have.
    """
    with db.translated(), conn.transaction(force_rollback=dry_run):
        lines = []
        for change in diff.changes(show(conn), policy, datetime.datetime.now(datetime.timezone.utc)):
            answer = db.value(conn, change.function, *change.arguments)
            lines += change.lines(answer)
        if warnings is not None:
            warnings += _problems(conn, policy)
        return lines


def _problems(conn, policy):
    found = [
        f"{row['subject']}: {row['problem']}"
        for row in db.call(conn, "check_policy")
        if row["subject"].startswith(("type ", "types ", "principals "))
    ]
    wanted = {
        f"type {name}": definition["action"]["function"]
        for name, definition in policy["types"].items()
        if definition.get("action")
    }
    return found + functions.warnings(wanted)


def show(conn):
    """
    The policy as it stands: {principals, groups, types, calendars, minion_groups, freezes, speakers, routes,
    contacts, readers, alarms}.
    """
    policy = db.value(conn, "show_policy")
    for name, body in policy["calendars"].items():
        duration = durations.parse(f"calendar {name}", body["duration"])
        body["duration"] = durations.text(duration)
    return policy


def to_yaml(policy):
    """The answer of show(), in the form that parse() reads."""
    principals = {
        name: {
            "kind": body["kind"],
            "identities": [f"{identity['provider']}:{identity['subject']}" for identity in body["identities"]],
            **({"disabled": True} if body["disabled"] else {}),
        }
        for name, body in policy["principals"].items()
    }
    types = {name: _without_name(body["definition"]) for name, body in policy["types"].items()}
    freezes = {
        name: {key: value for key, value in body.items() if value is not None}
        for name, body in policy["freezes"].items()
    }
    speakers = {
        login: {provider: body if body["attests"] else body["assurance"] for provider, body in providers.items()}
        for login, providers in policy["speakers"].items()
    }
    routes = {
        destination: [{key: value for key, value in route.items() if value} for route in listed]
        for destination, listed in policy["routes"].items()
    }
    minion_groups = {
        group: {key: value for key, value in body.items() if value is not None}
        for group, body in policy["minion_groups"].items()
    }
    changed = {
        "principals": principals,
        "types": types,
        "minion_groups": minion_groups,
        "freezes": freezes,
        "speakers": speakers,
        "routes": routes,
    }
    return _dump({**policy, **changed})


def type_to_yaml(definition):
    """A request type as show_type() gives it, in the form that parse() reads."""
    return _dump({"types": {definition["name"]: _without_name(definition)}})


def _dump(policy):
    return yaml.safe_dump(policy, sort_keys=False, allow_unicode=True)


def _without_name(definition):
    return {key: value for key, value in definition.items() if key != "name"}


def _principal(name, body):
    body = _mapping(f"principal {name}", body, PRINCIPAL_KEYS)
    disabled = body.get("disabled", False)
    if not isinstance(disabled, bool):
        raise InputError(f"principal {name}: disabled must be true or false")
    identities = body.get("identities")
    if identities is not None:
        identities = [_identity(name, text) for text in _texts(f"principal {name}: identities", identities)]
    return {
        "kind": fields.text(f"principal {name}: kind", body.get("kind", "person")),
        "identities": identities,
        "disabled": disabled,
    }


def _identity(name, text):
    provider, separator, subject = text.partition(":")
    if not separator or not provider or not subject:
        raise InputError(f"principal {name}: {text!r} is not an identity, such as pg:alice or salt:alice")
    if subject != subject.strip() or provider != provider.strip():
        raise InputError(f"principal {name}: {text!r} has spaces around a part of it, as no identity has")
    return provider, subject


def _group(name, body):
    body = _mapping(f"group {name}", body, GROUP_KEYS)
    members = body.get("members")
    return {
        "title": _remark(f"group {name}: title", body.get("title")),
        "members": None if members is None else _texts(f"group {name}: members", members),
    }


def _minion_group(name, body):
    body = _mapping(f"minion group {name}", body, MINION_GROUP_KEYS)
    minions = body.get("minions")
    return {
        "title": _remark(f"minion group {name}: title", body.get("title")),
        "minions": None if minions is None else _texts(f"minion group {name}: minions", minions),
        **({"at_once": _at_once(f"minion group {name}: at_once", body["at_once"])} if "at_once" in body else {}),
    }


def _at_once(what, value):
    """How many minions of a group at a time; None: any number."""
    if value == diff.ANY:
        return None
    if type(value) is not int or not 1 <= value <= 1_000_000:
        raise InputError(f"{what} is {json.dumps(value, default=str)}: give a whole number from 1 on, or {diff.ANY}")
    return value


def _calendar(name, body):
    return calendars.parse(f"calendar {name}", _mapping(f"calendar {name}", body, calendars.KEYS))


def _freeze(name, body):
    what = f"freeze {name}"
    body = _mapping(what, body, FREEZE_KEYS)
    if body.get("lifted"):
        if body != {"lifted": True}:
            raise InputError(f"{what}: what is lifted has no other keys, and lifted is true")
        return None
    for key in ("from", "until"):
        if body.get(key) is None:
            raise InputError(f"{what} has no {key}")
    return {
        **{key: fields.time(f"{what}: {key}", body[key]) for key in ("from", "until")},
        **{key: fields.optional_text(f"{what}: {key}", body.get(key)) for key in ("type", "minion_group")},
        "reason": _remark(f"{what}: reason", body.get("reason")) or "",
    }


def _speaker(login, body):
    return {
        provider: _voice(f"speaker {login}: {provider}", voice) for provider, voice in _named(f"speaker {login}", body)
    }


def _voice(what, body):
    """How a login speaks for a provider: its assurance alone, or with more said."""
    body = {"assurance": body} if isinstance(body, str) else _mapping(what, body, SPEAKER_KEYS)
    attests = body.get("attests", False)
    if not isinstance(attests, bool):
        raise InputError(f"{what}: attests must be true or false")
    return {"assurance": fields.text(f"{what}: assurance", body.get("assurance")), "attests": attests}


def _routes(destination, body):
    what = f"routes of {destination}"
    if not isinstance(body, list):
        raise InputError(f"{what} must be a list")
    routes = [_mapping(f"an entry of {what}", entry, ROUTE_KEYS) for entry in body]
    return [
        {
            "topic": fields.text(f"{what}: topic", route.get("topic")),
            "filter": _json(f"{what}: filter", _mapping(f"{what}: filter", route.get("filter"), None)),
            # Sorted, as the database has them.
            **{key: sorted(set(_texts(f"{what}: {key}", route[key]))) for key in ROUTE_LISTS if route.get(key)},
            **(
                {"quiet_hours": fields.text(f"{what}: quiet_hours", quiet)}
                if (quiet := route.get("quiet_hours"))
                else {}
            ),
        }
        for route in routes
    ]


def _contacts(name, body):
    """Channel -> address of somebody; None: they are told there no more."""
    what = f"contacts of {name}"
    return {
        channel: None if address is None else fields.text(f"{what}: {channel}", address)
        for channel, address in _named(what, body)
    }


def _readers(kind, body):
    """Who may read something, an entry for each group of minions, as the database has them; None: all known people."""
    what = f"readers of {kind}"
    if body == diff.ALL:
        return None
    if not isinstance(body, list) or not body:
        raise InputError(f"{what} must be a list of entries with groups, or {diff.ALL}, for all known people")
    named = {}
    for entry in body:
        reader = _mapping(f"an entry of {what}", entry, READER_KEYS)
        minion_group = fields.optional_text(f"{what}: minion_group", reader.get("minion_group"))
        groups = _texts(f"{what}: groups", reader.get("groups"))
        if not groups:
            raise InputError(f"{what}: an entry names no groups")
        named.setdefault(minion_group, set()).update(groups)
    return [
        {"groups": sorted(named[minion_group]), **({"minion_group": minion_group} if minion_group else {})}
        for minion_group in sorted(named, key=lambda name: (name is not None, name))
    ]


def _alarm(kind, body):
    what = f"alarms of kind {kind}"
    rule = _mapping(what, body, ALARM_KEYS)
    for key in ("functions", "read_only", "muted_groups"):
        if key in rule:
            _texts(f"{what}: {key}", rule[key])
    for group, counting in _named(f"{what}: group_functions", rule.get("group_functions")):
        _texts(f"{what}: group_functions: {group}", counting)
    return _json(what, rule)


def _type(name, body):
    definition = {"name": name, **_mapping(f"type {name}", body, None)}
    for key in diff.DURATIONS:
        _check_duration(f"type {name}: {key}", definition, key)
    rollout = definition.get("rollout")
    _check_duration(f"type {name}: soak of rollout", rollout if isinstance(rollout, dict) else {}, "soak")
    chain = definition.get("chain")
    for place, stage in enumerate(chain if isinstance(chain, list) else (), 1):
        _check_duration(f"type {name}: timeout of stage {place}", stage if isinstance(stage, dict) else {}, "timeout")
    definition = _json(f"type {name}", definition)
    if "action" in definition:
        action = _mapping(f"type {name}: action", definition["action"], ACTION_KEYS)
        fields.text(f"type {name}: action: function", action.get("function"))
        _mapping(f"type {name}: action: kwarg", action.get("kwarg"), None)
        if not isinstance(action.get("arg", []), list):
            raise InputError(f"type {name}: action: arg must be a list")
    for schema in ("parameters", "returns"):
        if schema in definition:
            items.check_schema(f"type {name}: {schema}", definition[schema])
    return definition


def _json(what, value):
    """``value`` as JSON gives it back."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        raise InputError(f"{what} has a value that JSON has no form for, such as a date: quote it") from None


def _check_duration(what, body, key):
    """The database says what the text must be; of a number nobody knows what it was to count."""
    if key in body and not isinstance(body[key], str):
        raise InputError(
            f"{what} is {json.dumps(body[key], default=str)}, without a unit (YAML makes 90 of 1:30): "
            "give text such as 4 hours or 1 day 12 hours"
        )


# Each part of a policy and what reads an entry of it.
SECTIONS = {
    "principals": _principal,
    "groups": _group,
    "types": _type,
    "calendars": _calendar,
    "minion_groups": _minion_group,
    "freezes": _freeze,
    "speakers": _speaker,
    "routes": _routes,
    "contacts": _contacts,
    "readers": _readers,
    "alarms": _alarm,
}


def _named(what, value):
    for name, body in _mapping(what, value, None).items():
        yield fields.text(f"a name in {what}", name), body


def _mapping(what, value, known):
    value = {} if value is None else value
    if not isinstance(value, dict):
        raise InputError(f"{what} must be a mapping")
    unknown = [key for key in value if known and key not in known]
    if unknown:
        raise InputError(f"{what}: unknown key {unknown[0]!r} (known: {', '.join(known)})")
    return value


def _remark(what, value):
    """Text that may be empty, or None."""
    return value if value == "" else fields.optional_text(what, value)


def _texts(what, value):
    if not isinstance(value, list):
        raise InputError(f"{what} must be a list")
    return [fields.text(f"an entry of {what}", entry) for entry in value]


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice, of which YAML would drop the first without a word."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value:
            key = (key_node.tag, key_node.value if isinstance(key_node, yaml.ScalarNode) else id(key_node))
            if key in seen and key_node.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key_node.value!r} is there twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)
