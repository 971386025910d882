"""
Who is who, and which request passes which chain: from a YAML file into the database.

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

The file says all about what it names: identities and members that it does not list are dropped (where it
has no such list they stay). What it does not name is left alone, so a policy can be in several files.
"""

import json

import yaml
from psycopg.types.json import Jsonb

from . import db, intake
from .errors import InputError

PRINCIPAL_KEYS = ("kind", "identities", "disabled")
GROUP_KEYS = ("title", "members")


def parse(content):
    """The policy in the YAML text. Raises InputError for its shape; what it means the database checks."""
    try:
        # The loader is a SafeLoader; ruff only knows those of PyYAML itself.
        policy = yaml.load(content, Loader=_Loader)  # noqa: S506
    except yaml.YAMLError as exc:
        raise InputError(f"the policy is not YAML: {' '.join(str(exc).split())}") from None
    policy = _mapping("the policy", policy, ("principals", "groups", "types"))
    return {
        "principals": {
            name: _principal(name, body) for name, body in _named("principals", policy.get("principals"))
        },
        "groups": {name: _group(name, body) for name, body in _named("groups", policy.get("groups"))},
        "types": {name: _type(name, body) for name, body in _named("types", policy.get("types"))},
    }


def load(conn, policy, dry_run=False):
    """
    Make the database's policy what parse() returned, in one transaction; a line for each thing that changes.

    Needs role approval_policy_admin. A second time nothing changes. ``dry_run`` takes everything back at
    the end.
    """
    with db.translated(), conn.transaction(force_rollback=dry_run):
        current = show(conn)
        lines = []
        for line, function, args in _changes(current, policy):
            if function == "put_request_type":
                line = f"{line} version {db.value(conn, function, *args)}"
            else:
                db.call(conn, function, *args)
            lines.append(line)
        return lines


def show(conn):
    """The policy as it stands: {principals, groups, types}."""
    return db.value(conn, "show_policy")


def to_yaml(policy):
    """What show() returned, in the form that parse() reads."""
    principals = {
        name: {
            "kind": body["kind"],
            "identities": [
                f"{identity['provider']}:{identity['subject']}" for identity in body["identities"]
            ],
            **({"disabled": True} if body["disabled"] else {}),
        }
        for name, body in policy["principals"].items()
    }
    types = {
        name: {key: value for key, value in body["definition"].items() if key != "name"}
        for name, body in policy["types"].items()
    }
    return yaml.safe_dump(
        {"principals": principals, "groups": policy["groups"], "types": types},
        sort_keys=False,
        allow_unicode=True,
    )


def _changes(current, policy):
    """Yield (line, function, arguments) in an order in which each is possible."""
    drops, puts = [], []
    for name, wanted in policy["principals"].items():
        _principal_changes(name, wanted, current["principals"].get(name), drops, puts)
    for name, wanted in policy["groups"].items():
        existing = current["groups"].get(name, {"title": None, "members": []})
        title = wanted["title"] if wanted["title"] is not None else existing["title"] or ""
        if title != existing["title"]:
            puts.append((f"+ group {name}: {title}", "put_group", (name, title)))
        if wanted["members"] is None:
            continue
        for member in sorted(set(existing["members"]) - set(wanted["members"])):
            drops.append((f"- member {member} of {name}", "drop_membership", (name, member)))
        for member in sorted(set(wanted["members"]) - set(existing["members"])):
            puts.append((f"+ member {member} of {name}", "put_membership", (name, member)))
    for name, definition in policy["types"].items():
        existing = current["types"].get(name)
        if existing is None or existing["definition"] != definition:
            puts.append((f"+ type {name}", "put_request_type", (Jsonb(definition),)))
    return drops + puts


def _principal_changes(name, wanted, existing, drops, puts):
    if (
        existing is None
        or existing["kind"] != wanted["kind"]
        or (existing["disabled"] and not wanted["disabled"])
    ):
        puts.append((f"+ principal {name} ({wanted['kind']})", "put_principal", (name, wanted["kind"])))
    if wanted["disabled"] and not (existing or {}).get("disabled"):
        puts.append((f"- principal {name} disabled", "disable_principal", (name,)))
    if wanted["identities"] is None:
        return
    held = {
        (identity["provider"], identity["subject"]) for identity in (existing or {}).get("identities", ())
    }
    for provider, subject in sorted(held - set(wanted["identities"])):
        drops.append((f"- identity {provider}:{subject} of {name}", "drop_identity", (provider, subject)))
    for provider, subject in sorted(set(wanted["identities"]) - held):
        puts.append((f"+ identity {provider}:{subject} of {name}", "put_identity", (provider, subject, name)))


def _principal(name, body):
    body = _mapping(f"principal {name}", body, PRINCIPAL_KEYS)
    disabled = body.get("disabled", False)
    if not isinstance(disabled, bool):
        raise InputError(f"principal {name}: disabled must be true or false")
    identities = body.get("identities")
    if identities is not None:
        identities = [_identity(name, text) for text in _texts(f"principal {name}: identities", identities)]
    return {
        "kind": intake.text(f"principal {name}: kind", body.get("kind", "person")),
        "identities": identities,
        "disabled": disabled,
    }


def _identity(name, text):
    provider, separator, subject = text.partition(":")
    if not separator or not provider or not subject:
        raise InputError(f"principal {name}: {text!r} is not an identity, such as pg:alice or salt:alice")
    return provider, subject


def _group(name, body):
    body = _mapping(f"group {name}", body, GROUP_KEYS)
    members = body.get("members")
    return {
        "title": intake.optional_text(f"group {name}: title", body.get("title")),
        "members": None if members is None else _texts(f"group {name}: members", members),
    }


def _type(name, body):
    definition = {"name": name, **_mapping(f"type {name}", body, None)}
    try:
        return json.loads(json.dumps(definition, allow_nan=False))
    except (TypeError, ValueError):
        raise InputError(
            f"type {name} has a value that JSON has no form for, such as a date: quote it"
        ) from None


def _named(what, value):
    for name, body in _mapping(what, value, None).items():
        yield intake.text(f"a name in {what}", name), body


def _mapping(what, value, known):
    value = {} if value is None else value
    if not isinstance(value, dict):
        raise InputError(f"{what} must be a mapping")
    unknown = [key for key in value if known and key not in known]
    if unknown:
        raise InputError(f"{what}: unknown key {unknown[0]!r} (known: {', '.join(known)})")
    return value


def _texts(what, value):
    if not isinstance(value, list):
        raise InputError(f"{what} must be a list")
    return [intake.text(f"an entry of {what}", entry) for entry in value]


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
