"""The merchant's balance: entries with fees, when they become available, and the payouts they leave in."""

from collections.abc import Callable, Iterator

from o2c_twin.mock_systems.roles.billing.books import Books
from o2c_twin.mock_systems.roles.billing.records import Entry, EntryKind, Method, Payout
from o2c_twin.mock_systems.roles.billing.rules import business_days_after, payout_at
from o2c_twin.mock_systems.roles.records import RuleError

PAYOUT_RUN = "payout-run"
PAYOUT_LEAVES = "payout-leaves"
PAYOUT_ARRIVES = "payout-arrives"
_REFERENCE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Ledger:
    """``arrived`` are called with every payout that reaches the merchant's bank."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.arrived: list[Callable[[Payout], None]] = []

    def enter(
        self,
        kind: EntryKind,
        amount_minor: int,
        fee_minor: int,
        currency: str,
        source_id: str,
        available_at: int | None = None,
        method: Method | None = None,
        description: str | None = None,
    ) -> Entry:
        """Move the balance; what is not yet available joins a payout later."""
        books, now = self._books, self._books.now()
        entry = Entry(
            books.new_id("entry"),
            kind,
            amount_minor,
            fee_minor,
            currency,
            source_id,
            now,
            now if available_at is None else max(now, available_at),
            method,
            description,
        )
        books.state.entries[entry.id] = entry
        if kind != "payout":
            books.state.unpaid_out.setdefault(currency, {})[entry.id] = None
            self._plan_run(entry.available_at, currency)
        return entry

    def _plan_run(self, available_at: int, currency: str) -> None:
        schedule = self._books.terms.payouts
        if schedule.interval == "manual":
            return
        at = payout_at(schedule, available_at)
        planned = self._books.state.agenda
        if not any(job.at == at and job.what == PAYOUT_RUN and job.id == currency for job in planned):
            self._books.plan(at, PAYOUT_RUN, currency)

    def balance(self) -> dict[str, tuple[int, int]]:
        """Available and pending sum by currency."""
        now = self._books.now()
        sums: dict[str, tuple[int, int]] = {}
        for currency, unpaid in self._books.state.unpaid_out.items():
            available = pending = 0
            for id_ in unpaid:
                entry = self._books.state.entries[id_]
                if entry.available_at <= now:
                    available += entry.net_minor
                else:
                    pending += entry.net_minor
            sums[currency] = (available, pending)
        return sums

    def entries_of(self, payout_id: str) -> Iterator[Entry]:
        """What an automatic payout is made of, with the payout itself last. Raises `RuleError`."""
        return (self._books.state.entries[id_] for id_ in self.payout(payout_id).entry_ids)

    # --- payouts -----------------------------------------------------------------------------------

    def run(self, currency: str) -> Payout | None:
        """A run of the schedule: all that is available leaves in one sum; nothing when that is not positive."""
        books, now = self._books, self._books.now()
        unpaid = books.state.unpaid_out.get(currency, {})
        ready = [e for e in (books.state.entries[id_] for id_ in unpaid) if e.available_at <= now]
        total = sum(entry.net_minor for entry in ready)
        if total <= 0:
            return None
        payout = self._new(total, currency, automatic=True)
        for entry in ready:
            entry.payout_id = payout.id
            payout.entry_ids.append(entry.id)
            del unpaid[entry.id]
        self._send(payout)
        return payout

    def pay_out(
        self,
        amount_minor: int,
        currency: str,
        description: str | None = None,
        statement: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> Payout:
        """A payout by hand. Raises `RuleError`: ``bad-amount``, ``balance-insufficient``."""
        if amount_minor <= 0:
            raise RuleError("bad-amount", "a payout must be positive", "amount")
        available = self.balance().get(currency, (0, 0))[0]
        if available < amount_minor:
            raise RuleError("balance-insufficient", f"only {available} is available", "amount")
        payout = self._new(amount_minor, currency, automatic=False)
        payout.description, payout.statement, payout.metadata = description, statement, dict(metadata or {})
        self._send(payout)
        return payout

    def _new(self, amount_minor: int, currency: str, automatic: bool) -> Payout:
        books, now = self._books, self._books.now()
        number = books.state.numbers.next("payout-reference")
        arrives = business_days_after(now, books.terms.payouts.transit_days)
        reference = f"{books.terms.statement_name}-{_letters(number)}"
        return Payout(books.new_id("payout"), amount_minor, currency, now, arrives, automatic, reference)

    def _send(self, payout: Payout) -> None:
        books = self._books
        books.state.payouts[payout.id] = payout
        entry = self.enter("payout", -payout.amount_minor, 0, payout.currency, payout.id)
        payout.entry_id = entry.id
        if payout.automatic:
            entry.payout_id = payout.id
            payout.entry_ids.append(entry.id)
        else:
            books.state.unpaid_out.setdefault(payout.currency, {})[entry.id] = None
        books.plan(payout.created_at + books.terms.payouts.pending_s * 1_000_000, PAYOUT_LEAVES, payout.id)
        books.plan(payout.arrives_at, PAYOUT_ARRIVES, payout.id)
        books.tell("payout", payout.id, "created")

    def payout(self, payout_id: str) -> Payout:
        """The payout. Raises `RuleError` (``unknown``)."""
        payout = self._books.state.payouts.get(payout_id)
        if payout is None:
            raise RuleError("unknown", f"no payout {payout_id}", "payout")
        return payout

    def leave(self, payout_id: str) -> None:
        """A payout is handed to the banks: it cannot be called back any more."""
        payout = self.payout(payout_id)
        if payout.status == "pending":
            payout.status = "in-transit"
            self._books.tell("payout", payout.id, "updated")

    def arrive(self, payout_id: str) -> None:
        """A payout that is on its way reaches the bank."""
        payout = self.payout(payout_id)
        if payout.status not in ("pending", "in-transit"):
            return
        payout.status = "paid"
        self._books.tell("payout", payout.id, "paid")
        if payout.automatic:
            payout.reconciled = True
            self._books.tell("payout", payout.id, "reconciled")
        for listener in self.arrived:
            listener(payout)

    def fail(self, payout_id: str, code: str) -> Payout:
        """The bank does not take a payout: its sum is back in the balance. Raises `RuleError` (``payout-state``)."""
        payout = self.payout(payout_id)
        if payout.status in ("failed", "cancelled"):
            raise RuleError("payout-state", f"payout {payout_id} is {payout.status}", "payout")
        payout.failure_entry_id = self._give_back(payout, "payout-failure")
        payout.status, payout.failure = "failed", code
        self._books.tell("payout", payout.id, "failed")
        return payout

    def cancel(self, payout_id: str) -> Payout:
        """Call back a payout made by hand before it is on its way. Raises `RuleError` (``payout-state``)."""
        payout = self.payout(payout_id)
        if payout.status != "pending" or payout.automatic:
            raise RuleError("payout-state", f"payout {payout_id} is {payout.status} and cannot be called back")
        payout.failure_entry_id = self._give_back(payout, "payout-cancelled")
        payout.status = "cancelled"
        self._books.tell("payout", payout.id, "cancelled")
        return payout

    def _give_back(self, payout: Payout, kind: EntryKind) -> str:
        return self.enter(kind, payout.amount_minor, 0, payout.currency, payout.id).id


def _letters(number: int) -> str:
    # A fixed scramble of the number, so that references of neighbours do not look alike; 2**40 of them differ.
    value = (number * 0x9E3779B97F + 0x5DEECE66D) % 2**40
    letters = []
    for _ in range(8):
        value, digit = divmod(value, 32)
        letters.append(_REFERENCE_LETTERS[digit])
    return "".join(letters)
