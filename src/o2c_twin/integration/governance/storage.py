"""What governance needs kept: two small ports, and a memory that serves both in tests and simulated runs."""

from collections.abc import Iterator
from typing import Protocol

import msgspec


class AuditRow(msgspec.Struct, frozen=True, gc=False):
    """One row of the audit log: its place from 1, its text as it was hashed, its link in the chain."""

    seq: int
    body: bytes
    link: bytes


class AuditLog(Protocol):
    """An append-only log. In a database: one table, ``seq`` its primary key, without update and delete."""

    def append(self, row: AuditRow) -> None:
        """Keep a row; it belongs to the transaction of what it is about. Raises when its place is taken."""
        ...

    def last(self) -> AuditRow | None:
        """The row with the highest place."""
        ...

    def rows(self) -> Iterator[AuditRow]:
        """All rows by place."""
        ...


class KeyStore(Protocol):
    """The subjects' keys, wrapped. In a database of its own: what is destroyed must be gone from backups too.

    ``slot`` is what a subject is found by, ``name`` what its sealed texts carry; neither tells who it is.
    """

    def by_slot(self, slot: str) -> tuple[str, bytes] | None:
        """Name and wrapped key."""
        ...

    def by_name(self, name: str) -> bytes | None:
        """The wrapped key."""
        ...

    def add(self, slot: str, name: str, wrapped: bytes) -> bool:
        """Keep a key; False, and nothing is kept, when the slot has one or had one."""
        ...

    def destroy(self, slot: str) -> bool:
        """Forget name and key, and remember only that the slot was destroyed; False when that was done before."""
        ...

    def destroyed(self, slot: str) -> bool:
        """Whether the slot's key was destroyed."""
        ...


class MemoryLog:
    """An audit log in memory."""

    def __init__(self) -> None:
        self.kept: list[AuditRow] = []

    def append(self, row: AuditRow) -> None:
        """Keep a row. Raises ValueError when its place is taken."""
        if self.kept and row.seq <= self.kept[-1].seq:
            raise ValueError(f"place {row.seq} is taken; append after {self.kept[-1].seq}")
        self.kept.append(row)

    def last(self) -> AuditRow | None:
        """The row with the highest place."""
        return self.kept[-1] if self.kept else None

    def rows(self) -> Iterator[AuditRow]:
        """All rows by place."""
        return iter(self.kept)


class MemoryKeys:
    """A key store in memory."""

    def __init__(self) -> None:
        self.slots: dict[str, str] = {}
        self.keys: dict[str, bytes] = {}
        self.gone: dict[str, bool] = {}

    def by_slot(self, slot: str) -> tuple[str, bytes] | None:
        """Name and wrapped key."""
        name = self.slots.get(slot)
        return None if name is None else (name, self.keys[name])

    def by_name(self, name: str) -> bytes | None:
        """The wrapped key."""
        return self.keys.get(name)

    def add(self, slot: str, name: str, wrapped: bytes) -> bool:
        """Keep a key; a subject has one, once."""
        if slot in self.slots or slot in self.gone:
            return False
        self.slots[slot] = name
        self.keys[name] = wrapped
        return True

    def destroy(self, slot: str) -> bool:
        """Forget name and key."""
        if slot in self.gone:
            return False
        name = self.slots.pop(slot, None)
        if name is not None:
            del self.keys[name]
        self.gone[slot] = True
        return True

    def destroyed(self, slot: str) -> bool:
        """Whether the slot's key was destroyed."""
        return slot in self.gone
