"""Sweeping a GoCardless account: payments by the day they were charged, and payouts, five hundred a call.

Wire facts: API reference, payments (``charge_date`` filters; ``confirmed`` and ``paid_out`` are money taken), payouts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from o2c_twin.integration.connectors.gocardless import GoCardlessPayments
from o2c_twin.integration.connectors.instants import from_iso, to_date, to_iso
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.reconcile.contract import Field, Shape
from o2c_twin.integration.reconcile.money_ports import Incoming, MoneyKind, Sent

_PAGE = "500"
_SAMPLE = 20
_TEXT, _NUMBER = Field("text"), Field("number")

SHAPES: Mapping[MoneyKind, Shape] = {
    # Open: new fields are no breaking change to this vendor (API reference, "Backwards compatibility").
    "collection": Shape(
        "payments",
        {
            "id": _TEXT,
            "amount": _NUMBER,
            "amount_refunded": _NUMBER,
            "charge_date": Field("instant", optional=True),
            "currency": _TEXT,
            "metadata": Field("record", optional=True),
            "status": _TEXT,
        },
        closed=False,
    ),
    "payout": Shape(
        "payouts",
        {
            "id": _TEXT,
            "amount": _NUMBER,
            "arrival_date": Field("instant", optional=True),
            "created_at": Field("instant"),
            "currency": _TEXT,
            "reference": _TEXT,
            "status": _TEXT,
        },
        closed=False,
    ),
}


class GoCardlessListing:
    """The listings of an account, with the token of its connector: a part of it, in a module of its own."""

    def __init__(self, payments: GoCardlessPayments) -> None:
        self.system = payments.system
        self.shapes = SHAPES
        self._payments = payments
        self._last: dict[MoneyKind, Sequence[Mapping[str, object]]] = {}

    async def incoming(self, since: int, until: int) -> list[Incoming]:
        """Payments charged in that span that are confirmed and not refunded."""
        span = {"charge_date[gte]": to_date(since), "charge_date[lte]": to_date(until)}
        rows = await self._list("collection", "payments", span)
        with self._payments._wire.reading("list collection"):
            return [
                self._incoming(row)
                for row in rows
                if self._payments.maps.state_of(row["status"]) == "paid"
                and int(row["amount_refunded"]) < int(row["amount"])
            ]

    def _incoming(self, row: dict[str, Any]) -> Incoming:
        id_, at = row["id"], from_iso(row["charge_date"])
        number = self._payments.maps.invoice_of(row.get("metadata") or {})
        lane = f"invoice:{number}" if number else f"payment:{id_}"
        event = Inbound(f"{self.system}:made:{id_}", "payment", id_, lane, at)
        return Incoming("collection", f"cash:{id_}", id_, int(row["amount"]), row["currency"], at, event)

    async def sent(self, since: int, until: int) -> list[Sent]:
        """Payouts made in that span which did not bounce."""
        rows = await self._list(
            "payout", "payouts", {"created_at[gte]": to_iso(since), "created_at[lte]": to_iso(until)}
        )
        with self._payments._wire.reading("list payout"):
            return [self._sent(row) for row in rows if row["status"] in ("pending", "paid")]

    def _sent(self, row: dict[str, Any]) -> Sent:
        id_, at, arrived = row["id"], from_iso(row["created_at"]), row["status"] == "paid"
        event = Inbound(f"{self.system}:made:{id_}", "payout", id_, f"payout:{id_}", at)
        due = max(at, from_iso(row["arrival_date"])) if arrived and row["arrival_date"] else at
        return Sent(id_, row["reference"], int(row["amount"]), row["currency"], due, arrived, event)

    async def _list(self, kind: MoneyKind, name: str, span: dict[str, str]) -> list[dict[str, Any]]:
        payments, operation, query = self._payments, f"list {kind}", {**span, "limit": _PAGE}
        rows: list[dict[str, Any]] = []
        while True:
            page = payments._wire.json(operation, await payments._get(operation, f"/{name}", query))
            with payments._wire.reading(operation):
                rows += page[name]
                following = page["meta"]["cursors"]["after"]
            if following is None:
                break
            query = {**query, "after": following}
        self._last[kind] = rows[:_SAMPLE]
        return rows

    def sample(self, kind: MoneyKind) -> Sequence[Mapping[str, object]]:
        """The first records of the last listing."""
        return self._last.get(kind, ())
