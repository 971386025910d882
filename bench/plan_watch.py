"""Which tables the statements inside functions read from end to end, as auto_explain tells it."""

import json
import re

LARGE = re.compile(
    "(item|item_set|request|request_stage|request_quorum|request_history|decision|document|document_history"
    "|audit_stream|audit_entry|seen_run|(job|job_return|job_log)(_default)?)"
)


class PlanWatch:
    """
    Makes a superuser's session note each plan with a sequential scan of a large table.

    scans: "table: statement" of each; statements: how many were planned, also inside functions.
    """

    def __init__(self, connection):
        self.scans = []
        self.statements = 0
        connection.add_notice_handler(self._note)
        connection.execute("LOAD 'auto_explain'")
        for setting, value in {
            "auto_explain.log_min_duration": "0",
            "auto_explain.log_nested_statements": "on",
            "auto_explain.log_format": "json",
            "client_min_messages": "log",
        }.items():
            connection.execute("SELECT set_config(%s, %s, false)", (setting, value))

    def _note(self, notice):
        _, found, plan = notice.message_primary.partition("plan:\n")
        if found:
            explained = json.loads(plan)
            self.statements += 1
            self.scans += [
                f"{table}: {explained['Query Text']}" for table in _scanned(explained["Plan"]) if LARGE.fullmatch(table)
            ]


def _scanned(node):
    """The tables that the plan below this node reads from end to end."""
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from _scanned(child)
