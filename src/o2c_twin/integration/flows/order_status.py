"""Credit and delivery status back to sales, whenever they change on the order."""

from o2c_twin.integration.flows.later import put_off
from o2c_twin.integration.model import Inbound, OrderStatus
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.integration.runtime.saga import UNDO
from o2c_twin.integration.store import Link

UNKNOWN = "?|?"
"""The state sales was told by a person: whatever comes next is news."""


def deal_of(engine: Engine, status: OrderStatus) -> str | None:
    """The deal an order was made for: by cross-reference, or by the key the order carries."""
    known = engine.journal.remote(engine.crm.system, "deal-of-order", status.erp_id)
    if known is None and status.external_id is not None and status.external_id.startswith("order:"):
        return status.external_id.removeprefix("order:")
    return known


def state_of(status: OrderStatus) -> str:
    """What sales is told of an order's state, as the journal keeps it."""
    return f"{status.credit}|{status.fulfilment}"


def remember_noted(engine: Engine, order_id: str, state: str) -> None:
    """Remember what sales has been told of an order, so that nothing is told twice.

    While nothing had been told yet, an order that moved on was only remarked: it is read again then.
    """
    journal, crm, erp = engine.journal, engine.crm, engine.erp
    journal.link(crm.system, "noted", order_id, state)
    if journal.remote(crm.system, "untold", order_id) not in (None, state):
        at = engine.clock.now()
        engine.receive(Inbound(f"{erp.system}:untold:{order_id}", "order-status", order_id, f"order:{order_id}", at))


def tell_tonight(engine: Engine, order_id: str, source_at: int) -> None:
    """Have sales told of an order's credit status in the coming night."""
    night = engine.rhythm.next_night(engine.clock.now())
    name = f"{engine.erp.system}:credit:{order_id}:{night}"
    put_off(engine, Inbound(name, "credit", order_id, f"order:{order_id}", source_at), night)


def taken_back(engine: Engine, order_id: str, at: int) -> OrderStatus | None:
    """An order that is not there any more because the engine cancelled it, where cancelling is deleting; None when it
    did not. What sales was told of its credit stands."""
    journal, crm = engine.journal, engine.crm.system
    deal_id = journal.remote(crm, "deal-of-order", order_id)
    undone = None if deal_id is None else journal.effect(f"{UNDO}:order:{deal_id}")
    if undone is None or undone.state == "dead":
        return None
    credit = (journal.remote(crm, "noted", order_id) or UNKNOWN).partition("|")[0]
    return OrderStatus(order_id, order_id, f"order:{deal_id}", None, "", credit, "cancelled", at)


async def order_status(engine: Engine, event: Inbound) -> None:
    """A sales order changed in the ERP."""
    crm, erp = engine.crm, engine.erp

    async def as_it_stands() -> OrderStatus:
        try:
            return await erp.order(event.object_id)
        except CallFailed as failure:
            gone = taken_back(engine, event.object_id, event.source_at) if failure.cause == "missing" else None
            if gone is None:
                raise
            return gone

    status = await engine.delivery.read(erp.system, f"status:{event.object_id}", as_it_stands)
    deal_id = deal_of(engine, status)
    if deal_id is None:
        return
    told, state = engine.journal.remote(crm.system, "noted", status.erp_id), state_of(status)
    if told is None and not engine.profile.shares_links:
        # Who made the order knows what sales was told, and that is another engine.
        told = UNKNOWN
    if told is None:
        # An order nobody has been told of yet is told by the flow that is just making it.
        engine.journal.link(crm.system, "untold", status.erp_id, state)
        return
    if told == state:
        return
    credit, fulfilment = told.split("|")
    notes = {"credit": status.credit, "fulfilment": status.fulfilment}
    if engine.profile.credit_visibility == "nightly" and credit != status.credit:
        tell_tonight(engine, status.erp_id, status.modified_at)
        state = f"{credit}|{status.fulfilment}"
        if told == state:
            return
        del notes["credit"]
    reference = status.po_number or status.number
    await engine.delivery.write(
        crm,
        "note_deal",
        f"note:status:{status.erp_id}:{status.modified_at}:{told}:{state}",
        (deal_id, notes),
        f"note:{reference}",
        lane=event.lane,
        result=status.erp_id,
        links=lambda _, __: (Link(crm.system, "noted", status.erp_id, state),),
    )
    if credit != status.credit and "credit" in notes:
        engine.synced("credit", reference, erp.system, crm.system, status.modified_at)
    if fulfilment != status.fulfilment:
        engine.synced("delivery", reference, erp.system, crm.system, status.modified_at)
