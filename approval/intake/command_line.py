"""The command of a job as a person would type it, for people who want to know what ran.

Salt keeps what a command became: ``refresh=True`` is a truth value in a mapping, ``'123'`` a text. The way back is
found by trying: a text is shown for a value only if Salt's own parser makes that value of it again. A value for which
there is none is marked with APPROXIMATE. Secrets are hidden before anything else is done.
"""

import functools
import itertools
import logging
import re
import shlex

from . import masking

log = logging.getLogger(__name__)

LONGEST = 1000  # characters of a command; a longer one is cut
LONGEST_TARGET = 300  # characters of its target, so that a job for many minions still shows what it does
CUT = "…"  # marks what was cut; within a command it would stand in quotes
APPROXIMATE = "≈"  # marks a value for which there is nothing to type; likewise
UNKNOWN = f"{APPROXIMATE} a command that cannot be shown"
FLAGS = {
    "glob": "", "pcre": "-E", "list": "-L", "grain": "-G", "grain_pcre": "-P", "pillar": "-I", "pillar_pcre": "-J",
    "compound": "-C", "nodegroup": "-N", "range": "-R", "ipcidr": "-S",
}  # fmt: skip
# Texts that YAML takes for themselves without a look at them: nobody has to ask the parser.
PLAIN = re.compile(r"[A-Za-z/](?:[\w./+\- ]*[\w./+\-])?", re.ASCII)
BETWEEN = (",", True)  # the word between the arguments of two functions
NO_TEXT = frozenset({"true", "false", "yes", "no", "on", "off", "null", "none"})
UNTYPABLE = re.compile("[\\0\ud800-\udfff]")
PLAIN_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\"}
# Functions that Salt, its schedules and this package call all the time, and that change nothing a person asked for.
HOUSEKEEPING = re.compile(
    r"mine\.(?:update|send|get|flush|delete|valid)"
    r"|saltutil\.(?:find_job|find_cached_job|running|is_running|sync_\w+|refresh_\w+|clear_job_cache)"
    r"|status\.(?:master|ping_master)|test\.ping"
    r"|runner\.(?:jobs\.\w+|mine\.get|saltutil\.sync_\w+|manage\.(?:present|up|down|status))"
)


def as_typed(job, nodegroups=None, masked=masking.masked):
    """
    The command of a job as a text of at most LONGEST characters in one line, without secrets.

    job
        What Salt publishes or keeps of a job (``tgt``, ``tgt_type``, ``fun``, ``arg``): a command of ``salt``. The
        event or stored data of a runner's job (``fun``, ``fun_args``): of ``salt-run``. A return that has no
        published job, as the minion sent it: of ``salt-call``. It may be masked already; it is masked here again.
    nodegroups
        The mapping ``nodegroups`` of the master's configuration. LocalClient replaces a nodegroup by its definition
        before it publishes: where a compound target is just that, the nodegroup is shown.
    masked
        What hides secrets in a job: Masker.masked of a masker that knows the patterns of the site.

    Words are quoted as for bash, in which ``$'...'`` holds the characters that do not print. Never raises: a job that
    makes no sense gives UNKNOWN.
    """
    try:
        return _cut(_typed(_of_runner(masked(job)), nodegroups or {}), LONGEST)
    except Exception:
        # The text of the exception may have a secret in it.
        log.error("The command of a job cannot be shown as it was typed")
        return UNKNOWN


def is_test(job):
    """Whether the job was told to change nothing, by ``test=True`` for each of its functions."""
    try:
        job = _of_runner(job)
        unmarked = _kind(job) != "salt"
        return all(
            fun == "state.test" or any(_asks_for_test(arg, unmarked and arg is args[-1]) for arg in args)
            for fun, args in _calls(job)
        )
    except Exception:
        return False


def is_housekeeping(fun):
    """Whether the function, or each of a list, is one that Salt calls by itself and nobody wants to read of."""
    if isinstance(fun, list | tuple):
        return bool(fun) and all(isinstance(one, str) and is_housekeeping(one) for one in fun)
    return isinstance(fun, str) and HOUSEKEEPING.fullmatch(fun) is not None


def _of_runner(job):
    """The job itself; of a runner's job as Salt stores it, the data in its return."""
    inner = job.get("return")
    return inner if isinstance(inner, dict) and "fun_args" in inner and "jid" in inner else job


def _calls(job):
    """The functions of a job with the arguments of each: [(fun, arguments)]."""
    fun, args = job.get("fun"), job.get("arg", job.get("fun_args"))
    args = list(args) if isinstance(args, list | tuple) else [] if args is None else [args]
    if not isinstance(fun, list | tuple):
        return [(fun, args)]
    if len(fun) == len(args) and all(isinstance(each, list | tuple) for each in args):
        return list(zip(fun, args, strict=True))
    return [(one, args if number == 0 else []) for number, one in enumerate(fun)]


def _asks_for_test(argument, unmarked):
    """Whether this is test=True. unmarked: whether a mapping has arguments with names also without the mark."""
    if isinstance(argument, dict):
        value = argument.get("test") if unmarked or argument.get("__kwarg__") is True else None
        return value is True or (isinstance(value, str) and value.lower() == "true")
    # Minions read a text of this form as an argument with a name.
    return isinstance(argument, str) and argument.lower() == "test=true"


def _kind(job):
    """With which program such a job is begun."""
    if "tgt" in job and "return" not in job:
        return "salt"
    kind = job["fun"].partition(".")[0] if isinstance(job.get("fun"), str) and "id" not in job else ""
    return {"runner": "salt-run", "wheel": f"{APPROXIMATE} wheel"}.get(kind, "salt-call")


def _typed(job, nodegroups):
    if not job.get("fun"):
        return UNKNOWN
    kind = _kind(job)
    options, words, calls, target = [kind], [], _calls(job), None
    if kind == "salt":
        flags, target = _target(job["tgt"], job.get("tgt_type") or "glob", nodegroups)
        options += flags
    elif kind != "salt-call":
        calls = [(fun.partition(".")[2], args) for fun, args in calls]
    as_they_were = kind == "salt-call" and "schedule" not in job
    words = list(_within(_words(calls, unmarked=kind != "salt", as_they_were=as_they_were)))
    taken = {word[0] for word in words if word is not BETWEEN}
    separator = next(mark for mark in map(",".__mul__, itertools.count(1)) if mark not in taken)
    if len(calls) > 1 and separator != ",":
        options.append(f"--args-separator={separator}")
    functions = ",".join(_text(fun) for fun, _ in calls[:LONGEST])[: LONGEST + 1]
    typed = [(functions, True), *((separator, True) if word is BETWEEN else word for word in words)]
    if target is not None:
        typed.insert(0, target)
    dashed = next((at for at, (text, _) in enumerate(typed) if text[:1] == "-" and len(text) > 1), None)
    typed = [("" if sure else APPROXIMATE) + _quoted(text) for text, sure in typed]
    if target is not None and len(target[0]) > LONGEST_TARGET:
        shown = target[0][:LONGEST_TARGET]
        typed[0] = _quoted(shown[: shown.rfind(",") + 1] or shown) + CUT
    if dashed is not None:
        # A word that begins with a dash would be an option.
        typed.insert(dashed, "--")
    return " ".join([*options, *typed])


def _target(target, kind, nodegroups):
    """The options that say of what kind the target is, and the target with whether it is what would be typed."""
    sure = isinstance(target, str)
    if isinstance(target, list | tuple):
        parts = [_text(part) for part in target[:LONGEST]]
        target, sure = ",".join(parts), kind == "list" and not any(set(part) & set(", ") for part in parts)
    target, kind = _text(target), _text(kind)[:LONGEST_TARGET]
    if kind == "compound":
        for name, definition in _definitions(_hashable(nodegroups)):
            if definition == target:
                kind, target = "nodegroup", name
                break
    flag = FLAGS.get(kind)
    options = [f"tgt_type={_quoted(kind)}"] if flag is None else [flag] if flag else []
    return options, (target[: LONGEST_TARGET + 1], sure and _can_be_typed(target))


def _hashable(nodegroups):
    return tuple(
        (name, tuple(map(str, words)) if isinstance(words, list | tuple) else words)
        for name, words in nodegroups.items()
        if isinstance(name, str) and isinstance(words, str | list | tuple)
    )


@functools.lru_cache(maxsize=4)
def _definitions(nodegroups):
    """Each nodegroup with the compound target that LocalClient makes of it."""
    from salt.utils.minions import nodegroup_comp

    known = dict(nodegroups)
    made = [(name, nodegroup_comp(name, known)) for name in known]
    return [(name, " ".join(words.split() if isinstance(words, str) else words)) for name, words in made if words]


def _words(calls, unmarked, as_they_were):
    """
    What would be typed for each argument, with whether Salt makes the argument of it again; BETWEEN between functions.

    unmarked
        Whether a mapping at the end holds arguments with names also without the mark that says so. Of runners and
        schedules Salt tells no more.
    as_they_were
        Whether texts are words as they were typed, as minions send those of salt-call.
    """
    for number, (_, args) in enumerate(calls):
        if number:
            yield BETWEEN
        for at, arg in enumerate(args, 1):
            if isinstance(arg, dict) and (arg.get("__kwarg__") is True or (unmarked and at == len(args))):
                yield from (_word(value, _text(name)) for name, value in arg.items() if name != "__kwarg__")
            elif isinstance(arg, str) and as_they_were:
                yield arg[: LONGEST + 1], _can_be_typed(arg)
            else:
                yield _word(arg)


def _within(words):
    """As many of the words as can be shown."""
    room = LONGEST
    for word in words:
        yield word
        room -= len(word[0]) + 1
        if room < 0:
            return


def _word(value, name=None):
    """What would be typed for a value, with whether Salt makes the value of it again."""
    words = []
    for text in _candidates(value):
        words.append(text if name is None else f"{name}={text}")
        if len(words[-1]) > LONGEST:
            # All of it is not shown anyway.
            return words[-1][: LONGEST + 1], True
        if _can_be_typed(words[-1]) and _is_read_as(value, text, name, words[-1]):
            return words[-1], True
    return words[0], False


def _candidates(value):
    """Texts that may stand for a value, the simplest first."""
    if isinstance(value, str):
        yield value[: LONGEST + 1]
    elif value is None:
        yield "None"
    yield "".join(_within_length(_flow(value)))


def _within_length(pieces):
    room = LONGEST
    for piece in pieces:
        yield piece
        room -= len(piece)
        if room < 0:
            return


def _flow(value):
    """The pieces of a value as YAML in one line, as Salt reads it, and close to JSON."""
    if isinstance(value, dict):
        yield "{"
        for number, (name, content) in enumerate(value.items()):
            yield ", " if number else ""
            yield from _flow(name)
            yield ": "
            yield from _flow(content)
        yield "}"
    elif isinstance(value, list | tuple):
        yield "["
        for number, content in enumerate(value):
            yield ", " if number else ""
            yield from _flow(content)
        yield "]"
    elif isinstance(value, str):
        # A # would make Salt take the whole text as it stands, with its quotes.
        yield '"' + "".join(map(_escaped, value[: LONGEST + 1])).replace('"', '\\"').replace("#", "\\x23") + '"'
    elif value is None:
        yield "null"
    elif isinstance(value, float):
        # YAML has a point in front of an exponent, and of the names of what is no number.
        yield re.sub(
            r"^(-?)(?=[in])|^(-?\d+)(?=e)",
            lambda match: f"{match[1]}." if match[2] is None else f"{match[2]}.0",
            repr(value),
        )
    else:
        yield repr(value)[: LONGEST + 1]


def _is_read_as(value, text, name, word):
    """Whether Salt's parser makes this value of the word."""
    plain = isinstance(value, str) and text == value and PLAIN.fullmatch(text) and text.lower() not in NO_TEXT
    if plain and (name is None or PLAIN_NAME.fullmatch(name)):
        return True
    from salt.utils.args import parse_input

    args, kwargs = parse_input([word], condition=False)
    if name is None:
        return not kwargs and len(args) == 1 and _is_same(args[0], value) and _is_same(parse_input([word]), args)
    return not args and list(kwargs) == [name] and _is_same(kwargs[name], value)


def _is_same(one, other):
    """Whether two values are the same and of the same types; of tuples and lists nobody can tell the difference."""
    if isinstance(one, list) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return (
            len(one) == len(other)
            and all(map(_is_same, one, other))
            and all(map(_is_same, one.values(), other.values()))
        )
    return one == other or (isinstance(one, float) and one != one and other != other)


def _text(value):
    return value if isinstance(value, str) else "".join(_within_length(_flow(value)))


def _can_be_typed(word):
    """Whether a program can be given the word at all."""
    return not UNTYPABLE.search(word)


def _quoted(word):
    """A word for bash. Characters that do not print are escaped, so that none of them acts on who reads it."""
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(map(_escaped, word)).replace("'", "\\'") + "'"


def _escaped(character):
    """A character as YAML and bash both write it within quotes, if it does not print or escapes others."""
    if character in ESCAPES:
        return ESCAPES[character]
    if character.isprintable():
        return character
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x80 else f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def _cut(text, longest):
    return text if len(text) <= longest else text[: longest - 1] + CUT
