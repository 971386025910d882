import datetime

import pytest

from saltext.approval import config, db
from saltext.approval.client.database import DatabaseClient
from saltext.approval.errors import Refused
from saltext.approval.policy import loader

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
    return loader.load(admin, loader.parse(text), **options)


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
    assert load(admin, loader.to_yaml(loader.show(admin))) == []


def test_a_dry_run_changes_nothing(admin):
    assert len(load(admin, BASE, dry_run=True)) == 7
    assert set(loader.show(admin)) == set(loader.SECTIONS)
    shown = loader.show(admin)
    assert shown.pop("speakers") == {"approval_operator": {"salt": {"assurance": "asserted", "attests": False}}}
    assert not any(shown.values())


def test_what_the_file_no_longer_lists_is_dropped(admin):
    load(admin, BASE)
    assert load(admin, "principals: {alice: {identities: []}}\ngroups: {owners: {members: [alice]}}") == [
        "- identity pg:alice of alice",
        "- member bob of owners",
    ]
    assert loader.show(admin)["groups"]["owners"] == {"title": "Own it", "members": ["alice"]}


def test_what_the_file_does_not_name_stays(admin):
    load(admin, BASE)
    before = loader.show(admin)
    assert load(admin, "principals: {alice: {}}\ngroups: {owners: {}}") == []
    assert loader.show(admin) == before


def test_an_identity_moves_between_two_principals_of_the_file(admin):
    load(admin, BASE)
    assert load(admin, 'principals: {bob: {identities: ["pg:alice"]}, alice: {identities: []}}') == [
        "- identity pg:alice of alice",
        "+ identity pg:alice of bob",
    ]


def test_an_identity_of_somebody_else_is_refused_and_nothing_applied(admin):
    load(admin, BASE)
    before = loader.show(admin)
    with pytest.raises(Refused, match="pg:alice is another principal already"):
        load(admin, 'groups: {new: {}}\nprincipals: {mallory: {identities: ["pg:alice"]}}')
    assert loader.show(admin) == before


def test_principals_are_disabled_and_enabled_again(admin):
    load(admin, BASE)
    assert load(admin, "principals: {bob: {disabled: true}}") == ["~ principal bob disabled"]
    assert load(admin, "principals: {bob: {disabled: true}}") == []
    assert load(admin, "principals: {bob: {}}") == ["~ principal bob (person) enabled"]


def test_a_changed_type_becomes_a_new_version(admin):
    load(admin, BASE)
    assert load(admin, BASE.replace("name: one", "name: two")) == [
        "~ type package version 2",
        "    chain[0].name: one -> two",
    ]


def test_a_changed_title_is_told(admin):
    load(admin, BASE)
    assert load(admin, "groups: {owners: {title: They own it}}") == [
        "~ group owners",
        "    title: Own it -> They own it",
    ]


CALENDAR = """
calendars:
  weekend:
    {rule: FREQ=WEEKLY;BYDAY=SA, time_zone: Europe/Berlin, duration: 6 hours, starts_on: 2026-01-03 22:00}
types: {windowed: {kind: package, requesters: ["*"], calendar: weekend, pre_approved: true, chain: []}}
"""


class TestCalendars:
    def test_a_calendar_with_a_type_that_waits_for_it(self, admin):
        lines = load(admin, CALENDAR)
        assert lines[0].startswith("+ calendar weekend: FREQ=WEEKLY;BYDAY=SA, openings worked out: 5")
        assert lines[1] == "+ type windowed version 1"
        assert load(admin, CALENDAR) == []
        assert load(admin, loader.to_yaml(loader.show(admin))) == []
        (row,) = DatabaseClient.of_login(admin).calendars()
        assert (row["calendar"], row["duration"], len(row["next_openings"])) == ("weekend", "6 hours", 4)

    def test_a_changed_calendar_says_what_changed(self, admin):
        load(admin, CALENDAR)
        changed = CALENDAR.replace("6 hours", "1 day 30 minutes").replace("BYDAY=SA", "BYDAY=SU")
        first, *rest = load(admin, changed)
        assert first.startswith("~ calendar weekend: openings worked out: 5")
        assert sorted(rest) == [
            "    duration: 6 hours -> 1 day 30 minutes",
            "    rule: FREQ=WEEKLY;BYDAY=SA -> FREQ=WEEKLY;BYDAY=SU",
        ]

    def test_loading_again_refreshes_the_openings(self, admin, database):
        load(admin, CALENDAR)
        latest = "SELECT max(starts_at) FROM approval.calendar_span"
        ((last,),) = database.execute(latest)
        database.execute("DELETE FROM approval.calendar_span WHERE starts_at = %s", (last,))
        (line,) = load(admin, CALENDAR)
        assert line.startswith("~ calendar weekend: openings worked out: 5")
        assert database.execute(latest) == [(last,)]
        assert last > datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=350)


class TestFreezesAndMinionGroups:
    TEXT = """
minion_groups: {shops: {title: In the shops, minions: [till1, till2]}}
freezes:
  christmas: {from: 2026-12-20, until: "2027-01-07T08:00+01:00", minion_group: shops, reason: Business}
"""

    @pytest.fixture(autouse=True)
    def tills(self, database):
        database.execute("SELECT approval.put_minions(%s)", (["till1", "till2"],), login="operator")

    def test_they_come_change_and_go(self, admin):
        assert load(admin, self.TEXT) == [
            "+ minion group shops: In the shops (2 minions)",
            "+ freeze christmas: from 2026-12-20T00:00:00+00:00 until 2027-01-07T07:00:00+00:00",
        ]
        assert load(admin, self.TEXT) == []
        assert load(admin, loader.to_yaml(loader.show(admin))) == []
        assert load(admin, self.TEXT.replace("2026-12-20", "2026-12-21").replace("till1, ", "")) == [
            "~ minion group shops",
            "    - minion till1",
            "~ freeze christmas",
            "    from: 2026-12-20T00:00:00+00:00 -> 2026-12-21T00:00:00+00:00",
        ]
        assert load(admin, "minion_groups: {shops: {title: Shops}}") == [
            "~ minion group shops",
            "    title: In the shops -> Shops",
        ]
        assert load(admin, "freezes: {christmas: {lifted: true}}") == ["- freeze christmas"]
        assert load(admin, "freezes: {christmas: {lifted: true}}") == []

    @pytest.mark.parametrize(
        ("text", "named"),
        [
            ("minion_groups: {a: {minions: [nowhere]}}", "minion group a: unknown minion: 'nowhere'"),
            ("freezes: {a: {from: 2027-01-01, until: 2026-01-01}}", "freeze a: it needs"),
            ("freezes: {a: {from: 2026-01-01, until: 2027-01-01, type: x}}", "there is no request type 'x'"),
            ("freezes: {a: {from: 2026-01-01, until: 2027-01-01, minion_group: x}}", "freeze a: it needs"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, admin, text, named):
        load(admin, BASE)
        with pytest.raises(Refused, match=named):
            load(admin, text)


def test_a_kind_stays_what_it_is(admin):
    load(admin, BASE)
    with pytest.raises(Refused, match="principal bob is a person; it cannot become a service"):
        load(admin, "principals: {bob: {kind: service}}")


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


def test_contacts_are_written_compared_and_dropped(admin):
    given = "principals: {erin: {}}\ncontacts: {erin: {slack-ops: T1/U1, mail: erin@example.com}}"
    assert load(admin, given)[-2:] == [
        "+ contact of erin by slack-ops: T1/U1",
        "+ contact of erin by mail: erin@example.com",
    ]
    assert load(admin, given) == load(admin, loader.to_yaml(loader.show(admin))) == []
    assert load(admin, "contacts: {erin: {slack-ops: T1/U2}}") == ["~ contact of erin by slack-ops: T1/U2"]
    assert load(admin, "contacts: {erin: {slack-ops: null, pager: null}}") == ["- contact of erin by slack-ops"]
    assert loader.show(admin)["contacts"]["erin"] == {"mail": "erin@example.com"}
    with pytest.raises(Refused, match="there is no principal 'frank'"):
        load(admin, "contacts: {frank: {mail: frank@example.com}}")


def test_routes_that_choose_are_written_compared_and_dropped(admin):
    given = """
minion_groups: {front: {minions: []}}
calendars: {nights: {rule: FREQ=DAILY, time_zone: UTC, starts_on: 2026-01-01 22:00, duration: 8 hours}}
routes:
  chat-ops:
  - {topic: jobs, functions: [state.*, cmd.*], groups: [front], outcomes: [failed], quiet_hours: nights}
"""
    line = 'route of jobs to chat-ops where functions ["cmd.*", "state.*"], groups ["front"], outcomes ["failed"]'
    assert f"+ {line}, quiet_hours nights" in load(admin, given)
    assert load(admin, given) == []
    assert load(admin, given.replace(", quiet_hours: nights", "")) == [f"- {line}, quiet_hours nights", f"+ {line}"]
    assert load(admin, loader.to_yaml(loader.show(admin))) == []
    with pytest.raises(Refused, match="route of jobs to chat-ops: there is no minion group back"):
        load(admin, given.replace("groups: [front]", "groups: [back]"))
    assert load(admin, "routes: {chat-ops: []}") == [f"- {line}"]


def test_readers_are_written_compared_and_dropped(admin):
    given = """
minion_groups: {front: {minions: []}}
groups: {ops: {}, shops: {}}
readers:
  values: [{groups: [shops], minion_group: front}, {groups: [ops]}, {groups: [ops], minion_group: front}]
"""
    assert load(admin, given)[-3:] == [
        "+ readers of values: nobody else may read it",
        "    + ops, of all minions",
        "    + ops, shops, of front",
    ]
    assert load(admin, given) == load(admin, loader.to_yaml(loader.show(admin))) == []
    assert load(admin, "readers: {values: [{groups: [ops]}]}") == [
        "~ readers of values: nobody else may read it",
        "    - ops, shops, of front",
    ]
    for wrong, why in (
        ("{values: [{groups: [night]}]}", "readers of values: unknown group: 'night'"),
        ("{values: [{groups: [ops], minion_group: back}]}", "readers of values: unknown minion group: 'back'"),
        ("{everything: [{groups: [ops]}]}", "'everything' is nothing that is read"),
        ("{everything: all}", "'everything' is nothing that is read"),
    ):
        with pytest.raises(Refused, match=why):
            load(admin, f"readers: {wrong}")
    assert load(admin, "readers: {values: all}") == ["- readers of values: all known people may read it"]
    assert load(admin, "readers: {values: all}") == []


def test_routes_are_written_compared_and_dropped(admin):
    given = "routes: {chat: [{topic: drift}, {topic: requests, filter: {act: approved}}]}"
    assert load(admin, given) == [
        "+ route of drift to chat",
        '+ route of requests to chat where {"act": "approved"}',
    ]
    assert load(admin, given) == []
    assert (
        "routes:\n  chat:\n  - topic: drift\n  - topic: requests\n    filter:\n      act: approved"
        in loader.to_yaml(loader.show(admin))
    )
    assert load(admin, "routes: {chat: [{topic: requests, filter: {act: rejected}}, {topic: drift}]}") == [
        '- route of requests to chat where {"act": "approved"}',
        '+ route of requests to chat where {"act": "rejected"}',
    ]
    assert load(admin, "routes: {chat: []}") == [
        "- route of drift to chat",
        '- route of requests to chat where {"act": "rejected"}',
    ]


def test_rules_of_alarms_are_written_compared_and_as_usual_again(admin):
    group = "minion_groups: {lab: {title: Lab, minions: []}}\n"
    given = group + "alarms: {drift: {severity: info, muted_groups: [lab]}}"
    assert load(admin, given)[1:] == [
        "~ alarms of kind drift",
        "    severity: (none) -> info",
        '    muted_groups: (none) -> ["lab"]',
    ]
    assert load(admin, given) == []
    assert "alarms:\n  drift:\n    severity: info\n    muted_groups:\n    - lab" in loader.to_yaml(loader.show(admin))
    assert load(admin, loader.to_yaml(loader.show(admin))) == []
    assert load(admin, "alarms: {drift: {}}") == [
        "~ alarms of kind drift",
        "    severity: info -> (none)",
        '    muted_groups: ["lab"] -> (none)',
    ]
    with pytest.raises(Refused, match="alarms of kind drift: there is no minion group none"):
        load(admin, "alarms: {drift: {muted_groups: [none]}}")
    with pytest.raises(Refused, match="alarms of kind no-kind: there is no such kind: there are break-glass, drift"):
        load(admin, "alarms: {no-kind: {}}")


def test_speakers_are_written_compared_and_dropped(admin):
    given = "speakers: {carol: {jira: authenticated, portal: {assurance: asserted, attests: true}}}"
    assert load(admin, given) == [
        "+ speaker carol for jira (authenticated)",
        "+ speaker carol for portal (asserted)",
    ]
    assert load(admin, given) == []
    assert load(admin, loader.to_yaml(loader.show(admin))) == []
    assert load(admin, "speakers: {carol: {jira: asserted}}") == [
        "- speaker carol for portal",
        "~ speaker carol for jira",
        "    assurance: authenticated -> asserted",
    ]
    assert load(admin, "groups: {}") == []
    assert load(admin, "speakers: {carol: {}}") == ["- speaker carol for jira"]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("speakers: {carol: {pg: asserted}}", "nobody speaks for pg"),
        ("speakers: {carol: {jira: signed}}", "no login makes an identity signed"),
        ("speakers: {nobody-such: {jira: asserted}}", "there is no login or role 'nobody-such'"),
    ],
)
def test_what_no_login_can_be_given(admin, given, problem):
    with pytest.raises(Refused, match=problem):
        load(admin, given)
