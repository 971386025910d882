"""The difference between the options that there are and those that there shall be."""

import pathlib
import random

import documents
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from saltext.approval.errors import ConfigError
from saltext.approval.itsm import options
from saltext.approval.itsm.options import Offer, Option, Wish

PAGE = pathlib.Path(__file__).parents[3] / "docs/tickets.md"


def existing(*rows):
    """Options of rows such as ``1 vim`` and ``2 9.0 1``, a ``-`` in front of those that are disabled."""
    found = []
    for row in rows:
        number, value, *parent = row.lstrip("-").split()
        found.append(Option(number, value, row.startswith("-"), parent[0] if parent else None))
    return found


def planned(wishes, there=(), **limits):
    return options.plan({"c": (wishes, list(there))}, **limits)["c"]


def package(name, *versions):
    return Wish(name, (*options.KEYWORDS, *versions))


def test_an_empty_field_gets_all_in_the_order_that_is_shown():
    made = planned([package("vim", "9", "8"), package("curl", "7")])
    assert made.create == [
        (None, "curl"), (None, "vim"),
        ("curl", "Remove"), ("curl", "Latest"), ("curl", "7"),
        ("vim", "Remove"), ("vim", "Latest"), ("vim", "9"), ("vim", "8"),
    ]  # fmt: skip
    assert (made.enable, made.disable, made.left_out) == ([], [], [])


def test_nothing_is_to_be_done_where_all_is_there():
    assert not planned([package("vim", "9")], existing("1 vim", "2 Remove 1", "3 Latest 1", "4 9 1"))


def test_what_is_gone_is_disabled_and_what_is_back_is_enabled_with_its_id():
    """Acceptance check 22, without the site."""
    there = existing("1 vim", "2 Remove 1", "3 Latest 1", "4 9 1", "5 curl", "6 Remove 5", "7 Latest 5", "8 7.0 5")
    gone = planned([package("vim", "10")], there)
    assert gone.disable == ["4", "5", "6", "7", "8"]
    assert gone.create == [("vim", "10")]
    disabled = [Option(one.id, one.value, one.id in gone.disable, one.parent) for one in there]
    back = planned([package("vim", "9"), package("curl", "7.0")], disabled)
    assert (back.enable, back.disable, back.create) == (["4", "5", "6", "7", "8"], [], [])


def test_newest_versions_of_all_come_before_older_ones_of_any():
    made = planned([package("vim", "9", "8", "7"), package("curl", "7", "6")], limit=10)
    assert [name for name in made.create if name[0]] == [
        ("curl", "Remove"), ("curl", "Latest"), ("curl", "7"), ("curl", "6"),
        ("vim", "Remove"), ("vim", "Latest"), ("vim", "9"), ("vim", "8"),
    ]  # fmt: skip
    assert made.left_out == [("vim", "7")]


def test_a_package_without_room_is_left_out_whole():
    made = planned([package("vim", "9"), package("curl", "7", "6")], limit=7)
    assert made.create == [(None, "vim"), ("vim", "Remove"), ("vim", "Latest"), ("vim", "9")]
    assert made.left_out == [(None, "curl"), ("curl", "Remove"), ("curl", "Latest"), ("curl", "7"), ("curl", "6")]


def test_what_is_disabled_and_other_contexts_take_room():
    there = existing("-1 old", "-2 older")
    assert planned([Wish("web1"), Wish("web2")], there, elsewhere=1, limit=4).left_out == [(None, "web2")]
    assert planned([Wish("old"), Wish("web1")], there, elsewhere=2, limit=4).enable == ["1"]
    assert planned([Wish("web1")], there, elsewhere=9, limit=4).left_out == [(None, "web1")]


def test_contexts_take_turns():
    wishes = [Wish("a"), Wish("b"), Wish("c")]
    made = options.plan({1: (wishes, []), 2: (wishes, [])}, limit=4)
    assert [plan.create for plan in made.values()] == [[(None, "a"), (None, "b")]] * 2
    assert [plan.left_out for plan in made.values()] == [[(None, "c")]] * 2


def test_ten_thousand_and_one():
    """Acceptance check 21, without the site."""
    made = planned([Wish(f"web{number:05}") for number in range(10_001)])
    assert len(made.create) == 10_000
    assert made.left_out == [(None, "web10000")]


def test_one_that_is_there_twice_is_disabled_once_with_what_is_below():
    there = existing("1 vim", "2 Remove 1", "3 vim", "4 Remove 3", "5 Latest 3", "6 9 3")
    made = planned([package("vim", "9")], there)
    assert made.disable == ["3", "4", "5", "6"]
    assert made.create == [("vim", "Latest"), ("vim", "9")]
    assert planned([package("vim", "9")], existing("-1 vim", "3 vim")).disable == []


def test_packages_are_weighed_by_their_use():
    rows = [
        {"name": name, "versions": ["1.0"], "minions": minions, "standing": standing}
        for name, minions, standing in (("a", 5, 0), ("b", 9, 0), ("c", 1, 1), ("d", 9, 0))
    ]
    wishes, unusable = options.package_wishes(rows)
    assert ([wish.value for wish in wishes], unusable) == (["c", "b", "d", "a"], [])


def test_what_no_ticket_could_ask_for_is_left_out():
    rows = [
        {"name": "a b", "versions": ["1"], "minions": 1, "standing": 0},
        {"name": "vim", "versions": ["1:9.0", "9.*", "1" * 129, "(none)"], "minions": 1, "standing": 0},
    ]
    wishes, unusable = options.package_wishes(rows)
    assert wishes == [package("vim", "1:9.0")]
    assert unusable == [("a b", None), ("vim", "(none)"), ("vim", "1" * 129), ("vim", "9.*")]
    assert options.minion_wishes(["web1", "*", "a,b"]) == ([Wish("web1")], [("*", None), ("a,b", None)])


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.9", "1.10"),
        ("1.0~rc1", "1.0"),
        ("1.0", "1.0a"),
        ("1.0a", "1.0."),
        ("9.9", "1:1.0"),
        ("2.10-2", "2.10-3"),
        ("2.10-3", "2.10-3+deb12u1"),
        ("2.10-9", "2.10.1-1"),
        ("1.0-1.el8", "1.0-1.el9"),
        ("1.0~beta-1", "1.0-1"),
        ("1.0", "1.0-1"),
    ],
)
def test_newer_versions_are_known(older, newer):
    assert options.newness(older) < options.newness(newer)


def moved(there, wishes):
    """The values of each level in order after the moves, as Jira does them."""
    rest = [one.id for one in there]
    for numbers, before in options.moves(wishes, there):
        rest = [number for number in rest if number not in numbers]
        place = 0 if before is None else rest.index(before) + 1
        rest[place:place] = numbers
    known = {one.id: one for one in there}
    return [known[number] for number in rest]


@given(st.lists(st.integers(0, 30), unique=True, max_size=15), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_moves_bring_any_order_into_the_one_that_is_shown(numbers, dice):
    there = [Option(f"i{number}", f"v{number:02}", dice.random() < 0.2) for number in numbers]
    wishes = [Wish(one.value) for one in dice.sample(there, len(there))]
    values = [one.value for one in moved(there, wishes) if not one.disabled]
    assert values == sorted(values)


def test_only_what_has_to_move_moves():
    there = existing("1 a", "2 c", "3 d", "4 b", "5 Latest 1", "6 Remove 1", "7 2 1", "8 1 1", "9 3 1")
    wishes = [package("a", "3", "2", "1"), Wish("b"), Wish("c"), Wish("d")]
    assert options.moves(wishes, there) == [(("4",), "1"), (("5", "9"), "6")]
    assert options.moves(wishes, moved(there, wishes)) == []


def test_moves_of_many_are_few():
    numbers = list(range(2000))
    there = [Option(str(number), f"{number:04}") for number in numbers[1000:] + numbers[:1000]]
    assert len(options.moves([Wish(one.value) for one in there], there)) == 1
    random.Random(1).shuffle(there)
    assert [one.value for one in moved(there, [Wish(one.value) for one in there])] == sorted(o.value for o in there)


def test_settings_say_what_a_field_offers():
    assert options.load("w", None) == ()
    assert options.load("w", [
        {"field": "customfield_1", "offers": "packages", "kernel": "Linux"},
        {"field": "customfield_1", "offers": "minions", "context": "Shops", "groups": "shops"},
    ]) == (
        Offer("customfield_1", "packages", kernel="Linux"),
        Offer("customfield_1", "minions", "Shops", ("shops",)),
    )  # fmt: skip


def test_the_settings_of_the_page_are_such():
    (block,) = [one for one in documents.blocks(PAGE) if one.text.startswith("options:")]
    offers = options.load("w", yaml.safe_load(block.text)["options"])
    assert [(offer.field, offer.context, offer.groups) for offer in offers] == [
        ("customfield_10102", None, None),
        ("customfield_10104", None, None),
        ("customfield_10104", "Shops", ("shops",)),
    ]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "w must be a list"),
        (["x"], "w: 1 must be a mapping"),
        ([{"field": "Linux Package", "offers": "packages"}], "w: 1: field must be one such as customfield_10104"),
        ([{"field": "customfield_1"}], "w: 1: offers must be packages or minions"),
        ([{"field": "customfield_1", "offers": "minions", "kernel": 5}], "w: 1: kernel must be"),
        ([{"field": "customfield_1", "offers": "minions", "context": 5}], "w: 1: context must be a text"),
        ([{"field": "customfield_1", "offers": "minions", "groups": []}], "w: 1: groups names none"),
        ([{"field": "customfield_1", "offers": "minions", "group": "x"}], "there is no setting 'group'"),
        ([{"field": "customfield_1", "offers": "minions"}] * 2, "w: 2: customfield_1 has its options already"),
    ],
)
def test_wrong_settings_are_named(given, says):
    with pytest.raises(ConfigError) as caught:
        options.load("w", given)
    assert says in str(caught.value)
