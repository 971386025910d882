"""What ran is shown as somebody would type it: bash and Salt's own parsers make the job of it again."""

import math
import optparse
import random
import subprocess

import pytest
import salt.utils.args
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from salt.utils.parsers import SaltCallOptionParser, SaltCMDOptionParser, SaltRunOptionParser

from saltext.approval.intake import command_line, masking
from saltext.approval.intake.command_line import APPROXIMATE, CUT, LONGEST, UNKNOWN, as_typed, is_housekeeping, is_test

ODD = [
    "", " ", "a", "a b", " a", "a ", "123", "0123", "1_000", "1.10", "1e5", "22:22", "2026-11-29",
    "20261129150000000000", "a=b", "a==b", "=b", "a=b\n", "a\nb", "k=a\nb", "\t", "a\tb", "#x", "a #x", "k=#x", "-x",
    "--", "-5", ",", "None", "null", "~", "true", "Yes", "no", "on", "[]", "{}", "[a", "{a: b}",
    "a: b", "- a", "'a'", '"a"', "a'b", 'a"b',
    "\\", "a\\nb", "$HOME", "`id`", "!", "|", "*", "&a", "%a", "@a", "---", "...", "ä=ö", "√", "😀", "\u202eevil",
    "\x1b[31m", "\u00a0", "\x85", "\u2028", "\ufeff", "\x7f", "\0", None, True, False, 0, -5, 123, 2**63, 1.5,
    1e16, -1e-7, math.inf, -math.inf, math.nan, [], {}, ["a", 1, None], ["#"], {"a": [{"b": None}], "c": "d: e"},
    {"a b": "c"}, {1: "a", None: True}, [[[]]], {"__kwarg__": False},
]  # fmt: skip


def marked(**named):
    return {"__kwarg__": True, **named}


def job_of(*args, fun="test.echo", **more):
    return {"tgt": "*", "tgt_type": "glob", "fun": fun, "arg": list(args), **more}


def words_of(typed):
    """The words that bash makes of it."""
    script = f"printf '%s\\0' {typed}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    return done.stdout.decode().split("\0")[:-1]


def parsed(parser_class, words):
    """A parser of Salt's that has read the words, without a configuration."""
    parser = parser_class()
    parser.options, parser.args = optparse.OptionParser.parse_args(parser, words)
    parser.options.no_parse = []
    parser.config = {}
    parser_class._mixin_after_parsed(parser)
    return parser


def read_back(typed):
    """The options, target, function and arguments that Salt's programs make of it."""
    program, *words = words_of(typed)
    if program == "salt":
        parser = parsed(SaltCMDOptionParser, words)
        return parser.options, parser.config["tgt"], parser.config["fun"], parser.config["arg"]
    parser = parsed({"salt-run": SaltRunOptionParser, "salt-call": SaltCallOptionParser}[program], words)
    return parser.options, None, parser.config["fun"], parser.config["arg"]


def is_same(one, other):
    if isinstance(one, float) and isinstance(other, float):
        return repr(one) == repr(other)
    if isinstance(one, dict) and isinstance(other, dict):
        return len(one) == len(other) and all(
            is_same(mine, theirs) and is_same(one[mine], other[theirs]) for mine, theirs in zip(one, other, strict=True)
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return type(one) is type(other) and one == other


def typed_unmasked(job):
    return as_typed(job, masked=lambda load: load)


@pytest.mark.parametrize(
    ("kind", "target", "typed", "option"),
    [
        ("glob", "web*", "salt 'web*' test.ping", None),
        ("pcre", "web[0-9]+", "salt -E 'web[0-9]+' test.ping", "pcre"),
        ("list", "web1,web2", "salt -L web1,web2 test.ping", "list"),
        ("list", ["web1", "web2"], "salt -L web1,web2 test.ping", "list"),
        ("grain", "os:Debian", "salt -G os:Debian test.ping", "grain"),
        ("grain_pcre", "os:Deb.*", "salt -P 'os:Deb.*' test.ping", "grain_pcre"),
        ("pillar", "role:web", "salt -I role:web test.ping", "pillar_target"),
        ("pillar_pcre", "role:w.*", "salt -J 'role:w.*' test.ping", "pillar_pcre"),
        ("compound", "G@os:Debian and not web1", "salt -C 'G@os:Debian and not web1' test.ping", "compound"),
        ("nodegroup", "front", "salt -N front test.ping", "nodegroup"),
        ("range", "%web", "salt -R %web test.ping", "range"),
        ("ipcidr", "10.0.0.0/8", "salt -S 10.0.0.0/8 test.ping", "ipcidr"),
        ("glob", "-web", "salt -- -web test.ping", None),
    ],
)
def test_check_11_each_type_of_target_has_its_flag(kind, target, typed, option):
    shown = as_typed(job_of(tgt=target, tgt_type=kind, fun="test.ping"))
    assert shown.replace("'%web'", "%web") == typed
    options, read, fun, args = read_back(shown)
    assert (read, fun, args) == (["web1", "web2"] if kind == "list" else target, "test.ping", [])
    assert option is None or getattr(options, option)


@pytest.mark.parametrize("kind", ["pillar_exact", "compound_pillar_exact", "\u202e"])
def test_a_type_of_target_without_a_flag_is_named(kind):
    assert as_typed(job_of(tgt="a:b", tgt_type=kind)).startswith("salt tgt_type=")
    assert "\u202e" not in as_typed(job_of(tgt="a:b", tgt_type=kind))


def test_a_nodegroup_is_shown_where_the_target_is_its_definition():
    from salt.utils.minions import nodegroup_comp

    nodegroups = {
        "front": "L@web1,web2 and G@os:Debian",
        "all": ["N@front", "or", "db*"],
        "wrong": {"a": "b"},
        "names": ["a", "b"],
    }
    for name in ("front", "all", "names"):
        published = " ".join(nodegroup_comp(name, nodegroups))
        assert as_typed(job_of(tgt=published, tgt_type="compound"), nodegroups) == f"salt -N {name} test.echo"
    assert as_typed(job_of(tgt="db*", tgt_type="compound"), nodegroups) == "salt -C 'db*' test.echo"


@pytest.mark.parametrize("value", ODD)
def test_odd_values_are_read_back(value):
    shown = typed_unmasked(job_of(value, marked(name=value)))
    *_, args = read_back(shown)
    assert APPROXIMATE not in shown
    assert is_same(args, [value, marked(name=value)])
    assert shown.isprintable()


TEXTS = st.text(max_size=20) | st.text(st.sampled_from("ab01 =:#,'\"\\[]{}&*!|>%@-_.~\n\t"), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.sampled_from(ODD) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | st.integers(), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.from_regex(r"\A[a-z_][a-z0-9_]{0,8}\Z")


@settings(deadline=None, max_examples=40)
@given(
    st.lists(VALUES, max_size=4),
    st.dictionaries(NAMES, VALUES, max_size=3),
)
def test_check_12_what_is_not_marked_is_read_back(args, named):
    arg = [*args, marked(**named)] if named else args
    shown = typed_unmasked(job_of(*arg))
    assert shown.isprintable()
    assume(APPROXIMATE not in shown and CUT not in shown)
    *_, read = read_back(shown)
    assert is_same(read, arg)


@settings(deadline=None, max_examples=400)
@given(VALUES)
def test_salt_makes_the_value_of_its_word(value):
    text, sure = command_line._word(value)
    assume(sure and len(text) <= LONGEST)
    assert is_same(salt.utils.args.parse_input([text]), [value])
    text, sure = command_line._word(value, "name")
    assume(sure and len(text) <= LONGEST)
    assert is_same(salt.utils.args.parse_input([text]), [marked(name=value)])


def test_few_texts_cannot_be_typed():
    chosen = random.Random(1)
    characters = [*map(chr, range(1, 128)), *map(chr, chosen.sample(range(128, 0x3000), 127))]
    texts = ["".join(chosen.choices(characters, k=chosen.randrange(12))) for _ in range(2000)]
    assert sum(not command_line._word(text)[1] for text in texts) <= 5


@pytest.mark.parametrize("value", ["\ud800", b"bytes", {("a",): 1}, 20261129150000000000, [b"x"]])
def test_what_nobody_can_type_is_marked(value):
    shown = as_typed(job_of(value))
    assert f" {APPROXIMATE}" in shown
    assert shown.isprintable()


def test_names_that_nobody_can_type_are_marked():
    assert as_typed(job_of(marked(**{"a b": "c"}))) == f"salt '*' test.echo {APPROXIMATE}'a b=c'"


@pytest.mark.parametrize(
    "args", [[["a"], [["b"], marked(k=1)], []], [[], [], []], [["a,b", ","], [",,"], ["-x", "--"]]]
)
def test_several_functions_have_their_arguments(args):
    job = job_of(*args, fun=["test.echo", "test.arg", "test.ping"])
    options, _, fun, read = read_back(as_typed(job))
    assert (fun, read) == (job["fun"], args)
    assert options.args_separator in (",", ",,,")


def test_usual_commands():
    assert as_typed(job_of("hello", marked(version="2.10-3", refresh=True), fun="pkg.install")) == (
        "salt '*' pkg.install hello version=2.10-3 refresh=True"
    )
    assert as_typed(job_of(["a"], ["b"], fun=["f.a", "f.b"])) == "salt '*' f.a,f.b a , b"
    assert as_typed(job_of("a\nb", fun="cmd.run")) == "salt '*' cmd.run $'a\\nb'"


def test_jobs_of_runners():
    data = {"jid": "1", "fun": "runner.state.orch", "fun_args": ["orch.web", {"test": True}], "user": "bob"}
    assert as_typed(data) == "salt-run state.orch orch.web test=True"
    stored = {"id": "master", "tgt": "master", "jid": "1", "return": {**data, "return": {}}}
    assert as_typed(stored) == as_typed(data)
    assert is_test(data)
    assert is_test(stored)
    _, _, fun, args = read_back(as_typed(data))
    assert (fun, salt.utils.args.parse_input(args)) == ("state.orch", ["orch.web", marked(test=True)])
    wheel = {"jid": "1", "fun": "wheel.key.accept", "fun_args": [{"match": "web1"}]}
    assert as_typed(wheel) == f"{APPROXIMATE} wheel key.accept match=web1"


def test_returns_without_a_job():
    called = {"id": "web1", "fun": "state.apply", "fun_args": ["0123", "a=b", "test=True", "-x"], "return": {}}
    assert as_typed(called) == "salt-call state.apply 0123 a=b test=True -- -x"
    assert read_back(as_typed(called))[2:] == ("state.apply", called["fun_args"])
    scheduled = {**called, "schedule": "nightly", "fun_args": ["0123", {"test": True}]}
    assert as_typed(scheduled) == "salt-call state.apply '\"0123\"' test=True"
    assert is_test(called)
    assert is_test(scheduled)
    assert as_typed({**called, "fun": "runner.state.orch"}).startswith("salt-call "), "minions run no runners"


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (job_of("web", marked(test=True)), True),
        (job_of("web", marked(test="true")), True),
        (job_of("web", "test=True"), True),
        (job_of("web", fun="state.test"), True),
        (job_of("web", marked(test=False)), False),
        (job_of("web", marked(test="False")), False),
        (job_of("web", {"test": True}), False),
        (job_of("web", marked(pillar={"test": True})), False),
        (job_of(["web", marked(test=True)], ["ls"], fun=["state.apply", "cmd.run"]), False),
        (job_of(["web", marked(test=True)], ["x", marked(test=True)], fun=["state.apply", "state.sls"]), True),
        ({}, False),
        (None, False),
    ],
)
def test_a_test_is_told(job, expected):
    assert is_test(job) is expected


@pytest.mark.parametrize(
    ("fun", "expected"),
    [
        ("saltutil.find_job", True), ("mine.update", True), ("saltutil.sync_all", True), ("status.master", True),
        ("saltutil.refresh_pillar", True), ("test.ping", True), ("runner.jobs.list_jobs", True),
        (["test.ping", "mine.update"], True), ("saltutil.kill_job", False), ("saltutil.runner", False),
        ("mine.updates", False), ("cmd.run", False), ("state.apply", False), (["test.ping", "cmd.run"], False),
        ([], False), (None, False), ([None], False), ("test.ping\n", False),
    ],
)  # fmt: skip
def test_what_salt_calls_by_itself_is_housekeeping(fun, expected):
    assert is_housekeeping(fun) is expected


def test_secrets_are_hidden_whatever_the_kind_of_job():
    line = "mysql -pHunter2!9"
    for job in (
        job_of(line, marked(env=[{"DB_PASSWORD": "Hunter2!9"}]), fun="cmd.run"),
        job_of([line], ["bob", "Hunter2!9"], fun=["cmd.run", "shadow.set_password"]),
        job_of(tgt="db:password:Hunter2!9", tgt_type="pillar"),
        {"jid": "1", "fun": "runner.salt.cmd", "fun_args": ["cmd.run", line, {"token": "Hunter2!9"}]},
        {"id": "web1", "fun": "cmd.run", "fun_args": [line, "password=Hunter2!9"], "return": ""},
    ):
        assert "Hunter2" not in as_typed(job)
        assert masking.HIDDEN in as_typed(job)
        assert as_typed(masking.masked(job)) == as_typed(job)


def test_patterns_of_the_site_are_used():
    site = masking.Masker.with_patterns(["corp-[0-9]{4}"])
    assert as_typed(job_of("corp-1234"), masked=site.masked) == f"salt '*' test.echo '{masking.HIDDEN}'"


def test_a_secret_at_the_cut_does_not_survive():
    for before in range(LONGEST - 60, LONGEST):
        shown = as_typed(job_of("x" * before + " mysql -pHunter2!9 shop", fun="cmd.run"))
        assert "Hunter" not in shown
        assert len(shown) <= LONGEST
        assert shown.endswith((CUT, "shop'"))


def test_long_commands_are_cut_and_marked():
    for args in (["ab " * 3000], ["a"] * 10**4, [["a" * 10] * 10**4], [marked(**{f"k{n}": "v" for n in range(10**4)})]):
        shown = as_typed(job_of(*args))
        assert len(shown) == LONGEST
        assert shown.endswith(CUT)
        assert shown.startswith("salt '*' test.echo ")


def test_a_job_for_many_minions_shows_what_it_does():
    minions = [f"web{number}.example" for number in range(100_000)]
    for target in (minions, ",".join(minions)):
        shown = as_typed(job_of("hello", tgt=target, tgt_type="list", fun="pkg.install"))
        assert shown.startswith("salt -L web0.example,web1.example,")
        assert shown.endswith(f",{CUT} pkg.install hello")
        assert len(shown) < 400


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.characters(categories=["Cs"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.none(), inner),
    max_leaves=12,
)
FIELDS = st.sampled_from(["tgt", "tgt_type", "fun", "arg", "fun_args", "return", "id", "jid", "schedule", "user"])


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(FIELDS, JUNK) | JUNK, st.none() | st.dictionaries(st.text(), JUNK) | JUNK)
def test_junk_does_not_make_it_fail(job, nodegroups):
    for masked in (masking.masked, lambda load: load):
        shown = as_typed(job, nodegroups, masked)
        assert len(shown) <= LONGEST
        assert shown.isprintable()
    assert is_test(job) in (True, False)
    assert is_housekeeping(job) in (True, False)


def test_deep_junk_does_not_make_it_fail():
    nested = []
    for _ in range(5000):
        nested = [nested]
    for job in (
        job_of(nested),
        job_of(tgt=nested),
        job_of(fun=nested),
        {"fun": "a.b", "return": nested, "fun_args": nested},
    ):
        assert len(as_typed(job)) <= LONGEST
    assert as_typed(job_of(10**5000)) == UNKNOWN
