"""What an environment keeps beside the core: texts the core has no room for, drafts, journals, subscriptions."""

from collections.abc import Sequence
from typing import Any

import msgspec

from o2c_twin.mock_systems.roles.records import Numbers


class DraftLine(msgspec.Struct):
    """A line of a draft invoice; a comment has no item."""

    sequence: int
    item_id: str | None
    quantity: int
    price_minor: int
    description: str | None = None


class Draft(msgspec.Struct):
    """A sales invoice that is not posted; ``fields`` are header texts."""

    id: str
    number: str
    customer_id: str
    made_at: int
    modified_at: int
    lines: list[DraftLine] = []
    fields: dict[str, Any] = {}


class CreditLine(msgspec.Struct):
    """A line of a draft credit memo: an amount booked against a G/L account, or a comment (no account)."""

    sequence: int
    account: str | None
    quantity: int
    price_minor: int
    description: str = ""


class CreditDraft(msgspec.Struct):
    """A sales credit memo that is not posted, for the invoice it is to be applied to."""

    id: str
    number: str
    customer_id: str
    invoice_id: str
    made_at: int
    modified_at: int
    external_number: str = ""
    lines: list[CreditLine] = []


def next_place(lines: Sequence[DraftLine | CreditLine]) -> int:
    """The place of a line that is added to a draft; the sequence of a line is ten thousand times its place."""
    return lines[-1].sequence // 10_000 + 1 if lines else 1


class PaymentLine(msgspec.Struct):
    """A line of a payment journal; ``amount_minor`` is negative for money received."""

    id: str
    journal_id: str
    line_number: int
    customer_id: str
    posting_date: str
    document_number: str
    external_number: str
    amount_minor: int
    applies_to: str | None
    description: str
    comment: str
    modified_at: int


class PaymentJournal(msgspec.Struct):
    """A journal batch. ``account`` is the core's name of the account its lines balance on."""

    id: str
    code: str
    name: str
    modified_at: int
    account: str = "bank"


class Subscription(msgspec.Struct):
    """A webhook subscription. ``renewed``: somebody renews it in time, so that it does not lapse."""

    id: str
    url: str
    resource: str
    client_state: str
    expires_at: int
    modified_at: int
    renewed: bool = False


class BcState(msgspec.Struct):
    """All of it; a snapshot is this with the core's.

    ``kept``: header texts by record (``order/101``). ``to_post``: quantities to ship and invoice by order and line,
    where a client set them. ``documents``: document number by posted payment. ``posted``: invoice by the draft it was
    posted from, ``origin`` the other way; ``credits``, ``credited`` and ``credit_origin`` are the same of credit memos.
    ``terms``: payment terms by days, with code and name. ``cancelled``:
    invoices that were cancelled.
    """

    numbers: Numbers = msgspec.field(default_factory=Numbers)
    kept: dict[str, dict[str, Any]] = {}
    to_post: dict[str, dict[int, tuple[int, int]]] = {}
    terms: dict[int, tuple[str, str]] = {}
    journals: dict[str, PaymentJournal] = {}
    lines: dict[str, PaymentLine] = {}
    documents: dict[str, str] = {}
    drafts: dict[str, Draft] = {}
    posted: dict[str, str] = {}
    origin: dict[str, str] = {}
    cancelled: dict[str, None] = {}
    credits: dict[str, CreditDraft] = {}
    credited: dict[str, str] = {}
    credit_origin: dict[str, str] = {}
    subscriptions: dict[str, Subscription] = {}
