"""What people have decided and the ERP is to do: an order released from its hold, a remainder written off.

The decision is on record before its event is; an event without one does nothing, so that nobody decides by sending one.
"""

from typing import Any

import msgspec

from o2c_twin.integration.model import Inbound, WriteOff
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import DeadLetter

RELEASE, WRITE_OFF = "release-hold", "write-off"
"""The names of the flows."""
HELD = "on hold"
_DECIDED = msgspec.json.Decoder(WriteOff)


def decide(engine: Engine, event: Inbound, decision: Any) -> bool:
    """Put a decision on record with the event that has it done, in the transaction that is open; False when it is."""
    engine.journal.record(_record(event), msgspec.json.encode(decision).decode(), engine.clock.now())
    return engine.receive(event)


def is_decided(engine: Engine, event: Inbound) -> bool:
    """Whether the very same was decided before."""
    return engine.journal.outcome(_record(event)) is not None


def release_event(order_id: str, modified_at: int, now: int) -> Inbound:
    """The event that has an order released, as it stood at its last change."""
    return Inbound(f"decided:{RELEASE}:{order_id}:{modified_at}", RELEASE, order_id, f"order:{order_id}", now)


def write_off_event(what: WriteOff, order_id: str | None, modified_at: int, now: int) -> Inbound:
    """The event that has a remainder written off, in the lane of its order."""
    name = f"decided:{WRITE_OFF}:{what.invoice_erp_id}:{modified_at}"
    return Inbound(name, WRITE_OFF, what.invoice_erp_id, f"order:{order_id or what.invoice_erp_id}", now)


async def release_hold(engine: Engine, event: Inbound) -> None:
    """Release an order, if it is still held. The ERP's own notice of it goes to sales as that of any change."""
    if engine.journal.outcome(_record(event)) is None:
        return
    erp, key = engine.erp, event.event_id
    if engine.journal.effect(key) is None:
        status = await engine.delivery.read(erp.system, key, lambda: erp.order(event.object_id))
        if status.credit != HELD:
            return
    correlation = f"release:{event.object_id}"
    await engine.delivery.write(
        erp, "release_order", key, (event.object_id,), correlation, lane=event.lane, result=event.object_id
    )


async def write_off(engine: Engine, event: Inbound) -> None:
    """Write off what an invoice has open, if it is still just that.

    Raises `DeadLetter` when it has become something else: that was not decided on.
    """
    known = engine.journal.outcome(_record(event))
    if known is None:
        return
    what, erp, key = _DECIDED.decode(known), engine.erp, event.event_id
    if engine.journal.effect(key) is None:
        bill = await engine.delivery.read(erp.system, key, lambda: erp.invoice(what.invoice_erp_id))
        if bill.open_minor != what.amount_minor:
            told = f"invoice {bill.number} has {bill.open_minor} open, and {what.amount_minor} were to be written off"
            raise DeadLetter(key, f"{told} (minor units); decide anew", "divergence")
    correlation = f"write-off:{what.invoice_erp_id}"
    await engine.delivery.write(erp, "write_off", key, (what,), correlation, lane=event.lane)


def _record(event: Inbound) -> str:
    return f"{event.event_id}:decided"
