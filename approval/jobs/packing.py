"""Between Salt's job cache and the database: what of a load is kept, and how it is packed.

A minion chooses everything in what it returns, also jid, user and target: nothing here trusts a load's shape.
"""

import salt.exceptions
import salt.payload

from ..intake import masking

# Asked by Salt itself, all the time, and of no interest afterwards.
UNRECORDED = ("saltutil.find_job",)
# These describe a published job. The rest of a load is the publisher's keys and tokens, or a return.
PUBLISHED = {
    "cmd": str,
    "fun": (str, list),
    "arg": list,
    "jid": str,
    "tgt": (str, list),
    "tgt_type": str,
    "ret": str,
    "user": str,
    "kwargs": dict,
    "metadata": dict,
}
MAX_DEPTH = 64


def pack(data):
    """Salt data as msgpack that keeps text and bytes apart. Raises ValueError for what is nested too deep."""
    try:
        return salt.payload.dumps(data, use_bin_type=True)
    except RecursionError:
        raise ValueError("the data is nested too deep to be kept") from None


def unpack(packed):
    """
    What pack() was given. Raises ValueError for what cannot be read: not all that Salt packs it reads again, as a
    date before the year 1000.
    """
    try:
        return salt.payload.loads(packed, encoding="utf-8")
    except (salt.exceptions.SaltDeserializationError, RecursionError):
        raise ValueError("the data cannot be read") from None


def readable(packed):
    """As unpack(), but what cannot be read is a return that says so."""
    try:
        return unpack(packed)
    except ValueError:
        return {"return": "What is kept of this return cannot be read."}


def published(load):
    """What of a load describes the job. What is not of its proper type is left out."""
    return {name: load[name] for name, kind in PUBLISHED.items() if isinstance(load.get(name), kind)}


def claimed(load):
    """The load of a job that nobody published here (salt-call, a schedule), as its return describes it."""
    return {
        "fun": load.get("fun"),
        "arg": load.get("arg", load.get("fun_args")),
        "tgt": load.get("id"),
        "tgt_type": "list",
        "user": load.get("user"),
    }


def as_text(value, depth=0):
    """A field of a load as text that the database can hold; lists with commas, as deep as anybody nests them."""
    if isinstance(value, list | tuple):
        value = ",".join(as_text(content, depth + 1) for content in value) if depth <= MAX_DEPTH else ""
    if not isinstance(value, str):
        return ""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def named(value):
    """A minion or a job, which a minion names as it likes, as a message has it: without secrets, and cut."""
    return masking.masked_text(as_text(value))[:100]
