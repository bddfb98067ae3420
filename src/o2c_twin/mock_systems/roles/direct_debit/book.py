"""What every part of the provider rests on: records by id, the feed of happenings, and the steps that are due.

Nothing happens by itself: `Book.run_due` does the steps whose time has come, in order, each stamped with its
own time. Every change runs it first, so the feed is in order of time however rarely it is called.
"""

import heapq
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import msgspec

from o2c_twin.mock_systems.roles.direct_debit.records import (
    Creditor,
    Customer,
    DebitState,
    Due,
    Happening,
    Mandate,
    Origin,
    PayerAccount,
    Payment,
    Payout,
    Refund,
)
from o2c_twin.mock_systems.roles.direct_debit.rules import Terms
from o2c_twin.mock_systems.roles.direct_debit.schemes import SCHEMES, Scheme, WorkingDays
from o2c_twin.mock_systems.roles.records import RuleError

Names = Callable[[str, int], str]
"""The id of the n-th record of a kind."""
Listener = Callable[[Happening], None]
PayoutListener = Callable[[Payout], None]
_Record = TypeVar("_Record")


class AlreadyThere(RuleError):
    """The record exists; ``existing`` is its id."""

    def __init__(self, code: str, message: str, existing: str) -> None:
        super().__init__(code, message)
        self.existing = existing


def plain_name(kind: str, number: int) -> str:
    """``payment-1``."""
    return f"{kind}-{number}"


class Book:
    """State, feed and due steps. ``now`` gives microseconds since the epoch.

    ``listeners`` hear every happening; ``payout_listeners`` get each payout when it is at the creditor's bank (again,
    when it was returned and sent once more); ``on_due`` is called with the time of a step that is now the first due.
    None of them is part of a snapshot.
    """

    def __init__(
        self,
        now: Callable[[], int],
        names: Names = plain_name,
        days: WorkingDays | None = None,
        terms: Terms | None = None,
        refunds_need_funds: bool = True,
    ) -> None:
        self._now = now
        self._names = names
        self.days = days or WorkingDays()
        self.terms = terms or Terms()
        self.refunds_need_funds = refunds_need_funds
        self.listeners: list[Listener] = []
        self.payout_listeners: list[PayoutListener] = []
        self.on_due: Callable[[int], None] | None = None
        self._stamp: int | None = None
        self._load(DebitState())

    def _load(self, state: DebitState) -> None:
        self.state = state
        self.mandates_of: dict[str, list[str]] = {}
        self.payments_of: dict[str, list[str]] = {}
        self.refunds_of: dict[str, list[str]] = {}
        self.happenings_of: dict[str, list[int]] = {}
        self.fingerprints: dict[str, str] = {}
        self._runs = {(due.at, due.id) for due in state.due if due.kind == "payout-run"}
        for account in state.accounts.values():
            if account.enabled:
                self.fingerprints[account.fingerprint] = account.id
        for mandate in state.mandates.values():
            self.mandates_of.setdefault(mandate.customer_id, []).append(mandate.id)
        for payment in state.payments.values():
            self.payments_of.setdefault(payment.mandate_id, []).append(payment.id)
        for refund in state.refunds.values():
            self.refunds_of.setdefault(refund.payment_id, []).append(refund.id)
        for happening in state.happenings:
            self.happenings_of.setdefault(happening.id, []).append(happening.number - 1)

    def snapshot(self) -> bytes:
        """The whole state as bytes."""
        return msgspec.msgpack.encode(self.state)

    def restore(self, snapshot: bytes) -> None:
        """Go back to a snapshot; listeners stay, and `on_due` is told what is due first now."""
        self._load(msgspec.msgpack.decode(snapshot, type=DebitState))
        self._tell_due()

    def reset(self) -> None:
        """Everything is forgotten, creditors as well."""
        self._load(DebitState())

    # --- time --------------------------------------------------------------------------------------

    @property
    def next_due(self) -> int | None:
        """When the next step is due, in microseconds since the epoch; None when nothing is."""
        return self.state.due[0].at if self.state.due else None

    def run_due(self, now: int | None = None) -> int:
        """Do all steps due by ``now`` (the clock's time when not given), oldest first; gives how many."""
        if self._stamp is not None:
            return 0  # a listener acts while a step is done: the step's time stands still
        until = self._now() if now is None else now
        done = 0
        due = self.state.due
        try:
            while due and due[0].at <= until:
                step = heapq.heappop(due)
                self._stamp = step.at
                self._step(step)
                done += 1
        finally:
            self._stamp = None
        if done:
            self._tell_due()
        return done

    def _step(self, due: Due) -> None:
        raise NotImplementedError

    def _at(self) -> int:
        """The time of what is being done."""
        return self._now() if self._stamp is None else self._stamp

    def _schedule(self, at: int, kind: str, id_: str) -> int:
        due = Due(at, self.state.numbers.next("due"), kind, id_)
        heapq.heappush(self.state.due, due)
        if self._stamp is None and self.state.due[0] is due:
            self._tell_due()
        return at

    def _tell_due(self) -> None:
        if self.on_due is not None and self.state.due:
            self.on_due(self.state.due[0].at)

    # --- records -----------------------------------------------------------------------------------

    def _new_id(self, kind: str) -> tuple[str, int]:
        number = self.state.numbers.next(kind)
        return self._names(kind, number), number

    def open_creditor(self, name: str, country: str, short_name: str) -> Creditor:
        """Who collects; ``short_name`` starts the references of its payouts."""
        id_, _ = self._new_id("creditor")
        account_id, _ = self._new_id("account")
        creditor = Creditor(id_, name, country, short_name, account_id, self._at())
        self.state.creditors.append(creditor)
        return creditor

    @property
    def creditor(self) -> Creditor:
        """The one who collects. Raises `RuleError` when there is none yet."""
        if not self.state.creditors:
            raise RuleError("no-creditor", "open a creditor first: open_creditor(name, country, short_name)")
        return self.state.creditors[0]

    def customer(self, customer_id: str) -> Customer:
        """The payer. Raises `RuleError` (unknown), as all of these."""
        return _found("customer", self.state.customers, customer_id)

    def account(self, account_id: str) -> PayerAccount:
        """The payer's account."""
        return _found("account", self.state.accounts, account_id)

    def mandate(self, mandate_id: str) -> Mandate:
        """The mandate."""
        return _found("mandate", self.state.mandates, mandate_id)

    def payment(self, payment_id: str) -> Payment:
        """The payment."""
        return _found("payment", self.state.payments, payment_id)

    def refund(self, refund_id: str) -> Refund:
        """The refund."""
        return _found("refund", self.state.refunds, refund_id)

    def payout(self, payout_id: str) -> Payout:
        """The payout."""
        return _found("payout", self.state.payouts, payout_id)

    def scheme_of(self, mandate_id: str) -> Scheme:
        """The scheme a mandate is under."""
        return SCHEMES[self.mandate(mandate_id).scheme]

    # --- feed --------------------------------------------------------------------------------------

    def _happened(
        self,
        kind: Literal["mandate", "payment", "refund", "payout"],
        record: Mandate | Payment | Refund | Payout,
        action: str,
        cause: str,
        description: str,
        origin: Origin = "provider",
        **details: Any,
    ) -> None:
        happening = Happening(
            self.state.numbers.next("happening"),
            self._at(),
            kind,
            record.id,
            action,
            origin,
            cause,
            description,
            about=dict(record.metadata),
            **details,
        )
        self.state.happenings.append(happening)
        self.happenings_of.setdefault(record.id, []).append(happening.number - 1)
        for listener in self.listeners:
            listener(happening)


def _found(kind: str, table: dict[str, _Record], id_: str) -> _Record:
    record = table.get(id_)
    if record is None:
        raise RuleError("unknown", f"no {kind} {id_}")
    return record
