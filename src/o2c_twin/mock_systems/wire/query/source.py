"""What a query runs against: tables described as data, rows of any kind, one small port.

Values a column may give: ``str``, ``int`` or ``Decimal``, ``bool``, ``date``, an :data:`Instant`, or ``None``.
The declared type decides how a literal in the query is read, compared and, in the answer, written.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Protocol

import msgspec

Instant = int
"""A moment: whole microseconds since 1970-01-01T00:00:00Z."""

Row = Any
"""Whatever the provider stores; only its own columns and relations look inside."""

FieldType = Literal["string", "id", "boolean", "number", "date", "instant", "null"]
"""``id`` is text that is compared letter by letter; ``null`` is the type of the bare constant only."""


class Column(msgspec.Struct, frozen=True, gc=False):
    """One field. ``name`` is spelled as answers spell it; ``get`` reads the value from a row.

    ``exact`` keeps a string column case-sensitive in a language that otherwise ignores case.
    ``indexed`` says that :meth:`Source.rows` finds rows by value without a scan, ``ordered`` that it
    starts at a lower bound without one; both only guide the planner. ``display`` reads the text a
    user sees instead of the code or id (SuiteQL ``BUILTIN.DF``).
    """

    name: str
    type: FieldType
    get: Callable[[Row], Any]
    exact: bool = False
    indexed: bool = False
    ordered: bool = False
    display: Callable[[Row], str | None] | None = None


class Parent(msgspec.Struct, frozen=True, gc=False):
    """A relation to one row of ``table``; ``get`` gives that row or ``None``."""

    name: str
    table: str
    get: Callable[[Row], Row | None]


class Child(msgspec.Struct, frozen=True, gc=False):
    """A relation to many rows of ``table``; ``rows`` gives them without a scan."""

    name: str
    table: str
    rows: Callable[[Row], Iterable[Row]]


class Table(msgspec.Struct, frozen=True, gc=False):
    """One object or table. The mappings are keyed by lower-case name; build them with :func:`table`.

    ``head`` begins each answered record of a language that wants more than fields in it (Salesforce's
    ``attributes``); it must return a new dict.
    """

    name: str
    columns: Mapping[str, Column]
    parents: Mapping[str, Parent] = {}
    children: Mapping[str, Child] = {}
    head: Callable[[Row], dict[str, object]] | None = None


def table(
    name: str,
    columns: Iterable[Column],
    parents: Iterable[Parent] = (),
    children: Iterable[Child] = (),
    head: Callable[[Row], dict[str, object]] | None = None,
) -> Table:
    """Describe a table from its parts."""
    return Table(
        name,
        {column.name.lower(): column for column in columns},
        {parent.name.lower(): parent for parent in parents},
        {child.name.lower(): child for child in children},
        head,
    )


class Hints(msgspec.Struct, frozen=True):
    """Conditions every wanted row of one table meets, by column name as the schema spells it.

    ``equals``: the column has one of these values.
    ``lower_bounds``: the column is above the value, or equal to it if the second item is true.
    Where a language ignores case, the values for a string column that is not ``exact`` are case-folded
    (``str.casefold``) and so must be what they are looked up in.
    A provider may use any of them, or none: the engine checks every condition again.
    """

    equals: dict[str, tuple[object, ...]] = {}
    lower_bounds: dict[str, tuple[Any, bool]] = {}


class Source(Protocol):
    """What a dialect implements. ``render`` writes a value of a type for an answer (never given ``None``);
    a type it does not list is answered as it is."""

    @property
    def render(self) -> Mapping[FieldType, Callable[[Any], object]]: ...

    def table(self, name: str) -> Table | None:
        """The table of this lower-case name, or ``None``."""

    def rows(self, table: Table, hints: Hints) -> Iterable[Row]:
        """At least all rows that meet ``hints``, in a stable order."""
