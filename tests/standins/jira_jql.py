"""The part of JQL that a program needs: comparisons of a few fields, joined by AND, and an order."""

import datetime
import re

TOKEN = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|>=|<=|!=|[=<>(),]|[\w-]+)""")
FIELDS = {
    "project": "project",
    "status": "status",
    "issuetype": "issuetype",
    "type": "issuetype",
    "id": "id",
    "key": "id",
    "issuekey": "id",
    "issue": "id",
    "updated": "updated",
    "updateddate": "updated",
    "created": "created",
    "createddate": "created",
}
UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
OPERATORS = {
    "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
}


class BadJql(Exception):
    """Jira would not run it; the text is that of its error."""


class Jql:
    """
    A query that was read.

    text
        The JQL.
    site
        The JiraSite, whose names are the only ones that may be compared with.
    time_zone
        That of the caller, in which times are meant.
    now
        What relative times are counted from.
    """

    def __init__(self, text, site, time_zone, now):
        self._site = site
        self._time_zone = time_zone
        self._now = now
        self._tokens = []
        end = 0
        while end < len(text.rstrip()):
            match = TOKEN.match(text, end)
            if not match:
                raise BadJql(f"Error in the JQL Query: The character at position {end + 1} is not valid.")
            self._tokens.append(match.group(1))
            end = match.end()
        self.tests = []
        self.order = []
        if self._tokens and self._tokens[0].lower() != "order":
            self._clause()
            while self._peek() == "and":
                self._next()
                self._clause()
        if self._peek() == "order":
            self._order()
        if self._tokens:
            raise BadJql(f"Error in the JQL Query: Expecting either 'OR' or 'AND' but got '{self._tokens[0]}'.")

    @property
    def is_bounded(self):
        """Whether it has a restriction at all."""
        return bool(self.tests)

    def run(self, issues):
        """Those of the issues that match, in the order asked for; without one, the newest first."""
        found = [issue for issue in issues if all(test(issue) for test in self.tests)]
        found.sort(key=lambda issue: int(issue.id), reverse=True)
        for name, is_descending in reversed(self.order):
            found.sort(key=lambda issue, name=name: self._sortable(issue, name), reverse=is_descending)
        return found

    def _peek(self):
        return self._tokens[0].lower() if self._tokens else None

    def _next(self, expected=None):
        if not self._tokens or (expected and self._tokens[0].lower() != expected):
            got = f"'{self._tokens[0]}'" if self._tokens else "the end of the query"
            raise BadJql(f"Error in the JQL Query: Expecting '{expected or 'a value'}' but got {got}.")
        return self._tokens.pop(0)

    def _clause(self):
        name = self._field()
        operator = self._next().lower()
        is_negative = False
        if operator == "not":
            is_negative = True
            operator = self._next("in")
        if operator == "in":
            self._next("(")
            values = [self._value(name)]
            while self._peek() == ",":
                self._next()
                values.append(self._value(name))
            self._next(")")
            self.tests.append(lambda issue: (self._of(issue, name) in values) != is_negative)
            return
        if operator not in OPERATORS or (name not in ("updated", "created") and operator not in ("=", "!=")):
            raise BadJql(f"The operator '{operator}' is not supported by the '{name}' field.")
        value = self._value(name)
        self.tests.append(lambda issue: OPERATORS[operator](self._of(issue, name), value))

    def _order(self):
        self._next()
        self._next("by")
        while True:
            name = self._field()
            direction = self._next().lower() if self._peek() in ("asc", "desc") else "asc"
            self.order.append((name, direction == "desc"))
            if self._peek() != ",":
                return
            self._next()

    def _field(self):
        token = self._next()
        name = FIELDS.get(_unquoted(token).lower())
        if name is None:
            raise BadJql(f"Field '{_unquoted(token)}' does not exist or you do not have permission to view it.")
        return name

    def _value(self, name):
        text = _unquoted(self._next())
        if name in ("updated", "created"):
            return self._time(text)
        known = {
            "project": {project.lower(): project for project in self._site.projects},
            "status": {status.lower(): status for status in self._site.statuses}
            | {number: status for status, (number, _) in self._site.statuses.items()},
            "issuetype": {kind.lower(): kind for kind in self._site.types}
            | {number: kind for kind, number in self._site.types.items()},
            "id": {issue.id: issue.id for issue in self._site.issues.values()}
            | {key.lower(): number for key, number in self._site.keys.items() if number in self._site.issues},
        }[name]
        if text.lower() not in known:
            if name == "id":
                raise BadJql(f"An issue with key '{text}' does not exist for field '{name}'.")
            raise BadJql(f"The value '{text}' does not exist for the field '{name}'.")
        return known[text.lower()]

    def _time(self, text):
        relative = re.fullmatch(r"-(\d+)([mhdw])", text)
        if relative:
            return self._now - datetime.timedelta(seconds=int(relative[1]) * UNITS[relative[2]])
        # Times of JQL are whole minutes in the time zone of who asks.
        for form in ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d"):
            try:
                return datetime.datetime.strptime(text, form).replace(tzinfo=self._time_zone)
            except ValueError:
                continue
        raise BadJql(
            f"Date value '{text}' for field 'updated' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
            "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
        )

    def _of(self, issue, name):
        return {
            "project": issue.key.rsplit("-", 1)[0],
            "status": issue.status,
            "issuetype": issue.type,
            "id": issue.id,
            "updated": issue.updated,
            "created": issue.created,
        }[name]

    def _sortable(self, issue, name):
        value = self._of(issue, name)
        return int(value) if name == "id" else value


def _unquoted(token):
    if token[:1] in ("'", '"'):
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    return token
