"""The truth: what really happened, kept apart from every system and never read by any of them."""

from dataclasses import dataclass, field

from o2c_twin.twin.world.demand import Deal
from o2c_twin.twin.world.remittances import Shortfall

WRONG_ENTITY = "entity"
"""Why an invoice is disputed that came from another legal entity than the one the customer buys from."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money a customer really sent, in its currency: ``intended`` is what it was for, by invoice number.

    ``value_at`` is the midnight of its value date.
    """

    reference: str
    customer_id: str
    sent_at: int
    value_at: int
    currency: str
    amount_minor: int
    intended: dict[str, int]


@dataclass(frozen=True, slots=True)
class Dispute:
    """A refusal to pay an invoice as billed; the amount is in the invoice's currency."""

    dispute_id: str
    invoice_number: str
    opened_at: int
    resolved_at: int | None
    reason: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """What credit has agreed with a customer."""

    terms_days: int
    credit_limit_minor: int


@dataclass(slots=True)
class Truth:
    """The ledger of facts. Keys are the truth's own names."""

    deals: dict[str, Deal] = field(default_factory=dict)
    by_po: dict[str, str] = field(default_factory=dict)
    crm_ids: dict[str, str] = field(default_factory=dict)
    shipped: dict[tuple[str, str], int] = field(default_factory=dict)
    issued_on_hold: list[str] = field(default_factory=list)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    provider_receipts: dict[str, Receipt] = field(default_factory=dict)
    """What customers paid through a payment provider, by the provider's payment id."""
    payouts: dict[str, int] = field(default_factory=dict)
    """What the provider sent on to the bank, in minor units, by the reference on the statement."""
    disputes: list[Dispute] = field(default_factory=list)
    shortfalls: dict[str, Shortfall] = field(default_factory=dict)
    """What payments lacked, by the reference of the receipt."""

    discounts: dict[str, dict[str, int]] = field(default_factory=dict)
    """What payments kept of their invoices for coming early, by receipt and invoice number; earned or not."""
    agreed: dict[str, Agreement] = field(default_factory=dict)
    """Terms and limits by customer; only where credit reviews them."""
    accounts: dict[str, str] = field(default_factory=dict)
    """Whose the accounts of the CRM are: account to customer."""

    def won(self, deal: Deal, crm_id: str) -> None:
        """A deal was won."""
        self.deals[deal.deal_id] = deal
        self.by_po[deal.po_number] = deal.deal_id
        self.crm_ids[deal.deal_id] = crm_id

    def deal_of_po(self, po_number: str | None) -> Deal | None:
        """The deal behind a customer's purchase order number."""
        deal_id = self.by_po.get(po_number or "")
        return None if deal_id is None else self.deals[deal_id]

    def left_the_house(self, deal_id: str, sku: str, quantity: int) -> None:
        """Goods went to the customer."""
        key = (deal_id, sku)
        self.shipped[key] = self.shipped.get(key, 0) + quantity
