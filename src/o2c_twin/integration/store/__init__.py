"""The engine's durable memory: what is committed survives the process."""

from o2c_twin.integration.store.memory import MemoryJournal
from o2c_twin.integration.store.port import Journal, KeptJournal, SharedJournal
from o2c_twin.integration.store.records import ApprovalRow, Case, Effect, Link
from o2c_twin.integration.store.sqlite import JournalInUse, SqliteJournal

__all__ = [
    "ApprovalRow",
    "Case",
    "Effect",
    "Journal",
    "JournalInUse",
    "KeptJournal",
    "Link",
    "MemoryJournal",
    "SharedJournal",
    "SqliteJournal",
]
