"""The payment provider's core: all its parts on one set of books, and the ways in of customers and banks."""

from collections.abc import Callable

from o2c_twin.mock_systems.roles.billing.books import Books, NameId, plain_id
from o2c_twin.mock_systems.roles.billing.cash import Cash
from o2c_twin.mock_systems.roles.billing.collecting import CAPTURE_ENDS, SETTLE_DEBIT, Collecting, Declined
from o2c_twin.mock_systems.roles.billing.crediting import Crediting
from o2c_twin.mock_systems.roles.billing.invoicing import FINALISE, OVERDUE, Invoicing
from o2c_twin.mock_systems.roles.billing.ledger import PAYOUT_ARRIVES, PAYOUT_LEAVES, PAYOUT_RUN, Ledger
from o2c_twin.mock_systems.roles.billing.records import (
    Behaviour,
    BillingState,
    CashEntry,
    Charge,
    Customer,
    Dispute,
    Instrument,
    Job,
    Method,
    Payment,
    Payout,
    Refund,
    TestClock,
)
from o2c_twin.mock_systems.roles.billing.returning import ANSWER_DUE, REVIEW_OVER, SETTLE_REFUND, Returning
from o2c_twin.mock_systems.roles.billing.terms import BillingTerms
from o2c_twin.mock_systems.roles.records import RuleError

CLOCK_READY = "clock-ready"
_MOST_ON_A_CLOCK = 3
_CLOCK_STEP_US = 2 * 366 * 86_400_000_000


class BillingCore:
    """One provider. ``now`` gives microseconds since the epoch; ``name_id`` the id of the nth record of a kind.

    The first part of the methods is what merchants do beside the parts; the second what customers and banks do.
    Work that falls due is done by `run_due`, which the owner calls when `due` says.
    """

    def __init__(self, now: Callable[[], int], terms: BillingTerms | None = None, name_id: NameId = plain_id) -> None:
        self.books = Books(now, terms or BillingTerms(), name_id)
        self.listeners = self.books.listeners
        self.ledger = Ledger(self.books)
        self.invoicing = Invoicing(self.books)
        self.collecting = Collecting(self.books, self.ledger)
        self.returning = Returning(self.books, self.ledger)
        self.crediting = Crediting(self.books, self.invoicing, self.returning)
        self.cash = Cash(self.books, self.collecting)
        self.payout_listeners = self.ledger.arrived
        self.invoicing.collecting, self.invoicing.cash = self.collecting, self.cash
        self.collecting.invoicing, self.collecting.cash = self.invoicing, self.cash
        self.collecting.returning, self.returning.cash = self.returning, self.cash
        self._work: dict[str, Callable[[str], object]] = {
            FINALISE: self.invoicing.finalise_when_due,
            OVERDUE: self.invoicing.remind_when_due,
            SETTLE_DEBIT: self.collecting.settle_debit,
            CAPTURE_ENDS: self.collecting.end_capture,
            SETTLE_REFUND: self.returning.settle_refund,
            ANSWER_DUE: self.returning.answer_due,
            REVIEW_OVER: self.returning.review_over,
            PAYOUT_RUN: self.ledger.run,
            PAYOUT_LEAVES: self.ledger.leave,
            PAYOUT_ARRIVES: self.ledger.arrive,
            CLOCK_READY: self._clock_arrives,
        }

    @property
    def state(self) -> BillingState:
        """All records."""
        return self.books.state

    def snapshot(self) -> bytes:
        """The whole state as bytes."""
        return self.books.encoded()

    def restore(self, snapshot: bytes) -> None:
        """Go back to a snapshot; listeners stay."""
        self.books.load(snapshot)

    def reset(self) -> None:
        """Empty again."""
        self.books.state = BillingState()

    def due(self) -> int | None:
        """The instant at which work falls due next."""
        return self.books.due()

    def run_due(self) -> None:
        """Do all the work that has fallen due."""
        self.books.run_due(self._do)

    def _do(self, job: Job) -> None:
        self._work[job.what](job.id)

    # --- customers and their instruments -----------------------------------------------------------

    def add_customer(self, clock_id: str | None = None, **fields: object) -> Customer:
        """A customer; ``fields`` are those of the record. Raises `RuleError` (``unknown``, ``clock-full``)."""
        books = self.books
        if clock_id is not None:
            self.clock(clock_id)
            if sum(customer.clock_id == clock_id for customer in books.state.customers.values()) >= _MOST_ON_A_CLOCK:
                raise RuleError("clock-full", f"a test clock takes {_MOST_ON_A_CLOCK} customers", "test_clock")
        number = books.state.numbers.next("customer-prefix")
        customer = Customer(
            books.new_id("customer"),
            books.now() if clock_id is None else self.clock(clock_id).frozen_at,
            prefix=f"{(number * 0x9E3779B1) % 2**32:08X}",
            account=f"{1_000_000_000 + number:010d}",
            clock_id=clock_id,
        )
        for name, value in fields.items():
            setattr(customer, name, value)
        books.state.customers[customer.id] = customer
        books.tell("customer", customer.id, "created")
        return customer

    def delete_customer(self, customer_id: str) -> None:
        """Delete for good: the id stays known as deleted, instruments are gone."""
        customer = self.cash.customer(customer_id)
        customer.deleted, customer.instrument_id = True, None
        for instrument in self.state.instruments.values():
            if instrument.customer_id == customer_id:
                instrument.customer_id = None
        self.books.tell("customer", customer_id, "deleted")

    def add_instrument(
        self,
        method: Method,
        last4: str,
        brand: str = "",
        country: str = "DE",
        behaviour: Behaviour | None = None,
        customer_id: str | None = None,
        owner: str | None = None,
        email: str | None = None,
    ) -> Instrument:
        """A card or account. With a customer it is theirs, and the one collected with if they had none."""
        books = self.books
        instrument = Instrument(
            books.new_id("instrument"),
            method,
            last4,
            brand,
            country,
            behaviour or Behaviour(),
            books.now(),
            owner=owner,
            email=email,
        )
        if customer_id is not None:
            customer = self.cash.customer(customer_id)
            instrument.customer_id = customer_id
            if customer.instrument_id is None:
                customer.instrument_id = instrument.id
        books.state.instruments[instrument.id] = instrument
        return instrument

    # --- test clocks -------------------------------------------------------------------------------

    def forget_instruments(self, first: int) -> None:
        """Take back all but the ``first`` so many instruments, and their numbers: what they were for was refused."""
        instruments, last = self.state.instruments, self.state.numbers.last
        while len(instruments) > first:
            instruments.popitem()
            last["instrument"] -= 1
        if not last.get("instrument", 1):
            del last["instrument"]

    def add_clock(self, frozen_at: int, name: str | None = None) -> TestClock:
        """A clock of its own for some customers."""
        clock = TestClock(self.books.new_id("clock"), self.books.now(), frozen_at, name)
        self.state.clocks[clock.id] = clock
        self.books.tell("clock", clock.id, "created")
        return clock

    def clock(self, clock_id: str) -> TestClock:
        """The clock. Raises `RuleError` (``unknown``)."""
        clock = self.state.clocks.get(clock_id)
        if clock is None:
            raise RuleError("unknown", f"no test clock {clock_id}", "test_clock")
        return clock

    def advance_clock(self, clock_id: str, to: int, takes_us: int) -> TestClock:
        """Move it forward; what falls due is done, and the clock there, ``takes_us`` later in real time."""
        clock = self.clock(clock_id)
        if clock.target_at is not None:
            raise RuleError("clock-busy", "the test clock is advancing already", "test_clock")
        if to <= clock.frozen_at:
            raise RuleError("clock-backward", "a test clock only goes forward", "frozen_time")
        if to > clock.frozen_at + _CLOCK_STEP_US:
            raise RuleError("clock-too-far", "a test clock advances two years at most", "frozen_time")
        clock.target_at = to
        self.books.tell("clock", clock.id, "advancing")
        self.books.plan(self.books.now() + takes_us, CLOCK_READY, clock.id)
        return clock

    def _clock_arrives(self, clock_id: str) -> None:
        clock = self.state.clocks.get(clock_id)
        if clock is None or clock.target_at is None:
            return
        jobs = self.state.clock_agendas.get(clock_id, [])
        while jobs and jobs[0].at <= clock.target_at:
            job = jobs.pop(0)
            clock.frozen_at = max(clock.frozen_at, job.at)
            self._do(job)
        clock.frozen_at, clock.target_at = clock.target_at, None
        self.books.tell("clock", clock.id, "ready")

    def delete_clock(self, clock_id: str) -> None:
        """Delete it with its customers."""
        self.clock(clock_id)
        for customer in list(self.state.customers.values()):
            if customer.clock_id == clock_id and not customer.deleted:
                self.delete_customer(customer.id)
        self.state.clock_agendas.pop(clock_id, None)
        self.books.tell("clock", clock_id, "deleted")
        del self.state.clocks[clock_id]

    # --- what customers and banks do ---------------------------------------------------------------

    def customer_transfers(
        self,
        customer_id: str,
        amount_minor: int,
        currency: str,
        reference: str | None = None,
        payer: str | None = None,
    ) -> CashEntry:
        """A customer sends a transfer to the account the provider gave them. Raises `RuleError`."""
        self.run_due()
        return self.cash.receive(customer_id, amount_minor, currency, reference, payer)

    def customer_pays_invoice(
        self, invoice_id: str, method: Method = "card", behaviour: Behaviour | None = None
    ) -> Payment:
        """A customer pays an invoice on the page its mail leads to, with a card or an account of theirs.

        Gives the payment, which a bank may have refused. Raises `RuleError`; for a transfer see
        `customer_transfers`.
        """
        self.run_due()
        invoice = self.invoicing.invoice(invoice_id)
        if invoice.status not in ("open", "uncollectible") or invoice.payment_id is None:
            raise RuleError("invoice-state", f"invoice {invoice_id} is {invoice.status} and cannot be paid", "invoice")
        return self.customer_pays(invoice.payment_id, method, behaviour)

    def customer_pays(self, payment_id: str, method: Method = "card", behaviour: Behaviour | None = None) -> Payment:
        """A customer pays what is asked of them, with a card or an account of theirs. Raises `RuleError`."""
        self.run_due()
        payment = self.collecting.payment(payment_id)
        if method == "transfer":
            raise RuleError("method-not-allowed", "a transfer is sent with customer_transfers", "method")
        if method not in payment.methods or payment.status not in ("needs-instrument", "needs-confirmation"):
            raise RuleError("payment-state", f"the payment is {payment.status} and does not take a {method}")
        instrument = self.add_instrument(method, f"{self.state.numbers.next('walk-in'):04d}", behaviour=behaviour)
        try:
            return self.collecting.confirm(payment_id, instrument.id)
        except Declined as refused:
            return refused.payment

    def customer_authenticates(self, payment_id: str, agreed: bool = True) -> Payment:
        """A customer answers what their bank asks. Raises `RuleError`."""
        self.run_due()
        return self.collecting.authenticated(payment_id, agreed)

    def customer_disputes(
        self, charge_id: str, reason: str = "fraudulent", amount_minor: int | None = None, inquiry: bool = False
    ) -> Dispute:
        """A customer goes to their bank about a charge. Raises `RuleError`."""
        self.run_due()
        return self.returning.open_dispute(charge_id, reason, amount_minor, inquiry)

    def network_decides(self, dispute_id: str, won: bool) -> Dispute:
        """The bank decides a dispute, before its time is over. Raises `RuleError`."""
        self.run_due()
        return self.returning.decide(dispute_id, won)

    def bank_returns_debit(self, charge_id: str, code: str = "insufficient_funds") -> Charge:
        """The customer's bank returns a debit: on its way it fails, later it is a dispute that is lost at once.

        Raises `RuleError`.
        """
        self.run_due()
        charge = self.returning.charge(charge_id)
        if charge.method != "debit":
            raise RuleError("charge-state", f"charge {charge_id} is no debit", "charge")
        if charge.status == "pending":
            self.collecting.settle_debit(charge_id, code)
        else:
            self.returning.open_dispute(charge_id, code, contestable=False)
        return charge

    def bank_rejects_refund(self, refund_id: str, reason: str = "expired_or_canceled_card") -> Refund:
        """The customer's account is closed: a refund comes back. Raises `RuleError`."""
        self.run_due()
        return self.returning.fail_refund(refund_id, reason)

    def bank_rejects_payout(self, payout_id: str, code: str = "account_closed") -> Payout:
        """The merchant's bank does not take a payout. Raises `RuleError`."""
        self.run_due()
        return self.ledger.fail(payout_id, code)
