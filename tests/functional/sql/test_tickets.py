"""Tickets in sessions of their own, as many as come at once: each asks once, and each of its entries decides once."""

import concurrent.futures
import json

import psycopg
import pytest

AT_ONCE = 8


@pytest.fixture
def site(approved):
    """Lets the login itsm speak for the site jira-acme, which knows alice, bob and carol."""
    approved.execute("SELECT approval.put_speaker('itsm', 'jira-acme', 'authenticated')")
    approved.execute(
        "SELECT approval.put_identity('jira-acme', name, name) FROM unnest(ARRAY['alice', 'bob', 'carol']) AS name"
    )
    return approved


def at_once(database, query, parameters):
    """Run a statement in so many sessions of the site's login at once; gives the rows of all, or the error of each."""

    def one(number):
        try:
            return database.execute(query, parameters(number), login="itsm")[0]
        except psycopg.Error as exc:
            return exc.sqlstate

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def ask(database, ticket, digest="d1", version="1.0"):
    ((number, generation, outcome),) = database.execute(*asking(ticket, digest, version), login="itsm")
    return number, generation, outcome


def asking(ticket, digest="d1", version="1.0"):
    return (
        "SELECT * FROM approval.ask_by_ticket('jira-acme', 'alice', NULL, %s, 'package', 'x', '{web1}', '{package}', "
        "'{hello}', %s, NULL, '{}')",
        (json.dumps({"id": ticket, "key": f"SC-{ticket}", "digest": digest}), [version]),
    )


def decide(number, entry, subject="bob"):
    proof = json.dumps({"key": entry, "at": "2100-01-01T00:00:00Z"})
    return (
        "SELECT approval.decide_by_ticket('jira-acme', %s, %s, 'approve', '', 'd1', %s, 'authenticated')",
        (subject, number, proof),
    )


def test_one_delivery_that_comes_several_times_at_once_is_kept_and_worked_off_once(site):
    query = "SELECT approval.receive_delivery('jira-acme', 'k', '10001', '{}')"
    assert sorted(at_once(site, query, lambda number: None)) == [("known",)] * (AT_ONCE - 1) + [("new",)]
    claimed = at_once(
        site,
        "SELECT count(*) FROM approval.claim_deliveries('jira-acme', 5, '1 minute')",
        lambda number: None,
    )
    assert sorted(claimed) == [(0,)] * (AT_ONCE - 1) + [(1,)]


def test_deliveries_of_one_ticket_are_worked_off_one_at_a_time_and_in_their_order(site):
    for number in range(20):
        site.execute(
            "SELECT approval.receive_delivery('jira-acme', %s, '10001', '{}')", (f"k{number:02}",), login="itsm"
        )
    done = []

    def work(_number):
        while len(done) < 20:
            rows = site.execute("SELECT key FROM approval.claim_deliveries('jira-acme', 5, '1 minute')", login="itsm")
            assert len(rows) <= 1
            for (key,) in rows:
                done.append(key)
                site.execute(
                    "SELECT approval.settle_delivery('jira-acme', %s, 'done', NULL, NULL)", (key,), login="itsm"
                )

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert done == [f"k{number:02}" for number in range(20)]


def test_a_ticket_that_is_read_several_times_at_once_is_one_request(site):
    query, given = asking("10001")
    rows = at_once(site, query, lambda number: given)
    assert len({row[0] for row in rows}) == 1
    assert sorted(row[2] for row in rows) == ["new"] + ["same"] * (AT_ONCE - 1)
    assert site.execute("SELECT external_ref FROM approval.request") == [("10001#1",)]


def test_an_entry_that_is_read_several_times_at_once_decides_once(site):
    number, _, _ = ask(site, "10001")
    site.execute("SELECT approval.bind_ticket('jira-acme', '10001', 1, now())", login="itsm")
    query, given = decide(number, "h1")
    assert at_once(site, query, lambda number: given) == [("pending",)] * AT_ONCE
    assert site.execute("SELECT count(*) FROM approval.decision") == [(1,)]


def test_a_decision_beside_an_amendment_counts_for_what_it_was_made_on_or_not_at_all(site):
    for turn in range(6):
        ticket = str(20000 + turn)
        number, _, _ = ask(site, ticket)
        site.execute("SELECT approval.bind_ticket('jira-acme', %s, 1, now())", (ticket,), login="itsm")
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            voting = pool.submit(site.execute, *decide(number, "h1"), login="itsm")
            changing = pool.submit(ask, site, ticket, "d2", "2.0")
        assert changing.result()[2] == "amended"
        if voting.exception():
            assert voting.exception().sqlstate == "AP011"
        counting = site.execute(
            "SELECT count(*) FROM approval.decision AS d JOIN approval.request AS r USING (request_id) "
            "WHERE r.request_id = %s AND d.item_set_version >= r.reviewed_version",
            (number,),
        )
        assert counting == [(0,)]
        site.execute("SELECT approval.cancel_request('pg', 'alice', %s, 'over')", (number,), login="alice")


def test_a_held_request_is_not_begun_however_close_both_are(site):
    """The hold and the job that is about to be published are ordered by the request's lock."""
    action = {"name": "flush", "kind": "action", "action": {"function": "cache.flush"}, "requesters": ["*"],
              "pre_approved": True, "chain": []}  # fmt: skip
    site.execute("SELECT approval.put_request_type(%s)", (json.dumps(action),))
    for turn in range(6):
        ticket = json.dumps({"id": str(30000 + turn), "key": f"SC-{turn}", "digest": "d1"})
        ((number,),) = site.execute(
            "SELECT request_id FROM approval.ask_by_ticket('jira-acme', 'alice', NULL, %s, 'flush', 'x', '{web1}', "
            "'{action}', '{cache.flush}', '{\"{}\"}', NULL, '{}')",
            (ticket,),
            login="itsm",
        )
        ((item,),) = site.execute("SELECT item_id FROM approval.item WHERE request_id = %s", (number,))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            holding = pool.submit(
                site.execute,
                "SELECT clock_timestamp(), cardinality(approval.hold_ticket('jira-acme', %s, 'changed'))",
                (str(30000 + turn),),
                login="itsm",
            )
            beginning = pool.submit(
                site.execute,
                "SELECT approval.begin_dispatches(%s, '{web1}', ARRAY[%s], 'perform', %s)",
                (number, item, f"j{turn}"),
                login="engine",
            )
        assert holding.result()[0][1] == 1
        begun = bool(beginning.result())
        begun_at = site.execute("SELECT state_at FROM approval.dispatch WHERE request_id = %s", (number,))
        held_at = site.execute("SELECT held_at FROM approval.ticket_hold WHERE request_id = %s", (number,))
        assert bool(begun_at) == begun
        assert not begun or begun_at[0] < held_at[0]
        again = "SELECT approval.begin_dispatches(%s, '{web1}', ARRAY[%s], 'perform', 'again')"
        site.execute(again, (number, item), login="engine")
        assert site.execute("SELECT count(*) FROM approval.dispatch WHERE jid = 'again'") == [(0,)]
