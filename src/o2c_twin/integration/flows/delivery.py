"""Delivery to invoice: what left the warehouse is billed, each delivery once."""

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.runtime.engine import Engine


async def delivery(engine: Engine, event: Inbound) -> None:
    """Goods were issued."""
    erp = engine.erp
    shipment = await engine.delivery.read(
        erp.system, f"shipment:{event.object_id}", lambda: erp.shipment(event.object_id)
    )
    order_id = shipment.order_erp_id
    if engine.profile.partials == "first-only":
        # The mapping that takes an order for billed once its first delivery was: the rest goes unseen.
        if engine.journal.remote(erp.system, "billed", order_id) not in (None, shipment.erp_id):
            return
        engine.journal.link(erp.system, "billed", order_id, shipment.erp_id)
    invoice_id = await engine.delivery.write(
        erp, "bill", f"bill:{shipment.erp_id}", (order_id,), f"bill:{shipment.number}", lane=event.lane
    )
    if invoice_id:
        engine.synced("invoice", shipment.number, "warehouse", erp.system, shipment.issued_at)
