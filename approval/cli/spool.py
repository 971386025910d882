"""Commands on the spool: what the master keeps on its disk while the database is away."""

import datetime

from ..errors import InputError, Refused, Unavailable
from .command import DONE, MASTER_CONFIG, REFUSED, answer, group, leaf, told


def add(commands):
    """Declare the commands."""
    spool = group(commands, "spool", "returns and jobs that wait on the master's disk for the database")
    _leaf(spool, "info", _info, "how much waits, since when, and how full it is; exit code 1 if anything is set aside")
    command = _leaf(spool, "drain", _drain, "record what waits, as the engine does all the time")
    command = _leaf(spool, "show", _show, "what waits; works without the database")
    command.add_argument("seq", metavar="SEQ", nargs="?", help="only this entry, with its content")
    command.add_argument("--poison", action="store_true", help="what the database refused, with the reason, instead")
    command.add_argument("--limit", metavar="N", type=int, default=50, help="so many entries (%(default)s)")
    command = _leaf(spool, "retry", _retry, "let an entry that was set aside wait again, behind all others")
    command.add_argument("seq", metavar="SEQ", help="its number")
    command = _leaf(spool, "drop", _drop, "forget an entry that was set aside, for good")
    command.add_argument("seq", metavar="SEQ", help="its number")


def _leaf(commands, name, run, what):
    command = leaf(commands, name, run, what)
    command.add_argument("--master-config", metavar="FILE", default=MASTER_CONFIG, help="(%(default)s)")
    return command


def _info(arguments):
    spool = _spool(arguments)
    info = _done(spool.info)
    oldest = _time(info["oldest"]) if info["oldest"] else None
    result = {"path": spool.settings.path, "mode": spool.settings.mode, **info, "oldest": oldest}
    answer(arguments, result, _info_text)
    return REFUSED if info["aside"] else DONE


def _info_text(info):
    kinds = ", ".join(f"{count} {kind}" for kind, count in info["kinds"].items() if count)
    mega = 1024 * 1024
    lines = [
        f"{info['path']} (mode {info['mode']}): {info['used_bytes'] / mega:.1f} of {info['bound_bytes'] // mega} MB",
        f"{info['entries']} wait" + (f" ({kinds}), the oldest since {info['oldest']}" if kinds else ""),
        f"{info['aside']} set aside, {info['dropped_events']} events dropped",
    ]
    return "\n".join(lines)


def _drain(arguments):
    from ..jobs import drain
    from ..jobs.database import JobDatabase

    settings = _settings(arguments)
    spool = _spool(arguments, settings)
    database = JobDatabase(settings.connection("returner"))
    told(f"recording {_done(spool.info)['entries']} entries")
    done = _done(drain.run, spool, database)
    if done.busy:
        raise Refused("another process is at it: the engine does this all the time", "")
    result = {"recorded": done.recorded, "aside": done.aside, "late": done.late}
    answer(arguments, result, _drain_text)
    return REFUSED if done.aside or done.late else DONE


def _drain_text(result):
    late = f", {result['late']} wait: they timed out, or are behind one that did" if result["late"] else ""
    return f"{result['recorded']} recorded, {result['aside']} set aside{late}"


def _show(arguments):
    from ..intake import masking
    from . import layout

    master = _settings(arguments)
    spool, masker = _spool(arguments, master), masking.of_site(master.masking_patterns)
    if arguments.seq is not None:
        return _show_one(arguments, spool, masker)
    entries = _done(spool.read, aside=arguments.poison, count=max(1, arguments.limit))
    rows = [masker.masked_data(_row(entry)) for entry in entries]
    columns = {"seq": "SEQ", "kind": "KIND", "accepted": "ACCEPTED", "jid": "JOB", "size": "BYTES"}
    if arguments.poison:
        columns["reason"] = "REASON"
    return answer(arguments, rows, lambda rows: layout.table(rows, columns))


def _show_one(arguments, spool, masker):
    seq = _number(arguments.seq)
    for aside in (arguments.poison, not arguments.poison):
        for entry in _done(spool.read, seq, aside, count=1):
            if entry.seq == seq:
                # Outputs wait as they came, since verdicts are made of them.
                shown = masker.masked_data({**_row(entry), "content": _content(entry)})
                return answer(arguments, shown, _one_text)
    raise Refused(f"there is no entry {seq} in the spool", "")


def _one_text(row):
    return "\n".join(f"{name}: {value}" for name, value in row.items() if value is not None)


def _retry(arguments):
    new = _done(_spool(arguments).retry, _number(arguments.seq))
    if not new:
        raise Refused(f"no entry {arguments.seq} was set aside", "")
    return answer(arguments, {"seq": new}, lambda result: f"it waits again, as {result['seq']}")


def _drop(arguments):
    if not _done(_spool(arguments).drop, _number(arguments.seq)):
        raise Refused(f"no entry {arguments.seq} was set aside", "")
    return answer(arguments, {"dropped": int(arguments.seq)}, lambda result: f"{result['dropped']} is forgotten")


def _settings(arguments):
    from ..settings import Settings

    return Settings.from_file(arguments.master_config)


def _spool(arguments, master=None):
    from ..jobs.spool import Spool, settings

    return Spool(settings((master or _settings(arguments)).opts))


def _done(function, *args, **kwargs):
    """The result of the function; errors of the core are raised as those of a command."""
    from .. import _core

    try:
        return function(*args, **kwargs)
    except _core.Unavailable as exc:
        raise Unavailable(str(exc)) from None
    except _core.DatabaseError as exc:
        raise Refused(str(exc), exc.sqlstate or "") from None
    except _core.Error as exc:
        raise InputError(str(exc)) from None


def _number(text):
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise InputError(f"{text!r} is not the number of an entry")
    return int(text)


def _row(entry):
    return {
        "seq": entry.seq,
        "kind": entry.kind or "damaged",
        "accepted": _time(entry.accepted) if entry.kind else None,
        "jid": entry.jid,
        "size": len(entry.payload),
        "reason": entry.reason,
    }


def _content(entry):
    """The content of the entry, as JSON can have it; None if it is damaged."""
    from ..jobs import packing

    if entry.kind is None:
        return None
    try:
        return _plain(packing.unpack(entry.payload))
    except Exception:  # whatever msgpack raises on what no one else can read either
        return None


def _plain(value):
    from ..jobs.database import unpacked

    if isinstance(value, dict):
        return {str(name): _plain(content) for name, content in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(content) for content in value]
    if isinstance(value, bytes):
        try:
            return _plain(unpacked(value))
        except Exception:
            return value.hex()
    return value


def _time(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
