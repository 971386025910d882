"""A master's configuration is read in one place, and wrong settings are named."""

import ast
import pathlib
import re

import pytest

from saltext.approval.errors import ConfigError
from saltext.approval.settings import PARTS, Metrics, Settings

ROOT = pathlib.Path(__file__).resolve().parents[3]
READERS = ("approval", "ext_pillar", "returners", "runners", "engines")


def reads(path):
    """The lines of a file that read the section ``approval`` of a configuration."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Subscript):
            where, keys = node.value, [node.slice]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            where, keys = node.func.value, node.args[:1]
        else:
            continue
        key = [key.value for key in keys if isinstance(key, ast.Constant)]
        if key == ["approval"] and ast.unparse(where).endswith(("opts", "opts__")):
            yield f"{path.relative_to(ROOT)}:{node.lineno}"


def test_nobody_else_reads_the_configuration():
    found = [line for folder in READERS for path in sorted((ROOT / folder).rglob("*.py")) for line in reads(path)]
    assert [line.partition(":")[0] for line in found] == ["approval/settings.py"]


def test_the_part_that_listens():
    engine, itsm = {"dsn_file": "/engine.dsn"}, {"dsn_file": "/itsm.dsn"}
    for ours, part in (
        ({}, "engine"),
        ({"engine": engine}, "engine"),
        ({"engine": engine, "itsm": itsm}, "engine"),
        ({"itsm": itsm}, "itsm"),
        ({"engine": {"workers": {"tickets": {"looks": 5}}}, "itsm": itsm}, "itsm"),
        ({"engine": "text", "itsm": itsm}, "itsm"),
    ):
        settings = Settings.from_master({"approval": ours})
        assert settings.main_part == part
        with pytest.raises(ConfigError, match=f"approval:{part}"):
            settings.listen_connection()


def test_a_host_that_chats_needs_no_other_login():
    chat = {"dsn_file": "/x", "channels": {"ops": {}}}
    assert Settings({"approval": {"chat": chat}}).main_part == "chat"
    assert Settings({"approval": {"chat": chat, "itsm": {"dsn_file": "/x"}}}).main_part == "itsm"
    assert Settings({"approval": {"chat": chat, "engine": {"dsn_file": "/x"}}}).main_part == "engine"
    assert Settings({"approval": {"chat": chat, "portal": {"dsn_file": "/x"}}}).main_part == "chat"
    assert Settings({"approval": {"chat": chat}}).chat_channels() == {"ops": {}}
    for wrong in ({}, {"channels": []}, {"channels": {}}):
        with pytest.raises(ConfigError, match="approval:chat:channels must be a mapping"):
            Settings({"approval": {"chat": wrong}}).chat_channels()


def test_a_part_that_is_not_configured():
    settings = Settings.from_master({})
    for name, part in PARTS.items():
        assert settings.section(name) is None
        with pytest.raises(ConfigError, match=f"{part.where} is not configured: set dsn_file: /etc/salt/approval/"):
            settings.connection(name)


def test_the_parts_have_logins_of_their_own():
    for column in ("where", "role", "login", "dsn_file"):
        assert len({getattr(part, column) for part in PARTS.values()}) == len(PARTS)


def test_own_settings_are_known_and_others_are_not():
    for name, part in PARTS.items():
        given = {"dsn": "host=/x", **dict.fromkeys(part.own)}
        opts = {"ext_pillar": [{"approval": given}]} if name == "pillar" else {"approval": {name: given}}
        settings = Settings.from_master(opts)
        assert settings.connection(name).conninfo == "host=/x"
        given["dsn_flie"] = "/x"
        with pytest.raises(ConfigError, match=f"{part.where}: unknown setting 'dsn_flie'"):
            settings.connection(name)


@pytest.mark.parametrize("wrong", ["dsn_file: /x", ["runner"], 7])
def test_a_section_that_is_no_mapping(wrong):
    with pytest.raises(ConfigError, match="approval must be a mapping of returner, runner, engine"):
        Settings.from_master({"approval": wrong}).connection("runner")
    with pytest.raises(ConfigError, match="approval:runner must be a mapping of settings"):
        Settings.from_master({"approval": {"runner": wrong}}).connection("runner")


def test_the_settings_of_workers():
    settings = Settings.from_master(
        {"approval": {"engine": {"workers": {"drift": {"hours": 1}, "seal": False, "due": 3}}}}
    )
    assert settings.worker("drift") == {"hours": 1}
    assert settings.worker("snapshot") == {}
    assert settings.worker("seal") is None
    with pytest.raises(ConfigError, match="approval:engine:workers:due must be a mapping of settings, or false"):
        settings.worker("due")
    with pytest.raises(ConfigError, match="approval:engine:workers must be a mapping"):
        Settings.from_master({"approval": {"engine": {"workers": ["seal"]}}}).worker("seal")


def metrics_of(given):
    return Settings.from_master({"approval": {"engine": {"dsn": "host=/x", "metrics": given}}}).metrics()


def test_the_places_of_metrics():
    assert Settings.from_master({}).metrics() is None
    assert metrics_of(None) is None
    assert metrics_of({"port": 9810}) == Metrics(address=("127.0.0.1", 9810))
    assert metrics_of({"address": "[::1]:9810"}) == Metrics(address=("::1", 9810))
    assert metrics_of({"address": "host.example:1", "socket": "/run/x", "textfile": "/x.prom"}) == Metrics(
        ("host.example", 1), "/run/x", "/x.prom"
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (9810, "must be a mapping with at least one of port, address, socket, textfile"),
        ({}, "must be a mapping with at least one of"),
        ({"prot": 1}, "there is no setting 'prot' [(]known: port, address, socket, textfile[)]"),
        ({"port": 1, "address": "::1:2"}, "port and address exclude each other"),
        *[({"port": port}, "port must be a whole number, 1 to 65535") for port in (0, 65536, True, "9810", None, 1.5)],
        *[
            ({"address": address}, "address must be host:port, as in")
            for address in (":9810", "host", "host:", "::1:9810", "host:0", "host:65536", "host:x", "a b:1", 9810, None)
        ],
        *[
            ({name: path}, f"{name} must be the full path of a file")
            for name in ("socket", "textfile")
            for path in ("x.prom", "", 7, None)
        ],
        ({"socket": "/" + "x" * 107}, "the path of a socket can have 107 bytes"),
        ({"textfile": "/x.txt"}, "the name of textfile must end in .prom"),
    ],
)
def test_wrong_places_of_metrics(given, said):
    with pytest.raises(ConfigError, match=f"^approval:engine:metrics:? {said}"):
        metrics_of(given)


def test_what_minions_are_told():
    assert Settings.from_master({}).state_arguments() == {}
    assert Settings.from_master({"ext_pillar": [{"approval": {"key": "wanted"}}]}).state_arguments() == {
        "pillar_key": "wanted"
    }


def test_the_file_of_a_service_stands_alone(tmp_path):
    path = tmp_path / "service.yaml"
    with pytest.raises(ConfigError, match=r"there is no file .*: name the settings of the service with --config"):
        Settings.from_service_file(path)
    (tmp_path / "master.d").mkdir()
    (tmp_path / "master.d" / "x.conf").write_text("cachedir: /elsewhere\n")
    path.write_text("approval: {engine: {dsn: host=/x, workers: {due: false}}}\n")
    settings = Settings.from_service_file(path)
    assert (settings.cachedir, settings.worker("due")) == ("/var/cache/salt-approval", None)
    path.write_text("cachedir: /var/lib/x\n")
    assert Settings.from_service_file(path).cachedir == "/var/lib/x"
    for text in ("[1]", "a: [", "text"):
        path.write_text(text)
        with pytest.raises(ConfigError, match=re.escape(str(path))):
            Settings.from_service_file(path)


def test_the_patterns_of_the_masking():
    assert Settings.from_master({}).masking_patterns() == ()
    settings = Settings.from_master({"approval": {"masking": {"patterns": ["a", "b"]}}})
    assert settings.masking_patterns() == ("a", "b")


@pytest.mark.parametrize("section", [["a"], {"pattern": ["a"]}, {"patterns": "a"}, {"patterns": [7]}])
def test_patterns_of_the_wrong_kind_are_named(section):
    with pytest.raises(ConfigError, match="approval:masking"):
        Settings.from_master({"approval": {"masking": section}}).masking_patterns()


def test_how_long_the_job_log_is_kept():
    assert Settings.from_master({}).keep_log_days() is None
    assert Settings.from_master({"approval": {"job_log": {"keep_days": 30}}}).keep_log_days() == 30


@pytest.mark.parametrize(
    "section", ["30", {"days": 30}, {"keep_days": "30"}, {"keep_days": True}, {"keep_days": 0}, {"keep_days": 1e9}]
)
def test_a_time_that_none_can_be_kept_is_refused(section):
    with pytest.raises(ConfigError, match="approval:job_log"):
        Settings.from_master({"approval": {"job_log": section}}).keep_log_days()
