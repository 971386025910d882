"""Sessions on the web where two do something at once."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

BEGIN = "SELECT approval.begin_session('web', 'bob', %s, 'c', '192.0.2.7', 'infinity', '{}')"
TOKEN = b"t" * 32
BOUND_S = 60
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"


@pytest.fixture
def known(approved):
    """The database where bob is known on the web, and the login of the pages may act for him."""
    approved.execute("SELECT approval.put_identity('web', 'bob', 'bob')")
    approved.execute("SELECT approval.put_speaker('portal', 'web', 'authenticated')")
    return approved


def wait_for_lock(database):
    """Return once somebody in the database waits for a lock."""
    deadline = time.monotonic() + BOUND_S
    while not database.execute(WAITING, (database.name,)):
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.05)


def test_who_is_disabled_while_they_sign_in_has_no_session(known):
    with known.connect("portal") as conn, ThreadPoolExecutor(1) as pool:
        with conn.transaction():
            conn.execute(BEGIN, (TOKEN,))
            disabling = pool.submit(known.execute, "SELECT approval.disable_principal('bob')")
            wait_for_lock(known)
        assert disabling.result(BOUND_S) == [(True,)]
    known.execute("SELECT approval.put_principal('bob', 'person')")
    assert known.execute("SELECT count(*) FROM approval.web_session") == [(0,)]


def test_who_signs_in_while_they_are_disabled_has_no_session(known):
    with known.connect() as conn, ThreadPoolExecutor(1) as pool:
        with conn.transaction():
            conn.execute("SELECT approval.disable_principal('bob')")
            beginning = pool.submit(known.execute, BEGIN, (TOKEN,), login="portal")
            wait_for_lock(known)
        with pytest.raises(psycopg.DatabaseError, match="bob was disabled") as refused:
            beginning.result(BOUND_S)
        assert refused.value.sqlstate == "AP001"


def test_the_same_decision_twice_at_once_is_one(known, client):
    number = client("alice").request("package", ["web1"], {"hello": "1"}, "a test")["request"]
    ((digest,),) = known.execute("SELECT digest FROM approval.item_set")
    known.execute(BEGIN, (TOKEN,), login="portal")
    decide = "SELECT approval.decide_by_session(%s, %s, 'approve', '', %s, 1)"
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(known.execute, decide, (TOKEN, number, digest), login="portal") for _ in range(8)]
        assert {one.result(BOUND_S)[0][0] for one in answers} == {"pending"}
    assert known.execute("SELECT count(*) FROM approval.decision") == [(1,)]


def test_attempts_at_once_are_all_counted(known):
    count = "SELECT approval.count_attempt('web', 'bob', '192.0.2.7') IS NULL"
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(known.execute, count, login="portal") for _ in range(16)]
        assert sum(one.result(BOUND_S)[0][0] for one in answers) == 5


MAKE = "SELECT approval.make_api_token(%s, %s, 'a program', '{read}', 30)"
NEW = b"sap_" + b"0" * 49


def test_who_is_disabled_while_they_make_a_token_has_none(known):
    known.execute(BEGIN, (TOKEN,), login="portal")
    with known.connect("portal") as conn, ThreadPoolExecutor(1) as pool:
        with conn.transaction():
            conn.execute(MAKE, (TOKEN, NEW))
            disabling = pool.submit(known.execute, "SELECT approval.disable_principal('bob')")
            wait_for_lock(known)
        assert disabling.result(BOUND_S) == [(True,)]
    assert known.execute("SELECT count(*) FROM approval.api_token") == [(0,)]


def test_who_makes_a_token_while_they_are_disabled_has_none(known):
    known.execute(BEGIN, (TOKEN,), login="portal")
    with known.connect() as conn, ThreadPoolExecutor(1) as pool:
        with conn.transaction():
            conn.execute("SELECT approval.disable_principal('bob')")
            making = pool.submit(known.execute, MAKE, (TOKEN, NEW), login="portal")
            wait_for_lock(known)
        with pytest.raises(psycopg.DatabaseError) as refused:
            making.result(BOUND_S)
        assert refused.value.sqlstate == "AP001"
    assert known.execute("SELECT count(*) FROM approval.api_token") == [(0,)]
