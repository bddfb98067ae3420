"""Which properties may be expanded: asked of each path before a call does anything.

Sources: the fields the official Python client 16.1.0 marks as expandable; API reference, "Expanding responses"; a hash
such as ``metadata`` is refused with this message, and a list's with a hint (threads Valour-Software/Valour#1533,
stripe/stripe-dotnet#1351).
"""

from collections.abc import Mapping
from functools import cache

from o2c_twin.mock_systems.vendors.stripe.errors import refuse
from o2c_twin.mock_systems.vendors.stripe.versions import Version

_MOST_LEVELS = 4
Leads = Mapping[str, tuple[str, ...]]
"""Property to the kinds of what stands there: records by their ``object``, hashes as ``kind.property``, lists as
``list:kind``; nothing for records the mock never has there, of which nobody knows what follows."""
_CLOCK = ("test_helpers.test_clock",)
_ENTRY = ("balance_transaction",)
_LEADS: Mapping[str, Leads] = {
    "customer": {
        "cash_balance": ("cash_balance",),
        "default_source": (),
        "invoice_settings": ("customer.invoice_settings",),
        "test_clock": _CLOCK,
    },
    "customer.invoice_settings": {"default_payment_method": ("payment_method",)},
    "payment_method": {"customer": ("customer",)},
    "invoice": {
        "account_tax_ids": (),
        "application": (),
        "confirmation_secret": ("invoice.confirmation_secret",),
        "customer": ("customer",),
        "default_payment_method": ("payment_method",),
        "default_source": (),
        "discounts": (),
        "latest_revision": (),
        "lines": ("list:line_item",),
        "on_behalf_of": (),
        "payments": ("list:invoice_payment",),
        "test_clock": _CLOCK,
    },
    "line_item": {"discounts": (), "subscription": ()},
    "invoiceitem": {"customer": ("customer",), "discounts": (), "invoice": ("invoice",), "test_clock": _CLOCK},
    "invoice_payment": {"invoice": ("invoice",), "payment": ("invoice_payment.payment",)},
    "invoice_payment.payment": {"charge": ("charge",), "payment_intent": ("payment_intent",), "payment_record": ()},
    "payment_intent": {
        "application": (),
        "customer": ("customer",),
        "latest_charge": ("charge",),
        "on_behalf_of": (),
        "payment_method": ("payment_method",),
        "payment_record": (),
        "review": (),
        "source": (),
    },
    "charge": {
        "application": (),
        "application_fee": (),
        "balance_transaction": _ENTRY,
        "customer": ("customer",),
        "failure_balance_transaction": _ENTRY,
        "on_behalf_of": (),
        "payment_intent": ("payment_intent",),
        "refunds": ("list:refund",),
        "review": (),
        "source_transfer": (),
        "transfer": (),
    },
    "refund": {
        "balance_transaction": _ENTRY,
        "charge": ("charge",),
        "customer": ("customer",),
        "failure_balance_transaction": _ENTRY,
        "payment_intent": ("payment_intent",),
        "payment_method": ("payment_method",),
        "source_transfer_reversal": (),
        "transfer_reversal": (),
    },
    "dispute": {"balance_transactions": _ENTRY, "charge": ("charge",), "payment_intent": ("payment_intent",)},
    "credit_note": {
        "customer": ("customer",),
        "customer_balance_transaction": (),
        "invoice": ("invoice",),
        "lines": ("list:credit_note_line_item",),
        "refunds": ("credit_note.refunds",),
    },
    "credit_note.refunds": {"refund": ("refund",)},
    "balance_transaction": {
        "source": ("charge", "customer_cash_balance_transaction", "dispute", "payout", "refund"),
    },
    # Not ``destination``: the merchant's bank account is not modelled.
    "payout": {
        "application_fee": (),
        "balance_transaction": _ENTRY,
        "failure_balance_transaction": _ENTRY,
        "original_payout": ("payout",),
        "reversed_by": ("payout",),
    },
    "customer_cash_balance_transaction": {
        "applied_to_payment": ("customer_cash_balance_transaction.payment",),
        "customer": ("customer",),
        "refunded_from_payment": ("customer_cash_balance_transaction.refunded_from_payment",),
        "unapplied_from_payment": ("customer_cash_balance_transaction.payment",),
    },
    "customer_cash_balance_transaction.payment": {"payment_intent": ("payment_intent",)},
    "customer_cash_balance_transaction.refunded_from_payment": {"refund": ("refund",)},
}
_BEFORE_BASIL: Mapping[str, Leads] = {
    "invoice": {"charge": ("charge",), "payment_intent": ("payment_intent",), "subscription": ()},
    "payment_intent": {"invoice": ("invoice",)},
    "charge": {"invoice": ("invoice",)},
    "credit_note": {"refund": ("refund",)},
}
_SINCE_BASIL = {("invoice", "payments"), ("invoice", "confirmation_secret"), ("credit_note", "refunds")}
_BY_AREA = {
    "customers": "customer",
    "cash_balance": "cash_balance",
    "cash_balance_transactions": "customer_cash_balance_transaction",
    "funding_instructions": "funding_instructions",
    "payment_methods": "payment_method",
    "test_helpers": "customer_cash_balance_transaction",
    "events": "event",
    "webhook_endpoints": "webhook_endpoint",
    "test_clocks": "test_helpers.test_clock",
    "invoices": "invoice",
    "invoiceitems": "invoiceitem",
    "invoice_payments": "invoice_payment",
    "refunds": "refund",
    "disputes": "dispute",
    "balance": "balance",
    "balance_transactions": "balance_transaction",
    "payouts": "payout",
    "payment_intents": "payment_intent",
    "charges": "charge",
    "credit_notes": "credit_note",
}
_OF_OTHERS = {
    "customers.payment_methods": "list:payment_method",
    "invoices.lines": "list:line_item",
    "credit_notes.lines": "list:credit_note_line_item",
}


def kind_of(operation: str) -> str:
    """The kind of record an operation answers with, by its name: ``invoice``, ``list:invoice``, ``search:invoice``."""
    area, _, verb = operation.partition(".")
    shown = {"list": "list:", "search": "search:"}.get(verb, "")
    return _OF_OTHERS.get(operation) or f"{shown}{_BY_AREA[area]}"


def check(paths: list[str], kind: str, version: Version) -> None:
    """Raises `Refused` for a path that is too long, or that leads nowhere from a record of that kind."""
    for path in paths:
        steps = path.split(".")
        if len(steps) - (steps[0] == "data") > _MOST_LEVELS:
            refuse(400, f"You cannot expand more than {_MOST_LEVELS} levels of a property: {path}", param="expand")
        if _leads(steps, kind, version):
            continue
        message = f"This property cannot be expanded ({path[:100]})."
        if ":" in kind and _leads(["data", *steps], kind, version):
            message += f" You may want to try expanding 'data.{path[:100]}' instead."
        refuse(400, message, param="expand")


def _leads(steps: list[str], kind: str, version: Version) -> bool:
    kinds = {kind}
    for number, step in enumerate(steps):
        ways = [found for each in sorted(kinds) if (found := leads(each, version).get(step)) is not None]
        if not ways:
            return number > 0 and not kinds
        kinds = {each for way in ways for each in way}
    return True


def leads(kind: str, version: Version) -> Leads:
    """What may be expanded in a record of that kind, in that version of the API."""
    if ":" in kind:
        how, _, of = kind.partition(":")
        return {"data": (of,)} if how == "list" else {"data": (of,), "total_count": ("number",)}
    return _of_age(version.invoice_payments, version.latest_charge).get(kind, {})


@cache
def _of_age(basil: bool, latest_charge: bool) -> Mapping[str, Leads]:
    table = {kind: dict(properties) for kind, properties in _LEADS.items()}
    if not basil:
        for kind, properties in _BEFORE_BASIL.items():
            table[kind] |= properties
        for kind, gone in _SINCE_BASIL:
            del table[kind][gone]
    if not latest_charge:
        del table["payment_intent"]["latest_charge"]
        table["payment_intent"]["charges"] = ("list:charge",)
    return table
