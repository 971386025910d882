"""The metrics are named as Prometheus' conventions want it, and the page has each of them."""

import pathlib
import re

from saltext.approval.engine.metrics import METRICS

ROOT = pathlib.Path(__file__).resolve().parents[4]
PREFIX = "saltext_approval_"


def table():
    """The rows of the table of metrics in the page."""
    page = (ROOT / "docs/running.md").read_text(encoding="utf-8")
    section = page.split("\n## Metrics\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `([^`]+)` \| (gauge|counter) \| (.*) \|$", section, re.MULTILINE)


def test_the_page_has_every_metric():
    expected = [
        (
            name.removeprefix(PREFIX) + (f"{{{', '.join(metric.labels)}}}" if metric.labels else ""),
            metric.kind,
            metric.text,
        )
        for name, metric in METRICS.items()
    ]
    assert table() == expected


def test_counters_are_named_as_such_and_nothing_else():
    for name, metric in METRICS.items():
        assert name.endswith("_total") == (metric.kind == "counter"), name
        assert metric.text.endswith("."), name
