"""Customers, invoices and what belongs to them, as Stripe shows them.

Fields and types: the objects of the API reference and of the official client 16.1.0.
"""

from decimal import Decimal
from typing import Any

from o2c_twin.mock_systems.roles.billing import (
    BillingCore,
    CreditNote,
    Customer,
    Instrument,
    Invoice,
    InvoicePayment,
    Line,
    Method,
    TestClock,
)
from o2c_twin.mock_systems.vendors.stripe.config import StripeConfig
from o2c_twin.mock_systems.vendors.stripe.versions import Version

Shape = dict[str, Any]
_CLOCK_LIFE_S = 30 * 86_400


def seconds(at_us: int | None) -> int | None:
    """Unix seconds of an instant."""
    return None if at_us is None else at_us // 1_000_000


def listing(url: str, rows: list[Shape], has_more: bool = False) -> Shape:
    """A list object."""
    return {"object": "list", "data": rows, "has_more": has_more, "url": url}


class BillingShapes:
    """Shapes of billing objects of one account."""

    def __init__(self, config: StripeConfig, core: BillingCore) -> None:
        self.config = config
        self.core = core
        self.live = config.livemode
        debit = "us_bank_account" if config.country == "US" else "sepa_debit"
        self.method_names: dict[Method, str] = {"card": "card", "debit": debit, "transfer": "customer_balance"}
        self.methods: dict[str, Method] = {"card": "card", debit: "debit", "customer_balance": "transfer"}
        self.hosted = f"https://invoice.stripe.com/i/{config.account}"

    # --- customers ---------------------------------------------------------------------------------

    def customer(self, customer: Customer, version: Version) -> Shape:
        """A customer; a deleted one is only its id."""
        if customer.deleted:
            return {"id": customer.id, "object": "customer", "deleted": True}
        return {
            "id": customer.id,
            "object": "customer",
            "address": customer.address,
            "balance": customer.balance_minor,
            "created": seconds(customer.created_at),
            "currency": customer.currency,
            "default_source": None,
            "delinquent": False,
            "description": customer.description,
            "discount": None,
            "email": customer.email,
            "invoice_prefix": customer.prefix,
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": customer.instrument_id,
                "footer": None,
                "rendering_options": None,
            },
            "livemode": self.live,
            "metadata": customer.metadata,
            "name": customer.name,
            "next_invoice_sequence": customer.next_number,
            "phone": customer.phone,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": customer.clock_id,
        }

    def instrument(self, instrument: Instrument, version: Version) -> Shape:
        """A PaymentMethod."""
        shown: Shape = {
            "id": instrument.id,
            "object": "payment_method",
            "billing_details": {"address": None, "email": instrument.email, "name": instrument.owner, "phone": None},
            "created": seconds(instrument.created_at),
            "customer": instrument.customer_id,
            "livemode": self.live,
            "metadata": instrument.metadata,
            "type": self.method_names[instrument.method],
        }
        shown[shown["type"]] = self.instrument_details(instrument)
        return shown

    def instrument_details(self, instrument: Instrument) -> Shape:
        """The part of a PaymentMethod, and of a charge's details, that belongs to its type."""
        if instrument.method == "card":
            return {
                "brand": instrument.brand or "visa",
                "country": instrument.country,
                "exp_month": 12,
                "exp_year": 2034,
                "fingerprint": instrument.id[-16:],
                "funding": "credit",
                "last4": instrument.last4,
            }
        return {
            "bank_code": None,
            "branch_code": None,
            "country": instrument.country,
            "fingerprint": instrument.id[-16:],
            "last4": instrument.last4,
        }

    def cash_balance(self, customer: Customer) -> Shape:
        """The cash of a customer."""
        mode = {"automatic": "automatic", "manual": "manual"}.get(customer.reconciling)
        default = "automatic" if self.core.books.terms.reconciles_by_itself else "manual"
        return {
            "object": "cash_balance",
            "available": {currency: minor for currency, minor in customer.cash.items() if minor} or None,
            "customer": customer.id,
            "livemode": self.live,
            "settings": {"reconciliation_mode": mode or default, "using_merchant_default": mode is None},
        }

    def clock(self, clock: TestClock, version: Version) -> Shape:
        """A test clock."""
        status: Shape = {"status": "ready", "status_details": {}}
        if clock.target_at is not None:
            status = {
                "status": "advancing",
                "status_details": {"advancing": {"target_frozen_time": seconds(clock.target_at)}},
            }
        created = seconds(clock.created_at) or 0
        return {
            "id": clock.id,
            "object": "test_helpers.test_clock",
            "created": created,
            "deletes_after": created + _CLOCK_LIFE_S,
            "frozen_time": seconds(clock.frozen_at),
            "livemode": self.live,
            "name": clock.name,
            **status,
        }

    # --- invoices ----------------------------------------------------------------------------------

    def item(self, line: Line, version: Version) -> Shape:
        """An invoice item."""
        at = seconds(line.created_at)
        return {
            "id": line.item_id,
            "object": "invoiceitem",
            "amount": line.amount_minor,
            "currency": line.currency,
            "customer": line.customer_id,
            "date": at,
            "description": line.description,
            "discountable": True,
            "discounts": [],
            "invoice": line.invoice_id,
            "livemode": self.live,
            "metadata": line.metadata,
            "net_amount": line.amount_minor,
            "parent": None,
            "period": {"end": at, "start": at},
            "pricing": self._pricing(line),
            "proration": False,
            "quantity": line.quantity,
            "quantity_decimal": str(line.quantity),
            "tax_rates": [],
            "test_clock": self._clock_of(line.customer_id),
        }

    def _clock_of(self, customer_id: str) -> str | None:
        return self.core.state.customers[customer_id].clock_id

    def _pricing(self, line: Line) -> Shape:
        unit = Decimal(line.amount_minor) / (line.quantity or 1)
        text = format(round(unit, 12).normalize(), "f")
        return {"type": "price_details", "price_details": None, "unit_amount_decimal": text}

    def line(self, line: Line) -> Shape:
        """A line of an invoice."""
        at = seconds(line.created_at)
        return {
            "id": line.id,
            "object": "line_item",
            "amount": line.amount_minor,
            "currency": line.currency,
            "description": line.description,
            "discount_amounts": [],
            "discountable": True,
            "discounts": [],
            "invoice": line.invoice_id,
            "livemode": self.live,
            "metadata": line.metadata,
            "parent": {
                "type": "invoice_item_details",
                "invoice_item_details": {"invoice_item": line.item_id, "proration": False, "subscription": None},
                "subscription_item_details": None,
            },
            "period": {"end": at, "start": at},
            "pretax_credit_amounts": [],
            "pricing": self._pricing(line),
            "quantity": line.quantity,
            "quantity_decimal": str(line.quantity),
            "subscription": None,
            "subtotal": line.amount_minor,
            "taxes": [],
        }

    def invoice(self, invoice: Invoice, version: Version) -> Shape:
        """An invoice, as its version of the API has it."""
        customer = self.core.state.customers[invoice.customer_id]
        created = seconds(invoice.created_at)
        due = invoice.due_minor
        shown: Shape = {
            "id": invoice.id,
            "object": "invoice",
            "account_country": self.config.country,
            "account_name": self.config.account_name,
            "account_tax_ids": None,
            "amount_due": due,
            "amount_overpaid": invoice.overpaid_minor,
            "amount_paid": invoice.paid_minor - invoice.overpaid_minor,
            "amount_remaining": due if invoice.status == "void" else invoice.remaining_minor,
            "amount_shipping": 0,
            "application": None,
            "attempt_count": invoice.attempts,
            "attempted": invoice.attempts > 0,
            "auto_advance": invoice.auto_advance and invoice.status in ("draft", "open"),
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None, "status": None},
            "automatically_finalizes_at": seconds(invoice.finalises_at),
            "billing_reason": "manual",
            "collection_method": "charge_automatically" if invoice.automatic else "send_invoice",
            "created": created,
            "currency": invoice.currency,
            "custom_fields": None,
            "customer": invoice.customer_id,
            "customer_address": customer.address,
            "customer_email": customer.email,
            "customer_name": customer.name,
            "customer_phone": customer.phone,
            "customer_shipping": None,
            "customer_tax_exempt": "none",
            "customer_tax_ids": [],
            "default_payment_method": invoice.instrument_id,
            "default_source": None,
            "default_tax_rates": [],
            "description": invoice.description,
            "discounts": [],
            "due_date": seconds(invoice.due_at),
            "effective_at": seconds(invoice.finalised_at),
            "ending_balance": None
            if invoice.finalised_at is None
            else invoice.balance_at_start + invoice.from_balance_minor,
            "footer": invoice.footer,
            "from_invoice": None,
            "hosted_invoice_url": None if invoice.finalised_at is None else f"{self.hosted}/{invoice.id}",
            "invoice_pdf": None if invoice.finalised_at is None else f"{self.hosted}/{invoice.id}/pdf",
            "issuer": {"type": "self"},
            "last_finalization_error": None,
            "latest_revision": None,
            "lines": listing(f"/v1/invoices/{invoice.id}/lines", [self.line(line) for line in invoice.lines[:10]]),
            "livemode": self.live,
            "metadata": invoice.metadata,
            "next_payment_attempt": None,
            "number": invoice.number,
            "on_behalf_of": None,
            "parent": None,
            "payment_settings": {
                "default_mandate": None,
                "payment_method_options": None,
                "payment_method_types": [self.method_names[method] for method in invoice.methods] or None,
            },
            "period_end": created,
            "period_start": created,
            "post_payment_credit_notes_amount": invoice.credited_after_minor,
            "pre_payment_credit_notes_amount": invoice.credited_before_minor,
            "receipt_number": None,
            "rendering": None,
            "shipping_cost": None,
            "shipping_details": None,
            "starting_balance": invoice.balance_at_start,
            "statement_descriptor": None,
            "status": invoice.status,
            "status_transitions": {
                "finalized_at": seconds(invoice.finalised_at),
                "marked_uncollectible_at": seconds(invoice.uncollectible_at),
                "paid_at": seconds(invoice.paid_at),
                "voided_at": seconds(invoice.voided_at),
            },
            "subtotal": invoice.total_minor,
            "subtotal_excluding_tax": invoice.total_minor,
            "test_clock": customer.clock_id,
            "total": invoice.total_minor,
            "total_discount_amounts": [],
            "total_excluding_tax": invoice.total_minor,
            "total_pretax_credit_amounts": [],
            "total_taxes": [],
            "webhooks_delivered_at": None,
        }
        shown["lines"]["has_more"] = len(invoice.lines) > 10
        shown["lines"]["total_count"] = len(invoice.lines)
        return shown if version.invoice_payments else self._older(shown, invoice)

    def _older(self, shown: Shape, invoice: Invoice) -> Shape:
        """Before 2025-03-31.basil."""
        for gone in ("amount_overpaid", "parent", "total_taxes", "total_pretax_credit_amounts"):
            del shown[gone]
        payment = self.core.state.payments.get(invoice.payment_id or "")
        shown["charge"] = payment.charge_ids[-1] if payment is not None and payment.charge_ids else None
        shown["paid"] = invoice.status == "paid"
        shown["paid_out_of_band"] = invoice.out_of_band
        shown["payment_intent"] = invoice.payment_id
        shown["subscription"] = None
        shown["tax"] = None
        return shown

    def invoice_payment(self, link: InvoicePayment, version: Version) -> Shape:
        """The link between an invoice and a payment."""
        return {
            "id": link.id,
            "object": "invoice_payment",
            "amount_paid": link.paid_minor,
            "amount_requested": link.requested_minor,
            "created": seconds(link.created_at),
            "currency": link.currency,
            "invoice": link.invoice_id,
            "is_default": link.is_default,
            "livemode": self.live,
            "payment": {"payment_intent": link.payment_id, "type": "payment_intent"},
            "status": link.status,
            "status_transitions": {"canceled_at": seconds(link.canceled_at), "paid_at": seconds(link.paid_at)},
        }

    def invoice_payments(self, invoice: Invoice, version: Version) -> Shape:
        """All of an invoice's payments."""
        links = [self.core.state.invoice_payments[id_] for id_ in reversed(invoice.payment_ids)]
        rows = [self.invoice_payment(link, version) for link in links]
        return listing(f"/v1/invoice_payments?invoice={invoice.id}", rows)

    def credit_note(self, note: CreditNote, version: Version) -> Shape:
        """A credit note."""
        kind = "mixed" if note.before_minor and note.after_minor else "post_payment" if note.after_minor else None
        rows: list[Shape] = [
            {
                "id": line.id,
                "object": "credit_note_line_item",
                "amount": line.amount_minor,
                "description": line.description,
                "discount_amount": 0,
                "discount_amounts": [],
                "invoice_line_item": line.invoice_line_id,
                "livemode": self.live,
                "quantity": line.quantity,
                "tax_rates": [],
                "taxes": [],
                "type": "invoice_line_item" if line.invoice_line_id else "custom_line_item",
                "unit_amount": None,
                "unit_amount_decimal": None,
            }
            for line in note.lines
        ]
        shown: Shape = {
            "id": note.id,
            "object": "credit_note",
            "amount": note.amount_minor,
            "amount_shipping": 0,
            "created": seconds(note.created_at),
            "currency": note.currency,
            "customer": note.customer_id,
            "customer_balance_transaction": None,
            "discount_amount": 0,
            "discount_amounts": [],
            "effective_at": seconds(note.created_at),
            "invoice": note.invoice_id,
            "lines": listing(f"/v1/credit_notes/{note.id}/lines", rows[:10], len(rows) > 10),
            "livemode": self.live,
            "memo": note.memo,
            "metadata": note.metadata,
            "number": note.number,
            "out_of_band_amount": note.out_of_band_minor or None,
            "pdf": f"{self.hosted}/credit/{note.id}/pdf",
            "post_payment_amount": note.after_minor,
            "pre_payment_amount": note.before_minor,
            "pretax_credit_amounts": [],
            "reason": note.reason,
            "refunds": [{"amount_refunded": minor, "refund": id_, "type": "refund"} for id_, minor in note.refunds],
            "shipping_cost": None,
            "status": note.status,
            "subtotal": note.amount_minor,
            "subtotal_excluding_tax": note.amount_minor,
            "total": note.amount_minor,
            "total_excluding_tax": note.amount_minor,
            "total_taxes": [],
            "type": kind or "pre_payment",
            "voided_at": seconds(note.voided_at),
        }
        if not version.invoice_payments:
            del shown["total_taxes"], shown["refunds"]
            shown["refund"] = note.refunds[0][0] if note.refunds else None
        return shown
