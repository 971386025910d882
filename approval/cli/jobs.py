"""The command on the job log: what ran where, when, by whom, and how it ended."""

from . import layout
from .command import answer, client, leaf

JOBS = {
    "published_at": "PUBLISHED", "jid": "JOB", "job_user": "BY", "where": "ON", "outcome": "OUTCOME", "took": "TOOK",
    "request": "REQUEST", "marks": "MARKS", "command": "",
}  # fmt: skip

EXACT = ("jid", "job_user", "command")


def add(commands):
    """Declare the command."""
    command = leaf(commands, "jobs", _jobs, "what ran where, when and by whom, and how it ended: the job log")
    command.add_argument("minion", nargs="?", metavar="MINION", help="only on this one")
    command.add_argument(
        "--from", dest="start", metavar="TIME", help="published since: ISO 8601, or 14:00 of today; UTC"
    )
    command.add_argument("--until", metavar="TIME", help="published before")
    command.add_argument("--fun", metavar="GLOB", help="only of this function, such as 'pkg.*'")
    command.add_argument("--user", metavar="NAME", help="only by this user, as Salt names them")
    command.add_argument("--request", metavar="N", help="only what was sent for this request")
    command.add_argument("--limit", type=int, default=50, help="how many at most (%(default)s)")
    command.add_argument(
        "--after", metavar=("TIME", "JOB"), nargs=2,
        help="the next page: what comes behind this one, the last of the page before",
    )  # fmt: skip


def _jobs(arguments):
    with client(arguments) as acting:
        rows = acting.jobs(
            arguments.minion,
            arguments.start,
            arguments.until,
            arguments.fun,
            arguments.user,
            arguments.request,
            arguments.after,
            arguments.limit,
        )
    return answer(arguments, rows, jobs_text)


def jobs_text(rows):
    """The answer of Client.jobs()."""
    if not rows:
        return "no jobs"
    shown = [
        {
            **row,
            "where": layout.fold(row["minions"]) if row["minions"] is not None else f"{row['minion_count']} minions",
            "outcome": _outcome(row),
            "took": None if row["duration_s"] is None else f"{row['duration_s']:.1f} s",
            "marks": ", ".join(mark for mark in ("test", "claim") if row[mark]) or None,
        }
        for row in rows
    ]
    return layout.table(shown, JOBS, EXACT)


def _outcome(row):
    """How many minions did it, failed in it, and did not return."""
    return ", ".join(f"{row[name]} {name}" for name in ("ok", "failed", "silent") if row[name]) or None
