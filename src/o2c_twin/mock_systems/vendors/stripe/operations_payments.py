"""Payment intents and charges."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from o2c_twin.mock_systems.roles.billing import Declined, Method, Payment
from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.stripe import errors, limits
from o2c_twin.mock_systems.vendors.stripe.forms import Metadata, Params, Text, merged
from o2c_twin.mock_systems.vendors.stripe.operations_invoices import checked_currency, given
from o2c_twin.mock_systems.vendors.stripe.operations_payment_methods import find_instrument
from o2c_twin.mock_systems.vendors.stripe.paging import DatedListParams, newest, page
from o2c_twin.mock_systems.vendors.stripe.searches import SearchParams, search
from o2c_twin.mock_systems.vendors.stripe.serving import Asked, operation
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape
from o2c_twin.mock_systems.wire.message import Refused

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.stripe.dialect import StripeDialect

Whole = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
_HOUR_US = 3_600_000_000
_LARGEST = 99_999_999


class Automatic(msgspec.Struct, forbid_unknown_fields=True):
    """Let Stripe choose the types."""

    enabled: bool
    allow_redirects: Literal["always", "never"] | None = None


class PaymentParams(Params, kw_only=True):
    """A new payment intent."""

    amount: Whole
    currency: str
    customer: str | None = None
    payment_method: str | None = None
    payment_method_types: list[str] | None = None
    payment_method_data: dict[str, Any] | None = None
    payment_method_options: dict[str, Any] | None = None
    automatic_payment_methods: Automatic | None = None
    capture_method: Literal["automatic", "automatic_async", "manual"] = "automatic"
    confirm: bool = False
    off_session: bool | None = None
    description: Text | None = None
    metadata: Metadata | UnsetType = UNSET
    receipt_email: str | None = None
    statement_descriptor: Annotated[str, msgspec.Meta(max_length=22)] | None = None
    return_url: str | None = None


class PaymentUpdateParams(Params, kw_only=True):
    """What may change."""

    amount: Whole | None = None
    customer: str | None = None
    payment_method: str | None = None
    description: Text | UnsetType | None = UNSET
    metadata: Metadata | UnsetType = UNSET
    receipt_email: str | UnsetType | None = UNSET


class PaymentListParams(DatedListParams, kw_only=True):
    """Filters of a list of payment intents."""

    customer: str | None = None


def _check_amount(amount: int) -> int:
    if amount < 1:
        errors.refuse(400, "This value must be greater than or equal to 1.", code="parameter_invalid_integer",
                      param="amount")  # fmt: skip
    if amount > _LARGEST:
        errors.refuse(400, "Amount must be no more than 999,999.99.", code="amount_too_large", param="amount")
    return amount


def _methods(stripe: "StripeDialect", params: PaymentParams) -> tuple[Method, ...]:
    if params.payment_method_types is not None and params.automatic_payment_methods is not None:
        message = "You may only specify one of these parameters: payment_method_types, automatic_payment_methods."
        errors.refuse(400, message, param="payment_method_types")
    names = params.payment_method_types or ["card"]
    if params.automatic_payment_methods is not None or params.payment_method_types is None:
        # Without a word about types they are automatic (since 2023-08-16); what is on in the dashboard, we assume.
        names = [stripe.shapes.method_names["card"], stripe.shapes.method_names["debit"]]
    for name in names:
        if name not in stripe.shapes.methods:
            message = f"The payment method type {name[:40]!r} is invalid or not activated for this account."
            errors.refuse(400, message, code="payment_intent_invalid_parameter", param="payment_method_types")
    return tuple(stripe.shapes.methods[name] for name in names)


def create(stripe: "StripeDialect", asked: Asked, params: PaymentParams) -> Shape:
    """A payment intent; with ``confirm`` it is tried at once."""
    _check_amount(params.amount)
    currency = checked_currency(params.currency)
    methods = _methods(stripe, params)
    by_transfer = (params.payment_method_data or {}).get("type") == "customer_balance"
    if params.payment_method_data is not None and not by_transfer:
        errors.refuse(400, "Create a payment method first: only type customer_balance can be given here.",
                      param="payment_method_data[type]")  # fmt: skip
    if params.customer is not None:
        stripe.core.cash.customer(params.customer)
    instrument = None
    if params.payment_method is not None:
        instrument = find_instrument(stripe, params.payment_method, "payment_method").id
    elif params.confirm and not by_transfer and methods != ("transfer",):
        customer = stripe.core.state.customers.get(params.customer or "")
        if params.off_session and customer is not None:
            instrument = customer.instrument_id
    if params.confirm and instrument is None and "transfer" not in methods:
        message = "You cannot confirm this PaymentIntent because it's missing a payment method."
        errors.refuse(400, message, code="payment_intent_unexpected_state")
    payment = stripe.core.collecting.create(
        params.amount,
        currency,
        methods,
        customer_id=params.customer,
        instrument_id=instrument,
        manual_capture=params.capture_method == "manual",
        description=params.description,
        statement=params.statement_descriptor,
        email=params.receipt_email,
        metadata=merged({}, given(params.metadata)),
    )
    if params.confirm:
        stripe.core.collecting.confirm(payment.id)
    return stripe.shapes.payment(payment, asked.version)


def _payment(stripe: "StripeDialect", asked: Asked) -> Payment:
    return stripe.core.collecting.payment(asked.id)


def _updates(asked: Asked, payment: Payment) -> tuple[int, int]:
    """The hour, and the updates in it when this one is done. Raises `Refused` when that would be too many."""
    hour = asked.now // _HOUR_US
    used = payment.updates_in_hour if payment.hour == hour else 0
    if used >= limits.UPDATES_PER_HOUR:
        headers = {"Stripe-Rate-Limited-Reason": "resource-specific"}
        message = "Too many updates of this PaymentIntent within an hour."
        raise Refused(errors.problem(429, message, code="rate_limit", headers=headers), throttled=True)
    return hour, used + 1


def retrieve(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """A payment intent."""
    return stripe.shapes.payment(_payment(stripe, asked), asked.version)


def update(stripe: "StripeDialect", asked: Asked, params: PaymentUpdateParams) -> Shape:
    """Change what is sent, while nothing has been tried or the last try has failed."""
    payment = _payment(stripe, asked)
    matter = (params.amount, params.customer, params.payment_method)
    if any(value is not None for value in matter):
        if payment.status not in ("needs-instrument", "needs-confirmation", "needs-action"):
            raise RuleError("payment-state", f"the payment is {payment.status} and cannot be changed so")
        if payment.invoice_id is not None and params.amount is not None:
            raise RuleError("payment-state", "the amount is that of the invoice")
    if params.amount is not None:
        _check_amount(params.amount)
    if params.customer is not None:
        stripe.core.cash.customer(params.customer)
        if payment.customer_id not in (None, params.customer):
            errors.refuse(400, "The customer of a PaymentIntent cannot be changed.", param="customer")
    instrument = None
    if params.payment_method is not None:
        instrument = find_instrument(stripe, params.payment_method, "payment_method")
        if instrument.method not in payment.methods:
            raise RuleError("method-not-allowed", f"{instrument.method} is not allowed for this payment")
    payment.hour, payment.updates_in_hour = _updates(asked, payment)
    if params.amount is not None:
        payment.amount_minor = max(params.amount, payment.funded_minor + 1)
    if params.customer is not None and payment.customer_id is None:
        payment.customer_id = params.customer
        stripe.core.state.customers[params.customer].payment_ids.append(payment.id)
    if instrument is not None:
        payment.instrument_id, payment.status = instrument.id, "needs-confirmation"
    if params.description is not UNSET:
        payment.description = params.description
    if params.receipt_email is not UNSET:
        payment.email = params.receipt_email
    payment.metadata = merged(payment.metadata, given(params.metadata))
    return stripe.shapes.payment(payment, asked.version)


class ConfirmParams(Params, kw_only=True):
    """With what."""

    payment_method: str | None = None
    payment_method_data: dict[str, Any] | None = None
    payment_method_options: dict[str, Any] | None = None
    off_session: bool | None = None
    return_url: str | None = None
    mandate_data: dict[str, Any] | None = None


def confirm(stripe: "StripeDialect", asked: Asked, params: ConfirmParams) -> Shape:
    """Try it."""
    payment = _payment(stripe, asked)
    instrument = None
    if params.payment_method is not None:
        instrument = find_instrument(stripe, params.payment_method, "payment_method").id
    updates = _updates(asked, payment)
    try:
        stripe.core.collecting.confirm(payment.id, instrument)
    except Declined:
        # An attempt that failed was made; one that broke a rule never was, and counts for nothing.
        payment.hour, payment.updates_in_hour = updates
        raise
    payment.hour, payment.updates_in_hour = updates
    return stripe.shapes.payment(payment, asked.version)


class CaptureParams(Params, kw_only=True):
    """How much; without it all."""

    amount_to_capture: Whole | None = None
    metadata: Metadata | UnsetType = UNSET


def capture(stripe: "StripeDialect", asked: Asked, params: CaptureParams) -> Shape:
    """Take what was reserved."""
    payment = stripe.core.collecting.capture(asked.id, params.amount_to_capture)
    payment.metadata = merged(payment.metadata, given(params.metadata))
    return stripe.shapes.payment(payment, asked.version)


class CancelParams(Params, kw_only=True):
    """Why."""

    cancellation_reason: Literal["duplicate", "fraudulent", "requested_by_customer", "abandoned"] | None = None


def cancel(stripe: "StripeDialect", asked: Asked, params: CancelParams) -> Shape:
    """Give up collecting."""
    payment = stripe.core.collecting.cancel(asked.id, params.cancellation_reason)
    return stripe.shapes.payment(payment, asked.version)


class ApplyParams(Params, kw_only=True):
    """How much of the customer's cash."""

    amount: Whole | None = None
    currency: str | None = None


def apply_customer_balance(stripe: "StripeDialect", asked: Asked, params: ApplyParams) -> Shape:
    """Pay with the customer's cash, by hand."""
    payment = stripe.core.cash.apply(asked.id, params.amount)
    return stripe.shapes.payment(payment, asked.version)


def list_all(stripe: "StripeDialect", asked: Asked, params: PaymentListParams) -> Shape:
    """Payment intents."""
    rows = (
        payment
        for payment in newest(stripe.core.state.payments, params.created)
        if params.customer in (None, payment.customer_id)
    )
    kind, show = "payment_intent", stripe.shapes.payment
    return page(rows, params, "/v1/payment_intents", kind, lambda p: p.id, lambda p: show(p, asked.version))


def search_all(stripe: "StripeDialect", asked: Asked, params: SearchParams) -> Shape:
    """Payment intents by a query."""
    rows = stripe.core.state.payments.values()
    return search(stripe, asked, params, "payment_intent", rows, stripe.shapes.payment)


# --- charges ----------------------------------------------------------------------------------------


class ChargeListParams(DatedListParams, kw_only=True):
    """Filters of a list of charges."""

    customer: str | None = None
    payment_intent: str | None = None


class ChargeUpdateParams(Params, kw_only=True):
    """What may change."""

    description: Text | UnsetType | None = UNSET
    metadata: Metadata | UnsetType = UNSET


def charge_retrieve(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """A charge."""
    return stripe.shapes.charge(stripe.core.returning.charge(asked.id), asked.version)


def charge_update(stripe: "StripeDialect", asked: Asked, params: ChargeUpdateParams) -> Shape:
    """Change description or metadata."""
    charge = stripe.core.returning.charge(asked.id)
    if params.description is not UNSET:
        charge.description = params.description
    charge.metadata = merged(charge.metadata, given(params.metadata))
    stripe.core.books.tell("charge", charge.id, "updated")
    return stripe.shapes.charge(charge, asked.version)


def charge_list(stripe: "StripeDialect", asked: Asked, params: ChargeListParams) -> Shape:
    """Charges."""
    rows = (
        charge
        for charge in newest(stripe.core.state.charges, params.created)
        if params.customer in (None, charge.customer_id) and params.payment_intent in (None, charge.payment_id)
    )
    show = stripe.shapes.charge
    return page(rows, params, "/v1/charges", "charge", lambda c: c.id, lambda c: show(c, asked.version))


def charge_search(stripe: "StripeDialect", asked: Asked, params: SearchParams) -> Shape:
    """Charges by a query."""
    return search(stripe, asked, params, "charge", stripe.core.state.charges.values(), stripe.shapes.charge)


_PI = "/v1/payment_intents"
ROUTES = (
    operation("payment_intents.create", "POST", _PI, create, "Create a payment intent", PaymentParams),
    operation("payment_intents.list", "GET", _PI, list_all, "List payment intents", PaymentListParams),
    operation("payment_intents.search", "GET", f"{_PI}/search", search_all, "Search payment intents", SearchParams),
    operation("payment_intents.retrieve", "GET", f"{_PI}/{{id}}", retrieve, "A payment intent"),
    operation("payment_intents.update", "POST", f"{_PI}/{{id}}", update, "Change it", PaymentUpdateParams),
    operation("payment_intents.confirm", "POST", f"{_PI}/{{id}}/confirm", confirm, "Try it", ConfirmParams),
    operation("payment_intents.capture", "POST", f"{_PI}/{{id}}/capture", capture, "Take what was reserved",
              CaptureParams),
    operation("payment_intents.cancel", "POST", f"{_PI}/{{id}}/cancel", cancel, "Give up", CancelParams),
    operation("payment_intents.apply_customer_balance", "POST", f"{_PI}/{{id}}/apply_customer_balance",
              apply_customer_balance, "Pay with the customer's cash", ApplyParams),
    operation("charges.list", "GET", "/v1/charges", charge_list, "List charges", ChargeListParams),
    operation("charges.search", "GET", "/v1/charges/search", charge_search, "Search charges", SearchParams),
    operation("charges.retrieve", "GET", "/v1/charges/{id}", charge_retrieve, "A charge"),
    operation("charges.update", "POST", "/v1/charges/{id}", charge_update, "Change a charge", ChargeUpdateParams),
)  # fmt: skip
