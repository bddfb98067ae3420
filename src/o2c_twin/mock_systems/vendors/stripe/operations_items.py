"""Invoice items, and the links between invoices and payments."""

from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import UNSET, UnsetType

from o2c_twin.mock_systems.vendors.stripe import errors
from o2c_twin.mock_systems.vendors.stripe.forms import Amount, Metadata, Params, Text, merged
from o2c_twin.mock_systems.vendors.stripe.operations_invoices import Decimals, Quantity, currency_of, given, line_amount
from o2c_twin.mock_systems.vendors.stripe.paging import DatedListParams, newest, page
from o2c_twin.mock_systems.vendors.stripe.serving import Asked, operation
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.stripe.dialect import StripeDialect


class ItemParams(Params, kw_only=True):
    """A new invoice item."""

    customer: str
    amount: Amount | None = None
    currency: str | None = None
    description: Text | None = None
    invoice: str | None = None
    metadata: Metadata | UnsetType = UNSET
    quantity: Quantity | None = None
    unit_amount_decimal: Decimals | None = None


class ItemListParams(DatedListParams, kw_only=True):
    """Filters of a list of items."""

    customer: str | None = None
    invoice: str | None = None
    pending: bool | None = None


def item_create(stripe: "StripeDialect", asked: Asked, params: ItemParams) -> Shape:
    """A line on a draft, or for the customer's next invoice."""
    amount, quantity = line_amount(params.amount, params.quantity, params.unit_amount_decimal, "amount")
    currency = currency_of(stripe, params.currency, params.customer)
    if params.currency is None and params.invoice is not None:
        currency = stripe.core.invoicing.invoice(params.invoice).currency
    line = stripe.core.invoicing.add_line(
        params.customer,
        currency,
        amount,
        quantity,
        params.description,
        merged({}, given(params.metadata)),
        params.invoice,
    )
    return stripe.shapes.item(line, asked.version)


def item_retrieve(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """An item."""
    line = stripe.core.state.waiting_lines.get(asked.id)
    if line is None:
        errors.no_such("invoiceitem", asked.id, "invoiceitem", in_path=True)
    return stripe.shapes.item(line, asked.version)


def item_delete(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """Take an item away."""
    stripe.core.invoicing.remove_line(asked.id)
    return {"id": asked.id, "object": "invoiceitem", "deleted": True}


def item_list(stripe: "StripeDialect", asked: Asked, params: ItemListParams) -> Shape:
    """Items."""
    rows = (
        line
        for line in newest(stripe.core.state.waiting_lines, params.created)
        if params.customer in (None, line.customer_id)
        and params.invoice in (None, line.invoice_id)
        and params.pending in (None, line.invoice_id is None)
    )
    show = stripe.shapes.item
    return page(rows, params, "/v1/invoiceitems", "invoiceitem", lambda i: i.item_id, lambda i: show(i, asked.version))


# --- invoice payments -------------------------------------------------------------------------------


class PaymentFilter(msgspec.Struct, forbid_unknown_fields=True):
    """By the payment behind the link."""

    type: Literal["payment_intent", "charge"] = "payment_intent"
    payment_intent: str | None = None


class InvoicePaymentListParams(DatedListParams, kw_only=True):
    """Filters of a list of invoice payments."""

    invoice: str | None = None
    payment: PaymentFilter | None = None
    status: Literal["open", "paid", "canceled"] | None = None


def _since_basil(asked: Asked, path: str) -> None:
    if not asked.version.invoice_payments:
        errors.refuse(404, f"Unrecognized request URL (GET: {path}). See https://stripe.com/docs.")


def invoice_payment(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """One link between an invoice and a payment; not in older versions of the API."""
    _since_basil(asked, f"/v1/invoice_payments/{asked.id}")
    link = stripe.core.state.invoice_payments.get(asked.id)
    if link is None:
        errors.no_such("invoice_payment", asked.id, "id", in_path=True)
    return stripe.shapes.invoice_payment(link, asked.version)


def invoice_payments(stripe: "StripeDialect", asked: Asked, params: InvoicePaymentListParams) -> Shape:
    """The links; by invoice or payment, or all."""
    _since_basil(asked, "/v1/invoice_payments")
    state = stripe.core.state
    wanted = params.payment.payment_intent if params.payment else None
    rows = (
        link
        for link in newest(state.invoice_payments, params.created)
        if params.invoice in (None, link.invoice_id)
        and params.status in (None, link.status)
        and wanted in (None, link.payment_id)
    )
    kind, show = "invoice_payment", stripe.shapes.invoice_payment
    return page(rows, params, "/v1/invoice_payments", kind, lambda i: i.id, lambda i: show(i, asked.version))


ROUTES = (
    operation("invoiceitems.create", "POST", "/v1/invoiceitems", item_create, "Create an invoice item", ItemParams),
    operation("invoiceitems.list", "GET", "/v1/invoiceitems", item_list, "List invoice items", ItemListParams),
    operation("invoiceitems.retrieve", "GET", "/v1/invoiceitems/{id}", item_retrieve, "An invoice item"),
    operation("invoiceitems.delete", "DELETE", "/v1/invoiceitems/{id}", item_delete, "Delete an invoice item"),
    operation("invoice_payments.list", "GET", "/v1/invoice_payments", invoice_payments, "Payments of invoices",
              InvoicePaymentListParams),
    operation("invoice_payments.retrieve", "GET", "/v1/invoice_payments/{id}", invoice_payment,
              "A payment of an invoice"),
)  # fmt: skip
