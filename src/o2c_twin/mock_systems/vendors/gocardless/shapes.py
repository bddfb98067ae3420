"""The core's records as GoCardless shows them. Fields: resources of the vendor's client libraries."""

from typing import Any

from o2c_twin.mock_systems.roles.direct_debit import DirectDebitCore, Happening, Item, Mandate, Payment, Payout, Refund
from o2c_twin.mock_systems.roles.direct_debit.records import Creditor, Customer, PayerAccount
from o2c_twin.mock_systems.roles.direct_debit.rules import next_charge_day
from o2c_twin.mock_systems.roles.direct_debit.schemes import SCHEMES
from o2c_twin.mock_systems.vendors.gocardless.values import stamp, tenths

Shape = dict[str, Any]
CUSTOMER_FIELDS = (
    "email",
    "given_name",
    "family_name",
    "company_name",
    "address_line1",
    "address_line2",
    "address_line3",
    "city",
    "region",
    "postal_code",
    "country_code",
    "language",
    "phone_number",
    "danish_identity_number",
    "swedish_identity_number",
)
_FX = {"fx_currency": None, "fx_amount": None, "exchange_rate": None, "estimated_exchange_rate": None}
_ITEMS = {"fee": "gocardless_fee", "surcharge": "surcharge_fee"}
_ORIGINS = {"provider": "gocardless"}
_LINKS = {"previous_account": "previous_customer_bank_account", "new_account": "new_customer_bank_account"}


def creditor(of: Creditor) -> Shape:
    """``creditors``."""
    return {
        "id": of.id,
        "created_at": stamp(of.created_at),
        "name": of.name,
        "address_line1": None,
        "address_line2": None,
        "address_line3": None,
        "city": None,
        "region": None,
        "postal_code": None,
        "country_code": of.country,
        "creditor_type": "company",
        "verification_status": "successful",
        "can_create_refunds": True,
        "scheme_identifiers": [],
        "links": {"default_gbp_payout_account": of.bank_account_id, "default_eur_payout_account": of.bank_account_id},
    }


def customer(of: Customer) -> Shape:
    """``customers``."""
    fields = {name: of.details.get(name) for name in CUSTOMER_FIELDS}
    return {"id": of.id, "created_at": stamp(of.created_at), **fields, "metadata": of.metadata}


def account(of: PayerAccount) -> Shape:
    """``customer_bank_accounts``: of the number only its ending."""
    return {
        "id": of.id,
        "created_at": stamp(of.created_at),
        "account_number_ending": of.ending,
        "account_holder_name": of.holder,
        "account_type": None,
        "bank_name": of.bank_name,
        "currency": of.currency,
        "country_code": of.country,
        "metadata": of.metadata,
        "enabled": of.enabled,
        "links": {"customer": of.customer_id},
    }


def mandate(core: DirectDebitCore, of: Mandate, now: int) -> Shape:
    """``mandates``; the next possible charge date is as of now."""
    day = next_charge_day(SCHEMES[of.scheme], core.days, of, now)
    links = {"customer_bank_account": of.account_id, "creditor": core.creditor.id, "customer": of.customer_id}
    return {
        "id": of.id,
        "created_at": stamp(of.created_at),
        "reference": of.reference,
        "status": of.status,
        "scheme": of.scheme,
        "next_possible_charge_date": None if day is None else day.isoformat(),
        "payments_require_approval": False,
        "consent_type": None,
        "funds_settlement": "managed",
        "metadata": of.metadata,
        "links": links,
    }


def payment(core: DirectDebitCore, of: Payment) -> Shape:
    """``payments``."""
    links = {"mandate": of.mandate_id, "creditor": core.creditor.id}
    if of.payout_id is not None:
        links["payout"] = of.payout_id
    return {
        "id": of.id,
        "created_at": stamp(of.created_at),
        "charge_date": of.charge_on,
        "amount": of.amount,
        "description": of.description,
        "currency": of.currency,
        "status": of.status,
        "amount_refunded": of.refunded,
        "reference": of.reference,
        "metadata": of.metadata,
        "fx": _FX,
        "retry_if_possible": of.retry_if_possible,
        "scheme": core.mandate(of.mandate_id).scheme,
        "links": links,
    }


def refund(of: Refund) -> Shape:
    """``refunds``."""
    return {
        "id": of.id,
        "created_at": stamp(of.created_at),
        "amount": of.amount,
        "currency": of.currency,
        "reference": of.reference,
        "status": of.status,
        "metadata": of.metadata,
        "fx": _FX,
        "links": {"payment": of.payment_id, "mandate": of.mandate_id},
    }


def payout(core: DirectDebitCore, of: Payout) -> Shape:
    """``payouts``."""
    return {
        "id": of.id,
        "amount": of.amount,
        "arrival_date": of.arrives_on,
        "created_at": stamp(of.created_at),
        "deducted_fees": of.fees,
        "payout_type": "merchant",
        "reference": of.reference,
        "currency": of.currency,
        "status": of.status,
        "fx": _FX,
        "tax_currency": None,
        "metadata": of.metadata,
        "links": {"creditor_bank_account": core.creditor.bank_account_id, "creditor": core.creditor.id},
    }


def item(of: Item) -> Shape:
    """``payout_items``: the amount is text, in minor units with one decimal."""
    links = {"payment": of.payment_id}
    if of.refund_id is not None:
        links = {**links, "mandate": of.mandate_id, "refund": of.refund_id}
    return {"type": _ITEMS.get(of.kind, of.kind), "amount": tenths(of.tenths), "taxes": [], "links": links}


def event(id_: str, of: Happening) -> Shape:
    """``events``."""
    origin = _ORIGINS.get(of.origin, of.origin)
    details: Shape = {"origin": origin, "cause": of.cause, "description": of.description}
    if of.scheme is not None:
        details["scheme"] = of.scheme
    if of.code is not None:
        details["reason_code"] = of.code
    if of.will_retry is not None:
        details["will_attempt_retry"] = of.will_retry
    links: dict[str, str] = {of.kind: of.id}
    for name, linked in of.links.items():
        links[_LINKS.get(name, name)] = linked
    shape: Shape = {
        "id": id_,
        "created_at": stamp(of.at),
        "resource_type": f"{of.kind}s",
        "action": of.action,
        "links": links,
        "details": details,
        "metadata": of.metadata,
        "resource_metadata": of.about,
        "customer_notifications": [],
    }
    if origin == "api":
        shape["source"] = {"type": "access_token", "name": "API token"}
    return shape
