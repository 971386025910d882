"""The plan of a run, or of a request, that changes nothing."""

from .document import KINDS, NAME, SERVICE_STATES, _Refused
from .sentences import _complaints, _forecasts, _service_changes, _summary
from .transactions import _due, _grouped, _vet


def _plan_packages(manager, names):
    """The changes that bringing these packages in would make, as Salt writes them, and name -> why for the others."""
    due, why = _due(manager)
    keys = set(map(manager.key, names))
    due = [item for item in due if manager.key(item.name) in keys]
    why = {name: reason for name, reason in why.items() if name in names}
    before = manager.flat()
    changes = {}
    for action, group in _grouped(manager, due):
        plan, failed = _vet(manager, action, group)
        why.update((item.name, reason) for item, reason in failed.items())
        for key, version in plan.items():
            if (version or "") != before.get(key, ""):
                changes[key] = {"old": before.get(key, ""), "new": version or ""}
    return changes, why


def _plan(ret, document, manager, services, errors):
    """Complete ``ret`` for a test run with the changes to come. Nothing is changed, and ``ret`` is no evidence."""
    ret["changes"], why = _plan_packages(manager, document.packages)
    errors["packages"].update(why)
    coming = {name: state for name, state in document.services.items() if name not in services.opposed}
    ret["changes"].update(_service_changes(services.states(), coming))
    lines = [*_complaints(document, errors), *_forecasts(ret["changes"]), *sorted(manager.remarks)]
    ret["comment"] = "\n".join(lines) or _summary(document)
    if any(errors.values()):
        ret["result"] = False
    else:
        ret["result"] = None if ret["changes"] else True
    return ret


def _asked(items):
    """
    The resources of a request, as :func:`planned` takes them: kind -> name -> value. Raises _Refused.
    """
    asked = {kind: {} for kind in (*KINDS, "action")}
    for item in items if isinstance(items, list) else [None]:
        if not isinstance(item, dict) or item.get("kind") not in asked:
            raise _Refused("the items have to be a list of mappings with kind, name, type and value")
        kind, name, want = item["kind"], item.get("name"), item.get("value")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise _Refused(f"{name!r} among them is not a name")
        if not (isinstance(want, str) and want) and not (want is None and item.get("type") == "absent"):
            raise _Refused(f"the value of {name} among them is not text")
        if kind == "service" and want not in SERVICE_STATES:
            raise _Refused(f"the state of service {name} is neither running nor dead")
        asked[kind][name] = want
    return asked
