"""Customers' cash: transfers they send, what it pays by itself, and what stays over."""

from o2c_twin.mock_systems.roles.billing.books import Books
from o2c_twin.mock_systems.roles.billing.collecting import Collecting
from o2c_twin.mock_systems.roles.billing.records import CashEntry, CashKind, Customer, Payment
from o2c_twin.mock_systems.roles.billing.rules import DAY_US, Claim, share_out
from o2c_twin.mock_systems.roles.records import RuleError


class Cash:
    """All cash balances. Real money of the customers, which is not yet the merchant's."""

    def __init__(self, books: Books, collecting: Collecting) -> None:
        self._books = books
        self._collecting = collecting

    def customer(self, customer_id: str) -> Customer:
        """The customer. Raises `RuleError` (``unknown``)."""
        customer = self._books.state.customers.get(customer_id)
        if customer is None or customer.deleted:
            raise RuleError("unknown", f"no customer {customer_id}", "customer")
        return customer

    def _move(
        self,
        customer: Customer,
        currency: str,
        kind: CashKind,
        amount_minor: int,
        source_id: str | None = None,
        reference: str | None = None,
        payer: str | None = None,
    ) -> CashEntry:
        books = self._books
        customer.cash[currency] = customer.cash.get(currency, 0) + amount_minor
        entry = CashEntry(
            books.new_id("cash-entry"),
            customer.id,
            currency,
            kind,
            amount_minor,
            customer.cash[currency],
            books.now(),
            source_id,
            reference,
            payer,
        )
        books.state.cash_entries[entry.id] = entry
        books.tell("cash-entry", entry.id, "created")
        return entry

    def receive(
        self, customer_id: str, amount_minor: int, currency: str, reference: str | None, payer: str | None
    ) -> CashEntry:
        """A transfer has arrived in the customer's account. It pays what it names, then what is open."""
        customer = self.customer(customer_id)
        if amount_minor <= 0:
            raise RuleError("bad-amount", "a transfer must be positive", "amount")
        entry = self._move(customer, currency, "funded", amount_minor, None, reference, payer)
        named = self._named(customer, currency, reference or "")
        if named is not None:
            self._apply(customer, named, min(customer.cash[currency], named.amount_minor - named.funded_minor))
        self.reconcile(customer_id, currency)
        if customer.cash.get(currency):
            self._books.tell("cash", customer.id, "funds-available")
        return entry

    def _named(self, customer: Customer, currency: str, reference: str) -> Payment | None:
        for payment in self._waiting(customer, currency):
            if payment.reference and payment.reference in reference and payment.invoice_id is None:
                return payment
        return None

    def _waiting(self, customer: Customer, currency: str) -> list[Payment]:
        return [
            payment
            for payment in (self._books.state.payments[id_] for id_ in customer.payment_ids)
            if payment.currency == currency
            and payment.status == "needs-action"
            and "transfer" in payment.methods
            and payment.instrument_id is None
        ]

    def reconcile(self, customer_id: str, currency: str) -> None:
        """Let the cash pay what waits for it, in automatic mode. Raises `RuleError` (``unknown``)."""
        customer = self.customer(customer_id)
        for payment, share in self._shares(customer, currency):
            self._apply(customer, payment, share)

    def would_cover(self, payment: Payment) -> bool:
        """Whether `reconcile` would pay a payment in full."""
        customer = self.customer(payment.customer_id or "")
        left = payment.amount_minor - payment.funded_minor
        return any(each is payment and share == left for each, share in self._shares(customer, payment.currency))

    def _shares(self, customer: Customer, currency: str) -> list[tuple[Payment, int]]:
        automatic = self._books.terms.reconciles_by_itself
        if customer.reconciling == "manual" or (customer.reconciling == "default" and not automatic):
            return []
        cash = customer.cash.get(currency, 0)
        if cash <= 0:
            return []
        waiting = {payment.id: payment for payment in self._waiting(customer, currency)}
        claims = [self._claim(order, payment) for order, payment in enumerate(waiting.values())]
        shares = share_out(cash, [claim for claim in claims if claim is not None])
        return [(waiting[claim.id], share) for claim, share in shares]

    def _claim(self, order: int, payment: Payment) -> Claim | None:
        open_minor = payment.amount_minor - payment.funded_minor
        if payment.invoice_id is None:
            return Claim(payment.id, "payment", open_minor, order)
        invoice = self._books.state.invoices[payment.invoice_id]
        late = self._books.terms.overdue_days * DAY_US
        if invoice.status != "open":
            return None
        if invoice.due_at is not None and self._books.time_of(invoice.customer_id) > invoice.due_at + late:
            return None
        return Claim(payment.id, "invoice", open_minor, order)

    def apply(self, payment_id: str, amount_minor: int | None = None) -> Payment:
        """Pay with cash by hand. Raises `RuleError` (``payment-state``, ``too-much``, ``cash-insufficient``)."""
        payment = self._collecting.payment(payment_id)
        if payment.status != "needs-action" or "transfer" not in payment.methods or payment.customer_id is None:
            raise RuleError("payment-state", f"the payment is {payment.status} and takes no cash", "payment_intent")
        customer = self.customer(payment.customer_id)
        left = payment.amount_minor - payment.funded_minor
        amount = left if amount_minor is None or payment.invoice_id is not None else amount_minor
        if not 0 < amount <= left:
            raise RuleError("too-much", f"{left} is left to pay", "amount")
        if customer.cash.get(payment.currency, 0) < amount:
            raise RuleError("cash-insufficient", "the customer's cash does not cover the amount", "amount")
        self._apply(customer, payment, amount)
        return payment

    def _apply(self, customer: Customer, payment: Payment, amount_minor: int) -> None:
        payment.funded_minor += amount_minor
        self._move(customer, payment.currency, "applied", -amount_minor, payment.id)
        if payment.funded_minor < payment.amount_minor:
            self._books.tell("payment", payment.id, "partly-funded")
            return
        self._collecting.succeed_by_cash(payment)

    def set_free(self, payment: Payment) -> None:
        """What was set aside for a payment is the customer's again."""
        if payment.funded_minor and payment.status != "succeeded" and payment.customer_id is not None:
            amount, payment.funded_minor = payment.funded_minor, 0
            customer = self._books.state.customers[payment.customer_id]
            self._move(customer, payment.currency, "unapplied", amount, payment.id)

    def take_back(self, customer_id: str, currency: str, amount_minor: int, refund_id: str) -> None:
        """A refund of a transfer."""
        self._move(self._books.state.customers[customer_id], currency, "refunded", amount_minor, refund_id)

    def give_back(self, customer_id: str, currency: str, amount_minor: int) -> CashEntry:
        """Cash goes back to the customer's bank. Raises `RuleError` (``cash-insufficient``)."""
        customer = self.customer(customer_id)
        if not 0 < amount_minor <= customer.cash.get(currency, 0):
            raise RuleError("cash-insufficient", "the customer has less cash here", "amount")
        return self._move(customer, currency, "returned", -amount_minor)
