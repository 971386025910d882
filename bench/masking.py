"""Hiding the secrets in a job before it is stored, against the limit."""

from report import Row
from rounds import Clocked, medians

from saltext.approval.intake import masking

LIMIT_US = 100
JOBS = (
    {"fun": "state.apply", "arg": ["web.server", {"__kwarg__": True, "test": True}], "tgt": "web*", "tgt_type": "glob"},
    {"fun": "pkg.install", "arg": ["hello", {"__kwarg__": True, "version": "2.10-3"}], "tgt": "*", "tgt_type": "glob"},
    {"fun": "cmd.run", "arg": ["mysql -u root -phunter2 -e 'select 1' | head"], "tgt": "db1", "tgt_type": "list"},
    {"fun": "cmd.run", "arg": ["systemctl restart nginx && tail -n 20 /var/log/nginx/error.log"], "tgt": "web1"},
)


def measure(rounds, duration_s):
    """The row mask_job: the time of one of usual jobs."""
    if "hunter2" in repr([masking.masked(job) for job in JOBS]):
        raise AssertionError("a secret survives in the jobs that masking is measured with")
    times = medians({"masked": Clocked(lambda: [masking.masked(job) for job in JOBS])}, rounds, duration_s)
    each = times["masked"] / len(JOBS)
    yield Row("mask_job", 1, each, "µs", "the limit", each / LIMIT_US, "<= 1", each <= LIMIT_US)
