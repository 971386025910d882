"""The verdict on a return, slowly: the rules of docs/validation.md in Python, in code of its own.

Nothing here is fast, nor safe against input that was made to hurt. The property test
holds the validator against, on returns that Salt could have made and on some that it could not.
`judge(load, expected)` gives the verdict and which resources of which minions converged.
"""

import json
import re
from dataclasses import dataclass, field

import reference
import salt.utils.args

STATE_FUNCTIONS = {
    f"state.{name}"
    for name in [
        "apply",
        "highstate",
        "sls",
        "single",
        "sls_id",
        "top",
        "low",
        "high",
        "template",
        "template_str",
        "run_request",
        "pkg",
        "test",
        "request",
    ]
}
CHANGING = {
    f"pkg.{name}" for name in ["install", "upgrade", "group_install", "downgrade", "remove", "purge", "autoremove"]
}
CHOCOLATEY = {f"chocolatey.{name}" for name in ["install", "upgrade", "update", "uninstall"]}
FUNCTIONS = CHANGING | CHOCOLATEY | {"pkg.version", "pkg_resource.version", "pkg.list_pkgs", "service.status"}
ORCHESTRATIONS = {"runner.state.orchestrate", "runner.state.orch", "runner.state.sls"}
INSTALLS = {("pkg", "installed"), ("chocolatey", "installed")}
UPGRADES = {("pkg", "latest"), ("chocolatey", "upgraded")}
REMOVES = {("pkg", "removed"), ("pkg", "purged"), ("chocolatey", "uninstalled")}
CHANGES_ONLY = {("pkg", "uptodate"), ("pkg", "group_installed")}
NOTHING = {("pkg", name) for name in ["downloaded", "patch_installed", "patch_downloaded", "held", "unheld"]} | {
    ("chocolatey", name) for name in ["source_present", "bootstrapped", "unbootstrapped"]
}

RUNNING = (
    "is already running|and is running|and is in the desired state|Started service|Service started|"
    "Service restarted|Service reloaded|Service forcefully reloaded|Service fully restarted"
)
DEAD = (
    "is already dead|and is dead|and is in the desired state|was killed|Service stopped|is not available|"
    "Service is already stopped"
)
REFUSALS = "is running as PID|is currently disabled|Minion in blackout mode|Minion did not return"
ERRORS = (
    r"(ERROR|Traceback|The minion function caused an exception|Passed invalid arguments|"
    r"Command required for ').*|.*is not available\."
)
NAME = r"[A-Za-z0-9+\-._:@~]+"
MISSING = object()  # no return, which is something else than the return None


# ---- versions ----


def is_version(text):
    """Whether it could be one: short, without blanks and control characters."""
    return isinstance(text, str) and 0 < len(text.encode()) <= 255 and not any(c <= " " or c == "\x7f" for c in text)


def exact(text):
    """The version, unless it is a comparison or a pattern."""
    return (
        text
        if is_version(text) and text != "latest" and not re.search(r"^[<>=!~]|[*?\[]|,($|[<>=!~,])", text)
        else None
    )


def matches(kind, approved, seen, meets=None):
    """
    Whether what was seen is what is approved; None: only a package manager could tell. Of a version that is spelled
    otherwise evidence says what it meets.
    """
    if kind == "action":
        return True  # one that failed is not seen, but failed
    if approved is None or seen is None:
        return approved is None and seen is None
    if kind != "package":
        return approved == seen
    if approved[:1] in tuple("<>=!~"):
        return None
    if approved != "latest" and "*" not in approved and without_zero_epoch(approved) == without_zero_epoch(seen):
        return True
    if exact(seen) is None or seen[0] == "-":
        return False  # from now on it would be approved
    if approved == "latest" or ("*" in approved and like(approved, seen)):
        return True
    return meets == approved and can_be(approved, seen)


def like(pattern, text):
    return bool(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL))


def without_zero_epoch(version):
    return version[2:] if re.match(r"0:[^:]*\Z", version) else version


def can_be(approved, seen):
    """Whether there is a platform on which both are one version."""
    wanted, rpm = without_zero_epoch(approved), without_zero_epoch(seen)
    if ":" not in approved:
        rpm = re.sub(r"^[0-9]+:", "", rpm)
    if "*" in approved:
        return like(wanted, rpm)
    if "-" not in wanted:
        rpm = re.sub(r"-[^-]*\Z", "", rpm)
    return wanted == rpm or (nuget(approved) is not None and nuget(approved) == nuget(seen))


def nuget(version):
    """The normal form; None if it is no version of NuGet's."""
    release, _, labels = version.partition("+")[0].partition("-")
    numbers = release.split(".")
    if len(numbers) > 4 or not all(re.fullmatch("[0-9]+", number) for number in numbers):
        return None
    labels = [
        label.lstrip("0") + "#" if re.fullmatch("[0-9]+", label) else re.sub("[A-Z]", lambda c: c[0].lower(), label)
        for label in labels.split(".")
    ]
    return [int(number) for number in [*numbers, 0, 0, 0][:4]], labels


# ---- one minion ----


@dataclass
class Known:
    """The knowledge of a resource: nothing, skipped, done, present, latest, seen or failed."""

    kind: str
    name: str
    approved: object
    what: str = "nothing"
    value: object = None  # of seen: None is absent
    step: int = -1
    overridden: bool = False
    unapplied: bool = False  # seen by a check; the minion has not applied it before
    meets: object = None  # what evidence says that the value is, spelled otherwise

    @property
    def is_open(self):
        return self.what in ("nothing", "skipped", "done")

    @property
    def reached(self):
        return self.what == "seen" and self.match() is True

    def match(self):
        return matches(self.kind, self.approved, self.value, self.meets)


@dataclass
class Minion:
    """All that the returns of one minion say."""

    name: object
    expected: dict
    known: list = field(default_factory=list)
    step: int = 0
    dry: bool = False
    overridden: bool = False
    terse: bool = False
    recognized: bool = False
    authenticated: bool = False
    tainted: bool = False
    unattributed: bool = False
    undisclosed: bool = False
    returned: bool = False

    def __post_init__(self):
        for kind in ("package", "service", "value", "action"):
            for name, approved in (self.expected.get(kind + "s") or {}).items():
                self.known.append(Known(kind, name, approved))

    def find(self, kind, name, fold=False):
        for of in self.known:
            if of.kind == kind and of.name == name:
                return of
        if fold and isinstance(name, str):
            for of in self.known:
                if of.kind == kind and of.name.lower() == name.lower():
                    return of
        return None

    def package(self, name, fold=False):
        return self.find("package", name, fold)

    # The last observation holds; the lack of one takes nothing away.

    def note(self, of, what, value=None):
        if (what, value, self.overridden) != (of.what, of.value, False):
            of.meets = None
        of.what, of.value, of.step, of.overridden = what, value, self.step, self.overridden
        of.unapplied = False

    def see(self, of, value):
        self.skip(of) if self.dry else self.note(of, "seen", value)

    def present(self, of, latest=False):
        if self.dry:
            self.skip(of)
        elif of.what == "seen" and of.value is not None:
            of.step = self.step
        else:
            self.note(of, "latest" if latest else "present")

    def done(self, of):
        if self.dry:
            self.skip(of)
        elif of.is_open:
            self.note(of, "done")

    def skip(self, of):
        of.step = self.step
        if of.what in ("nothing", "skipped"):
            self.note(of, "skipped")

    def fail(self, of):
        self.note(of, "failed")

    def all(self, act, only_open=False):
        for of in self.known:
            if of.is_open or not only_open:
                act(of)

    def fail_all(self):
        self.all(self.fail, only_open=True)

    def versions(self, of, versions):
        """Several installed side by side: the approved one will do, of others the first is told."""
        good = [version for version in versions if is_version(version)]
        fitting = [v for v in good if matches("package", of.approved, v, of.meets if v == of.value else None)]
        if fitting or (good and len(good) == len(versions)):
            self.see(of, (fitting or good)[0])
        else:
            self.doubt(of)

    def version_text(self, of, text, before=None):
        """A text with commas is one version, or several side by side; often that cannot be told."""
        parts = text.split(",")
        fitting = [part for part in parts if is_version(part) and matches("package", of.approved, part)]
        rpm = all(0 < part.find("-") < len(part) - 1 for part in parts)
        beside = (
            isinstance(before, str)
            and before
            and "," not in before
            and of.approved
            and of.approved != before
            and re.search(r"[^0-9]", of.approved)
            and text == f"{before},{of.approved}"
        )
        if (rpm or beside) and fitting:
            self.see(of, fitting[0])
        elif matches("package", of.approved, text) is True:
            self.see(of, text)
        elif rpm or beside or len(parts) == 1:
            self.versions(of, parts)
        elif fitting or not all(map(is_version, parts)) or not is_version(text):
            self.doubt(of)
        else:
            self.see(of, text)

    def doubt(self, of):
        """The resource changed, to what cannot be told."""
        met = of.what == "seen" and matches(of.kind, of.approved, of.value) is not False
        if self.dry:
            self.skip(of)
        elif of.is_open or met or of.what in ("present", "latest"):
            self.note(of, "done")

    def finding(self, of):
        """The verdict on one resource."""
        verdict = self.conclusion(of)
        return "unproven" if verdict == "converged" and (self.tainted or of.overridden) else verdict

    def conclusion(self, of):
        if of.what == "failed":
            return "failed"
        if of.what == "skipped":
            return "not-applied"
        if of.what == "done":
            return "unproven"
        if of.what == "seen":
            met = of.match()
            if met is False:
                return "not-applied" if of.unapplied else "drift"
            return "converged" if met else "unproven"
        if of.what in ("present", "latest"):
            if of.approved is None:
                return "drift"
            return "converged" if of.what == of.approved == "latest" else "unproven"
        if self.tainted:
            return "unproven"
        if of.kind == "package" and self.unattributed:
            return "failed"
        if of.kind == "package" and self.undisclosed:
            return "unproven"
        return "unproven" if self.terse or of.kind in ("value", "action") else "not-applied"


# ---- arguments ----


@dataclass
class Arguments:
    known: bool = False
    test: bool = False
    elsewhere: bool = False  # changes nothing of this machine
    override: bool = False
    terse: bool = False
    narrowed: bool = False  # by an option of which we don't know what it does
    state: object = None
    targets: list = field(default_factory=list)  # (name, version or None)


NEUTRAL = {"versions_as_list", "use_context", "saltenv", "refresh"}  # asks the same with and without


def yaml_value(text):
    """The value that a minion makes of the text behind a "key="."""
    return salt.utils.args.yamlify_arg(text)


def asks_for_a_test_run(fun_args):
    """As salt.modules.state._get_test_value decides, but for the minion's own configuration."""
    kwargs = {}
    for argument in fun_args:
        if isinstance(argument, dict) and argument.get("__kwarg__") is True:
            kwargs.update(argument)
        elif found := named_in_text(argument):
            kwargs[found[0]] = yaml_value(found[1])
    test = kwargs.pop("test", None)
    return test is not False if test is not None else salt.utils.args.test_mode(**kwargs)


def named_in_text(argument):
    """(key, value) of a text like "test=True", which a minion takes for a named argument."""
    found = isinstance(argument, str) and re.fullmatch(r"([^\d\W][\w.-]*)=(?!=)(.*)", argument)
    return found.groups() if found else None


def read_arguments(fun, fun_args):
    read = Arguments(known=isinstance(fun_args, list))
    if not read.known:
        return read
    named, positional = {}, []
    for argument in fun_args:
        if isinstance(argument, dict) and argument.get("__kwarg__") is True:
            named = {key: value for key, value in argument.items() if not key.startswith("__")}
        else:
            positional.append(argument)
    texts = [found for argument in positional if (found := named_in_text(argument))]
    positional = [argument for argument in positional if not named_in_text(argument)]

    def given(value):
        return value is not None and value is not False

    def wants(*words):
        return any(given(value) and key in words for key, value in named.items()) or any(
            key in words and given(yaml_value(value)) for key, value in texts
        )

    test_at = {
        "state.highstate": 0,
        "state.high": 1,
        "state.sls": 1,
        "state.top": 1,
        "state.single": 2,
        "state.pkg": 3,
        "state.sls_id": 2,
    }.get(fun)
    if test_at is not None and test_at < len(positional) and given(positional[test_at]):
        read.test = True
        positional[test_at] = None
    if fun not in ("state.low", "state.run_request", "state.template", "state.template_str"):
        read.test |= asks_for_a_test_run(fun_args)
    read.elsewhere |= wants("mock", "downloadonly", "download_only", "dryrun", "root", "installroot")
    read.override, read.terse = wants("pillar", "force"), wants("terse")
    if fun == "state.single" and positional and isinstance(positional[0], str):
        read.state = positional[0]
        positional[0] = None
    name = None
    if fun in ("pkg.version", "pkg_resource.version"):
        read.targets = [(text, None) for text in positional if isinstance(text, str)]
        read.narrowed = any(given(value) and not isinstance(value, str) for value in positional)
    else:
        at = 1 if fun == "state.single" else 0
        if at < len(positional) and isinstance(positional[at], str):
            name = positional[at]
            positional[at] = None
        read.narrowed = any(map(given, positional))
    if "name" in named:
        name = named["name"] if isinstance(named["name"], str) else name
        read.known &= isinstance(named["name"], str)
    read.known &= "names" not in named
    read.narrowed |= bool(set(named) - {"name", "version", "pkgs", "sources", "names"} - NEUTRAL)
    if set(dict(texts)) - NEUTRAL:
        read.narrowed, read.known = True, False

    loose = wants("allow_updates", "ignore_epoch", "resolve_capabilities")
    lists = [key for key in ("pkgs", "sources") if given(named.get(key))]
    if lists:
        wanted = named[lists[0]]
        read.known &= isinstance(wanted, list)
        for element in wanted if isinstance(wanted, list) else []:
            if isinstance(element, dict):
                read.targets += [(key, value if lists[0] == "pkgs" else None) for key, value in element.items()]
            elif isinstance(element, str):
                read.targets.append((element, None))
            else:
                read.known = False
    elif name is not None:
        read.targets += [(part, named.get("version")) for part in name.split(",")]
    read.targets = [(target, None if loose else exact(version)) for target, version in read.targets]
    return read


# ---- changes ----


def text_of_version(minion, of, text, before):
    head, newline, tail = text.partition("\n")
    if newline and tail in ("hold", "install", "unhold"):
        text = head
    if text == "":
        minion.see(of, None)
    elif text in ("hold", "install", "unhold", "installed"):
        minion.present(of)
    elif text in ("removed", "purged"):
        minion.done(of)
    else:
        minion.version_text(of, text, before)


def any_version(minion, of, version):
    """As pkg.version and pkg.list_pkgs give it."""
    if version in ("", []):
        minion.see(of, None)
    elif isinstance(version, str):
        minion.version_text(of, version)
    elif isinstance(version, list):
        minion.versions(of, [of_one.get("version") if isinstance(of_one, dict) else of_one for of_one in version])
    else:
        minion.doubt(of)


def read_changes(minion, changes, ok, own=None, fold=False, part=None):
    """{name: {old, new}}. own: the package that the state is named after."""
    if not isinstance(changes, dict):
        return
    for name, change in changes.items():
        of = minion.package(name, fold)
        if isinstance(change, str):
            if of:  # on Windows: an error
                minion.fail(of)
        elif not isinstance(change, dict) or not name:
            continue
        elif "new" in change:
            if of is None:
                continue
            if part == "removed":
                if of.step != minion.step:
                    minion.see(of, None)
                continue
            new = change["new"]
            text_of_version(minion, of, new, change.get("old")) if isinstance(new, str) else any_version(
                minion, of, new
            )
            if not ok and not minion.dry and (name == own or not of.reached):
                minion.fail(of)
        elif "old" in change:
            continue
        elif part is None and name in ("installed", "removed"):
            read_changes(minion, change, ok, own, fold, name)
        elif of:
            windows_status(minion, of, change, ok)


def windows_status(minion, of, change, ok):
    current = change.get("current")
    if current == "not installed":
        minion.see(of, None)
    elif isinstance(current, str):
        any_version(minion, of, current) if ok else minion.done(of)
    else:
        statuses = [change[key] for key in ("install status", "uninstall status") if isinstance(change.get(key), str)]
        failed = not ok or (statuses[:1] != [] and statuses[0].startswith("failed"))
        minion.fail(of) if failed else minion.done(of)


# ---- chunks ----


def split_key(key):
    """The module and the function of a chunk, or None: it isn't the key of one."""
    if not isinstance(key, str) or key.count("_|-") == 0:
        return None
    first, last = key.index("_|-"), key.rindex("_|-")
    return (key[:first], key[last + 3 :]) if last >= first + 3 else None


def was_not_run(chunk):
    """Whether a chunk says that its state was not run for real."""
    result, comment = chunk.get("result", ""), chunk.get("comment")
    comment = comment if isinstance(comment, str) else ""
    if result is None:
        return True
    if result is False:
        return comment.startswith('The state function "') and '" is currently disabled by "' in comment
    lines = {"unless condition is true", "onlyif condition is false", "All files in creates exist"}
    return (
        comment == "Not called, mocked"
        or chunk.get("__state_ran__") is False
        or bool(lines & set(comment.split("\n")))
        or (comment.startswith("/") and comment.endswith(" exists"))
    )


def run_number(chunk):
    number = chunk.get("__run_num__")
    return number if type(number) is int and -(2**63) <= number < 2**63 else -1


def words(text):
    """Words of a text that could be names of packages."""
    return [word.rstrip(".:-") for word in re.findall(NAME, text)]


def fail_named(minion, comment, fold=False):
    for line in comment.split("\n"):
        if line.startswith("The following packages failed to "):
            for word in words(line.split(" The following packages were ")[0]):
                if of := minion.package(word, fold):
                    minion.fail(of)
    for word in words(comment):
        of = minion.package(word, fold)
        if of and of.is_open:
            minion.fail(of)


def read_comment(minion, state, own, comment):
    """The sentences that Salt's package states write about packages that they looked up."""
    if comment.startswith("Attempt "):
        comment = comment.rpartition('"\n')[2]
    lines = comment.split("\n")
    for number, line in enumerate(lines):
        line = line.removesuffix(".") if number < len(lines) - 1 else line
        if state[0] == "chocolatey":
            if number == 0:
                read_chocolatey(minion, state, own, line)
        elif state in INSTALLS:
            read_installed(minion, own if number == 0 else [], line)
        elif state in UPGRADES:
            if found := re.fullmatch(r"Package (.*) is already up-to-date", line) or re.fullmatch(
                r"All packages are up-to-date \((.*?)\)\.?", line
            ):
                names = found[1].split(", ") if line.startswith("All") else [found[1]]
            else:
                names = line.partition("The following packages were already up-to-date: ")[2].split(", ")
            for name in names:
                if of := minion.package(name):
                    minion.present(of, latest=True)
        elif state in REMOVES:
            read_removed(minion, own if number == 0 else [], line)


def read_installed(minion, own, line):
    def present(name, version=None):
        of = minion.package(name)
        if of:
            minion.version_text(of, version) if exact(version) else minion.present(of)

    desired = " and are at the desired version"
    if line in (whole := "All specified packages are already installed", whole + desired):
        for name, version in own:
            if of := minion.package(name):
                if line.endswith(desired) and version:
                    minion.version_text(of, version)
                else:
                    minion.present(of)
    elif line.startswith(listed := "The following packages were already installed: "):
        for element in line[len(listed) :].split(", "):
            name, version = re.fullmatch(r"([^=<>]*)(?:=(.+)|.*)", element).groups()
            present(name, version)
    elif found := re.fullmatch(r"Version (.*?) of package '(.*)' is already installed", line):
        present(found[2], found[1])
    elif found := re.fullmatch(r"Package (.*) is already installed", line):
        present(found[1])


def read_removed(minion, own, line):
    none = "None of the targeted packages are installed"
    if line in ("All specified packages are already absent", none, none + " or partially installed"):
        names = [name for name, _ in own]
    else:
        names = line.split(" The following packages were ")[0].split(", ")
        if not names[0].startswith(start := "The following packages were not installed: "):
            return
        names[0] = names[0][len(start) :]
    for name in names:
        if of := minion.package(name):
            minion.see(of, None)


def read_chocolatey(minion, state, own, line):
    for name, _ in own:
        of = minion.package(name, fold=True)
        if of is None:
            continue
        if state in REMOVES:
            if line == f"The package {name} is not installed":
                minion.see(of, None)
        elif line.startswith(name + " ") and line.endswith(tail := " is already installed"):
            version = exact(line[len(name) + 1 : -len(tail)].removesuffix(" (newer)"))
            minion.version_text(of, version) if version else minion.present(of)


def hides_names(state, comment):
    """Whether a comment says that nothing had to change, for packages that it doesn't name."""
    if comment.startswith("Attempt "):
        comment = comment.rpartition('"\n')[2]
    if state in INSTALLS:
        start = r"All specified packages are already installed|\d+ targeted packages were already installed"
    elif state in UPGRADES:
        start = r"All \d+ packages are up-to-date|\d+ packages were already up-to-date"
    elif state in REMOVES:
        start = r"All specified packages are already absent\.?$|None of the targeted packages are installed"
    else:
        return False
    return re.search(f"^(?:{start})", comment, re.MULTILINE) is not None


def judge_package(minion, state, chunk, arguments):
    result, name = chunk.get("result", ""), chunk.get("name")
    comment = chunk.get("comment") if isinstance(chunk.get("comment"), str) else ""
    fold = state[0] == "chocolatey"
    own = [(name, None)] if isinstance(name, str) and name else []
    named = True
    if arguments and arguments.known and arguments.targets and arguments.state == ".".join(state):
        own = arguments.targets
        named = [target for target, _ in own] == [name]

    def own_packages():
        return [of for target, _ in own if (of := minion.package(target, fold))]

    if was_not_run(chunk):
        for of in own_packages():
            minion.skip(of)
        dry, minion.dry = minion.dry, True
        read_changes(minion, chunk.get("changes"), True, None, fold)
        minion.dry = dry
        if not own:
            minion.all(minion.skip)
        return
    if type(result) is bool and state in INSTALLS | UPGRADES | REMOVES | CHANGES_ONLY:
        read_changes(minion, chunk.get("changes"), result, name if named else None, fold)
        read_comment(minion, state, own, comment)
    list_like = named and own and chunk.get("__id__") == name and not minion.package(name)
    if result is True and list_like and not minion.dry and hides_names(state, comment):
        minion.undisclosed = True
    if result is not False:
        for of in own_packages():
            if state not in NOTHING and of.step != minion.step:
                minion.done(of)
        return
    fail_named(minion, comment, fold)
    for of in own_packages():
        if of.is_open or (named and state not in NOTHING):
            minion.fail(of)
    if own_packages() or state in NOTHING:
        return
    # Named after no approved package: is that name a package at all, or does it stand for a list?
    if not own or chunk.get("__state_ran__") is False or own[0][0] not in words(comment):
        minion.unattributed = True


def judge_service(minion, fun, chunk):
    of, comment = minion.find("service", chunk.get("name")), chunk.get("comment")
    comment = comment if isinstance(comment, str) else ""
    if of is None or fun not in ("running", "dead"):
        return
    if was_not_run(chunk):
        minion.skip(of)
    elif chunk.get("result") is False:
        minion.fail(of)
    elif chunk.get("result") is True and re.search(RUNNING if fun == "running" else DEAD, comment):
        minion.see(of, fun)
    else:
        minion.done(of)


def judge_module(minion, fun, chunk):
    if fun != "run" or was_not_run(chunk):
        return
    name, failed = chunk.get("name"), chunk.get("result") is not True
    changes = chunk.get("changes") if isinstance(chunk.get("changes"), dict) else {}
    for key, returned in changes.items():
        old_style = key == "ret" and isinstance(name, str)
        judge_function(minion, name if old_style else key.split(":")[0], returned, failed and old_style, None)
    if failed:
        fail_named(minion, chunk.get("comment") if isinstance(chunk.get("comment"), str) else "")
        names = name if isinstance(name, list) else [name]
        if any(isinstance(of, str) and of.split(":")[0] in CHANGING for of in names):
            minion.unattributed = True


# ---- evidence ----

HEAD = ("format", "minion", "revision", "digest", "run_id", "boot_id", "mac")


def is_evidence(made):
    """Whether it has the shape of evidence."""

    def observations(section):
        return (
            isinstance(section, dict)
            and (made["format"] == 1 or set(section) <= set(reference.KINDS))
            and all(
                isinstance(of, dict)
                and all(name and (value is None or isinstance(value, str)) for name, value in of.items())
                for of in (section.get(plural, {}) for plural in reference.KINDS)
            )
        )

    read = {1: ("observed", "before", "errors"), 2: reference.SECTIONS[2]}
    return (
        isinstance(made, dict)
        and type(made.get("format")) is int
        and made["format"] in read
        and (made["format"] == 1 or set(made) <= {*HEAD, *read[2]})
        and type(made.get("revision")) in (int, float)
        and 0 <= made["revision"] < 2**63
        and made["revision"] == int(made["revision"])
        and all(isinstance(made.get(key), str) and made[key] for key in ("minion", "digest", "run_id"))
        and isinstance(made.get("boot_id"), str)
        and (made["format"] > 1 or "observed" in made)
        and all(observations(made.get(section, {})) for section in read[made["format"]])
    )


def is_genuine(minion, made):
    expected = minion.expected
    return (
        (minion.name is None or made["minion"] == minion.name)
        and expected.get("revision") in (None, made["revision"])
        and expected.get("digest") in (None, made["digest"])
        and (
            expected.get("evidence_key") is None
            or made.get("mac") == reference.mac(expected["evidence_key"], {**made, "revision": int(made["revision"])})
        )
    )


def judge_without_evidence(minion, fun, chunk):
    """Of what is approved, performed says something of its own action alone."""
    concerned = minion.known
    if fun == "performed":
        concerned = [of for of in minion.known if of.kind == "action" and of.name == chunk.get("name")]
    failed = chunk.get("result") is False
    if was_not_run(chunk) or "approval" in chunk or (failed and fun != "converged"):
        act = minion.skip
    elif failed:
        minion.fail_all()
        return
    else:
        act = minion.done
    for of in concerned:
        act(of)


def judge_action(minion, of, outcome):
    """The outcome of an action: the JSON that performed wrote of it."""
    try:
        made = json.loads(outcome)
    except (TypeError, ValueError):
        made = None
    if (
        not isinstance(made, dict)
        or type(made.get("success")) is not bool
        or type(made.get("retcode")) not in (int, float)
        or made["retcode"] != int(made["retcode"])
    ):
        minion.done(of)
    elif made["success"] and made["retcode"] == 0:
        minion.see(of, outcome)
    else:
        minion.fail(of)


def judge_evidence(minion, fun, chunk):
    failed = fun == "converged" and chunk.get("result") is False
    made = chunk.get("approval")
    if "approval" not in chunk or (is_evidence(made) and (minion.dry or was_not_run(chunk))):
        judge_without_evidence(minion, fun, chunk)
        return
    wrong = not is_evidence(made) or minion.overridden or not is_genuine(minion, made)
    minion.tainted = wrong or (fun == "performed" and minion.tainted)
    if wrong:
        return
    minion.authenticated = minion.expected.get("evidence_key") is not None
    observed, errors, proven = made.get("observed", {}), made.get("errors", {}), made["format"] > 1
    for of in minion.known:
        section = observed.get(of.kind + "s", {})
        if (of.kind == "action") != (fun == "performed"):
            section = {}
        if of.name in section and of.kind == "action":
            judge_action(minion, of, section[of.name])
        elif of.name in section:
            minion.see(of, section[of.name])
            of.meets = made.get("meets", {}).get(of.kind + "s", {}).get(of.name) if proven else None
            of.unapplied = fun == "observed" and of.name not in made.get("before", {}).get(of.kind + "s", {})
        if fun == "performed":
            continue
        reached = of.name in section and of.match() is not False
        has_error = of.name in errors.get(of.kind + "s", {}) and of.kind != "action"
        if (has_error and proven) or (not reached and (failed or (has_error and fun == "converged"))):
            minion.fail(of)
        elif of.name not in section:
            minion.done(of)


def judge_check(minion, fun, returned, failed, arguments):
    """approval.observe, whose return is the evidence. Returns whether it is any result of it."""
    if returned == "VALUE_TRIMMED":
        return False
    minion.dry |= arguments.test or arguments.elsewhere
    minion.overridden = arguments.override
    minion.step += 1
    if isinstance(returned, str) or (failed and not isinstance(returned, dict)):
        minion.all(minion.skip)
    else:
        judge_evidence(minion, "observed", {"result": True, "approval": returned})
    minion.dry = minion.overridden = False
    return True


# ---- functions ----


def judge_states(minion, fun, fun_args, returned, failed, dry=False):
    arguments = read_arguments(fun, fun_args)
    minion.dry = dry or arguments.test or arguments.elsewhere or fun in ("state.test", "state.request")
    minion.overridden = arguments.override
    minion.terse |= arguments.terse
    minion.step += 1
    if judge_state_return(minion, arguments, returned, failed):
        minion.recognized = True
    minion.dry = minion.overridden = False


def judge_state_return(minion, arguments, returned, failed):
    """Returns whether it is a result of a run of states."""
    if isinstance(returned, dict):
        chunks = [
            (run_number(chunk), place, split_key(key), chunk)
            for place, (key, chunk) in enumerate(returned.items())
            if split_key(key)
            and isinstance(chunk, dict)
            and split_key(key)[0] in ("pkg", "chocolatey", "service", "approval", "module", "no")
        ]
        judge_chunks(minion, arguments, [found[2:] for found in sorted(chunks, key=lambda found: found[:2])])
        if any(map(split_key, returned)) or not returned:
            return True
        if returned.get("queued") is True or str(returned.get("comment")).startswith("Failed to queue job"):
            minion.all(minion.skip)
            return True
        return False
    if isinstance(returned, list):
        if not returned or not all(isinstance(text, str) for text in returned):
            return False
        if re.search(REFUSALS, " ".join(returned)):
            minion.all(minion.skip)
        else:
            minion.fail_all()
        return True
    if isinstance(returned, str):
        if re.search(REFUSALS, returned):
            minion.all(minion.skip)
            return True
        if returned in ("", "VALUE_TRIMMED") or not failed:
            return False
        minion.fail_all()
        return True
    if returned is None or isinstance(returned, bool):
        if failed:
            minion.fail_all()
        return failed
    return False


def judge_chunks(minion, arguments, chunks):
    whole = ("converged", "observed")
    with_evidence = [
        chunk for (module, fun), chunk in chunks if module == "approval" and fun in whole and "approval" in chunk
    ]
    for state, chunk in chunks:
        minion.step += 1
        module, fun = state
        if module == "service":
            judge_service(minion, fun, chunk)
        elif module == "module":
            judge_module(minion, fun, chunk)
        elif module == "no":
            minion.fail_all()
        elif module != "approval":
            judge_package(minion, state, chunk, arguments if len(chunks) == 1 else None)
        elif fun == "performed" or (fun in whole and ("approval" not in chunk or chunk is with_evidence[-1])):
            judge_evidence(minion, fun, chunk)


def judge_function(minion, fun, returned, failed, arguments):
    """arguments: None if they aren't known. Returns whether it is a function that we know."""
    text = returned if isinstance(returned, str) else None
    if fun not in FUNCTIONS:
        if not failed or not fun.startswith("pkg.") or text is None:
            return False
        fail_targets(minion, "package", arguments, text)
        return True
    if text == "VALUE_TRIMMED":
        return False
    dry = minion.dry
    if arguments:
        # Most take no notice of test=True: what they show was done.
        shown = isinstance(returned, dict) and returned
        minion.dry |= arguments.elsewhere or (arguments.test and fun in CHANGING and not shown)
    minion.step += 1
    kind = "service" if fun == "service.status" else "package"
    if fun in CHANGING:
        read_changes(minion, returned, not failed)
    if failed or (text is not None and re.fullmatch(ERRORS, text, re.DOTALL)) or (fun in CHANGING and text):
        fail_targets(minion, kind, arguments, text or "")
    elif fun == "pkg.list_pkgs":
        judge_list(minion, returned, arguments)
    else:
        understood = arguments is not None and arguments.known and not arguments.narrowed
        targets = [name for name, _ in arguments.targets] if arguments else []
        if fun.endswith(".version"):
            judge_version(minion, returned, understood, targets)
        one = minion.find("service", targets[0]) if fun == "service.status" and len(targets) == 1 else None
        if one and understood and isinstance(returned, bool):
            minion.see(one, "running" if returned else "dead")
        for name in targets:
            if (of := minion.find(kind, name)) and of.step != minion.step:
                minion.done(of)
    minion.dry = dry
    return True


def fail_targets(minion, kind, arguments, text):
    refused = re.search(REFUSALS, text)
    if arguments is None or not arguments.known or not arguments.targets:
        minion.all(minion.skip) if refused else minion.fail_all()
        return
    for name, _ in arguments.targets:
        if of := minion.find(kind, name):
            if refused:
                minion.skip(of)
            elif of.is_open or of.step != minion.step:
                minion.fail(of)


def judge_version(minion, returned, understood, targets):
    if isinstance(returned, dict):
        for name, version in returned.items():
            if of := minion.package(name):
                installed_version(minion, of, version) if understood else minion.done(of)
    elif understood and len(set(targets)) == 1 and "*" not in targets[0] and minion.package(targets[0]):
        installed_version(minion, minion.package(targets[0]), returned)


def installed_version(minion, of, version):
    """A name with an architecture may be missing, because Salt lists those of the minion's own without it."""
    if version in ("", []) and re.search(r":|\.(x86_64|i[356]86|noarch|aarch64|s390x|ppc64le|armv7hl)$", of.name):
        minion.done(of)
    else:
        any_version(minion, of, version)


def judge_list(minion, returned, arguments):
    if not isinstance(returned, dict) or not returned:
        return
    if arguments is None or not arguments.known or arguments.narrowed:
        return
    for of in minion.known:
        if of.kind == "package":
            installed_version(minion, of, returned.get(of.name, ""))


# ---- loads ----


@dataclass
class Return:
    """One return of one function by one minion."""

    minion: object
    fun: object
    args: object
    returned: object
    failed: bool = False
    dry: bool = False
    order: int = 0
    silent: bool = False


def has_failed(retcode, success):
    return success is False or (type(retcode) is int and retcode != 0)


def is_sentences(value):
    """No list of ids or names: one has a blank."""
    return isinstance(value, list) and all(isinstance(text, str) for text in value) and " " in "".join(value)


def returns_of(load):
    """The returns in a load; None among them: it says that there is none. None: it is nothing of Salt's."""
    if isinstance(load, list):
        found = [found for document in load if isinstance(document, dict) for found in returns_of(document) or []]
        return found or None
    if not isinstance(load, dict):
        return None
    if "return" in load and ("id" in load or "fun" in load):
        minion = load.get("id")
        return answer(minion if isinstance(minion, str) or "id" not in load else "", load)
    if "Function" in load:
        return job_of(load)
    if "parsed" in load and "exit_status" in load:
        return returns_of(load["parsed"])
    if isinstance(load.get("data"), dict) and ("outputter" in load or "retcode" in load):
        return returns_of(load["data"])
    if any(map(split_key, load)):
        return steps_of(load) if is_orchestration(load) else [Return(None, None, None, load)]
    if isinstance(load.get("fun"), str):
        return None
    found = [found for key, value in load.items() if key for found in entry(key, value)]
    if list(load) == ["local"] and len(found) == 1 and found[0] and found[0].minion == "local":
        found[0].minion = None
    return found or ([] if load else [None]) or None


def entry(key, value):
    """The return under a minion's id, or under a jid."""
    if isinstance(value, dict) and any(map(split_key, value)):
        return steps_of(value) if is_orchestration(value) else [Return(key, None, None, value)]
    if isinstance(value, dict):
        if "Function" in value:
            return job_of(value)
        if "ret" in value or "return" in value:
            return answer(key, {**value, "return": value.get("return", value.get("ret"))}) or []
    elif is_sentences(value) or (isinstance(value, str) and value.startswith("Minion did not return")):
        return [Return(key, "state.apply", None, value)]
    return []


def job_of(job):
    """jobs.list_job: every targeted minion stands in it, whether it returned or not."""
    found = [None]
    for minion, result in (job.get("Result") or {}).items():
        if "return" in result:
            found += answer(minion, {**result, "fun": job["Function"], "fun_args": job.get("Arguments")}) or []
    return found + [Return(minion, None, None, None, silent=True) for minion in job.get("Minions") or []]


def answer(minion, load):
    fun = load.get("fun")
    failed = has_failed(load.get("retcode"), load.get("success"))
    if isinstance(fun, list):
        return functions_of(minion, load)
    if isinstance(fun, str) and fun.startswith(("runner.", "wheel.")):
        if fun not in ORCHESTRATIONS and not fun.startswith("runner.jobs."):
            return None
        data = load["return"].get("data") if isinstance(load["return"], dict) else None
        if fun in ORCHESTRATIONS and isinstance(data, dict):
            return [found for steps in data.values() for found in steps_of_master(steps)] or None
        if isinstance(load["return"], dict):
            return returns_of(load["return"])
        return [Return(None, "state.apply", None, load["return"], failed)] if fun in ORCHESTRATIONS else None
    return [Return(minion, fun, load.get("fun_args"), load["return"], failed)]


def functions_of(minion, load):
    """A job with several functions: those of the same name have one return, the last one's."""
    found = []
    for place, fun in enumerate(load["fun"]):

        def of(key, missing=None, place=place, fun=fun):
            values = load.get(key)
            if isinstance(values, list):
                return values[place] if place < len(values) else missing
            return values.get(fun, missing) if isinstance(values, dict) else missing

        lost = isinstance(load["return"], dict) and fun in load["fun"][place + 1 :]
        if of("return", MISSING) is not MISSING and not lost:
            args = load.get("fun_args")
            args = args[place] if isinstance(args, list) and place < len(args) else None
            found.append(Return(minion, fun, args, of("return"), has_failed(of("retcode"), of("success"))))
    return found


def is_orchestration(chunks):
    return any(split_key(key) and split_key(key)[0] == "salt" for key in chunks)


def steps_of(steps):
    """The returns under the steps of an orchestration."""
    found = [None]
    for key, step in steps.items():
        module, fun = split_key(key) or (None, None)
        if module != "salt" or fun not in ("state", "function") or not isinstance(step, dict):
            continue
        if step.get("__state_ran__") is False:
            continue
        asked = step["changes"].get("ret") if isinstance(step.get("changes"), dict) else None
        for minion, returned in asked.items() if isinstance(asked, dict) else []:
            failed = returned is False or (fun == "state" and step.get("result") is False)
            name = "state.apply" if fun == "state" else step.get("name")
            dry, order = step.get("result", "") is None, run_number(step)
            found.append(Return(minion, name, None, returned, failed, dry, order))
    return found


def steps_of_master(steps):
    if isinstance(steps, dict) and is_orchestration(steps):
        return steps_of(steps)
    return [Return(None, "state.apply", None, steps, True)] if isinstance(steps, list) else []


def judge(load, expected):
    """The verdict, and (minion, kind, name) of everything that converged."""
    found, mine = returns_of(load), expected.get("minion")
    returns = [of for of in found or [] if of is not None and (mine is None or of.minion in (None, mine))]
    minions = {}
    for of in sorted(returns, key=lambda of: of.order):
        minion = minions.setdefault(mine or of.minion, Minion(mine or of.minion, expected))
        if of.silent:
            continue
        minion.returned = True
        if of.fun is None or of.fun in STATE_FUNCTIONS:
            judge_states(minion, of.fun, of.args, of.returned, of.failed, of.dry)
        elif isinstance(of.fun, str):
            minion.dry = of.dry
            arguments = read_arguments(of.fun, of.args)
            judge_one = judge_check if of.fun == "approval.observe" else judge_function
            minion.recognized |= judge_one(minion, of.fun, of.returned, of.failed, arguments)
            minion.dry = False
    findings = {
        (minion.name, of.kind, of.name): minion.finding(of) if minion.returned else "not-applied"
        for minion in minions.values()
        for of in minion.known
    }
    converged = {resource for resource, verdict in findings.items() if verdict == "converged"}
    if not any(expected.get(key) for key in ("packages", "services", "values", "actions")):
        return "invalid", converged
    if not minions:
        return "invalid" if found is None else "not-applied", converged
    if not any(minion.recognized or not minion.returned for minion in minions.values()):
        return "invalid", converged
    return sum_up(list(findings.values())), converged


def sum_up(verdicts):
    if "drift" in verdicts:
        return "drift"
    if set(verdicts) == {"converged"}:
        return "converged"
    if "converged" in verdicts and {"failed", "not-applied"} & set(verdicts):
        return "partial"
    return next((verdict for verdict in ("failed", "unproven") if verdict in verdicts), "not-applied")
