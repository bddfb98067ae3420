"""Invoice and payment status back to sales."""

import msgspec

from o2c_twin.integration.flows.between import charge_between
from o2c_twin.integration.flows.collection import collect
from o2c_twin.integration.flows.credit_check import billed
from o2c_twin.integration.flows.order_status import deal_of
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.store import Link

_BILLS = msgspec.json.Decoder(dict[str, str])


async def invoice(engine: Engine, event: Inbound) -> None:
    """An invoice was posted or paid."""
    crm, erp, journal = engine.crm, engine.erp, engine.journal
    bill = await engine.delivery.read(erp.system, f"invoice:{event.object_id}", lambda: erp.invoice(event.object_id))
    order_id = bill.order_erp_id
    if order_id is None:
        return
    deal_id = journal.remote(crm.system, "deal-of-order", order_id)
    if deal_id is None:
        status = await engine.delivery.read(erp.system, f"status:{order_id}", lambda: erp.order(order_id))
        deal_id = deal_of(engine, status)
        if deal_id is None:
            return
        journal.link(crm.system, "deal-of-order", order_id, deal_id)
    billed(engine, bill)
    await collect(engine, event, bill, deal_id)
    await charge_between(engine, event, bill, deal_id)
    known = journal.remote(crm.system, "bills", order_id)
    bills = {} if known is None else _BILLS.decode(known)
    state = "paid" if bill.open_minor == 0 else "open" if bill.open_minor == bill.total_minor else "part paid"
    if bills.get(bill.number) == state:
        return
    first = bill.number not in bills
    bills[bill.number] = state
    payment = "Paid" if all(s == "paid" for s in bills.values()) else "Open"

    # By their numbers, for news may come in any order; and 1000 after 999.
    numbers = ",".join(sorted(bills, key=lambda number: (len(number), number)))
    told = Link(crm.system, "bills", order_id, msgspec.json.encode(bills).decode())
    await engine.delivery.write(
        crm,
        "note_deal",
        f"note:invoice:{bill.erp_id}:{state}:{bill.modified_at}",
        (deal_id, {"invoice_number": numbers, "payment": payment}),
        f"note:{bill.number}",
        lane=event.lane,
        result=bill.erp_id,
        links=lambda _, __: (told,),
    )
    engine.synced("invoice" if first else "payment", bill.number, erp.system, crm.system, bill.modified_at)
