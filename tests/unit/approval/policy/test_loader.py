import datetime
import importlib.resources

import pytest
import yaml

from saltext.approval.errors import InputError
from saltext.approval.policy import loader


def test_a_whole_policy():
    parsed = loader.parse(
        """
        principals:
          alice: {identities: ["pg:alice", "saml:a:b"]}
          bot: {kind: service, disabled: true}
        groups:
          owners: {title: Own it, members: [alice]}
          empty: {members: []}
          named:
        types:
          package: {kind: package, requesters: ["*"], pre_approved: true, chain: []}
        """
    )
    assert parsed["principals"]["alice"] == {
        "kind": "person",
        "identities": [("pg", "alice"), ("saml", "a:b")],
        "disabled": False,
    }
    assert parsed["principals"]["bot"] == {"kind": "service", "identities": None, "disabled": True}
    assert parsed["groups"] == {
        "owners": {"title": "Own it", "members": ["alice"]},
        "empty": {"title": None, "members": []},
        "named": {"title": None, "members": None},
    }
    assert parsed["types"]["package"]["name"] == "package"


def test_an_empty_file_says_nothing():
    assert set(loader.parse("")) == set(loader.SECTIONS)
    assert not any(loader.parse("").values())


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("[", "is not YAML"),
        ("- a", "the policy must be a mapping"),
        ("users: {}", "unknown key 'users'"),
        ("principals: [alice]", "principals must be a mapping"),
        ("principals: {alice: bob}", "principal alice must be a mapping"),
        ("principals: {alice: {group: x}}", "principal alice: unknown key 'group'"),
        ("principals: {alice: {identities: pg:alice}}", "identities must be a list"),
        ("principals: {alice: {identities: [alice]}}", "'alice' is not an identity"),
        ("principals: {alice: {identities: ['pg:']}}", "'pg:' is not an identity"),
        ("principals: {alice: {identities: [12]}}", "the number 12 was given"),
        ("principals: {alice: {identities: ['pg: dora']}}", "'pg: dora' has spaces around"),
        ("principals: {alice: {identities: ['salt:dora ']}}", "'salt:dora ' has spaces around"),
        ("types: {a: {max_open: 1:30}}", "type a: max_open is 90, without a unit"),
        ("types: {a: {valid_for: 90}}", "type a: valid_for is 90, without a unit"),
        ("types: {a: {plan_within: 22.5}}", "type a: plan_within is 22.5, without a unit"),
        ("types: {a: {proof_within: }}", "type a: proof_within is null, without a unit"),
        ("types: {a: {valid_for: 2026-01-01}}", 'type a: valid_for is "2026-01-01", without a unit'),
        ("types: {a: {chain: [{}, {timeout: 22:22}]}}", "type a: timeout of stage 2 is 1342, without a unit"),
        ("principals: {alice: {disabled: 1}}", "disabled must be true or false"),
        ("principals: {on: {}}", "the truth value true was given"),
        ("groups: {a: {members: alice}}", "group a: members must be a list"),
        ("groups: {a: {members: [no]}}", "the truth value false was given"),
        ("groups: {a: {title: 1}}", "group a: title must be text"),
        ("groups: {a: {}, a: {members: []}}", "the key 'a' is there twice"),
        ("types: {a: {since: 2026-01-01}}", "type a has a value that JSON has no form for"),
        ("types: {a: {x: .nan}}", "type a has a value that JSON has no form for"),
        ("calendars: {a: {rule: X}}", "calendar a has no time_zone"),
        ("calendars: {a: {rules: X}}", "calendar a: unknown key 'rules'"),
        ("minion_groups: {a: {minions: web1}}", "minion group a: minions must be a list"),
        ("minion_groups: {a: {at_once: 0}}", "minion group a: at_once is 0: give a whole number from 1 on, or any"),
        (
            "minion_groups: {a: {at_once: true}}",
            "minion group a: at_once is true: give a whole number from 1 on, or any",
        ),
        ("types: {t: {rollout: {soak: 1:30}}}", "type t: soak of rollout is 90, without a unit"),
        ("freezes: {a: {from: 2026-01-01}}", "freeze a has no until"),
        ("routes: {chat: drift}", "routes of chat must be a list"),
        ("contacts: {bob: [mail]}", "contacts of bob must be a mapping"),
        ("contacts: {bob: {mail: [a]}}", "contacts of bob: mail must be text"),
        ("routes: {chat: [{filter: {}}]}", "routes of chat: topic"),
        ("routes: {chat: [{topic: jobs, functions: cmd.*}]}", "routes of chat: functions must be a list"),
        ("routes: {chat: [{topic: jobs, function: [cmd.*]}]}", "unknown key 'function'"),
        ("routes: {chat: [{topic: jobs, quiet_hours: [a]}]}", "routes of chat: quiet_hours must be text"),
        ("readers: {values: []}", "readers of values must be a list of entries with groups, or all"),
        ("readers: {values: everybody}", "readers of values must be a list"),
        ("readers: {values: [owners]}", "an entry of readers of values must be a mapping"),
        ("readers: {values: [{minion_group: shops}]}", "readers of values: groups must be a list"),
        ("readers: {values: [{groups: []}]}", "readers of values: an entry names no groups"),
        ("readers: {values: [{groups: [a], minions: shops}]}", "unknown key 'minions' (known: groups, minion_group)"),
        ("alarms: {drift: []}", "alarms of kind drift must be a mapping"),
        ("alarms: {drift: {muted: true}}", "alarms of kind drift: unknown key 'muted'"),
        ("alarms: {drift: {muted_groups: lab}}", "alarms of kind drift: muted_groups must be a list"),
        (
            "alarms: {unapproved-job: {functions: [1]}}",
            "an entry of alarms of kind unapproved-job: functions must be text",
        ),
        ("alarms: {unapproved-job: {group_functions: [a]}}", "unapproved-job: group_functions must be a mapping"),
        ("alarms: {unapproved-job: {group_functions: {a: cmd.run}}}", "group_functions: a must be a list"),
        ("freezes: {a: {from: soon, until: 2026-01-01}}", "freeze a: from: 'soon' is not a date"),
        ("freezes: {a: {lifted: true, reason: x}}", "freeze a: what is lifted has no other keys"),
        ("types: {a: {action: reboot}}", "type a: action must be a mapping"),
        ("types: {a: {action: {fun: x}}}", "type a: action: unknown key 'fun'"),
        ("types: {a: {action: {arg: []}}}", "type a: action: function must be text"),
        ("types: {a: {action: {function: x, arg: 1}}}", "type a: action: arg must be a list"),
        ("types: {a: {action: {function: x, kwarg: []}}}", "type a: action: kwarg must be a mapping"),
        ("types: {a: {parameters: {type: strnig}}}", "type a: parameters is not a JSON Schema: type: "),
        ("types: {a: {parameters: 1}}", "type a: parameters is not a JSON Schema, which is a mapping"),
        ("types: {a: {parameters: {pattern: '('}}}", "type a: parameters is not a JSON Schema: pattern: "),
        ("principals: !!python/object/apply:os.getcwd []", "is not YAML"),
    ],
)
def test_a_mistake_is_named(content, named):
    with pytest.raises(InputError) as raised:
        loader.parse(content)
    assert named in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_shipped_types_are_a_policy():
    shipped = importlib.resources.files("saltext.approval.policy").joinpath("types.yaml").read_text()
    types = loader.parse(shipped)["types"]
    assert {name: (body["kind"], len(body["chain"])) for name, body in types.items()} == {
        "package": ("package", 2),
        "package-windows": ("package", 2),
        "package-standard": ("package", 0),
        "service": ("service", 1),
        "value": ("value", 1),
        "reboot": ("action", 1),
        "revert": ("any", 1),
        "emergency": ("package", 1),
    }
    assert types["package-standard"]["pre_approved"] is True
    waiting = {name for name, body in types.items() if not body.get("dispatch", body["kind"] == "action")}
    assert waiting == set(), "what is approved needs no hand"


def test_what_is_shown_can_be_loaded_again():
    shown = {
        "principals": {
            "alice": {
                "kind": "person",
                "disabled": False,
                "identities": [{"provider": "pg", "subject": "alice"}],
            },
            "bot": {"kind": "service", "disabled": True, "identities": []},
        },
        "groups": {"owners": {"title": "Own it", "members": ["alice"]}},
        "types": {"t": {"version": 3, "definition": {"name": "t", "kind": "package", "chain": []}}},
        "calendars": {
            "night": {
                "rule": "FREQ=DAILY",
                "time_zone": "UTC",
                "duration": "2 hours",
                "starts_on": "2026-01-01T22:00:00",
            }
        },
        "minion_groups": {"shops": {"title": "", "minions": ["till1"]}},
        "speakers": {"approval_operator": {"salt": {"assurance": "asserted", "attests": False}}},
        "routes": {"chat": [{"topic": "drift", "filter": {}}, {"topic": "requests", "filter": {"act": "approved"}}]},
        "contacts": {"alice": {"ops": "T1/U1"}},
        "readers": {"values": [{"groups": ["a", "b"]}, {"groups": ["owners"], "minion_group": "shops"}]},
        "alarms": {"drift": {"severity": "info", "muted_groups": ["shops"]}},
        "freezes": {
            "f": {
                "from": "2026-12-20T00:00:00+00:00",
                "until": "2027-01-07T00:00:00+00:00",
                "type": None,
                "minion_group": "shops",
                "reason": "",
            }
        },
    }
    text = loader.to_yaml(shown)
    parsed = loader.parse(text)
    assert parsed["principals"]["bot"] == {"kind": "service", "identities": [], "disabled": True}
    assert parsed["types"]["t"] == shown["types"]["t"]["definition"]
    assert parsed["calendars"]["night"].duration == datetime.timedelta(hours=2)
    assert parsed["minion_groups"] == shown["minion_groups"]
    assert parsed["freezes"]["f"]["type"] is None
    assert parsed["routes"] == shown["routes"]
    assert parsed["contacts"] == shown["contacts"]
    assert parsed["readers"] == shown["readers"]
    assert parsed["alarms"] == shown["alarms"]
    assert set(yaml.safe_load(text)) == set(loader.SECTIONS)
    assert yaml.safe_load(loader.type_to_yaml(shown["types"]["t"]["definition"])) == {
        "types": {"t": {"kind": "package", "chain": []}}
    }
