"""The sentences of comments, and the changes beside them."""

from .document import KINDS, LATEST

# The end of a service's name among changes, where no package can have it.
OF_SERVICE = " (service)"


def _summary(document):
    """The sentence for a minion that is in its approved state."""
    counts = [
        f"{len(section)} {plural if len(section) != 1 else plural[:-1]}"
        for plural in KINDS.values()
        if (section := getattr(document, plural))
    ]
    what = ", ".join(counts) or "it is empty"
    return f"Revision {document.revision} of the approved state is in place: {what}."


def _complaints(document, errors):
    """A sentence for each resource that is not in its approved state."""
    for plural, reasons in document.unusable.items():
        for name, why in sorted(reasons.items()):
            yield f"{plural[:-1].capitalize()} {name} cannot be applied: {why}."
    errors = {
        plural: {name: why for name, why in reasons.items() if name in getattr(document, plural)}
        for plural, reasons in errors.items()
    }
    for name, why in sorted(errors["packages"].items()):
        want = document.packages[name]
        if want is None:
            fault = "is not absent"
        elif want == LATEST:
            fault = "is not installed"
        else:
            fault = f"is not at {want}"
        yield f"Package {name} {fault}: {why.rstrip('.')}."
    for name, why in sorted(errors["services"].items()):
        yield f"Service {name} is not {document.services[name]}: {why.rstrip('.')}."


def _forecasts(changes):
    """A sentence for each change that would be made."""
    for name, change in sorted(changes.items()):
        if name.endswith(OF_SERVICE):
            yield f"Service {name.removesuffix(OF_SERVICE)} would be {change['new']}."
        elif not change["new"]:
            yield f"Package {name} would be removed."
        elif not change["old"]:
            yield f"Package {name} would be installed at {change['new']}."
        else:
            yield f"Package {name} would go from {change['old']} to {change['new']}."


def _service_changes(before, after):
    """The changes of services, under keys that no package can have."""
    return {
        f"{name}{OF_SERVICE}": {"old": before.get(name, ""), "new": state}
        for name, state in after.items()
        if before.get(name) != state
    }


def _reading(document, manager, services):
    """plural kind -> name -> the state found, for each package and service that was read and is not as approved."""
    packages = {}
    for item in manager.items:
        if not manager.satisfied(item):
            found = manager.observed(item)
            packages[item.name] = "it is not installed" if found is None else f"{found} is installed"
    others = {name: f"it is {state}" for name, state in services.items() if state != document.services[name]}
    return {"packages": packages, "services": others}
