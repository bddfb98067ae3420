"""What can be wrong with a query, as data: each vendor words it in its own way.

A dialect turns these into its own code and text. Salesforce, for instance, answers a
:class:`SyntaxFault` with ``MALFORMED_QUERY`` "unexpected token: 'June'", an :class:`UnknownField` and
a :class:`TypeMismatch` with ``INVALID_FIELD`` ("No such column 'Body' on entity 'ApexLog'...", "value of
filter criterion for field 'ProductCode' must be of type string and should be enclosed in quotes"), an
:class:`UnknownEntity` with ``INVALID_TYPE``, each below "ERROR at Row:1:Column:30" (texts as pasted in
public issue threads: forcedotcom/soql-tooling#86, roblesterjr04/EloquentSalesForce#68).
"""

from typing import Literal

import msgspec

Rule = Literal[
    "alias without group",  # SOQL names only what it aggregates or groups
    "ambiguous name",  # a bare column that two joined tables have
    "arithmetic",  # division by zero or a result out of range, met while the query ran
    "bad value",  # a date, format or number that does not exist
    "duplicate field",  # SOQL names a field once
    "fields need limit",  # SOQL FIELDS(ALL) and FIELDS(CUSTOM) need a LIMIT of at most 200
    "not grouped",  # neither in GROUP BY nor inside an aggregate
    "one column",  # a sub-select behind IN must select exactly one
    "offset too large",  # SOQL OFFSET above 2,000
    "unknown function",
    "misplaced aggregate",  # in WHERE, or in ORDER BY of a query without groups
    "mixed joins",  # SuiteQL takes JOIN or a comma-separated FROM, not both in one query
    "too many values",  # SuiteQL takes at most 1,000 behind IN
    "wrong arguments",  # how many, or of which kind
]


class Place(msgspec.Struct, frozen=True):
    """Where in the query text: ``offset`` from 0; ``row`` and ``column`` from 1, as vendors count."""

    offset: int
    row: int
    column: int


class QueryError(ValueError):
    """The only exception parsing, preparing and running a query raises for a client's mistake."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(f"row {place.row}, column {place.column}: {message}")
        self.place = place


class SyntaxFault(QueryError):
    """The text is not in the language: ``token`` (empty at the end of the text) cannot stand at ``place``."""

    def __init__(self, place: Place, token: str, expected: str = "") -> None:
        remedy = f"; expected {expected}" if expected else ""
        super().__init__(place, (f"unexpected token: '{token}'" if token else "unexpected end of query") + remedy)
        self.token = token
        self.expected = expected


class UnknownEntity(QueryError):
    """No object or table of that name."""

    def __init__(self, place: Place, entity: str) -> None:
        super().__init__(place, f"there is no object '{entity}'; use a name the schema lists")
        self.entity = entity


class UnknownField(QueryError):
    """``entity`` has no field of that name."""

    def __init__(self, place: Place, field: str, entity: str) -> None:
        super().__init__(place, f"no field '{field}' on '{entity}'; use a name its description lists")
        self.field = field
        self.entity = entity


class UnknownRelationship(QueryError):
    """``entity`` has no parent (in a path) or child list (in a sub-select) of that name."""

    def __init__(self, place: Place, relationship: str, entity: str) -> None:
        super().__init__(place, f"'{entity}' has no relationship '{relationship}'; check its spelling")
        self.relationship = relationship
        self.entity = entity


class TypeMismatch(QueryError):
    """``given`` (a literal's or expression's type, or an operator) does not suit a field of type ``expected``."""

    def __init__(self, place: Place, field: str, expected: str, given: str) -> None:
        super().__init__(place, f"'{field}' is of type {expected}, which does not go with {given}")
        self.field = field
        self.expected = expected
        self.given = given


class RuleBroken(QueryError):
    """Well formed, but against ``rule``; ``subject`` is the field, function or value concerned."""

    def __init__(self, place: Place, rule: Rule, subject: str = "") -> None:
        super().__init__(place, f"{rule}: {subject}" if subject else rule)
        self.rule: Rule = rule
        self.subject = subject
