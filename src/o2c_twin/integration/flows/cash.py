"""Cash application from the bank statement: each credit is posted once and set against what it pays."""

from o2c_twin.integration.match.cash import Decision, Tolerance, allocate, references
from o2c_twin.integration.model import BankEntry, Inbound
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import DeadLetter, Dropped

UNIDENTIFIED = "payer not identified"


async def cash(engine: Engine, event: Inbound) -> None:
    """A bank statement is ready. One credit that cannot be posted does not hold up the others."""
    bank = engine.bank
    entries = await engine.delivery.read(
        bank.system, f"statement:{event.object_id}", lambda: bank.entries(event.object_id)
    )
    for entry in entries:
        try:
            await _apply(engine, event, entry)
        except DeadLetter as letter:
            case = Inbound(event.event_id, event.flow, entry.reference, event.lane, event.source_at)
            engine.open_case(case, letter)
        except Dropped as lost:
            engine.observer.dropped(event, str(lost), engine.clock.now())


async def _apply(engine: Engine, event: Inbound, entry: BankEntry) -> None:
    erp, journal = engine.erp, engine.journal
    key = f"cash:{entry.reference}"
    named = references(entry.remittance)
    items = []
    customer_id = journal.remote(erp.system, "payer", entry.payer_iban or "")
    if named:
        items = await engine.delivery.read(erp.system, key, lambda: erp.items_named(named))
        owners = {item.customer_erp_id for item in items}
        if len(owners) == 1:
            customer_id = items[0].customer_erp_id
        else:
            items = []
    if customer_id is None:
        raise DeadLetter(key, f"{UNIDENTIFIED}: {entry.payer or 'no name'}, '{entry.remittance}'")
    owner = customer_id
    decision = allocate(entry.amount_minor, named, items, Tolerance()) if items else Decision(0)
    if decision.rule in (0, 3):
        items = await engine.delivery.read(erp.system, key, lambda: erp.open_items(owner))
        decision = allocate(entry.amount_minor, named, items, Tolerance())
    await engine.delivery.write(
        erp.system, key, lambda eid: erp.put_payment(entry, owner, list(decision.allocations), eid, key)
    )
    if entry.payer_iban and decision.rule in (1, 2, 3, 4):
        # An alias is learned only from a payment that named what it paid.
        journal.link(erp.system, "payer", entry.payer_iban, owner)
    engine.synced("cash", entry.reference, engine.bank.system, erp.system, event.source_at)
    if decision.rule == 0:
        raise DeadLetter(key, f"posted on account, nothing to apply it to: '{entry.remittance}'")
