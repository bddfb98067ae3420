"""Credit notes: what they take off an open invoice, and how they give back what was paid."""

from o2c_twin.mock_systems.roles.billing.books import Books
from o2c_twin.mock_systems.roles.billing.invoicing import Invoicing
from o2c_twin.mock_systems.roles.billing.records import CreditLine, CreditNote, Invoice
from o2c_twin.mock_systems.roles.billing.returning import Returning
from o2c_twin.mock_systems.roles.billing.rules import split_credit
from o2c_twin.mock_systems.roles.records import RuleError


class Crediting:
    """All credit notes. Methods raise `RuleError` and change nothing when a rule forbids it."""

    def __init__(self, books: Books, invoicing: Invoicing, returning: Returning) -> None:
        self._books = books
        self._invoicing = invoicing
        self._returning = returning

    def note(self, note_id: str) -> CreditNote:
        """The credit note (``unknown``)."""
        note = self._books.state.credit_notes.get(note_id)
        if note is None:
            raise RuleError("unknown", f"no credit note {note_id}", "credit_note")
        return note

    def check(
        self,
        invoice_id: str,
        amount_minor: int,
        *,
        refund_minor: int = 0,
        linked: tuple[tuple[str, int], ...] = (),
        on_account_minor: int = 0,
        out_of_band_minor: int = 0,
    ) -> tuple[Invoice, int, int]:
        """The invoice, and what a credit would take off before and after payment."""
        invoice = self._invoicing.invoice(invoice_id)
        if invoice.status not in ("open", "paid", "uncollectible"):
            raise RuleError("invoice-state", f"a credit note needs an open or paid invoice, not {invoice.status}")
        given = invoice.credited_before_minor + invoice.credited_after_minor
        if amount_minor <= 0:
            raise RuleError("bad-amount", "the amount must be positive", "amount")
        if amount_minor > invoice.total_minor - given:
            raise RuleError("too-much", f"only {invoice.total_minor - given} is left to credit", "amount")
        before, after = split_credit(amount_minor, invoice.remaining_minor)
        for refund_id, linked_minor in linked:
            refund = self._books.state.refunds.get(refund_id)
            if refund is None:
                raise RuleError("unknown", f"no refund {refund_id}", "refunds")
            if linked_minor > refund.amount_minor:
                raise RuleError("too-much", f"refund {refund_id} is of {refund.amount_minor} only", "refunds")
        returned = refund_minor + on_account_minor + out_of_band_minor + sum(minor for _, minor in linked)
        if returned != after:
            raise RuleError(
                "credit-split",
                f"{after} was paid and must be given back: refunded, on account or out of band; "
                f"the parts make {returned}",
            )
        return invoice, before, after

    def create(
        self,
        invoice_id: str,
        amount_minor: int,
        *,
        lines: tuple[tuple[int, str | None, str | None, int], ...] = (),
        refund_minor: int = 0,
        linked: tuple[tuple[str, int], ...] = (),
        on_account_minor: int = 0,
        out_of_band_minor: int = 0,
        reason: str | None = None,
        memo: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> CreditNote:
        """Issue one. ``lines`` are amount, description, invoice line id, quantity; without any, one of the amount."""
        invoice, before, after = self.check(
            invoice_id,
            amount_minor,
            refund_minor=refund_minor,
            linked=linked,
            on_account_minor=on_account_minor,
            out_of_band_minor=out_of_band_minor,
        )
        books = self._books
        charge_id = None
        if refund_minor:
            charge_id = self._charge_of(invoice)
            self._returning.check_refund(charge_id, refund_minor)
        number = books.state.numbers.next(f"credit-of-{invoice.id}")
        note = CreditNote(
            books.new_id("credit-note"),
            f"{invoice.number}-CN-{number:02d}",
            invoice.id,
            invoice.customer_id,
            invoice.currency,
            books.time_of(invoice.customer_id),
            amount_minor,
            before,
            after,
            list(linked),
            on_account_minor,
            out_of_band_minor,
            reason,
            memo,
            dict(metadata or {}),
            [
                CreditLine(books.new_id("credit-line"), amount, text, line_id, quantity)
                for amount, text, line_id, quantity in (lines or ((amount_minor, None, None, 1),))
            ],
        )
        books.state.credit_notes[note.id] = note
        if charge_id is not None:
            refund = self._returning.refund(charge_id, refund_minor, reason="requested_by_customer")
            note.refunds.append((refund.id, refund_minor))
        if on_account_minor:
            books.state.customers[invoice.customer_id].balance_minor -= on_account_minor
        books.tell("credit-note", note.id, "created")
        self._invoicing.credited(invoice, before, after)
        return note

    def _charge_of(self, invoice: Invoice) -> str:
        for link_id in reversed(invoice.payment_ids):
            payment = self._books.state.payments[self._books.state.invoice_payments[link_id].payment_id]
            if payment.status == "succeeded":
                return payment.charge_ids[-1]
        raise RuleError("nothing-to-refund", "the invoice was not paid through a payment here", "refund_amount")

    def void(self, note_id: str) -> CreditNote:
        """Take one back that lowered what is to be paid, while that is still open (``note-state``)."""
        note = self.note(note_id)
        invoice = self._invoicing.invoice(note.invoice_id)
        if note.status == "void" or note.after_minor or invoice.status != "open":
            raise RuleError("note-state", "only a credit note of an open invoice can be voided", "credit_note")
        note.status, note.voided_at = "void", self._books.time_of(note.customer_id)
        self._books.tell("credit-note", note.id, "voided")
        self._invoicing.credited(invoice, -note.before_minor, 0)
        return note
