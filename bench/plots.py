#!/usr/bin/env python3
"""
Draw the pictures of docs/performance.md from bench/results/latest.json: `make plots`.

Writes an SVG for each and, between the two marks of the page, the pictures with their numbers as tables. Says
what a picture lacks where the run has no such rows. The same results give the same bytes.
"""

import dataclasses
import json
import math
import pathlib
from xml.sax.saxutils import escape

HERE = pathlib.Path(__file__).resolve().parent
RESULTS = HERE / "results" / "latest.json"
DOCS = HERE.parent / "docs"
PAGE = DOCS / "performance.md"
START, END = "<!-- Drawn by `make plots`. -->\n", "<!-- The end of what is drawn. -->\n"

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 70, 700, 104, 330
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f } .title { font-size: 16px; font-weight: 600 }
.ground { fill: #ffffff } .grid { stroke: #d0d7de; fill: none } .line { fill: none; stroke-width: 2.5 }
.of0 { stroke: #0550ae } .of1 { stroke: #953800 } .of2 { stroke: #6639ba } .of3 { stroke: #57606a }
.bar0 { fill: #0550ae } .bar1 { fill: #953800 } .bar2 { fill: #6639ba } .bar3 { fill: #57606a }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .ground { fill: #0d1117 } .grid { stroke: #30363d }
.of0 { stroke: #79c0ff } .of1 { stroke: #ffa657 } .of2 { stroke: #d2a8ff } .of3 { stroke: #8b949e }
.bar0 { fill: #79c0ff } .bar1 { fill: #ffa657 } .bar2 { fill: #d2a8ff } .bar3 { fill: #8b949e }
}
"""
DASHES = ("", "9 4", "3 3", "12 3 3 3")  # a line is told by more than its colour


@dataclasses.dataclass(frozen=True)
class Plot:
    """
    One picture.

    series
        {name: {n: value}}. Bars where each has one value, else lines over n.
    counts
        The word for n.
    lacks
        A sentence on what the run did not measure, or "".
    """

    name: str
    title: str
    unit: str
    counts: str
    series: dict
    lacks: str = ""


def plots(results):
    """The pictures of what is in the results, a run's JSON."""
    return [_returns(results), _fleet(results), _requests(results)]


def _returns(results):
    rows = _rows(results, "returns_master")
    if rows:
        series = {"saltext-approval": {row["n"]: row["value"] for row in rows}}
        series |= {row["against"]: {row["n"]: _other(row)} for row in rows}
        return Plot("returns", "Returns of a fleet, recorded by a real master", "s", "returns", series)
    series = {}
    for name, row_name in (("recorded, each durable", "returner_durable"), ("by way of the spool", "returner_spooled")):
        for row in _rows(results, row_name):
            series[name] = {row["n"]: row["value"]}
            series.setdefault(row["against"], {row["n"]: _other(row)})
    for floor in results["floors"]:
        if floor["name"] == "durable commits of nothing but the payload":
            series[floor["name"]] = {floor["n"]: floor["value"]}
    lacks = "The run has no `returns_master`, returns to a real master: here the returner was called alone."
    return Plot("returns", "Returns of a highstate in a second, one by one", "returns/s", "chunks", series, lacks)


def _fleet(results):
    series = {}
    for name, row_name in (("the pillar", "ext_pillar_database"), ("from the snapshot", "ext_pillar_snapshot")):
        for row in _rows(results, row_name):
            series.setdefault(name, {})[row["n"]] = row["value"]
            if row_name == "ext_pillar_database":
                other = "Salt's postgres ext_pillar" if row["against"].startswith("Salt's") else "libpq's bare read"
                series.setdefault(other, {})[row["n"]] = _other(row)
    return Plot("fleet", "A minion's pillar as the fleet grows", "µs", "minions", series, _missing(series))


def _requests(results):
    series = {}
    for name, row_name in (("submit", "submit_request"), ("approve", "approve_request")):
        for row in _rows(results, row_name):
            series.setdefault(name, {})[row["n"]] = row["value"]
    return Plot("requests", "One request for many minions", "s", "minions", series, _missing(series))


def _rows(results, name):
    return [row for row in results["rows"] if row["name"] == name]


def _other(row):
    """What the alternative of a row took, or how many it did in a second."""
    is_faster = row["reach"].startswith(">=")
    is_rate = row["unit"].endswith("/s")
    return row["value"] / row["ratio"] if is_faster == is_rate else row["value"] * row["ratio"]


def _missing(series):
    return "" if series else "The run has none of these rows."


# ---- SVG ----


def svg(plot):
    """The picture as an SVG document, light or dark as its reader is."""
    draw = _lines if len(_counts(plot)) > 1 else _bars
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'role="img" aria-labelledby="title desc">'
        f'<title id="title">{escape(plot.title)}</title><desc id="desc">{escape(told(plot))}</desc>'
        f'<style>{STYLE}</style><rect class="ground" width="{WIDTH}" height="{HEIGHT}"/>\n'
        f'<text class="title" x="20" y="30">{escape(plot.title)} ({plot.unit})</text>\n'
        + "\n".join([*draw(plot), "</svg>\n"])
    )


def _counts(plot):
    return sorted({n for values in plot.series.values() for n in values})


def _bars(plot):
    largest = max((value for values in plot.series.values() for value in values.values()), default=1)
    for at, (name, values) in enumerate(plot.series.items()):
        (value,) = values.values()
        top, width = 60 + at * 60, 1 + 560 * value / largest
        yield f'<text x="20" y="{top + 14}">{escape(name)}</text>'
        yield f'<rect class="bar{at % 4}" x="20" y="{top + 22}" width="{width:.1f}" height="18"/>'
        yield f'<text x="{30 + width:.1f}" y="{top + 36}">{_number(value)}</text>'


def _lines(plot):
    counts = _counts(plot)
    found = [value for values in plot.series.values() for value in values.values()]
    low, high = math.floor(math.log10(min(found))), math.ceil(math.log10(max(found)))
    high = max(high, low + 1)

    def x(n):
        return LEFT + (RIGHT - LEFT - 30) * math.log(n / counts[0]) / math.log(counts[-1] / counts[0])

    def y(value):
        return BOTTOM - (BOTTOM - TOP) * (math.log10(value) - low) / (high - low)

    for power in range(low, high + 1):
        yield f'<path class="grid" d="M{LEFT} {y(10**power):.1f}H{RIGHT}"/>'
        yield f'<text x="{LEFT - 8}" y="{y(10**power) + 4:.1f}" text-anchor="end">{10**power:,g}</text>'
    for n in counts:
        yield f'<text x="{x(n):.1f}" y="{BOTTOM + 22}" text-anchor="middle">{n:,}</text>'
    yield f'<text x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 42}" text-anchor="middle">{escape(plot.counts)}</text>'
    for at, (name, values) in enumerate(plot.series.items()):
        points = [(x(n), y(value)) for n, value in sorted(values.items())]
        path = "L".join(f"{left:.1f} {top:.1f}" for left, top in points)
        stroke = f'class="line of{at % 4}" stroke-dasharray="{DASHES[at % 4]}"'
        yield f'<path {stroke} d="M{path}"/>'
        yield from (f'<circle class="bar{at % 4}" cx="{left:.1f}" cy="{top:.1f}" r="4"/>' for left, top in points)
        left, top = 20 + at % 2 * 350, 56 + at // 2 * 22
        yield f'<path {stroke} d="M{left} {top}h36"/><text x="{left + 44}" y="{top + 4}">{escape(name)}</text>'


# ---- words ----


def _number(value):
    return f"{float(f'{value:.3g}'):,g}"


def told(plot):
    """All numbers of a picture in one sentence, for those who do not see it."""
    said = []
    for name, values in plot.series.items():
        each = (f"{_number(value)} {plot.unit} at {n:,} {plot.counts}" for n, value in sorted(values.items()))
        said.append(f"{name} {', '.join(each)}")
    return f"{'; '.join(said)}."


def section(drawn):
    """The pictures as Markdown, each with its numbers as a table."""
    parts = []
    for plot in drawn:
        counts = _counts(plot)
        lines = [
            f"| {plot.unit} | " + " | ".join(f"{n:,} {plot.counts}" for n in counts) + " |",
            "| --- |" + " --- |" * len(counts),
            *(
                f"| {name} | " + " | ".join(_number(values[n]) if n in values else "" for n in counts) + " |"
                for name, values in plot.series.items()
            ),
        ]
        alt = f"{plot.title}. The table has its numbers"
        parts.append(f"![{alt}](performance-{plot.name}.svg)\n\n" + "\n".join(lines) + "\n")
        if plot.lacks:
            parts.append(plot.lacks + "\n")
    return "\n".join(parts)


def main():
    drawn = plots(json.loads(RESULTS.read_text("utf-8")))
    for plot in drawn:
        (DOCS / f"performance-{plot.name}.svg").write_text(svg(plot), "utf-8")
        if plot.lacks:
            print(f"{plot.name}: {plot.lacks}")
    page = PAGE.read_text("utf-8")
    before, rest = page.split(START)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{START}{section(drawn)}{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
