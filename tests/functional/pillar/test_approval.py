"""The pillar as a master compiles it: Salt's loader, Salt's Pillar class, the installed package."""

import json
import sys

import pytest
import salt.loader
import salt.pillar

from saltext.approval import _core

ASKED = {"hello": "2.10-3", "sl": "absent", "vim": "latest"}
PACKAGES = {**ASKED, "sl": None}


@pytest.fixture
def pillar_of(approved, master_opts):
    """A function that gives what Salt's loader makes of ext_pillar for a minion."""

    def compile_one(minion, **settings):
        opts = master_opts()
        functions = salt.loader.pillars({**opts, "minion_id": minion}, {})
        arguments = {**opts["ext_pillar"][0]["approval"], **settings}
        return functions["approval"](minion, {}, **{name: value for name, value in arguments.items() if value})

    return compile_one


@pytest.fixture
def compiled(master_opts, approved):
    """A function that gives a minion's whole pillar."""

    def compile_all(minion, **changes):
        opts = master_opts(**changes)
        return salt.pillar.Pillar(opts, {"os": "Debian"}, minion, "base").compile_pillar()

    return compile_all


def test_what_was_approved_is_in_the_pillar(pillar_of, approve, database):
    approve(["web1"], ASKED)
    ((revision, digest, key),) = database.execute(
        "SELECT revision, digest, encode(evidence_key, 'hex') FROM approval.exported_document WHERE minion_id = 'web1'",
        login="exporter",
    )
    pillar = pillar_of("web1")["approval"]
    assert pillar.pop("as_of").endswith("Z")
    assert pillar == {
        "revision": revision,
        "digest": digest,
        "evidence_key": key,
        "minion": "web1",
        "source": "database",
        "packages": PACKAGES,
        "services": {},
        "values": {},
    }


def test_the_digest_is_over_the_content(pillar_of, approve):
    approve(["web1"], ASKED)
    pillar = pillar_of("web1")["approval"]
    types = {None: "absent", "latest": "latest"}
    items = [("package", name, types.get(value, "version"), value) for name, value in PACKAGES.items()]
    assert _core.digest("web1", pillar["revision"], items) == pillar["digest"]


def test_an_unknown_minion_has_a_marker_and_nothing_else(pillar_of):
    pillar = pillar_of("never-seen")["approval"]
    assert (pillar["revision"], pillar["packages"]) == (0, {})
    assert pillar["digest"] == _core.digest("never-seen", 0, [])
    assert "evidence_key" not in pillar


def test_the_pillar_of_a_minion_named_like_a_pattern_is_empty_of_others(pillar_of, approve, odd_minions):
    approve(["web1", "web2"], ASKED)
    for minion in odd_minions:
        assert pillar_of(minion)["approval"]["packages"] == {}, minion


def test_odd_minion_ids_get_their_own(pillar_of, approve, odd_minions):
    for count, minion in enumerate(odd_minions):
        approve([minion], {"only-here": str(count)})
    for count, minion in enumerate(odd_minions):
        assert pillar_of(minion)["approval"]["packages"] == {"only-here": str(count)}, minion
    for other in ("web1", "web2", "never-seen"):
        assert pillar_of(other)["approval"]["packages"] == {}


def test_a_later_approval_is_there_at_once(pillar_of, approve):
    approve(["web1"], {"hello": "1"})
    before = pillar_of("web1")["approval"]
    approve(["web1"], {"hello": "2"})
    after = pillar_of("web1")["approval"]
    assert after["packages"] == {"hello": "2"}
    assert after["revision"] > before["revision"]


def test_the_key_is_configurable(pillar_of):
    assert list(pillar_of("web1", key="approved_state")) == ["approved_state"]


def test_the_whole_pillar_is_compiled_and_plain_data(compiled, approve):
    approve(["web1"], ASKED)
    pillar = compiled("web1")
    assert "_errors" not in pillar
    assert json.loads(json.dumps(pillar["approval"]))["packages"] == PACKAGES
    assert compiled("%")["approval"]["packages"] == {}


class TestFailsClosed:
    """Salt must learn of any fault (`_errors`), upon which it refuses state runs."""

    def errors(self, compiled, **changes):
        pillar = compiled("web1", **changes)
        assert "approval" not in pillar
        (error,) = pillar["_errors"]
        assert error.startswith("Failed to load ext_pillar approval: ")
        return error

    def test_with_the_database_away(self, compiled, tmp_path):
        dsn = f"host={tmp_path} user=exporter password=hunter2 dbname=secret-name"
        error = self.errors(compiled, ext_pillar=[{"approval": {"dsn": dsn}}])
        for secret in ("hunter2", "secret-name", str(tmp_path), "exporter"):
            assert secret not in error, "the text reaches minions"

    def test_with_a_wrong_password(self, compiled, database):
        dsn = database.dsn("exporter").replace("password=", "password=hunter2")
        error = self.errors(compiled, ext_pillar=[{"approval": {"dsn": dsn}}])
        assert "hunter2" not in error
        assert database.dsn("exporter") not in error

    def test_with_a_connection_string_that_is_none(self, compiled):
        error = self.errors(compiled, ext_pillar=[{"approval": {"dsn": "host=x hunter2"}}])
        assert "hunter2" not in error

    def test_with_a_login_that_may_not_read(self, compiled, settings_of):
        self.errors(compiled, ext_pillar=[{"approval": settings_of("auditor")}])

    def test_with_wrong_settings(self, compiled):
        assert "unknown setting 'dns_file'" in self.errors(compiled, ext_pillar=[{"approval": {"dns_file": "/x"}}])
        assert "named settings" in self.errors(compiled, ext_pillar=[{"approval": "/etc/salt/approval.dsn"}])
        assert "set exactly one of" in self.errors(compiled, ext_pillar=[{"approval": {}}])
        assert "key must be" in self.errors(compiled, ext_pillar=[{"approval": {"dsn": "x", "key": 7}}])

    def test_without_the_c_core(self, compiled, monkeypatch):
        monkeypatch.setitem(sys.modules, "saltext.approval._core", None)
        monkeypatch.delattr("saltext.approval._core")
        self.errors(compiled)
