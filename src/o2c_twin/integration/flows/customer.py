"""Customer master: an account that buys becomes a customer; a changed account changes its customer."""

import msgspec

from o2c_twin.integration.model import Inbound, Party
from o2c_twin.integration.runtime.engine import Engine


async def ensure_customer(engine: Engine, party: Party) -> str:
    """The ERP's id of the customer behind an account, created when there is none."""
    journal, erp = engine.journal, engine.erp
    known = journal.remote(erp.system, "customer", party.crm_id)
    if known is not None:
        return known
    party = _as_matched(engine, party)
    correlation = f"customer:{party.number or party.crm_id}"
    if party.number is not None:
        number = party.number
        found = await engine.delivery.read(erp.system, correlation, lambda: erp.customer_by_number(number))
        if found is not None:
            _remember(engine, party, found)
            return found
    made = await engine.delivery.write(
        erp.system, f"customer:{party.crm_id}", lambda key: erp.put_customer(party, key, correlation)
    )
    _remember(engine, party, made)
    engine.synced("customer", party.number or party.crm_id, engine.crm.system, erp.system, party.modified_at)
    await engine.delivery.write(
        engine.crm.system, f"note:customer:{party.crm_id}", lambda _: _note(engine, party.crm_id, made, correlation)
    )
    return made


async def _note(engine: Engine, party_id: str, erp_id: str, correlation: str) -> str:
    await engine.crm.note_party(party_id, erp_id, correlation)
    return erp_id


def _remember(engine: Engine, party: Party, erp_id: str) -> None:
    engine.journal.link(engine.erp.system, "customer", party.crm_id, erp_id)
    engine.journal.link(engine.erp.system, "customer-digest", party.crm_id, _digest(party))


def _as_matched(engine: Engine, party: Party) -> Party:
    """Where accounts are not matched their numbers are not carried over, or the ERP would refuse a second one."""
    return party if engine.profile.matching == "exact-key" else msgspec.structs.replace(party, number=None)


def _digest(party: Party) -> str:
    return f"{party.name}|{party.terms_days}|{party.credit_limit_minor}|{party.email}"


async def customer(engine: Engine, event: Inbound) -> None:
    """An account changed: when it is a customer already, the ERP learns what changed of it."""
    erp = engine.erp
    erp_id = engine.journal.remote(erp.system, "customer", event.object_id)
    if erp_id is None:
        return
    party = await engine.delivery.read(
        engine.crm.system, f"party:{event.object_id}", lambda: engine.crm.party(event.object_id)
    )
    party = _as_matched(engine, party)
    digest = _digest(party)
    if engine.journal.remote(erp.system, "customer-digest", event.object_id) == digest:
        return
    correlation = f"customer:{party.number or party.crm_id}"

    async def update(_: str | None) -> str:
        await erp.update_customer(erp_id, party, correlation)
        return erp_id

    await engine.delivery.write(erp.system, f"customer:{party.crm_id}:{party.modified_at}", update)
    engine.journal.link(erp.system, "customer-digest", event.object_id, digest)
    engine.synced("customer", party.number or party.crm_id, engine.crm.system, erp.system, party.modified_at)
