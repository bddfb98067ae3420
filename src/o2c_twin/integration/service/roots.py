"""The audit trail's daily roots: signed at the end of each day, kept in a file beside the journal."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec

from o2c_twin.integration.governance.audit import GENESIS, DayRoot, day_of, entries, signed
from o2c_twin.integration.governance.storage import AuditLog


def read_roots(path: Path) -> list[DayRoot]:
    """The roots of a file, the oldest first. Raises ValueError naming file, line and remedy; OSError."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                found.append(msgspec.json.decode(line, type=DayRoot))
            except msgspec.MsgspecError as bad:
                raise ValueError(
                    f"{path}:{number}: no root of a day: {bad}; take the file from where it was kept"
                ) from bad
    return found


def roots_due(log: AuditLog, last: DayRoot | None, today: str, key: bytes) -> Iterator[DayRoot]:
    """The roots of all days that are over and not signed; the first one covers all there was before."""
    rows = list(log.rows())
    told = entries(rows)
    if last is None:
        first = day_of(told[0].at) if told else (date.fromisoformat(today) - timedelta(1)).isoformat()
    else:
        first = (date.fromisoformat(last.day) + timedelta(1)).isoformat()
    count = 0 if last is None else last.count
    while first < today:
        while count < len(told) and day_of(told[count].at) <= first:
            count += 1
        link = (rows[count - 1].link if count else GENESIS).hex()
        last = signed(DayRoot(first, count, link), key, last)
        yield last
        first = (date.fromisoformat(first) + timedelta(1)).isoformat()


class RootsFile:
    """Signs the days that are over into a file, one line a day; a line is on the disk before the next is made."""

    def __init__(self, path: Path, key: bytes, log: AuditLog, now: Callable[[], int]) -> None:
        self._path = path
        self._key = key
        self._log = log
        self._now = now
        self._last: DayRoot | None = None

    def sign(self) -> int:
        """Sign what is due; gives how many days. Raises ValueError when the file is damaged, OSError."""
        today = day_of(self._now())
        yesterday = (date.fromisoformat(today) - timedelta(1)).isoformat()
        if self._last is not None and self._last.day >= yesterday:
            return 0
        there = read_roots(self._path) if self._path.exists() else []
        self._last = there[-1] if there else None
        made = 0
        for root in roots_due(self._log, self._last, today, self._key):
            with self._path.open("ab") as out:
                out.write(msgspec.json.encode(root) + b"\n")
            self._last = root
            made += 1
        return made
