"""The roles a system can play for the engine: what a connector must be able to do, in canonical words.

``key`` makes a write idempotent: it is derived from the business fact, and the connector puts it
where the vendor will recognise it (external id, upsert). Without a key the write is a plain create.
Every method raises `CallFailed`; ``pushed`` raises `NotAuthentic` for a push whose signature does not hold
(header names in lower case). ``sheet`` says how each write is guarded; a connector with a write guarded by
``query`` has a method ``find(write, key)`` that gives the id of what was made with that key, or None. One whose
sheet names a method for many (`connectors.writes`) has it: ``note_deals(notes, correlation)`` takes the arguments of
many writes of ``note_deal``, each for another record, and gives as many outcomes in their order, None where the write
is done and the `CallFailed` of the write where it is not; it raises one when the call failed as a whole, ``rejected``
or ``missing`` only when nothing was done.
"""

from collections.abc import Mapping
from typing import Protocol

from o2c_twin.integration.capability import Sheet
from o2c_twin.integration.mappings.documents import CustomerMaster, PartyChange
from o2c_twin.integration.model import (
    Allocation,
    BankEntry,
    Deal,
    Inbound,
    InvoiceStatus,
    OpenItem,
    OrderStatus,
    Party,
    PaymentClaim,
    Payout,
    ProviderPayment,
    Shipment,
)


class Crm(Protocol):
    """Where deals are won and sales looks for what became of them."""

    system: str
    sheet: Sheet

    async def deal(self, deal_id: str) -> Deal:
        """The deal with its lines and its account."""
        ...

    async def party(self, party_id: str) -> Party:
        """The account."""
        ...

    async def note_deal(self, deal_id: str, notes: dict[str, str], correlation: str) -> None:
        """Write what became of a deal; keys: order_number, order_id, fulfilment, invoice_number, payment, credit."""
        ...

    async def note_party(self, party_id: str, erp_id: str, correlation: str) -> None:
        """Write the ERP's id of a customer on the account."""
        ...

    async def changes(self, since: int) -> tuple[list[Inbound], int]:
        """Won deals and changed accounts after an instant, and the instant to ask from next."""
        ...

    def pushed(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[Inbound], bytes]:
        """Read a push of this vendor; gives the events and the acknowledgement to answer with."""
        ...


class Erp(Protocol):
    """Where orders are fulfilled, billed and paid."""

    system: str
    sheet: Sheet

    async def item_ids(self) -> dict[str, str]:
        """SKU to item id."""
        ...

    async def put_customer(self, party: Party, key: str | None, correlation: str) -> str:
        """Create the customer, or with a known key update it; gives the ERP's id."""
        ...

    async def customer_by_number(self, number: str, entity: str | None = None) -> str | None:
        """The ERP's id of the customer with that customer number, as that legal entity's rules write it."""
        ...

    async def update_customer(self, erp_id: str, party: Party, correlation: str) -> None:
        """Change name, terms, limit and e-mail of a customer."""
        ...

    async def put_order(
        self, deal: Deal, customer_id: str, items: dict[str, str], key: str | None, correlation: str
    ) -> str:
        """Create the sales order; with a key that is known already, find it. Gives the ERP's id."""
        ...

    async def order(self, order_id: str) -> OrderStatus:
        """The order as it stands."""
        ...

    async def shipment(self, shipment_id: str) -> Shipment:
        """A goods issue."""
        ...

    async def bill(self, order_id: str, key: str | None, correlation: str) -> str:
        """Bill what has shipped and is not billed; gives the invoice's id, empty when all was billed already."""
        ...

    async def invoice(self, invoice_id: str) -> InvoiceStatus:
        """The invoice as it stands."""
        ...

    async def invoice_by_key(self, key: str) -> str | None:
        """The id of the invoice that was made with that key."""
        ...

    async def open_items(self, customer_id: str) -> list[OpenItem]:
        """All a customer has open."""
        ...

    async def items_named(self, numbers: list[str]) -> list[OpenItem]:
        """Open invoices with these numbers, whoever owes them."""
        ...

    async def put_payment(
        self, entry: BankEntry, customer_id: str, allocations: list[Allocation], key: str | None, correlation: str
    ) -> str:
        """Post a receipt and apply it; gives the payment's id."""
        ...

    # A vendor that offers no call for what follows has no such method: `registry.LACKING` says why.
    #
    # async def cancel_order(self, order_id: str, correlation: str) -> None:
    #     """Cancel an order of which nothing has shipped; one that is cancelled stays so."""
    # async def credit_invoice(self, invoice_id: str, key: str | None, correlation: str) -> str:
    #     """Credit all that is left of an invoice; gives the id of the credit memo."""
    # async def release_order(self, order_id: str, correlation: str) -> None:
    #     """Release an order that the credit check holds."""
    # async def put_charge(self, charge: Charge, key: str | None, correlation: str) -> str:
    #     """Post what one legal entity charges another; gives the id of the entry."""
    # async def write_off(self, what: WriteOff, key: str | None, correlation: str) -> str:
    #     """Write off what an invoice has open; gives the id of the document that does."""
    # async def grant_discount(self, what: Discount, key: str | None, correlation: str) -> str:
    #     """Post a discount that was earned by paying early; gives the id of the document that does."""

    async def changes(self, since: int) -> tuple[list[Inbound], int]:
        """Changed orders, new shipments and changed invoices after an instant, and where to ask from next."""
        ...

    def pushed(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[Inbound], bytes]:
        """Read a push of this vendor."""
        ...


class TellsCustomers(Protocol):
    """An ERP that can be asked for its customers, for designs in which it is master of what is known of them.

    A push of it that names a customer, and what ``customer_changes`` gives, are events of the flow ``customer-master``,
    in lanes ``customer:ID``. Not every vendor's connector has this: see `registry.DEAF`.
    """

    @property
    def customer_fields(self) -> frozenset[str]:
        """The fields of a `PartyChange` that are kept of a customer: read, and written by ``change_customer``."""
        ...

    async def customer(self, erp_id: str) -> CustomerMaster:
        """The customer as it stands."""
        ...

    async def customer_changes(self, since: int) -> tuple[list[Inbound], int]:
        """Changed customers after an instant, and where to ask from next."""
        ...

    async def change_customer(self, erp_id: str, change: PartyChange, correlation: str) -> None:
        """Change what is given of a customer, and nothing else."""
        ...


class TakesCustomers(Protocol):
    """A CRM in which an account can be told what the ERP knows of its customer."""

    @property
    def party_fields(self) -> frozenset[str]:
        """The fields of a `PartyChange` that are kept of an account: read, and written by ``change_party``."""
        ...

    async def change_party(self, party_id: str, change: PartyChange, correlation: str) -> None:
        """Change what is given of an account, and nothing else."""
        ...


class Bank(Protocol):
    """Where money arrives."""

    system: str

    async def statements(self, since: str) -> tuple[list[Inbound], str]:
        """Statements closed after a date, and the date to ask from next."""
        ...

    async def entries(self, statement_id: str) -> list[BankEntry]:
        """The credits of one statement."""
        ...

    def pushed(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[Inbound], bytes]:
        """Read a push of this vendor."""
        ...


class Payments(Protocol):
    """Where a payment provider collects what customers owe: cards, direct debit, transfers it takes in."""

    system: str
    sheet: Sheet

    async def put_payer(self, party: Party, key: str | None, correlation: str) -> str:
        """The customer at the provider, made when it is not there; gives the provider's id."""
        ...

    async def collect(self, claim: PaymentClaim, key: str | None, correlation: str) -> str:
        """Ask for an invoice's money; with a key that is known already, find it. Gives the provider's payment id."""
        ...

    async def payment(self, payment_id: str) -> ProviderPayment:
        """A payment as it stands: it may still fail, or be taken back, days after it was paid."""
        ...

    async def payout(self, payout_id: str) -> Payout:
        """What the provider sent to the bank in one sum, and what it was made of."""
        ...

    async def changes(self, since: int) -> tuple[list[Inbound], int]:
        """Payments (flow ``payment``) and payouts (flow ``payout``) changed after an instant, and where to ask next."""
        ...

    def pushed(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[Inbound], bytes]:
        """Read a push of this vendor."""
        ...
