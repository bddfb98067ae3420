"""A journal read by people: its audit trail as text and as it is kept, and a journal that no engine is started on."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from o2c_twin.integration.governance.audit import entries
from o2c_twin.integration.governance.storage import AuditRow
from o2c_twin.integration.store import Effect, KeptJournal
from o2c_twin.integration.store.audit_log import JournalAuditLog
from o2c_twin.integration.store.tables import AUDIT, EFFECT

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


class JournalFile:
    """A journal at rest or at work, only read. Raises ValueError naming the address and the remedy."""

    def __init__(self, url: str) -> None:
        self._url = url
        if url.startswith("sqlite:///"):
            path = Path(url.removeprefix("sqlite:///"))
            if not path.is_file():
                raise ValueError(f"{url}: there is no such journal; give sqlite:///FILE or postgresql+pg8000://")
            url = f"sqlite:///file:{path}?mode=ro&uri=true"
        elif not url.startswith("postgresql+pg8000://"):
            raise ValueError(f"{url}: is no journal; give sqlite:///FILE or postgresql+pg8000://")
        self._engine = create_engine(url)

    def _read(self, statement: Any) -> list[Any]:
        try:
            with self._engine.connect() as db:
                return list(db.execute(statement))
        except SQLAlchemyError as bad:
            reason = str(getattr(bad, "orig", None) or bad).splitlines()[0]
            raise ValueError(f"{self._url}: cannot be read as a journal: {reason}; give another one") from bad

    def audit_rows(self) -> list[dict[str, Any]]:
        """The audit trail as it is kept."""
        return [as_sent(AuditRow(*row)) for row in self._read(select(AUDIT).order_by(AUDIT.c.seq))]

    def effects(self) -> list[Effect]:
        """All writes and decisions, oldest first; sealed ones as they are kept."""
        return [Effect(*row) for row in self._read(select(EFFECT).order_by(EFFECT.c.created_at, EFFECT.c.key))]
