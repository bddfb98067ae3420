"""The syntax tree both query languages parse into. ``at`` is always the number of the token to blame."""

from typing import Literal as OneOf
from typing import TypeAlias

import msgspec

AGGREGATES = frozenset(("COUNT", "COUNT_DISTINCT", "SUM", "MIN", "MAX", "AVG"))
Operator = OneOf["=", "!=", "<", "<=", ">", ">="]
LiteralType = OneOf["string", "number", "boolean", "null", "date", "instant", "period"]


class Node(msgspec.Struct, frozen=True, gc=False):
    """Root of all tree nodes."""


class Name(Node, frozen=True, gc=False):
    """A column, as written: ``Name``, ``Account.Name``, ``t.id``."""

    path: str
    at: int


class Constant(Node, frozen=True, gc=False):
    """A literal: ``str``, ``int``, ``Decimal``, ``bool``, ``None``, ``date``, an instant or a ``moments.Period``."""

    value: object
    type: LiteralType
    at: int


class Call(Node, frozen=True, gc=False):
    """A function or operator (``name`` in upper case, or its sign). ``COUNT(*)`` and ``COUNT()`` have no arguments."""

    name: str
    arguments: tuple["Expression", ...]
    at: int
    distinct: bool = False


Expression: TypeAlias = Name | Constant | Call


class Condition(Node, frozen=True, gc=False):
    """Root of what is true or false of a row."""


class Compare(Condition, frozen=True, gc=False):
    operator: Operator
    left: Expression
    right: Expression
    at: int


class Within(Condition, frozen=True, gc=False):
    """``IN`` a list or the single column of a sub-select."""

    left: Expression
    choices: "tuple[Expression, ...] | Select"
    negated: bool
    at: int


class Like(Condition, frozen=True, gc=False):
    """``pattern`` has ``%`` and ``_`` as wildcards and a backslash before a character that stands for itself."""

    left: Expression
    pattern: str
    negated: bool
    at: int


class IsNull(Condition, frozen=True, gc=False):
    left: Expression
    negated: bool
    at: int


class All(Condition, frozen=True, gc=False):
    terms: "tuple[Predicate, ...]"


class Either(Condition, frozen=True, gc=False):
    terms: "tuple[Predicate, ...]"


class Not(Condition, frozen=True, gc=False):
    term: "Predicate"


Predicate: TypeAlias = Compare | Within | Like | IsNull | All | Either | Not


class Item(Node, frozen=True, gc=False):
    """One selected expression; ``alias`` is empty without one."""

    expression: Expression
    alias: str = ""


class FieldSet(Node, frozen=True, gc=False):
    """Several columns at once: SOQL ``FIELDS(ALL)``; SQL ``*`` (``owner`` empty) or ``t.*``."""

    which: OneOf["ALL", "STANDARD", "CUSTOM"]
    owner: str
    at: int


class Children(Node, frozen=True, gc=False):
    """A SOQL sub-select in the field list; its table is the name of the child relation."""

    select: "Select"


class From(Node, frozen=True, gc=False):
    """A table; ``alias`` is empty without one. The first table of a query is an ``inner`` one without ``on``."""

    table: str
    alias: str
    at: int
    join: OneOf["inner", "left"] = "inner"
    on: Predicate | None = None


class Sort(Node, frozen=True, gc=False):
    """``nulls_first`` is ``None`` where the text does not say."""

    expression: Expression
    descending: bool = False
    nulls_first: bool | None = None


class Select(Node, frozen=True, gc=False):
    """A whole query, or a sub-select. ``limit`` is ``None`` for all rows."""

    items: tuple[Item | FieldSet | Children, ...]
    tables: tuple[From, ...]
    where: Predicate | None = None
    group: tuple[Expression, ...] = ()
    having: Predicate | None = None
    order: tuple[Sort, ...] = ()
    limit: int | None = None
    offset: int = 0
    distinct: bool = False


_INVERSE: dict[Operator, Operator] = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def negate(term: Predicate) -> Predicate:
    """The opposite of ``term`` with the negation moved down to the comparisons.

    In SQL's three-valued logic this leaves nothing that must tell false from unknown, so a
    comparison with null may simply be false.
    """
    match term:
        case All(terms):
            return Either(tuple(map(negate, terms)))
        case Either(terms):
            return All(tuple(map(negate, terms)))
        case Not(inner):
            return inner
        case Compare(operator, left, right, at):
            return Compare(_INVERSE[operator], left, right, at)
        case Within(left, choices, negated, at):
            return Within(left, choices, not negated, at)
        case Like(left, pattern, negated, at):
            return Like(left, pattern, not negated, at)
        case IsNull(left, negated, at):
            return IsNull(left, not negated, at)
