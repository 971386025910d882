"""Secrets in a line as people type it into a shell, found by where they stand in it.

The text is split into words as a POSIX shell splits it, as far as it parses; each rule then looks at words. What is not
hidden stays character by character. Every step takes time in proportion to the text.
"""

import itertools
import re

from .program_secrets import PROGRAMS, READERS, Command, is_option, program_of
from .secret_names import is_secret_name

HIDDEN = "********"
LINE_WORK = 16  # what it takes to look at a line at all, as the characters that could be looked at meanwhile
LONGEST_VALUE = 400
MOST_CALLS = 8  # of one program in one command; its rules look at all that is behind each
LONGEST_PIPE = 20  # commands in front of one that reads secrets
DEEPEST = 6  # quotes within quotes; what is deeper is hidden
# Words are runs of characters and quotes; a quote without an end is a character.
TOKEN = re.compile(
    r"""(?P<word>(?:[^\s"'\\;|&<>()`]+|\\.|"(?:[^"\\]|\\.)*"|'[^']*'|["'\\])+)"""
    r"|(?P<redirect><<<|<<-?|&>+|[<>]+&?)|(?P<operator>\|\|?&?|&&?|;+|[()`]|\n)",
    re.DOTALL,
)
QUOTED = re.compile(r"""\\.|"(?:[^"\\]|\\.)*"|'[^']*'""", re.DOTALL)
QUOTING = re.compile(r"""\\(.)|["']""", re.DOTALL)
JOINED = re.compile("[=:'\"]")  # without one of these a word is all there is in it
PAIR = re.compile(r"""(?<![\w.\-\[\]])["']?([\w.\-\[\]]+)["']?(=|:)(?!=)""")
OPTION = re.compile(r"--?([A-Za-z][\w.\-]*):?")
ALREADY = re.compile(r"""["'\\]{0,8}\*{8}(?!\w)""")
VARIABLE = re.compile(r"""["']?(?:\$\{?([A-Za-z_]\w*)\}?|%([A-Za-z_]\w*)%)["']?""")
LITERAL = frozenset({"", "$", "true", "false", "none", "null", "yes", "no", "-", "*", "''", '""', "{", "[", "|", ">"})
OWN_FILE = re.compile(r"(?:~|\.{1,2}|/(?:etc|root|home|var|opt|srv|tmp|run|usr|mnt|media|data))/[\w./\-]+")
BETWEEN = frozenset(("=", ":", "=>", ":=", "+="))  # a name and its value
MARKS = frozenset(("", "-", "/"))  # the first character of a name of an option
SCHEMES = frozenset({"bearer", "basic", "token", "digest", "apikey", "negotiate", "aws4-hmac-sha256", "splunk"})
# Names that are passwords' also before a colon without a space: pass:X, /password:X.
COLON = frozenset({"pass", "password", "passwd", "passphrase", "pwd", "pw", "newpassword", "rp"})
FIRST_COLON = frozenset({"token", "secret", "apikey", "api_key", "api-key"})
VERSION = re.compile(r"v?\d+(?::\d+)?[.\-+~:][\w.+~:\-]*|\d+")
ECHO_OPTION = re.compile(r"-[neE]+")
PASSING = frozenset({"tee", "cat", "sudo", "base64", "tr", "head", "tail", "pwgen", "cut"})
PACKAGERS = frozenset(
    ("apt", "apt-get", "aptitude", "dnf", "yum", "zypper", "apk", "pip", "pip3", "pipx", "gem", "npm", "choco", "snap")
)


def masked_line(text, room, depth=0):
    """The text with the secrets hidden that stand where people type them; all of it, where ``room`` (Room) is none."""
    if not room.take(LINE_WORK + len(text)):
        return HIDDEN
    line = _Line(text, room, depth)
    for number in range(len(line.commands)):
        line.look_at(number)
    return line.masked()


class _Line:
    """
    A text, its words, and what of it is to be replaced.

    words: [(start, end)]; commands: [(operator in front, [numbers of words])]; bare: the words without their quotes.
    """

    def __init__(self, text, room, depth):
        self.text = text
        self.room = room
        self.depth = depth
        self.words, self.bare, self.line_of, self.commands = [], [], [], [("", [])]
        self._edits = {}
        self._last_of_line = []
        # Of a command (its number), what it is fed; of a file (its path), the commands that write it.
        self._fed = {}
        self._writers = {}
        self._targets = set()
        self._hidden_to = 0
        redirect, command, number = "", self.commands[0][1], 0
        for match in TOKEN.finditer(text):
            kind, found = match.lastgroup, match[0]
            if kind == "word":
                if redirect:
                    if redirect[0] == "<":
                        self._fed[len(self.commands) - 1] = (redirect, number)
                    elif redirect[-1] == ">":
                        self._writers.setdefault(_bare(found), []).append(len(self.commands) - 1)
                        self._targets.add(number)
                    redirect = ""
                command.append(number)
                self.words.append(match.span())
                self.bare.append(_bare(found))
                self.line_of.append(len(self._last_of_line))
                number += 1
            elif kind == "redirect":
                redirect = found
            else:
                command = []
                self.commands.append((found, command))
                if found == "\n":
                    self._last_of_line.append(number - 1)
        self._last_of_line.append(number - 1)
        if "tee" in self.bare:
            for command, (_, words) in enumerate(self.commands):
                for word in words if any(self.bare[one] == "tee" for one in words) else ():
                    self._writers.setdefault(self.bare[word], []).append(command)

    def raw(self, number):
        start, end = self.words[number]
        return self.text[start:end]

    def hide(self, number, kept=0):
        """Hide a word, but for its first ``kept`` characters without quotes."""
        start, end = self.words[number]
        if self.text[start] != "'" and is_reference(self.bare[number][kept:]):
            return
        head = self.bare[number][:kept]
        self._replace(start, end, head + HIDDEN)

    def hide_value(self, number, name):
        """Hide the value of this name, unless it says plainly that there is none, or in which file it is."""
        bare = self.bare[number]
        if bare.lower() not in LITERAL and not _is_file_of_keys(name, bare):
            self.hide(number)

    def hide_line(self, number):
        """Hide everything from this word to the end of its line."""
        self._replace(self.words[number][0], self.words[self._last_of_line[self.line_of[number]]][1], HIDDEN)

    def _replace(self, start, end, replacement):
        known = self._edits.get(start)
        if known is None or known[0] <= end:
            self._edits[start] = (end, replacement)

    def masked(self):
        """The text with what is hidden."""
        if not self._edits:
            return self.text
        parts, position = [], 0
        for start in sorted(self._edits):
            end, replacement = self._edits[start]
            if start >= position:
                parts += [self.text[position:start], replacement]
                position = end
        return "".join([*parts, self.text[position:]])

    # ---- the rules ----

    def look_at(self, number):
        """Apply every rule to one command."""
        words = self.commands[number][1]
        bare = [self.bare[word] for word in words]
        packages = not PACKAGERS.isdisjoint(bare)
        for at, (name, following) in enumerate(itertools.zip_longest(bare, bare[1:])):
            if not name.isalnum():
                self._look_at_word(words[at], packages)
            if following is not None and (name[:1] in MARKS or name[-1] == ":" or following in BETWEEN):
                self._look_at_name(words[at], words[at + 1])
        calls = {}
        for at, name in enumerate(bare):
            if name[:1] == "-":
                continue
            program = name.lower() if name.isalnum() else program_of(name)
            rules = PROGRAMS.get(program)
            if rules is None and program not in READERS:
                continue
            calls[program] = calls.get(program, 0) + 1
            if calls[program] > MOST_CALLS:
                continue
            if not self.room.take(len(words) - at):
                for word in words:
                    self.hide(word)
                return
            if rules:
                command = Command(self, words[at + 1 :], bare[at + 1 :])
                for rule in rules:
                    rule(command)
            if program in READERS and _reads_secret(program, bare[at + 1 :]):
                self._hide_input(number)

    def _look_at_word(self, number, packages):
        raw = self.raw(number)
        if not JOINED.search(raw):
            return
        masked = self._masked_word(raw, packages)
        if masked != raw:
            self._replace(*self.words[number], masked)

    def _masked_word(self, raw, packages):
        quote = raw[0]
        if quote in "\"'" and len(raw) > 1 and QUOTED.fullmatch(raw):
            return quote + self._masked_inside(raw[1:-1], quote) + quote
        for pair in PAIR.finditer(raw) if "=" in raw or ":" in raw else ():
            if self._is_secret_pair(raw, pair, packages):
                head = raw[: pair.end()]
                return self._masked_quotes(head) + HIDDEN + "".join(q for q in "\"'" if head.count(q) % 2)
        return self._masked_quotes(raw)

    @staticmethod
    def _is_secret_pair(raw, pair, packages):
        name, separator = pair.groups()
        if separator == ":" and not (name.lower() in COLON or (pair.start() == 0 and name.lower() in FIRST_COLON)):
            return False
        if separator == "=" and not is_secret_name(name):
            return False
        # The beginning is enough to tell.
        value = raw[pair.end() : pair.end() + LONGEST_VALUE]
        if not value or ALREADY.match(value) or value.strip("\"'").lower() in LITERAL or is_reference(value):
            return False
        if value.startswith(("env:", "file:", "fd:", "/") if separator == ":" else ("env:", "file:", "fd:")):
            return False
        if packages and VERSION.fullmatch(value):
            return False
        return not _is_file_of_keys(name, value.strip("\"'"))

    def _masked_quotes(self, raw):
        """Quoted parts of a word may be commands and texts of their own."""
        if '"' not in raw and "'" not in raw:
            return raw
        return QUOTED.sub(
            lambda match: (
                match[0]
                if match[0][0] == "\\"
                else match[0][0] + self._masked_inside(match[0][1:-1], match[0][0]) + match[0][0]
            ),
            raw,
        )

    def _masked_inside(self, inner, quote):
        if not inner or inner.isalnum():
            return inner
        if self.depth >= DEEPEST:
            return HIDDEN
        plain = inner.replace('\\"', '"') if quote == '"' else inner
        masked = masked_line(plain, self.room, self.depth + 1)
        if masked == plain:
            return inner
        return masked.replace('"', '\\"') if quote == '"' else masked

    def _look_at_name(self, number, following):
        """A name in a word of its own: ``--password X``, ``password: X``, ``password = X``."""
        bare, value = self.bare[number], self.bare[following]
        first = bare[:1]
        if first == "-" or first == "/":
            option = OPTION.fullmatch(bare)
            name = option[1] if option else bare[1:] if bare[1:].lower() in COLON else ""
            if name and not is_option(value) and is_secret_name(name):
                self.hide_value(following, name)
            return
        last = bare[-1:]
        if last == ":" and not bare.endswith("::"):
            name, at = bare[:-1], following
        elif value in BETWEEN and following < len(self.words) - 1:
            name, at = bare, following + 1
            if self.line_of[at] != self.line_of[number]:
                return
        else:
            return
        name = name.strip("{}[]()$-,").rpartition(":")[2]
        if name and len(name) < 100 and re.fullmatch(r"[\w.\-]+", name) and is_secret_name(name):
            self._hide_setting(at, name)

    def _hide_setting(self, number, name):
        if self.bare[number].lower() in SCHEMES:
            number += 1
            if number >= len(self.words) or self.line_of[number] != self.line_of[number - 1]:
                return
        if self.raw(number)[0] in "\"'":
            self.hide_value(number, name)
        elif not (
            self.bare[number].lower() in LITERAL or ALREADY.match(self.bare[number]) or is_reference(self.bare[number])
        ):
            self.hide_line(number)

    # ---- what is read from standard input ----

    def _hide_input(self, number):
        """Hide what a command that reads secrets is given by a pipe, a here-string or a here-document."""
        in_brackets = False
        piped = self.commands[number][0] in ("|", "|&")
        for before in range(number - 1, max(-1, number - 1 - LONGEST_PIPE), -1) if piped else ():
            operator, words = self.commands[before + 1][0], self.commands[before][1]
            in_brackets = (in_brackets or operator == ")") and operator != "("
            if not in_brackets and operator not in ("|", "|&", ")", "("):
                break
            self._hide_said(words)
            for word in words if self._writers else ():
                self._hide_written(self.bare[word])
        redirect, word = self._fed.get(number, ("", 0))
        if redirect == "<<<":
            self._hide_read(word)
        elif redirect.startswith("<<"):
            self._hide_document(self.bare[word], word + 1)
        elif redirect:
            self._hide_written(self.bare[word])

    def _hide_written(self, path):
        """Hide what commands write into a file from which secrets are read: ``echo a:X > f; chpasswd < f``."""
        for number in self._writers.pop(path, ()):
            self._hide_said(self.commands[number][1])
            self._hide_input(number)

    def _hide_said(self, words):
        """Of a command in front of a pipe, what it writes as it stands there."""
        if not words or program_of(self.bare[words[0]]) in PASSING:
            return
        # Where there is no room left, the options of echo are hidden as well.
        looked_at = self.room.take(len(words))
        for word in words[1:] or words:
            if word not in self._targets and not (looked_at and ECHO_OPTION.fullmatch(self.bare[word])):
                self._hide_read(word)

    def _hide_document(self, delimiter, first):
        for word in range(max(first, self._hidden_to), len(self.words)):
            if self.bare[word] == delimiter:
                return
            self._hide_read(word)
            self._hidden_to = word + 1

    def _hide_read(self, number):
        """Of ``user:password`` the user stays, as in what chpasswd reads."""
        user, colon, password = self.bare[number].partition(":")
        if colon and password and re.fullmatch(r"[\w.\-]+", user):
            quote = self.raw(number)[0]
            quote = quote if quote in "\"'" and self.raw(number)[-1] == quote else ""
            self._replace(*self.words[number], f"{quote}{user}:{HIDDEN}{quote}")
        else:
            self.hide(number)


def _bare(word):
    return QUOTING.sub(r"\1", word) if '"' in word or "'" in word or "\\" in word else word


def _reads_secret(program, arguments):
    (option,) = READERS[program]
    return not option.pattern or any(option.fullmatch(argument) for argument in arguments)


def _is_file_of_keys(name, value):
    """Whether the value is the path of a file, where a key or credentials are asked for."""
    return ("key" in name.lower() or "cred" in name.lower()) and OWN_FILE.fullmatch(value) is not None


def is_reference(value):
    """Whether the value is a variable by its look, not a password that begins with a dollar."""
    match = VARIABLE.fullmatch(value)
    if not match or value[:1] == "'":
        return False
    name = match[1] or match[2]
    return name.isupper() or is_secret_name(name)
