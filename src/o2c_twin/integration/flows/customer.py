"""Customer master: an account that buys becomes a customer; a changed account changes its customer."""

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from o2c_twin.integration.flows.currencies import entered_party
from o2c_twin.integration.flows.golden import accounts_of, joined, survivor
from o2c_twin.integration.flows.masters import BY_NUMBER, agree, agreed_links
from o2c_twin.integration.flows.same_customer import remember, same_customer
from o2c_twin.integration.model import Inbound, Party
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import CallFailed, DeadLetter, Parked
from o2c_twin.integration.runtime.saga import kept_for
from o2c_twin.integration.store import Link


async def ensure_customer(engine: Engine, event: Inbound, party: Party) -> str:
    """The ERP's id of the customer behind an account, created when there is none. ``event`` is what needs it."""
    journal, erp = engine.journal, engine.erp
    known = journal.remote(erp.system, "customer", party.crm_id)
    if known is not None:
        return known
    party = _as_matched(engine, party)
    correlation = f"customer:{party.number or party.crm_id}"
    key = f"customer:{party.crm_id}"
    # One that we were just creating would be found too; but then its outcome is still to be put on record.
    if journal.effect(key) is None:
        found = await same_customer(engine, event, party)
        if found is not None:
            with journal.together():
                for link in _told_links(engine, party, made=False):
                    journal.link(link.system, link.kind, link.canonical, link.remote)
                journal.link(erp.system, "customer", party.crm_id, found)
                remember(engine, party)
                joined(engine, event, found, party)
            return found

    note = f"note:customer:{party.crm_id}"

    async def by_number(_: CallFailed) -> str | None:
        # Two accounts of one customer, won in the same second: the other one was first.
        return None if party.number is None else await erp.customer_by_number(party.number, party.entity)

    made = await engine.delivery.write(
        erp,
        "put_customer",
        key,
        (party,),
        correlation,
        lane=event.lane,
        # With the outcome, from what was sent: a replay would remember the account as it is by then.
        links=lambda sent, _: (
            *_told_links(engine, sent[0], made=True),
            kept_for(event.event_id, "customer", [key, note]),
        ),
        rescue=by_number,
    )
    engine.synced("customer", party.number or party.crm_id, engine.crm.system, erp.system, party.modified_at)
    try:
        await engine.delivery.write(
            engine.crm, "note_party", note, (party.crm_id, made), correlation, lane=event.lane, result=made
        )
    except DeadLetter as letter:
        # What sales reads on the account is a case of its own; the order does not wait for it.
        about = msgspec.structs.replace(event, flow="customer", object_id=party.crm_id)
        engine.open_case(about, letter)
    except Parked:
        pass
    remember(engine, party)
    joined(engine, event, made, party)
    # Last of all: who finds this link takes the customer for finished.
    journal.link(erp.system, "customer", party.crm_id, made)
    return made


def _told_links(engine: Engine, party: Party, *, made: bool) -> Iterable[Link]:
    """What the ERP counts as told of an account that has become a customer, ``made`` of it or there before."""
    if engine.profile.hears_customers:
        return agreed_links(engine, party)
    if not made and engine.profile.survivorship == "golden":
        return ()
    return (_digest_link(engine, party, party.crm_id),)


def _digest_link(engine: Engine, party: Party, account: str) -> Link:
    """What the ERP was told of a customer, remembered under the account that stands for it."""
    return Link(engine.erp.system, "customer-digest", account, told_digest(party))


def _as_matched(engine: Engine, party: Party) -> Party:
    """Where numbers do not match accounts they are not carried over, or the ERP would refuse a second one."""
    return party if engine.profile.matching in BY_NUMBER else msgspec.structs.replace(party, number=None)


def told_digest(party: Party) -> str:
    """What the ERP is told of a customer, as 16 hex digits: what it was told last is remembered so.

    A hash: the journal outlives the account, and names and addresses have no place in it.
    """
    told = f"{party.name}|{party.terms_days}|{party.credit_limit_minor}|{party.email}|{party.number}"
    if party.entity is not None:
        told += f"|{party.entity}"
    return sha256(told.encode()).hexdigest()[:16]


async def customer(engine: Engine, event: Inbound) -> None:
    """An account changed: when it is a customer already, the ERP learns what changed of it.

    Where the design says so, the customer may have changed instead, and what sales typed may be refused (`masters`).
    """
    erp = engine.erp
    erp_id = engine.journal.remote(erp.system, "customer", event.object_id)
    if erp_id is None:
        return
    party = await engine.delivery.read(
        engine.crm.system, f"party:{event.object_id}", lambda: engine.crm.party(event.object_id)
    )
    if engine.profile.hears_customers:
        await agree(engine, event, erp_id, party)
        return
    key = f"customer:{party.crm_id}"
    survived = await survivor(engine, erp_id, party)
    party = _as_matched(engine, entered_party(engine, survived, party.modified_at, key))
    digest, account = told_digest(party), next(iter(accounts_of(engine, erp_id)), event.object_id)
    if engine.journal.remote(erp.system, "customer-digest", account) == digest:
        return
    correlation = f"customer:{party.number or party.crm_id}"
    await engine.delivery.write(
        erp,
        "update_customer",
        # Stamps have whole seconds: two changes of one second differ in what they say only.
        f"customer:{party.crm_id}:{party.modified_at}:{digest}",
        (erp_id, party),
        correlation,
        lane=event.lane,
        result=erp_id,
        links=lambda sent, _: (_digest_link(engine, sent[1], account),),
    )
    engine.synced("customer", party.number or party.crm_id, engine.crm.system, erp.system, party.modified_at)
