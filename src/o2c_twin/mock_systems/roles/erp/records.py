"""The ERP's records. Money in integer minor units of the record's currency, instants in epoch microseconds.

``exchange_rate`` is what one unit of a document's currency was worth in the books' when it was posted; None for a
document in the books' own currency, and where an ERP was given no rates.
"""

from decimal import Decimal
from typing import Literal

import msgspec

from o2c_twin.mock_systems.roles.records import Feed, Numbers

CreditHold = Literal["AUTO", "ON", "OFF"]
CreditState = Literal["passed", "hold", "released", "rejected"]
WRITE_OFFS = "write-offs"
"""The cost account of what is no longer asked for: bank charges, small differences, bad debt."""
DISCOUNTS = "discounts granted"
"""The account of what customers keep who pay as early as their terms say."""


class EarlyPayment(msgspec.Struct, frozen=True, gc=False):
    """What payment terms let a customer keep: ``share_bp`` basis points of what is open, ``days`` from the invoice."""

    share_bp: int
    days: int


class Item(msgspec.Struct, gc=False):
    """A stock item. ``committed`` is reserved for orders; available = on_hand - committed."""

    id: str
    sku: str
    name: str
    price_minor: int
    cost_minor: int
    currency: str
    on_hand: int = 0
    committed: int = 0
    modified_at: int = 0


class Customer(msgspec.Struct, gc=False):
    """A customer master with its running credit exposure.

    ``open_orders_minor``: ordered, not shipped; ``unbilled_minor``: shipped, not billed;
    ``balance_minor``: open invoices; ``unapplied_minor``: cash and credits on account.
    """

    id: str
    number: str
    name: str
    currency: str
    terms_days: int = 30
    credit_limit_minor: int | None = None
    hold: CreditHold = "AUTO"
    external_id: str | None = None
    email: str | None = None
    inactive: bool = False
    ship_complete: bool = False
    created_at: int = 0
    modified_at: int = 0
    balance_minor: int = 0
    open_orders_minor: int = 0
    unbilled_minor: int = 0
    unapplied_minor: int = 0
    entity: str | None = None
    """The legal entity that sells to it, its primary one; None where the company is one."""
    further_entities: tuple[str, ...] = ()


class OrderLine(msgspec.Struct, gc=False):
    """One order line; quantities in the item's unit, ``unit_price_minor`` per unit."""

    line: int
    item_id: str
    quantity: int
    unit_price_minor: int
    committed: int = 0
    shipped: int = 0
    billed: int = 0
    closed: bool = False


class SalesOrder(msgspec.Struct, gc=False):
    """A sales order. Fulfilment and billing status are derived from the lines, never stored."""

    id: str
    number: str
    customer_id: str
    currency: str
    lines: list[OrderLine]
    entered_at: int
    modified_at: int
    external_id: str | None = None
    po_number: str | None = None
    memo: str | None = None
    credit: CreditState = "passed"
    hold_reason: str | None = None
    released_at: int | None = None
    cancelled: bool = False
    ship_complete: bool = False
    channel: str = "manual"
    entity: str | None = None
    """The legal entity that sold, as of every document; None where the company is one."""


class DeliveryLine(msgspec.Struct, frozen=True, gc=False):
    """One line of a goods issue."""

    line: int
    item_id: str
    quantity: int
    unit_price_minor: int


class Delivery(msgspec.Struct, gc=False):
    """A goods issue against one order; ``invoice_id`` once it is billed."""

    id: str
    number: str
    order_id: str
    customer_id: str
    currency: str
    lines: list[DeliveryLine]
    issued_at: int
    modified_at: int
    external_id: str | None = None
    tracking: str | None = None
    invoice_id: str | None = None
    entity: str | None = None


class Invoice(msgspec.Struct, gc=False):
    """A posted invoice: immutable but for what is still open, what was credited and whether the goods came back.

    ``replaces`` is the id of the invoice it was billed again for, by another legal entity. ``early`` is what its terms
    let the customer keep, as they were when it was posted.
    """

    id: str
    number: str
    order_id: str
    customer_id: str
    currency: str
    lines: list[DeliveryLine]
    total_minor: int
    open_minor: int
    issued_at: int
    due_at: int
    modified_at: int
    external_id: str | None = None
    po_number: str | None = None
    delivery_ids: list[str] = []
    credited_minor: int = 0
    returned: bool = False
    channel: str = "manual"
    exchange_rate: Decimal | None = None
    entity: str | None = None
    replaces: str | None = None
    early: EarlyPayment | None = None

    @property
    def discount_minor(self) -> int:
        """What of the open amount is kept by who pays in time, half up."""
        return 0 if self.early is None else (self.open_minor * self.early.share_bp + 5_000) // 10_000

    @property
    def discount_until(self) -> int | None:
        """The instant of the last day on which that is in time; None where there is no discount."""
        return None if self.early is None else self.issued_at + self.early.days * 86_400_000_000


class CreditMemo(msgspec.Struct, gc=False):
    """A credit against one invoice; what the invoice no longer owes stays on account.

    ``account`` is what it is booked against: revenue, or a cost where the invoice was right and is not insisted on.
    """

    id: str
    number: str
    invoice_id: str
    customer_id: str
    currency: str
    amount_minor: int
    unapplied_minor: int
    reason: str
    issued_at: int
    modified_at: int
    external_id: str | None = None
    account: str = "revenue"
    exchange_rate: Decimal | None = None
    entity: str | None = None


class IntercompanyEntry(msgspec.Struct, frozen=True, gc=False):
    """What one legal entity charges another: revenue and receivable of ``seller``, cost and payable of ``buyer``."""

    id: str
    number: str
    seller: str
    buyer: str
    amount_minor: int
    currency: str
    reference: str
    posted_at: int
    external_id: str | None = None
    exchange_rate: Decimal | None = None


class Application(msgspec.Struct, frozen=True, gc=False):
    """An amount of a payment or credit memo set against an invoice."""

    source_kind: Literal["payment", "credit_memo"]
    source_id: str
    invoice_id: str
    amount_minor: int
    applied_at: int
    channel: str


class Payment(msgspec.Struct, gc=False):
    """A customer payment; ``unapplied_minor`` is on account.

    ``account`` is what it is booked against: the bank, or a cost where a journal writes off what was not received.
    """

    id: str
    number: str
    customer_id: str
    currency: str
    amount_minor: int
    unapplied_minor: int
    received_at: int
    modified_at: int
    external_id: str | None = None
    reference: str | None = None
    channel: str = "manual"
    account: str = "bank"
    exchange_rate: Decimal | None = None
    entity: str | None = None


class ErpState(msgspec.Struct):
    """Everything an ERP holds; a snapshot is this, encoded."""

    numbers: Numbers = msgspec.field(default_factory=Numbers)
    feed: Feed = msgspec.field(default_factory=Feed)
    items: dict[str, Item] = {}
    customers: dict[str, Customer] = {}
    orders: dict[str, SalesOrder] = {}
    deliveries: dict[str, Delivery] = {}
    invoices: dict[str, Invoice] = {}
    credit_memos: dict[str, CreditMemo] = {}
    payments: dict[str, Payment] = {}
    intercompany: dict[str, IntercompanyEntry] = {}
    applications: list[Application] = []
    postings: list[tuple[int, str, str, int]] = []
    """(at, document number, account, amount in minor units of the books' currency: debit positive, credit negative)"""
    foreign_postings: list[tuple[int, str, str, str, int]] = []
    """What documents in other currencies say in these: (at, document number, account, currency, amount in it)"""
