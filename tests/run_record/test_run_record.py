"""The run record: what is written is read back, and what is not a record is refused with a remedy."""

from pathlib import Path

import pytest

from o2c_twin.run_record import TABLES, RunRecord, RunRecordError, RunRecordWriter
from o2c_twin.run_record.page import markdown

_VALUES = {"text": "x", "integer": 7, "boolean": True, "instant": 1_700_000_000_000_001, "money": -123}


def test_every_table_is_read_back_as_it_was_written(tmp_path):
    writer = RunRecordWriter(tmp_path)
    for table in TABLES:
        writer.add(table.name, tuple(_VALUES[c.type] for c in table.columns))
    writer.close({"scenario": "s"})
    record = RunRecord(tmp_path)
    assert record.manifest["scenario"] == "s"
    for table in TABLES:
        frame = record.table(table.name)
        assert list(frame.columns) == [c.name for c in table.columns]
        assert len(frame) == 1
        for column in table.columns:
            value = frame[column.name].iloc[0]
            if column.type == "instant":
                assert value.value // 1_000 == _VALUES["instant"]
                assert str(value.tz) == "UTC"
            else:
                assert value == _VALUES[column.type]


def test_nullable_columns_may_be_empty_and_a_table_may_have_no_rows(tmp_path):
    writer = RunRecordWriter(tmp_path)
    orders = next(t for t in TABLES if t.name == "orders")
    writer.add("orders", tuple(None if c.nullable else _VALUES[c.type] for c in orders.columns))
    writer.close({})
    record = RunRecord(tmp_path)
    assert record.table("orders")["deal_id"].isna().all()
    assert len(record.table("invoices")) == 0


def test_a_folder_that_is_no_record_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(RunRecordError, match=r"no manifest\.json.*o2c run"):
        RunRecord(tmp_path)


def test_a_record_of_another_schema_version_is_refused(tmp_path):
    RunRecordWriter(tmp_path).close({"schema_version": 999})
    with pytest.raises(RunRecordError, match="schema version 999"):
        RunRecord(tmp_path)


def test_the_documentation_page_is_the_schema():
    page = Path(__file__).parents[2] / "docs" / "run-record.md"
    assert page.read_text(encoding="utf-8") == markdown()
