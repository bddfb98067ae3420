"""Credit notes."""

from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from o2c_twin.mock_systems.roles.billing import CreditNote
from o2c_twin.mock_systems.roles.billing.records import CreditLine
from o2c_twin.mock_systems.vendors.stripe import errors
from o2c_twin.mock_systems.vendors.stripe.forms import Amount, Metadata, Params, Text, merged
from o2c_twin.mock_systems.vendors.stripe.operations_invoices import Quantity, given
from o2c_twin.mock_systems.vendors.stripe.paging import DatedListParams, ListParams, newest, page
from o2c_twin.mock_systems.vendors.stripe.serving import Asked, operation
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.stripe.dialect import StripeDialect


class CreditLineParams(msgspec.Struct, forbid_unknown_fields=True):
    """A line of a credit note."""

    type: Literal["invoice_line_item", "custom_line_item"]
    amount: Amount | None = None
    description: Text | None = None
    invoice_line_item: str | None = None
    quantity: Quantity | None = None
    unit_amount: Amount | None = None


class LinkedRefund(msgspec.Struct, forbid_unknown_fields=True):
    """A refund that was made already."""

    refund: str
    amount_refunded: Amount | None = None


class CreditNoteParams(Params, kw_only=True):
    """A new credit note."""

    invoice: str
    amount: Amount | None = None
    lines: list[CreditLineParams] = msgspec.field(default_factory=list)
    refund_amount: Amount = 0
    refunds: list[LinkedRefund] = msgspec.field(default_factory=list)
    credit_amount: Amount = 0
    out_of_band_amount: Amount = 0
    reason: Literal["duplicate", "fraudulent", "order_change", "product_unsatisfactory"] | None = None
    memo: Text | None = None
    metadata: Metadata | UnsetType = UNSET


def _credit(stripe: "StripeDialect", params: CreditNoteParams) -> tuple[int, dict[str, Any], list[Any]]:
    lines: list[tuple[int, str | None, str | None, int]] = []
    for line in params.lines:
        amount = line.amount if line.amount is not None else (line.unit_amount or 0) * (line.quantity or 1)
        lines.append((amount, line.description, line.invoice_line_item, line.quantity or 1))
    if lines and params.amount is not None:
        errors.refuse(400, "You may only specify one of these parameters: amount, lines.", param="amount")
    parts = (params.refund_amount, params.credit_amount, params.out_of_band_amount)
    if any(part < 0 for part in parts) or any(amount < 0 for amount, *_ in lines):
        errors.refuse(400, "The amounts of a credit note are not negative.", param="amount")
    total = sum(amount for amount, *_ in lines) if lines else (params.amount or 0)
    linked = []
    for link in params.refunds:
        refund = stripe.core.state.refunds.get(link.refund)
        if refund is None:
            errors.no_such("refund", link.refund, "refunds", in_path=False)
        linked.append((refund.id, refund.amount_minor if link.amount_refunded is None else link.amount_refunded))
    split = {
        "refund_minor": params.refund_amount,
        "linked": tuple(linked),
        "on_account_minor": params.credit_amount,
        "out_of_band_minor": params.out_of_band_amount,
    }
    return total, split, lines


def credit_create(stripe: "StripeDialect", asked: Asked, params: CreditNoteParams) -> Shape:
    """Credit an invoice."""
    total, split, lines = _credit(stripe, params)
    note = stripe.core.crediting.create(
        params.invoice,
        total,
        lines=tuple(lines),
        reason=params.reason,
        memo=params.memo,
        metadata=merged({}, given(params.metadata)),
        **split,
    )
    return stripe.shapes.credit_note(note, asked.version)


def credit_preview(stripe: "StripeDialect", asked: Asked, params: CreditNoteParams) -> Shape:
    """What a credit note would be; nothing is kept."""
    total, split, lines = _credit(stripe, params)
    invoice, before, after = stripe.core.crediting.check(params.invoice, total, **split)
    rows = [
        CreditLine(f"cnli_tmp_{number}", amount, text, line_id, quantity)
        for number, (amount, text, line_id, quantity) in enumerate(lines or [(total, None, None, 1)])
    ]
    note = CreditNote(
        "cn_preview", f"{invoice.number}-CN-00", invoice.id, invoice.customer_id, invoice.currency, asked.now,
        total, before, after, list(split["linked"]), params.credit_amount, params.out_of_band_amount, params.reason,
        params.memo, merged({}, given(params.metadata)), rows,
    )  # fmt: skip
    return stripe.shapes.credit_note(note, asked.version)


def credit_retrieve(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """A credit note."""
    return stripe.shapes.credit_note(stripe.core.crediting.note(asked.id), asked.version)


class CreditUpdateParams(Params, kw_only=True):
    """What may change."""

    memo: Text | UnsetType | None = UNSET
    metadata: Metadata | UnsetType = UNSET


def credit_update(stripe: "StripeDialect", asked: Asked, params: CreditUpdateParams) -> Shape:
    """Change memo or metadata."""
    note = stripe.core.crediting.note(asked.id)
    if params.memo is not UNSET:
        note.memo = params.memo
    note.metadata = merged(note.metadata, given(params.metadata))
    stripe.core.books.tell("credit-note", note.id, "updated")
    return stripe.shapes.credit_note(note, asked.version)


def credit_void(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """Take it back while its invoice is open."""
    return stripe.shapes.credit_note(stripe.core.crediting.void(asked.id), asked.version)


class CreditListParams(DatedListParams, kw_only=True):
    """Filters of a list of credit notes."""

    customer: str | None = None
    invoice: str | None = None


def credit_list(stripe: "StripeDialect", asked: Asked, params: CreditListParams) -> Shape:
    """Credit notes."""
    rows = (
        note
        for note in newest(stripe.core.state.credit_notes, params.created)
        if params.customer in (None, note.customer_id) and params.invoice in (None, note.invoice_id)
    )
    show = stripe.shapes.credit_note
    return page(rows, params, "/v1/credit_notes", "credit_note", lambda n: n.id, lambda n: show(n, asked.version))


def credit_lines(stripe: "StripeDialect", asked: Asked, params: ListParams) -> Shape:
    """The lines of a credit note."""
    shown = stripe.shapes.credit_note(stripe.core.crediting.note(asked.id), asked.version)
    rows = shown["lines"]["data"]
    url = f"/v1/credit_notes/{asked.id}/lines"
    return page(rows, params, url, "credit_note_line_item", lambda row: str(row["id"]), lambda row: row)


ROUTES = (
    operation("credit_notes.create", "POST", "/v1/credit_notes", credit_create, "Credit an invoice",
              CreditNoteParams),
    operation("credit_notes.list", "GET", "/v1/credit_notes", credit_list, "List credit notes", CreditListParams),
    operation("credit_notes.preview", "GET", "/v1/credit_notes/preview", credit_preview, "Preview a credit note",
              CreditNoteParams),
    operation("credit_notes.retrieve", "GET", "/v1/credit_notes/{id}", credit_retrieve, "A credit note"),
    operation("credit_notes.update", "POST", "/v1/credit_notes/{id}", credit_update, "Change a credit note",
              CreditUpdateParams),
    operation("credit_notes.lines", "GET", "/v1/credit_notes/{id}/lines", credit_lines, "Lines of a credit note",
              ListParams),
    operation("credit_notes.void", "POST", "/v1/credit_notes/{id}/void", credit_void, "Void a credit note"),
)  # fmt: skip
