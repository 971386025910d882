"""Requests and their approval on a Lab: by the client of the runner and the command line, without starting either."""

import json

from lab import APPROVERS, REQUESTER, wait_until

from saltext.approval import config, db
from saltext.approval.client.database import DatabaseClient

CHUNK = "approval_|-approval_|-approval_|-converged"


class Workflow:
    """What people do on `lab`: the requester over the runner's login, approvers with logins of their own."""

    def __init__(self, lab):
        self._lab = lab
        self._connections = {}

    def ask(self, request_type, minion_ids, **given):
        """Submit a request as the requester; returns its number."""
        shown = self._client("runner", REQUESTER).request(request_type, list(minion_ids), reason="a test", **given)
        return shown["request"]

    def approve(self, number):
        """Have a request approved at each of its stages: the last is the last approver's."""
        stages = len(self.show(number)["chain"])
        for person in APPROVERS[-stages:]:
            self._client(person).approve(number)

    def approved(self, request_type, minion_ids, **given):
        """Submit a request and have it approved; returns its number."""
        number = self.ask(request_type, minion_ids, **given)
        self.approve(number)
        return number

    def show(self, number):
        """A request as an approver sees it."""
        return self._client(APPROVERS[0]).show(number)

    def in_state(self, number, state):
        """The request once it is in `state`; waits for that, since the master stores a return after it was seen."""
        try:
            return wait_until(lambda: shown if (shown := self.show(number))["state"] == state else None, state)
        except TimeoutError:
            raise TimeoutError(json.dumps(self.show(number), indent=2)) from None

    def finding(self, item):
        """What the validator found for an item of show(), in the return that decided on it: (verdict, reason, text)."""
        query = (
            "SELECT json_build_array(verdict, reason, finding) FROM approval.job_finding "
            f"WHERE jid = '{item['jid']}' AND minion_id = '{item['minion']}' AND kind = '{item['kind']}' "
            f"AND name = '{item['name']}' ORDER BY attempt DESC LIMIT 1"
        )
        return tuple(json.loads(self._lab.database.query(query)))

    def last_finding(self, minion_id, kind, name):
        """The same for the last return of a minion in which the resource was found."""
        query = (
            "SELECT json_build_array(f.verdict, f.reason, f.finding) FROM approval.job_finding AS f "
            "JOIN approval.job_return AS r USING (jid, minion_id, attempt) "
            f"WHERE r.minion_id = '{minion_id}' AND f.kind = '{kind}' AND f.name = '{name}' "
            "ORDER BY r.received_at DESC LIMIT 1"
        )
        return tuple(json.loads(self._lab.database.query(query)))

    def highstate(self, *minion_ids):
        """Run a highstate; returns minion id -> what approval.converged returned."""
        returns = self._lab.master.call(",".join(minion_ids), "state.highstate")
        return {minion_id: states.get(CHUNK, states) for minion_id, states in returns.items()}

    def single(self, minion_id, function, *arguments):
        """Run one function of the state module by itself; returns what it returned."""
        call = ("state.single", f"approval.{function}", "name=approval", *arguments)
        return self._lab.master.call(minion_id, *call)[minion_id][f"approval_|-approval_|-approval_|-{function}"]

    def close(self):
        """Log out everybody."""
        for connection in self._connections.values():
            connection.close()

    def _client(self, login, subject=None):
        if login not in self._connections:
            settings = {"dsn_file": str(self._lab.database.dsn_file(login))}
            self._connections[login] = db.connect(config.connection(settings, login))
        conn = self._connections[login]
        return DatabaseClient.of_login(conn) if subject is None else DatabaseClient(conn, "salt", subject)
