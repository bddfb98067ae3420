"""Reads a run record as pandas tables, each loaded on first use."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from o2c_twin.run_record.schema import SCHEMA_VERSION, TABLE_BY_NAME


class RunRecordError(ValueError):
    """The directory is not a finished run record this version can read; the message says what to do."""


class RunRecord:
    """One finished run: ``manifest`` and ``table(name)``.

    Raises `RunRecordError` when the directory has no manifest or another schema version.
    """

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory)
        path = self.directory / "manifest.json"
        if not path.is_file():
            raise RunRecordError(
                f"{self.directory}: not a run record (no manifest.json); make one with 'o2c run SCENARIO --out DIR'"
            )
        self.manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = self.manifest.get("schema_version")
        if version != SCHEMA_VERSION:
            raise RunRecordError(
                f"{path}: schema version {version}, this version reads {SCHEMA_VERSION}; run the scenario again"
            )
        self._load = cache(self._read)

    def _read(self, name: str) -> pd.DataFrame:
        if name not in TABLE_BY_NAME:
            raise KeyError(f"no table {name!r} in the run record; there are {', '.join(TABLE_BY_NAME)}")
        frame: pd.DataFrame = pq.read_table(self.directory / f"{name}.parquet").to_pandas()
        return frame

    def table(self, name: str) -> pd.DataFrame:
        """The table as a data frame (shared: do not change it in place)."""
        frame: pd.DataFrame = self._load(name)
        return frame
