"""The audit log as a table of the journal, so that what is done and that it was done are one commit."""

from collections.abc import Iterator

from o2c_twin.integration.governance.audit import AuditTrail
from o2c_twin.integration.governance.storage import AuditRow
from o2c_twin.integration.store.port import Journal


class JournalAuditLog:
    """An append-only log in a journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def append(self, row: AuditRow) -> None:
        """Keep a row, in the transaction of what it is about."""
        self._journal.append_audit(row.seq, row.body, row.link)

    def last(self) -> AuditRow | None:
        """The row with the highest place."""
        row = self._journal.last_audit()
        return None if row is None else AuditRow(*row)

    def rows(self) -> Iterator[AuditRow]:
        """All rows by place."""
        return (AuditRow(*row) for row in self._journal.audit_rows())


class Trail:
    """Writes audit entries into a journal; several workers on one journal write one chain."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._log = JournalAuditLog(journal)
        self._own = None if journal.shared else AuditTrail(self._log)

    def add(self, at: int, who: str, what: str, object_: str, key: str, after: str = "") -> None:
        """Put something on record, in the transaction that is open or in one of its own."""
        with self._journal.together():
            trail = self._own
            if trail is None:
                self._journal.lock_audit()
                trail = AuditTrail(self._log)
            trail.add(at, who, what, object_, key, after=after)
