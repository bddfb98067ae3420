"""Intercompany: what the home entity shipped for another that billed the customer, it charges that one."""

from o2c_twin.integration.flows.currencies import currency_of
from o2c_twin.integration.group import transfer_minor
from o2c_twin.integration.model import Charge, Inbound, InvoiceStatus
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import DeadLetter, Parked
from o2c_twin.integration.store import Link

BETWEEN_KEY = "between:"
_CHARGED = "charged"


async def charge_between(engine: Engine, event: Inbound, bill: InvoiceStatus, deal_id: str) -> None:
    """An invoice was posted: what it billed is charged to the entity that sold, once, unless that is the home entity.

    It is charged in the invoice's currency, so that what sold and what shipped move with the same rate.

    One that cannot be posted is a case of its own: sales is told of the invoice all the same.
    """
    group, erp, crm, journal = engine.group, engine.erp, engine.crm, engine.journal
    if engine.profile.entities != "intercompany" or group is None:
        return
    if journal.remote(erp.system, _CHARGED, bill.erp_id) is not None:
        return
    deal = await engine.delivery.read(crm.system, f"deal:{deal_id}", lambda: crm.deal(deal_id))
    buyer = deal.party.entity
    amount = transfer_minor(bill.total_minor, group.transfer_price)
    if buyer is None or buyer == group.home or amount <= 0:
        return
    charge = Charge(group.home, buyer, amount, currency_of(engine, bill) or deal.currency, bill.number)
    try:
        await engine.delivery.write(
            erp,
            "put_charge",
            f"{BETWEEN_KEY}{bill.erp_id}",
            (charge,),
            f"{BETWEEN_KEY}{bill.number}",
            lane=event.lane,
            links=lambda _, made: (Link(erp.system, _CHARGED, bill.erp_id, made),),
        )
    except DeadLetter as letter:
        engine.open_case(event, letter)
    except Parked:
        pass


def charged(engine: Engine, invoice_id: str, entry_id: str) -> None:
    """A person posted what an invoice is charged at between entities: it is done."""
    engine.journal.link(engine.erp.system, _CHARGED, invoice_id, entry_id)
