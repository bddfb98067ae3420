"""Journals that earlier versions left behind: each is brought up to this one, and what is in it is worked on."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.store import SqliteJournal, migrate
from o2c_twin.integration.store.postgres import PostgresJournal

KEPT = Path(__file__).parent / "old_journals"
OPEN = Inbound("erp:order-status:7:1", "order-status", "7", "order:7", 1)
STEPS = sorted(path.name[1:5] for path in Path(migrate.__file__).parent.glob("migrations/versions/v*.py"))


def _made_by(url, step):
    """A database as the engine of that step made it, with an open event and an order that is done."""
    engine = create_engine(url)
    with engine.begin() as connection:
        command.upgrade(migrate._config(connection), step)
        connection.exec_driver_sql(
            "insert into inbox (event_id, flow, object_id, lane, source_at, received_at, state)"
            " values ('erp:order-status:7:1', 'order-status', '7', 'order:7', 1, 2, 'open')"
        )
        connection.exec_driver_sql("insert into lane (name, lease_until) values ('order:7', 0)")
        connection.exec_driver_sql(
            "insert into effect (key, system, write, arguments, correlation, lane, state, result, attempts, created_at,"
            " sent_at) values ('order:D1', 'erp', 'put_order', '[]', 'c', 'order:7', 'done', '7', 1, 1, 1)"
        )
    engine.dispose()


@pytest.mark.parametrize("step", STEPS)
def test_a_database_of_any_step_is_brought_up_and_worked_on(step, postgres_url):
    _made_by(postgres_url, step)
    journal = PostgresJournal(postgres_url, "anna")
    assert journal.claim(10, 1_000, 5) == [OPEN]
    assert journal.told("order-status", "7") == (1, -1)
    journal.reading(OPEN.event_id, 11)
    assert journal.told("order-status", "7") == (1, 11)
    assert journal.outcome("order:D1") == "7"
    assert journal.approvals() == []
    journal.close()


@pytest.mark.parametrize("kept", sorted(KEPT.glob("sqlite_*.sql")), ids=lambda path: path.stem)
def test_a_file_of_any_version_is_brought_up_and_worked_on(kept, tmp_path):
    path = tmp_path / "engine.db"
    old = sqlite3.connect(path)
    old.executescript(kept.read_text())
    old.close()
    for _ in range(2):
        journal = SqliteJournal(str(path))
        assert journal.pending() == [OPEN]
        assert journal.outcome("order:D1") == "7"
        columns = [row[1] for row in journal._db.execute("pragma table_info(inbox)")]
        assert columns[-1] == "read_at"
        journal.close()
