"""Stripe's objects as its maps read them: payments with what became of them, payouts with what they are made of.

Wire facts: Stripe API reference, version 2026-10-28.endive.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from o2c_twin.integration.connectors.stripe_maps import StripeMaps
from o2c_twin.integration.model import Inbound, Payout, ProviderPayment

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
_DISPUTES = ("dispute", "dispute_reversal")
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


def inbound(system: str, event: Event, maps: StripeMaps) -> Inbound | None:
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
    return Inbound(name, "payment", payment_id, lane_of(payment_id, told.metadata, maps), at)


def lane_of(payment_id: str, metadata: Any, maps: StripeMaps) -> str:
    """The lane of a payment's events: its invoice where that is told. Raises TypeError for what is no metadata."""
    told = metadata or {}
    if not isinstance(told, dict):
        raise TypeError("metadata that is no object")
    number = maps.invoice_of(told)
    return f"invoice:{number}" if number else f"payment:{payment_id}"


def read_payment(
    intent: dict[str, Any], dispute: dict[str, Any] | None, maps: StripeMaps, given: Mapping[str, Any]
) -> ProviderPayment:
    """A payment intent with ``latest_charge.refunds`` expanded, and its newest dispute.

    Raises `NotMapped`, and LookupError, TypeError or ValueError for objects that make no sense.
    """
    charge = intent["latest_charge"]
    outcome, reason = intent["status"], ""
    taken, returned = int(intent["amount"]), 0
    seconds = [intent["created"], intent["canceled_at"] or 0, 0 if charge is None else charge["created"]]
    error = intent["last_payment_error"]
    if outcome == "canceled":
        reason = intent["cancellation_reason"] or ""
    elif outcome == "succeeded":
        taken = int(intent["amount_received"])
        # What was reserved and not taken counts as refunded there.
        returned = max(0, int(charge["amount_refunded"]) - (int(charge["amount"]) - taken))
        seconds += [refund["created"] for refund in charge["refunds"]["data"]]
        if dispute is not None:
            seconds.append(dispute["created"])
        if dispute is not None and dispute["status"] in _TAKEN_BACK:
            outcome, reason = "disputed", dispute["reason"]
        elif returned >= taken:
            outcome = "refunded"
            reason = next((r["reason"] for r in charge["refunds"]["data"] if r["reason"]), "")
    elif error is not None:
        outcome, reason = "failed", member(error, "decline_code") or member(error, "code") or ""
    made = {"taken": taken, "returned": returned, "outcome": outcome, "reason": reason, "changed": max(seconds)}
    payment: ProviderPayment = maps.intent_to_payment.run(_spelt({**intent, **made}), given)
    return payment


def read_payout(
    row: dict[str, Any],
    entries: list[dict[str, Any]],
    maps: StripeMaps | None = None,
    given: Mapping[str, Any] | None = None,
) -> Payout:
    """A payout with its balance transactions, their sources expanded, by the shipped maps unless others are given.

    Raises `NotMapped`, and LookupError or TypeError for objects that make no sense.
    """
    made = {"entries": [_entry(entry) for entry in entries if entry["type"] != "payout"]}
    payout: Payout = (maps or StripeMaps.shipped()).payout_to_payout.run(_spelt({**row, **made}), given or {})
    return payout


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    kind, source = entry["type"], entry["source"]
    if kind == "adjustment" and entry["reporting_category"] in _DISPUTES:
        kind = entry["reporting_category"]
    return {**entry, "kind": kind, "source": source if isinstance(source, dict) else None}


def _spelt(record: dict[str, Any]) -> dict[str, Any]:
    record["currency"] = record["currency"].upper()
    return record


def form_of(body: Mapping[str, Any]) -> dict[str, str]:
    """A record as the fields of a form, ``metadata[crm_id]``; an empty text would empty the field and is left out."""
    form: dict[str, str] = {}
    for name, value in body.items():
        if isinstance(value, dict):
            form |= {f"{name}[{inner}]": each for inner, each in form_of(value).items()}
        elif value is not None and value != "":
            text = ("true" if value else "false") if isinstance(value, bool) else str(value)
            form[name] = text.lower() if name == "currency" else text
    return form
