"""The golden record: where several accounts are one customer, what the ERP is told is decided field by field."""

import msgspec

from o2c_twin.integration.match.survivorship import CUSTOMER_RULES, MasterVersion, golden_record
from o2c_twin.integration.model import Inbound, Party
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.store import KeptJournal

_FIELDS = ("name", "number", "email", "terms_days", "credit_limit_minor")
_RULES = {field: CUSTOMER_RULES[field] for field in _FIELDS}
_IDS = msgspec.json.Decoder(list[str])


def joined(engine: Engine, event: Inbound, erp_id: str, party: Party) -> None:
    """An account is a customer, perhaps besides others: then the customer's record is made anew of all of them.

    Where the ERP's customers are news for sales, both are compared once: its notice may have come and gone.
    """
    golden, heard = engine.profile.survivorship == "golden", engine.profile.hears_customers
    if not golden and not heard:
        return
    accounts = accounts_of(engine, erp_id)
    if party.crm_id in accounts:
        return
    told = msgspec.json.encode([*accounts, party.crm_id]).decode()
    engine.journal.link(engine.erp.system, "accounts", erp_id, told)
    if heard or accounts:
        name = f"{engine.crm.system}:joined:{party.crm_id}"
        engine.receive(Inbound(name, "customer", party.crm_id, event.lane, engine.clock.now()))


def accounts_of(engine: Engine, erp_id: str) -> list[str]:
    """The accounts known to be a customer, in the order they were."""
    known = engine.journal.remote(engine.erp.system, "accounts", erp_id)
    return [] if known is None else _IDS.decode(known)


def forget_account(journal: KeptJournal, erp: str, account: str) -> None:
    """Forget whose customer an account was, among the accounts of the ERP's customers."""
    for link in journal.links(erp, "accounts"):
        known = _IDS.decode(link.remote)
        if account in known:
            journal.unlink(link)
            if rest := [each for each in known if each != account]:
                journal.link(erp, "accounts", link.canonical, msgspec.json.encode(rest).decode())


async def survivor(engine: Engine, erp_id: str, party: Party) -> Party:
    """What the ERP should know of the customer an account is: of one account itself, of several what survives."""
    if engine.profile.survivorship != "golden":
        return party
    crm, parties = engine.crm, [party]
    for id_ in accounts_of(engine, erp_id):
        if id_ != party.crm_id:
            parties.append(await _read(engine, id_))
    if len(parties) == 1:
        return party
    versions = [
        MasterVersion(each.crm_id, crm.system, each.modified_at, {field: getattr(each, field) for field in _FIELDS})
        for each in parties
    ]
    values = {field: found.value for field, found in golden_record(versions, _RULES).items()}
    return msgspec.structs.replace(party, **values)


async def _read(engine: Engine, id_: str) -> Party:
    crm = engine.crm
    return await engine.delivery.read(crm.system, f"party:{id_}", lambda: crm.party(id_))
