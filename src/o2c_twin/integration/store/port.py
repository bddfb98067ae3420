"""The engine's memory, as the engine sees it: SQLite for one worker, PostgreSQL for many, dictionaries to simulate.

What is committed survives the process; `Journal.together` makes several changes one commit.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.store.records import ApprovalRow, Backlog, Case, Effect, Link


class Journal(Protocol):
    """Inbox, effects, cross-references, cursors, cases. Every method is one commit, unless inside `together`."""

    shared: bool
    """Whether other workers use the same memory: then lanes are claimed, not taken."""

    def together(self) -> AbstractContextManager[None]:
        """All changes inside the block are one commit, or none is made."""
        ...

    def close(self) -> None:
        """Let go of the memory; what is committed stays."""
        ...

    # --- inbox -----------------------------------------------------------------------------------

    def accept(self, event: Inbound, now: int) -> bool:
        """Commit an event to the inbox; False when it is there already."""
        ...

    def finish(self, event_id: str, state: str, parked_on: str | None = None) -> None:
        """The event is ``done``, ``dead``, or ``parked`` until the effect ``parked_on`` is settled."""
        ...

    def pending(self) -> list[Inbound]:
        """Open events in the order they were received."""
        ...

    def release(self, effect_key: str) -> list[Inbound]:
        """Open again what is parked on an effect; gives those events in the order they were received."""
        ...

    def reopen(self, event_id: str) -> Inbound | None:
        """Open a dead event again, to be worked once more; None when it is not known."""
        ...

    # --- effects ---------------------------------------------------------------------------------

    def intend(self, effect: Effect) -> Effect | None:
        """Put an effect on record as sent; gives the one on record instead, when there is one already."""
        ...

    def event(self, event_id: str) -> tuple[Inbound, str] | None:
        """An event and its state."""
        ...

    def effect(self, key: str) -> Effect | None:
        """The effect of that key."""
        ...

    def resend(self, key: str, now: int) -> None:
        """The next attempt is about to leave: the effect is ``sent`` again."""
        ...

    def again(self, key: str, attempts: int, next_at: int, *, unknown: bool) -> None:
        """The next attempt is due at ``next_at``; ``unknown`` when the last one may have done its work."""
        ...

    def settle(self, key: str, result: str, links: Sequence[Link] = ()) -> None:
        """The effect is done, and these cross-references with it, in one commit; a replay gets ``result``."""
        ...

    def give_up(self, key: str) -> None:
        """The effect is dead."""
        ...

    def revive(self, key: str, now: int) -> None:
        """A dead effect is to be sent again, with a new deadline."""
        ...

    def void(self, key: str) -> None:
        """A person did it otherwise: as if the effect had never been intended. A done one stays."""
        ...

    def record(self, key: str, result: str, now: int) -> None:
        """Put something on record that is done as soon as it is said: a decision."""
        ...

    def outcome(self, key: str) -> str | None:
        """The result of an effect or decision that is done; None while it is not."""
        ...

    def unsettled(self) -> list[Effect]:
        """Effects without an outcome, oldest first."""
        ...

    # --- cross-references and cursors ------------------------------------------------------------

    def remote(self, system: str, kind: str, canonical: str) -> str | None:
        """The id a system has for something."""
        ...

    def link(self, system: str, kind: str, canonical: str, remote: str) -> None:
        """Remember the id a system has for something."""
        ...

    def links(self, system: str, kind: str) -> list[Link]:
        """All cross-references of a kind."""
        ...

    def cursor(self, name: str, default: str) -> str:
        """Where a poll stopped."""
        ...

    def move(self, name: str, value: str) -> None:
        """A poll got this far."""
        ...

    # --- cases -----------------------------------------------------------------------------------

    def open_case(self, case: Case) -> bool:
        """Put a case on record; False when the same case is there already. One that was replayed is opened again."""
        ...

    def case(self, case_id: str) -> Case | None:
        """The case of that id."""
        ...

    def close_case(self, case_id: str, now: int, by: str = "", note: str = "", state: str = "closed") -> bool:
        """A person settled it, or had it replayed or undone; False when it is not open, and nothing changes."""
        ...

    def escalate(self, case_id: str, level: int, due_at: int, owner: str) -> None:
        """Nobody settled it in time: it is now with ``owner``, until ``due_at``."""
        ...

    def cases(self, state: str | None = None) -> list[Case]:
        """All cases, or those of a state, in the order they were opened."""
        ...

    def counts(self) -> dict[str, int]:
        """How many events, effects and cases there are, by state: ``inbox.open``, ``effect.sent``, ``case.open``."""
        ...


@runtime_checkable
class KeptJournal(Journal, Protocol):
    """A journal that outlives its process: with an audit log and approvals, and people in it can be forgotten."""

    # --- audit -----------------------------------------------------------------------------------

    def lock_audit(self) -> None:
        """Until the transaction ends, no other worker appends to the audit log."""
        ...

    def append_audit(self, seq: int, body: bytes, link: bytes) -> None:
        """Append a row of the audit log."""
        ...

    def last_audit(self) -> tuple[int, bytes, bytes] | None:
        """The row with the highest place."""
        ...

    def audit_rows(self) -> list[tuple[int, bytes, bytes]]:
        """All rows by place."""
        ...

    # --- approvals -------------------------------------------------------------------------------

    def put_approval(self, row: ApprovalRow) -> bool:
        """Keep a request (version 1) or its next version; False when somebody else was first."""
        ...

    def approval(self, id_: str) -> ApprovalRow | None:
        """The request of that id."""
        ...

    def approvals(self, state: str | None = None) -> list[ApprovalRow]:
        """All requests, or those of a state, oldest first."""
        ...

    # --- what was done, and what waits -----------------------------------------------------------

    def lately_done(self, most: int) -> list[tuple[Inbound, int]]:
        """Of the newest ``most`` events those that are done, and when each was received; the newest first."""
        ...

    def backlog(self) -> list[Backlog]:
        """What is not done, by flow and state."""
        ...

    # --- personal data ---------------------------------------------------------------------------

    def effects(self) -> list[Effect]:
        """All effects and decisions, oldest first."""
        ...

    def unlink(self, link: Link) -> None:
        """Forget a cross-reference."""
        ...

    def replace_arguments(self, key: str, arguments: bytes) -> None:
        """What an effect was called with is now on record as this."""
        ...

    def rename(self, old: str, new: Callable[[str], str]) -> int:
        """Put ``new(text)`` for every text of inbox, effects, links and cases that holds ``old``; gives how many rows.

        Sealed texts and what people typed stay; what is renamed is what things are named by.
        """
        ...

    def mentions(self, text: str) -> list[tuple[str, str, tuple[str, ...]]]:
        """Name, state and all names of the events, effects and cases that are named by something holding ``text``."""
        ...

    def finished_before(self, at: int) -> list[tuple[str, int]]:
        """Events that are done and were received before an instant: name and when."""
        ...

    def purge(self, event_ids: Sequence[str], case_ids: Sequence[str]) -> None:
        """Delete done events and settled cases; what is not done stays."""
        ...

    def compact(self) -> None:
        """See to it that what was deleted or renamed is not left in unused pages of the file."""
        ...


@runtime_checkable
class SharedJournal(KeptJournal, Protocol):
    """A journal several workers use: what one works on, it has leased."""

    def claim(self, now: int, lease_us: int, most: int) -> list[Inbound]:
        """Lease up to ``most`` free lanes that have work, renew those held, and give all open events of both."""
        ...

    def yield_lane(self, name: str) -> None:
        """Another worker may have the lane."""
        ...

    def cursors(self, prefix: str) -> dict[str, str]:
        """All cursors whose names begin so, and what they say."""
        ...

    def told(self, flow: str, object_id: str) -> tuple[int, int]:
        """What any worker has of the events of a flow about a record: how many are open, the one that is being worked
        among them, and when the record was last read for one (microseconds since the epoch, -1 for never).
        """
        ...

    def reading(self, event_id: str, now: int) -> None:
        """The record an event tells of is about to be read."""
        ...

    def lease(self, name: str, now: int, lease_us: int) -> bool:
        """Take or renew a named duty; False while another worker has it."""
        ...
