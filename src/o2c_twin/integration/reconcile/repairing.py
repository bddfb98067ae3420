"""The repair flow: one repair of an approved plan, worked in its lane like any other event.

Before it writes it looks at the records once more: what has changed since the plan was made is left to the next look.
The key of its write is derived from the difference, so that a repair, too, is effectively once.
"""

from functools import partial

import msgspec

from o2c_twin.integration.flows.customer import ensure_customer
from o2c_twin.integration.flows.order_status import UNKNOWN
from o2c_twin.integration.mappings.documents import PartyChange
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.reconcile.digests import diff
from o2c_twin.integration.reconcile.flight import OWN
from o2c_twin.integration.reconcile.memory import Memory
from o2c_twin.integration.reconcile.plan import Repair, changes_of
from o2c_twin.integration.reconcile.ports import Kind, Listing, Listings, Row
from o2c_twin.integration.reconcile.remedies import place_of
from o2c_twin.integration.reconcile.sides import Found, party_of, sides_of
from o2c_twin.integration.runtime.engine import Engine, Flow
from o2c_twin.integration.runtime.line import worth_of_work
from o2c_twin.integration.runtime.quota import Worth
from o2c_twin.integration.store import Link

REPAIR = "repair"
"""The name of the flow: an engine whose plans are to be applied is made with it among its flows."""
_REPAIR = msgspec.json.Decoder(Repair)


def record_of(repair: Repair) -> tuple[str, str]:
    """Key and text under which a repair is put on record."""
    return f"{OWN}{repair.id}:plan", msgspec.json.encode(repair).decode()


def event_of(repair: Repair, now: int) -> Inbound:
    """The event that has a repair worked, in the lane of what it repairs."""
    return Inbound(f"{OWN}{repair.id}", REPAIR, repair.id, repair.lane, now)


def repair_flows(listings: Listings) -> dict[str, Flow]:
    """The flow to add to an engine's: ``{**FLOWS, **repair_flows(listings)}``."""

    async def repair(engine: Engine, event: Inbound) -> None:
        planned = engine.journal.outcome(f"{OWN}{event.object_id}:plan")
        if planned is None:
            return
        worth_of_work.set(Worth.SWEEP)
        await _work(engine, _REPAIR.decode(planned), listings)

    return {REPAIR: repair}


async def _work(engine: Engine, repair: Repair, listings: Listings) -> None:
    key = f"{OWN}{repair.id}"
    under_way = engine.journal.effect(key) is not None
    crm_rows = await _again(engine, repair, "crm", listings.crm)
    erp_rows = await _again(engine, repair, "erp", listings.erp)
    found = Found(tuple(crm_rows), tuple(erp_rows), whole=repair.group == "there", kept=listings.erp.kept)
    if not under_way and not _still(engine, repair, found):
        return
    if repair.action == "recreate":
        await _recreate(engine, repair, key)
        return
    wanted = {change.field: "" if change.wanted is None else str(change.wanted) for change in repair.changes}
    tail = f"{OWN}{repair.kind}:{repair.key}"
    if repair.group == "link":
        arguments = (repair.key, wanted["erp_id"])
        await engine.delivery.write(engine.crm, "note_party", key, arguments, tail, lane=repair.lane, result=repair.key)
    elif repair.group == "master":
        await _customer(engine, repair, key, found, tail)
    else:
        notes = (repair.key, wanted)
        await engine.delivery.write(engine.crm, "note_deal", key, notes, tail, lane=repair.lane, result=repair.key)


async def _again(engine: Engine, repair: Repair, role: str, listing: Listing) -> list[Row]:
    ids: dict[Kind, list[str]] = {}
    for where, kind, id_ in repair.references:
        if where == role:
            ids.setdefault(kind, []).append(id_)  # type: ignore[arg-type]  # the kind a row had
    rows: list[Row] = []
    for kind, names in ids.items():
        ask = partial(listing.named, kind, names)
        rows += await engine.delivery.read(listing.system, f"{OWN}{repair.id}", ask)
    return [row for row in rows if not row.unread]


def _still(engine: Engine, repair: Repair, found: Found) -> bool:
    """Whether the difference is still there, as it was planned."""
    sides = sides_of(found, Memory(engine), engine.clock.now())
    place = place_of(repair)
    return any(
        difference.place == place and changes_of(difference) == repair.changes
        for difference in diff(sides.wanted, sides.found)
    )


async def _customer(engine: Engine, repair: Repair, key: str, found: Found, correlation: str) -> None:
    """Write what the CRM is master of; what the ERP has decided stays as it is there."""
    accounts, customers = found.of("crm", "customer"), found.of("erp", "customer")
    if not accounts or not customers:
        return
    account, customer = next(iter(accounts.values())), next(iter(customers.values()))
    if engine.profile.hears_customers:
        # Beside it the ERP may be master, and may have changed its mind by the time this arrives.
        party = party_of(account)
        change = PartyChange(
            account.id, party.currency, **{each.field: getattr(party, each.field) for each in repair.changes}
        )
        await engine.delivery.write(
            engine.erp, "change_customer", key, (customer.id, change), correlation, lane=repair.lane, result=customer.id
        )
        return
    changed = {change.field for change in repair.changes}
    kept = {name: value for name, value in customer.fields.items() if name not in changed}
    mixed = msgspec.structs.replace(account, fields={**account.fields, **kept})
    party = party_of(mixed)
    await engine.delivery.write(
        engine.erp,
        "update_customer",
        key,
        (customer.id, party),
        correlation,
        lane=repair.lane,
        result=customer.id,
    )


async def _recreate(engine: Engine, repair: Repair, key: str) -> None:
    """Make a deleted order anew from its deal, and have its state told as that of any other."""
    crm, erp, now = engine.crm, engine.erp, engine.clock.now()
    deal_id = next(id_ for role, kind, id_ in repair.references if (role, kind) == ("crm", "deal"))
    deal = await engine.delivery.read(crm.system, key, lambda: crm.deal(deal_id))
    about = Inbound(f"{OWN}{repair.id}:customer", "order", deal_id, repair.lane, now)
    customer_id = await ensure_customer(engine, about, deal.party)
    items = await engine.item_ids([line.sku for line in deal.lines])
    made = await engine.delivery.write(
        erp,
        "put_order",
        key,
        (deal, customer_id, items),
        f"order:{deal.reference}",
        lane=repair.lane,
        links=lambda _, made: (
            Link(crm.system, "deal-of-order", made, deal_id),
            Link(crm.system, "noted", made, UNKNOWN),
        ),
    )
    status = await engine.delivery.read(erp.system, key, lambda: erp.order(made))
    notes = {"order_number": status.number, "order_id": made}
    await engine.delivery.write(
        crm, "note_deal", f"{key}:note", (deal_id, notes), f"note:{deal.reference}", lane=repair.lane, result=made
    )
    engine.receive(Inbound(f"{erp.system}:recreated:{made}", "order-status", made, f"order:{made}", now))
