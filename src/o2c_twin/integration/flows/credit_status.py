"""The nightly copy of credit status: what holds and releases sales has not been told of is told once a night."""

from o2c_twin.integration.flows.order_status import deal_of
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.store import Link


async def credit(engine: Engine, event: Inbound) -> None:
    """It is night: the credit status of an order as it is now, if sales does not know it."""
    crm, erp, journal = engine.crm, engine.erp, engine.journal
    status = await engine.delivery.read(erp.system, f"status:{event.object_id}", lambda: erp.order(event.object_id))
    deal_id, told = deal_of(engine, status), journal.remote(crm.system, "noted", status.erp_id)
    if deal_id is None or told is None:
        return
    before, fulfilment = told.split("|")
    if before == status.credit:
        return
    state = f"{status.credit}|{fulfilment}"
    reference = status.po_number or status.number
    await engine.delivery.write(
        crm,
        "note_deal",
        f"note:credit:{status.erp_id}:{status.modified_at}:{told}:{state}",
        (deal_id, {"credit": status.credit}),
        f"note:{reference}",
        lane=event.lane,
        result=status.erp_id,
        links=lambda _, __: (Link(crm.system, "noted", status.erp_id, state),),
    )
    engine.synced("credit", reference, erp.system, crm.system, event.source_at)
