"""The receivables ledger of the ERP: double-entry postings, payments, credit memos, their application."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from o2c_twin.mock_systems.roles.erp import rules
from o2c_twin.mock_systems.roles.erp.entities import Entities
from o2c_twin.mock_systems.roles.erp.exchange import in_books, leaves
from o2c_twin.mock_systems.roles.erp.numbering import Numbering
from o2c_twin.mock_systems.roles.erp.records import (
    Application,
    CreditMemo,
    Customer,
    EarlyPayment,
    ErpState,
    IntercompanyEntry,
    Invoice,
    Payment,
    SalesOrder,
)
from o2c_twin.mock_systems.roles.records import ChangeKind, RuleError

Document = Invoice | Payment | CreditMemo | IntercompanyEntry
"""What is posted as a whole, at the rate of its day."""


class Receivables:
    """The part of an ERP core that keeps what customers owe; `ErpCore` completes it."""

    state: ErpState
    numbering: Numbering
    exchange: Callable[[str, int], Decimal | None]
    """What one unit of a currency is worth in the books' at an instant; None for the books' own."""
    entities: Entities
    early_payment: EarlyPayment | None
    """What the company's payment terms grant who pays early; None for nothing."""
    open_invoices: dict[str, dict[str, Invoice]]
    by_number: dict[str, str]
    payments_by_reference: dict[str, str]
    _now: Callable[[], int]
    _changed: Callable[[str, str, ChangeKind, int], None]
    _claim_external_id: Callable[[str, str | None, str], None]
    _refuse_known_external_id: Callable[[str, str | None], None]
    recheck_credit: Callable[[str], list[SalesOrder]]

    def reserve_id(self, kind: str) -> str:
        """The next id of a kind, for a record that is planned before it is posted."""
        return self._new_id(kind)

    def _new_id(self, kind: str) -> str:
        first = self.numbering.ranges.get(kind)
        numbers = self.state.numbers
        return str(numbers.next("id", 101) if first is None else numbers.next(f"id {kind}", first))

    def _new_number(self, kind: str, prefix: str, id_: str, entity: str | None = None) -> str:
        if kind in self.numbering.plain:
            return id_
        if entity is None:
            return f"{prefix}{self.state.numbers.next(kind, 1001)}"
        own, first = self.entities.numbered_from(entity, 1001)
        return f"{prefix}{self.state.numbers.next(kind + own, first)}"

    def _post(self, at: int, document: str, *lines: tuple[str, int]) -> None:
        if sum(amount for _, amount in lines) != 0:
            raise AssertionError(f"{document}: debits and credits differ: {lines}")
        self.state.postings.extend((at, document, account, amount) for account, amount in lines if amount)

    def _post_document(self, at: int, document: Document, currency: str, debit: str, credit: str, minor: int) -> None:
        """Post a whole document, as it is and as the books value it at its rate; negative ``minor`` takes it back."""
        worth = in_books(minor, document.exchange_rate)
        self._post(at, document.number, (debit, worth), (credit, -worth))
        if document.exchange_rate is not None:
            self._post_foreign(at, document.number, currency, (debit, minor), (credit, -minor))

    def _post_foreign(self, at: int, document: str, currency: str, *lines: tuple[str, int]) -> None:
        self.state.foreign_postings.extend((at, document, account, currency, amount) for account, amount in lines)

    def _post_application(self, at: int, source: Payment | CreditMemo, invoice: Invoice, minor: int) -> None:
        """Set an amount of a source against an invoice, both as they are by now; negative ``minor`` takes it back.

        Either leaves the books at its own document's rate: between them is the exchange gain or loss, realised now.
        """
        used = leaves(source.unapplied_minor + minor, source.unapplied_minor, source.exchange_rate)
        paid = leaves(invoice.open_minor + minor, invoice.open_minor, invoice.exchange_rate)
        lines = ("unapplied cash", used), ("receivables", -paid), ("exchange differences", paid - used)
        self._post(at, source.number, *lines)
        if invoice.exchange_rate is not None:
            own = ("unapplied cash", minor), ("receivables", -minor)
            self._post_foreign(at, source.number, invoice.currency, *own)

    def trial_balance(self) -> dict[str, int]:
        """Balance of each account in minor units of the books' currency, debit positive; the sum is zero."""
        balances: dict[str, int] = {}
        for _, _, account, amount in self.state.postings:
            balances[account] = balances.get(account, 0) + amount
        return balances

    def foreign_balances(self) -> dict[str, dict[str, int]]:
        """The same of each other currency documents are in, in its own minor units: there, too, the sum is zero."""
        balances: dict[str, dict[str, int]] = {}
        for _, _, account, currency, amount in self.state.foreign_postings:
            own = balances.setdefault(currency, {})
            own[account] = own.get(account, 0) + amount
        return balances

    def receivables_by_entity(self) -> dict[str | None, int]:
        """What is open to each legal entity, in minor units of the books' currency; under None where it is one."""
        owed: dict[str | None, int] = {}
        for invoices in self.open_invoices.values():
            for invoice in invoices.values():
                worth = in_books(invoice.open_minor, invoice.exchange_rate)
                owed[invoice.entity] = owed.get(invoice.entity, 0) + worth
        return owed

    def early_payment_of(self, terms_days: int) -> EarlyPayment | None:
        """What terms of so many days net grant who pays early: nothing where they are due no later than that."""
        early = self.early_payment
        return early if early is not None and terms_days > early.days else None

    def _customer(self, customer_id: str) -> Customer:
        customer = self.state.customers.get(customer_id)
        if customer is None:
            raise RuleError("unknown-customer", f"no customer {customer_id}", "entity")
        return customer

    def _invoice(self, invoice_id: str) -> Invoice:
        invoice = self.state.invoices.get(invoice_id)
        if invoice is None:
            raise RuleError("unknown-invoice", f"no invoice {invoice_id}", "doc")
        return invoice

    def receive_payment(
        self,
        customer_id: str,
        amount_minor: int,
        applications: Sequence[tuple[str, int]] = (),
        *,
        external_id: str | None = None,
        reference: str | None = None,
        channel: str = "manual",
        account: str = "bank",
        entity: str | None = None,
    ) -> Payment:
        """Post a receipt and apply it to invoices of the same customer; the rest stays on account.

        ``account`` is debited: that of a write-off is a cost. It is ``entity``'s money, that of the customer's own
        entity unless said otherwise. Raises `RuleError` on a bad amount, an unknown invoice, one of another customer or
        entity, or when more is applied than an invoice has open.
        """
        customer = self._customer(customer_id)
        entity = self.entities.of(customer, entity)
        self._refuse_known_external_id("payment", external_id)
        if amount_minor <= 0:
            raise RuleError("bad-amount", "a payment must be positive", "payment")
        invoices = self._of_customer(customer_id, entity, applications)
        rules.check_applications([i.open_minor for i in invoices], [a for _, a in applications], amount_minor)
        now = self._now()
        id_ = self._new_id("payment")
        payment = Payment(
            id_,
            self._new_number("payment", "PYMT", id_, entity),
            customer_id,
            customer.currency,
            amount_minor,
            amount_minor,
            now,
            now,
            external_id=external_id,
            reference=reference,
            channel=channel,
            account=account,
            exchange_rate=self.exchange(customer.currency, now),
            entity=entity,
        )
        self.state.payments[payment.id] = payment
        if reference is not None:
            self.payments_by_reference.setdefault(reference, payment.id)
        customer.unapplied_minor += amount_minor
        self._claim_external_id("payment", external_id, payment.id)
        self._post_document(now, payment, payment.currency, account, "unapplied cash", amount_minor)
        for invoice, (_, amount) in zip(invoices, applications, strict=True):
            self._apply(payment, invoice, amount, now, channel)
        self._changed("payment", payment.id, "created", now)
        self.recheck_credit(customer_id)
        return payment

    def apply_payment(
        self, payment_id: str, applications: Sequence[tuple[str, int]], *, channel: str = "manual"
    ) -> Payment:
        """Apply money on account to invoices; the same rules as `receive_payment`."""
        payment = self.state.payments.get(payment_id)
        if payment is None:
            raise RuleError("unknown-payment", f"no payment {payment_id}", "id")
        invoices = self._of_customer(payment.customer_id, payment.entity, applications)
        rules.check_applications(
            [i.open_minor for i in invoices], [a for _, a in applications], payment.unapplied_minor
        )
        now = self._now()
        for invoice, (_, amount) in zip(invoices, applications, strict=True):
            self._apply(payment, invoice, amount, now, channel)
        payment.modified_at = now
        self._changed("payment", payment.id, "updated", now)
        self.recheck_credit(payment.customer_id)
        return payment

    def move_payment(self, payment_id: str, customer_id: str, entity: str | None = None) -> Payment:
        """Put a receipt that is wholly on account on the account it should have been posted to.

        That is another customer's, or the customer's with another legal entity: with its own unless said otherwise.
        Raises `RuleError` for an unknown payment or customer, one in another currency, and when some of it is applied.
        """
        payment = self.state.payments.get(payment_id)
        if payment is None:
            raise RuleError("unknown-payment", f"no payment {payment_id}", "id")
        if payment.unapplied_minor != payment.amount_minor:
            raise RuleError("applied", f"payment {payment.number} is set against invoices", "id")
        wrong, right = self._customer(payment.customer_id), self._customer(customer_id)
        if right.currency != payment.currency:
            raise RuleError("other-currency", f"customer {right.number} is in {right.currency}", "entity")
        wrong.unapplied_minor -= payment.amount_minor
        right.unapplied_minor += payment.amount_minor
        payment.customer_id = customer_id
        payment.entity = self.entities.of(right, entity)
        payment.modified_at = self._now()
        self._changed("payment", payment.id, "updated", payment.modified_at)
        self.recheck_credit(wrong.id)
        self.recheck_credit(customer_id)
        return payment

    def issue_credit_memo(
        self,
        invoice_id: str,
        amount_minor: int,
        reason: str,
        *,
        external_id: str | None = None,
        account: str = "revenue",
    ) -> CreditMemo:
        """Credit an invoice in part or whole; what it no longer owes stays on account.

        ``account`` is debited: that of a write-off is a cost. Raises `RuleError` above the remaining creditable value.
        """
        invoice = self._invoice(invoice_id)
        self._refuse_known_external_id("credit_memo", external_id)
        creditable = invoice.total_minor - invoice.credited_minor
        if amount_minor <= 0 or amount_minor > creditable:
            raise RuleError("over-credit", f"{amount_minor} to credit, {creditable} creditable", "amount")
        customer = self._customer(invoice.customer_id)
        now = self._now()
        id_ = self._new_id("credit_memo")
        memo = CreditMemo(
            id_,
            self._new_number("credit_memo", "CM", id_, invoice.entity),
            invoice_id,
            customer.id,
            invoice.currency,
            amount_minor,
            amount_minor,
            reason,
            now,
            now,
            external_id=external_id,
            account=account,
            exchange_rate=invoice.exchange_rate,
            entity=invoice.entity,
        )
        self.state.credit_memos[memo.id] = memo
        invoice.credited_minor += amount_minor
        customer.unapplied_minor += amount_minor
        self._claim_external_id("credit_memo", external_id, memo.id)
        self._post_document(now, memo, memo.currency, account, "unapplied cash", amount_minor)
        usable = min(amount_minor, invoice.open_minor)
        if usable:
            self._apply(memo, invoice, usable, now, "manual")
        self._changed("credit_memo", memo.id, "created", now)
        self.recheck_credit(customer.id)
        return memo

    def _of_customer(
        self, customer_id: str, entity: str | None, applications: Sequence[tuple[str, int]]
    ) -> list[Invoice]:
        invoices = [self._invoice(invoice_id) for invoice_id, _ in applications]
        if len({i.id for i in invoices}) < len(invoices):
            raise RuleError("over-application", "an invoice is named twice", "apply")
        for invoice in invoices:
            if invoice.customer_id != customer_id:
                raise RuleError("other-customer", f"invoice {invoice.number} is another customer's", "doc")
            if invoice.entity != entity:
                raise RuleError("other-entity", f"invoice {invoice.number} is owed to {invoice.entity}", "doc")
        return invoices

    def _apply(self, source: Payment | CreditMemo, invoice: Invoice, amount: int, now: int, channel: str) -> None:
        kind = "payment" if isinstance(source, Payment) else "credit_memo"
        source.unapplied_minor -= amount
        invoice.open_minor -= amount
        invoice.modified_at = now
        customer = self.state.customers[invoice.customer_id]
        customer.balance_minor -= amount
        customer.unapplied_minor -= amount
        if invoice.open_minor == 0:
            self.open_invoices.get(customer.id, {}).pop(invoice.id, None)
        self.state.applications.append(
            Application(kind, source.id, invoice.id, amount, now, channel)  # type: ignore[arg-type]
        )
        self._post_application(now, source, invoice, amount)
        self._changed("invoice", invoice.id, "updated", now)
