"""Won deal to sales order: the customer is there first, then the order, then sales reads its number."""

from o2c_twin.integration.flows.credit_check import entered, has_credit
from o2c_twin.integration.flows.currencies import entered_deal
from o2c_twin.integration.flows.customer import ensure_customer
from o2c_twin.integration.flows.order_status import UNKNOWN, remember_noted, state_of, tell_tonight
from o2c_twin.integration.model import Deal, Inbound
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import DeadLetter
from o2c_twin.integration.store import Link

ORDER_KEY = "order:"


async def order(engine: Engine, event: Inbound) -> None:
    """A deal was won."""
    crm, erp = engine.crm, engine.erp
    deal = await engine.delivery.read(crm.system, f"deal:{event.object_id}", lambda: crm.deal(event.object_id))
    key = f"{ORDER_KEY}{deal.crm_id}"
    if deal.erp_order_id is not None and engine.journal.effect(key) is None:
        # Somebody else's order. One of our own is carried to its end, whatever sales can read already.
        return
    deal = entered_deal(engine, deal, key)
    customer_id = await ensure_customer(engine, event, deal.party)
    if not await has_credit(engine, event, deal, customer_id, key):
        return
    items = await engine.item_ids([line.sku for line in deal.lines])
    order_id = await engine.delivery.write(
        erp,
        "put_order",
        key,
        (deal, customer_id, items),
        f"order:{deal.reference}",
        lane=event.lane,
        links=lambda _, made: (Link(crm.system, "deal-of-order", made, deal.crm_id),),
    )
    entered(engine, deal, customer_id, order_id)
    engine.synced("order", deal.reference, crm.system, erp.system, deal.won_at)
    try:
        told = await _note(engine, deal, order_id)
    except DeadLetter:
        # A person tells sales of this order now; what changes on it later is ours again.
        engine.journal.link(crm.system, "noted", order_id, UNKNOWN)
        raise
    remember_noted(engine, order_id, told)
    if engine.profile.credit_visibility == "nightly":
        tell_tonight(engine, order_id, deal.won_at)


async def _note(engine: Engine, deal: Deal, order_id: str) -> str:
    """Tell sales of the order; gives the state it was told, which a replay may find changed."""
    crm, erp = engine.crm, engine.erp
    status = await engine.delivery.read(erp.system, f"order:{deal.reference}", lambda: erp.order(order_id))
    notes = {
        "order_number": status.number,
        "order_id": order_id,
        "credit": status.credit,
        "fulfilment": status.fulfilment,
    }
    state = state_of(status)
    if engine.profile.credit_visibility == "nightly":
        state = f"?|{status.fulfilment}"
        del notes["credit"]
    return await engine.delivery.write(
        crm,
        "note_deal",
        f"note:order:{deal.crm_id}",
        (deal.crm_id, notes),
        f"note:{deal.reference}",
        lane=f"order:{order_id}",
        result=state,
    )


def adopt(engine: Engine, deal_id: str, order_id: str) -> None:
    """A person entered the order of a deal: from now on what happens to it is told to sales as of any other.

    What happened before the engine knew of it is read once, for a notice may have come and gone.
    """
    crm, erp, now = engine.crm, engine.erp, engine.clock.now()
    with engine.journal.together():
        engine.journal.link(crm.system, "deal-of-order", order_id, deal_id)
        engine.journal.link(crm.system, "noted", order_id, UNKNOWN)
    engine.receive(Inbound(f"{erp.system}:adopted:{order_id}", "order-status", order_id, f"order:{order_id}", now))
