"""Commands on the installation: whether it is configured right, where its states are, and what it makes of a return."""

import json

from ..errors import InputError
from .command import DONE, MASTER_CONFIG, REFUSED, answer, leaf, read
from .layout import cell, grouped


def add(commands):
    """Declare the commands."""
    command = leaf(commands, "check", _check, "is everything configured right? exit code 1 if not")
    command.add_argument("--master-config", metavar="FILE", default=MASTER_CONFIG, help="(%(default)s)")
    command.add_argument(
        "--config", metavar="FILE", help="the settings of a service (see serve): it is checked in place of a master"
    )

    leaf(commands, "state-root", _state_root, "the folder to name in the master's file_roots")
    command = leaf(commands, "validate", _validate, "judge a job return in a file; exit code 0 only if it converged")
    command.add_argument("--expected", metavar="FILE", required=True, help="JSON: what was approved")
    command.add_argument("file", metavar="RETURN", help="the load as JSON or msgpack; - for standard input")


def _check(arguments):
    from ..admin import check

    report = check.run_service(arguments.config) if arguments.config else check.run(arguments.master_config)
    answer(arguments, report.findings, lambda rows: findings_text(rows, report.looked_at))
    return REFUSED if any(finding["severity"] == "error" for finding in report.findings) else DONE


def _state_root(arguments):
    from ..admin import check

    return answer(arguments, {"state_root": check.state_root()}, lambda result: result["state_root"])


def _validate(arguments):
    from .. import _core

    try:
        expected = json.loads(read(arguments.expected))
    except ValueError:
        raise InputError(f"{arguments.expected} is not JSON") from None
    content = read(arguments.file)
    # No msgpack map begins with one of these bytes, and no JSON text with another.
    is_json = content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    try:
        result = _core.validate_json(content, expected) if is_json else _core.validate_msgpack(content, expected)
    except _core.DataError as exc:
        raise InputError(f"{arguments.expected}: {exc}") from None
    answer(arguments, result, verdict_text)
    return DONE if result["verdict"] == "converged" else REFUSED


def findings_text(rows, looked_at=None):
    """The findings of check.run(), alike ones as one; then what it looked at, as Report.looked_at has it."""
    lines = []
    groups = grouped(rows, ("severity", "problem", "remedy"), "subject")
    for row in groups:
        lines.append(f"{row['severity']}: {', '.join(row['subject'])}: {row['problem']}")
        if row["remedy"]:
            lines += [f"    {line}" for line in row["remedy"].splitlines()]
    if looked_at:
        errors, warnings = (sum(row["severity"] == what for row in groups) for what in ("error", "warning"))
        counts = f"{errors} error{'' if errors == 1 else 's'}, {warnings} warning{'' if warnings == 1 else 's'}"
        lines.append(f"looked at: {', '.join(looked_at)}: {counts}")
    return "\n".join(lines) or "everything is configured right"


def verdict_text(answer):
    """The answer of the validator."""
    proven = "with valid evidence" if answer["authenticated"] else "without valid evidence"
    lines = [f"{answer['verdict']} ({proven})"]
    lines += [
        f"  {cell(finding['kind'])} {cell(finding['name'])}: {finding['verdict']} ({finding['reason']}): "
        f"{cell(finding['text'])}"
        for finding in answer["findings"]
    ]
    if answer["unapproved"]:
        lines.append(f"  changed without approval: {', '.join(map(cell, answer['unapproved']))}")
    return "\n".join(lines)
