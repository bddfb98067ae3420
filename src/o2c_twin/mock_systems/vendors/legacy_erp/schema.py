"""The staging tables' columns, derived from the layouts; one declaration for every database.

Inbound heads carry ``BATCH_ID, SEQ`` (the partner's own numbering, by which lines belong to their head),
``STATUS_FLG`` (N new, P picked, C complete, E error), what the ERP answers (``ERP_ID, ERP_NO, ERR_CD,
ERR_TXT``) and two stamps. Outbound rows carry ``STATUS_FLG`` for the reader. Amounts are DECIMAL(15,2).
"""

from dataclasses import dataclass
from typing import Literal

from o2c_twin.mock_systems.vendors.legacy_erp.layouts import INBOUND, OUTBOUND, DocumentType, Layout

ColumnKind = Literal["text", "number", "amount"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column; texts have a width."""

    name: str
    kind: ColumnKind
    width: int = 0
    default: str | None = None


_KEY = (Column("BATCH_ID", "text", 40), Column("SEQ", "number"))
_ANSWER = (
    Column("STATUS_FLG", "text", 1, "N"),
    Column("ERP_ID_OUT", "text", 10),
    Column("ERP_NO_OUT", "text", 20),
    Column("ERR_CD", "text", 24),
    Column("ERR_TXT", "text", 120),
    Column("ERP_BATCH", "text", 24),
    Column("CRT_TS", "text", 14),
    Column("PRC_TS", "text", 14),
)
_SENT = (Column("STATUS_FLG", "text", 1, "N"), Column("ERP_BATCH", "text", 24), Column("CRT_TS", "text", 14))


def _columns(layout: Layout) -> tuple[Column, ...]:
    kinds: dict[str, ColumnKind] = {"number": "number", "amount": "amount"}
    return tuple(Column(f.name, kinds.get(f.kind, "text"), f.width) for f in layout.fields)


def _tables(kind: DocumentType) -> dict[str, tuple[Column, ...]]:
    if kind.inbound:
        tables = {kind.head.table: (*_KEY, *_columns(kind.head), *_ANSWER)}
        if kind.line is not None:
            tables[kind.line.table] = (*_KEY, *_columns(kind.line))
        return tables
    tables = {kind.head.table: (*_KEY, *_columns(kind.head), *_SENT)}
    if kind.line is not None:
        tables[kind.line.table] = (*_KEY, *_columns(kind.line))
    return tables


SCHEMA: dict[str, tuple[Column, ...]] = {
    table: columns for kind in (*INBOUND, *OUTBOUND) for table, columns in _tables(kind).items()
}
"""Table to its columns besides ``ID``."""
HEADS: frozenset[str] = frozenset(kind.head.table for kind in (*INBOUND, *OUTBOUND))
"""The tables that have ``STATUS_FLG``."""


def checked(table: str, row: dict[str, object]) -> None:
    """Raise ValueError when a row names a column its table does not have."""
    known = {column.name for column in SCHEMA[table]}
    for name in row:
        if name not in known:
            raise ValueError(f"{table} has no column {name}; there are: {', '.join(sorted(known))}")
