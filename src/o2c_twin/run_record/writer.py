"""Writes a run record: rows go into bounded buffers and from there into Parquet files."""

import json
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from o2c_twin.run_record.schema import SCHEMA_VERSION, TABLES, Table

_ARROW: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "instant": pa.timestamp("us", tz="UTC"),
    "money": pa.int64(),
}
# Rows held in memory per table before they are written out: keeps a year of API calls flat in memory.
_BATCH_ROWS = 65_536


def arrow_schema(table: Table) -> pa.Schema:
    """The Arrow schema of one table."""
    return pa.schema(
        [pa.field(c.name, _ARROW[c.type], nullable=c.nullable, metadata={"meaning": c.meaning}) for c in table.columns]
    )


class _TableWriter:
    def __init__(self, table: Table, path: Path | None) -> None:
        self._schema = arrow_schema(table)
        self._path = path
        self.rows: list[tuple[Any, ...]] = []
        self._file: pq.ParquetWriter | None = None

    def add(self, row: tuple[Any, ...]) -> None:
        rows = self.rows
        rows.append(row)
        if len(rows) >= _BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        if self._path is None:
            self.rows.clear()
            return
        if self._file is None:
            # Texts repeat; figures do not, and a dictionary of them would be as long as the column.
            texts = [field.name for field in self._schema if field.type == pa.string()]
            self._file = pq.ParquetWriter(self._path, self._schema, compression="zstd", use_dictionary=texts)
        if self.rows and len(self.rows[0]) != len(self._schema):
            raise ValueError(f"{self._path}: a row of {len(self.rows[0])} values for {len(self._schema)} columns")
        # Column by column: `zip(*rows)` walks an iterator for each row at once, at three times the cost.
        arrays = [
            pa.array(list(map(itemgetter(place), self.rows)), type=field.type)
            for place, field in enumerate(self._schema)
        ]
        self._file.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self.rows.clear()

    def close(self) -> None:
        self.flush()
        if self._file is not None:
            self._file.close()


class RunRecordWriter:
    """Collects the rows of one run; instants are integer microseconds since the Unix epoch.

    With ``directory=None`` rows are counted and dropped, for runs that only want the figures
    kept elsewhere (sweeps that test an invariant).
    """

    def __init__(self, directory: Path | None) -> None:
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._tables = {
            t.name: _TableWriter(t, None if directory is None else directory / f"{t.name}.parquet") for t in TABLES
        }

    def add(self, table: str, row: tuple[Any, ...]) -> None:
        """Add one row, its values in the schema's column order."""
        self._tables[table].add(row)

    def adder(self, table: str) -> Callable[[tuple[Any, ...]], None]:
        """What adds a row to one table, for those who have many."""
        return self._tables[table].add

    def close(self, manifest: dict[str, Any]) -> None:
        """Write what is buffered, then the manifest: a directory without one is an unfinished run."""
        for writer in self._tables.values():
            writer.close()
        if self._directory is not None:
            text = json.dumps({"schema_version": SCHEMA_VERSION, **manifest}, indent=2, sort_keys=True)
            (self._directory / "manifest.json").write_text(text + "\n", encoding="utf-8")
