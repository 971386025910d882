"""What a field of Jira offers is what the inventory has: on a real database, with a stand-in of Jira."""

import contextlib
import itertools
import json

import child
import pytest
import yaml
from standins import acme
from standins.jira import DATA_CENTER, JiraStandIn
from standins.jira_site import Context, Option

from saltext.approval.errors import InputError
from saltext.approval.itsm import jira_options, sites
from saltext.approval.itsm.options import Wish
from saltext.approval.itsm.ticket import Away, Denied

PACKAGE, MINIONS = "customfield_10104", "customfield_10102"
CATALOG = """
WITH c AS (
    INSERT INTO approval.catalog
        (sources, system, release, is_complete, content, is_apart, collected_at, seen_at, agreed_at)
    VALUES (repeat('a', 64), 'Debian', '12', true, repeat('b', 64), false, now(), now(), now())
    RETURNING catalog_id
), n AS (
    INSERT INTO approval.package_name (name, key)
    SELECT name, name FROM unnest('{hello,vim}'::text[]) AS name RETURNING name_id, name
), v AS (
    INSERT INTO approval.catalog_version
    SELECT c.catalog_id, n.name_id, version, now() - interval '1 day', NULL
    FROM c, n, unnest('{2.9-1,2.10-3}'::text[]) AS version
)
INSERT INTO approval.catalog_member (minion_id, catalog_id, is_proven, seen_at)
SELECT minion_id, catalog_id, true, now() FROM c, unnest('{web1,web2}'::text[]) AS minion_id
"""
GONE = """
UPDATE approval.catalog_version SET gone_since = %s
WHERE name_id = (SELECT name_id FROM approval.package_name WHERE name = 'vim')
"""
OFFERS = [{"field": PACKAGE, "offers": "packages"}, {"field": MINIONS, "offers": "minions"}]


@pytest.fixture
def syncing(tmp_path):
    """A function that gives the JiraOptions of a stand-in; it does not wait between questions."""

    def made(jira, offers=OFFERS, **more):
        # The stand-in counts how many come in a second.
        jira.limits.burst_read_per_s = jira.limits.burst_write_per_s = 100_000
        settings = acme.jira_settings(jira, tmp_path, options=offers)
        return jira_options.JiraOptions(
            sites.system(sites.load({"acme": settings})["acme"]), sleep=lambda _: None, **more
        )

    return made


def sync(syncing, wishes, is_tried=False):
    """The Dones of a sync to these wishes, whatever the Offer; wishes are {value: children}, or values."""
    made = [Wish(value, tuple(wishes[value]) if isinstance(wishes, dict) else ()) for value in wishes]
    return list(syncing.sync(lambda offer: (made, []), is_tried))


def shown(jira, field=PACKAGE):
    """What people can choose: {value: [children]}, in the order of the field."""
    (context, *_) = jira.custom[field].contexts.values()
    return {
        one.value: [child.value for child in context.options if child.parent == one.id and not child.disabled]
        for one in context.options
        if one.parent is None and not one.disabled
    }


def ids(jira, field=PACKAGE):
    (context, *_) = jira.custom[field].contexts.values()
    return {one.value if one.parent is None else (one.parent, one.value): one.id for one in context.options}


def questions(jira, method):
    return jira.requests(method)


PACKAGES = [OFFERS[0]]


def test_acceptance_21_of_10001_packages_the_rest_is_said_and_a_killed_run_is_gone_on_with(jira, syncing):
    wishes = [f"p{number:05}" for number in range(10_001)]
    work = syncing(jira, PACKAGES)
    asked = itertools.count()

    def killed(_):
        if next(asked) == 6:
            raise KeyboardInterrupt

    work._sleep = killed
    with pytest.raises(KeyboardInterrupt):
        sync(work, wishes)
    assert 0 < len(shown(jira)) < 10_000, "it was killed between two batches"
    (done,) = sync(syncing(jira, PACKAGES), wishes)
    assert (list(shown(jira)), done.left_out) == (wishes[:10_000], [[None, "p10000"]])
    assert max(len(entry.body["options"]) for entry in questions(jira, "POST")) == 1000
    before = len(questions(jira, "POST")), len(questions(jira, "PUT"))
    (again,) = sync(syncing(jira, PACKAGES), wishes)
    assert (again.created, again.left_out) == (0, [[None, "p10000"]])
    assert (len(questions(jira, "POST")), len(questions(jira, "PUT"))) == before


def test_acceptance_22_an_option_that_is_gone_and_back_keeps_its_id(jira, syncing):
    work = syncing(jira, PACKAGES)
    sync(work, {"hello": ["Latest", "2.10"], "vim": ["Latest", "9.0"]})
    before = ids(jira)
    (gone,) = sync(work, {"hello": ["Latest", "2.10"]})
    assert (gone.disabled, shown(jira)) == (3, {"hello": ["Latest", "2.10"]})
    assert ids(jira) == before, "nothing was deleted"
    (back,) = sync(work, {"hello": ["Latest", "2.10"], "vim": ["Latest", "9.0"]})
    assert (back.enabled, back.created) == (3, 0)
    assert (ids(jira), shown(jira)) == (before, {"hello": ["Latest", "2.10"], "vim": ["Latest", "9.0"]})
    assert not questions(jira, "DELETE")


def test_what_was_chosen_in_tickets_stays(jira, syncing):
    work = syncing(jira, PACKAGES)
    sync(work, {"hello": ["2.10"]})
    ticket = jira.create(fields={PACKAGE: ("hello", "2.10")})
    before = ticket.fields[PACKAGE]
    sync(work, {"vim": ["9.0"]})
    assert ticket.fields[PACKAGE] == before


def test_new_ones_get_to_their_place(jira, syncing):
    work = syncing(jira, PACKAGES)
    sync(work, {"b": ["2", "1"], "d": ["1"]})
    sync(work, {"c": ["1"], "b": ["3", "2", "1"], "a": ["1"], "d": ["1"]})
    assert list(shown(jira).items()) == [("a", ["1"]), ("b", ["3", "2", "1"]), ("c", ["1"]), ("d", ["1"])]


@pytest.mark.parametrize("lie", ["cut_before", "cut_after", "bad_gateway", "bad_gateway_after", "unavailable"])
def test_cut_off_anywhere_it_comes_to_the_same_end(jira, syncing, lie):
    wishes = {"b": ["2", "1"], "a": ["1"]}
    sync(syncing(jira, PACKAGES), {"z": ["1"], "b": ["1"]})
    for number in range(8):
        work = syncing(jira, PACKAGES)
        asked = itertools.count()

        def lying(_, asked=asked, number=number):
            if next(asked) == number:
                setattr(jira.lies, lie, 1)

        work._sleep = lying
        with contextlib.suppress(Away):
            sync(work, wishes)
        setattr(jira.lies, lie, 0)
    sync(syncing(jira, PACKAGES), wishes)
    assert list(shown(jira).items()) == [("a", ["1"]), ("b", ["2", "1"])]
    (context, *_) = jira.custom[PACKAGE].contexts.values()
    names = [(one.parent, one.value) for one in context.options]
    assert len(names) == len(set(names)), "nothing was made twice"


def test_contexts_have_the_packages_of_their_groups(jira, syncing):
    field = jira.custom[PACKAGE]
    field.contexts["777"] = Context("777", "Shops", ["10000"], [Option("901", "old")])
    default = next(iter(field.contexts))
    offers = [
        {"field": PACKAGE, "offers": "packages", "context": default},
        {"field": PACKAGE, "offers": "packages", "context": "Shops", "groups": ["shops"]},
    ]
    wishes = {None: [Wish("all")], ("shops",): [Wish("till")]}
    done = list(syncing(jira, offers).sync(lambda offer: (wishes[offer.groups], [])))
    assert [(one.context, one.created, one.disabled) for one in done] == [(default, 1, 0), ("777", 1, 1)]
    assert [one.value for one in field.contexts["777"].options if not one.disabled] == ["till"]
    assert list(shown(jira)) == ["all"]


def test_options_of_other_contexts_take_room(jira, syncing):
    jira.custom[PACKAGE].contexts["777"] = Context("777", "Other", [], [Option("901", "x"), Option("902", "y")])
    default = next(iter(jira.custom[PACKAGE].contexts))
    jira.limits.options_per_field = 4
    work = syncing(jira, [{"field": PACKAGE, "offers": "packages", "context": default}], limit=4)
    (done,) = sync(work, ["a", "b", "c"])
    assert (done.created, done.left_out) == (2, [[None, "c"]])


@pytest.mark.parametrize(
    ("offer", "says"),
    [
        ({"context": "Shops"}, "customfield_10104: Shops has no such context; there is: 1"),
        ({}, "customfield_10104: has not just one context: name the one meant; there is: 1"),
    ],
)
def test_a_context_that_is_not_there_is_named(jira, syncing, offer, says):
    jira.custom[PACKAGE].contexts["777"] = Context("777", "Other", ["10000"])
    with pytest.raises(InputError) as caught:
        sync(syncing(jira, [{"field": PACKAGE, "offers": "packages", **offer}]), ["a"])
    assert str(caught.value).startswith(says)
    assert "777 (Other)" in str(caught.value)


def test_who_is_no_administrator_is_told_so(jira, syncing):
    jira.bot.is_admin = False
    with pytest.raises(Denied) as caught:
        sync(syncing(jira, PACKAGES), ["a"])
    assert "Only Jira administrators can manage custom field options." in str(caught.value)


def test_an_empty_inventory_takes_nothing_away(jira, syncing):
    sync(syncing(jira, PACKAGES), ["a"])
    (done,) = sync(syncing(jira, PACKAGES), [])
    assert (done.note, done.disabled) == ("no packages are known for it, so all stays as it is", 0)
    assert list(shown(jira)) == ["a"]


def test_a_dry_run_counts_and_writes_nothing(jira, syncing):
    sync(syncing(jira, PACKAGES), ["a"])
    wrote = len(questions(jira, "POST") + questions(jira, "PUT"))
    (done,) = sync(syncing(jira, PACKAGES), ["b", "c"], is_tried=True)
    assert (done.is_tried, done.created, done.disabled) == (True, 2, 1)
    assert len(questions(jira, "POST") + questions(jira, "PUT")) == wrote
    assert list(shown(jira)) == ["a"]


def test_data_center_is_only_read(syncing):
    with JiraStandIn(api=DATA_CENTER, seed=1) as jira:
        vim = jira.option(PACKAGE, "vim")
        jira.option(PACKAGE, "9.0", vim)
        (done,) = sync(syncing(jira, PACKAGES), {"vim": ["9.0", "10"], "curl": ["7"]})
        assert (done.created, done.disabled, done.is_tried) == (3, 0, True)
        assert done.note == "Data Center's interface writes no options: change them there by hand"
        assert not questions(jira, "POST") + questions(jira, "PUT")


@pytest.fixture
def service(approved, jira, settings_of, tmp_path):
    """The settings of a service with the site acme, as a mapping, on a database with an inventory."""
    jira.limits.burst_read_per_s = jira.limits.burst_write_per_s = 100_000
    approved.execute(CATALOG)
    site = acme.jira_settings(jira, tmp_path, options=OFFERS)
    return {"approval": {"itsm": {**settings_of("itsm"), "sites": {"acme": site}}}}


def test_the_worker_keeps_fields_in_line_with_the_inventory(jira, service, approved):
    from saltext.approval.engine.workers import ticket_options
    from saltext.approval.settings import Settings

    with contextlib.closing(ticket_options.worker(Settings(service))) as worker:
        assert worker.round() is None
        both = ["Remove", "Latest", "2.10-3", "2.9-1"]
        assert shown(jira) == {"hello": both, "vim": both}
        assert list(shown(jira, MINIONS)) == ["_", "web1", "web2", "web_"], (
            "other ids are none that a ticket could name"
        )
        assert worker.round() > 50, "it does not begin again at once"
        approved.execute(GONE, ("now",))
        worker._done_at = None
        worker.round()
        assert shown(jira) == {"hello": both}
        approved.execute(GONE, (None,))
        worker._done_at = None
        jira.lies.throttled = 1
        assert 5 < worker.round() < 120, "it waits as long as it was told"
        assert shown(jira) == {"hello": both}


def test_a_worker_without_sites_is_none(approved, settings_of):
    from saltext.approval.engine.workers import ticket_options
    from saltext.approval.settings import Settings

    assert ticket_options.worker(Settings({"approval": {"engine": settings_of("engine")}})) is None


def test_the_route_sync_wakes_the_worker(office, approved):
    from saltext.approval.engine.workers import ticket_options

    with approved.connect() as conn:
        conn.execute(f"LISTEN {ticket_options.CHANNEL}")
        given = '{"way": "automation", "route": "sync", "body": ""}'
        approved.execute("SELECT approval.receive_delivery('jira-acme', 'rule:1', 'sync', %s)", (given,), login="itsm")
        assert office.work() == ["options are brought in line soon"]
        assert [notice.channel for notice in conn.notifies(timeout=5, stop_after=1)] == [ticket_options.CHANNEL]


def test_the_command(jira, service, tmp_path):
    config = tmp_path / "service.yaml"
    config.write_text(yaml.safe_dump(service))

    def run(*words):
        result = child.run(
            child.program("salt-approval"), ["salt-approval", "itsm", "options", *words, "--config", str(config)]
        )
        return result.returncode, result.stdout + result.stderr

    context = next(iter(jira.custom[PACKAGE].contexts))
    code, text = run("acme", "--dry-run")
    assert (code, f"{PACKAGE}, context {context} (packages): would be 10 created" in text) == (0, True)
    assert shown(jira) == {}
    code, text = run("jira-acme", "--json")
    assert (code, json.loads(text)[0]["created"]) == (0, 10)
    code, text = run("acme")
    assert (code, f"{PACKAGE}, context {context} (packages): nothing to change" in text) == (0, True)
    assert "no ticket could ask for" in text, "the odd ids of minions"
    assert run("nowhere")[0] == 2
