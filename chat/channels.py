"""The channels that people read, as the configuration describes them below ``approval:chat:channels``."""

import importlib
import os
import re

from ..errors import ConfigError

NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
PREFIX = "chat-"
# kind -> the module of this package whose ``channel(name, where, given)`` makes a channel.Channel of its settings.
KINDS = {"slack": "slack", "mail": "mail", "apprise": "others", "pagerduty": "pagerduty"}


def load(mapping):
    """
    The channel.Channel objects by name in the mapping ``approval:chat:channels``. No file that they name is opened.
    Raises ConfigError, which says where the wrong setting stands.
    """
    return {name: _channel(name, given) for name, given in mapping.items()}


def destination(name):
    """The destination of routes that lead to the channel with this name."""
    return PREFIX + name


def mapping(where, given, known):
    """``given`` if it is a mapping of settings with these names alone. Raises ConfigError."""
    if not isinstance(given, dict):
        raise ConfigError(f"{where} must be a mapping of settings")
    for name in given:
        if name not in known:
            raise ConfigError(f"{where}: there is no setting {name!r} (known: {', '.join(known)})")
    return given


def full_path(where, given, setting):
    """The path of a file that holds a secret, in the settings ``given``. Raises ConfigError."""
    path = given.get(setting)
    if not (isinstance(path, str) and os.path.isabs(path)):
        raise ConfigError(f"{where}: {setting} must be the full path of a file")
    return path


def _channel(name, given):
    where = f"approval:chat:channels:{name}"
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ConfigError(f"{where}: a channel's name is of small letters, digits, _ and -, 40 at most")
    kind = given.get("kind") if isinstance(given, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(f"{where}: kind must be one of {', '.join(KINDS)}")
    return importlib.import_module(f".{KINDS[kind]}", __package__).channel(name, where, given)
