"""The alert rules and the dashboard: Prometheus understands them, they name what exists, and alert of faults alone."""

import json
import pathlib
import re

import pytest
import yaml

from saltext.approval.engine.metrics import METRICS

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "monitoring"
ALERTS = FOLDER / "alerts.yaml"
RULES = {rule["alert"]: rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]}
NAME = re.compile(r"saltext_approval_\w+")
# A time that grows by a minute each minute is of now.
NOW = "0+60x300"
# Two engines of one database, at rest.
REST = {
    f"saltext_approval_{series}": values
    for engine in ("a", "b")
    for series, values in {
        f'build_info{{instance="{engine}", version="1"}}': "1x300",
        f'collected_timestamp_seconds{{instance="{engine}", source="engine"}}': NOW,
        f'database_up{{instance="{engine}"}}': "1x300",
        f'worker_last_success_timestamp_seconds{{instance="{engine}", worker="seal"}}': NOW,
        f'worker_interval_seconds{{instance="{engine}", worker="seal"}}': "0.5x300",
        f'worker_errors_total{{instance="{engine}", worker="seal"}}': "7x300",
        f'inbox_dropped_events_total{{instance="{engine}", worker="reinstall"}}': "5x300",
        f'inbox_lag_seconds{{instance="{engine}", worker="reinstall"}}': "0.1x300",
        f'bus_up{{instance="{engine}"}}': "1x300",
        f'pillars_total{{instance="{engine}", source="database"}}': "0+1x300",
        f'pillars_total{{instance="{engine}", source="failed"}}': "7x300",
        f'spool_oldest_timestamp_seconds{{instance="{engine}"}}': NOW,
        f'spool_used_bytes{{instance="{engine}"}}': "10x300",
        f'spool_bound_bytes{{instance="{engine}"}}': "100x300",
        f'spool_aside_entries{{instance="{engine}"}}': "0x300",
        f'snapshot_refreshed_timestamp_seconds{{instance="{engine}"}}': NOW,
        f'audit_unsealed_streams{{instance="{engine}"}}': "1 0x300",
        f'outbox_oldest_due_timestamp_seconds{{destination="chat", instance="{engine}"}}': NOW,
        f'outbox_messages{{destination="chat", instance="{engine}", state="dead"}}': "0x300",
        f'requests{{instance="{engine}", state="failed"}}': "0x300",
        f'oldest_request_timestamp_seconds{{instance="{engine}", state="pending"}}': "0x300",
        f'minions{{instance="{engine}", standing="drifting"}}': "0x300",
        f'minions{{instance="{engine}", standing="silent"}}': "5x300",
        f'minions{{instance="{engine}", standing="converged"}}': "95x300",
    }.items()
}
# (the alert, what is otherwise then: None is not there, the labels of the alert, its value): after four hours.
A = {"instance": "a"}
FAULTS = [
    ("ApprovalEngineGone", {f'build_info{{instance="{engine}", version="1"}}': None for engine in "ab"}, {}, ""),
    ("ApprovalEngineGone", {'collected_timestamp_seconds{instance="a", source="engine"}': "0x300"},
     {**A, "source": "engine"}, ""),
    ("ApprovalDatabaseAway", {'database_up{instance="a"}': "0x300"}, A, ""),
    ("ApprovalWorkerFails", {'worker_last_success_timestamp_seconds{instance="a", worker="seal"}': "0x300"},
     {**A, "worker": "seal"}, ""),
    ("ApprovalWorkerFails", {'worker_last_success_timestamp_seconds{instance="a", worker="seal"}': None},
     {**A, "worker": "seal"}, ""),
    ("ApprovalEventsLost", {'inbox_dropped_events_total{instance="a", worker="reinstall"}': "0+1x300"},
     {**A, "worker": "reinstall"}, ""),
    ("ApprovalEventsUnheard", {'bus_up{instance="a"}': "0x300"}, A, ""),
    ("ApprovalEventsUnheard", {'inbox_lag_seconds{instance="a", worker="reinstall"}': "61x300"},
     {**A, "worker": "reinstall"}, ""),
    ("ApprovalSpoolWaits", {'spool_oldest_timestamp_seconds{instance="a"}': "0x300"}, A, ""),
    ("ApprovalSpoolFull", {'spool_used_bytes{instance="a"}': "81x300"}, A, ""),
    ("ApprovalSpoolSetAside", {'spool_aside_entries{instance="a"}': "1x300"}, A, ""),
    ("ApprovalPillarsFail", {'pillars_total{instance="a", source="failed"}': "0+1x300"}, {**A, "source": "failed"}, ""),
    ("ApprovalSnapshotOld", {'snapshot_refreshed_timestamp_seconds{instance="a"}': "0x300"}, A, ""),
    ("ApprovalAuditUnsealed", {'audit_unsealed_streams{instance="a"}': "1x300"}, {}, ""),
    ("ApprovalOutboxStuck", {f'outbox_oldest_due_timestamp_seconds{{destination="chat", instance="{engine}"}}': "0x300"
                             for engine in "ab"}, {"destination": "chat"}, ""),
    ("ApprovalOutboxDead", {f'outbox_messages{{destination="chat", instance="{engine}", state="dead"}}': "2x300"
                            for engine in "ab"}, {"destination": "chat", "state": "dead"}, ""),
    ("ApprovalRequestFailed", {f'requests{{instance="{engine}", state="failed"}}': "2x300" for engine in "ab"},
     {"state": "failed"}, "2"),
    ("ApprovalRequestWaits", {f'oldest_request_timestamp_seconds{{instance="{engine}", state="pending"}}': "-259200x300"
                              for engine in "ab"}, {"state": "pending"}, ""),
    ("ApprovalMinionsDrift", {f'minions{{instance="{engine}", standing="drifting"}}': "3x300" for engine in "ab"},
     {"standing": "drifting"}, "3"),
    ("ApprovalMinionsSilent", {f'minions{{instance="{engine}", standing="silent"}}': "6x300" for engine in "ab"},
     {}, "6"),
]  # fmt: skip


def alert(rule, labels, value):
    """The alert that a rule makes, as promtool wants it."""
    texts = {
        name: re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels.get(found[1], ""), text).replace(
            "{{ $value }}", value
        )
        for name, text in rule["annotations"].items()
    }
    return {"exp_labels": {**labels, **rule["labels"]}, "exp_annotations": texts}


def situation(name, changes, expected):
    """A test of promtool: with these changes to REST, these alerts and no others."""
    changed = {**REST, **{f"saltext_approval_{series}": values for series, values in changes.items()}}
    return {
        "name": name,
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in changed.items() if values],
        "alert_rule_test": [
            {
                "eval_time": "4h",
                "alertname": rule,
                "exp_alerts": [alert(RULES[rule], *expected[rule])] if rule in expected else [],
            }
            for rule in RULES
        ],
    }


def test_prometheus_understands_the_rules(promtool):
    promtool("check", "rules", ALERTS)


def test_each_rule_alerts_of_its_fault_and_at_rest_none_does(promtool, tmp_path):
    assert {rule for rule, *_ in FAULTS} == set(RULES)
    tests = [situation("at rest", {}, {})]
    tests += [
        situation(f"{rule}: {changes}", changes, {rule: (labels, value)}) for rule, changes, labels, value in FAULTS
    ]
    content = {"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(content))
    promtool("test", "rules", tmp_path / "tests.yaml")


@pytest.mark.parametrize("file", ["alerts.yaml", "dashboard.json"])
def test_they_name_metrics_that_exist(file):
    named = set(NAME.findall((FOLDER / file).read_text()))
    assert named
    assert named <= set(METRICS)


def expressions(panels):
    for panel in panels:
        yield from (target["expr"] for target in panel.get("targets", ()))
        yield from expressions(panel.get("panels", ()))


def test_prometheus_understands_the_dashboard(promtool, tmp_path):
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    found = list(expressions(dashboard["panels"]))
    assert len(found) > 10
    for panel in dashboard["panels"]:
        assert panel["type"] == "row" or panel["datasource"]["uid"] == "${datasource}", panel["title"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    rules = [
        {"record": f"panel:{number}", "expr": expr.replace("$__rate_interval", "5m").replace("$job", ".*")}
        for number, expr in enumerate(found)
    ]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", tmp_path / "rules.yaml")


def test_the_dashboard_shows_every_metric():
    shown = set(NAME.findall((FOLDER / "dashboard.json").read_text()))
    of_the_others = {f"saltext_approval_{name}" for name in ("worker_interval_seconds", "spool_bound_bytes")}
    assert set(METRICS) - shown <= of_the_others
