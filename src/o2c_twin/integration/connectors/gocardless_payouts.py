"""What a GoCardless payout is made of: items in tenths of a minor unit, as lines in whole ones.

Wire facts: API reference, payout items. Fees stand beside the payment they are for and have one decimal;
the payout is the sum of all items, rounded, so the tenths of fees are shared out in the same way.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

import msgspec

from o2c_twin.integration.model import PayoutLine

Kind = Literal["payment", "refund", "chargeback", "fee", "adjustment"]
_KINDS: dict[str, Kind] = {
    "payment_paid_out": "payment",
    "payment_failed": "chargeback",
    "payment_charged_back": "chargeback",
    "payment_refunded": "refund",
    "refund": "refund",
    "refund_funds_returned": "refund",
}
_FEES = frozenset({"gocardless_fee", "app_fee", "surcharge_fee", "revenue_share"})


class ItemLinks(msgspec.Struct):
    """What an item is about."""

    payment: str | None = None


class Item(msgspec.Struct):
    """One of ``payout_items``; the amount is text, in minor units with one decimal."""

    type: str
    amount: str
    links: ItemLinks = msgspec.field(default_factory=ItemLinks)


class _Line:
    __slots__ = ("amount", "fee", "kind", "payment")

    def __init__(self, payment: str | None, kind: Kind, amount: int) -> None:
        self.payment, self.kind, self.amount, self.fee = payment, kind, amount, 0


def lines_of(items: Iterable[Item], total_minor: int) -> tuple[PayoutLine, ...]:
    """The lines of a payout of ``total_minor``: a payment with its fee is one line.

    The sum of ``amount_minor - fee_minor`` is the payout's amount when the items make it; one minor unit of
    rounding is an adjustment. Raises ValueError for an amount that is not a number of tenths.
    """
    lines: list[_Line] = []
    latest: dict[str, _Line] = {}
    for item in items:
        tenths = _tenths(item.amount)
        about = item.links.payment
        if item.type in _FEES:
            line = None if about is None else latest.get(about)
            if line is None:
                line = _Line(about, "fee", 0)
                lines.append(line)
            line.fee -= tenths
            continue
        # What the vendor adds to its list one day is an adjustment, and still part of the sum.
        line = _Line(about, _KINDS.get(item.type, "adjustment"), 0)
        whole, rest = divmod(tenths, 10)
        line.amount, line.fee = whole, -rest
        lines.append(line)
        if about is not None:
            latest[about] = line
    return _whole(lines, total_minor)


def _whole(lines: list[_Line], total_minor: int) -> tuple[PayoutLine, ...]:
    """Fees in whole minor units: each is what the rounded sum of fees grows by."""
    made: list[PayoutLine] = []
    so_far, rounded, sum_minor = 0, 0, 0
    for line in lines:
        so_far += line.fee
        fee = _half_down(so_far) - rounded
        rounded += fee
        amount = line.amount
        if line.kind == "fee":
            amount, fee = -fee, 0
        sum_minor += amount - fee
        made.append(PayoutLine(line.payment, line.kind, amount, fee))
    off = total_minor - sum_minor
    if abs(off) == 1:
        made.append(PayoutLine(None, "adjustment", off, 0))
    return tuple(made)


def _half_down(tenths: int) -> int:
    """Tenths as whole units, a half down: then a sum less its fees is rounded half up, as payouts are."""
    return -((5 - tenths) // 10)


def _tenths(text: str) -> int:
    scaled = Decimal(text).scaleb(1)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{text} has more than one decimal")
    return whole
