"""A staging table: others insert rows, a round takes the new ones into the inbox and marks what became of them.

Columns (in capitals, as the ports have them): ``ID`` (ascending), ``EVENT_ID``, ``FLOW``, ``OBJECT_ID``, ``LANE``,
``SOURCE_AT`` (microseconds since the epoch), ``STATUS_FLG``: N new, C taken, E refused, and ``NOTE``, why.
Over a real database the port is `legacy_erp_live.DatabaseTables` (SQLite, PostgreSQL, MariaDB);
`live_staging.create` makes the table.
"""

import msgspec

from o2c_twin.integration.connectors.legacy_erp_ports import Row, TablesPort
from o2c_twin.integration.edges.inbound import Receive, Taken
from o2c_twin.integration.model import Inbound

TABLE = "O2C_INBOUND"
COLUMNS = ("ID", "EVENT_ID", "FLOW", "OBJECT_ID", "LANE", "SOURCE_AT", "STATUS_FLG", "NOTE")
_NEW, _TAKEN, _REFUSED = "N", "C", "E"
_NOTE = 200


class StagingTable:
    """One table, read by one worker at a time. ``flows`` are those the engine has."""

    def __init__(
        self, tables: TablesPort, receive: Receive, flows: frozenset[str], *, table: str = TABLE, most: int = 500
    ) -> None:
        self._tables = tables
        self._receive = receive
        self._flows = flows
        self._table = table
        self._most = most

    async def round(self) -> Taken:
        """Take in at most ``most`` new rows. A crash before they are marked makes them come again: they are known."""
        rows = await self._tables.rows(self._table, {"STATUS_FLG": _NEW}, self._most)
        new = known = 0
        refused: list[tuple[int, str]] = []
        taken: list[int] = []
        for row in rows:
            try:
                event = self._event(row)
            except (ValueError, KeyError) as bad:
                refused.append((int(row["ID"]), str(bad)[:_NOTE]))
                continue
            if self._receive(event):
                new += 1
            else:
                known += 1
            taken.append(int(row["ID"]))
        if taken:
            await self._tables.change(self._table, taken, {"STATUS_FLG": _TAKEN})
        for id_, why in refused:
            await self._tables.change(self._table, [id_], {"STATUS_FLG": _REFUSED, "NOTE": why})
        return Taken(new, known, len(refused))

    async def waiting(self) -> tuple[int, int | None]:
        """How many new rows there are, counted up to ``most``, and the oldest one's ``SOURCE_AT``. Raises OSError."""
        rows = await self._tables.rows(self._table, {"STATUS_FLG": _NEW}, self._most)
        return len(rows), min((int(row["SOURCE_AT"]) for row in rows), default=None)

    async def refused(self) -> int:
        """How many rows were refused, counted up to ``most``. Raises OSError."""
        return len(await self._tables.rows(self._table, {"STATUS_FLG": _REFUSED}, self._most))

    def _event(self, row: Row) -> Inbound:
        plain = {name.lower(): row[name] for name in ("EVENT_ID", "FLOW", "OBJECT_ID", "LANE", "SOURCE_AT")}
        event = msgspec.convert(plain, Inbound, strict=False)
        empty = [name for name in ("event_id", "object_id", "lane") if not getattr(event, name)]
        if empty:
            raise ValueError(f"{self._table} {row['ID']}: {empty[0].upper()} is empty; give it")
        if event.flow not in self._flows:
            raise ValueError(
                f"{self._table} {row['ID']}: no flow {event.flow!r}; there are: {', '.join(sorted(self._flows))}"
            )
        return event
