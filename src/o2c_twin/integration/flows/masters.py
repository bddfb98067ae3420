"""Customer masters kept on both sides: what sales has on an account against what the ERP has on its customer.

Only designs come here in which the ERP is master of some of it (`governance.field_groups`). The engine remembers,
group by group, digests of what both sides said when they last agreed. So it knows who has changed something since, and
what it wrote itself is no change. One lane, that of the account, sees the changes of both sides.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from o2c_twin.integration.connectors.writes import WRITES
from o2c_twin.integration.flows.golden import accounts_of, survivor
from o2c_twin.integration.governance.field_groups import GROUPS, STAGE, FieldGroup
from o2c_twin.integration.governance.systems_of_record import Write
from o2c_twin.integration.mappings.documents import CustomerMaster, PartyChange
from o2c_twin.integration.model import Inbound, Party
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.hearing import taking, telling
from o2c_twin.integration.runtime.steps import Target
from o2c_twin.integration.store import Effect, Link

BY_NUMBER = ("exact-key", "probabilistic")
"""Values of the axis ``matching`` by which an account's number is its customer's too."""


async def customer_master(engine: Engine, event: Inbound) -> None:
    """A customer changed in the ERP: each of its accounts is looked at, in the lane of the account."""
    if not engine.profile.hears_customers:
        return
    for account in accounts_of(engine, event.object_id):
        look(engine, account, event.event_id, event.source_at)


def look(engine: Engine, account: str, name: str, at: int) -> None:
    """Have an account compared with its customer; ``name`` tells this look from others."""
    engine.receive(Inbound(f"{name}:{account}", "customer", account, f"party:{account}", at))


def agreed_links(engine: Engine, party: Party) -> Iterator[Link]:
    """What counts as agreed when an account becomes a customer: what sales said, of both sides.

    Of a customer that was made of it that is so. One that was there before has words of its own, and they are news.
    """
    for group in GROUPS:
        said = _digest(party, _fields(engine, group))
        yield _link(engine, group, party.crm_id, f"{said}.{said}")


async def agree(engine: Engine, event: Inbound, erp_id: str, party: Party) -> None:
    """Compare an account with its customer, and have the master's word written on the other side."""
    unfinished = False
    for group in GROUPS:
        # Sent before the engine died: what the systems say by now may be its doing already.
        effect = engine.journal.effect(_key(group, event))
        if effect is not None:
            unfinished = True
            await _carry(engine, event, group, _recorded(engine, effect))
    if unfinished:
        look(engine, event.object_id, f"{event.event_id}:again", engine.clock.now())
        return
    customer = await engine.delivery.read(
        engine.erp.system, f"customer:{erp_id}", lambda: telling(engine.erp).customer(erp_id)
    )
    golden = await survivor(engine, erp_id, party)
    for group in GROUPS:
        sales = golden if getattr(engine.profile, group.axis) == "crm" else party
        carried = _compared(engine, group, erp_id, sales, customer)
        if carried is not None:
            await _carry(engine, event, group, carried)


@dataclass(frozen=True, slots=True)
class _Carried:
    """What is to be written: ``arguments`` of ``write`` at ``target``, and what is ``agreed`` when it is done."""

    target: Target
    write: str
    arguments: tuple[Any, ...]
    agreed: str
    at: int


async def _carry(engine: Engine, event: Inbound, group: FieldGroup, what: _Carried) -> None:
    account = event.object_id
    await engine.delivery.write(
        what.target,
        what.write,
        _key(group, event),
        what.arguments,
        f"customer:{account}",
        lane=event.lane,
        result=what.agreed,
        links=lambda _, agreed: (_link(engine, group, account, agreed),),
    )
    source = engine.erp.system if what.write == "change_party" else engine.crm.system
    engine.synced("customer", account, source, what.target.system, what.at)


def _recorded(engine: Engine, effect: Effect) -> _Carried:
    arguments = WRITES[effect.write].arguments.decode(effect.arguments) if effect.arguments else ()
    return _Carried(engine.target(effect.system), effect.write, arguments, effect.result or "", effect.created_at)


def _compared(engine: Engine, group: FieldGroup, erp_id: str, sales: Party, finance: CustomerMaster) -> _Carried | None:
    """What is to be written so that both sides agree on a group; None where they do, or nobody may say so."""
    axis, fields = getattr(engine.profile, group.axis), _fields(engine, group)
    before = engine.journal.remote(engine.erp.system, group.axis, sales.crm_id)
    known = ("", "") if before is None else before.split(".")
    said, held = _digest(sales, fields), _digest(finance, fields)
    by_sales, by_finance = said != known[0], held != known[1]
    if axis == "crm":
        if not by_sales:
            return None
        to_sales = False
    elif not (by_sales or by_finance):
        return None
    elif axis == "erp":
        to_sales = True
    else:
        later = finance.modified_at >= sales.modified_at
        to_sales = later if by_sales and by_finance else by_finance
    told = {field: getattr(finance if to_sales else sales, field) for field in fields}
    there = {field: getattr(sales if to_sales else finance, field) for field in fields}
    change = {field: value for field, value in told.items() if value not in (None, there[field])}
    if not change:
        link = _link(engine, group, sales.crm_id, f"{said}.{held}")
        engine.journal.link(link.system, link.kind, link.canonical, link.remote)
        return None
    if axis == "erp" and by_sales and before is not None:
        for field in change:
            _refuse(engine, sales.crm_id, field)
    after = _digest_of({**there, **change})
    body = PartyChange(sales.crm_id, sales.currency, **change)
    if to_sales:
        return _Carried(engine.crm, "change_party", (sales.crm_id, body), f"{after}.{held}", finance.modified_at)
    return _Carried(engine.erp, "change_customer", (erp_id, body), f"{said}.{after}", sales.modified_at)


def _refuse(engine: Engine, account: str, field: str) -> None:
    """Log what sales typed where it may not; it is put back by what follows."""
    refusal = engine.masters.refuse(Write("crm", "Party", account, field, STAGE, engine.clock.now()))
    if refusal is None:
        return
    if engine.delivery.audit is not None:
        what = f"{engine.crm.system} Party.{field} refused: {refusal.message}"
        engine.delivery.audit.add(refusal.at, "engine", what, f"party:{account}", account)
    engine.observer.refused(refusal)


def _fields(engine: Engine, group: FieldGroup) -> tuple[str, ...]:
    """The fields of a group both systems keep; a number only where it is the customer's on both sides."""
    kept = telling(engine.erp).customer_fields & taking(engine.crm).party_fields
    if engine.profile.matching not in BY_NUMBER:
        kept -= {"number"}
    return tuple(field for field in group.fields if field in kept)


def _key(group: FieldGroup, event: Inbound) -> str:
    return f"{group.axis}:{event.event_id}"


def _link(engine: Engine, group: FieldGroup, account: str, agreed: str) -> Link:
    return Link(engine.erp.system, group.axis, account, agreed)


def _digest(record: msgspec.Struct, fields: tuple[str, ...]) -> str:
    return _digest_of({field: getattr(record, field) for field in fields})


def _digest_of(values: dict[str, Any]) -> str:
    # A hash: the journal outlives the account, and names have no place in it.
    return sha256(repr(tuple(values.values())).encode()).hexdigest()[:16]
