"""The staging tables of virtual time: SQLite in memory, on the connection of this object alone."""

import sqlite3
from collections.abc import Mapping, Sequence

from o2c_twin.mock_systems.vendors.legacy_erp.media import Row
from o2c_twin.mock_systems.vendors.legacy_erp.schema import SCHEMA, Column, checked

# TEXT keeps a decimal amount exact whichever way it is written; SQLite has no decimal type.
_SQL = {"text": "TEXT", "number": "INTEGER", "amount": "TEXT"}


def create_statements() -> list[str]:
    """The tables, for SQLite."""
    made = []
    for table, columns in SCHEMA.items():
        body = ", ".join(_column(column) for column in columns)
        made.append(f"CREATE TABLE {table} (ID INTEGER PRIMARY KEY AUTOINCREMENT, {body})")
        if any(column.name == "STATUS_FLG" for column in columns):
            made.append(f"CREATE INDEX {table}_NEW ON {table} (STATUS_FLG, ID)")
        if any(column.name == "REF" for column in columns):
            made.append(f"CREATE INDEX {table}_REF ON {table} (REF)")
        made.append(f"CREATE INDEX {table}_KEY ON {table} (BATCH_ID, SEQ)")
    return made


def _column(column: Column) -> str:
    default = "" if column.default is None else f" DEFAULT '{column.default}'"
    return f"{column.name} {_SQL[column.kind]}{default}"


class MemoryTables:
    """SQLite in memory. ``connection`` is for who wants to look with plain SQL."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        for statement in create_statements():
            self.connection.execute(statement)

    def __del__(self) -> None:
        # Worlds are dropped, not closed; an open connection would be remarked upon.
        self.connection.close()

    async def insert(self, rows: Sequence[tuple[str, Row]]) -> None:
        """Insert rows in one transaction."""
        for table, row in rows:
            checked(table, row)
        self.connection.execute("BEGIN")
        try:
            for table, row in rows:
                marks = ", ".join("?" * len(row))
                self.connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))
        except sqlite3.Error as bad:
            self.connection.execute("ROLLBACK")
            raise ValueError(f"rows refused by the database: {bad}") from bad
        self.connection.execute("COMMIT")

    async def claim(self, table: str, most: int, batch: str, stamp: str) -> list[Row]:
        """Set the oldest new rows to picked and give them."""
        self.connection.execute(
            f"UPDATE {table} SET STATUS_FLG = 'P', ERP_BATCH = ?, PRC_TS = ? WHERE ID IN"
            f" (SELECT ID FROM {table} WHERE STATUS_FLG = 'N' ORDER BY ID LIMIT ?)",
            (batch, stamp, most),
        )
        return await self.rows(table, {"ERP_BATCH": batch, "STATUS_FLG": "P"})

    async def rows(self, table: str, where: Mapping[str, str | int], most: int | None = None) -> list[Row]:
        """Rows with these values, in order of ``ID``."""
        tests = " AND ".join(f"{name} = ?" for name in where) or "1"
        found = self.connection.execute(
            f"SELECT * FROM {table} WHERE {tests} ORDER BY ID LIMIT ?",
            [*where.values(), -1 if most is None else most],
        )
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]

    async def change(self, table: str, ids: Sequence[int], columns: Row) -> None:
        """Change columns of rows."""
        checked(table, columns)
        changes = ", ".join(f"{name} = ?" for name in columns)
        self.connection.executemany(
            f"UPDATE {table} SET {changes} WHERE ID = ?", [[*columns.values(), id_] for id_ in ids]
        )

    def dump(self) -> bytes:
        """The database as a file's bytes."""
        return self.connection.serialize()

    def load(self, content: bytes) -> None:
        """Back to these bytes."""
        self.connection.deserialize(content)
