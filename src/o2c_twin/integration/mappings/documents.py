"""What a write carries that is no object of the canonical model by itself: its arguments as one record, for a map."""

import msgspec

from o2c_twin.integration.model import Allocation, BankEntry


class DealNotes(msgspec.Struct, frozen=True):
    """What became of a deal, for sales to read on it; what is not told now is None and stays as it is."""

    order_number: str | None = None
    order_id: str | None = None
    fulfilment: str | None = None
    invoice_number: str | None = None
    payment: str | None = None
    credit: str | None = None


class PartyNotes(msgspec.Struct, frozen=True):
    """What the engine learned of an account: the ERP's id of its customer."""

    erp_id: str


class PartyChange(msgspec.Struct, frozen=True):
    """What changed of an account that is a customer, to be written on the other side; None stays as it is there."""

    crm_id: str
    currency: str = "EUR"
    name: str | None = None
    number: str | None = None
    email: str | None = None
    terms_days: int | None = None
    credit_limit_minor: int | None = None


class CustomerMaster(msgspec.Struct, frozen=True):
    """A customer as the ERP holds it; what nobody has entered there is None."""

    erp_id: str
    name: str
    number: str | None = None
    email: str | None = None
    terms_days: int | None = None
    credit_limit_minor: int | None = None
    modified_at: int = 0


class Receipt(msgspec.Struct, frozen=True):
    """A bank entry, the ERP's id of the customer who paid it, and what it pays: without allocations, on account."""

    entry: BankEntry
    customer_id: str
    allocations: tuple[Allocation, ...] | None = None
