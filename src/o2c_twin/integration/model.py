"""The canonical model: what the systems talk about, in nobody's dialect.

Money is integer minor units with a currency, instants are microseconds since the epoch, dates are ISO.
"""

from typing import Literal

import msgspec


class Party(msgspec.Struct, frozen=True):
    """A customer as sales knows it."""

    crm_id: str
    name: str
    number: str | None = None
    email: str | None = None
    terms_days: int = 30
    credit_limit_minor: int | None = None
    currency: str = "EUR"
    erp_id: str | None = None
    modified_at: int = 0
    entity: str | None = None
    """The legal entity that sells to it; None where the estate works as one."""


class DealLine(msgspec.Struct, frozen=True):
    """A product sold: quantity and agreed price per unit."""

    sku: str
    quantity: int
    unit_price_minor: int


class Deal(msgspec.Struct, frozen=True):
    """A won deal; ``erp_order_id`` when an order is already noted on it."""

    crm_id: str
    reference: str
    po_number: str | None
    party: Party
    lines: tuple[DealLine, ...]
    currency: str
    won_at: int
    erp_order_id: str | None = None


class OrderStatus(msgspec.Struct, frozen=True):
    """A sales order as the ERP holds it now."""

    erp_id: str
    number: str
    external_id: str | None
    po_number: str | None
    customer_erp_id: str
    credit: str
    fulfilment: str
    modified_at: int


class Shipment(msgspec.Struct, frozen=True):
    """A goods issue."""

    erp_id: str
    number: str
    order_erp_id: str
    issued_at: int


class OpenItem(msgspec.Struct, frozen=True):
    """An invoice (or, negative, a credit) a customer has open.

    ``currency`` is empty where the ERP has one only and need not tell. ``discount_minor`` is the early-payment discount
    of its terms, due when paid by ``discount_until``.
    """

    erp_id: str
    number: str
    customer_erp_id: str
    open_minor: int
    due_on: str
    disputed: bool = False
    discount_minor: int = 0
    discount_until: str = ""
    currency: str = ""


class InvoiceStatus(msgspec.Struct, frozen=True):
    """An invoice as the ERP holds it now; without ``order_erp_id`` it was made from no order.

    ``currency`` is empty where the ERP has one only and need not tell.
    """

    erp_id: str
    number: str
    order_erp_id: str | None
    total_minor: int
    open_minor: int
    modified_at: int
    currency: str = ""


class WriteOff(msgspec.Struct, frozen=True):
    """What is still open of an invoice and no longer asked for, in minor units; ``reason`` goes onto the document."""

    invoice_erp_id: str
    amount_minor: int
    currency: str
    reason: str


class Discount(msgspec.Struct, frozen=True):
    """What a customer has earned by paying an invoice as early as its terms say, in minor units: ``paid_on`` in time.

    It was promised with the invoice, so it is no write-off; ``reason`` goes onto the document that grants it.
    """

    invoice_erp_id: str
    amount_minor: int
    currency: str
    paid_on: str
    reason: str


class Charge(msgspec.Struct, frozen=True):
    """What a legal entity charges another of the company for what it shipped: ``invoice`` is what that one billed."""

    seller: str
    buyer: str
    amount_minor: int
    currency: str
    invoice: str


class BankEntry(msgspec.Struct, frozen=True):
    """One credit on a bank statement."""

    reference: str
    amount_minor: int
    currency: str
    value_on: str
    end_to_end_id: str | None
    remittance: str
    payer: str | None
    payer_iban: str | None


class Allocation(msgspec.Struct, frozen=True):
    """An amount of a receipt set against an invoice."""

    invoice_erp_id: str
    amount_minor: int


class PaymentClaim(msgspec.Struct, frozen=True):
    """An invoice to be collected through a payment provider, due on ``due_on``."""

    invoice_number: str
    payer_id: str
    amount_minor: int
    currency: str
    due_on: str


PaymentState = Literal["pending", "paid", "failed", "charged-back", "refunded", "cancelled"]
"""``paid`` is not for ever: a direct debit may fail late, a card payment may be charged back."""


class ProviderPayment(msgspec.Struct, frozen=True):
    """A payment as its provider holds it now. ``refunded_minor`` is what went back of ``amount_minor``."""

    payment_id: str
    invoice_number: str | None
    payer_id: str | None
    amount_minor: int
    refunded_minor: int
    currency: str
    state: PaymentState
    reason: str
    payout_id: str | None
    modified_at: int


class PayoutLine(msgspec.Struct, frozen=True):
    """What one payment, refund, chargeback or fee adds to a payout (signed)."""

    payment_id: str | None
    kind: Literal["payment", "refund", "chargeback", "fee", "adjustment"]
    amount_minor: int
    fee_minor: int


class Payout(msgspec.Struct, frozen=True):
    """One sum a provider sends to the bank: ``amount_minor`` is net, ``reference`` what the statement shows."""

    payout_id: str
    amount_minor: int
    currency: str
    reference: str
    arrives_on: str
    lines: tuple[PayoutLine, ...]


class Inbound(msgspec.Struct, frozen=True):
    """Something happened in a system: what the engine is woken by.

    ``event_id`` names the event (the same event has the same name however often it is told);
    ``object_id`` the record; ``lane`` the business key within which events are handled in order.
    """

    event_id: str
    flow: str
    object_id: str
    lane: str
    source_at: int
