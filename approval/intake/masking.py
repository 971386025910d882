"""Secrets in jobs, hidden before anything of a job is stored or shown.

A minion chooses everything in what it returns: nothing here trusts a shape, every step takes time in proportion to the
text, and where something fails, all arguments are hidden.
"""

import functools
import logging
import re

from ..errors import ConfigError
from . import own_patterns
from .program_secrets import is_secret_setting
from .room import Room
from .secret_names import has_secret_word, is_secret_name
from .shell_secrets import HIDDEN, is_reference, masked_line

log = logging.getLogger(__name__)

ARGUMENTS = ("arg", "fun_args", "kwargs", "kwarg", "metadata")
# All that is in them may be a secret, whatever its name.
ALWAYS = frozenset({"pillar", "pillar_override", "stdin"})
MAX_DEPTH = 64
# The work of one search, twice the characters of a usual text; what is beyond it is hidden. 100,000 take 0.05 s, or
# 0.3 s where somebody has chosen what is slowest.
ROOM_OF_ARGUMENTS = 150_000
ROOM_OF_DATA = 1_500_000
SQUARES = 200  # so much of the square of a line's length is one unit for each of the site's patterns
MOST_FUNCTIONS = 100  # of one job
# A longer text is no command that somebody typed: its lines are looked at one by one, and a longer line is hidden.
LONGEST_LINE = 16_384  # characters
# The place of a password among the arguments of functions that have it in another place than the second and on.
PLACES = {
    "mysql.user_create": 2, "mysql.user_chpass": 2, "rabbitmq.add_user": 1, "rabbitmq.check_password": 1,
    "influxdb.user_create": 1, "mongodb.user_create": 1, "postgres.user_create": 5, "mssql.login_create": 1,
    "system.join_domain": 2, "user.add": 1, "cassandra_cql.create_user": 1, "keystone.user_create": 1,
    "smbutil.create": 1, "pdbedit.create": 1, "random.hash": 0, "shadow.gen_password": 0, "hashutil.digest": 0,
}  # fmt: skip
# Functions that set what their first argument names.
SETTERS = re.compile(r"\.\w*(?:set|put|update|write|append|store|change|add)\w*$|^sdb\.|^environ\.")

PRIVATE_KEY = re.compile(
    r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----).*?"
    r"(-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
# A text that can be nothing but a token by its shape.
WORD = re.compile(r"[\w.+~/\-]{1,100}", re.ASCII)
PILLAR_WORD = re.compile(r"(?<![\w@])([IJ].?@)(\S+)")
URL_PASSWORD = re.compile(r"(://[^/?#:@\s'\"]*:)[^/\s'\"]+@")
URL_TOKEN = re.compile(r"(://)[^/?#:@\s'\"]{16,}@")
ORACLE = re.compile(r"(\boracle:\w{1,9}:\w{1,99}/)[^@\s'\"]{1,200}@")
ELEMENT = re.compile(r"(<([\w:.\-]{1,200})(?:\s[^<>]{0,200})?>)[^<>\s][^<>]*(?=</)")
URL_QUERY = re.compile(r"([?&#;]([\w.\-\[\]]{1,200})=)([^&#\s'\"]+)")
QUERY_NAMES = frozenset({"sig", "signature", "key", "code", "sid", "x-amz-signature", "x-amz-credential", "hmac"})
HEADER = re.compile(
    r"(?:(?<![\w\-])|(?<=-H))((?:proxy-)?authorization|(?:set-)?cookie|x-[a-z\-]{0,60}(?:token|key|auth|secret|password))"
    r"(\s{0,4}:\s{0,4}[\"']?(?:(?:bearer|basic|token|digest|apikey|negotiate)\s{1,4})?)([^\r\n'\"]+)",
    re.IGNORECASE,
)
BEARER = re.compile(r"\b(Bearer\s{1,4})[\w.~+/=\-]{8,}", re.IGNORECASE)
BASIC = re.compile(r"\b(Basic\s{1,4})(?=[A-Za-z]?[a-z]*[A-Z0-9])[A-Za-z0-9+/]{6,}={0,2}")
QUOTED_PAIR = re.compile(
    r"""(["'])([\w.\- ]{1,200})\1(\s{0,9}(?:=>|[:=,])\s{0,9})("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[\w.+/\-]+)""",
    re.DOTALL,
)
STATEMENT = re.compile(
    r"""\b(IDENTIFIED\s{1,9}(?:WITH\s{1,9}\S{1,99}\s{1,9})?(?:BY|AS)(?:\s{1,9}PASSWORD)?|PASSWORD(?:\s{1,9}FOR\s{1,9}\S{1,199})?)"""
    r"""(\s{1,9}|\s{0,9}[=(]\s{0,9})('"'"'[^'"]+'"'"'|'\\''[^'"]+'\\''|\\'(?:[^'\\]|\\{3}'|\\(?!'))*\\?'|\\"(?:[^"\\]|\\{3}"|\\(?!"))*\\?"|'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|\\.)*")""",
    re.IGNORECASE | re.DOTALL,
)
# A quote, also within a text that stands in single quotes for a shell.
QUOTE = re.compile(r"""'"'"'|'\\''|\\?["']""")
UNQUOTED_STATEMENT = re.compile(r"""\b(IDENTIFIED\s{1,9}BY\s{1,9})(?!VALUES\b|PASSWORD\b)([^\s'";]+)""", re.IGNORECASE)
CREDENTIAL = re.compile(
    r"""(Credential\]?(?:::new)?\s{0,9}\(\s{0,9}(?:"[^"]*"|'[^']*')\s{0,9},\s{0,9})("[^"]*"|'[^']*')""", re.IGNORECASE
)
TOKEN = re.compile(
    r"""(?<![A-Za-z0-9])(?:
        (?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,} | gh[pousr]_\w{16,} | github_pat_\w{20,} | sap_\w{40,}
      | gl(?:pat|ptt|dt|rt|soat)-[\w\-]{10,}
      | xox[a-z]-[\w\-]{6,} | xapp-[\w\-]{10,} | eyJ[\w\-]{5,}(?:\.[\w\-]+){0,4} | [sr]k_(?:live|test)_\w{8,}
      | sk-[\w\-]{20,}
      | AIza[\w\-]{30,} | ya29\.[\w\-]{10,} | npm_\w{30,} | pypi-[\w\-]{40,} | do[opr]_v1_\w{20,} | hv[sbr]\.[\w\-]{10,}
      | SG\.[\w\-]{10,}\.[\w\-]{10,} | AGE-SECRET-KEY-1\w{10,} | shp(?:at|ss|ca|pa)_\w{10,} | dckr_pat_[\w\-]{10,}
      | tskey-[\w\-]{10,} | ATATT3[\w\-=]{10,} | \d{8,10}:AA[\w\-]{30,} | PMAK-[\w\-]{20,} | lin_api_\w{10,}
      | hf_[A-Za-z0-9]{20,} | T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/\w{16,} )
      | \$(?:1|2[aby]|5|6|7|y|gy|apr1)\$[./A-Za-z0-9$=,+]{8,} | \$argon2\w{1,2}\$[./A-Za-z0-9$=,+\-]{8,}
      | \{S?(?:SHA|MD5|CRYPT|SMD5|SHA256|SHA512|SSHA)\d{0,3}\}[A-Za-z0-9+/=$.]{8,}""",
    re.VERBOSE,
)


class Masker:
    """
    Hides secrets in jobs and texts.

    own
        What own_patterns.compiled() gives: shapes of secrets that the site has beside those that are known here.
    """

    def __init__(self, own=()):
        self._own = own

    @classmethod
    def with_patterns(cls, patterns):
        """One that knows the patterns of the configuration as well. Raises own_patterns.BadPattern."""
        return cls(own_patterns.compiled(patterns))

    @classmethod
    def hiding_all(cls):
        """One that hides all arguments and all that was given back."""
        return cls(None)

    def masked(self, load):
        """
        A copy of the load (or event) with the secrets in its arguments hidden; of anything else than a mapping, itself.

        Found by the names of arguments, by what is known of functions and of programs on command lines, and by the
        shapes of tokens. Values in ``pillar=`` are hidden always. A runner's job has its arguments in the return.
        Never raises: where this fails, all arguments are hidden. Arguments beyond ROOM_OF_ARGUMENTS are hidden, too.
        """
        if not isinstance(load, dict):
            return load
        search = _Search(self._own, ROOM_OF_ARGUMENTS)
        result = search.with_masked_arguments(load)
        inner = result.get("return")
        if isinstance(inner, dict) and "fun_args" in inner and "jid" in inner:
            result["return"] = search.with_masked_arguments(inner)
        return result

    def masked_event(self, event):
        """As masked(), for what an event carries: also what somebody sent in an event of his own."""
        result = self.masked(event)
        if isinstance(result, dict) and isinstance(result.get("data"), dict | list | str):
            result["data"] = self.masked_data(self.masked(result["data"]))
        return result

    def masked_data(self, data):
        """
        A copy of what a job gave back, with the secrets in its texts hidden; all of it, where this fails.

        Of more than ROOM_OF_DATA the rest is hidden.
        """
        try:
            return _Search(self._own, ROOM_OF_DATA).data(data)
        except Exception:
            return _failed()

    def masked_text(self, text):
        """The text with the secrets in it hidden; all of it, where this fails. Otherwise as masked_data()."""
        try:
            return _Search(self._own, ROOM_OF_DATA).text(text)
        except Exception:
            return _failed()


class _Search:
    """
    One search for secrets, which does no more work than there is room for.

    own: the patterns of the site; with None everything is hidden.
    """

    def __init__(self, own, work):
        self._own = own
        self._room = Room(work)

    def with_masked_arguments(self, load):
        result = dict(load)
        kind = str(load.get("tgt_type"))
        try:
            fun = load.get("fun")
            for name in ARGUMENTS:
                if name in load:
                    result[name] = self._arguments(fun, load[name])
            if isinstance(load.get("tgt"), str) and kind.startswith(("pillar", "compound")):
                result["tgt"] = self._target(load["tgt"], kind)
        except Exception:
            _failed()
            result.update({name: [HIDDEN] for name in ARGUMENTS if name in load})
            if kind.startswith(("pillar", "compound")):
                result["tgt"] = HIDDEN
        return result

    def _arguments(self, fun, value):
        if not isinstance(value, list | tuple):
            return self._value(value, 0)
        if isinstance(fun, list | tuple):
            if len(fun) > MOST_FUNCTIONS:
                return [HIDDEN]
            # Several functions in one job have a list of arguments each.
            if len(fun) == len(value) and all(isinstance(each, list | tuple) for each in value):
                return [self._arguments(one, each) for one, each in zip(fun, value, strict=True)]
            fun = next((one for one in fun if isinstance(one, str) and has_secret_word(one)), None)
        hidden = _hidden_places(fun, value) if isinstance(fun, str) else frozenset()
        return [
            HIDDEN if number in hidden and not isinstance(each, dict | bool | None) else self._value(each, 1)
            for number, each in enumerate(value)
        ]

    def _value(self, value, depth):
        """An argument: text is a command, or ``name=value``."""
        # Nobody nests arguments that deep, but a minion could, to end this with an error.
        if depth > MAX_DEPTH or not self._room.take(1):
            return HIDDEN
        if isinstance(value, dict):
            return {self._key(name): self._named(name, content, depth + 1) for name, content in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(content, depth + 1) for content in value]
        if isinstance(value, str):
            name, equals, content = value.partition("=")
            if equals and content and (name in ALWAYS or (name.isidentifier() and is_secret_name(name))):
                return f"{name}={HIDDEN}"
            return self.text(value)
        if isinstance(value, bytes | bytearray):
            return self._bytes(value)
        return value

    def _named(self, name, content, depth):
        if not isinstance(name, str):
            return self._value(content, depth)
        if name in ALWAYS:
            return _without_values(content, depth)
        if is_secret_name(name):
            return content if content is None or isinstance(content, bool) or content == "" else HIDDEN
        return self._value(content, depth)

    def data(self, data):
        # With a stack of its own, since a minion nests what it returns deeper than Python calls functions.
        whole = [data]
        open_ = [whole]
        while open_:
            inside = open_.pop()
            for name, content in list(inside.items() if isinstance(inside, dict) else enumerate(inside)):
                hide = isinstance(name, str) and is_secret_name(name) and _is_plain(content)
                inside[name] = found = HIDDEN if hide else self._copied(content)
                if isinstance(found, dict | list):
                    open_.append(found)
        return whole[0]

    def _copied(self, content):
        """A text masked; of a mapping or a list a copy, whose contents are still to be looked at."""
        if not self._room.take(1):
            return HIDDEN
        if isinstance(content, dict):
            return {self._key(name): value for name, value in content.items()}
        if isinstance(content, list | tuple | set | frozenset):
            return list(content)
        if isinstance(content, str):
            return self.text(content)
        if isinstance(content, bytes | bytearray):
            return self._bytes(content)
        return content

    def _key(self, name):
        if self._own is None:
            return name
        return self.text(name) if isinstance(name, str) else name

    def _bytes(self, value):
        text = bytes(value).decode("utf-8", "surrogateescape")
        masked = self.text(text)
        return value if masked == text else masked.encode("utf-8", "surrogateescape")

    def _target(self, target, kind):
        if kind.startswith("compound"):
            return PILLAR_WORD.sub(lambda word: word[1] + self._target(word[2], "pillar"), target)
        parts = target.split(":")
        if len(parts) > 1 and any(is_secret_name(part) for part in parts[:-1]):
            return ":".join([*parts[:-1], HIDDEN])
        return self.text(target)

    def text(self, text):
        if self._own is None:
            return HIDDEN
        if not self._own and len(text) < 16 and text.isalnum():
            return text
        if len(text) > LONGEST_LINE:
            return self._long_text(text)
        if not self._room_for_shapes(text):
            return HIDDEN
        text = own_patterns.hidden(self._own, text, HIDDEN)
        if WORD.fullmatch(text):
            return TOKEN.sub(HIDDEN, text)
        return masked_line(_masked_shapes(text), self._room)

    def _long_text(self, text):
        """A text line by line, as far as there is room."""
        most = max(self._room.left // 2, 0)
        seen = text if len(text) <= most else text[:most].rpartition("\n")[0]
        if not self._room_for_shapes(seen):
            return HIDDEN
        shaped = _masked_shapes(own_patterns.hidden(self._own, seen, HIDDEN))
        lines = [masked_line(line, self._room) if len(line) <= LONGEST_LINE else HIDDEN for line in shaped.split("\n")]
        return "\n".join(lines if seen is text else [*lines, HIDDEN])

    def _room_for_shapes(self, text):
        work = len(text)
        if self._own:
            # One that has a repetition may take the square of the length of a line.
            squares = sum(min(len(line), own_patterns.LONGEST_LINE) ** 2 for line in text.splitlines())
            work += len(self._own) * squares // SQUARES
        return self._room.take(work)


def _hidden_places(fun, values):
    """The places of the arguments of this function that are secrets, whatever they look like."""
    count = len(values)
    if fun in PLACES:
        place = PLACES[fun]
        if fun == "user.add" and count > 1 and str(values[1]).isdigit() and len(str(values[1])) < 7:
            return frozenset()  # a number is the user's, where users have one
        return frozenset({place, *(range(place + 1, count) if has_secret_word(fun) else ())})
    if has_secret_word(fun):
        return frozenset(range(1, count))
    if count > 1 and isinstance(values[0], str) and SETTERS.search(fun) and is_secret_setting(values[0]):
        return frozenset(range(1, count))
    return frozenset()


def _is_plain(content):
    """Whether this may be a secret: a text or a number, where there is one."""
    return isinstance(content, str | bytes | int | float) and not isinstance(content, bool) and content not in ("", b"")


def _without_values(value, depth):
    if depth > MAX_DEPTH:
        return HIDDEN
    if isinstance(value, dict):
        return {name: _without_values(content, depth + 1) for name, content in value.items()}
    if isinstance(value, list | tuple):
        return [_without_values(content, depth + 1) for content in value]
    return value if value is None or isinstance(value, bool) else HIDDEN


def _masked_shapes(text):
    """What is a secret by its look, wherever it stands."""
    if "PRIVATE KEY" in text:
        text = PRIVATE_KEY.sub(rf"\1{HIDDEN}\2", text)
    if "://" in text:
        text = URL_PASSWORD.sub(rf"\1{HIDDEN}@", text)
        text = URL_TOKEN.sub(rf"\1{HIDDEN}@", text)
    if "oracle:" in text:
        text = ORACLE.sub(rf"\1{HIDDEN}@", text)
    if "</" in text:
        text = ELEMENT.sub(_masked_element, text)
    if "=" in text:
        text = URL_QUERY.sub(_masked_query, text)
    if ":" in text:
        text = HEADER.sub(_masked_header, text)
    if "'" in text or '"' in text:
        text = QUOTED_PAIR.sub(_masked_pair, text)
        text = STATEMENT.sub(_masked_statement, text)
        if "(" in text:
            text = CREDENTIAL.sub(_masked_rest, text)
    if " " in text or "\n" in text or "\t" in text:
        text = UNQUOTED_STATEMENT.sub(_masked_rest, text)
        text = BASIC.sub(_masked_rest, BEARER.sub(_masked_rest, text))
    return TOKEN.sub(HIDDEN, text)


def _masked_rest(match):
    return match[1] + HIDDEN


def _masked_header(match):
    return match[0] if is_reference(match[3]) else f"{match[1]}{match[2]}{HIDDEN}"


def _masked_element(match):
    return f"{match[1]}{HIDDEN}" if is_secret_name(match[2]) else match[0]


def _masked_query(match):
    name = match[2]
    return match[1] + HIDDEN if name.lower() in QUERY_NAMES or is_secret_name(name) else match[0]


def _masked_pair(match):
    quote, name, between, value = match.groups()
    if not is_secret_name(name) or value.lower() in ("true", "false", "null", "none", '""', "''"):
        return match[0]
    if between.strip() == ",":
        return match[0]
    mark = value[0] if value[0] in "\"'" else ""
    return f"{quote}{name}{quote}{between}{mark}{HIDDEN}{mark}"


def _masked_statement(match):
    head, between, value = match.groups()
    if value.strip("\\\"'") == "" and not value.startswith("\\"):
        return match[0]
    mark = QUOTE.match(value)[0]
    return f"{head}{between}{mark}{HIDDEN}{mark}"


def _failed():
    # The text of the exception may have the secret in it.
    log.error("Secrets could not be looked for, so everything is hidden")
    return HIDDEN


def of_site(patterns):
    """
    The Masker of a site.

    patterns
        A function that gives the patterns of its configuration, as Settings.masking_patterns does.

    With a pattern that is wrong everything is hidden, since nobody knows what it was to hide; this is logged once.
    """
    try:
        return _with_patterns(patterns())
    except ConfigError as exc:
        return _hiding_all(str(exc))


@functools.lru_cache(maxsize=4)
def _with_patterns(patterns):
    try:
        return Masker.with_patterns(patterns)
    except own_patterns.BadPattern as exc:
        return _hiding_all(f"approval:masking: {exc}")


@functools.lru_cache(maxsize=4)
def _hiding_all(problem):
    log.error("%s: all arguments and outputs of jobs are hidden meanwhile", problem)
    return Masker.hiding_all()


usual = Masker()
masked = usual.masked
masked_data = usual.masked_data
masked_text = usual.masked_text
