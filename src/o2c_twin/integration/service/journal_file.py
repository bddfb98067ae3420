"""A journal that no engine is started on, read where it lies: for the commands that look at one."""

from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from o2c_twin.integration.governance.storage import AuditRow
from o2c_twin.integration.service.reading import as_sent
from o2c_twin.integration.store import Effect
from o2c_twin.integration.store.tables import AUDIT, EFFECT


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
