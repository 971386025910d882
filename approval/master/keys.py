"""The keys that the master has accepted, as every release of Salt in use keeps them."""

import os

import salt.key
import salt.utils.verify
from salt.exceptions import SaltCacheError


def is_id(opts, name):
    """Whether it can be a minion's id: of 255 bytes at most, with none that no text or file name has."""
    try:
        return len(name.encode()) <= 255 and salt.utils.verify.valid_id(opts, name)
    except (AttributeError, UnicodeEncodeError):
        return False


def accepted(opts):
    """The minions whose keys the master has accepted: a list of their ids."""
    with salt.key.get_key(opts) as keys:
        return list(keys.list_keys()["minions"])


def accepted_of(opts, minions):
    """The subset of the minions whose keys the master has accepted; for a few much quicker than accepted()."""
    with salt.key.get_key(opts) as keys:
        return {minion for minion in minions if public_key_of(keys, minion) is not None}


def public_key(opts, minion):
    """The public key, as PEM, that is accepted for the minion, whose id is a valid one; None: none is."""
    with salt.key.get_key(opts) as keys:
        return public_key_of(keys, minion)


def public_key_of(keys, minion):
    """The same from an open ``salt.key.Key``, for who reads many."""
    if hasattr(keys, "cache"):
        try:
            kept = keys.cache.fetch("keys", minion)
        except SaltCacheError:  # a name that no key can have
            return None
        is_accepted = isinstance(kept, dict) and kept.get("state") == "accepted"
        return kept["pub"] if is_accepted and isinstance(kept.get("pub"), str) else None
    # Before Salt had a cache for keys they were files, and in a cluster not in the master's own folder.
    folder = getattr(keys, "pki_dir", None) or keys.opts["pki_dir"]
    try:
        with open(os.path.join(folder, keys.ACC, minion), encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, IsADirectoryError):
        return None
