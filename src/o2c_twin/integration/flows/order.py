"""Won deal to sales order: the customer is there first, then the order, then sales reads its number."""

from o2c_twin.integration.flows.customer import ensure_customer
from o2c_twin.integration.flows.order_status import remember_noted
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.runtime.engine import Engine

ORDER_KEY = "order:"


async def order(engine: Engine, event: Inbound) -> None:
    """A deal was won."""
    crm, erp = engine.crm, engine.erp
    deal = await engine.delivery.read(crm.system, f"deal:{event.object_id}", lambda: crm.deal(event.object_id))
    if deal.erp_order_id is not None:
        return
    customer_id = await ensure_customer(engine, deal.party)
    items = await engine.item_ids([line.sku for line in deal.lines])
    order_id = await engine.delivery.write(
        erp.system,
        f"{ORDER_KEY}{deal.crm_id}",
        lambda key: erp.put_order(deal, customer_id, items, key, f"order:{deal.reference}"),
    )
    engine.journal.link(crm.system, "deal-of-order", order_id, deal.crm_id)
    engine.synced("order", deal.reference, crm.system, erp.system, deal.won_at)
    status = await engine.delivery.read(erp.system, f"order:{deal.reference}", lambda: erp.order(order_id))
    notes = {
        "order_number": status.number,
        "order_id": order_id,
        "credit": status.credit,
        "fulfilment": status.fulfilment,
    }

    async def note(_: str | None) -> str:
        await crm.note_deal(deal.crm_id, notes, f"note:{deal.reference}")
        return order_id

    await engine.delivery.write(crm.system, f"note:order:{deal.crm_id}", note)
    remember_noted(engine, status)
