"""What people see of the inventory: with the command, and with the runner."""

import json

import child
import pytest
import salt.exceptions
import salt.loader

CATALOG = """
WITH c AS (
    INSERT INTO approval.catalog
        (sources, system, release, is_complete, content, is_apart, collected_at, seen_at, agreed_at)
    VALUES (repeat('a', 64), 'Debian', 'Debian 12 amd64', true, repeat('b', 64), false, now(), now(), now())
    RETURNING catalog_id
), n AS (
    INSERT INTO approval.package_name (name, key)
    SELECT name, name FROM unnest('{hello,libhello-dev,vim}'::text[]) AS name RETURNING name_id, name
), v AS (
    INSERT INTO approval.catalog_version
    SELECT c.catalog_id, n.name_id, version, now() - interval '1 day', CASE version WHEN '0.9' THEN now() END
    FROM c, n, unnest('{1.0,0.9}'::text[]) AS version WHERE version = '1.0' OR n.name = 'hello'
)
INSERT INTO approval.catalog_member (minion_id, catalog_id, is_proven, seen_at)
SELECT minion_id, catalog_id, true, now() FROM c, unnest('{web1,web2}'::text[]) AS minion_id
"""
FACTS = """
SELECT approval.note_facts(
    '{web1}', '{Debian}', '{Debian}', '{amd64}', '{Linux}', '{12}', '{3008.1}', '{2026-05-02 10:00Z}')
"""


@pytest.fixture
def run(approved, dsn_file):
    """A function that runs salt-approval as alice; gives (exit code, output)."""
    approved.execute(CATALOG)
    approved.execute(FACTS)

    def command(*arguments):
        words = ["salt-approval", "--dsn-file", dsn_file("alice"), "--utc", *arguments]
        result = child.run(child.program("salt-approval"), words)
        return result.returncode, result.stdout + result.stderr

    return command


def test_packages_are_found(run):
    code, text = run("packages", "hello")
    assert code == 0
    assert [line.split() for line in text.splitlines()] == [
        ["PACKAGE", "VERSIONS", "GONE", "MINIONS"],
        ["hello", "1.0", "0.9", "2"],
        ["libhello-dev", "1.0", "-", "2"],
    ]
    assert run("packages", "nothing") == (1, "no packages\n")
    assert run("packages", "vim", "--minion", "web1")[0] == 0
    code, text = run("packages", "vim", "--minion", "we%")
    assert (code, "nobody knows which packages minion we% could get" in text) == (1, True)
    assert [row["name"] for row in json.loads(run("packages", "hello", "--limit", "1", "--json")[1])] == ["hello"]


def test_a_minion_is_shown(run):
    assert run("minion", "show", "web1") == (
        0,
        "web1\n"
        "    system: Debian 12 amd64\n"
        "    Salt: 3008.1\n"
        "    last seen: 2026-05-02 10:00:00 UTC\n"
        "    packages: 3 from the repositories that 2 minions have, seen "
        + json.loads(run("minion", "show", "web1", "--json")[1])["catalog"]["seen_at"][:19].replace("T", " ")
        + " UTC; what they lack is refused\n",
    )
    assert "packages: not known yet" in run("minion", "show", "we%")[1]
    assert run("minion", "show", "nobody")[0] == 1


def test_minions_are_asked_now(run, approved):
    code, text = run("minion", "sync", "web1", "--wait", "0")
    assert (code, text) == (3, "0 of 1 answered\n")
    assert approved.execute("SELECT minion_id FROM approval.catalog_ask WHERE wanted_at IS NOT NULL") == [("web1",)]
    assert "wait is a number of seconds" in run("minion", "sync", "--wait", "long")[1]
    assert "unknown minion: 'nobody'" in run("minion", "sync", "nobody")[1]


def test_a_request_is_refused_with_a_suggestion_or_noted(run, approved):
    words = ("request", "package", "--minion", "web1", "--reason", "x", "--package")
    code, text = run(*words, "helo=1.0")
    assert (code, "on web1 there is no package helo (did you mean hello?)" in text) == (1, True)
    approved.execute("UPDATE approval.catalog SET agreed_at = NULL")
    code, text = run(*words, "helo=1.0", "--dry-run")
    assert (code, "note: on web1 there is no package helo (did you mean hello?)" in text) == (0, True)


def test_the_runner_has_the_same(run, master_opts):
    functions = salt.loader.runner(master_opts())

    def call(function, *args, **kwargs):
        functions[f"approval.{function}"].__globals__["__user__"] = "alice"
        return functions[f"approval.{function}"](*args, **kwargs)

    assert [row["name"] for row in call("packages", "hello", minion="web1")] == ["hello", "libhello-dev"]
    assert call("show_minion", "web1")["os_release"] == "12"
    assert call("sync_packages", "web1", wait=0) == {"wanted": 1, "minions": 1, "answered": 0, "refused": 0}
    assert call("sync_packages", "web1", wait=0, text=True) == "0 of 1 answered"
    with pytest.raises(salt.exceptions.NotImplemented, match="a part of the name"):
        call("packages")
