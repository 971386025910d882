"""Between Salt's job cache and the database: what of a load is kept, what is hidden, and how it is packed.

A minion chooses everything in what it returns, also jid, user and target: nothing here trusts a load's shape.
"""

import re

import salt.exceptions
import salt.payload

HIDDEN = "********"
# Asked by Salt itself, all the time, and of no interest afterwards.
UNRECORDED = ("saltutil.find_job",)
# What describes a published job. The rest of a load is keys and tokens of whoever published it, or a return.
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
SECRET = re.compile(
    r"password|passwd|passphrase|secret|credential|token|(api|private|access)[-_]?key"
    r"|(^|[-_.])(pass|pwd|auth)($|[-_.])",
    re.IGNORECASE,
)
ASSIGNMENT = re.compile(r"([\w.-]+)=")
URL_PASSWORD = re.compile(r"(://[^/:@\s]*:)[^/@\s]+@")
ARGUMENTS = ("arg", "fun_args", "kwargs")
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
    """What of a load describes the job, secrets hidden. What is not of its proper type is left out."""
    kept = {name: load[name] for name, kind in PUBLISHED.items() if isinstance(load.get(name), kind)}
    return masked(kept)


def claimed(load):
    """The load of a job that nobody published here (salt-call, a schedule), as its return describes it."""
    return {
        "fun": load.get("fun"),
        "arg": load.get("arg", load.get("fun_args")),
        "tgt": load.get("id"),
        "tgt_type": "list",
        "user": load.get("user"),
    }


def masked(load):
    """
    A copy of the load (or event) with the secrets in its arguments hidden.

    Found by the names of arguments, by ``name=value`` texts, in URLs, and in all but the first argument of
    a function that is named after a secret, such as shadow.set_password. A runner's job has its arguments
    in the return.
    """
    if not isinstance(load, dict):
        return load
    result = _with_masked_arguments(load)
    inner = result.get("return")
    if isinstance(inner, dict) and "fun_args" in inner and "jid" in inner:
        result["return"] = _with_masked_arguments(inner)
    return result


def as_text(value, depth=0):
    """A field of a load as text that the database can hold; lists with commas, as deep as anybody nests them."""
    if isinstance(value, list | tuple):
        value = ",".join(as_text(content, depth + 1) for content in value) if depth <= MAX_DEPTH else ""
    if not isinstance(value, str):
        return ""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _with_masked_arguments(load):
    fun = load.get("fun")
    hide = _hide_all_but_first if isinstance(fun, str) and SECRET.search(fun) else _hide
    return {name: hide(value) if name in ARGUMENTS else value for name, value in load.items()}


def _hide(value, depth=0):
    # Nobody nests arguments that deep, but a minion could, to end this with an error.
    if depth > MAX_DEPTH:
        return HIDDEN
    if isinstance(value, dict):
        return {
            name: HIDDEN if isinstance(name, str) and SECRET.search(name) else _hide(content, depth + 1)
            for name, content in value.items()
        }
    if isinstance(value, list | tuple):
        return [_hide(content, depth + 1) for content in value]
    if isinstance(value, str):
        assignment = ASSIGNMENT.match(value)
        if assignment and SECRET.search(assignment[1]):
            return f"{assignment[1]}={HIDDEN}"
        return URL_PASSWORD.sub(rf"\1{HIDDEN}@", value)
    return value


def _hide_all_but_first(value):
    if not isinstance(value, list | tuple):
        return _hide(value)
    return [
        _hide(content) if number == 0 or isinstance(content, dict) else HIDDEN for number, content in enumerate(value)
    ]
