"""The search query language: ``field:"value"``, ``~``, ``>``, ``<``, ``-``, ``AND`` or ``OR``, ``metadata["key"]``.

Source: docs.stripe.com/search. Not covered: nested parentheses (Stripe has none either).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from o2c_twin.mock_systems.vendors.stripe.errors import refuse
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape

_CLAUSE = re.compile(
    r"""\s*(?P<no>-)?(?P<field>[a-z_.]+)(?:\[\s*(?P<q>['"])(?P<key>[^'"]{1,40})(?P=q)\s*\])?\s*
    (?P<op>:|~|>=|<=|>|<)\s*(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<bare>[A-Za-z0-9_.-]+))""",
    re.VERBOSE,
)
_JOIN = re.compile(r"\s+(AND|OR|and|or)(?=\s)|\s*$|(?=\s)")
_ESCAPED = re.compile(r"\\(.)")
_NUMERIC = ("created", "amount", "total", "subtotal")
_MOST_CLAUSES = 10
FIELDS = {
    "customer": ("created", "email", "metadata", "name", "phone"),
    "invoice": (
        "created",
        "currency",
        "customer",
        "last_finalization_error_code",
        "last_finalization_error_type",
        "metadata",
        "number",
        "receipt_number",
        "subscription",
        "total",
        "status",
    ),
    "payment_intent": ("amount", "created", "currency", "customer", "metadata", "status"),
    "charge": ("amount", "billing_details.address.postal_code", "created", "currency", "customer", "disputed",
               "metadata", "refunded", "status"),
}  # fmt: skip
Test = Callable[[Shape], bool]


@dataclass(frozen=True, slots=True)
class _Clause:
    field: str
    key: str | None
    operator: str
    value: str | None
    negated: bool

    def holds(self, shown: Shape) -> bool:
        return self._plainly(shown) is not self.negated

    def _plainly(self, shown: Shape) -> bool:
        value: Any = shown.get(self.field)
        if self.field == "metadata":
            value = shown["metadata"].get(self.key)
        if self.value is None:
            return value is None
        if value is None:
            return False
        if self.operator == ":":
            text = str(value).lower() if isinstance(value, bool) else str(value)
            return text.lower() == self.value.lower()
        if self.operator == "~":
            return self.value.lower() in str(value).lower()
        wanted = int(self.value)
        number = int(value)
        match self.operator:
            case ">":
                return number > wanted
            case "<":
                return number < wanted
            case ">=":
                return number >= wanted
            case _:
                return number <= wanted


def condition(query: str, kind: str) -> Test:
    """The test a query stands for. Raises `Refused` for one that cannot be read."""
    clauses: list[_Clause] = []
    joins: list[str] = []
    place = 0
    while True:
        match = _CLAUSE.match(query, place)
        if match is None:
            _bad(f"the clause at position {place} cannot be read")
        clauses.append(_clause(match, kind))
        join = _JOIN.match(query, match.end())
        if join is None:
            _bad(f"AND or OR is missing at position {match.end()}")
        place = join.end()
        if not query[place:].strip():
            if join[1]:
                _bad("a clause is missing at the end")
            break
        joins.append((join[1] or "AND").upper())
    if len(clauses) > _MOST_CLAUSES:
        _bad(f"it may have {_MOST_CLAUSES} clauses at most")
    if len(dict.fromkeys(joins)) > 1:
        _bad("AND and OR cannot be mixed")
    if joins and joins[0] == "OR":
        return lambda shown: any(clause.holds(shown) for clause in clauses)
    return lambda shown: all(clause.holds(shown) for clause in clauses)


def _clause(match: re.Match[str], kind: str) -> _Clause:
    field, operator, key = match["field"], match["op"], match["key"]
    if field not in FIELDS[kind] or (field == "metadata") is not (key is not None):
        _bad(f"field {field!r} is not searchable for this resource")
    quoted = match["double"] if match["double"] is not None else match["single"]
    value = match["bare"] if quoted is None else _ESCAPED.sub(r"\1", quoted)
    if quoted is None and value == "null":
        return _Clause(field, key, operator, None, match["no"] is not None)
    if operator == "~" and len(value) < 3:
        _bad("a substring has three characters at least")
    numeric = field in _NUMERIC
    if operator in (">", "<", ">=", "<=") and not numeric:
        _bad(f"field {field!r} does not take {operator}")
    if numeric and not re.fullmatch(r"-?\d{1,18}", value):
        _bad(f"field {field!r} takes a number")
    if operator == "~" and (numeric or field in ("currency", "customer", "status")):
        _bad(f"field {field!r} does not take ~")
    return _Clause(field, key, operator, value, match["no"] is not None)


def _bad(detail: str) -> NoReturn:
    refuse(400, f"We were unable to parse your search query: {detail}.", param="query")
