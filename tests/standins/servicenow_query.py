"""Encoded queries of ServiceNow, as far as a program needs them; a part that is wrong is dropped without a word."""

import random
import re

CONDITION = re.compile(
    r"(?P<field>[a-z0-9_.]+)(?P<operator>ISNOTEMPTY|ISEMPTY|NOT IN|NOT LIKE|STARTSWITH|LIKE|IN|!=|>=|<=|=|>|<)"
    r"(?P<value>.*)",
    re.DOTALL,
)
ORDER = re.compile(r"ORDERBY(?P<descending>DESC)?(?P<field>[a-z0-9_.]+)")
SCRIPT = re.compile(r"javascript:gs\.(?P<function>\w+)\((?P<arguments>[^)]*)\)")


class Query:
    """
    A query that was read, on one table.

    text
        The encoded query.
    is_field
        Whether the table has a field, by its path.
    read
        Gives the raw value of a field of a row.
    call
        Gives the value of a call such as ``gs.getUserID()``, by name and arguments; None: there is no such one.
    """

    def __init__(self, text, is_field, read, call):
        self._is_field = is_field
        self._read = read
        self._call = call
        self._order = []
        # The parts that were wrong, for tests to look at.
        self.dropped = []
        # Alternatives of parts that all have to hold, each of which is a list of alternatives again.
        self._sets = [self._parts(each) for each in text.split("^NQ")]

    def run(self, rows):
        """The rows that match, in the order asked for; without one, in none at all."""
        found = [row for row in rows if any(self._holds(parts, row) for parts in self._sets)]
        random.Random(len(found)).shuffle(found)
        for field, is_descending in reversed(self._order):
            found.sort(key=lambda row, field=field: self._read(row, field) or "", reverse=is_descending)
        return found

    def _parts(self, text):
        parts = []
        for part in filter(None, text.split("^")):
            is_other = part.startswith("OR") and not part.startswith("ORDERBY")
            order = ORDER.fullmatch(part)
            if order and self._is_field(order["field"]):
                self._order.append((order["field"], bool(order["descending"])))
                continue
            test = self._test(part[2:] if is_other else part)
            if test is None:
                self.dropped.append(part)
            elif is_other and parts:
                parts[-1].append(test)
            else:
                parts.append([test])
        return parts

    def _test(self, text):
        match = CONDITION.fullmatch(text)
        if not match or not self._is_field(match["field"]):
            return None
        field, operator, value = match["field"], match["operator"], match["value"]
        script = SCRIPT.fullmatch(value)
        if script:
            value = self._call(script["function"], re.findall(r"'([^']*)'", script["arguments"]))
            if value is None:
                return None
        return lambda row: _compare(self._read(row, field) or "", operator, value)

    @staticmethod
    def _holds(parts, row):
        return all(any(test(row) for test in alternatives) for alternatives in parts)


def _compare(held, operator, value):
    if operator in ("IN", "NOT IN"):
        return (held in value.split(",")) == (operator == "IN")
    return {
        "=": held == value,
        "!=": held != value,
        ">": held > value,
        ">=": held >= value,
        "<": held < value,
        "<=": held <= value,
        "LIKE": value.lower() in held.lower(),
        "NOT LIKE": value.lower() not in held.lower(),
        "STARTSWITH": held.lower().startswith(value.lower()),
        "ISEMPTY": held == "",
        "ISNOTEMPTY": held != "",
    }[operator]
