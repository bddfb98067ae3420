"""Sweeping a Stripe account: charges that took money, and payouts, a hundred a call.

Wire facts: Stripe API reference, list all charges, list all payouts. A payment is listed by its charge, for a payment
intent may be made weeks before it is paid, and lists are asked for by the time of making only.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from o2c_twin.integration.connectors.stripe import StripePayments
from o2c_twin.integration.connectors.stripe_reading import lane_of, read_payout
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.reconcile.contract import Field, Shape
from o2c_twin.integration.reconcile.money_ports import Incoming, MoneyKind, Sent

_MICRO = 1_000_000
_SAMPLE = 20
_TEXT, _NUMBER, _FLAG = Field("text"), Field("number"), Field("boolean")

SHAPES: Mapping[MoneyKind, Shape] = {
    # Open: the vendor adds fields to its objects without a new version (API reference, "Versioning").
    "collection": Shape(
        "charge",
        {
            "id": _TEXT,
            "amount": _NUMBER,
            "amount_captured": _NUMBER,
            "amount_refunded": _NUMBER,
            "captured": _FLAG,
            "created": _NUMBER,
            "currency": _TEXT,
            "disputed": _FLAG,
            "metadata": Field("record"),
            "payment_intent": Field("text", optional=True),
            "status": _TEXT,
        },
        closed=False,
    ),
    "payout": Shape(
        "payout",
        {
            "id": _TEXT,
            "amount": _NUMBER,
            "arrival_date": _NUMBER,
            "created": _NUMBER,
            "currency": _TEXT,
            "status": _TEXT,
        },
        closed=False,
    ),
}


class StripeListing:
    """The listings of an account, with the key of its connector: a part of it, in a module of its own."""

    def __init__(self, payments: StripePayments) -> None:
        self.system = payments.system
        self.shapes = SHAPES
        self._payments = payments
        self._last: dict[MoneyKind, Sequence[Mapping[str, object]]] = {}

    async def incoming(self, since: int, until: int) -> list[Incoming]:
        """Payments that took money in that span and still have some of it, undisputed."""
        rows = await self._list("collection", "/v1/charges", since, until)
        with self._payments._wire.reading("list collection"):
            kept = [row for row in rows if row["status"] == "succeeded" and row["captured"] and not row["disputed"]]
            return [
                self._incoming(row)
                for row in kept
                if row["payment_intent"] is not None and row["amount_refunded"] < row["amount_captured"]
            ]

    def _incoming(self, row: dict[str, Any]) -> Incoming:
        id_, at = row["payment_intent"], row["created"] * _MICRO
        lane = lane_of(id_, row["metadata"], self._payments.maps)
        event = Inbound(f"{self.system}:made:{id_}", "payment", id_, lane, at)
        amount, currency = int(row["amount_captured"]), row["currency"].upper()
        return Incoming("collection", f"cash:{id_}", id_, amount, currency, at, event)

    async def sent(self, since: int, until: int) -> list[Sent]:
        """Payouts made in that span which did not fail."""
        rows = await self._list("payout", "/v1/payouts", since, until)
        with self._payments._wire.reading("list payout"):
            return [self._sent(row) for row in rows if row["status"] in ("paid", "pending", "in_transit")]

    def _sent(self, row: dict[str, Any]) -> Sent:
        payout, at = read_payout(row, [], self._payments.maps, self._payments.given), row["created"] * _MICRO
        event = Inbound(f"{self.system}:made:{payout.payout_id}", "payout", row["id"], f"payout:{row['id']}", at)
        arrived = row["status"] == "paid"
        due = max(at, row["arrival_date"] * _MICRO) if arrived else at
        return Sent(row["id"], payout.reference, payout.amount_minor, payout.currency, due, arrived, event)

    async def _list(self, kind: MoneyKind, path: str, since: int, until: int) -> list[dict[str, Any]]:
        span = {"created[gte]": str(since // _MICRO), "created[lte]": str(until // _MICRO)}
        rows = await self._payments._all(f"list {kind}", path, span)
        self._last[kind] = rows[:_SAMPLE]
        return rows

    def sample(self, kind: MoneyKind) -> Sequence[Mapping[str, object]]:
        """The first records of the last listing."""
        return self._last.get(kind, ())
