"""Customer master: an account that buys becomes a customer; a changed account changes its customer."""

from o2c_twin.integration.model import Inbound, Party
from o2c_twin.integration.runtime.engine import Engine


async def ensure_customer(engine: Engine, party: Party) -> str:
    """The ERP's id of the customer behind an account, created when there is none."""
    journal, erp = engine.journal, engine.erp
    known = journal.remote(erp.system, "customer", party.crm_id)
    if known is not None:
        return known
    correlation = f"customer:{party.number or party.crm_id}"
    if party.number is not None and engine.profile.matching == "exact-key":
        number = party.number
        found = await engine.delivery.read(erp.system, correlation, lambda: erp.customer_by_number(number))
        if found is not None:
            journal.link(erp.system, "customer", party.crm_id, found)
            return found
    made = await engine.delivery.write(
        erp.system, f"customer:{party.crm_id}", lambda key: erp.put_customer(party, key, correlation)
    )
    journal.link(erp.system, "customer", party.crm_id, made)
    engine.synced("customer", party.number or party.crm_id, engine.crm.system, erp.system, party.modified_at)
    await engine.delivery.write(
        engine.crm.system, f"note:customer:{party.crm_id}", lambda _: _note(engine, party.crm_id, made, correlation)
    )
    return made


async def _note(engine: Engine, party_id: str, erp_id: str, correlation: str) -> str:
    await engine.crm.note_party(party_id, erp_id, correlation)
    return erp_id


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
