"""The validator against the oracle, on the recorded returns and on thousands that hypothesis makes up.

APPROVAL_EXAMPLES=100000 sets how many; some hundreds without it.
"""

import importlib.util
import json
import os
import pathlib
import sys

import msgpack
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saltext.approval import _core

TESTS = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = int(os.environ.get("APPROVAL_EXAMPLES", "500"))
KEY = "00112233445566778899aabbccddeeff" * 2


def module_at(path):
    """The module in a file, for those that import it by its name too."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = module_at(TESTS / "vectors" / "reference.py")
oracle = module_at(TESTS / "unit" / "cext" / "oracle.py")


def test_oracle_on_real_returns():
    """The oracle would be none if it were wrong where people judged."""
    for case in json.loads((TESTS / "cases" / "index.json").read_text("utf-8"))["cases"]:
        load = json.loads((TESTS / "cases" / case["file"]).read_text("utf-8"))
        accepted = {case["verdict"], *case["also_acceptable"]}
        if not case["decidable_from_return"]:
            accepted.add("unproven")
        for minion in (None, case["minion"]):
            verdict, _ = oracle.judge(load, {"packages": case["approved"], "minion": minion})
            assert verdict in accepted - set(case["must_not"]), case["id"]


def test_oracle_on_shapes():
    for case in json.loads((TESTS / "vectors" / "returns.json").read_text("utf-8")):
        assert oracle.judge(case["load"], case["expected"])[0] == case["verdict"], case["name"]


# ---- what returns are made of ----

# Few of each, so that what is approved and what is returned meet.
NAMES = ["a", "b", "lib-c++1", "a_|-b", "a:i386"]
VERSIONS = ["1", "2", "1-1", "1-1+b1", "0:1", "2:1", "2:1-1", "1.10", "1.10.0", "01.0-A", "1-a"]
names = st.sampled_from(["a", "a", "b", *NAMES])
versions = st.sampled_from(["1", "1", "1", *VERSIONS])
minions = st.sampled_from(["m1", "m2"])
results = st.sampled_from([True, True, True, False])
junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.just(2**63)
    | st.just(1.5)
    | st.sampled_from(["", "1", "a", "installed", "pkg_|-a_|-a_|-installed", "E: a"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from([*NAMES, "new", "old", "ret", "installed", "result"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def mostly(usual, odd, share=24):
    """usual, and once in a while something else."""
    return st.integers(0, share).flatmap(lambda n: odd if n == share else usual)


def joined(of, separator=", "):
    return st.lists(of, min_size=1, max_size=3).map(separator.join)


installed_text = mostly(
    versions | st.just(""),
    st.sampled_from(
        [
            "1,2",
            "1,,2",
            "2.10-3,1",
            "2.10-3,2.10-4",
            "1,2.10-3",
            "1,1",
            "2,3,1",
            "1\nhold",
            "\ninstall",
            "hold",
            "installed",
            "removed",
            "purged",
            "1 2",
        ]
    ),
)
new = mostly(installed_text, st.lists(versions, max_size=2) | st.just([{"version": "1"}]) | junk)
change = mostly(
    st.fixed_dictionaries({"old": installed_text, "new": new}),
    st.sampled_from(
        [
            {"old": "1"},
            {"new": "1"},
            {},
            {"current": "1"},
            {"current": "not installed"},
            {"install status": "success"},
            {"install status": "failed"},
            {"uninstall status": "task started"},
        ]
    )
    | junk,
)
flat_changes = st.dictionaries(names, change, max_size=3)
changes = mostly(
    flat_changes,
    st.fixed_dictionaries({}, optional={"installed": flat_changes, "removed": flat_changes, "a": change}) | junk,
)
pair = st.builds("{}{}{}".format, names, st.sampled_from(["=", "=", "=", ">=", "<"]), versions) | names
line = st.one_of(
    st.sampled_from(
        [
            "All specified packages are already installed",
            "All specified packages are already installed and are at the desired version",
            "All specified packages are already absent",
            "None of the targeted packages are installed",
            "None of the targeted packages are installed or partially installed",
            "unless condition is true",
            "onlyif condition is false",
            "All files in creates exist",
            "Not called, mocked",
            "/run/x exists",
            "Failed to meet global state conditions",
            'The state function "pkg.installed" is currently disabled by "x", to re-enable',
            "21 targeted packages were already installed",
            "All 11 packages are up-to-date.",
            "1 targeted package was installed/updated",
            "One or more requisite failed: s.a",
            "",
            "a",
            "b: 1",
        ]
    ),
    joined(pair).map("The following packages were already installed: {}".format),
    joined(pair).map("The following packages were installed/updated: {}".format),
    joined(names).map("The following packages failed to install/update: {}".format),
    joined(names).map("The following packages were not installed: {}".format),
    joined(names).map("All packages are up-to-date ({}).".format),
    joined(names).map("The following packages were already up-to-date: {}".format),
    st.builds("Version {} of package '{}' is already installed".format, versions, names),
    st.builds("Package {} is already installed".format, names),
    st.builds("Package {} is already up-to-date".format, names),
    st.builds("{} {} is already installed".format, names, versions),
    st.builds("The package {} is not installed".format, names),
    st.builds("E: Unable to locate package {}".format, names),
    st.builds("The service {} is already {}".format, names, st.sampled_from(["running", "dead"])),
)
comment = mostly(
    mostly(line, st.lists(line, max_size=3).map("\n".join), 4),
    st.builds('Attempt 1: Returned a result of "False", with the following comment: "{}"\n{}'.format, line, line)
    | st.builds("{}.\n{}".format, line, line)
    | junk,
)
state = mostly(
    st.sampled_from([("pkg", "installed")] * 4 + [("pkg", "removed"), ("pkg", "purged"), ("pkg", "latest")]),
    st.sampled_from(
        [
            ("pkg", "uptodate"),
            ("pkg", "group_installed"),
            ("pkg", "downloaded"),
            ("pkg", "held"),
            ("pkg", "x"),
            ("chocolatey", "installed"),
            ("chocolatey", "upgraded"),
            ("chocolatey", "uninstalled"),
            ("service", "running"),
            ("service", "dead"),
            ("cmd", "run"),
            ("test", "nop"),
            ("no", "None"),
            ("pkgx", "y"),
            ("module", "run"),
            ("module", "wait"),
            ("approval", "converged"),
            ("approval", "observed"),
            ("approval", "performed"),
            ("approval", "other"),
        ]
    ),
    4,
)
functions = st.sampled_from(
    [
        "pkg.install",
        "pkg.remove",
        "pkg.purge",
        "pkg.upgrade",
        "pkg.version",
        "pkg.version",
        "pkg.list_pkgs",
        "pkg.list_pkgs",
        "pkg.latest_version",
        "pkg.hold",
        "service.status",
        "chocolatey.install",
        "approval.observe",
        "test.ping",
        "cmd.run",
    ]
)
errors = st.sampled_from(
    [
        "ERROR: no such package",
        "Traceback (most recent call last): a",
        "'pkg.x' is not available.",
        "ERROR: Nothing was read",
        "VALUE_TRIMMED",
        "Passed invalid arguments to pkg.install",
        "Minion in blackout mode. ",
        "Minion did not return. [No response]",
        'The function "state.apply" is running as PID 7',
        "The function is currently disabled",
        "text",
        "",
    ]
)
function_return = mostly(
    st.one_of(changes, installed_text, st.dictionaries(names, installed_text, max_size=4), st.booleans()),
    errors | junk,
    5,
)


outcomes = st.sampled_from(
    [
        '{"fun":"test.ping","retcode":0,"return":true,"success":true}',
        '{"fun":"test.ping","retcode":0,"return":true,"success":true}',
        '{"fun":"test.false","retcode":0,"return":false,"success":false}',
        '{"fun":"cmd.run","retcode":1,"return":"no","success":true}',
        '{"fun":"cmd.run","retcode":0.0,"success":true}',
        '{"fun":"cmd.run","retcode":0.5,"success":true}',
        '{"fun":"cmd.run","retcode":false,"success":true}',
        '{"retcode":0,"success":1}',
        '{"retcode":0}',
        "[]",
        "{",
        "",
        None,
    ]
)


@st.composite
def evidence(draw, minion="m1"):
    """Evidence, mostly genuine. The changes of a forger are made behind the mac."""
    observed = {
        "packages": draw(st.dictionaries(names, st.none() | versions, max_size=3)),
        "services": draw(st.dictionaries(names, st.sampled_from(["running", "dead"]), max_size=1)),
        "values": draw(st.dictionaries(names, st.sampled_from(['"x"', "1"]), max_size=1)),
    }
    if draw(st.booleans()):
        observed["actions"] = draw(st.dictionaries(names, outcomes, max_size=2))
        observed["starts"] = draw(st.dictionaries(names, st.sampled_from(["b 1", None]), max_size=1))
    made = {
        "format": draw(st.sampled_from([1, 2])),
        "minion": draw(mostly(st.just(minion), minions)),
        "revision": draw(mostly(st.just(7), st.just(6))),
        "digest": draw(mostly(st.just("sha256:d"), st.just("sha256:e"))),
        "run_id": "0123456789abcdef0123456789abcdef",
        "boot_id": "b",
        "observed": observed,
    }
    if draw(st.booleans()):
        made["before"] = {"packages": draw(st.dictionaries(names, st.none() | versions, max_size=2))}
    for section in ("errors", "notes", "meets"):
        if draw(st.booleans()):
            text = mostly(versions, line) if section == "meets" else line
            made[section] = draw(st.fixed_dictionaries({"packages": st.dictionaries(names, text, max_size=1)}))
    made["mac"] = draw(mostly(st.just(reference.mac(KEY, made)), st.sampled_from(["", "0" * 64, None])))
    return {
        **made,
        **draw(
            mostly(
                st.just({}),
                st.sampled_from(
                    [
                        {"minion": "m1"},
                        {"revision": 7},
                        {"revision": 7.0},
                        {"revision": True},
                        {"digest": "sha256:d"},
                        {"format": 1},
                        {"format": 2},
                        {"format": 3},
                        {"errors": {"packages": {"a": "1"}}},
                        {"errors": []},
                        {"errors": {}},
                        {"notes": {"packages": {"a": 1}}},
                        {"notes": {"files": {}}},
                        {"meets": {}},
                        {"more": 1},
                        {"boot_id": ""},
                        {"boot_id": None},
                        {"run_id": ""},
                        {"observed": {"packages": {"a": "1", "b": None}}},
                        {"observed": {}},
                        {"observed": {"packages": []}},
                        {"observed": {"packages": {"a": 1}}},
                        {"before": None},
                    ]
                ),
                5,
            )
        ),
    }


@st.composite
def chunk(draw, minion="m1"):
    """The key of a chunk and the chunk."""
    module, fun = draw(state)
    name = draw(mostly(names, st.sampled_from(["list", "pkg.install", ""]) | junk))
    made = {"name": name, "result": draw(mostly(results, st.none() | junk))}
    made["changes"] = draw(changes)
    made["comment"] = draw(comment)
    made["__run_num__"] = draw(mostly(st.integers(0, 4), junk))
    if module == "module":
        made["name"] = draw(functions | st.lists(functions, max_size=2))
        made["changes"] = draw(
            st.dictionaries(functions | st.sampled_from(["ret", "pkg.install:2"]), function_return, max_size=2) | junk
        )
    if module == "approval" and draw(st.integers(0, 4)):
        made["approval"] = draw(mostly(evidence(minion), junk))
    if draw(st.integers(0, 9)) == 9:
        made["__state_ran__"] = draw(st.booleans())
    if draw(st.integers(0, 19)) == 19:
        del made[draw(st.sampled_from(["name", "result", "changes", "comment", "__run_num__"]))]
    key_name = made.get("name") if isinstance(made.get("name"), str) else "id"
    identity = draw(mostly(st.sampled_from(["id", key_name]), st.just("pkg_|-a_|-a_|-installed")))
    if draw(st.booleans()):
        made["__id__"] = identity
    return f"{module}_|-{identity}_|-{key_name}_|-{fun}", made


@st.composite
def states(draw, minion="m1"):
    """The return of a run of states."""
    chunks = dict(draw(st.lists(chunk(minion), min_size=1, max_size=4)))
    if draw(st.integers(0, 9)) == 9:
        chunks |= draw(st.dictionaries(st.sampled_from(["a", "pkg_|-", "_|-_|-", "pkg_|-a"]), junk, max_size=2))
    return chunks


def state_return(minion):
    return mostly(
        states(minion),
        st.lists(errors, max_size=2)
        | errors
        | st.sampled_from(
            [{}, [], None, True, False, {"queued": True}, {"result": False, "comment": "Failed to queue job"}]
        )
        | junk,
        5,
    )


def keywords(names_of):
    return st.dictionaries(st.sampled_from(names_of), st.sampled_from([True, False, None, "True", 1]), max_size=1)


named = st.fixed_dictionaries(
    {},
    optional={
        "name": names | st.just("a,b"),
        "version": versions | st.sampled_from(["1*", ">=1", "latest"]),
        "pkgs": st.lists(names | st.dictionaries(names, versions, max_size=1), max_size=3) | junk,
    },
)
options = mostly(
    st.just({}),
    keywords(
        [
            "test",
            "TEST",
            "mock",
            "pillar",
            "force",
            "terse",
            "refresh",
            "downloadonly",
            "root",
            "attr",
            "allow_updates",
        ]
    ),
    4,
)


texts_of_options = st.sampled_from(
    ["pillar={}", "removed=True", "a==1", "1=a", "mock=no", "mock=0"]
    + [
        f"test={value}"
        for value in ("True", "False", "no", "Off", "0", "", "nO", "~", "None", " NO # x", "~ # x", "'no'")
    ]
    + [f"Test={value}" for value in ("yes", "'true'", "no", "-1", "n", '"1"')]
)


@st.composite
def arguments(draw, fun):
    """fun_args of a job."""
    made = []
    if fun == "state.single":
        made.append(draw(mostly(st.just("pkg.installed"), st.sampled_from(["pkg.removed", "pkg.latest", "x"]))))
    wanted = {} if fun == "state.apply" else draw(mostly(named, st.just({})))
    if draw(st.booleans()):
        made += draw(mostly(st.lists(names, max_size=2), st.lists(junk | texts_of_options, max_size=3)))
    wanted = {**wanted, **draw(options)}
    return [*made, {"__kwarg__": True, **wanted}] if wanted else made


def return_of(fun, minion="m1"):
    return mostly(evidence(minion), function_return, 4) if fun == "approval.observe" else function_return


@st.composite
def returned(draw, minion="m1"):
    """A return as a returner gets it."""
    whole = ["state.apply", "state.apply", "state.sls", "state.single", "state.test", "approval.observe"]
    fun = draw(st.sampled_from(whole) | functions)
    made = {
        "id": minion,
        "fun": fun,
        "fun_args": draw(mostly(arguments(fun), junk)),
        "return": draw(state_return(minion) if fun.startswith("state.") else return_of(fun, minion)),
    }
    if fun == "state.single" and draw(st.booleans()):
        made["return"] = dict([draw(chunk(minion))])
    if draw(st.booleans()):
        made["retcode"] = draw(st.sampled_from([0, 0, 1, 2]))
        made["success"] = draw(mostly(st.just(made["retcode"] == 0), junk))
    return made


@st.composite
def several_functions(draw):
    """A job with several functions, in both of Salt's orders."""
    funs = draw(st.lists(functions, min_size=1, max_size=3))
    made = {"id": "m1", "fun": funs, "fun_args": [draw(arguments(fun)) for fun in funs]}
    returns = [draw(return_of(fun)) for fun in funs]
    codes = [draw(st.sampled_from([0, 0, 1])) for _ in funs]
    done = [code == 0 for code in codes]
    for key, values in (("return", returns), ("retcode", codes), ("success", done)):
        made[key] = values
    if draw(st.booleans()):
        for key in ("return", "retcode", "success"):
            made[key] = dict(zip(funs, made[key], strict=True))
    return made


@st.composite
def orchestration(draw):
    steps = {}
    for number in range(draw(st.integers(1, 2))):
        is_state = draw(st.booleans())
        name = "s" if is_state else draw(functions)
        by_minion = {
            minion: draw(mostly(state_return(minion) if is_state else return_of(name, minion), st.just(False)))
            for minion in draw(st.lists(minions, max_size=2, unique=True))
        }
        steps[f"salt_|-{number}_|-{name}_|-{'state' if is_state else 'function'}"] = {
            "name": name,
            "result": draw(mostly(results, st.none())),
            "changes": draw(mostly(st.just({"ret": by_minion}), junk)),
            "comment": "",
            "__run_num__": draw(st.sampled_from([number, -number])),
        }
    data = {"data": {"vm_master": steps}, "outputter": "highstate", "retcode": 0}
    return {"fun": "runner.state.orchestrate", "jid": "1", "return": draw(mostly(st.just(data), errors))}


@st.composite
def of_minions(draw):
    """Returns as the command line prints them, and as the job cache holds them."""
    targeted = draw(st.lists(minions, max_size=2, unique=True))
    shape = draw(st.sampled_from(["plain", "ret", "lookup", "job"]))
    if shape == "job":
        fun = draw(functions)
        results = {minion: {"return": draw(function_return), "retcode": 0} for minion in targeted[:1]}
        return {"Function": fun, "Arguments": draw(arguments(fun)), "Minions": targeted, "Result": results}
    made = {minion: draw(state_return(minion)) for minion in targeted}
    if shape == "ret":
        return {minion: {"ret": value, "jid": "1"} for minion, value in made.items()}
    if shape == "plain" and draw(st.integers(0, 4)) == 4:
        return {"local": draw(state_return("m1"))}
    return made if shape == "plain" else {"outputter": "highstate", "data": made}


@st.composite
def with_evidence(draw):
    """A run of one of our states, with whatever else ran."""
    made = draw(returned())
    chunk = {
        "name": "approved",
        "result": draw(mostly(results, st.none())),
        "changes": {},
        "comment": draw(line),
    }
    chunk |= {"__run_num__": draw(st.integers(0, 5)), "approval": draw(evidence())}
    fun = draw(mostly(st.just("converged"), st.sampled_from(["observed", "performed"]), 2))
    chunks = {f"approval_|-approved_|-approved_|-{fun}": chunk}
    chunks |= draw(st.just({}) | states())
    return {**made, "fun": "state.apply", "fun_args": draw(arguments("state.apply")), "return": chunks}


loads = st.one_of(
    returned(),
    returned(),
    with_evidence(),
    with_evidence(),
    several_functions(),
    orchestration(),
    of_minions(),
)
loads = mostly(loads, junk)
expectations = st.fixed_dictionaries(
    {
        "packages": mostly(
            st.dictionaries(
                names,
                mostly(st.just("1") | versions | st.none(), st.sampled_from(["latest", "1*", ">=1"])),
                min_size=1,
                max_size=3,
            ),
            st.just({}),
        )
    },
    optional={
        "services": st.dictionaries(names, st.sampled_from(["running", "dead"]), max_size=1),
        "values": st.dictionaries(names, st.just('"x"'), max_size=1),
        "actions": st.dictionaries(names, st.just({}), max_size=1),
        "minion": mostly(st.just("m1"), st.just("m2")),
        "revision": st.just(7),
        "digest": st.just("sha256:d"),
        "evidence_key": st.just(KEY),
    },
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(loads, expectations)
def test_agrees_with_the_oracle(load, expected):
    for result in (_core.validate(load, expected), _core.validate_msgpack(msgpack.packb(load), expected)):
        found = {
            (finding["minion"], finding["kind"], finding["name"])
            for finding in result["findings"]
            if finding["verdict"] == "converged"
        }
        assert (result["verdict"], found) == oracle.judge(load, expected)
