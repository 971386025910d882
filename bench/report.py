"""What was measured: rows, as a table to read and as JSON."""

import dataclasses
import json
import os
import pathlib
import platform
import re

HEADINGS = ("name", "n", "value", "unit", "ratio", "reach", "", "against")


@dataclasses.dataclass(frozen=True)
class Row:
    """
    One measurement.

    n
        How many minions, or chunks of a return.
    value
        The median, in ``unit``.
    against, ratio
        What it is compared with, and how many times faster it is; where ``reach`` is an upper bound, how many
        times as long it takes.
    reach, ok
        The figure to reach and whether it was.
    """

    name: str
    n: int
    value: float
    unit: str
    against: str
    ratio: float
    reach: str
    ok: bool


@dataclasses.dataclass(frozen=True)
class Floor:
    """What no implementation on this machine could go below, or a part of a row; measured in the same run."""

    name: str
    n: int
    value: float
    unit: str


def rounded(measured):
    """The Row or Floor as a dict, with three digits that count."""
    return {
        name: float(f"{content:.3g}") if isinstance(content, float) else content
        for name, content in dataclasses.asdict(measured).items()
    }


def table(measured):
    """The rows, then the floors, as lines of text."""
    lines = [HEADINGS]
    for row in (rounded(row) for row in measured if isinstance(row, Row)):
        verdict = "reached" if row["ok"] else "not reached"
        cells = (row["name"], f"{row['n']:,}", f"{row['value']:g}", row["unit"], f"{row['ratio']:g}")
        lines.append((*cells, row["reach"], verdict, row["against"]))
    for floor in (rounded(floor) for floor in measured if isinstance(floor, Floor)):
        lines.append((floor["name"], f"{floor['n']:,}", f"{floor['value']:g}", floor["unit"], "", "", "floor", ""))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def write(path, measured, versions):
    """Write the rows, the floors and what they were measured on as JSON, and give it."""
    content = {
        "machine": machine(versions),
        "rows": [rounded(row) for row in measured if isinstance(row, Row)],
        "floors": [rounded(floor) for floor in measured if isinstance(floor, Floor)],
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return content


def keep(path, content):
    """
    Keep what write gave, as the line of its release in a file of one line each, so that a regression shows.

    A release that was measured before gets the new run in place of the old one.
    """
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    runs = {run["machine"]["saltext-approval"]: run for run in map(json.loads, lines)}
    runs[content["machine"]["saltext-approval"]] = content
    path.write_text("".join(json.dumps(run, ensure_ascii=False) + "\n" for run in runs.values()), "utf-8")


def machine(versions):
    """What the figures hold for: {"cpu", "cores", "kernel", "load", ...}, without the machine's name."""
    model = re.search(r"^model name\s*:\s*(.+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "load": round(os.getloadavg()[0], 1),
        **versions,
    }
