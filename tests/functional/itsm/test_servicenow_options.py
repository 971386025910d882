"""The rows that references in ServiceNow are chosen from are what the inventory has."""

import contextlib

import pytest
from standins import acme
from standins.servicenow import ServiceNowStandIn

from saltext.approval.errors import ConfigError
from saltext.approval.itsm import sites
from saltext.approval.itsm.options import KEYWORDS, Wish
from saltext.approval.itsm.servicenow_options import ServiceNowOptions
from saltext.approval.itsm.ticket import Away, Denied

TABLE = "u_approval_package"
OFFERS = [{"table": TABLE, "offers": "packages"}]


@pytest.fixture
def instance():
    with ServiceNowStandIn(seed=1) as running:
        yield running


@pytest.fixture
def syncing(instance, tmp_path):
    """A function that gives the ServiceNowOptions of the stand-in."""

    def made(offers=OFFERS, **more):
        site = sites.load({"acme": acme.servicenow_settings(instance, tmp_path, options=offers)})["acme"]
        return ServiceNowOptions(sites.system(site), sleep=lambda _: None, **more)

    return made


def sync(syncing, wishes, is_tried=False):
    made = [Wish(name, (*KEYWORDS, *versions)) for name, versions in wishes.items()]
    return list(syncing.sync(lambda offer: (made, []), is_tried))


def shown(instance):
    """The (group, name, version) of each row that can be chosen, sorted."""
    rows = instance.tables[TABLE].values()
    return sorted((row["u_group"], row["u_name"], row["u_version"]) for row in rows if row["u_active"] == "true")


def numbers(instance):
    return {(row["u_name"], row["u_version"]): number for number, row in instance.tables[TABLE].items()}


def test_rows_are_made_disabled_and_enabled_again(instance, syncing):
    (done,) = sync(syncing(), {"vim": ["9.0"], "curl": ["7"]})
    assert (done.created, done.left_out) == (6, [])
    vim = [("", "vim", "9.0"), ("", "vim", "Latest"), ("", "vim", "Remove")]
    curl = [("", "curl", "7"), ("", "curl", "Latest"), ("", "curl", "Remove")]
    assert shown(instance) == curl + vim
    before = numbers(instance)
    (gone,) = sync(syncing(), {"vim": ["9.0"]})
    assert (gone.disabled, shown(instance)) == (3, vim)
    (back,) = sync(syncing(), {"vim": ["9.0"], "curl": ["7"]})
    assert (back.enabled, back.created, shown(instance), numbers(instance)) == (3, 0, curl + vim, before)
    assert not instance.requests("DELETE")


def test_groups_and_kinds_do_not_touch_each_other(instance, syncing):
    offers = [
        {"table": TABLE, "offers": "packages"},
        {"table": TABLE, "offers": "packages", "context": "shops", "groups": "shops"},
    ]
    wishes = {None: [Wish("vim", ("9.0",))], ("shops",): [Wish("till", ("1",))]}
    list(syncing(offers).sync(lambda offer: (wishes[offer.groups], [])))
    list(syncing([{"table": TABLE, "offers": "minions"}]).sync(lambda offer: ([Wish("web1")], [])))
    assert shown(instance) == [("", "vim", "9.0"), ("", "web1", ""), ("shops", "till", "1")]
    (done,) = sync(syncing(), {"vim": ["9.0"]})
    assert (done.created, done.disabled) == (2, 0)


def test_rows_beyond_the_limit_are_left_out_and_said(instance, syncing):
    (done,) = sync(syncing(limit=4), {"vim": ["9.0", "8.0"], "curl": ["7"]})
    assert (done.created, done.left_out) == (4, [[None, "curl Latest"], [None, "curl Remove"], [None, "vim 8.0"]])
    assert ("", "curl", "7") in shown(instance)


@pytest.mark.parametrize("lie", ["cut_before", "cut_after", "bad_gateway_after", "login_page", "throttled"])
def test_cut_off_anywhere_it_comes_to_the_same_end(instance, syncing, lie):
    wishes = {"vim": ["9.0"], "curl": ["7"]}
    for number in range(8):
        work = syncing()
        asked = iter(range(100))

        def lying(_, asked=asked, number=number):
            if next(asked) == number:
                setattr(instance.lies, lie, 1)

        work._sleep = lying
        with contextlib.suppress(Away):
            sync(work, wishes)
        setattr(instance.lies, lie, 0)
    sync(syncing(), wishes)
    assert len(instance.tables[TABLE]) == len(shown(instance)) == 6, "nothing was made twice"


def test_what_is_said_to_be_done_and_is_not_is_found(instance, syncing):
    sync(syncing(), {"vim": ["9.0"]})
    instance.lies.silent_patch = True
    with pytest.raises(Away, match="do not stay as they were made"):
        sync(syncing(), {"curl": ["7"]})


def test_a_table_without_a_column_is_named_before_more_is_made(instance, syncing):
    del instance.columns[TABLE]["u_group"]
    with pytest.raises(Denied, match=r"does not come back as it was made \(u_group\)"):
        sync(syncing(), {"vim": ["9.0"], "curl": ["7"]})
    assert len(instance.tables[TABLE]) == 1


def test_many_rows_are_written_at_once_and_what_was_not_come_to_again(instance, syncing):
    instance.batch_parts_in_time = 40
    (done,) = sync(syncing(), {"vim": [str(number) for number in range(250)]})
    assert (done.created, len(shown(instance))) == (252, 252)
    # The first row is looked at before there are more.
    assert len(instance.requests("POST", "/table/")) == 1
    assert len(instance.requests("POST", "/api/now/v1/batch$")) == 7
    # A row that the instance has is not made again.
    assert len(numbers(instance)) == 252
    (done,) = sync(syncing(), {"curl": ["7"]})
    assert (done.created, done.disabled, len(shown(instance))) == (3, 252, 3)
    assert not instance.requests("PATCH")


def test_a_batch_that_comes_to_nothing_is_tried_again_later(instance, syncing):
    instance.batch_parts_in_time = 0
    with pytest.raises(Away, match="it came to nothing of a batch of 2 in its time"):
        sync(syncing(), {"vim": ["9.0"]})


def test_a_part_of_a_batch_that_is_refused_is_told(instance, syncing):
    sync(syncing(), {"vim": ["9.0"]})
    for row in instance.tables[TABLE].values():
        row["u_name"] = "emacs"
    work = syncing()
    asked = iter(range(10))
    # The account loses the table behind its first question.
    work._sleep = lambda _: next(asked) == 0 and instance.closed.tables.add(TABLE)
    with pytest.raises(Denied, match="we may not do that there: User Not Authorized") as caught:
        sync(work, {"vim": ["9.0"]})
    assert caught.value.status == 403


def test_a_dry_run_and_an_empty_inventory_write_nothing(instance, syncing):
    (done,) = sync(syncing(), {"vim": ["9.0"]}, is_tried=True)
    assert (done.created, shown(instance)) == (3, [])
    sync(syncing(), {"vim": ["9.0"]})
    (done,) = sync(syncing(), {})
    assert (done.disabled, len(shown(instance))) == (0, 3)
    assert done.note == "no packages are known for it, so all stays as it is"


def test_wrong_settings_are_named(syncing):
    with pytest.raises(ConfigError, match="options: 1: table must be one such as u_approval_package"):
        syncing([{"table": "Packages!", "offers": "packages"}])
    with pytest.raises(ConfigError, match="there is no setting 'field'"):
        syncing([{"field": "customfield_1", "offers": "packages"}])
    with pytest.raises(ConfigError, match="no context may hold a"):
        syncing([{"table": TABLE, "offers": "packages", "context": "a^u_nothing=b"}])
