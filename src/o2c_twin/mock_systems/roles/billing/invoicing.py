"""Invoices: lines, finalising, what is paid on them, voiding, writing off."""

from typing import TYPE_CHECKING

from o2c_twin.mock_systems.roles.billing.books import Books
from o2c_twin.mock_systems.roles.billing.records import Invoice, InvoicePayment, Line, Method, Payment
from o2c_twin.mock_systems.roles.billing.rules import DAY_US
from o2c_twin.mock_systems.roles.records import RuleError

if TYPE_CHECKING:
    from o2c_twin.mock_systems.roles.billing.cash import Cash
    from o2c_twin.mock_systems.roles.billing.collecting import Collecting

FINALISE = "finalise"
OVERDUE = "overdue"


class Invoicing:
    """All invoices. Every method raises `RuleError` and changes nothing when a rule forbids it."""

    collecting: "Collecting"
    cash: "Cash"

    def __init__(self, books: Books) -> None:
        self._books = books

    def invoice(self, invoice_id: str) -> Invoice:
        """The invoice (``unknown``)."""
        invoice = self._books.state.invoices.get(invoice_id)
        if invoice is None:
            raise RuleError("unknown", f"no invoice {invoice_id}", "invoice")
        return invoice

    def create(
        self,
        customer_id: str,
        currency: str,
        *,
        automatic: bool = True,
        methods: tuple[Method, ...] = (),
        auto_advance: bool = False,
        due_at: int | None = None,
        days_until_due: int | None = None,
        description: str | None = None,
        footer: str | None = None,
        metadata: dict[str, str] | None = None,
        instrument_id: str | None = None,
        with_waiting: bool = False,
    ) -> Invoice:
        """A draft; ``with_waiting`` takes the customer's waiting lines in (``no-lines`` when there are none)."""
        books = self._books
        if customer_id not in books.state.customers or books.state.customers[customer_id].deleted:
            raise RuleError("unknown", f"no customer {customer_id}", "customer")
        lines = [
            line
            for line in books.state.waiting_lines.values()
            if line.customer_id == customer_id and line.currency == currency and line.invoice_id is None
        ]
        if with_waiting and not lines:
            raise RuleError("no-lines", "there is nothing to invoice for this customer", "customer")
        now = books.time_of(customer_id)
        invoice = Invoice(
            books.new_id("invoice"),
            customer_id,
            currency,
            now,
            automatic,
            methods,
            auto_advance=auto_advance,
            due_at=due_at,
            days_until_due=days_until_due,
            description=description,
            footer=footer,
            metadata=dict(metadata or {}),
            instrument_id=instrument_id,
            lines=[],
        )
        if with_waiting:
            for line in lines:
                self._take(invoice, line)
        books.state.invoices[invoice.id] = invoice
        if auto_advance:
            self._plan_finalising(invoice)
        books.tell("invoice", invoice.id, "created")
        return invoice

    def _plan_finalising(self, invoice: Invoice) -> None:
        invoice.finalises_at = self._books.time_of(invoice.customer_id) + self._books.terms.draft_s * 1_000_000
        self._books.plan_for(invoice.customer_id, invoice.finalises_at, FINALISE, invoice.id)

    def _take(self, invoice: Invoice, line: Line) -> None:
        line.invoice_id = invoice.id
        invoice.lines.append(line)

    # --- lines -------------------------------------------------------------------------------------

    def add_line(
        self,
        customer_id: str,
        currency: str,
        amount_minor: int,
        quantity: int = 1,
        description: str | None = None,
        metadata: dict[str, str] | None = None,
        invoice_id: str | None = None,
    ) -> Line:
        """A line on a draft, or one that waits for the customer's next invoice."""
        books = self._books
        customer = books.state.customers.get(customer_id)
        if customer is None or customer.deleted:
            raise RuleError("unknown", f"no customer {customer_id}", "customer")
        invoice = None
        if invoice_id is not None:
            invoice = self.draft(invoice_id)
            if invoice.customer_id != customer_id:
                raise RuleError("other-customer", "the invoice belongs to another customer", "invoice")
            if invoice.currency != currency:
                raise RuleError("other-currency", f"the invoice is in {invoice.currency}", "currency")
        line = Line(
            books.new_id("line"),
            books.new_id("item"),
            customer_id,
            currency,
            amount_minor,
            quantity,
            books.time_of(customer_id),
            description,
            dict(metadata or {}),
        )
        books.state.waiting_lines[line.item_id] = line
        if customer.currency is None:
            customer.currency = currency
        if invoice is not None:
            self._take(invoice, line)
        books.tell("line", line.item_id, "created")
        if invoice is not None:
            books.tell("invoice", invoice.id, "updated")
        return line

    def remove_line(self, item_id: str) -> Line:
        """Take a line away that is on no finalised invoice."""
        line = self._books.state.waiting_lines.get(item_id)
        if line is None:
            raise RuleError("unknown", f"no invoice item {item_id}", "invoiceitem")
        if line.invoice_id is not None:
            invoice = self.draft(line.invoice_id)
            invoice.lines = [other for other in invoice.lines if other.id != line.id]
        self._books.tell("line", item_id, "deleted")
        del self._books.state.waiting_lines[item_id]
        return line

    def draft(self, invoice_id: str) -> Invoice:
        """The invoice, which must be a draft (``not-editable``)."""
        invoice = self.invoice(invoice_id)
        if invoice.status != "draft":
            raise RuleError("not-editable", f"invoice {invoice_id} is {invoice.status}, not a draft", "invoice")
        return invoice

    def delete(self, invoice_id: str) -> None:
        """Throw a draft away, with its lines."""
        invoice = self.draft(invoice_id)
        self._books.tell("invoice", invoice_id, "deleted")
        for line in invoice.lines:
            del self._books.state.waiting_lines[line.item_id]
        del self._books.state.invoices[invoice_id]

    def advance(self, invoice: Invoice, auto_advance: bool) -> None:
        """Whether a draft goes on by itself."""
        invoice.auto_advance = auto_advance
        if auto_advance and invoice.status == "draft" and invoice.finalises_at is None:
            self._plan_finalising(invoice)
        if not auto_advance:
            invoice.finalises_at = None

    # --- finalising --------------------------------------------------------------------------------

    def finalise_when_due(self, invoice_id: str) -> None:
        """The draft's waiting time is over."""
        invoice = self._books.state.invoices.get(invoice_id)
        if invoice is not None and invoice.status == "draft" and invoice.auto_advance and invoice.finalises_at:
            self.finalise(invoice_id)

    def finalise(self, invoice_id: str, auto_advance: bool | None = None) -> Invoice:
        """Number it and ask for its money; one of nothing is paid at once."""
        books = self._books
        invoice = self.draft(invoice_id)
        if invoice.total_minor < 0:
            raise RuleError("negative-total", "the total of an invoice may not be negative here", "invoice")
        customer = self.cash.customer(invoice.customer_id)
        now = books.time_of(invoice.customer_id)
        if auto_advance is not None:
            invoice.auto_advance = auto_advance
        if not invoice.automatic and invoice.due_at is None:
            invoice.due_at = now + (30 if invoice.days_until_due is None else invoice.days_until_due) * DAY_US
        invoice.number = f"{customer.prefix}-{customer.next_number:04d}"
        customer.next_number += 1
        invoice.balance_at_start = customer.balance_minor
        if customer.balance_minor < 0 and invoice.total_minor > 0:
            invoice.from_balance_minor = min(-customer.balance_minor, invoice.total_minor)
            customer.balance_minor += invoice.from_balance_minor
        invoice.status, invoice.finalised_at, invoice.finalises_at = "open", now, None
        if invoice.due_minor > 0:
            payment = self.collecting.open_for(invoice, customer)
            self.attach(invoice, payment, is_default=True)
            if invoice.due_at is not None:
                books.plan_for(invoice.customer_id, max(now, invoice.due_at), OVERDUE, invoice.id)
        books.tell("invoice", invoice.id, "finalised")
        if invoice.due_minor == 0:
            self._settle(invoice, by_payment=False)
            return invoice
        if invoice.automatic and invoice.auto_advance:
            self.collecting.try_invoice(invoice)
        elif "transfer" in invoice.methods:
            self.cash.reconcile(invoice.customer_id, invoice.currency)
        return invoice

    def attach(self, invoice: Invoice, payment: Payment, is_default: bool = False) -> InvoicePayment:
        """Let a payment count for an invoice."""
        books = self._books
        if is_default:
            invoice.payment_id = payment.id
        payment.invoice_id = invoice.id
        link = InvoicePayment(
            books.new_id("invoice-payment"),
            invoice.id,
            payment.id,
            invoice.currency,
            payment.amount_minor,
            books.now(),
            is_default,
        )
        invoice.payment_ids.append(link.id)
        books.state.invoice_payments[link.id] = link
        return link

    def attach_payment(self, invoice_id: str, payment_id: str) -> Invoice:
        """Let a payment made without an invoice count for an open one; more than is open makes it overpaid."""
        invoice = self.invoice(invoice_id)
        payment = self._books.state.payments.get(payment_id)
        if payment is None:
            raise RuleError("unknown", f"no payment {payment_id}", "payment_intent")
        if invoice.status != "open":
            raise RuleError("invoice-state", f"invoice {invoice_id} is {invoice.status}, not open", "invoice")
        if payment.customer_id != invoice.customer_id or payment.currency != invoice.currency:
            raise RuleError("other-customer", "customer and currency of payment and invoice differ", "payment_intent")
        if payment.invoice_id is not None or payment.status == "cancelled":
            raise RuleError("payment-state", "the payment counts for an invoice already, or is cancelled")
        self.attach(invoice, payment)
        if payment.status == "succeeded":
            self.paid_by(payment)
        else:
            self._books.tell("invoice", invoice.id, "updated")
        return invoice

    def send(self, invoice_id: str) -> Invoice:
        """Mail it; a draft is finalised first."""
        invoice = self.invoice(invoice_id)
        if invoice.automatic:
            raise RuleError("invoice-state", "an invoice that is charged automatically is not sent", "invoice")
        if invoice.status == "draft":
            self.finalise(invoice_id)
        elif invoice.status not in ("open", "uncollectible"):
            raise RuleError("invoice-state", f"invoice {invoice_id} is {invoice.status} and cannot be sent", "invoice")
        invoice.sent_at = self._books.time_of(invoice.customer_id)
        self._books.tell("invoice", invoice.id, "sent")
        return invoice

    # --- being paid --------------------------------------------------------------------------------

    def paid_by(self, payment: Payment) -> None:
        """A payment of an invoice has succeeded."""
        invoice = self._books.state.invoices.get(payment.invoice_id or "")
        if invoice is None:
            return
        link = self.link_of(invoice, payment.id)
        link.status, link.paid_minor, link.paid_at = "paid", payment.received_minor, self._books.now()
        over = payment.received_minor - invoice.remaining_minor
        invoice.paid_minor += payment.received_minor
        self._books.tell("invoice-payment", link.id, "paid")
        if over > 0:
            invoice.overpaid_minor += over
            self._books.tell("invoice", invoice.id, "overpaid")
        if invoice.remaining_minor == 0 and invoice.status in ("open", "uncollectible"):
            self._settle(invoice, by_payment=True)
        else:
            self._books.tell("invoice", invoice.id, "updated")

    def link_of(self, invoice: Invoice, payment_id: str) -> InvoicePayment:
        """The link between an invoice and one of its payments."""
        links = (self._books.state.invoice_payments[id_] for id_ in invoice.payment_ids)
        return next(link for link in links if link.payment_id == payment_id)

    def _settle(self, invoice: Invoice, by_payment: bool) -> None:
        invoice.status, invoice.paid_at = "paid", self._books.time_of(invoice.customer_id)
        self._close_links(invoice)
        self._books.tell("invoice", invoice.id, "updated")
        self._books.tell("invoice", invoice.id, "paid")
        if by_payment or not invoice.out_of_band:
            self._books.tell("invoice", invoice.id, "payment-succeeded")

    def _close_links(self, invoice: Invoice) -> None:
        for link in [self._books.state.invoice_payments[id_] for id_ in invoice.payment_ids]:
            if link.status == "open":
                link.status, link.canceled_at = "canceled", self._books.now()
                payment = self._books.state.payments[link.payment_id]
                if payment.status not in ("succeeded", "cancelled", "processing"):
                    self.collecting.drop(payment, "void")

    def pay(self, invoice_id: str, instrument_id: str | None = None, out_of_band: bool = False) -> Invoice:
        """Collect it now, or note that it was paid elsewhere. May raise `Declined` (state has changed)."""
        invoice = self.invoice(invoice_id)
        if invoice.status == "draft":
            if not out_of_band and invoice.total_minor > 0:
                self.collecting.check_for(invoice, instrument_id)
            invoice = self.finalise(invoice_id, auto_advance=False)
            if invoice.paid_at is not None:
                return invoice
        if invoice.status == "paid":
            raise RuleError("already-paid", "the invoice is paid already", "invoice")
        if invoice.status not in ("open", "uncollectible"):
            raise RuleError("invoice-state", f"invoice {invoice_id} is {invoice.status} and cannot be paid", "invoice")
        if out_of_band:
            if any(self._books.state.payments[i].status == "processing" for i in self._open_payments(invoice)):
                raise RuleError("invoice-state", "a payment of the invoice is on its way", "invoice")
            invoice.out_of_band = True
            invoice.paid_minor += invoice.remaining_minor
            self._settle(invoice, by_payment=False)
            return invoice
        self.collecting.try_invoice(invoice, instrument_id, loud=True)
        return invoice

    def _open_payments(self, invoice: Invoice) -> list[str]:
        links = (self._books.state.invoice_payments[id_] for id_ in invoice.payment_ids)
        return [link.payment_id for link in links if link.status == "open"]

    # --- ends --------------------------------------------------------------------------------------

    def void(self, invoice_id: str) -> Invoice:
        """Take it back for good (``invoice-state``)."""
        invoice = self.invoice(invoice_id)
        if invoice.status not in ("open", "uncollectible") or invoice.paid_minor:
            state = "paid in part" if invoice.paid_minor else invoice.status
            raise RuleError("invoice-state", f"invoice {invoice_id} is {state} and cannot be voided", "invoice")
        if any(self._books.state.payments[i].status == "processing" for i in self._open_payments(invoice)):
            raise RuleError("invoice-state", "a payment of the invoice is on its way", "invoice")
        invoice.status, invoice.voided_at = "void", self._books.time_of(invoice.customer_id)
        customer = self._books.state.customers[invoice.customer_id]
        customer.balance_minor -= invoice.from_balance_minor
        self._close_links(invoice)
        self._books.tell("invoice", invoice.id, "updated")
        self._books.tell("invoice", invoice.id, "voided")
        return invoice

    def write_off(self, invoice_id: str) -> Invoice:
        """Give it up as uncollectible; it may still be paid."""
        invoice = self.invoice(invoice_id)
        if invoice.status != "open":
            raise RuleError("invoice-state", f"invoice {invoice_id} is {invoice.status}, not open", "invoice")
        invoice.status, invoice.uncollectible_at = "uncollectible", self._books.time_of(invoice.customer_id)
        self._books.tell("invoice", invoice.id, "updated")
        self._books.tell("invoice", invoice.id, "written-off")
        return invoice

    def credited(self, invoice: Invoice, before_minor: int, after_minor: int) -> None:
        """A credit note was made (positive) or taken back (negative)."""
        invoice.credited_before_minor += before_minor
        invoice.credited_after_minor += after_minor
        if before_minor and invoice.status in ("open", "uncollectible"):
            if invoice.remaining_minor == 0:
                self._settle(invoice, by_payment=False)
                return
            for payment_id in self._open_payments(invoice):
                payment = self._books.state.payments[payment_id]
                if payment.status not in ("processing", "capturable", "succeeded", "cancelled"):
                    payment.amount_minor = invoice.remaining_minor
                    self.link_of(invoice, payment_id).requested_minor = invoice.remaining_minor
        self._books.tell("invoice", invoice.id, "updated")

    def remind_when_due(self, invoice_id: str) -> None:
        """The due date is over."""
        invoice = self._books.state.invoices.get(invoice_id)
        if invoice is not None and invoice.status == "open":
            self._books.tell("invoice", invoice.id, "overdue")
