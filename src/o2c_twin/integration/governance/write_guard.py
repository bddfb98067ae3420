"""What each write of the engine changes, and on whose word: held against the systems of record before it leaves.

The engine relays what a system says (then that system must be master), or speaks for itself where the registry names
it as a writer.
"""

from collections.abc import Callable, Iterator
from typing import Any

from o2c_twin.integration.governance.field_groups import GROUPS, SHIPPED
from o2c_twin.integration.governance.systems_of_record import Refusal, Registry, Write
from o2c_twin.integration.mappings.documents import PartyChange
from o2c_twin.integration.model import Party

_CRM, _ERP, _BANK, _ENGINE = "crm", "erp", "bank", "engine"
_PARTY_FIELDS = ("name", "number", "email")
# What sales is told of an order, by the key of the note; `order_id` is what the deal itself learns.
_NOTES = {
    "order_number": ("OrderStatus", "number", "open"),
    "order_id": ("Deal", "erp_order_id", "ordered"),
    "credit": ("OrderStatus", "credit", "open"),
    "fulfilment": ("OrderStatus", "fulfilment", "open"),
    "invoice_number": ("InvoiceStatus", "number", "open"),
    "payment": ("InvoiceStatus", "open_minor", "open"),
}


def intended(write: str, arguments: tuple[Any, ...], key: str, at: int) -> Iterator[Write]:
    """The fields a write of the engine changes, each with the system on whose word it is written."""
    for system, object_, field, stage in _changes(write, arguments):
        yield Write(system, object_, key, field, stage, at)


def _changes(write: str, arguments: tuple[Any, ...]) -> Iterator[tuple[str, str, str, str]]:
    match write:
        case "put_customer":
            yield from _party(arguments[0], "prospect")
            yield _ENGINE, "Party", "erp_id", "customer"
        case "update_customer":
            yield from _party(arguments[1], "customer")
        case "change_customer":
            yield from _changed(_CRM, arguments[1])
        case "change_party":
            yield from _changed(_ERP, arguments[1])
        case "put_payer":
            yield from _party(arguments[0], "customer", at_provider=True)
        case "note_party":
            yield _ENGINE, "Party", "erp_id", "customer"
        case "put_order":
            stage = "won" if arguments[0].erp_order_id is None else "ordered"
            yield from ((_CRM, "Deal", field, stage) for field in ("party", "lines", "currency"))
            yield from ((_CRM, "DealLine", field, stage) for field in ("sku", "quantity", "unit_price_minor"))
            yield _ENGINE, "OrderStatus", "external_id", "open"
            if arguments[0].po_number is not None:
                yield _ENGINE, "OrderStatus", "po_number", "open"
        case "bill":
            yield _ERP, "InvoiceStatus", "total_minor", "open"
        case "cancel_order":
            # What undoes an order or an invoice is asked of the ERP that keeps it, because a person or a rule said so.
            yield _ERP, "OrderStatus", "fulfilment", "open"
        case "credit_invoice":
            yield from ((_ENGINE, "WriteOff", field, "decided") for field in ("amount_minor", "reason"))
        case "release_order":
            # A person of credit control decides, by way of the ERP that keeps the order.
            yield _ERP, "OrderStatus", "credit", "open"
        case "write_off":
            yield from ((_ENGINE, "WriteOff", field, "decided") for field in ("amount_minor", "reason"))
        case "grant_discount":
            yield from ((_ENGINE, "Discount", field, "earned") for field in ("amount_minor", "paid_on", "reason"))
        case "put_charge":
            yield from (
                (_ENGINE, "Charge", field, "posted") for field in ("seller", "buyer", "amount_minor", "currency")
            )
        case "put_payment":
            yield from ((_BANK, "BankEntry", field, "booked") for field in ("amount_minor", "currency", "value_on"))
            if arguments[2]:
                yield _ENGINE, "Allocation", "amount_minor", "applied"
        case "note_deal":
            for name in arguments[1]:
                object_, field, stage = _NOTES.get(name, ("OrderStatus", name, "open"))
                yield (_ENGINE if object_ == "Deal" else _ERP), object_, field, stage
        case "collect":
            yield _ENGINE, "PaymentClaim", "amount_minor", "asked"


def _party(party: Party, stage: str, *, at_provider: bool = False) -> Iterator[tuple[str, str, str, str]]:
    for field in _PARTY_FIELDS:
        if getattr(party, field) is not None:
            yield (_ENGINE if at_provider else _CRM), "Party", field, stage
    if at_provider:
        return
    yield _CRM, "Party", "terms_days", stage
    if party.credit_limit_minor is not None:
        # The limit sales proposes for a new customer is the engine's to hand on; of one that is there sales decides.
        yield (_ENGINE if stage == "prospect" else _CRM), "Party", "credit_limit_minor", stage


def _changed(system: str, change: PartyChange) -> Iterator[tuple[str, str, str, str]]:
    fields = (field for group in GROUPS for field in group.fields)
    yield from ((system, "Party", field, "customer") for field in fields if getattr(change, field) is not None)


def guard(
    registry: Registry = SHIPPED, refused: Callable[[Refusal], None] = lambda _: None
) -> Callable[[str, tuple[Any, ...], str, int], str | None]:
    """A check for `Delivery.registry`: the reason why a write may not leave, or None; ``refused`` is told of each."""

    def check(write: str, arguments: tuple[Any, ...], key: str, at: int) -> str | None:
        for each in intended(write, arguments, key, at):
            refusal = registry.refuse(each)
            if refusal is not None:
                refused(refusal)
                return refusal.message
        return None

    return check
