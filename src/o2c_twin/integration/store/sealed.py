"""Journals in which what is personal is sealed for its subject, so that it can be forgotten.

Sealed are the arguments of writes, the decisions they rest on, and what is said in cases; bank accounts become keyed
hashes. Names of things (ids, lanes) stay readable, for the engine finds its work by them; an erasure renames them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from o2c_twin.integration.connectors.writes import WRITES
from o2c_twin.integration.governance import subjects
from o2c_twin.integration.governance.errors import Erased
from o2c_twin.integration.governance.personal_data import ERASED
from o2c_twin.integration.governance.vault import MARK, Vault
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.store.records import Case, Effect
from o2c_twin.integration.store.sqlite import SqliteJournal

if TYPE_CHECKING:
    _Base = SqliteJournal
else:
    _Base = object

_DECISION = "decide:cash:"
_ACCOUNT = "payer"
_INDEX = "index of payers"


class Sealing(_Base):
    """What a sealed journal does otherwise. Reading what was erased gives `ERASED`, or no arguments."""

    _vault: Vault

    # --- inbox -----------------------------------------------------------------------------------

    def accept(self, event: Inbound, now: int) -> bool:
        """Commit an event to the inbox; one of an erased subject is not taken."""
        subject = subjects.of_lane(event.lane)
        if subject and self._vault.erased(subject):
            return False
        return super().accept(event, now)

    # --- effects ---------------------------------------------------------------------------------

    def intend(self, effect: Effect) -> Effect | None:
        """Put an effect on record with its arguments sealed. Raises `Erased` for a new one of an erased subject."""
        known = self.effect(effect.key)
        if known is not None:
            return known
        subject = subjects.of_write(effect.write, WRITES[effect.write].arguments.decode(effect.arguments))
        if subject:
            token = self._vault.seal(subject, effect.arguments.decode(), arguments_at(effect.key))
            effect = msgspec.structs.replace(effect, arguments=token.encode())
        return super().intend(effect)

    def effect(self, key: str) -> Effect | None:
        """The effect of that key."""
        found = super().effect(key)
        return None if found is None else opened_effect(self._vault, found)

    def unsettled(self) -> list[Effect]:
        """Effects without an outcome, oldest first."""
        return [opened_effect(self._vault, effect) for effect in super().unsettled()]

    def record(self, key: str, result: str, now: int) -> None:
        """Put a decision on record."""
        if key.startswith(_DECISION):
            result = self._vault.seal(subjects.entry(key.removeprefix(_DECISION)), result, f"effect.result/{key}")
        super().record(key, result, now)

    def outcome(self, key: str) -> str | None:
        """The result of an effect or decision that is done. Raises `Erased`."""
        result = super().outcome(key)
        if result is None or not result.startswith(MARK):
            return result
        return self._vault.open(result, f"effect.result/{key}")

    # --- cross-references ------------------------------------------------------------------------

    def remote(self, system: str, kind: str, canonical: str) -> str | None:
        """The id a system has for something."""
        return super().remote(system, kind, self.hidden(kind, canonical))

    def link(self, system: str, kind: str, canonical: str, remote: str) -> None:
        """Remember the id a system has for something."""
        super().link(system, kind, self.hidden(kind, canonical), remote)

    def hidden(self, kind: str, canonical: str) -> str:
        """What a cross-reference is found by: of a payer's account a keyed hash."""
        return self._vault.fingerprint(_INDEX, canonical.encode()) if kind == _ACCOUNT else canonical

    # --- cases -----------------------------------------------------------------------------------

    def open_case(self, case: Case) -> bool:
        """Put a case on record."""
        return super().open_case(msgspec.structs.replace(case, reason=self._told(case, case.reason, "reason")))

    def close_case(self, case_id: str, now: int, by: str = "", note: str = "", state: str = "closed") -> bool:
        """A person settled it; False when it is not open."""
        case = super().case(case_id)
        if case is not None and note:
            note = self._told(case, note, "note")
        return super().close_case(case_id, now, by, note, state)

    def case(self, case_id: str) -> Case | None:
        """The case of that id."""
        case = super().case(case_id)
        return None if case is None else self._opened_case(case)

    def cases(self, state: str | None = None) -> list[Case]:
        """Cases in the order they were opened."""
        return [self._opened_case(case) for case in super().cases(state)]

    def _told(self, case: Case, text: str, field: str) -> str:
        try:
            return self._vault.seal(_subject(case), text, f"case.{field}")
        except Erased:
            return ERASED

    def _opened_case(self, case: Case) -> Case:
        reason = _read(self._vault, case.reason, "case.reason") or ""
        return msgspec.structs.replace(case, reason=reason, note=_read(self._vault, case.note, "case.note"))


class SealedSqliteJournal(Sealing, SqliteJournal):
    """One worker's journal, sealed. Raises `JournalInUse`."""

    def __init__(self, path: str, vault: Vault, synchronous: str = "FULL") -> None:
        super().__init__(path, synchronous)
        self._vault = vault


def arguments_at(key: str) -> str:
    """The place an effect's arguments are sealed for."""
    return f"effect.arguments/{key}"


def opened_effect(vault: Vault, effect: Effect) -> Effect:
    """An effect with its arguments readable; of an erased subject there are none left."""
    if not effect.arguments.startswith(MARK.encode()):
        return effect
    try:
        arguments = vault.open(effect.arguments.decode(), arguments_at(effect.key)).encode()
    except Erased:
        arguments = b""
    return msgspec.structs.replace(effect, arguments=arguments)


def sealed_for(effect: Effect, names: Sequence[str]) -> bool:
    """Whether an effect as it is kept is sealed for one of these pseudonyms."""
    token = effect.arguments.decode("utf-8", "replace")
    return any(token.startswith(f"{MARK}{name}:") for name in names)


def _subject(case: Case) -> str:
    return subjects.of_case(case.flow, case.object_id, case.lane)


def _read(vault: Vault, text: str | None, place: str) -> str | None:
    if text is None or not text.startswith(MARK):
        return text
    try:
        return vault.open(text, place)
    except Erased:
        return ERASED


__all__ = ["SealedSqliteJournal", "Sealing", "arguments_at", "opened_effect", "sealed_for"]
