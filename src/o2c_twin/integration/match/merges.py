"""Merged customers as a record that can be taken back: rows are only added, and what is current is derived."""

from collections.abc import Iterator
from dataclasses import dataclass


class MergeError(ValueError):
    """A merge or an undo that makes no sense now; the message names the ids and the remedy."""


@dataclass(frozen=True, slots=True)
class Merge:
    """``absorbed`` became part of ``survivor``: when, by whom or what, and for which reason."""

    id: str
    survivor: str
    absorbed: str
    at: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Undo:
    """The merge of that id is taken back."""

    merge_id: str
    at: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class MergeLedger:
    """All merges and undos in the order they were made. A value: each change gives a new ledger."""

    rows: tuple[Merge | Undo, ...] = ()

    def merged(self, merge: Merge) -> "MergeLedger":
        """With one more merge. Raises `MergeError` unless both are customers of their own today."""
        if any(isinstance(row, Merge) and row.id == merge.id for row in self.rows):
            raise MergeError(f"there is a merge {merge.id!r} already; give this one an id of its own")
        if merge.survivor == merge.absorbed:
            raise MergeError(f"{merge.survivor!r} cannot be merged into itself; name two customers")
        for party in (merge.survivor, merge.absorbed):
            if (current := self.current(party)) != party:
                raise MergeError(f"{party!r} is merged into {current!r}; merge {current!r} instead, or undo that first")
        return MergeLedger((*self.rows, merge))

    def undone(self, undo: Undo) -> "MergeLedger":
        """With a merge taken back, in any order. Raises `MergeError` when no such merge stands.

        Merges into the absorbed customer stand and go with it.
        """
        if all(merge.id != undo.merge_id for merge in self.standing()):
            raise MergeError(f"no merge {undo.merge_id!r} stands; see `standing` for those that can be undone")
        return MergeLedger((*self.rows, undo))

    def standing(self) -> Iterator[Merge]:
        """The merges not taken back, oldest first."""
        undone = {row.merge_id for row in self.rows if isinstance(row, Undo)}
        return (row for row in self.rows if isinstance(row, Merge) and row.id not in undone)

    def current(self, party: str) -> str:
        """The customer that ``party`` is part of today: itself when it was never merged."""
        into = {merge.absorbed: merge.survivor for merge in self.standing()}
        while party in into:
            party = into[party]
        return party


@dataclass(frozen=True, slots=True)
class CrossReference:
    """One system's record of a customer, as it was linked: a merge never rewrites ``party``."""

    system: str
    kind: str
    remote_id: str
    party: str
    linked_at: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A record whose customer is another one than before."""

    reference: CrossReference
    before: str
    after: str


def owners(references: tuple[CrossReference, ...], ledger: MergeLedger) -> dict[CrossReference, str]:
    """The customer that owns each record under a ledger."""
    return {reference: ledger.current(reference.party) for reference in references}


def moved(references: tuple[CrossReference, ...], before: MergeLedger, after: MergeLedger) -> tuple[Moved, ...]:
    """The records that change owner between two ledgers: what the other systems have to be told."""
    was, is_now = owners(references, before), owners(references, after)
    return tuple(Moved(r, was[r], is_now[r]) for r in references if was[r] != is_now[r])


def linked_since(references: tuple[CrossReference, ...], merge: Merge) -> tuple[CrossReference, ...]:
    """The records linked to the survivor after a merge. They stay with it when the merge is undone, and a person
    has to say which of them belong to the other customer."""
    return tuple(r for r in references if r.party == merge.survivor and r.linked_at >= merge.at)
