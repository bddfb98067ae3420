"""The run record: what one run leaves behind, and the only thing reports may read.

A directory with ``manifest.json`` and one Parquet file a table. The schema is in `schema`,
writing in `writer`, reading in `reader`.
"""

from o2c_twin.run_record.reader import RunRecord, RunRecordError
from o2c_twin.run_record.schema import SCHEMA_VERSION, TABLES, Column, Table
from o2c_twin.run_record.writer import RunRecordWriter

__all__ = ["SCHEMA_VERSION", "TABLES", "Column", "RunRecord", "RunRecordError", "RunRecordWriter", "Table"]
