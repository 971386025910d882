"""The page that says whether all goes well, as far as the database can tell, and how to mend what does not."""

from flask import Blueprint, g

from ..engine import metrics
from . import answers

TIME = "_timestamp_seconds"
NO_GAUGES = "counter"  # what was counted since the database began says nothing of now


def blueprint(people):
    """``/health``, for a people.People."""
    pages = Blueprint("findings", __name__)

    @pages.get("/health")
    def shown():
        found = people.ask(lambda client: client.health())
        return answers.page(
            "health.html", findings=found["findings"], numbers=_told(found["numbers"]), person=g.person,
            mark=people.mark(),
        )  # fmt: skip

    return pages


def _told(numbers):
    """What is counted, as the metrics say it: [(what it means, whether its values are times, [(label, value)])]."""
    rows = {}
    for number in numbers:
        rows.setdefault(number["name"], []).append((" ".join(sorted(number["labels"].values())), number["value"]))
    return [
        (metric.text, name.endswith(TIME), rows[name])
        for name, metric in metrics.METRICS.items()
        if name in rows and metric.kind != NO_GAUGES
    ]
