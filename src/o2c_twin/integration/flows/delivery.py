"""Delivery to invoice: what left the warehouse is billed, each delivery once, when the design bills."""

from o2c_twin.integration.flows.billing_runs import run_after
from o2c_twin.integration.flows.later import put_off
from o2c_twin.integration.model import Inbound, Shipment
from o2c_twin.integration.runtime.engine import Engine


async def delivery(engine: Engine, event: Inbound) -> None:
    """Goods were issued."""
    if engine.profile.invoice_trigger == "manual":
        # A clerk bills from the delivery note.
        return
    erp = engine.erp
    shipment = await _shipment(engine, event)
    order_id = shipment.order_erp_id
    if engine.profile.partials == "first-only":
        # The mapping that takes an order for billed once its first delivery was: the rest goes unseen.
        if engine.journal.remote(erp.system, "billed", order_id) not in (None, shipment.erp_id):
            return
        engine.journal.link(erp.system, "billed", order_id, shipment.erp_id)
    if engine.profile.invoice_trigger == "goods-issue":
        await _bill(engine, event, shipment)
        return
    # In a lane of its own, so that nothing else of the order waits for the run.
    bill = Inbound(
        f"{erp.system}:billing:{shipment.erp_id}", "billing", shipment.erp_id, f"billing:{order_id}", shipment.issued_at
    )
    put_off(engine, bill, run_after(engine.profile.invoice_trigger, shipment.issued_at))


async def billing(engine: Engine, event: Inbound) -> None:
    """The billing run has come to a delivery."""
    await _bill(engine, event, await _shipment(engine, event))


async def _shipment(engine: Engine, event: Inbound) -> Shipment:
    erp = engine.erp
    return await engine.delivery.read(erp.system, f"shipment:{event.object_id}", lambda: erp.shipment(event.object_id))


async def _bill(engine: Engine, event: Inbound, shipment: Shipment) -> None:
    erp = engine.erp
    invoice_id = await engine.delivery.write(
        erp, "bill", f"bill:{shipment.erp_id}", (shipment.order_erp_id,), f"bill:{shipment.number}", lane=event.lane
    )
    if invoice_id:
        engine.synced("invoice", shipment.number, "warehouse", erp.system, shipment.issued_at)
