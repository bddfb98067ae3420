"""Erasing a subject, and the proof of it: afterwards nothing anywhere still tells who it was."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from o2c_twin.integration.governance.audit import AuditTrail
from o2c_twin.integration.governance.personal_data import pseudonymous
from o2c_twin.integration.governance.retention import Kept, LegalHold
from o2c_twin.integration.governance.vault import Vault


@dataclass(frozen=True, slots=True)
class Document:
    """A canonical record of a subject, and what is known of its keeping (``kept.subject`` is the subject's id)."""

    kept: Kept
    record: msgspec.Struct


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an erasure did: the pseudonym that remains, and the keys of the documents kept under it."""

    pseudonym: str
    held: tuple[str, ...]
    at: int


def erase(
    vault: Vault,
    trail: AuditTrail,
    subject: str,
    documents: Iterable[Document],
    holds: Iterable[LegalHold],
    keep: Callable[[Kept, dict[str, object]], None],
    who: str,
    at: int,
    on: str,
) -> Receipt:
    """Erase a subject. Raises `Erased` when that was done before, and then changes nothing.

    Documents under a legal hold (on the day ``on``) are handed to ``keep`` with the pseudonym in place of all that
    is personal, before the key is destroyed: when the process dies in between, it is done again. The audit trail
    gets one entry, which names the pseudonym. Free texts (remittance, reasons) are sealed, so they go with the key.
    """
    name = vault.pseudonym(subject)
    standing = tuple(holds)
    held: list[str] = []
    for document in documents:
        if any(hold.covers(document.kept, on) for hold in standing):
            keep(under_pseudonym(document.kept, name), pseudonymous(document.record, name))
            held.append(document.kept.key)
    trail.add(at, who, "erase subject", "Party", "", name)
    vault.erase(subject)
    return Receipt(name, tuple(held), at)


def under_pseudonym(kept: Kept, subject: str) -> Kept:
    """The same thing, kept under a pseudonym."""
    return Kept(kept.object, kept.key, subject, kept.since, kept.retention)


@dataclass(frozen=True, slots=True)
class Trace:
    """Something that still tells of a subject: where, and which of the needles was found in which spelling."""

    place: str
    needle: str
    spelling: str


def traces(contents: Iterable[tuple[str, bytes]], needles: Iterable[str]) -> Iterator[Trace]:
    """Where names, numbers or addresses of a subject can still be read, in any spelling a system writes.

    ``contents`` are places (table, file, log) with their raw bytes. Raises ValueError for a needle of fewer than
    three characters, which is found everywhere.
    """
    spelled = [(needle, spelling, found) for needle in needles for spelling, found in _spellings(needle)]
    for place, content in contents:
        low = content.lower()
        for needle, spelling, wanted in spelled:
            if wanted in (content if spelling.startswith("base64") else low):
                yield Trace(place, needle, spelling)


def _spellings(needle: str) -> Iterator[tuple[str, bytes]]:
    if len(needle) < 3:
        raise ValueError(f"{needle!r} is found everywhere; give three characters or more")
    low = needle.lower()
    yield "as it is", low.encode()
    if not needle.isascii():
        yield "JSON", json.dumps(low)[1:-1].lower().encode()
    if quote(low) != low:
        yield "in an address", quote(low).lower().encode()
        yield "in a form", quote(low, safe="").replace("%20", "+").lower().encode()
    for text in dict.fromkeys((needle, low)):
        data = text.encode()
        for shift in range(3):
            whole = base64.b64encode(b"\0" * shift + data)
            # Only the characters that no neighbour can change.
            inner = whole[-(-8 * shift // 6) : 8 * (shift + len(data)) // 6]
            if len(inner) >= 6:
                yield f"base64, {shift}", inner
