import os

import pytest

from saltext.approval import config
from saltext.approval.errors import ConfigError

DSN = "host=db user=salt password=hunter2"


@pytest.fixture
def dsn_file(tmp_path):
    def write(content=DSN, mode=0o600):
        path = tmp_path / "some.dsn"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return str(path)

    return write


def refused(settings, **options):
    with pytest.raises(ConfigError) as raised:
        config.connection(settings, "approval:runner", **options)
    text = str(raised.value)
    assert "hunter2" not in text
    return text


def test_the_three_ways_to_name_the_database(dsn_file):
    assert config.connection({"dsn": f" {DSN}\n"}, "x").conninfo == DSN
    assert config.connection({"dsn_file": dsn_file(DSN + "\n")}, "x").conninfo == DSN
    assert config.connection({"service": "o'hara\\x"}, "x").conninfo == r"service='o\'hara\\x'"


def test_options_reach_the_core_as_given():
    settings = {"dsn": DSN, "connect_timeout_ms": 100, "timeout_ms": 250, "prepare": False}
    options = config.connection(settings, "x").options
    assert options == {"connect_timeout_ms": 100, "timeout_ms": 250, "prepare": False}
    assert config.connection({"dsn": DSN}, "x").options == {}


def test_its_repr_shows_no_secret():
    assert "hunter2" not in repr(config.connection({"dsn": DSN}, "x"))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ("/etc/salt/approval.dsn", "approval:runner must be a mapping"),
        (None, "approval:runner must be a mapping"),
        ({}, "set now: none"),
        ({"dsn": DSN, "service": "x"}, "set now: dsn and service"),
        ({"dsn": ""}, "dsn must be a non-empty text"),
        ({"dsn": 7}, "dsn must be a non-empty text"),
        ({"dns_file": "/x"}, "unknown setting 'dns_file'"),
        ({"dsn": DSN, "timeout_ms": "5"}, "timeout_ms must be a whole number"),
        ({"dsn": DSN, "timeout_ms": True}, "timeout_ms must be a whole number"),
        ({"dsn": DSN, "timeout_ms": 0}, "timeout_ms must be a whole number"),
        ({"dsn": DSN, "connect_timeout_ms": 10**9}, "connect_timeout_ms must be a whole number"),
        ({"dsn": DSN, "prepare": 1}, "prepare must be true or false"),
        ({"dsn_file": "/nowhere/some.dsn"}, "/nowhere/some.dsn cannot be read: No such file"),
        ({"dsn_file": "/"}, "dsn_file / is not a regular file"),
        ({"dsn_file": "/dev/null"}, "/dev/null is not a regular file"),
    ],
)
def test_a_wrong_setting_is_named(settings, named):
    assert named in refused(settings)


def test_settings_left_to_the_caller_are_allowed():
    assert config.connection({"dsn": DSN, "provider": "ldap"}, "x", also=("provider",)).conninfo == DSN
    assert "unknown setting 'provider'" in refused({"dsn": DSN, "provider": "ldap"})


@pytest.mark.parametrize("content", ["", " \n", b"\xff\xfe", "a\0b", "x" * 70_000])
def test_a_file_without_one_connection_string_is_refused(dsn_file, content):
    assert "some.dsn" in refused({"dsn_file": dsn_file(content)})


def test_a_changed_file_counts_at_once(dsn_file):
    path = dsn_file("host=a")
    assert config.connection({"dsn_file": path}, "x").conninfo == "host=a"
    with open(path, "w", encoding="utf-8") as file:
        file.write("host=b")
    os.utime(path, (1, 1))  # the clock of file systems is coarse, and a test quicker
    assert config.connection({"dsn_file": path}, "x").conninfo == "host=b"
    os.chmod(path, 0o644)
    assert "has mode 0644" in refused({"dsn_file": path})


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o601, 0o620, 0o660, 0o777])
def test_a_file_open_to_others_is_refused(dsn_file, mode):
    assert f"has mode {mode:04o}" in refused({"dsn_file": dsn_file(mode=mode)})


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other accounts")
def test_who_may_own_the_file(dsn_file):
    path = dsn_file(mode=0o640)
    assert config.connection({"dsn_file": path}, "x").conninfo == DSN
    assert config.connection({"dsn_file": path}, "x", uid=4711).conninfo == DSN
    os.chown(path, 4711, 0)
    assert "must belong to root or to uid 0" in refused({"dsn_file": path})
    assert "chmod 600" in refused({"dsn_file": path}, uid=4711)
    os.chmod(path, 0o600)
    assert config.connection({"dsn_file": path}, "x", uid=4711).conninfo == DSN
