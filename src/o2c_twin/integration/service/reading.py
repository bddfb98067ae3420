"""The audit trail of a journal read by people: as text, and as it is kept."""

import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from o2c_twin.integration.governance.audit import entries
from o2c_twin.integration.governance.storage import AuditRow
from o2c_twin.integration.store import KeptJournal
from o2c_twin.integration.store.audit_log import JournalAuditLog

_NAMES = ("seq", "at", "who", "what", "object", "key", "subject", "before", "after")


class JournalAudit:
    """The audit trail of a journal."""

    def __init__(self, journal: KeptJournal) -> None:
        self._log = JournalAuditLog(journal)

    def entries(self) -> list[dict[str, Any]]:
        """What it says, oldest first."""
        told = entries(self._log.rows())
        return [dict(zip(_NAMES, msgspec.structs.astuple(entry), strict=True)) for entry in told]

    def rows(self) -> list[dict[str, Any]]:
        """As it is kept: place, text as it was hashed, link; bytes in base64."""
        return [as_sent(row) for row in self._log.rows()]


def as_sent(row: AuditRow) -> dict[str, Any]:
    """A row for the wire."""
    return {"seq": row.seq, "body": base64.b64encode(row.body).decode(), "link": base64.b64encode(row.link).decode()}


class RowsRead:
    """An audit log that was read elsewhere, to be verified: rows as `as_sent` gives them."""

    def __init__(self, sent: list[dict[str, Any]]) -> None:
        self._rows = [
            AuditRow(row["seq"], base64.b64decode(row["body"]), base64.b64decode(row["link"])) for row in sent
        ]

    def append(self, row: AuditRow) -> None:
        """Raises TypeError: it is only read."""
        raise TypeError("a trail that was read is not written; write to the journal")

    def last(self) -> AuditRow | None:
        """The row with the highest place."""
        return self._rows[-1] if self._rows else None

    def rows(self) -> Iterator[AuditRow]:
        """All rows by place."""
        return iter(self._rows)
