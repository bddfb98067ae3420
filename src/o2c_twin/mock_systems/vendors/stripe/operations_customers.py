"""Customers, their payment methods and their cash."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from o2c_twin.mock_systems.roles.billing import Behaviour, Customer, Instrument
from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.stripe import errors
from o2c_twin.mock_systems.vendors.stripe.forms import Params, merged
from o2c_twin.mock_systems.vendors.stripe.paging import DatedListParams, ListParams, newest, page
from o2c_twin.mock_systems.vendors.stripe.searches import SearchParams, search
from o2c_twin.mock_systems.vendors.stripe.serving import Asked, operation
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.stripe.dialect import StripeDialect

Text = Annotated[str, msgspec.Meta(max_length=5_000)]
Amount = Annotated[int, msgspec.Meta(ge=-99_999_999, le=99_999_999)]
Metadata = dict[str, str]
OptionalText = Text | UnsetType | None


class InvoiceSettings(msgspec.Struct, forbid_unknown_fields=True):
    """The customer's own settings for invoices."""

    default_payment_method: str | None = None


class CashSettings(msgspec.Struct, forbid_unknown_fields=True):
    """How transfers are matched."""

    reconciliation_mode: Literal["automatic", "manual", "merchant_default"]


class CashBalanceParams(msgspec.Struct, forbid_unknown_fields=True):
    """The part of a customer that is cash."""

    settings: CashSettings | None = None


class CustomerParams(Params, kw_only=True):
    """A customer, new or changed."""

    name: OptionalText = UNSET
    email: Annotated[str, msgspec.Meta(max_length=512)] | UnsetType | None = UNSET
    phone: OptionalText = UNSET
    description: OptionalText = UNSET
    address: dict[str, str] | UnsetType | None = UNSET
    metadata: Metadata | UnsetType = UNSET
    balance: Amount | UnsetType = UNSET
    payment_method: str | None = None
    invoice_settings: InvoiceSettings | None = None
    cash_balance: CashBalanceParams | None = None
    test_clock: str | None = None


class CustomerListParams(DatedListParams, kw_only=True):
    """Filters of a list of customers."""

    email: str | None = None
    test_clock: str | None = None


def _fields(params: CustomerParams) -> dict[str, Any]:
    names = ("name", "email", "phone", "description", "address")
    fields = {name: getattr(params, name) for name in names if getattr(params, name) is not UNSET}
    if params.balance is not UNSET:
        fields["balance_minor"] = params.balance
    if params.cash_balance is not None and params.cash_balance.settings is not None:
        mode = params.cash_balance.settings.reconciliation_mode
        fields["reconciling"] = "default" if mode == "merchant_default" else mode
    return fields


def create(stripe: "StripeDialect", asked: Asked, params: CustomerParams) -> Shape:
    """A customer; ``payment_method`` is attached."""
    core = stripe.core
    fields = _fields(params)
    fields["metadata"] = merged({}, None if params.metadata is UNSET else params.metadata)
    wanted = params.payment_method or (params.invoice_settings or InvoiceSettings()).default_payment_method
    instrument = None if wanted is None else find_instrument(stripe, wanted, "payment_method")
    customer = core.add_customer(params.test_clock, **fields)
    if instrument is not None:
        _attach(stripe, instrument, customer)
        customer.instrument_id = instrument.id
    return stripe.shapes.customer(customer, asked.version)


def retrieve(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """A customer; one that was deleted says so."""
    customer = stripe.core.state.customers.get(asked.id)
    if customer is None:
        errors.no_such("customer", asked.id, "id", in_path=True)
    return stripe.shapes.customer(customer, asked.version)


def update(stripe: "StripeDialect", asked: Asked, params: CustomerParams) -> Shape:
    """Change what is sent."""
    customer = stripe.core.cash.customer(asked.id)
    if params.test_clock is not None or params.payment_method is not None:
        name = "test_clock" if params.test_clock is not None else "payment_method"
        errors.refuse(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
    default = (params.invoice_settings or InvoiceSettings()).default_payment_method
    if default is not None:
        instrument = stripe.core.state.instruments.get(default)
        if instrument is None or instrument.customer_id != customer.id:
            message = "The customer does not have a payment method with that ID; attach it first."
            errors.refuse(400, message, code="resource_missing", param="invoice_settings[default_payment_method]")
        customer.instrument_id = default
    for name, value in _fields(params).items():
        setattr(customer, name, value)
    if params.metadata is not UNSET:
        customer.metadata = merged(customer.metadata, params.metadata)
    stripe.core.books.tell("customer", customer.id, "updated")
    return stripe.shapes.customer(customer, asked.version)


def delete(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """Delete for good."""
    stripe.core.delete_customer(asked.id)
    return {"id": asked.id, "object": "customer", "deleted": True}


def list_all(stripe: "StripeDialect", asked: Asked, params: CustomerListParams) -> Shape:
    """Customers that are not deleted."""
    rows = (
        customer
        for customer in newest(stripe.core.state.customers, params.created)
        if not customer.deleted
        and (params.email is None or customer.email == params.email)
        and customer.clock_id == params.test_clock
    )
    show = stripe.shapes.customer
    return page(rows, params, "/v1/customers", "customer", lambda c: c.id, lambda c: show(c, asked.version))


def search_all(stripe: "StripeDialect", asked: Asked, params: SearchParams) -> Shape:
    """Customers by a query."""
    rows = [customer for customer in stripe.core.state.customers.values() if not customer.deleted]
    return search(stripe, asked, params, "customer", rows, stripe.shapes.customer)


# --- payment methods --------------------------------------------------------------------------------

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


def _attach(stripe: "StripeDialect", instrument: Instrument, customer: Customer) -> None:
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
    _attach(stripe, instrument, customer)
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


# --- cash -------------------------------------------------------------------------------------------


class FundingParams(Params, kw_only=True):
    """What the instructions are for."""

    currency: str
    funding_type: Literal["bank_transfer"]
    bank_transfer: dict[str, Any]


def cash_balance(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """A customer's cash."""
    return stripe.shapes.cash_balance(stripe.core.cash.customer(asked.id))


class CashUpdateParams(Params, kw_only=True):
    """How a customer's transfers are matched."""

    settings: CashSettings | None = None


def cash_update(stripe: "StripeDialect", asked: Asked, params: CashUpdateParams) -> Shape:
    """Match transfers by themselves or by hand."""
    customer = stripe.core.cash.customer(asked.id)
    if params.settings is not None:
        mode = params.settings.reconciliation_mode
        customer.reconciling = "default" if mode == "merchant_default" else mode
        for currency in list(customer.cash):
            stripe.core.cash.reconcile(customer.id, currency)
    return stripe.shapes.cash_balance(customer)


def cash_entries(stripe: "StripeDialect", asked: Asked, params: ListParams) -> Shape:
    """What moved a customer's cash."""
    customer = stripe.core.cash.customer(asked.id)
    rows = (entry for entry in newest(stripe.core.state.cash_entries) if entry.customer_id == customer.id)
    url = f"/v1/customers/{customer.id}/cash_balance_transactions"
    kind, show = "customer_cash_balance_transaction", stripe.shapes.cash_entry
    return page(rows, params, url, kind, lambda e: e.id, lambda e: show(e, asked.version))


def cash_entry(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """One movement of a customer's cash."""
    entry = stripe.core.state.cash_entries.get(asked.params["transaction"])
    if entry is None or entry.customer_id != asked.id:
        errors.no_such("customer_cash_balance_transaction", asked.params["transaction"], "id", in_path=True)
    return stripe.shapes.cash_entry(entry, asked.version)


def funding_instructions(stripe: "StripeDialect", asked: Asked, params: FundingParams) -> Shape:
    """Where a customer sends transfers: always the same account."""
    return stripe.shapes.funding_instructions(stripe.core.cash.customer(asked.id).account, params.currency.lower())


class FundParams(Params, kw_only=True):
    """A transfer of the sandbox."""

    amount: Amount
    currency: str
    reference: str | None = None


def fund(stripe: "StripeDialect", asked: Asked, params: FundParams) -> Shape:
    """Sandbox: a transfer of the customer arrives."""
    if stripe.config.livemode:
        raise RuleError("test-only", "this is possible in test mode only")
    entry = stripe.core.cash.receive(asked.id, params.amount, params.currency.lower(), params.reference, None)
    return stripe.shapes.cash_entry(entry, asked.version)


_CASH = "API reference: cash balance; docs: bank transfers"
ROUTES = (
    operation("customers.create", "POST", "/v1/customers", create, "Create a customer", CustomerParams),
    operation("customers.list", "GET", "/v1/customers", list_all, "List customers", CustomerListParams),
    operation("customers.search", "GET", "/v1/customers/search", search_all, "Search customers", SearchParams),
    operation("customers.retrieve", "GET", "/v1/customers/{id}", retrieve, "A customer"),
    operation("customers.update", "POST", "/v1/customers/{id}", update, "Change a customer", CustomerParams),
    operation("customers.delete", "DELETE", "/v1/customers/{id}", delete, "Delete a customer"),
    operation("customers.payment_methods", "GET", "/v1/customers/{id}/payment_methods", methods_of,
              "A customer's payment methods", MethodListParams),
    operation("cash_balance.retrieve", "GET", "/v1/customers/{id}/cash_balance", cash_balance, "A customer's cash",
              source=_CASH),
    operation("cash_balance.update", "POST", "/v1/customers/{id}/cash_balance", cash_update,
              "How a customer's transfers are matched", CashUpdateParams, _CASH),
    operation("cash_balance_transactions.list", "GET", "/v1/customers/{id}/cash_balance_transactions", cash_entries,
              "Movements of a customer's cash", ListParams, _CASH),
    operation("cash_balance_transactions.retrieve", "GET",
              "/v1/customers/{id}/cash_balance_transactions/{transaction}", cash_entry, "One movement", source=_CASH),
    operation("funding_instructions.create", "POST", "/v1/customers/{id}/funding_instructions", funding_instructions,
              "Where a customer sends transfers", FundingParams, _CASH),
    operation("payment_methods.create", "POST", "/v1/payment_methods", method_create, "Create a payment method",
              PaymentMethodParams),
    operation("payment_methods.retrieve", "GET", "/v1/payment_methods/{id}", method_retrieve, "A payment method"),
    operation("payment_methods.attach", "POST", "/v1/payment_methods/{id}/attach", method_attach,
              "Attach to a customer", AttachParams),
    operation("payment_methods.detach", "POST", "/v1/payment_methods/{id}/detach", method_detach, "Detach"),
    operation("test_helpers.fund_cash_balance", "POST", "/v1/test_helpers/customers/{id}/fund_cash_balance", fund,
              "Sandbox: a transfer arrives", FundParams, _CASH),
)  # fmt: skip
