"""What minions answer when asked which packages they could get: read with care, since a minion chooses all of it."""

import base64
import binascii
import zlib

from ..errors import InputError

FORMAT = 1
# Several times what a large distribution has.
MOST_PACKED_BYTES = 16 * 1024 * 1024
MOST_BYTES = 64 * 1024 * 1024
MOST_TEXT = 255
FIELDS = {"system": str, "release": str, "complete": bool, "sources": str}


def report(returned):
    """
    The fields of an answer that the database takes: {system, release, complete, sources, content, revision, mac}.
    Raises InputError, whose text says what is wrong with it.
    """
    if not isinstance(returned, dict):
        raise InputError("its answer is no mapping: is its copy of our execution module older than the master's?")
    if returned.get("format") != FORMAT:
        raise InputError("its answer is of another version of our execution module than the master's")
    for name, kind in FIELDS.items():
        if not isinstance(returned.get(name), kind):
            raise InputError(f"its answer has no {name}")
    fields = {name: returned[name] for name in FIELDS}
    for name in ("content", "mac"):
        value = returned.get(name)
        fields[name] = value if isinstance(value, str) else None
    revision = returned.get("revision")
    fields["revision"] = revision if isinstance(revision, int) and not isinstance(revision, bool) else None
    for name, value in fields.items():
        if isinstance(value, str) and (len(value) > MOST_TEXT or not value.isascii() or not value.isprintable()):
            raise InputError(f"the {name} in its answer is longer than {MOST_TEXT} characters, or of odd ones")
    return fields


def packages(returned):
    """
    The names and the versions of the packages in an answer, two lists; (None, None) where it tells none. Raises
    InputError for an error that it tells instead, or for what is too much, or cannot be read.
    """
    error = returned.get("error")
    if error is not None:
        raise InputError(
            "its package manager says: " + "".join(c if c.isprintable() else " " for c in str(error)[:400])
        )
    packed = returned.get("packages")
    if packed is None:
        return None, None
    if not isinstance(packed, str) or len(packed) > MOST_PACKED_BYTES:
        raise InputError("its packages are no text, or too much of it")
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(base64.b64decode(packed, validate=True), MOST_BYTES)
    except (binascii.Error, ValueError, zlib.error):
        raise InputError("its packages cannot be unpacked") from None
    if not unpacking.eof:
        raise InputError(f"its packages are cut off, or more than {MOST_BYTES // 1024 // 1024} MB")
    try:
        lines = text.decode("ascii").split("\n") if text else []
    except UnicodeDecodeError:
        raise InputError("its packages have names or versions of characters that none has") from None
    pairs = [line.split(" ") for line in lines]
    if any(len(pair) != 2 for pair in pairs):
        raise InputError("its packages are not one name and one version in each line")
    return [name for name, _ in pairs], [version for _, version in pairs]
