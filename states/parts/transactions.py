"""Transactions: all approved packages through one package manager, in as few calls as possible."""

from .apt import _Apt
from .chocolatey import _Chocolatey
from .commands import _reason
from .dnf import _Dnf
from .packages import _Blocked, _Locked, _PackageManager
from .zypper import _Zypper


def _package_manager():
    """The class for the package manager of this minion; raises _Blocked where Salt knows none."""
    family = __grains__.get("os_family")
    kind = {"Debian": _Apt, "RedHat": _Dnf, "Suse": _Zypper, "Windows": _Chocolatey}.get(family, _PackageManager)
    needed = "chocolatey.list" if kind is _Chocolatey else "pkg.list_pkgs"
    if needed not in __salt__:
        raise _Blocked(f"Salt has no {needed} on this minion")
    return kind


def _open_packages(packages, purge, lock_timeout):
    """
    The package manager, with the installed packages read, and name -> why for those that cannot be read.
    Where none can be read, the package manager has no items.
    """
    if not packages:
        return _PackageManager({}, purge, lock_timeout), {}
    try:
        kind = _package_manager()
        hidden = {name: why for name in packages if (why := kind.hidden(name))}
        manager = kind({name: packages[name] for name in packages.keys() - hidden}, purge, lock_timeout)
        manager.read()
    except Exception as exc:
        why = f"the installed packages cannot be read: {_reason(exc)}"
        return _PackageManager({}, purge, lock_timeout), dict.fromkeys(packages, why)
    return manager, hidden


def _read_again(manager, why):
    """
    Read the packages after the last act of a run. Returns name -> why for those that are not as approved.
    Nothing is observed of those that cannot be read.

    why
        name -> why for those that were not when the last transaction was over.
    """
    if not manager.items:
        return {}
    try:
        manager.read()
    except Exception as exc:
        names = [item.name for item in manager.items]
        manager.items = []
        return dict.fromkeys(names, f"the installed packages cannot be read: {_reason(exc)}")
    changed = "something changed it after the last transaction"
    return {item.name: why.get(item.name, changed) for item in manager.items if not manager.satisfied(item)}


def _settle(items, attempt, batches):
    """
    Bring as many of ``items`` through ``attempt`` as possible, in as few calls as possible.

    attempt
        Called with a list of items; returns those that did not get through, and why.
    batches
        Whether it takes more than one item at a time.

    A list that fails as a whole is halved until the item that fails stands alone. Returns item -> why, for
    each that failed by itself.
    """
    failed = {}
    groups = [items] if batches else [[item] for item in items]
    while groups:
        group = groups.pop(0)
        if not group:
            continue
        remaining, why = attempt(group)
        if remaining and len(group) == 1:
            failed[group[0]] = why
        elif len(remaining) < len(group):
            groups.insert(0, remaining)
        else:
            half = len(group) // 2
            groups[:0] = [group[:half], group[half:]]
    return failed


def _vet(manager, action, items):
    """
    Ask the package manager about ``action`` on ``items`` without doing it. Returns the changes it would
    make (key -> version, or None for gone), and item -> why for those it would not do.
    """
    plan = {}

    def attempt(group):
        try:
            plan.update(manager.check(action, group))
        except _Blocked as exc:
            manager.failed(group)
            return group, str(exc)
        return [], ""

    return plan, _settle(items, attempt, batches=True)


def _carry_out(manager, action, items):
    """Do ``action`` on ``items``; returns item -> why for those not as approved afterwards."""

    def attempt(group):
        why, failed = "the package manager reported success, but nothing changed", False
        try:
            manager.transact(action, group)
        except _Locked:
            raise
        except _Blocked as exc:
            manager.failed(group)
            return group, str(exc)
        except Exception as exc:
            # The other packages must still converge, whatever a package manager or its Salt module
            # raises for one; and some of these may have been changed before it failed.
            why, failed = _reason(exc), True
        remaining = manager.review(group)
        manager.failed(remaining)
        if failed and not remaining:
            # The note is the only place that tells of this failure.
            for item in group:
                manager.notes.setdefault(manager.key(item.name), f"it is so, though the package manager said: {why}")
        return remaining, why

    return _settle(items, attempt, manager.batches)


def _due(manager):
    """
    The items not in their approved state that may be changed, and name -> why for those that may not.
    """
    due = [item for item in manager.items if not manager.satisfied(item)]
    if not due:
        return [], {}
    why, led, contradicting = {}, {}, {}
    for group in manager.namesakes():
        leader = manager.leader(group)
        if leader is not None:
            led.update((item, leader) for item in group)
            continue
        for item in group:
            others = ", ".join(other.name for other in group if other is not item)
            contradicting[item] = f"{others} is the same package, and something else is approved for that"
    for item in due:
        if item in contradicting:
            why[item.name] = contradicting[item]
        elif manager.is_held(item):
            why[item.name] = "it is on hold, and a hold is not overridden"
    # A package that is approved under several names is changed under one of them.
    return list(dict.fromkeys(led.get(item, item) for item in due if item.name not in why)), why


def _grouped(manager, items):
    """(action, items) for what has to be done: new dependencies come before old ones go."""
    for action in ("install", "downgrade", "remove"):
        group = [item for item in items if manager.action(item) == action]
        if group:
            yield action, group


def _converge_packages(manager, refresh):
    """
    Bring all packages to their approved state, as far as possible.

    Returns name -> why for each package that is not in it at the end.
    """
    due, why = _due(manager)
    coming = [item.name for item in due if item.want is not None]
    stale = None
    try:
        if refresh and coming:
            stale = manager.refresh()
        while due:
            manager.failed(due)  # until they are through
            for action, group in list(_grouped(manager, due)):
                group = [item for item in group if not manager.satisfied(item)]
                failed = _vet(manager, action, group)[1]
                good = [item for item in group if item not in failed]
                failed.update(_carry_out(manager, action, good))
                why.update((item.name, reason) for item, reason in failed.items())
            due = manager.worth_retrying([item for item in due if not manager.satisfied(item)])
    except _Locked as exc:
        manager.read()
        why.update((item.name, str(exc)) for item in due)
    if stale:
        for name in set(coming) & why.keys():
            why[name] += f" (the lists of available packages could not be fetched: {stale})"
    changed = "another package's transaction changed it"
    why_key = {manager.key(name): reason for name, reason in why.items()}
    return {
        item.name: why.get(item.name) or why_key.get(manager.key(item.name), changed)
        for item in manager.items
        if not manager.satisfied(item)
    }
