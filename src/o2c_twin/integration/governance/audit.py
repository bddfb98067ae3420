"""The audit trail: entries in a hash chain, the chain's end signed every day, and what was tampered with found.

Each link is the BLAKE2b of the link before and the entry's text. Who can write the whole table can also write a
new chain; the daily signatures, whose key is not in the database, are what that does not get past.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import Literal

import msgspec

from o2c_twin.integration.connectors.instants import to_date
from o2c_twin.integration.governance.storage import AuditLog, AuditRow

_SIZE = 32
GENESIS = hashlib.blake2b(b"o2c-twin audit, version 1", digest_size=_SIZE).digest()
"""The link before the first entry."""


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Who did what to whose record. ``at`` is in microseconds since the epoch.

    ``subject`` is a pseudonym, ``before`` and ``after`` are keyed hashes (`Vault.fingerprint`): nothing here names
    a person, so an erasure leaves the chain as it is. ``key`` is the business key of the record; of a record that is
    a subject's own (a customer), its pseudonym.
    """

    seq: int
    at: int
    who: str
    what: str
    object: str
    key: str
    subject: str = ""
    before: str = ""
    after: str = ""


class DayRoot(msgspec.Struct, frozen=True, array_like=True):
    """The signed end of the chain at the end of a day: ``count`` entries so far, the last of them with ``link``."""

    day: str
    count: int
    link: str
    signature: str = ""


Kind = Literal["changed", "missing", "swapped", "inserted", "truncated", "unsigned", "forged", "rewritten"]


class Fault(msgspec.Struct, frozen=True):
    """Something wrong: ``place`` is the entry's number, or the last good one for what ends too early."""

    kind: Kind
    place: int
    message: str


class Verdict(msgspec.Struct, frozen=True):
    """The outcome of a verification: how many entries were read, and all that is wrong, by place."""

    entries: int
    faults: tuple[Fault, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


_ENCODE = msgspec.json.Encoder().encode


class AuditTrail:
    """Writes entries to a log. One writer a log: it belongs to the journal's transaction.

    It remembers the end of the chain: after a transaction was rolled back, make a new one.
    """

    def __init__(self, log: AuditLog) -> None:
        self._log = log
        last = log.last()
        self._seq, self._link = (0, GENESIS) if last is None else (last.seq, last.link)

    def add(
        self,
        at: int,
        who: str,
        what: str,
        object_: str,
        key: str,
        subject: str = "",
        before: str = "",
        after: str = "",
    ) -> Entry:
        """Put something on record."""
        entry = Entry(self._seq + 1, at, who, what, object_, key, subject, before, after)
        body = _ENCODE(entry)
        link = hashlib.blake2b(self._link + body, digest_size=_SIZE).digest()
        self._log.append(AuditRow(entry.seq, body, link))
        self._seq, self._link = entry.seq, link
        return entry

    def sign(self, day: str, key: bytes, previous: DayRoot | None = None) -> DayRoot:
        """The root of a day: sign at its end, every day, also when nothing happened. Keep it away from the log."""
        return signed(DayRoot(day, self._seq, self._link.hex()), key, previous)


def entries(rows: Iterable[AuditRow]) -> list[Entry]:
    """What the rows say."""
    return [msgspec.json.decode(row.body, type=Entry) for row in rows]


def signed(root: DayRoot, key: bytes, previous: DayRoot | None) -> DayRoot:
    """With its signature (HMAC-SHA256), which takes in that of the day before: a root that goes missing is missed."""
    if len(key) < 16:
        raise ValueError("a key of fewer than 16 bytes can be guessed; take 32 random ones")
    told = _ENCODE((root.day, root.count, root.link, previous.signature if previous else ""))
    return msgspec.structs.replace(root, signature=hmac.new(key, told, hashlib.sha256).hexdigest())


def verify(log: AuditLog, roots: Sequence[DayRoot] = (), key: bytes = b"", through: str = "") -> Verdict:
    """Hold every entry against its neighbours and against the signed roots, the oldest root first.

    Finds any entry changed, dropped, swapped, inserted or cut off, and its place. ``through`` is the last day that
    must be signed. What was written after the last root can be cut off, or wholly rewritten, without a trace: sign
    often, and keep the roots elsewhere.
    """
    counts = iter(sorted({root.count for root in roots if root.count > 0}))
    wanted = next(counts, 0)
    links: dict[int, bytes] = {0: GENESIS}
    blake2b, link, seq = hashlib.blake2b, GENESIS, 0
    sound = True
    for row in log.rows():
        seq += 1
        body = row.body
        link = blake2b(link + body, digest_size=_SIZE).digest()
        if link != row.link or row.seq != seq or not body.startswith(b"[%d," % seq):
            sound = False
            break
        if seq == wanted:
            links[seq] = link
            wanted = next(counts, 0)
    if sound:
        return Verdict(seq, (*_against_roots(roots, key, seq, links), *_unsigned(roots, through, seq)))
    kept = list(log.rows())
    faults = [*_examined(kept, roots, key), *_unsigned(roots, through, len(kept))]
    return Verdict(len(kept), tuple(sorted(faults, key=lambda fault: fault.place)))


def _unsigned(roots: Sequence[DayRoot], through: str, count: int) -> list[Fault]:
    last = roots[-1].day if roots else ""
    if last >= through:
        return []
    return [Fault("unsigned", count, f"the last root is of {last or 'no day'}, and {through} should be signed")]


def _examined(rows: Sequence[AuditRow], roots: Sequence[DayRoot], key: bytes) -> tuple[Fault, ...]:
    """All that is wrong with a chain that does not hold, each row judged by the one that should come before it."""
    faults: list[Fault] = []
    said = [_number(row) for row in rows]
    by_number: dict[int, list[AuditRow]] = {}
    for row, number in zip(rows, said, strict=True):
        if number != row.seq:
            faults.append(
                Fault("swapped", row.seq, f"entry {row.seq} says it is {number or 'none'}; another is in its place")
            )
        by_number.setdefault(number or row.seq, []).append(row)
    for before, after in pairwise(said):
        if 0 < after < before:
            faults.append(Fault("swapped", after, f"entry {after} stands behind entry {before}"))
    highest = max(by_number, default=0)
    genuine: dict[int, bytes] = {0: GENESIS}
    for number in range(1, highest + 1):
        there = by_number.get(number, [])
        if not there:
            faults.append(Fault("missing", number, f"entry {number} is gone"))
            continue
        link = genuine.get(number - 1)
        # After a gap there is nothing to hold an entry against.
        holding = [row for row in there if link is None or _link(link, row.body) == row.link]
        if not holding and len(there) == 1:
            faults.append(Fault("changed", number, f"entry {number} or its link is not what was written"))
        extra = [row for row in there if row not in holding] if len(there) > 1 else []
        extra += holding[1:]
        faults += [Fault("inserted", number, f"there is more than one entry {number}; one was put in")] * len(extra)
        genuine[number] = (holding or there)[0].link
    faults += _against_roots(roots, key, highest, genuine)
    return tuple(sorted(dict.fromkeys(faults), key=lambda fault: fault.place))


def _number(row: AuditRow) -> int:
    try:
        return msgspec.json.decode(row.body, type=Entry).seq
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return 0


def _link(before: bytes, body: bytes) -> bytes:
    return hashlib.blake2b(before + body, digest_size=_SIZE).digest()


def _against_roots(roots: Sequence[DayRoot], key: bytes, count: int, links: dict[int, bytes]) -> list[Fault]:
    """What does not hold against the roots; an entry without a link here is known to be missing."""
    faults: list[Fault] = []
    previous: DayRoot | None = None
    good = 0
    for root in roots:
        if not hmac.compare_digest(signed(root, key, previous).signature, root.signature):
            message = f"the root of {root.day} is not signed with this key after the one before it"
            faults.append(Fault("forged", root.count, message))
        elif previous is not None and date.fromisoformat(root.day).toordinal() - _day(previous) != 1:
            faults.append(Fault("unsigned", root.count, f"no root between {previous.day} and {root.day}"))
        elif root.count > count:
            faults.append(
                Fault("truncated", count, f"{root.count} entries were signed on {root.day}, {count} are there")
            )
        elif root.count in links and links[root.count].hex() != root.link:
            message = f"entries {good + 1} to {root.count} are not those signed on {root.day}"
            faults.append(Fault("rewritten", good + 1, message))
        else:
            good = root.count
        previous = root
    return faults


def _day(root: DayRoot) -> int:
    return date.fromisoformat(root.day).toordinal()


def day_of(at: int) -> str:
    """The day an instant belongs to, in UTC: that of the root that covers it."""
    return to_date(at)
