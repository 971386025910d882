"""The state functions: this part is the interface that Salt's loader finds."""

import time

import salt.utils.data

from .actions import _outcome, _perform
from .commands import _shorten
from .document import SERVICE_STATES, _document, _Refused, _with_unusable
from .evidence import _evidence
from .memory import _before, _entries, _memory, _remember, _remembered
from .plan import _asked, _plan
from .sentences import _complaints, _reading, _service_changes, _summary
from .services import _Services, _starts
from .transactions import _converge_packages, _open_packages, _read_again

__virtualname__ = "approval"
SETTLE_SECONDS = 1.5


def __virtual__():
    """Load everywhere: what a platform lacks is said for each resource that needs it."""
    return __virtualname__


def planned(name, items=None, pillar_key="approval", removal="remove"):
    """
    Say what a request would change on this minion if it were approved. Nothing is changed, under
    ``test=True`` or not.

    .. code-block:: bash

        salt web1 state.single approval.planned plan \\
            items='[{"kind": "package", "name": "hello", "type": "version", "value": "2.10-3"}]'

    name
        Any text; it identifies this state and is not used otherwise.

    items
        What is asked for: a list of mappings with ``kind``, ``name``, ``type`` and ``value``. A package
        of type ``absent`` has the value None, a value and an action JSON text.

    pillar_key
        The key that the approved state has in the pillar, as the ``key`` of the ext_pillar.

    removal
        As of :func:`converged`.

    The items are planned beside what is approved already, which they must not take away. ``changes``
    and ``comment`` are those of a test run of :func:`converged`. The result is None if something would
    change, True if all is so already, False if not all of it can be done. A plan is no evidence.
    """
    ret = {"name": name, "changes": {}, "result": False, "comment": ""}
    if removal not in ("remove", "purge"):
        ret["comment"] = "Nothing was planned: the option removal has to be remove or purge."
        return ret
    try:
        document = _document(pillar_key)
    except _Refused as exc:
        ret["comment"] = f"Nothing was planned: the approved state is refused because {exc}."
        return ret
    try:
        asked = _asked(items)
    except _Refused as exc:
        ret["comment"] = f"Nothing was planned: {exc}."
        return ret

    wanted = document._replace(packages=asked["package"], services=asked["service"], values={}, unusable={})
    packages = {**document.packages, **wanted.packages}
    manager, unread = _open_packages(packages, removal == "purge", 0)
    services = _Services({**document.services, **wanted.services})
    services.read()
    services.oppose()
    errors = {
        "packages": {package: why for package, why in unread.items() if package in wanted.packages},
        "services": {service: why for service, why in services.obstacles().items() if service in wanted.services},
    }
    _plan(ret, wanted, manager, services, errors)
    lines = ret["comment"].splitlines() if ret["changes"] or ret["result"] is False else []
    lines += [
        f"Value {value} would be in the pillar."
        for value, text in sorted(asked["value"].items())
        if document.values.get(value) != text
    ]
    lines += [f"Action {function} would be run." for function in sorted(asked["action"])]
    if lines and ret["result"]:
        ret["result"] = None
    ret["comment"] = "\n".join(lines) or "All that is asked for is so already."
    return ret


def converged(
    name, pillar_key="approval", removal="remove", refresh=True, lock_timeout=300, settle_time=SETTLE_SECONDS
):
    """
    Bring this minion to the approved state in its pillar, and return evidence of what is there.

    .. code-block:: yaml

        approval:
          approval.converged:
            - order: last

    name
        Any text; it identifies this state and is not used otherwise.

    pillar_key
        The key that the approved state has in the pillar, as the ``key`` of the ext_pillar.

    removal
        What becomes of a package approved to be absent: ``remove`` leaves its configuration files
        on the minion, as the package manager does, so that a revert finds them; ``purge`` deletes
        them too. What other states have removed before is not purged afterwards.

    refresh
        Whether to fetch the lists of available packages before something is installed. A run that
        has nothing to install never does.

    lock_timeout
        The seconds that one run may wait, altogether, while other processes use the package
        manager.

    settle_time
        The seconds for which no approved service may change, after the last act of a run that changed
        packages or services, until what is there counts. With 0 it is read once.

    Nothing is applied unless the approved state in the pillar was made for this minion and agrees
    with its digest. Packages are changed in as few transactions as possible; one that fails does
    not keep the others from being applied. The result is False if any resource is not in its
    approved state at the end, and the comment says which and why.

    With ``test=True`` nothing is changed: the comment and the changes say what would be, including
    dependencies where the package manager can tell. A test run returns no evidence.

    The evidence is returned under the key ``approval``, beside the usual ones.
    """
    ret = {"name": name, "changes": {}, "result": False, "comment": ""}
    if removal not in ("remove", "purge"):
        ret["comment"] = "Nothing was applied: the option removal has to be remove or purge."
        return ret
    if not isinstance(lock_timeout, int | float) or lock_timeout < 0:
        ret["comment"] = "Nothing was applied: the option lock_timeout has to be seconds."
        return ret
    if isinstance(settle_time, bool) or not isinstance(settle_time, int | float) or settle_time < 0:
        ret["comment"] = "Nothing was applied: the option settle_time has to be seconds."
        return ret
    try:
        document = _document(pillar_key)
    except _Refused as exc:
        ret["comment"] = f"Nothing was applied: the approved state is refused because {exc}."
        return ret
    if document.revision == 0:
        ret["result"] = True
        ret["comment"] = "Nothing is approved for this minion: the approval database lacks it."
        return ret

    manager, unread = _open_packages(document.packages, removal == "purge", lock_timeout)
    services = _Services(document.services)
    services.read()
    if __opts__["test"]:
        services.oppose()
        errors = _with_unusable(document, {"packages": unread, "services": services.obstacles()})
        return _plan(ret, document, manager, services, errors)

    installed, running = manager.flat(), services.states()
    found = {item.name: manager.observed(item) for item in manager.items}
    try:
        before = _remember(document, {"packages": found, "services": services.past()}, services.unread)
    except OSError as exc:
        ret["comment"] = f"Nothing was applied: what is there now cannot be written down: {exc}."
        return ret

    errors = {"packages": {**unread, **_converge_packages(manager, refresh)}}
    acted = bool(manager.tried) or manager.flat() != installed
    if acted:
        services.read()
    services.oppose()
    acted = services.converge() or acted
    if acted:
        # The state at the end counts, whatever each act reported.
        if document.services:
            services.settle(settle_time)
        errors["packages"] = {**unread, **_read_again(manager, errors["packages"])}
    errors["services"] = services.errors()
    errors = _with_unusable(document, errors)
    ret["changes"] = salt.utils.data.compare_dicts(installed, manager.flat())
    ret["changes"].update(_service_changes(running, services.states()))

    observed = {
        "packages": {item.name: manager.observed(item) for item in manager.items},
        "services": services.states(),
        "values": document.values,
    }
    notes = {"packages": manager.noted(), "services": services.notes()}
    ret["approval"] = _evidence(document, observed, before, errors, notes, {"packages": manager.met()})
    ret["result"] = not any(errors.values())
    lines = list(_complaints(document, errors)) or [_summary(document)]
    of_approved = set(map(manager.key, notes["packages"]))
    told = {key: note for key, note in manager.notes.items() if key not in of_approved} | notes["packages"]
    lines += [f"Package {key}: {note}." for key, note in sorted(told.items())]
    ret["comment"] = "\n".join(lines)
    return ret


def observed(name, pillar_key="approval"):
    """
    Read what the approved resources of this minion are now, and return that as evidence.

    .. code-block:: bash

        salt web1 state.single approval.observed approval

    name
        Any text; it identifies this state and is not used otherwise.

    pillar_key
        The key that the approved state has in the pillar, as the ``key`` of the ext_pillar.

    Nothing is changed, under ``test=True`` or not. The result is True if every resource is in its
    approved state; the comment says which are not. The evidence is that of :func:`converged`, with
    the start times of the services as ``starts``, where systemd tells them. Its ``before`` has what
    :func:`converged` found when it first applied an item, so that what was never applied can be told
    from what is no longer as it was applied. Refused when :func:`converged` would apply nothing.
    """
    ret = {"name": name, "changes": {}, "result": False, "comment": ""}
    try:
        document = _document(pillar_key)
    except _Refused as exc:
        ret["comment"] = f"Nothing was read: the approved state is refused because {exc}."
        return ret
    if document.revision == 0:
        ret["result"] = True
        ret["comment"] = "Nothing is approved for this minion: the approval database lacks it."
        return ret

    manager, unread = _open_packages(document.packages, False, 0)
    services = _Services(document.services)
    services.read()
    if any(state not in SERVICE_STATES for state in services.states().values()):
        services.settle(SETTLE_SECONDS)
    services.oppose()
    found = {
        "packages": {item.name: manager.observed(item) for item in manager.items},
        "services": services.states(),
        "starts": _starts(document.services),
        "values": document.values,
    }
    before = _before(_entries(document, _remembered(_memory(), document.minion), {}))
    unknown = _with_unusable(document, {"packages": unread, "services": services.obstacles()})
    ret["approval"] = _evidence(document, found, before, unknown, met={"packages": manager.met()})
    errors = _reading(document, manager, services.states())
    for plural, reasons in unknown.items():
        errors.setdefault(plural, {}).update(reasons)
    ret["result"] = not any(errors.values())
    ret["comment"] = "\n".join(_complaints(document, errors)) or _summary(document)
    return ret


def performed(name, function, arguments=None, services=(), pillar_key="approval", **others):
    """
    Run one approved action: one Salt execution function, once. Returns evidence of what it returned.

    .. code-block:: bash

        salt web1 state.single approval.performed name=17 function=service.restart \\
            arguments='{"name": "nginx"}' services='["nginx"]'

    name
        The id of the approved item; the evidence carries what came out under it.

    function
        The execution function.

    arguments
        Its keyword arguments, as a mapping.

    services
        Services whose start times are read before and after, where systemd tells them: ``starts`` in
        ``before`` and in ``observed``.

    pillar_key
        The key that the approved state has in the pillar, as the ``key`` of the ext_pillar.

    others
        Refused, but for what Salt adds about the job: ``__pub_kwarg`` to one that waited in the minion's queue
        for another state run, which a function that does not take it would be refused for.

    Nothing is run under ``test=True``, nor when :func:`converged` would apply nothing. The result is
    True if the function succeeded as Salt judges a job: it raised nothing, its retcode is 0, and it
    did not return False, nor a mapping whose ``result`` or ``success`` is false.
    """
    ret = {"name": name, "changes": {}, "result": False, "comment": ""}
    unknown = sorted(key for key in others if not key.startswith("__pub_"))
    if unknown:
        ret["comment"] = f"Nothing was run: there is no argument {unknown[0]}."
        return ret
    arguments = {} if arguments is None else arguments
    if not isinstance(arguments, dict) or not all(isinstance(key, str) for key in arguments):
        ret["comment"] = "Nothing was run: the arguments have to be a mapping of names."
        return ret
    try:
        document = _document(pillar_key)
        if document.revision == 0:
            raise _Refused("the approval database lacks this minion")
    except _Refused as exc:
        ret["comment"] = f"Nothing was run: the approved state is refused because {exc}."
        return ret
    if __opts__["test"]:
        ret["result"] = None
        ret["comment"] = f"{function} would be run."
        return ret

    before = _starts(services)
    retcode, success, returned = _perform(function, arguments)
    starts = _starts(services)
    if starts != before:
        # A service that dies a moment after its start was not restarted.
        time.sleep(SETTLE_SECONDS)
        starts = _starts(services)
    found = {"actions": {str(name): _outcome(function, retcode, success, returned)}, "starts": starts}
    ret["approval"] = _evidence(document, found, {"starts": before})
    ret["changes"] = {"performed": function}
    ret["result"] = success
    if success:
        ret["comment"] = f"{function} succeeded."
    else:
        ret["comment"] = _shorten(f"{function} failed with retcode {retcode}: {returned}")
    return ret
