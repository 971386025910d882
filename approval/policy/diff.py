"""The steps by which a policy becomes another, and how to tell them."""

import json
from dataclasses import dataclass, field

from .. import db
from ..intake import durations, fields

ABSENT = object()
ANY = "any"  # minions of a group at a time
ALL = "all"  # known people read it
# The keys of a type that are durations; a stage has timeout besides.
DURATIONS = ("max_open", "valid_for", "plan_within", "proof_within")


@dataclass
class Change:
    """
    A function of the database to call, with its arguments, and what the call means: a line, and a line for
    each thing in it that becomes another.
    """

    line: str
    function: str
    arguments: tuple
    details: list = field(default_factory=list)

    def lines(self, answer):
        """The sentence to tell when the function returned ``answer``."""
        return [self.line, *(f"    {detail}" for detail in self.details)]


class TypeChange(Change):
    """A request type; the function gives the version that it became."""

    def lines(self, answer):
        first, *rest = super().lines(answer)
        return [f"{first} version {answer}", *rest]


class PutEachTime(Change):
    """
    A calendar, for the sake of its openings, or a rule of alarms or readers, of a kind that there may not be; the
    function tells whether anything changed.
    """

    def lines(self, answer):
        return super().lines(answer) if answer else []


def changes(current, policy, now):
    """
    The Changes from ``current``, as loader.show() gives it, to ``policy``, as loader.parse() does, in an
    order in which each is possible. Openings of calendars are worked out from ``now`` on.
    """
    drops, puts = [], []
    for name, wanted in policy["principals"].items():
        _principal(name, wanted, current["principals"].get(name), drops, puts)
    for name, wanted in policy["groups"].items():
        _group(name, wanted, current["groups"].get(name), drops, puts)
    for name, wanted in policy["calendars"].items():
        puts.append(_calendar(name, wanted, current["calendars"].get(name), now))
    for name, wanted in policy["minion_groups"].items():
        puts += _minion_group(name, wanted, current["minion_groups"].get(name))
    for kind, wanted in policy["readers"].items():
        puts += _readers(kind, wanted, current["readers"].get(kind))
    for name, wanted in policy["types"].items():
        puts += _type(name, wanted, current["types"].get(name))
    for name, wanted in policy["freezes"].items():
        puts += _freeze(name, wanted, current["freezes"].get(name))
    for login, wanted in policy["speakers"].items():
        _speaker(login, wanted, current["speakers"].get(login, {}), drops, puts)
    for destination, wanted in policy["routes"].items():
        _routes(destination, wanted, current["routes"].get(destination, []), drops, puts)
    for name, wanted in policy["contacts"].items():
        _contacts(name, wanted, current["contacts"].get(name, {}), drops, puts)
    for kind, wanted in policy["alarms"].items():
        puts.append(_alarm(kind, wanted, current["alarms"].get(kind, {})))
    return drops + puts


def differences(old, new, path=""):
    """Yield ``path: old -> new`` for each place where two JSON values differ: ``chain[0].name: a -> b``."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            inner = f"{path}.{key}" if path else key
            yield from differences(old.get(key, ABSENT), new.get(key, ABSENT), inner)
    elif _is_list_of_mappings(old) and _is_list_of_mappings(new):
        for number in range(max(len(old), len(new))):
            inner = [entries[number] if number < len(entries) else ABSENT for entries in (old, new)]
            yield from differences(*inner, f"{path}[{number}]")
    elif old != new:
        show = _duration if path.rpartition(".")[2] in (*DURATIONS, "timeout", "soak") else _shown
        yield f"{path}: {show(old)} -> {show(new)}"


def _principal(name, wanted, existing, drops, puts):
    kind = wanted["kind"]
    if existing is None:
        puts.append(Change(f"+ principal {name} ({kind})", "put_principal", (name, kind)))
        existing = {"kind": kind, "disabled": False, "identities": []}
    if existing["kind"] != kind or (existing["disabled"] and not wanted["disabled"]):
        puts.append(Change(f"~ principal {name} ({kind}) enabled", "put_principal", (name, kind)))
    if wanted["disabled"] and not existing["disabled"]:
        puts.append(Change(f"~ principal {name} disabled", "disable_principal", (name,)))
    if wanted["identities"] is None:
        return
    held = {(identity["provider"], identity["subject"]) for identity in existing["identities"]}
    for provider, subject in sorted(held - set(wanted["identities"])):
        line = f"- identity {provider}:{subject} of {name}"
        drops.append(Change(line, "drop_identity", (provider, subject)))
    for provider, subject in sorted(set(wanted["identities"]) - held):
        line = f"+ identity {provider}:{subject} of {name}"
        puts.append(Change(line, "put_identity", (provider, subject, name)))


def _group(name, wanted, existing, drops, puts):
    title = wanted["title"]
    if existing is None:
        existing = {"title": title or "", "members": []}
        puts.append(Change(f"+ group {name}: {existing['title']}", "put_group", (name, existing["title"])))
    elif title not in (None, existing["title"]):
        detail = f"title: {_shown(existing['title'])} -> {_shown(title)}"
        puts.append(Change(f"~ group {name}", "put_group", (name, title), [detail]))
    if wanted["members"] is None:
        return
    for member in sorted(set(existing["members"]) - set(wanted["members"])):
        drops.append(Change(f"- member {member} of {name}", "drop_membership", (name, member)))
    for member in sorted(set(wanted["members"]) - set(existing["members"])):
        puts.append(Change(f"+ member {member} of {name}", "put_membership", (name, member)))


def _calendar(name, wanted, existing, now):
    openings = wanted.openings(now)
    arguments = (name, wanted.rule, wanted.time_zone, wanted.duration, wanted.starts_on, openings)
    until = openings[-1].date().isoformat() if openings else "none"
    if existing is None:
        line = f"+ calendar {name}: {wanted.rule}, openings worked out: {len(openings)}, last {until}"
        return PutEachTime(line, "put_calendar", arguments)
    given = {
        "rule": wanted.rule,
        "time_zone": wanted.time_zone,
        "duration": durations.text(wanted.duration),
        "starts_on": wanted.starts_on.isoformat(),
    }
    details = list(differences(existing, given))
    line = f"~ calendar {name}: openings worked out: {len(openings)}, last {until}"
    return PutEachTime(line, "put_calendar", arguments, details)


def _minion_group(name, wanted, existing):
    title, minions = wanted["title"], wanted["minions"]
    if existing is None:
        title, minions = title or "", minions or []
        at_once = wanted.get("at_once")
        limit = f", {at_once} at a time" if at_once else ""
        line = f"+ minion group {name}: {title} ({len(minions)} minions{limit})"
        yield Change(line, "put_minion_group", (name, title, minions, at_once))
        return
    title = existing["title"] if title is None else title
    minions = existing["minions"] if minions is None else minions
    # Nobody means to take a limit away by not naming it.
    at_once = wanted.get("at_once", existing.get("at_once"))
    details = list(differences({"title": existing["title"]}, {"title": title}))
    details += differences({"at_once": existing.get("at_once") or ANY}, {"at_once": at_once or ANY})
    details += [f"- minion {minion}" for minion in sorted(set(existing["minions"]) - set(minions))]
    details += [f"+ minion {minion}" for minion in sorted(set(minions) - set(existing["minions"]))]
    if details:
        yield Change(f"~ minion group {name}", "put_minion_group", (name, title, minions, at_once), details)


def _type(name, definition, existing):
    arguments = (db.json(definition),)
    if existing is None:
        yield TypeChange(f"+ type {name}", "put_request_type", arguments, list(_durations(definition)))
        return
    details = list(differences(existing["definition"], definition))
    if details:
        yield TypeChange(f"~ type {name}", "put_request_type", arguments, details)


def _durations(definition):
    """How long things may take by a new type, since nobody sees that otherwise."""
    for key in DURATIONS:
        if key in definition:
            yield f"{key}: {durations.spelled_out(definition[key])}"
    rollout = definition.get("rollout")
    if isinstance(rollout, dict) and "soak" in rollout:
        yield f"soak of rollout: {durations.spelled_out(rollout['soak'])}"
    for stage in definition.get("chain") or ():
        if isinstance(stage, dict) and "timeout" in stage:
            yield f"timeout of stage {stage.get('name')}: {durations.spelled_out(stage['timeout'])}"


def _freeze(name, wanted, existing):
    if wanted is None:
        if existing is not None:
            yield Change(f"- freeze {name}", "drop_freeze", (name,))
        return
    arguments = (
        name, wanted["from"], wanted["until"], wanted["type"], wanted["minion_group"], wanted["reason"],
    )  # fmt: skip
    given = {**wanted, "from": wanted["from"].isoformat(), "until": wanted["until"].isoformat()}
    if existing is None:
        line = f"+ freeze {name}: from {given['from']} until {given['until']}"
        yield Change(line, "put_freeze", arguments)
        return
    # The database may write the same time in another way.
    existing = {**existing, **{key: fields.time(key, existing[key]).isoformat() for key in ("from", "until")}}
    details = list(differences(existing, given))
    if details:
        yield Change(f"~ freeze {name}", "put_freeze", arguments, details)


def _speaker(login, wanted, existing, drops, puts):
    for provider in sorted(set(existing) - set(wanted)):
        drops.append(Change(f"- speaker {login} for {provider}", "drop_speaker", (login, provider)))
    for provider, voice in sorted(wanted.items()):
        arguments = (login, provider, voice["assurance"], voice["attests"])
        if provider not in existing:
            line = f"+ speaker {login} for {provider} ({voice['assurance']})"
            puts.append(Change(line, "put_speaker", arguments))
        elif existing[provider] != voice:
            details = list(differences(existing[provider], voice))
            puts.append(Change(f"~ speaker {login} for {provider}", "put_speaker", arguments, details))


def _routes(destination, wanted, existing, drops, puts):
    drops += [_route("-", "drop_route", destination, route) for route in existing if route not in wanted]
    puts += [_route("+", "put_route", destination, route) for route in wanted if route not in existing]


def _route(sign, function, destination, route):
    only = {key: value for key, value in route.items() if key not in ("topic", "filter")}
    narrowed = [_shown(route["filter"])] if route["filter"] else []
    narrowed += [f"{key} {_shown(value)}" for key, value in sorted(only.items())]
    line = f"{sign} route of {route['topic']} to {destination}" + (f" where {', '.join(narrowed)}" if narrowed else "")
    return Change(line, function, (destination, route["topic"], db.json(route["filter"]), db.json(only)))


def _contacts(name, wanted, existing, drops, puts):
    """What is not said of a channel stays: everybody may have contacts of their own."""
    for channel, address in wanted.items():
        if address is None and channel in existing:
            line = f"- contact of {name} by {channel}"
            drops.append(Change(line, "drop_contact", (None, None, name, channel)))
        elif address is not None and address != existing.get(channel):
            line = f"{'~' if channel in existing else '+'} contact of {name} by {channel}: {address}"
            puts.append(Change(line, "put_contact", (None, None, name, channel, address)))


def _readers(kind, wanted, existing):
    """What is not known is refused by the database also where all may read it."""
    if wanted == existing:
        if wanted is None:
            yield PutEachTime(f"~ readers of {kind}", "put_readers", (kind, None))
        return
    if wanted is None:
        yield Change(f"- readers of {kind}: all known people may read it", "put_readers", (kind, None))
        return
    before, after = [{_reader(entry) for entry in entries or ()} for entries in (existing, wanted)]
    details = [f"- {reader}" for reader in sorted(before - after)]
    details += [f"+ {reader}" for reader in sorted(after - before)]
    line = f"{'~' if existing else '+'} readers of {kind}: nobody else may read it"
    yield Change(line, "put_readers", (kind, db.json(wanted)), details)


def _reader(entry):
    return f"{', '.join(entry['groups'])}, of {entry.get('minion_group', 'all minions')}"


def _alarm(kind, wanted, existing):
    details = list(differences(existing, wanted))
    return PutEachTime(f"~ alarms of kind {kind}", "put_alarm_rule", (kind, db.json(wanted)), details)


def _is_list_of_mappings(value):
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _duration(value):
    return _shown(value) if value is ABSENT else durations.spelled_out(value)


def _shown(value):
    if value is ABSENT:
        return "(none)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
