"""The staging tables: rows claimed, worked and marked; outbound rows inserted for the reader to mark."""

from typing import TYPE_CHECKING, Any

import msgspec

from o2c_twin.mock_systems.vendors.legacy_erp.config import EdgeName
from o2c_twin.mock_systems.vendors.legacy_erp.intake import Answer, acknowledgement
from o2c_twin.mock_systems.vendors.legacy_erp.layouts import (
    INBOUND,
    Document,
    DocumentType,
    FieldError,
    Layout,
    Record,
    plain_record,
    read_record,
)
from o2c_twin.mock_systems.vendors.legacy_erp.media import Row, Tables
from o2c_twin.mock_systems.vendors.legacy_erp.passage import Unreachable
from o2c_twin.mock_systems.vendors.legacy_erp.rhythm import local_stamp
from o2c_twin.mock_systems.wire.faults import TABLE, LockedTable

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.legacy_erp.dialect import LegacyErpDialect

_encode = msgspec.json.Encoder().encode


class TableEdge:
    """One installation's staging tables."""

    name: EdgeName = "table"

    def __init__(self, erp: "LegacyErpDialect", tables: Tables) -> None:
        self._erp = erp
        self._tables = tables

    # --- in --------------------------------------------------------------------------------------

    async def work(self) -> None:
        """Claim and work all new rows, masters first. Raises OSError when the database is not reached."""
        for kind in INBOUND:
            if not await self._work_table(kind):
                return

    async def _work_table(self, kind: DocumentType) -> bool:
        erp, table = self._erp, kind.head.table
        while True:
            try:
                step = await erp.passage.step("table.claim", TABLE, f"/{table}")
            except Unreachable:
                return False
            if step.struck_by(LockedTable):
                erp.passage.done(step, 423, b"lock wait time-out")
                return True
            erp.state.batch_number += 1
            batch = f"{erp.config.name[:12]}{erp.state.batch_number:010d}"
            stamp = local_stamp(erp.world.clock.now(), erp.config.batch)
            try:
                rows = await self._tables.claim(table, erp.config.claim_size, batch, stamp)
            except BlockingIOError as locked:
                erp.passage.done(step, 423, str(locked).encode())
                return True
            erp.passage.done(step, 200, f"{len(rows)} rows".encode())
            for row in rows:
                await self._work_row(kind, row)
            if len(rows) < erp.config.claim_size:
                return True

    async def _work_row(self, kind: DocumentType, row: Row) -> None:
        lines: list[Row] = []
        if kind.line is not None and row["BATCH_ID"] is not None and row["SEQ"] is not None:
            where = {"BATCH_ID": row["BATCH_ID"], "SEQ": row["SEQ"]}
            lines = await self._tables.rows(kind.line.table, where)
        ack = self._enter(kind, row, lines)
        head = ack.head
        status = "E" if head["STATUS"] == "R" else "C"
        answer: Row = {
            "STATUS_FLG": status,
            "ERP_ID_OUT": head["ERP_ID"],
            "ERP_NO_OUT": head["ERP_NO"],
            "ERR_CD": head["ERR_CD"],
            "ERR_TXT": head["ERR_TXT"],
            "PRC_TS": head["AT"],
        }
        await self._tables.change(kind.head.table, [row["ID"]], answer)

    def _enter(self, kind: DocumentType, row: Row, lines: list[Row]) -> Document:
        erp = self._erp
        try:
            head = _read(kind.head, row)
            details = [] if kind.line is None else [_read(kind.line, line) for line in lines]
        except FieldError as bad:
            ref = row.get("REF")
            document = Document(kind.name, {"REF": ref[:40] if isinstance(ref, str) else None})
            refusal = Answer("R", code="FIELD", text=str(bad))
            return erp.refuse(document, self.name, acknowledgement(erp, document, refusal))
        return erp.enter(Document(kind.name, head, details), self.name)

    # --- out -------------------------------------------------------------------------------------

    async def publish(self, kind: DocumentType, documents: list[Document]) -> None:
        """Insert documents in one transaction. Raises `Unreachable` or OSError when nothing was inserted."""
        erp = self._erp
        batch = f"{erp.config.name[:12]}{erp.state.batch_number + 1:010d}"
        stamp = local_stamp(erp.world.clock.now(), erp.config.batch)
        rows: list[tuple[str, Row]] = []
        for number, document in enumerate(documents, 1):
            key = {"BATCH_ID": batch, "SEQ": number}
            # Lines first: a reader of heads finds their lines there.
            if kind.line is not None:
                rows.extend((kind.line.table, {**key, **_row(kind.line, line)}) for line in document.lines)
            rows.append(
                (kind.head.table, {**key, **_row(kind.head, document.head), "ERP_BATCH": batch, "CRT_TS": stamp})
            )
        step = await erp.passage.step("table.publish", TABLE, f"/{kind.head.table}", _encode(rows))
        if step.struck_by(LockedTable):
            erp.passage.done(step, 423, b"lock wait time-out")
            raise Unreachable("table locked")
        try:
            await self._tables.insert(rows)
        except OSError as away:
            erp.passage.done(step, 423 if isinstance(away, BlockingIOError) else 503, str(away).encode())
            raise
        erp.state.batch_number += 1
        erp.passage.done(step, 201)

    async def again(self) -> None:
        """Rows stay where they are: nothing is written again."""


def _read(layout: Layout, row: Row) -> Record:
    return read_record(layout, {name: _plain(value) for name, value in row.items()})


def _plain(value: Any) -> Any:
    # CHAR columns come padded.
    return value.rstrip(" ") if isinstance(value, str) else value


def _row(layout: Layout, record: Record) -> Row:
    return dict(plain_record(layout, record))
