"""Invoices: drafts with lines, finalising, sending, paying, voiding, writing off."""

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from o2c_twin.mock_systems.roles.billing import Invoice, Line, Method
from o2c_twin.mock_systems.vendors.stripe import errors
from o2c_twin.mock_systems.vendors.stripe.forms import Amount, Metadata, Params, Text, merged
from o2c_twin.mock_systems.vendors.stripe.operations_payment_methods import find_instrument
from o2c_twin.mock_systems.vendors.stripe.paging import DatedListParams, ListParams, newest, page
from o2c_twin.mock_systems.vendors.stripe.searches import SearchParams, search
from o2c_twin.mock_systems.vendors.stripe.serving import Asked, operation
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.stripe.dialect import StripeDialect

Quantity = Annotated[int, msgspec.Meta(ge=0, le=999_999)]
Second = Annotated[int, msgspec.Meta(ge=0, le=2**35)]
Days = Annotated[int, msgspec.Meta(ge=0, le=3_650)]
Decimals = Annotated[str, msgspec.Meta(pattern=r"^-?\d{1,9}(\.\d{1,12})?$")]


def given(metadata: Metadata | UnsetType) -> Metadata | None:
    """The metadata a call sent, if any."""
    return None if metadata is UNSET else metadata


class PaymentSettings(msgspec.Struct, forbid_unknown_fields=True):
    """How an invoice may be paid."""

    payment_method_types: list[str] | None = None


class InvoiceParams(Params, kw_only=True):
    """A new invoice."""

    customer: str
    auto_advance: bool = False
    collection_method: Literal["charge_automatically", "send_invoice"] = "charge_automatically"
    currency: str | None = None
    days_until_due: Days | None = None
    due_date: Second | None = None
    description: Text | None = None
    footer: Text | None = None
    metadata: Metadata | UnsetType = UNSET
    default_payment_method: str | None = None
    payment_settings: PaymentSettings | None = None
    pending_invoice_items_behavior: Literal["include", "exclude"] = "exclude"


class InvoiceUpdateParams(Params, kw_only=True):
    """What may change; of a finalised invoice only metadata and auto_advance."""

    auto_advance: bool | None = None
    collection_method: Literal["charge_automatically", "send_invoice"] | None = None
    days_until_due: Days | None = None
    due_date: Second | None = None
    description: Text | UnsetType | None = UNSET
    footer: Text | UnsetType | None = UNSET
    metadata: Metadata | UnsetType = UNSET
    default_payment_method: str | None = None
    payment_settings: PaymentSettings | None = None


class InvoiceListParams(DatedListParams, kw_only=True):
    """Filters of a list of invoices."""

    customer: str | None = None
    status: Literal["draft", "open", "paid", "uncollectible", "void"] | None = None
    collection_method: Literal["charge_automatically", "send_invoice"] | None = None


def _methods(stripe: "StripeDialect", settings: PaymentSettings | None) -> tuple[Method, ...]:
    names = (settings.payment_method_types if settings else None) or []
    for name in names:
        if name not in stripe.shapes.methods:
            param = "payment_settings[payment_method_types]"
            errors.refuse(400, f"The payment method type {name[:40]!r} is invalid.", param=param)
    return tuple(stripe.shapes.methods[name] for name in names)


def currency_of(stripe: "StripeDialect", currency: str | None, customer_id: str) -> str:
    if currency is not None:
        return checked_currency(currency)
    customer = stripe.core.state.customers.get(customer_id)
    return (customer.currency if customer else None) or stripe.config.currency


def checked_currency(currency: str) -> str:
    """A currency code in lower case. Raises `Refused`."""
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        errors.refuse(400, f"Invalid currency: {currency[:20]}.", param="currency")
    return currency.lower()


def create(stripe: "StripeDialect", asked: Asked, params: InvoiceParams) -> Shape:
    """A draft."""
    automatic = params.collection_method == "charge_automatically"
    dated = params.days_until_due is not None or params.due_date is not None
    if automatic and dated:
        errors.refuse(400, "days_until_due and due_date are for invoices that are sent.", param="due_date")
    if not automatic and not dated:
        message = "Invoices with collection_method send_invoice need days_until_due or due_date."
        errors.refuse(400, message, code="parameter_missing", param="due_date")
    methods = _methods(stripe, params.payment_settings)
    currency = currency_of(stripe, params.currency, params.customer)
    stripe.core.cash.customer(params.customer)
    wanted = params.default_payment_method
    instrument = None if wanted is None else find_instrument(stripe, wanted, "default_payment_method").id
    invoice = stripe.core.invoicing.create(
        params.customer,
        currency,
        automatic=automatic,
        methods=methods,
        auto_advance=params.auto_advance,
        due_at=None if params.due_date is None else params.due_date * 1_000_000,
        days_until_due=params.days_until_due,
        description=params.description,
        footer=params.footer,
        metadata=merged({}, given(params.metadata)),
        instrument_id=instrument,
        with_waiting=params.pending_invoice_items_behavior == "include",
    )
    return stripe.shapes.invoice(invoice, asked.version)


def _shown(stripe: "StripeDialect", asked: Asked) -> Shape:
    return stripe.shapes.invoice(stripe.core.invoicing.invoice(asked.id), asked.version)


def retrieve(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """An invoice."""
    return _shown(stripe, asked)


def update(stripe: "StripeDialect", asked: Asked, params: InvoiceUpdateParams) -> Shape:
    """Change what is sent."""
    invoice = stripe.core.invoicing.invoice(asked.id)
    fixed = (
        params.collection_method,
        params.days_until_due,
        params.due_date,
        params.default_payment_method,
        params.payment_settings,
    )
    texts = (params.description, params.footer)
    if invoice.status != "draft" and (any(v is not None for v in fixed) or any(v is not UNSET for v in texts)):
        message = "Finalized invoices can't be updated in this way."
        errors.refuse(400, message, code="invoice_not_editable")
    methods = _methods(stripe, params.payment_settings)
    if params.default_payment_method is not None:
        instrument = find_instrument(stripe, params.default_payment_method, "default_payment_method")
        invoice.instrument_id = instrument.id
    if params.payment_settings is not None:
        invoice.methods = methods
    if params.collection_method is not None:
        invoice.automatic = params.collection_method == "charge_automatically"
    if params.days_until_due is not None:
        invoice.days_until_due = params.days_until_due
    if params.due_date is not None:
        invoice.due_at = params.due_date * 1_000_000
    if params.description is not UNSET:
        invoice.description = params.description
    if params.footer is not UNSET:
        invoice.footer = params.footer
    invoice.metadata = merged(invoice.metadata, given(params.metadata))
    if params.auto_advance is not None:
        stripe.core.invoicing.advance(invoice, params.auto_advance)
    stripe.core.books.tell("invoice", invoice.id, "updated")
    return _shown(stripe, asked)


def delete(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """Throw a draft away."""
    stripe.core.invoicing.delete(asked.id)
    return {"id": asked.id, "object": "invoice", "deleted": True}


def list_all(stripe: "StripeDialect", asked: Asked, params: InvoiceListParams) -> Shape:
    """Invoices."""
    automatic = None if params.collection_method is None else params.collection_method == "charge_automatically"
    rows = (
        invoice
        for invoice in newest(stripe.core.state.invoices, params.created)
        if params.customer in (None, invoice.customer_id)
        and params.status in (None, invoice.status)
        and automatic in (None, invoice.automatic)
    )
    show = stripe.shapes.invoice
    return page(rows, params, "/v1/invoices", "invoice", lambda i: i.id, lambda i: show(i, asked.version))


def search_all(stripe: "StripeDialect", asked: Asked, params: SearchParams) -> Shape:
    """Invoices by a query."""
    return search(stripe, asked, params, "invoice", stripe.core.state.invoices.values(), stripe.shapes.invoice)


def lines(stripe: "StripeDialect", asked: Asked, params: ListParams) -> Shape:
    """The lines of an invoice, in its order."""
    invoice = stripe.core.invoicing.invoice(asked.id)
    url = f"/v1/invoices/{invoice.id}/lines"
    return page(invoice.lines, params, url, "line_item", lambda line: line.id, stripe.shapes.line)


class NewLine(msgspec.Struct, forbid_unknown_fields=True):
    """A line to be added."""

    amount: Amount | None = None
    quantity: Quantity | None = None
    description: Text | None = None
    metadata: Metadata | None = None
    unit_amount_decimal: Decimals | None = None


class AddLinesParams(Params, kw_only=True):
    """Lines to be added at once, up to 250."""

    lines: Annotated[list[NewLine], msgspec.Meta(max_length=250)]
    invoice_metadata: Metadata | None = None


def add_lines(stripe: "StripeDialect", asked: Asked, params: AddLinesParams) -> Shape:
    """Add lines to a draft."""
    invoice = stripe.core.invoicing.draft(asked.id)
    sums = [line_amount(line.amount, line.quantity, line.unit_amount_decimal, "lines") for line in params.lines]
    stripe.core.cash.customer(invoice.customer_id)
    for line, (amount, quantity) in zip(params.lines, sums, strict=True):
        stripe.core.invoicing.add_line(
            invoice.customer_id, invoice.currency, amount, quantity, line.description, line.metadata, invoice.id
        )
    invoice.metadata = merged(invoice.metadata, params.invoice_metadata)
    return _shown(stripe, asked)


def line_amount(amount: int | None, quantity: int | None, unit: str | None, param: str) -> tuple[int, int]:
    """Amount and quantity of a line, given as an amount or as a price for each. Raises `Refused`."""
    if amount is not None and unit is not None:
        errors.refuse(400, "You may only specify one of these parameters: amount, unit_amount_decimal.", param=param)
    if unit is not None:
        count = 1 if quantity is None else quantity
        total = (Decimal(unit) * count).quantize(Decimal(1), ROUND_HALF_UP)
        if abs(total) > 99_999_999:
            errors.refuse(400, "The amount must be no more than 99999999.", code="amount_too_large", param=param)
        return int(total), count
    return amount or 0, 1 if quantity is None else quantity


class FinalizeParams(Params, kw_only=True):
    """Whether it goes on by itself."""

    auto_advance: bool | None = None


def finalize(stripe: "StripeDialect", asked: Asked, params: FinalizeParams) -> Shape:
    """Number it and ask for its money."""
    stripe.core.invoicing.finalise(asked.id, params.auto_advance)
    return _shown(stripe, asked)


def send(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """Mail it."""
    stripe.core.invoicing.send(asked.id)
    return _shown(stripe, asked)


class PayParams(Params, kw_only=True):
    """With what, or that it was paid elsewhere."""

    payment_method: str | None = None
    paid_out_of_band: bool = False
    off_session: bool | None = None
    forgive: bool | None = None


def pay(stripe: "StripeDialect", asked: Asked, params: PayParams) -> Shape:
    """Collect it now."""
    invoice = stripe.core.invoicing.invoice(asked.id)
    if invoice.status not in ("draft", "open", "uncollectible"):
        stripe.core.invoicing.pay(asked.id)
    wanted = params.payment_method
    instrument = None if wanted is None else find_instrument(stripe, wanted, "payment_method").id
    stripe.core.invoicing.pay(asked.id, instrument, params.paid_out_of_band)
    return _shown(stripe, asked)


def void(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """Take it back for good."""
    stripe.core.invoicing.void(asked.id)
    return _shown(stripe, asked)


def mark_uncollectible(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """Give it up."""
    stripe.core.invoicing.write_off(asked.id)
    return _shown(stripe, asked)


class AttachPaymentParams(Params, kw_only=True):
    """The payment to count."""

    payment_intent: str


def attach_payment(stripe: "StripeDialect", asked: Asked, params: AttachPaymentParams) -> Shape:
    """Let a payment count for it."""
    stripe.core.invoicing.attach_payment(asked.id, params.payment_intent)
    return _shown(stripe, asked)


class PreviewItem(msgspec.Struct, forbid_unknown_fields=True):
    """A line of a preview."""

    amount: Amount | None = None
    quantity: Quantity | None = None
    unit_amount_decimal: Decimals | None = None
    currency: str | None = None
    description: Text | None = None


class PreviewParams(Params, kw_only=True):
    """What a preview is made of."""

    customer: str
    currency: str | None = None
    invoice_items: list[PreviewItem] = msgspec.field(default_factory=list)


def create_preview(stripe: "StripeDialect", asked: Asked, params: PreviewParams) -> Shape:
    """What an invoice of the waiting items and the given ones would be; nothing is kept."""
    customer = stripe.core.cash.customer(params.customer)
    currency = currency_of(stripe, params.currency, params.customer)
    waiting = [
        line
        for line in stripe.core.state.waiting_lines.values()
        if line.customer_id == customer.id and line.invoice_id is None and line.currency == currency
    ]
    preview = Invoice("upcoming_in", customer.id, currency, asked.now, True, (), lines=list(waiting))
    for number, item in enumerate(params.invoice_items):
        amount, quantity = line_amount(item.amount, item.quantity, item.unit_amount_decimal, "invoice_items")
        line = Line(f"il_tmp_{number}", f"ii_tmp_{number}", customer.id, currency, amount, quantity, asked.now)
        line.description = item.description
        preview.lines.append(line)
    return stripe.shapes.invoice(preview, asked.version)


ROUTES = (
    operation("invoices.create", "POST", "/v1/invoices", create, "Create a draft", InvoiceParams),
    operation("invoices.list", "GET", "/v1/invoices", list_all, "List invoices", InvoiceListParams),
    operation("invoices.search", "GET", "/v1/invoices/search", search_all, "Search invoices", SearchParams),
    operation("invoices.create_preview", "POST", "/v1/invoices/create_preview", create_preview, "Preview an invoice",
              PreviewParams),
    operation("invoices.retrieve", "GET", "/v1/invoices/{id}", retrieve, "An invoice"),
    operation("invoices.update", "POST", "/v1/invoices/{id}", update, "Change an invoice", InvoiceUpdateParams),
    operation("invoices.delete", "DELETE", "/v1/invoices/{id}", delete, "Delete a draft"),
    operation("invoices.lines", "GET", "/v1/invoices/{id}/lines", lines, "Lines of an invoice", ListParams),
    operation("invoices.add_lines", "POST", "/v1/invoices/{id}/add_lines", add_lines, "Add lines to a draft",
              AddLinesParams),
    operation("invoices.finalize", "POST", "/v1/invoices/{id}/finalize", finalize, "Finalise", FinalizeParams),
    operation("invoices.send", "POST", "/v1/invoices/{id}/send", send, "Mail an invoice"),
    operation("invoices.pay", "POST", "/v1/invoices/{id}/pay", pay, "Collect an invoice now", PayParams),
    operation("invoices.void", "POST", "/v1/invoices/{id}/void", void, "Void an invoice"),
    operation("invoices.mark_uncollectible", "POST", "/v1/invoices/{id}/mark_uncollectible", mark_uncollectible,
              "Write an invoice off"),
    operation("invoices.attach_payment", "POST", "/v1/invoices/{id}/attach_payment", attach_payment,
              "Let a payment count for an invoice", AttachPaymentParams),
)  # fmt: skip
