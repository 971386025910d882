"""
The inventory: 60,000 packages, told by a minion for the first time and again unchanged, and searched in 50 catalogs.

The answer is unpacked, checked and stored as the engine does it, on a private server with default settings but for
fsync. Of the names, as of a distribution's, many begin alike.
"""

import base64
import hashlib
import secrets
import statistics
import time
import zlib

import psycopg
from approval_database import ApprovalDatabase
from psycopg.types.json import Jsonb
from report import Row

from saltext.approval.intake import catalogs

PACKAGES = 60_000
CATALOGS, CATALOGS_QUICK = 50, 5
MINIONS, MINIONS_QUICK = 100_000, 1_000
RUNS = 15
FIRST_LIMIT_S, AGAIN_LIMIT_S, SEARCH_LIMIT_MS = 10.0, 2.0, 50.0
KINDS = ("lib{}-dev", "lib{}", "python3-{}", "golang-{}", "node-{}", "{}-doc", "{}-common", "{}")
PATTERNS = ("lib", "python3-a", "zzz", "0a1", "common")
# The other catalogs have other versions of the same packages; minions are spread over all.
OTHERS = """
INSERT INTO approval.catalog
    (sources, system, release, is_complete, content, is_apart, collected_at, seen_at, agreed_at)
SELECT digest, 'Debian', '12', true, digest, false, now(), now(), now()
FROM (SELECT encode(sha256(n::text::bytea), 'hex') AS digest FROM generate_series(2, %s) AS n) AS d;
INSERT INTO approval.catalog_version (catalog_id, name_id, version, since)
SELECT c.catalog_id, v.name_id, v.version || '+' || c.catalog_id, now()
FROM approval.catalog AS c, approval.catalog_version AS v WHERE c.catalog_id > v.catalog_id;
SELECT approval.put_minions(ARRAY(SELECT 'm' || n FROM generate_series(1, %s) AS n));
INSERT INTO approval.catalog_member (minion_id, catalog_id, is_proven, seen_at)
SELECT 'm' || n, (SELECT min(catalog_id) FROM approval.catalog) + n %% %s, true, now()
FROM generate_series(1, %s) AS n;
ANALYZE approval.package_name, approval.catalog, approval.catalog_version, approval.catalog_member;
"""


def measure(directory, quick):
    """The rows catalog_sync, of the first time and unchanged, and catalog_search."""
    answer = _answer()
    count, minions = (CATALOGS_QUICK, MINIONS_QUICK) if quick else (CATALOGS, MINIONS)
    with (
        ApprovalDatabase(directory / "catalogs") as database,
        psycopg.connect(database.dsn_of(), autocommit=True) as connection,
    ):
        connection.execute("SELECT approval.put_minions('{first,second}')")
        first = _took(connection, "first", answer, "stored")
        # Another minion, which does not know what is known, tells all of it.
        again = statistics.median(_took(connection, "second", answer, "same") for _ in range(RUNS))
        _others(connection, count, minions)
        worst = max(
            statistics.median(_searched(connection, pattern, minion) for _ in range(RUNS))
            for pattern in PATTERNS
            for minion in (None, "m77")
        )
    for seconds, limit, what in ((first, FIRST_LIMIT_S, "the first time"), (again, AGAIN_LIMIT_S, "unchanged")):
        ratio = seconds / limit
        yield Row("catalog_sync", PACKAGES, seconds, "s", f"{what}: {limit:g} s", ratio, "<= 1", ratio <= 1)
    ratio = worst / SEARCH_LIMIT_MS
    against = f"{count} catalogs: {SEARCH_LIMIT_MS:g} ms"
    yield Row("catalog_search", PACKAGES, worst, "ms", against, ratio, "<= 1", ratio <= 1)


def fill(connection, count, minions):
    """Have a database know ``count`` such catalogs, and the minions m1, m2, ... spread over them."""
    connection.execute("SELECT approval.put_minions('{first}')")
    _took(connection, "first", _answer(), "stored")
    _others(connection, count, minions)


def _others(connection, count, minions):
    for statement in (OTHERS % (count, minions, count, minions)).split(";\n"):
        if statement.strip():
            connection.execute(statement)


def _answer():
    """What a minion returns."""
    names = [
        KINDS[number % len(KINDS)].format(hashlib.sha256(str(number).encode()).hexdigest()[:10])
        for number in range(PACKAGES)
    ]
    lines = "\n".join(sorted(f"{name} 1:{number % 40}.2-1" for number, name in enumerate(names))).encode()
    return {
        "format": 1,
        "system": "Debian",
        "release": "Debian 12 amd64",
        "complete": True,
        "sources": "a" * 64,
        "content": hashlib.sha256(lines).hexdigest(),
        "packages": base64.b64encode(zlib.compress(lines)).decode(),
    }


def _took(connection, minion, answer, outcome):
    nonce = secrets.token_hex(8)
    connection.execute("UPDATE approval.catalog_ask SET wanted_at = now()")
    connection.execute(
        "SELECT * FROM approval.take_catalogs(ARRAY[%s], '1 day', '1 second', 1000, '{}', %s, 'j')", (minion, nonce)
    )
    start = time.perf_counter()
    report = catalogs.report(answer)
    names, versions = catalogs.packages(answer)
    (came_to,) = connection.execute(
        "SELECT approval.put_catalog(%s, %s, 1, %s, %s, %s, '{}')", (minion, nonce, Jsonb(report), names, versions)
    ).fetchone()
    seconds = time.perf_counter() - start
    if came_to != outcome:
        raise AssertionError(f"the answer was {came_to}, not {outcome}")
    return seconds


def _searched(connection, pattern, minion):
    start = time.perf_counter()
    connection.execute("SELECT * FROM approval.search_packages(%s, %s, 50)", (pattern, minion)).fetchall()
    return (time.perf_counter() - start) * 1000
