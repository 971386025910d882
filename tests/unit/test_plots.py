"""The pictures of docs/performance.md: of the last run, readable without seeing them, and the same each time."""

import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import plots  # noqa: E402
import report  # noqa: E402

RESULTS = json.loads((ROOT / "bench/results/latest.json").read_text("utf-8"))
DRAWN = plots.plots(RESULTS)
SVG = "{http://www.w3.org/2000/svg}"


def _parsed(plot):
    return ElementTree.fromstring(plots.svg(plot))  # noqa: S314


@pytest.mark.parametrize("plot", DRAWN, ids=lambda plot: plot.name)
def test_a_picture_is_titled_and_tells_its_numbers(plot):
    root = _parsed(plot)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby").split() == [root.find(f"{SVG}{part}").get("id") for part in ("title", "desc")]
    assert root.find(f"{SVG}title").text == plot.title
    described, written = root.find(f"{SVG}desc").text, plots.section([plot])
    for name, values in plot.series.items():
        row = re.search(rf"^\| {re.escape(name)} \|.*$", written, re.MULTILINE)[0]
        for value in values.values():
            number = f"{float(f'{value:.3g}'):,g}"
            assert number in described
            assert f"| {number} |" in row
    assert "prefers-color-scheme: dark" in root.find(f"{SVG}style").text


@pytest.mark.parametrize("plot", DRAWN, ids=lambda plot: plot.name)
def test_nothing_is_drawn_outside_of_the_picture(plot):
    for element in _parsed(plot).iter():
        for name, size in (("x", plots.WIDTH), ("cx", plots.WIDTH), ("y", plots.HEIGHT), ("cy", plots.HEIGHT)):
            assert 0 <= float(element.get(name, 0)) <= size


def test_the_page_has_the_pictures_of_the_last_run():
    page = (ROOT / "docs/performance.md").read_text("utf-8")
    assert page.split(plots.START)[1].split(plots.END)[0] == plots.section(DRAWN)
    for plot in DRAWN:
        assert (ROOT / f"docs/performance-{plot.name}.svg").read_text("utf-8") == plots.svg(plot)


def test_what_a_run_lacks_is_said():
    for plot in plots.plots({"rows": [], "floors": []}):
        assert plot.lacks in plots.section([plot])
        assert plot.lacks
        assert _parsed(plot).find(f"{SVG}title").text == plot.title


def test_returns_of_a_real_master_are_drawn_once_they_are_measured():
    row = report.Row("returns_master", 1000, 8.5, "s", "Salt's local_cache", 0.85, "<= 0.85", True)
    ping = report.Row("returns_master", 1000, 8.5, "s", "Salt's pgjsonb", 5.0, ">= 5", True)
    (drawn, *_) = plots.plots({"rows": [report.rounded(row), report.rounded(ping)], "floors": []})
    assert drawn.series == {
        "saltext-approval": {1000: 8.5},
        "Salt's local_cache": {1000: 10.0},
        "Salt's pgjsonb": {1000: 42.5},
    }
    assert not drawn.lacks


def test_a_release_has_one_run_in_the_history(tmp_path):
    history = tmp_path / "history.jsonl"
    for release, load in (("1.0", 1), ("1.1", 2), ("1.0", 3)):
        report.keep(history, {"machine": {"saltext-approval": release, "load": load}, "rows": [], "floors": []})
    runs = [json.loads(line)["machine"] for line in history.read_text("utf-8").splitlines()]
    assert [(run["saltext-approval"], run["load"]) for run in runs] == [("1.0", 3), ("1.1", 2)]
