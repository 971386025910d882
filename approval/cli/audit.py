"""Commands on the record of every act."""

import dataclasses

from ..errors import InputError
from .command import DONE, IN_PART, REFUSED, answer, client, counted, group, leaf, note
from .layout import table


def add(commands):
    """Declare the commands."""
    audit = group(commands, "audit", "the record of every act")
    command = leaf(audit, "trail", _trail, "the acts on one request, or on the policy")
    command.add_argument("request", nargs="?", help="its number; without: the acts on policy and inventory")
    command = leaf(
        audit,
        "verify",
        _verify,
        "recompute every hash; exit code 1 if the record is broken, 3 if the end was not checked",
    )
    command.add_argument("file", nargs="?", metavar="FILE", help="an export, checked without the database")
    command.add_argument("--head", metavar="HASH", help="with FILE: a head noted earlier, which must be in it")
    leaf(audit, "export", _export, "the whole record as JSON lines")
    leaf(audit, "head", _head, "the hash that all of it leads to, as `verify --head` takes it; keep it elsewhere")


def _trail(arguments):
    with client(arguments) as acting:
        rows = acting.audit(arguments.request)
        note(acting, "audit")
    return answer(arguments, rows, trail_text)


def _verify(arguments):
    if arguments.file:
        return _verify_file(arguments)
    if arguments.head:
        raise InputError("--head needs the FILE of an export")
    with client(arguments) as acting:
        rows = acting.verify_audit()
    answer(arguments, rows, broken_text)
    return REFUSED if rows else DONE


def _verify_file(arguments):
    from ..trust import audit

    report = audit.verify_file(arguments.file, arguments.head, lambda lines: counted(lines, "lines read"))
    broken = None if report.intact else str(report.broken)
    result = {**dataclasses.asdict(report), "broken": broken, "end_checked": report.end_checked}
    answer(arguments, result, _report_text)
    if broken:
        return REFUSED
    return DONE if report.end_checked else IN_PART


def _export(arguments):
    with client(arguments) as acting:
        for line in counted(acting.export_audit(), "lines written"):
            print(line)
    return DONE


def _head(arguments):
    with client(arguments) as acting:
        head = acting.audit_head()
    return answer(arguments, head, lambda head: head["hash"] if head else "no seal yet")


def _report_text(result):
    if result["broken"]:
        return result["broken"]
    counts = (
        f"{result['entries']} entries in {result['streams']} streams, {result['seals']} seals; head {result['head']}"
    )
    if result["replaced"]:
        counts += (
            f"\n{result['replaced']} of them have a pseudonym where a name was: read the acts `pseudonymised` of "
            "`audit trail`, by which alone it is known what they say now"
        )
    if not result["end_checked"]:
        return (
            f"nothing is wrong in what the file holds, but the end was not checked: give --head, a hash that "
            f"`audit head` gave earlier and that was kept elsewhere\n{counts}"
        )
    lines = [f"the audit is intact: {counts}"]
    if result["published_seal"] < result["seals"]:
        lines.append(f"the head given is that of seal {result['published_seal']}: behind it anything may be missing")
    return "\n".join(lines)


def trail_text(rows):
    """The answer of Client.audit() returned."""
    columns = {
        "seq": "NO", "at": "TIME", "act": "ACT", "actor": "BY", "assurance": "ASSURANCE", "hash": "HASH",
    }  # fmt: skip
    return table([{**row, "hash": row["hash"][:16]} for row in rows], columns) if rows else "no entries"


def broken_text(rows):
    """The answer of Client.verify_audit() returned."""
    columns = {"stream": "STREAM", "seq": "ENTRY", "problem": "PROBLEM"}
    return table(rows, columns) if rows else "the audit is intact"
