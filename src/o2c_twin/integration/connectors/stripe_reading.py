"""Stripe's objects in canonical words: payments with what became of them, payouts with what they were made of.

Wire facts: Stripe API reference, version 2026-10-28.endive.
"""

from typing import Any

import msgspec

from o2c_twin.integration.connectors.instants import to_date
from o2c_twin.integration.model import Inbound, PaymentState, Payout, PayoutLine, ProviderPayment

_MICRO = 1_000_000
TOLD = (
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.closed",
    "refund.failed",
    "payout.created",
    "payout.paid",
    "payout.failed",
    "payout.canceled",
)
"""The types of events that are read; a list of events takes 20 at most."""
_STATES: dict[str, PaymentState] = {
    "requires_payment_method": "pending",
    "requires_confirmation": "pending",
    "requires_action": "pending",
    "processing": "pending",
    "requires_capture": "pending",
    "succeeded": "paid",
    "canceled": "cancelled",
}
_TAKEN_BACK = ("needs_response", "under_review", "lost", "appeal_needs_response", "appeal_under_review")


class _Told(msgspec.Struct):
    object: str
    id: str
    metadata: dict[str, str] | None = None
    payment_intent: str | None = None


class _Data(msgspec.Struct):
    object: _Told


class Event(msgspec.Struct):
    """What is read of an event."""

    id: str
    type: str
    created: int
    data: _Data


class Page(msgspec.Struct):
    """A page of events."""

    data: list[Event]
    has_more: bool


def member(record: Any, name: str) -> Any:
    """A member of an object, None when it is not there. Raises TypeError for what is no object."""
    if not isinstance(record, dict):
        raise TypeError(f"{name!r} of something that is no object")
    return record.get(name)


def inbound(system: str, event: Event) -> Inbound | None:
    """The event in canonical words; None for one that is about nothing of ours."""
    told = event.data.object
    name, at = f"{system}:event:{event.id}", event.created * _MICRO
    if event.type not in TOLD:
        return None
    if told.object == "payout":
        return Inbound(name, "payout", told.id, f"payout:{told.id}", at)
    payment_id = told.id if told.object == "payment_intent" else told.payment_intent
    if payment_id is None:
        return None
    return Inbound(name, "payment", payment_id, lane_of(payment_id, told.metadata), at)


def lane_of(payment_id: str, metadata: Any) -> str:
    """The lane of a payment's events: its invoice where that is told. Raises TypeError."""
    number = member(metadata or {}, "invoice_number")
    return f"invoice:{number}" if number else f"payment:{payment_id}"


def read_payment(intent: dict[str, Any], dispute: dict[str, Any] | None) -> ProviderPayment:
    """A payment intent with ``latest_charge.refunds`` expanded, and its newest dispute.

    Stripe links no payment to the payout it leaves in; a payout's lines name their payments.
    """
    charge = intent["latest_charge"]
    state, reason = _STATES[intent["status"]], ""
    amount, refunded = int(intent["amount"]), 0
    instants = [intent["created"], intent["canceled_at"] or 0, 0 if charge is None else charge["created"]]
    error = intent["last_payment_error"]
    if state == "pending" and error is not None:
        state, reason = "failed", member(error, "decline_code") or member(error, "code") or ""
    elif state == "cancelled":
        reason = intent["cancellation_reason"] or ""
    elif state == "paid":
        amount = int(intent["amount_received"])
        # What was reserved and not taken counts as refunded there.
        refunded = max(0, int(charge["amount_refunded"]) - (int(charge["amount"]) - amount))
        instants += [refund["created"] for refund in charge["refunds"]["data"]]
        if dispute is not None:
            instants.append(dispute["created"])
        if dispute is not None and dispute["status"] in _TAKEN_BACK:
            state, reason = "charged-back", dispute["reason"]
        elif refunded >= amount:
            state = "refunded"
            reason = next((r["reason"] for r in charge["refunds"]["data"] if r["reason"]), "")
    return ProviderPayment(
        intent["id"],
        member(intent["metadata"], "invoice_number"),
        intent["customer"],
        amount,
        refunded,
        intent["currency"].upper(),
        state,
        reason,
        None,
        max(instants) * _MICRO,
    )


def read_payout(row: dict[str, Any], entries: list[dict[str, Any]]) -> Payout:
    """A payout with its balance transactions, their sources expanded."""
    trace = member(row, "trace_id") or {}
    reference = member(trace, "value") or member(row, "statement_descriptor") or "STRIPE"
    return Payout(
        row["id"],
        int(row["amount"]),
        row["currency"].upper(),
        reference,
        to_date(row["arrival_date"] * _MICRO),
        tuple(_line(entry) for entry in entries if entry["type"] != "payout"),
    )


def _line(entry: dict[str, Any]) -> PayoutLine:
    source = entry["source"] if isinstance(entry["source"], dict) else {}
    payment_id = source.get("payment_intent")
    amount, fee = int(entry["amount"]), int(entry["fee"])
    match entry["type"]:
        case "charge" | "payment":
            return PayoutLine(payment_id, "payment", amount, fee)
        case "refund" | "payment_refund" | "refund_failure":
            return PayoutLine(payment_id, "refund", amount, fee)
        case "adjustment" if entry["reporting_category"] in ("dispute", "dispute_reversal"):
            return PayoutLine(payment_id, "chargeback", amount, fee)
        case "stripe_fee":
            return PayoutLine(payment_id, "fee", amount, fee)
        case _:
            return PayoutLine(payment_id, "adjustment", amount, fee)
