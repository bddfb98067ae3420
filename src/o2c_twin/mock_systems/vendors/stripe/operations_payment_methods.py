"""Payment methods: cards by test tokens, and bank accounts that may be debited."""

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import UNSET, UnsetType

from o2c_twin.mock_systems.roles.billing import Behaviour, Customer, Instrument
from o2c_twin.mock_systems.vendors.stripe import errors
from o2c_twin.mock_systems.vendors.stripe.forms import Metadata, Params, merged
from o2c_twin.mock_systems.vendors.stripe.paging import ListParams, newest, page
from o2c_twin.mock_systems.vendors.stripe.serving import Asked, operation
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.stripe.dialect import StripeDialect


TOKENS: dict[str, tuple[str, str, Behaviour]] = {
    "pm_card_visa": ("visa", "4242", Behaviour()),
    "pm_card_mastercard": ("mastercard", "4444", Behaviour()),
    "pm_card_amex": ("amex", "8431", Behaviour()),
    "pm_card_chargeDeclined": ("visa", "0002", Behaviour(decline="generic_decline")),
    "pm_card_visa_chargeDeclined": ("visa", "0002", Behaviour(decline="generic_decline")),
    "pm_card_chargeDeclinedInsufficientFunds": ("visa", "9995", Behaviour(decline="insufficient_funds")),
    "pm_card_visa_chargeDeclinedInsufficientFunds": ("visa", "9995", Behaviour(decline="insufficient_funds")),
    "pm_card_chargeDeclinedExpiredCard": ("visa", "0069", Behaviour(decline="expired_card")),
    "pm_card_chargeCustomerFail": ("visa", "0341", Behaviour(decline="generic_decline")),
    "pm_card_createDispute": ("visa", "0259", Behaviour(disputes="fraudulent")),
    "pm_card_authenticationRequired": ("visa", "3184", Behaviour(asks_customer=True)),
    "pm_card_threeDSecure2Required": ("visa", "3220", Behaviour(asks_customer=True)),
    "pm_card_refundFail": ("visa", "5126", Behaviour(rejects_refunds=True)),
}
"""Test cards by their tokens (docs.stripe.com/testing). The card number 4000 0000 0000 5126 fails refunds."""
IBANS: dict[str, Behaviour] = {
    "DE89370400440532013000": Behaviour(),
    "DE08370400440532013003": Behaviour(),
    "DE62370400440532013001": Behaviour(returned="debit_not_authorized"),
    "DE35370400440532013002": Behaviour(disputes="debit_not_authorized"),
    "DE65370400440000343434": Behaviour(returned="insufficient_funds"),
}
"""Test accounts for debits (docs.stripe.com/payments/sepa-debit)."""


class BillingDetails(msgspec.Struct, forbid_unknown_fields=True):
    """Whose it is."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    address: dict[str, str] | None = None


class CardParams(msgspec.Struct, forbid_unknown_fields=True):
    """A card, by its token only: card numbers are not taken."""

    token: str


class SepaParams(msgspec.Struct, forbid_unknown_fields=True):
    """An account to debit."""

    iban: Annotated[str, msgspec.Meta(max_length=42)]


class UsBankParams(msgspec.Struct, forbid_unknown_fields=True):
    """A US account to debit."""

    account_number: Annotated[str, msgspec.Meta(min_length=4, max_length=17, pattern=r"^\d+$")]
    routing_number: str
    account_holder_type: str | None = None


class PaymentMethodParams(Params, kw_only=True):
    """A payment method."""

    type: str
    card: CardParams | None = None
    sepa_debit: SepaParams | None = None
    us_bank_account: UsBankParams | None = None
    billing_details: BillingDetails | None = None
    metadata: Metadata | UnsetType = UNSET


class AttachParams(Params, kw_only=True):
    """Whose a payment method becomes."""

    customer: str


class MethodListParams(ListParams, kw_only=True):
    """Payment methods of one kind."""

    type: str | None = None


def find_instrument(stripe: "StripeDialect", id_: str, param: str) -> Instrument:
    """A payment method by its id, or a new one by a test token. Raises `Refused`."""
    known = stripe.core.state.instruments.get(id_)
    if known is not None:
        return known
    token = TOKENS.get(id_)
    if token is None or stripe.config.livemode:
        errors.no_such("PaymentMethod", id_, param, in_path=False)
    brand, last4, behaviour = token
    return stripe.core.add_instrument("card", last4, brand, "US", behaviour)


def attach(stripe: "StripeDialect", instrument: Instrument, customer: Customer) -> None:
    """From now on it is the customer's."""
    instrument.customer_id = customer.id
    stripe.core.books.tell("instrument", instrument.id, "attached")


def method_create(stripe: "StripeDialect", asked: Asked, params: PaymentMethodParams) -> Shape:
    """A card by token, or a bank account that may be debited."""
    details = params.billing_details or BillingDetails()
    if params.type not in stripe.shapes.methods or params.type == "customer_balance":
        errors.refuse(400, f"Invalid type: {params.type[:40]} is not available to this account.", param="type")
    if params.type == "card":
        if params.card is None:
            errors.refuse(400, "Missing required param: card.", code="parameter_missing", param="card")
        name = {"tok_visa": "pm_card_visa", "tok_chargeDeclined": "pm_card_chargeDeclined"}.get(params.card.token)
        instrument = find_instrument(stripe, name or params.card.token.replace("tok_", "pm_card_", 1), "card[token]")
    elif params.type == "sepa_debit":
        iban = (params.sepa_debit.iban if params.sepa_debit else "").replace(" ", "").upper()
        if not 15 <= len(iban) <= 34 or not iban.isalnum():
            errors.refuse(400, "The IBAN you provided is invalid.", code="invalid_bank_account_iban", param="iban")
        if details.name is None or details.email is None:
            missing = "billing_details[name]" if details.name is None else "billing_details[email]"
            errors.refuse(400, f"Missing required param: {missing}.", code="parameter_missing", param=missing)
        behaviour = IBANS.get(iban, Behaviour())
        instrument = stripe.core.add_instrument("debit", iban[-4:], "", iban[:2], behaviour)
    else:
        if params.us_bank_account is None:
            name = "us_bank_account"
            errors.refuse(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
        instrument = stripe.core.add_instrument("debit", params.us_bank_account.account_number[-4:], "", "US")
    instrument.owner, instrument.email = details.name, details.email
    instrument.metadata = merged({}, None if params.metadata is UNSET else params.metadata)
    return stripe.shapes.instrument(instrument, asked.version)


def method_retrieve(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """A payment method."""
    instrument = stripe.core.state.instruments.get(asked.id)
    if instrument is None:
        errors.no_such("PaymentMethod", asked.id, "payment_method", in_path=True)
    return stripe.shapes.instrument(instrument, asked.version)


def method_attach(stripe: "StripeDialect", asked: Asked, params: AttachParams) -> Shape:
    """Let a customer's payments be collected with it. A test token makes a new one."""
    customer = stripe.core.cash.customer(params.customer)
    if asked.id not in stripe.core.state.instruments and (asked.id not in TOKENS or stripe.config.livemode):
        errors.no_such("PaymentMethod", asked.id, "payment_method", in_path=True)
    instrument = find_instrument(stripe, asked.id, "payment_method")
    if instrument.customer_id not in (None, customer.id):
        errors.refuse(400, "The payment method you provided has already been attached to a customer.")
    attach(stripe, instrument, customer)
    return stripe.shapes.instrument(instrument, asked.version)


def method_detach(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """Take it away from its customer."""
    instrument = stripe.core.state.instruments.get(asked.id)
    if instrument is None:
        errors.no_such("PaymentMethod", asked.id, "payment_method", in_path=True)
    customer = stripe.core.state.customers.get(instrument.customer_id or "")
    if customer is None:
        errors.refuse(400, "The payment method you provided is not attached to a customer so detachment is impossible.")
    if customer.instrument_id == instrument.id:
        customer.instrument_id = None
    instrument.customer_id = None
    stripe.core.books.tell("instrument", instrument.id, "detached")
    return stripe.shapes.instrument(instrument, asked.version)


def methods_of(stripe: "StripeDialect", asked: Asked, params: MethodListParams) -> Shape:
    """A customer's payment methods."""
    customer = stripe.core.cash.customer(asked.id)
    rows = (
        instrument
        for instrument in newest(stripe.core.state.instruments)
        if instrument.customer_id == customer.id
        and params.type in (None, stripe.shapes.method_names[instrument.method])
    )
    url = f"/v1/customers/{customer.id}/payment_methods"
    show = stripe.shapes.instrument
    return page(rows, params, url, "PaymentMethod", lambda i: i.id, lambda i: show(i, asked.version))


ROUTES = (
    operation("customers.payment_methods", "GET", "/v1/customers/{id}/payment_methods", methods_of,
              "A customer's payment methods", MethodListParams),
    operation("payment_methods.create", "POST", "/v1/payment_methods", method_create, "Create a payment method",
              PaymentMethodParams),
    operation("payment_methods.retrieve", "GET", "/v1/payment_methods/{id}", method_retrieve, "A payment method"),
    operation("payment_methods.attach", "POST", "/v1/payment_methods/{id}/attach", method_attach,
              "Attach to a customer", AttachParams),
    operation("payment_methods.detach", "POST", "/v1/payment_methods/{id}/detach", method_detach, "Detach"),
)  # fmt: skip
