"""The audit log as a table of the journal, so that what is done and that it was done are one commit."""

from collections.abc import Iterator
from contextlib import contextmanager

from o2c_twin.integration.governance import subjects
from o2c_twin.integration.governance.audit import AuditTrail
from o2c_twin.integration.governance.errors import Erased
from o2c_twin.integration.governance.personal_data import ERASED
from o2c_twin.integration.governance.storage import AuditRow
from o2c_twin.integration.governance.vault import Vault
from o2c_twin.integration.store.port import KeptJournal


class JournalAuditLog:
    """An append-only log in a journal."""

    def __init__(self, journal: KeptJournal) -> None:
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
    """Writes audit entries into a journal; several workers on one journal write one chain.

    With a ``vault`` no entry names a person: what belongs to an account's lane tells its pseudonym, for what is in
    the chain can never be taken out of it.
    """

    def __init__(self, journal: KeptJournal, vault: Vault | None = None) -> None:
        self._journal = journal
        self._log = JournalAuditLog(journal)
        self._vault = vault

    @contextmanager
    def chain(self) -> Iterator[AuditTrail]:
        """The chain's end, in the transaction that is open or in one of its own."""
        with self._journal.together():
            self._journal.lock_audit()
            # From what is on record each time: what was rolled back is not the end of the chain.
            yield AuditTrail(self._log)

    def add(self, at: int, who: str, what: str, object_: str, key: str, after: str = "") -> None:
        """Put something on record. ``object_`` is the lane of what was written, or what an operation was about."""
        name = ""
        subject = subjects.of_lane(object_)
        if self._vault is not None and subject:
            try:
                name = self._vault.pseudonym(subject)
                after = after and self._vault.fingerprint(subject, after.encode())
            except Erased:
                name, after = ERASED, ""
            object_, key = subjects.renamed(object_, subject, name), subjects.up_to(key, subject, name)
        with self.chain() as trail:
            trail.add(at, who, what, object_, key, subject=name, after=after)
