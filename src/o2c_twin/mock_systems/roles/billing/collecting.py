"""Payments and their attempts: cards at once, debits days later, transfers out of the customer's cash."""

from typing import TYPE_CHECKING

from o2c_twin.mock_systems.roles.billing.books import Books
from o2c_twin.mock_systems.roles.billing.ledger import Ledger
from o2c_twin.mock_systems.roles.billing.records import (
    Charge,
    ChargeStatus,
    Customer,
    Instrument,
    Invoice,
    Method,
    Payment,
    PaymentError,
)
from o2c_twin.mock_systems.roles.billing.rules import business_days_after, fee_of
from o2c_twin.mock_systems.roles.records import RuleError

if TYPE_CHECKING:
    from o2c_twin.mock_systems.roles.billing.cash import Cash
    from o2c_twin.mock_systems.roles.billing.invoicing import Invoicing
    from o2c_twin.mock_systems.roles.billing.returning import Returning

SETTLE_DEBIT = "settle-debit"
CAPTURE_ENDS = "capture-ends"
OPEN_STATUSES = ("needs-instrument", "needs-confirmation", "needs-action")


class Declined(Exception):
    """The bank refused an attempt. Unlike a broken rule this has happened: payment and charge are changed."""

    def __init__(self, payment: Payment, error: PaymentError) -> None:
        super().__init__(error.message)
        self.payment = payment
        self.error = error


class Collecting:
    """All payments and charges."""

    invoicing: "Invoicing"
    cash: "Cash"
    returning: "Returning"

    def __init__(self, books: Books, ledger: Ledger) -> None:
        self._books = books
        self._ledger = ledger

    def payment(self, payment_id: str) -> Payment:
        """The payment. Raises `RuleError` (``unknown``)."""
        payment = self._books.state.payments.get(payment_id)
        if payment is None:
            raise RuleError("unknown", f"no payment {payment_id}", "payment_intent")
        return payment

    def instrument(self, instrument_id: str) -> Instrument:
        """The instrument. Raises `RuleError` (``unknown``)."""
        instrument = self._books.state.instruments.get(instrument_id)
        if instrument is None:
            raise RuleError("unknown", f"no instrument {instrument_id}", "payment_method")
        return instrument

    def create(
        self,
        amount_minor: int,
        currency: str,
        methods: tuple[Method, ...],
        *,
        customer_id: str | None = None,
        instrument_id: str | None = None,
        manual_capture: bool = False,
        description: str | None = None,
        statement: str | None = None,
        email: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> Payment:
        """A payment to be confirmed. Raises `RuleError`."""
        if amount_minor <= 0:
            raise RuleError("bad-amount", "the amount must be positive", "amount")
        customer = self._books.state.customers.get(customer_id or "")
        if customer_id is not None and (customer is None or customer.deleted):
            raise RuleError("unknown", f"no customer {customer_id}", "customer")
        if instrument_id is not None:
            self._check_instrument(self.instrument(instrument_id), methods, customer_id)
        if "transfer" in methods and customer_id is None:
            raise RuleError("customer-required", "a payment by transfer needs a customer", "customer")
        books = self._books
        reference = f"PAY{books.state.numbers.next('payment-reference'):08d}"
        payment = Payment(
            books.new_id("payment"),
            amount_minor,
            currency,
            books.now(),
            methods,
            reference,
            customer_id=customer_id,
            instrument_id=instrument_id,
            manual_capture=manual_capture,
            description=description,
            statement=statement,
            email=email,
            metadata=dict(metadata or {}),
        )
        if instrument_id is not None or methods == ("transfer",):
            payment.status = "needs-confirmation"
        books.state.payments[payment.id] = payment
        if customer is not None:
            customer.payment_ids.append(payment.id)
        books.tell("payment", payment.id, "created")
        return payment

    def _check_instrument(self, instrument: Instrument, methods: tuple[Method, ...], customer_id: str | None) -> None:
        if instrument.method not in methods:
            raise RuleError("method-not-allowed", f"{instrument.method} is not among {', '.join(methods)}")
        if instrument.customer_id is not None and instrument.customer_id != customer_id:
            raise RuleError("other-customer", "the instrument belongs to another customer", "payment_method")

    def open_for(self, invoice: Invoice, customer: Customer) -> Payment:
        """The payment of an invoice that is being finalised."""
        methods: tuple[Method, ...] = invoice.methods or ("card", "debit")
        payment = self.create(
            invoice.due_minor,
            invoice.currency,
            methods,
            customer_id=customer.id,
            description=f"Invoice {invoice.number}",
        )
        payment.status = "needs-action" if methods == ("transfer",) else "needs-instrument"
        return payment

    def check_for(self, invoice: Invoice, instrument_id: str | None) -> None:
        """Whether a draft could be collected. Raises `RuleError`."""
        customer = self._books.state.customers[invoice.customer_id]
        chosen = instrument_id or invoice.instrument_id or customer.instrument_id
        if chosen is None:
            raise RuleError("no-instrument", "the customer has no instrument to collect with", "payment_method")
        self._check_instrument(self.instrument(chosen), invoice.methods or ("card", "debit"), customer.id)

    # --- attempts ----------------------------------------------------------------------------------

    def try_invoice(self, invoice: Invoice, instrument_id: str | None = None, loud: bool = False) -> None:
        """Collect an invoice with the instrument given, its own, or its customer's.

        Quiet, a refusal is told and nothing raised. Raises `RuleError` (``no-instrument``) and `Declined` when loud.
        """
        payment = self.payment(invoice.payment_id or "")
        customer = self._books.state.customers[invoice.customer_id]
        chosen = instrument_id or invoice.instrument_id or customer.instrument_id
        if chosen is None:
            if "transfer" in payment.methods:
                if loud and not self.cash.would_cover(payment):
                    raise RuleError("no-instrument", "the customer's cash does not cover the invoice", "invoice")
                self.cash.reconcile(customer.id, invoice.currency)
                return
            if loud:
                raise RuleError("no-instrument", "the customer has no instrument to collect with", "payment_method")
            return
        invoice.attempts += 1
        try:
            self.confirm(payment.id, chosen)
        except Declined:
            if loud:
                raise
        except RuleError:
            invoice.attempts -= 1
            if loud:
                raise

    def confirm(self, payment_id: str, instrument_id: str | None = None) -> Payment:
        """Make an attempt. Raises `RuleError` (``payment-state``, ``no-instrument``) and `Declined`."""
        payment = self.payment(payment_id)
        if payment.status not in OPEN_STATUSES:
            raise RuleError("payment-state", f"the payment is {payment.status}", "payment_intent")
        chosen = instrument_id or payment.instrument_id
        if chosen is None and "transfer" in payment.methods:
            return self._await_transfer(payment)
        if chosen is None:
            raise RuleError("no-instrument", "there is no instrument to collect with", "payment_method")
        instrument = self.instrument(chosen)
        self._check_instrument(instrument, payment.methods, payment.customer_id)
        payment.instrument_id = instrument.id
        if instrument.behaviour.asks_customer:
            payment.status = "needs-action"
            self._books.tell("payment", payment.id, "needs-action")
            self._tell_invoice(payment, "action-needed")
            return payment
        return self._attempt(payment, instrument)

    def _await_transfer(self, payment: Payment) -> Payment:
        self.cash.customer(payment.customer_id or "")  # may have been deleted since
        was = payment.status
        payment.status = "needs-action"
        if was != "needs-action":
            self._books.tell("payment", payment.id, "needs-action")
        self.cash.reconcile(payment.customer_id or "", payment.currency)
        return payment

    def authenticated(self, payment_id: str, agreed: bool) -> Payment:
        """The customer has answered what their bank asked. Raises `RuleError`; a refusal only changes the payment."""
        payment = self.payment(payment_id)
        if payment.status != "needs-action" or payment.instrument_id is None:
            raise RuleError("payment-state", f"the payment is {payment.status} and waits for nobody", "payment_intent")
        instrument = self.instrument(payment.instrument_id)
        try:
            if agreed:
                return self._attempt(payment, instrument)
            self._refuse(payment, instrument, "authentication-failed", None, "The customer did not authenticate.")
        except Declined:
            pass
        return payment

    def _attempt(self, payment: Payment, instrument: Instrument) -> Payment:
        behaviour = instrument.behaviour
        if behaviour.decline is not None and instrument.method == "card":
            code = "expired-card" if behaviour.decline == "expired_card" else "declined"
            self._refuse(payment, instrument, code, behaviour.decline, "The card was declined.")
        charge = self._charge(payment, instrument.method, instrument.id, "pending")
        if instrument.method == "debit":
            payment.status, payment.error = "processing", None
            days = self._books.terms.debit_days
            self._books.plan(business_days_after(self._books.now(), days), SETTLE_DEBIT, charge.id)
            self._books.tell("charge", charge.id, "pending")
            self._books.tell("payment", payment.id, "processing")
            return payment
        if payment.manual_capture:
            charge.status, charge.captured = "succeeded", False
            payment.status, payment.capturable_minor, payment.error = "capturable", payment.amount_minor, None
            until = self._books.now() + self._books.terms.capture_days * 86_400_000_000
            self._books.plan(until, CAPTURE_ENDS, payment.id)
            self._books.tell("charge", charge.id, "succeeded")
            self._books.tell("payment", payment.id, "capturable")
            return payment
        self.succeed(payment, charge, payment.amount_minor)
        return payment

    def _charge(
        self, payment: Payment, method: Method, instrument_id: str | None, status: ChargeStatus, amount_minor: int = 0
    ) -> Charge:
        books = self._books
        charge = Charge(
            books.new_id(f"{method}-charge"),
            payment.id,
            method,
            amount_minor or payment.amount_minor,
            payment.currency,
            books.now(),
            status,
            payment.customer_id,
            instrument_id,
            payment.description,
            dict(payment.metadata),
            invoice_id=payment.invoice_id,
        )
        books.state.charges[charge.id] = charge
        payment.charge_ids.append(charge.id)
        return charge

    def _refuse(self, payment: Payment, instrument: Instrument, code: str, reason: str | None, message: str) -> None:
        charge = self._charge(payment, instrument.method, instrument.id, "failed")
        self.fail(payment, charge, code, reason, message)
        assert payment.error is not None
        raise Declined(payment, payment.error)

    def fail(self, payment: Payment, charge: Charge, code: str, reason: str | None, message: str) -> None:
        """An attempt has failed; the payment waits for another."""
        error = PaymentError(code, reason, message, charge.instrument_id, charge.id)
        charge.status, charge.failure, charge.captured = "failed", error, False
        payment.error, payment.status, payment.instrument_id = error, "needs-instrument", None
        self._books.tell("charge", charge.id, "failed")
        self._books.tell("payment", payment.id, "failed")
        self._tell_invoice(payment, "payment-failed")

    def _tell_invoice(self, payment: Payment, name: str) -> None:
        if payment.invoice_id is not None:
            self._books.tell("invoice", payment.invoice_id, name)

    def succeed(self, payment: Payment, charge: Charge, amount_minor: int) -> None:
        """Money has moved: book it, and tell the invoice it pays."""
        books, terms = self._books, self._books.terms
        charge.status, charge.captured, charge.captured_minor = "succeeded", True, amount_minor
        fee = fee_of(terms.fees[charge.method], amount_minor)
        available = business_days_after(books.now(), terms.settlement_days[charge.method])
        entry = self._ledger.enter(
            "charge", amount_minor, fee, charge.currency, charge.id, available, charge.method, charge.description
        )
        charge.entry_id = entry.id
        payment.status, payment.error = "succeeded", None
        payment.received_minor, payment.capturable_minor = amount_minor, 0
        books.tell("charge", charge.id, "succeeded")
        books.tell("payment", payment.id, "succeeded")
        self.invoicing.paid_by(payment)
        instrument = books.state.instruments.get(charge.instrument_id or "")
        if instrument is not None and instrument.behaviour.disputes is not None:
            self.returning.open_dispute(charge.id, instrument.behaviour.disputes)

    def succeed_by_cash(self, payment: Payment) -> None:
        """The customer's cash covers the payment."""
        self.succeed(payment, self._charge(payment, "transfer", None, "pending"), payment.amount_minor)

    def settle_debit(self, charge_id: str, code: str | None = None) -> None:
        """A debit's days are over: it is paid, or comes back with a code."""
        charge = self._books.state.charges[charge_id]
        payment = self._books.state.payments[charge.payment_id]
        if charge.status != "pending":
            return
        instrument = self.instrument(charge.instrument_id or "")
        reason = code or instrument.behaviour.returned or instrument.behaviour.decline
        if reason is None:
            self.succeed(payment, charge, payment.amount_minor)
        else:
            self.fail(payment, charge, "debit-returned", reason, "The customer's bank returned the debit.")

    def capture(self, payment_id: str, amount_minor: int | None = None) -> Payment:
        """Take what was reserved, or part of it. Raises `RuleError` (``payment-state``, ``too-much``)."""
        payment = self.payment(payment_id)
        if payment.status != "capturable":
            raise RuleError("payment-state", f"the payment is {payment.status}, nothing is reserved", "payment_intent")
        amount = payment.capturable_minor if amount_minor is None else amount_minor
        if not 0 < amount <= payment.capturable_minor:
            raise RuleError("too-much", f"{payment.capturable_minor} is reserved", "amount_to_capture")
        charge = self._books.state.charges[payment.charge_ids[-1]]
        self.succeed(payment, charge, amount)
        charge.refunded_minor = charge.amount_minor - amount
        self._books.tell("charge", charge.id, "captured")
        return payment

    def end_capture(self, payment_id: str) -> None:
        """What was reserved and not taken is free again."""
        payment = self.payment(payment_id)
        if payment.status == "capturable":
            self.drop(payment, "automatic")

    def cancel(self, payment_id: str, reason: str | None = None) -> Payment:
        """Give up collecting. Raises `RuleError` (``payment-state``)."""
        payment = self.payment(payment_id)
        if payment.status not in (*OPEN_STATUSES, "capturable"):
            raise RuleError("payment-state", f"the payment is {payment.status}", "payment_intent")
        if payment.invoice_id is not None and self.invoicing.invoice(payment.invoice_id).status in ("open", "draft"):
            raise RuleError("payment-of-invoice", "the payment belongs to an invoice; void that", "payment_intent")
        self.drop(payment, reason)
        return payment

    def drop(self, payment: Payment, reason: str | None) -> None:
        """Cancel a payment, and set free what was reserved or set aside for it."""
        if payment.capturable_minor:
            charge = self._books.state.charges[payment.charge_ids[-1]]
            charge.refunded_minor = charge.amount_minor
            payment.capturable_minor = 0
            self._books.tell("charge", charge.id, "refunded")
        self.cash.set_free(payment)
        payment.status, payment.cancelled_at, payment.cancel_reason = "cancelled", self._books.now(), reason
        self._books.tell("payment", payment.id, "cancelled")
