"""What approval.converged makes of services, through Salt's systemd module and a real systemd."""

import importlib.util
import pathlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saltext.approval import _core

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2] / "states"
KEY = "c3" * 32


def module_at(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """A real systemd."""
    with module_at(HERE / "systemd.py").Systemd(tmp_path_factory.mktemp("systemd")) as machine:
        yield machine


@pytest.fixture(scope="module")
def loaded(machine, tmp_path_factory):
    """Salt's configuration, execution modules and their context, to which systemctl speaks to that systemd."""
    import salt.config
    import salt.loader

    opts = dict(salt.config.DEFAULT_MINION_OPTS)
    directory = str(tmp_path_factory.mktemp("minion"))
    opts.update(
        {
            "id": "web1",
            "test": False,
            "cachedir": directory,
            "extension_modules": directory,
            "states_dirs": [str(ROOT / "_states")],
            "grains": {"os_family": "Example", "os": "Example", "kernel": "Linux"},
            "systemd.scope": False,
        }
    )
    context = {"salt.utils.systemd.booted": True, "salt.utils.systemd.offline": False}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{machine.path}:/usr/bin:/bin:/usr/sbin:/sbin")
        functions = salt.loader.minion_mods(opts, context=context, utils=salt.loader.utils(opts, context=context))
        assert "systemd_service" in functions["service.show"].__module__
        yield opts, functions, context


@pytest.fixture
def systemd(machine, loaded):
    """The real systemd without units."""
    machine.clear()
    return machine


@pytest.fixture
def state(systemd, loaded, tmp_path):
    """A function that runs a state of the module approval with a document as the pillar."""
    import salt.loader

    def run(document, which="converged", test=False, name="approval", **arguments):
        opts, functions, context = loaded
        opts = {**opts, "cachedir": str(tmp_path), "test": test, "pillar": {"approval": document}}
        states = salt.loader.states(opts, functions, None, None, context=context)
        return states[f"approval.{which}"](name, **arguments)

    return run


@pytest.fixture
def converge(state, approve):
    """A function that brings services to their state, and returns what is said of them."""

    def run(wanted, settle_time=0.5, **options):
        document = approve({}, wanted)
        ret = state(document, settle_time=settle_time, **options)
        return Told(ret, document)

    return run


class Told:
    """The return of a run, and what the validator makes of it."""

    def __init__(self, ret, document):
        self.ret = ret
        self.result, self.comment, self.changes = ret["result"], ret["comment"], ret["changes"]
        if "approval" not in ret:
            return
        evidence = ret["approval"]
        assert evidence["mac"] == _core.mac(KEY, evidence)
        self.observed = evidence["observed"]["services"]
        self.before = evidence["before"].get("services", {})
        self.errors = evidence.get("errors", {}).get("services", {})
        self.notes = evidence.get("notes", {}).get("services", {})
        held = {key: document[key] for key in ("minion", "revision", "digest", "evidence_key", "packages", "services")}
        chunk = {**ret, "__run_num__": 0}
        load = {"id": "web1", "fun": "state.apply", "fun_args": [], "return": {"approval_|-a_|-a_|-converged": chunk}}
        verdict = _core.validate(load, held)
        assert verdict["authenticated"]
        self.found = {finding["name"]: finding["verdict"] for finding in verdict["findings"]}


def service(*lines, unit=()):
    return {"Unit": list(unit), "Service": list(lines)}


def relation(*lines):
    return {"Unit": list(lines)}


# ------------------------------------------------------------------------- contradictions


CONTRADICTIONS = {
    "conflicts": ({"one": relation("Conflicts=other.service"), "other": {}}, {"one": "running", "other": "running"}),
    "is in conflict": ({"one": {}, "other": relation("Conflicts=one.service")}, {"one": "running", "other": "running"}),
    "requires": ({"one": relation("Requires=other.service"), "other": {}}, {"one": "running", "other": "dead"}),
    "binds to": (
        {"one": relation("BindsTo=other.service", "After=other.service"), "other": {}},
        {"one": "running", "other": "dead"},
    ),
    "requisite": ({"one": relation("Requisite=other.service"), "other": {}}, {"one": "running", "other": "dead"}),
    "requires through a third": (
        {"one": relation("Requires=third.service"), "third": relation("BindsTo=other.service"), "other": {}},
        {"one": "running", "other": "dead"},
    ),
    "what it requires conflicts": (
        {"one": relation("Requires=third.service"), "third": relation("Conflicts=other.service"), "other": {}},
        {"one": "running", "other": "running"},
    ),
    "both need what excludes the other": (
        {
            "one": relation("Requires=this.service"),
            "other": relation("Requires=that.service"),
            "this": {},
            "that": relation("Conflicts=this.service"),
        },
        {"one": "running", "other": "running"},
    ),
    "requires under another name": (
        {"one": relation("Requires=alias.service"), "other": {}},
        {"one": "running", "other": "dead"},
    ),
    "instances": (
        {"one@": relation("Conflicts=other@%i.service"), "other@": {}},
        {"one@a": "running", "other@a": "running"},
    ),
    "a socket": (
        {"one": relation("Requires=other.socket"), "other.socket": {"Socket": ["ListenStream=@x"]}, "other": {}},
        {"one": "running", "other.socket": "dead"},
    ),
    "a command that Salt cannot read": (
        {
            "one": service("ExecStart=/bin/sh -c 'true ; exec sleep infinity'", unit=["Conflicts=other.service"]),
            "other": {},
        },
        {"one": "running", "other": "running"},
    ),
    "an alias": ({"other": {}}, {"other": "running", "alias": "dead"}),
    "with its suffix": ({"one": {}}, {"one": "running", "one.service": "dead"}),
    "two aliases": ({"other": {}}, {"alias": "running", "second.service": "dead"}),
}


@pytest.mark.parametrize("first", ["running", "dead"])
@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_contradiction_is_named_before_anything_is_touched(systemd, state, converge, approve, case, first):
    units, wanted = CONTRADICTIONS[case]
    aliases = {"alias": "other", "second": "other"} if "other" in units else {}
    systemd.put({**units, "apart": {}}, aliases)
    names = sorted(wanted)
    if first == "running":
        systemd.ctl("start", *names)
    before = systemd.invocations(*names), systemd.running(*names)
    told = converge({**wanted, "apart": "running"})
    assert (systemd.invocations(*names), systemd.running(*names)) == before
    assert systemd.running("apart") == {"apart": True}
    assert told.result is False
    assert set(told.errors) == set(wanted)
    assert {told.found[name] for name in wanted} == {"failed"}
    assert told.found["apart"] == "converged"
    for name, why in told.errors.items():
        (other,) = set(wanted) - {name}
        assert other in why

    document = approve({}, wanted)
    planned = state(document, test=True)
    assert planned["result"] is False
    assert planned["changes"] == {}
    assert all(why in planned["comment"] for why in told.errors.values())
    assert Told(state(document, "observed"), document).errors == told.errors
    one, other = names
    items = [{"kind": "service", "name": one, "type": "state", "value": wanted[one]}]
    asked = state(approve({}, {other: wanted[other]}), "planned", items=items)
    running = systemd.running(*names)
    if running[one] != (wanted[one] == "running") or running[other] != (wanted[other] == "running"):
        assert asked["result"] is False
        assert told.errors[one] in asked["comment"]
    assert (systemd.invocations(*names), systemd.running(*names)) == before


def test_two_names_of_one_service_that_agree(systemd, converge):
    systemd.put({"ssh": {}}, {"sshd": "ssh"})
    told = converge({"ssh": "running", "sshd": "running", "sshd.service": "running"})
    assert told.result is True
    assert told.observed == {"ssh": "running", "sshd": "running", "sshd.service": "running"}
    invocation = systemd.invocations("ssh")
    assert converge({"ssh": "running", "sshd": "running"}).changes == {}
    assert systemd.invocations("ssh") == invocation


# ----------------------------------------------------------- what one does to another


def test_what_can_be_reached_together_is(systemd, converge):
    systemd.put(
        {
            "base": {},
            "part": relation("PartOf=base.service"),
            "wanting": relation("Wants=unwanted.service"),
            "unwanted": {},
            "top": relation("Requires=below.service", "After=below.service"),
            "below": {},
            "old": {},
            "new": relation("Conflicts=old.service"),
        }
    )
    systemd.ctl("start", "base", "part", "old")
    wanted = {"base": "dead", "part": "running", "wanting": "running", "unwanted": "dead"}
    wanted |= {"top": "running", "below": "running", "old": "dead", "new": "running"}
    told = converge(wanted)
    assert told.errors == {}
    assert told.result is True
    assert told.observed == wanted
    assert systemd.running(*wanted) == {name: state == "running" for name, state in wanted.items()}
    assert told.before["part"] == "running"
    assert set(told.found.values()) == {"converged"}


def test_what_is_as_approved_is_in_no_contradiction(systemd, converge):
    """A unit that another one requires may end by itself."""
    systemd.put(
        {
            "above": relation("Requires=below.service"),
            "below": service("ExecStart=/bin/sleep 0.2"),
            "apart": {},
        }
    )
    systemd.ctl("start", "above")
    while systemd.running("below")["below"]:
        pass
    assert systemd.running("above") == {"above": True}
    told = converge({"above": "running", "below": "dead", "apart": "running"})
    assert told.errors == {}
    assert set(told.found.values()) == {"converged"}


KILL = "ExecStart=/bin/sh -c 'sleep 0.3; systemctl stop --no-block victim; exec sleep infinity'"


def test_a_script_that_stops_another_a_moment_later(systemd, converge):
    systemd.put({"victim": {}, "killer": service(KILL)})
    systemd.ctl("start", "victim")
    told = converge({"victim": "running", "killer": "running"})
    assert systemd.running("victim", "killer") == {"victim": False, "killer": True}
    assert told.observed == {"victim": "dead", "killer": "running"}
    assert told.errors == {"victim": "the start or stop of another one changed it"}
    assert told.found == {"victim": "failed", "killer": "converged"}
    assert told.before == {"victim": "running", "killer": "dead"}


@pytest.mark.parametrize(
    ("unit", "seen", "why"),
    [
        (service("ExecStart=/bin/sleep 0.4"), "dead", "it did not stay so"),
        (service("ExecStart=/bin/false"), "dead", "exit-code"),
        (service("ExecStart=/bin/sh -c 'sleep 0.3; exit 3'"), "dead", "it did not stay so (failed, failed, exit-code)"),
        (service("Type=oneshot", "ExecStart=/bin/true"), "dead", "oneshot"),
        (service("ExecStart=/bin/sleep 0.1", "Restart=always", "RestartSec=9"), "activating", "does not come to rest"),
        (service("Type=oneshot", "ExecStart=/bin/false"), "dead", "control process exited"),
        (service("ExecStart=/nowhere/program"), "dead", "exit-code"),
    ],
)
def test_a_service_that_does_not_stay(systemd, converge, unit, seen, why):
    systemd.put({"brief": unit, "apart": {}})
    told = converge({"brief": "running", "apart": "running"})
    assert told.result is False
    assert told.observed == {"brief": seen, "apart": "running"}
    assert list(told.errors) == ["brief"]
    assert why in told.errors["brief"]
    assert told.found == {"brief": "failed", "apart": "converged"}


def test_a_service_that_is_started_again_and_again(systemd, converge):
    limit = "StartLimitIntervalSec=0"
    systemd.put({"loop": service("ExecStart=/bin/sleep 0.3", "Restart=always", "RestartSec=0", unit=[limit])})
    told = converge({"loop": "running"})
    assert told.found == {"loop": "failed"}
    assert "it does not come to rest" in told.errors["loop"]


def test_a_dead_service_that_something_starts_again(systemd, converge):
    systemd.put({"job": {}, "job.timer": {"Timer": ["OnActiveSec=0.4", "AccuracySec=1ms"]}})
    systemd.ctl("start", "job")
    told = converge({"job": "dead", "job.timer": "running"})
    assert systemd.running("job") == {"job": True}
    assert told.found["job"] == "failed"
    assert told.observed["job"] == "running"


@pytest.mark.parametrize(
    "unit",
    [
        service("ExecStartPre=/bin/sleep 1", "ExecStart=/bin/sleep infinity"),
        service("Type=oneshot", "RemainAfterExit=yes", "ExecStart=/bin/sleep 0.3"),
        service("Type=forking", "ExecStart=/bin/sh -c 'sleep 0.5; sleep infinity & exit 0'"),
    ],
)
def test_a_start_that_takes_its_time(systemd, converge, unit):
    systemd.put({"slow": unit})
    told = converge({"slow": "running"})
    assert told.errors == {}
    assert told.observed == {"slow": "running"}


def test_a_service_that_comes_to_rest_only_while_it_is_watched(systemd, converge):
    """The service fails twice before it stays."""
    count = systemd.units.parent / "count"
    script = f"ExecStart=/bin/sh -c 'echo x >> {count}; [ $(wc -l < {count}) -gt 2 ] || exit 1; exec sleep infinity'"
    systemd.put({"shy": service(script, "Restart=always", "RestartSec=0.2")})
    told = converge({"shy": "running"})
    count.unlink()
    assert told.found == {"shy": "converged"}
    assert told.observed == {"shy": "running"}


def test_kinds_of_units(systemd, converge):
    systemd.put(
        {
            "foo@": {},
            "listen.socket": {"Socket": ["ListenStream=@listen"]},
            "listen": {},
            "tick.timer": {"Timer": ["OnActiveSec=1h"]},
            "tick": {},
        },
        {"masked": None},
    )
    wanted = {"foo@bar": "running", "foo@baz": "dead", "listen.socket": "running", "tick.timer": "running"}
    wanted |= {"listen": "dead", "masked": "dead", "nosuch": "dead"}
    told = converge(wanted)
    assert told.errors == {}
    assert told.observed == wanted
    told = converge({"masked": "running", "nosuch": "running", "foo@bar": "dead"})
    assert "masked" in told.errors["masked"]
    assert "nosuch.service not found" in told.errors["nosuch"]
    assert told.found["foo@bar"] == "converged"


# ------------------------------------------------------------------- what is told otherwise


def test_a_run_with_nothing_to_do_waits_for_nothing(systemd, converge, monkeypatch):
    systemd.put({"one": {}, "other": {}})
    systemd.ctl("start", "one")
    import time

    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("it slept"))
    told = converge({"one": "running", "other": "dead"}, settle_time=9)
    assert told.result is True
    assert told.changes == {}


def test_an_error_that_healed_is_a_note(systemd, converge):
    """Its start fails; that of another one starts it once more, and then it holds."""
    flag = systemd.units.parent / "flag"
    script = f"ExecStartPre=/bin/sh -c '[ -e {flag} ] || {{ touch {flag}; exit 1; }}'"
    systemd.put(
        {
            "a": service(script, "ExecStart=/bin/sleep infinity"),
            "b": relation("Wants=a.service"),
        }
    )
    told = converge({"a": "running", "b": "running"})
    flag.unlink()
    assert told.errors == {}
    assert told.observed == {"a": "running", "b": "running"}
    assert "a.service failed" in told.notes["a"]
    assert set(told.found.values()) == {"converged"}


def test_a_check_sees_what_is_in_between(systemd, state, approve):
    systemd.put({"loop": service("ExecStart=/bin/false", "Restart=always", "RestartSec=9")})
    systemd.ctl("start", "loop")
    for wanted in ("running", "dead"):
        document = approve({}, {"loop": wanted})
        ret = state(document, "observed")
        assert ret["result"] is False
        assert ret["approval"]["observed"]["services"] == {"loop": "activating"}


@pytest.fixture
def mute(systemd):
    """A function after which systemctl reaches no systemd, or fails for those words only."""
    wrapper = systemd.path / "systemctl"
    speaking = wrapper.read_text()

    def silence(pattern="*"):
        lines = speaking.splitlines()
        failing = f"case \"$*\" in {pattern}) echo 'Failed to connect to bus: Connection timed out' >&2; exit 1;; esac"
        wrapper.write_text("\n".join([lines[0], failing, *lines[1:]]) + "\n")

    yield silence
    wrapper.write_text(speaking)


@pytest.mark.parametrize("failing", ["*", "show*"])
@pytest.mark.parametrize("wanted", ["dead", "running"])
def test_a_service_of_which_systemd_does_not_tell_is_not_called_dead(systemd, state, approve, mute, wanted, failing):
    systemd.put({"one": {}})
    systemd.ctl("start", "one")
    mute(failing)
    document = approve({}, {"one": wanted})
    for which in ("converged", "observed"):
        told = Told(state(document, which), document)
        assert told.result is False
        assert (told.observed, told.before) == ({}, {})
        assert told.errors == {"one": "Failed to connect to bus: Connection timed out"}
        assert told.found == {"one": "failed"}
    assert state(document, test=True)["result"] is False


@pytest.mark.parametrize("name", ["foo@", "foo@.service"])
def test_a_template_is_no_service(systemd, converge, name):
    """Its instances may run."""
    systemd.put({"foo@": {}})
    systemd.ctl("start", "foo@a")
    told = converge({name: "dead"})
    assert told.found == {name: "failed"}
    assert (told.observed, told.before) == ({}, {})
    assert "foo@.service" in told.errors[name]


def test_a_restart_that_does_not_hold_has_no_start(systemd, state, approve):
    stays = service("ExecStart=/bin/sh -c 'true ; exec sleep infinity'")
    systemd.put({"stays": stays, "dies": service("ExecStart=/bin/sleep 0.5")})
    systemd.ctl("start", "stays")
    for name, held in (("stays", True), ("dies", False)):
        options = {"function": "service.restart", "arguments": {"name": name}, "services": [name]}
        ret = state(approve(), "performed", name="17", **options)
        assert (ret["approval"]["observed"]["starts"][name] is not None) == held
        assert ret["approval"]["observed"]["starts"] != ret["approval"]["before"]["starts"] or not held


@pytest.mark.parametrize("seconds", ["1", True, -1, None])
def test_settle_time_is_seconds(state, approve, seconds):
    ret = state(approve(), settle_time=seconds)
    assert ret["comment"] == "Nothing was applied: the option settle_time has to be seconds."


# ------------------------------------------------------------------------------ any graph

NAMES = ["a", "b", "c", "d"]
RELATIONS = ["Conflicts", "Requires", "BindsTo", "PartOf", "Wants", "After", "Requisite", "Upholds"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edges=st.lists(
        st.tuples(st.sampled_from(RELATIONS), st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(
            lambda edge: edge[1] != edge[2]
        ),
        max_size=5,
    ),
    started=st.sets(st.sampled_from(NAMES)),
    wanted=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["running", "dead"]), min_size=1),
)
def test_evidence_is_what_is_there_at_the_end(systemd, converge, tmp_path, edges, started, wanted):
    systemd.clear()
    for kept in tmp_path.iterdir():
        kept.unlink()
    systemd.put({name: relation(*(f"{how}={to}.service" for how, of, to in edges if of == name)) for name in NAMES})
    if started:
        systemd.ctl("start", *sorted(started))
    first = systemd.running(*wanted)
    told = converge(wanted, settle_time=0.2)
    really = systemd.running(*wanted)
    assert {name: state == "running" for name, state in told.observed.items()} == really
    assert told.before.keys() == wanted.keys()
    if "Upholds" not in {how for how, _, _ in edges}:
        assert {name: state == "running" for name, state in told.before.items()} == first
    wrong = {name for name, state in wanted.items() if really[name] != (state == "running")}
    assert wrong <= set(told.errors)
    assert told.result is (not told.errors)
    assert {name for name, verdict in told.found.items() if verdict == "converged"} == set(wanted) - set(told.errors)
