"""Commands on the snapshot on the master's disk. They need no database."""

import datetime
import os
import time

from ..errors import Damaged, InputError
from .command import MASTER_CONFIG, answer, group, leaf, told


def add(commands):
    """Declare the commands."""
    snapshot = group(commands, "snapshot", "the approved state on this master's disk")
    for add_leaf in (_add_show, _add_info, _add_verify):
        command = add_leaf(snapshot)
        place = command.add_mutually_exclusive_group()
        place.add_argument("--path", metavar="DIRECTORY", help="where it is, if not where the master has it")
        place.add_argument("--master-config", metavar="FILE", default=MASTER_CONFIG, help="default: %(default)s")


def _add_show(commands):
    command = leaf(commands, "show", _show, "what a minion would get from it, without its evidence key")
    command.add_argument("minion", metavar="MINION")
    return command


def _add_info(commands):
    return leaf(commands, "info", _info, "how old it is and what is in it")


def _add_verify(commands):
    return leaf(commands, "verify", _verify, "read and check all of it; exit code 1 if it is damaged")


def _path(arguments):
    """The directory of the snapshot."""
    if arguments.path:
        return os.path.abspath(arguments.path)
    from ..settings import Settings

    path = Settings.from_file(arguments.master_config).snapshot()
    if path is None:
        raise InputError(f"{arguments.master_config} has no ext_pillar approval: name the directory with --path")
    return path


def _asked(function, *args):
    """What the C core answers. Raises Damaged, and InputError where there is no usable snapshot."""
    from .. import _core

    try:
        return getattr(_core, function)(*args)
    except _core.Error as exc:
        raise (Damaged if exc.code == "damaged" else InputError)(str(exc)) from None


def _time(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _show(arguments):
    import yaml

    document = _asked("snapshot_read", _path(arguments), arguments.minion)
    document.pop("evidence_key", None)
    return answer(
        arguments, document, lambda shown: yaml.safe_dump(shown, sort_keys=False, allow_unicode=True).rstrip()
    )


def _info(arguments):
    info = _asked("snapshot_info", _path(arguments))
    age_s = time.time() - info["refreshed_at"]
    shown = {**info, "built_at": _time(info["built_at"]), "refreshed_at": _time(info["refreshed_at"])}
    shown["age_s"] = round(age_s, 1)
    return answer(arguments, shown, _info_text)


def _info_text(info):
    from . import layout

    return "\n".join(
        [
            f"holds what is approved for {info['minions']} minions: {info['size_bytes'] / 2**20:.1f} MB",
            f"as of {layout.moment(info['refreshed_at'])}, {info['age_s']} s ago (the engine looks every 2 s)",
            f"built whole at {layout.moment(info['built_at'])}; since then what changed was added",
            f"generation {info['generation']} (builds so far), up to the database's transaction {info['xmin']}",
        ]
    )


def _verify(arguments):
    path = _path(arguments)
    told("reading all of it")
    found = _asked("snapshot_verify", path)
    return answer(
        arguments, found, lambda found: f"sound: {found['documents']} documents of {found['minions']} minions"
    )
