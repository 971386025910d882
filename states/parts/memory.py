"""The memory of what was there before the approved state was first applied: the section ``before`` of evidence."""

import json
import logging
import os
import tempfile

log = logging.getLogger(__name__)
MEMORY_FORMAT = 1  # of the file that _remember() writes


def _remember(document, found, unread=()):
    """
    The states before this minion first applied each item: plural kind -> name -> state.

    found
        plural kind -> name -> state now, read before anything is changed.
    unread
        Services whose state cannot be read now: a later reading may show the work of this run, and is
        never taken for the state before.

    The states are kept in the minion's cache, so that neither a return that gets lost nor a second run
    takes the first one away. An entry belongs to one approved value of one resource: another value, or a
    resource no longer approved, ends it. Raises OSError if the file cannot be written.
    """
    path = _memory()
    kept = _remembered(path, document.minion)
    entries = _entries(document, kept, found, unread)
    if entries != kept:
        items = {}
        for (plural, name), entry in entries.items():
            items.setdefault(plural, {})[name] = entry
        store = {"format": MEMORY_FORMAT, "minion": document.minion, "items": items}
        _write(path, json.dumps(store, sort_keys=True))
    return _before(entries)


def _memory():
    """The file of _remember()."""
    return os.path.join(__opts__["cachedir"], "approval_before.json")


def _remembered(path, minion):
    """The entries that _remember() kept in the file ``path``; none if it has no sound ones."""
    try:
        with open(path, encoding="utf-8") as file:
            store = json.load(file)
        if store["format"] != MEMORY_FORMAT or store["minion"] != minion:
            return {}
        return {
            (plural, name): {"approved": entry["approved"], "before": entry["before"]}
            if "before" in entry
            else {"approved": entry["approved"]}
            for plural, names in store["items"].items()
            for name, entry in names.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        log.warning("approval: %s is unreadable and is written anew", path)
        return {}


def _entries(document, kept, found, unread=()):
    """
    The entries of ``kept`` that still hold for ``document``, and new ones for the rest of ``found``. The entry of
    a service in ``unread`` has no state before.
    """
    entries = {}
    for plural in ("packages", "services"):
        for name, approved in getattr(document, plural).items():
            entry = kept.get((plural, name))
            if entry is None or entry["approved"] != approved:
                entry = {"approved": approved}
                if name in found.get(plural, {}):
                    entry["before"] = found[plural][name]
                elif plural == "packages" or name not in unread:
                    continue
            entries[plural, name] = entry
    return entries


def _before(entries):
    """The section ``before`` of evidence."""
    before = {}
    for (plural, name), entry in entries.items():
        if "before" in entry:
            before.setdefault(plural, {})[name] = entry["before"]
    return before


def _write(path, text):
    """Replace the file at ``path`` as a whole; readable by its owner only."""
    handle, scratch = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".approval_")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    except OSError:
        os.unlink(scratch)
        raise
