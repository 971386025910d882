"""
The rows of a table of a ServiceNow instance that references in tickets are chosen from: ``u_approval_package``.

The table is one of the instance's own, with the columns ``u_kind`` (package or minion), ``u_group``, ``u_name``,
``u_version`` and ``u_active``. A row is never deleted, since records that refer to it would lose it.
"""

import time
from urllib.parse import quote

from . import options
from .ticket import Away, Denied

KINDS = {"packages": "package", "minions": "minion"}
COLUMNS = "sys_id,u_kind,u_group,u_name,u_version,u_active"
LIMIT = 50_000  # rows of an offer; the instance has no limit, but a person that scrolls
PASSES = 2
PAUSE_S = 0.05
# Rows that are written at once: the instance ends a batch after 30 seconds.
BATCH_ROWS = 100


class ServiceNowOptions:
    """
    The rows of one instance.

    system
        Its servicenow.ServiceNow.
    limit
        How many rows an Offer can have.
    sleep
        Waits for so many seconds.
    """

    def __init__(self, system, limit=LIMIT, sleep=time.sleep):
        self._client = system.client
        self._offers = system.own.options
        self._limit, self._sleep = limit, sleep

    def sync(self, wishes_of, is_tried=False):
        """As jira_options.JiraOptions.sync()."""
        for offer in self._offers:
            yield self._sync(offer, *wishes_of(offer), is_tried)

    def _sync(self, offer, wishes, unusable, is_tried):
        done = options.Done(offer.field, offer.context, offer.offers, is_tried, unusable=[*map(list, unusable)])
        if not wishes:
            done.note = f"no {offer.offers} are known for it, so all stays as it is"
            return done
        wishes = options.flat(wishes) if offer.offers == "packages" else wishes
        for number in range(PASSES):
            plan = options.plan({offer: (wishes, self._read(offer))}, limit=self._limit)[offer]
            done.left_out = [list(left) for left in plan.left_out]
            if is_tried:
                done.created, done.enabled, done.disabled = len(plan.create), len(plan.enable), len(plan.disable)
            if is_tried or not plan:
                break
            if number == PASSES - 1:
                raise Away(f"{self._client.http.name}: the rows of {offer.field} do not stay as they were made")
            self._write(offer, plan, done)
        return done

    def _read(self, offer):
        wanted = {"u_kind": KINDS[offer.offers], "u_group": offer.context or ""}
        query = f"u_kind={wanted['u_kind']}^u_group={wanted['u_group']}^ORDERBYsys_id"
        if not wanted["u_group"]:
            query = f"u_kind={wanted['u_kind']}^u_groupISEMPTY^ORDERBYsys_id"
        return [
            options.Option(row["sys_id"], f"{row['u_name']} {row['u_version']}".strip(), row["u_active"] != "true")
            for row in self._client.rows(offer.field, query, wanted, COLUMNS)
        ]

    def _write(self, offer, plan, done):
        path = f"/api/now/table/{quote(offer.field, safe='')}"
        for count in self._write_all([("PATCH", f"{path}/{number}", {"u_active": "true"}) for number in plan.enable]):
            done.enabled += count
        for count in self._write_all([("PATCH", f"{path}/{number}", {"u_active": "false"}) for number in plan.disable]):
            done.disabled += count
        rows = [self._row(offer, value) for _, value in plan.create]
        if rows:
            self._sleep(PAUSE_S)
            self._check(offer, self._client.http.request("POST", path, content=rows[0]).content, rows[0])
            done.created += 1
        for count in self._write_all([("POST", path, row) for row in rows[1:]]):
            done.created += count

    def _row(self, offer, value):
        name, _, version = value.partition(" ")
        return {
            "u_kind": KINDS[offer.offers],
            "u_group": offer.context or "",
            "u_name": name,
            "u_version": version,
            "u_active": "true",
        }

    def _check(self, offer, made, content):
        """
        Raise Denied where a row is not as it was made, or cannot be read: all others would be made again and again.
        """
        number = made["result"]["sys_id"]
        seen = next(iter(self._client.rows(offer.field, f"sys_id={number}", {"sys_id": number}, COLUMNS)), {})
        lacking = [name for name, value in content.items() if seen.get(name) != value]
        if lacking:
            raise Denied(
                f"{self._client.http.name}: a new row of {offer.field} does not come back as it was made "
                f"({', '.join(lacking)}): the table needs these columns, and our account has to read and write them"
            )

    def _write_all(self, questions):
        """Ask all, some at a time: yields how many were done each time."""
        while questions:
            self._sleep(PAUSE_S)
            now, later = questions[:BATCH_ROWS], questions[BATCH_ROWS:]
            left = self._client.batch(now)
            yield len(now) - len(left)
            questions = [*left, *later]
