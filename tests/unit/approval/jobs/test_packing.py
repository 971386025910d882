import datetime
import math

import pytest

from saltext.approval.jobs import packing


@pytest.mark.parametrize(
    "name",
    ["password", "db_password", "adminPassword", "passwd", "token", "api_key", "api-key", "private_key",
     "secret", "client_secret", "auth", "pass", "smtp.pass", "credentials", "passphrase"],
)  # fmt: skip
def test_secrets_are_found_by_the_name_of_the_argument(name):
    load = {
        "fun": "x.y",
        "arg": ["plain", {"__kwarg__": True, name: "hunter2"}, f"{name}=hunter2"],
        "kwargs": {"deep": [{name: "hunter2"}]},
    }
    masked = packing.masked(load)
    assert "hunter2" not in repr(masked)
    assert masked["arg"][0] == "plain"
    assert load["arg"][1][name] == "hunter2", "the load itself belongs to Salt and stays"


@pytest.mark.parametrize(
    ("name", "value"),
    [("name", "hello"), ("passed", "3"), ("bypass", "x"), ("author", "me"), ("version", "1")],
)
def test_other_arguments_stay(name, value):
    load = {"fun": "pkg.install", "arg": [{"__kwarg__": True, name: value}, f"{name}={value}"]}
    assert packing.masked(load) == load


def test_passwords_in_urls_are_hidden():
    masked = packing.masked({"fun": "git.clone", "arg": ["https://me:hunter2@host/x", "https://host/a@b"]})
    assert masked["arg"] == [f"https://me:{packing.HIDDEN}@host/x", "https://host/a@b"]


def test_a_function_named_after_a_secret_hides_all_but_its_first_argument():
    masked = packing.masked({"fun": "shadow.set_password", "fun_args": ["root", "$6$hunter2", {"pw": "hunter2x"}]})
    assert masked["fun_args"][0] == "root"
    assert "$6$" not in repr(masked)


def test_the_arguments_of_a_runner_are_in_its_return():
    load = {"jid": "1", "return": {"jid": "1", "fun": "runner.x.y", "fun_args": [{"token": "hunter2"}]}}
    assert "hunter2" not in repr(packing.masked(load))


@pytest.mark.parametrize("load", [{"arg": None}, {"arg": 7, "fun": 3}, {"fun": ["a", "b"], "arg": "x"}, {}, "text"])
def test_odd_loads_are_left_as_they_are(load):
    assert packing.masked(load) == load


def test_arguments_nested_without_end_are_cut():
    nested = []
    for _ in range(5000):
        nested = [nested]
    masked = packing.masked({"fun_args": nested, "return": {"jid": "1", "fun_args": nested}})
    assert packing.HIDDEN in repr(masked)


def test_only_what_describes_the_job_is_kept():
    load = {
        "fun": "test.ping", "arg": [], "jid": "20261122150000000000", "tgt": "*", "tgt_type": "glob",
        "user": "root", "kwargs": {}, "key": "the master's root key", "token": "t", "return": True,
        "eauth": "pam",
    }  # fmt: skip
    assert set(packing.published(load)) == {"fun", "arg", "jid", "tgt", "tgt_type", "user", "kwargs"}


def test_fields_of_a_wrong_type_are_dropped():
    load = {"fun": {}, "arg": 7, "jid": 1, "tgt": None, "tgt_type": [], "user": b"x", "kwargs": []}
    assert packing.published(load) == {}


def test_what_is_packed_comes_back_unchanged():
    data = {
        "text": "Zürich \0 \x1b", "bytes": b"\xff\x00", "big": 2**63, "float": 0.1, "none": None,
        "list": [True, {}],
        "date": datetime.datetime(2026, 11, 22, 15, 0, 0, 5),
    }  # fmt: skip
    assert packing.unpack(packing.pack(data)) == data
    assert math.isnan(packing.unpack(packing.pack(math.nan)))


def test_fields_become_text_that_the_database_can_hold():
    assert packing.as_text("web*") == "web*"
    assert packing.as_text(["a", "b"]) == "a,b"
    assert packing.as_text("a\0b\ud800") == "a\ufffdb?"
    assert packing.as_text(None) == ""
    assert packing.as_text({"a": 1}) == ""
