"""Customers."""

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from o2c_twin.mock_systems.vendors.stripe import errors
from o2c_twin.mock_systems.vendors.stripe.forms import Amount, Metadata, Params, Text, merged
from o2c_twin.mock_systems.vendors.stripe.operations_cash import CashSettings
from o2c_twin.mock_systems.vendors.stripe.operations_payment_methods import attach, find_instrument
from o2c_twin.mock_systems.vendors.stripe.paging import DatedListParams, newest, page
from o2c_twin.mock_systems.vendors.stripe.searches import SearchParams, search
from o2c_twin.mock_systems.vendors.stripe.serving import Asked, operation
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.stripe.dialect import StripeDialect

OptionalText = Text | UnsetType | None


class InvoiceSettings(msgspec.Struct, forbid_unknown_fields=True):
    """The customer's own settings for invoices."""

    default_payment_method: str | None = None


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
        attach(stripe, instrument, customer)
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


ROUTES = (
    operation("customers.create", "POST", "/v1/customers", create, "Create a customer", CustomerParams),
    operation("customers.list", "GET", "/v1/customers", list_all, "List customers", CustomerListParams),
    operation("customers.search", "GET", "/v1/customers/search", search_all, "Search customers", SearchParams),
    operation("customers.retrieve", "GET", "/v1/customers/{id}", retrieve, "A customer"),
    operation("customers.update", "POST", "/v1/customers/{id}", update, "Change a customer", CustomerParams),
    operation("customers.delete", "DELETE", "/v1/customers/{id}", delete, "Delete a customer"),
)  # fmt: skip
