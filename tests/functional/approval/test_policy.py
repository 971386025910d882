import pytest

from saltext.approval import config, db, policy
from saltext.approval.errors import Refused

BASE = """
principals:
  alice: {identities: ["pg:alice"]}
  bob: {}
groups:
  owners: {title: Own it, members: [alice, bob]}
types:
  package: {kind: package, requesters: ["*"], chain: [{name: one, any_of: [{group: owners, quorum: 1}]}]}
"""


@pytest.fixture
def admin(database):
    with db.connect(config.Connection(database.dsn("policy_admin"))) as conn:
        yield conn


def load(admin, text, **options):
    return policy.load(admin, policy.parse(text), **options)


def test_what_changes_is_said_and_a_second_time_nothing_does(admin):
    assert load(admin, BASE) == [
        "+ principal alice (person)",
        "+ identity pg:alice of alice",
        "+ principal bob (person)",
        "+ group owners: Own it",
        "+ member alice of owners",
        "+ member bob of owners",
        "+ type package version 1",
    ]
    assert load(admin, BASE) == []
    assert load(admin, policy.to_yaml(policy.show(admin))) == []


def test_a_dry_run_changes_nothing(admin):
    assert len(load(admin, BASE, dry_run=True)) == 7
    assert policy.show(admin) == {"principals": {}, "groups": {}, "types": {}}


def test_what_the_file_no_longer_lists_is_dropped(admin):
    load(admin, BASE)
    assert load(admin, "principals: {alice: {identities: []}}\ngroups: {owners: {members: [alice]}}") == [
        "- identity pg:alice of alice",
        "- member bob of owners",
    ]
    assert policy.show(admin)["groups"]["owners"] == {"title": "Own it", "members": ["alice"]}


def test_what_the_file_does_not_name_stays(admin):
    load(admin, BASE)
    before = policy.show(admin)
    assert load(admin, "principals: {alice: {}}\ngroups: {owners: {}}") == []
    assert policy.show(admin) == before


def test_an_identity_moves_between_two_principals_of_the_file(admin):
    load(admin, BASE)
    assert load(admin, 'principals: {bob: {identities: ["pg:alice"]}, alice: {identities: []}}') == [
        "- identity pg:alice of alice",
        "+ identity pg:alice of bob",
    ]


def test_an_identity_of_somebody_else_is_refused_and_nothing_applied(admin):
    load(admin, BASE)
    before = policy.show(admin)
    with pytest.raises(Refused, match="pg:alice is another principal already"):
        load(admin, 'groups: {new: {}}\nprincipals: {mallory: {identities: ["pg:alice"]}}')
    assert policy.show(admin) == before


def test_principals_are_disabled_and_enabled_again(admin):
    load(admin, BASE)
    assert load(admin, "principals: {bob: {disabled: true}}") == ["- principal bob disabled"]
    assert load(admin, "principals: {bob: {disabled: true}}") == []
    assert load(admin, "principals: {bob: {}}") == ["+ principal bob (person)"]


def test_a_changed_type_becomes_a_new_version(admin):
    load(admin, BASE)
    assert load(admin, BASE.replace("name: one", "name: two")) == ["+ type package version 2"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("groups: {a: {members: [nobody]}}", "there is no principal 'nobody'"),
        ("types: {t: {kind: package, requesters: [nobody], chain: []}}", "pre_approved"),
        (
            "types: {t: {kind: package, requesters: [x], chain: [], pre_approved: true}}",
            "there is no group x",
        ),
        ("types: {t: {kind: package, colour: red, requesters: [], chain: []}}", "unknown key colour"),
    ],
)
def test_what_makes_no_sense_is_refused(admin, text, named):
    with pytest.raises(Refused, match=named):
        load(admin, text)


def test_only_a_policy_administrator_may(database):
    with (
        db.connect(config.Connection(database.dsn("operator"))) as conn,
        pytest.raises(Refused, match="this login has not the role that it needs"),
    ):
        load(conn, BASE)
