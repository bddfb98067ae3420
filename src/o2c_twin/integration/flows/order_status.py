"""Credit and delivery status back to sales, whenever they change on the order."""

from o2c_twin.integration.model import Inbound, OrderStatus
from o2c_twin.integration.runtime.engine import Engine


def deal_of(engine: Engine, status: OrderStatus) -> str | None:
    """The deal an order was made for: by cross-reference, or by the key the order carries."""
    known = engine.journal.remote(engine.crm.system, "deal-of-order", status.erp_id)
    if known is None and status.external_id is not None and status.external_id.startswith("order:"):
        return status.external_id.removeprefix("order:")
    return known


def remember_noted(engine: Engine, status: OrderStatus) -> None:
    """Remember what sales has been told, so that nothing is told twice."""
    engine.journal.link(engine.crm.system, "noted", status.erp_id, f"{status.credit}|{status.fulfilment}")


async def order_status(engine: Engine, event: Inbound) -> None:
    """A sales order changed in the ERP."""
    crm, erp = engine.crm, engine.erp
    status = await engine.delivery.read(erp.system, f"status:{event.object_id}", lambda: erp.order(event.object_id))
    deal_id = deal_of(engine, status)
    if deal_id is None:
        return
    told = engine.journal.remote(crm.system, "noted", status.erp_id)
    if told is None or told == f"{status.credit}|{status.fulfilment}":
        # An order nobody has been told of yet is told by the flow that is just making it.
        return
    credit, fulfilment = told.split("|")
    reference = status.po_number or status.number

    async def note(_: str | None) -> str:
        notes = {"credit": status.credit, "fulfilment": status.fulfilment}
        await crm.note_deal(deal_id, notes, f"note:{reference}")
        return status.erp_id

    key = f"note:status:{status.erp_id}:{status.credit}:{status.fulfilment}:{engine.clock.now()}"
    await engine.delivery.write(crm.system, key, note)
    remember_noted(engine, status)
    if credit != status.credit:
        engine.synced("credit", reference, erp.system, crm.system, status.modified_at)
    if fulfilment != status.fulfilment:
        engine.synced("delivery", reference, erp.system, crm.system, status.modified_at)
