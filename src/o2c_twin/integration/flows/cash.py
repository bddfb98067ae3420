"""Cash application from the bank statement: each credit is posted once and set against what it pays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from o2c_twin.integration.capability import offers
from o2c_twin.integration.flows.collection import is_payout
from o2c_twin.integration.flows.currencies import entered_receipt, named_payable, payable
from o2c_twin.integration.match.cash import CashPolicy, Receipt, allocate
from o2c_twin.integration.match.payer import owner_of
from o2c_twin.integration.match.references import Grade, possible_references, references
from o2c_twin.integration.model import Allocation, BankEntry, Discount, Inbound, WriteOff
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import DeadLetter, Dropped, Parked

UNIDENTIFIED = "payer not identified"
SEVERAL = "names invoices of several customers"
CHARGES = "bank charge"
"""What stands on the document that writes them off."""
EARLY = "early payment discount"
"""What stands on the document that grants it."""
# An account that has paid for two customers says nothing about the next payment.
_NOBODY = ""


class Posting(msgspec.Struct, frozen=True):
    """What was decided about a credit: whose it is, by which rule of the ladder, what it is set against.

    ``grade`` tells how well its text could be read, None where the amount alone decided; ``charges`` is what a bank
    kept of it, by invoice, within the tolerance: it is written off. ``discounts`` is what the customer kept of it
    and had earned by paying early, by invoice: it is granted.
    """

    customer_id: str
    rule: int
    allocations: tuple[Allocation, ...]
    grade: int | None = None
    charges: tuple[Allocation, ...] = ()
    discounts: tuple[Allocation, ...] = ()


@dataclass(frozen=True, slots=True)
class Rung:
    """How far up the ladder the engine posts by itself; what it leaves is posted on account, for a person."""

    policy: CashPolicy
    posts_only_exact: bool = False


RUNGS: Mapping[str, Rung] = MappingProxyType(
    {
        "exact": Rung(CashPolicy(tolerance=None, mangled=False, amounts=False), posts_only_exact=True),
        "tolerance": Rung(CashPolicy(mangled=False, amounts=False)),
        "mangled": Rung(CashPolicy(amounts=False)),
        "full": Rung(CashPolicy()),
    }
)
"""By the values of the axis ``cash``."""

NO_DISCOUNTS = "earned by paying early, and this ERP takes no discount from the engine; post it there by hand"
_POSTING = msgspec.json.Decoder(Posting)


async def cash(engine: Engine, event: Inbound) -> None:
    """A bank statement is ready. One credit that cannot be posted does not hold up the others."""
    bank = engine.bank
    entries = await engine.delivery.read(
        bank.system, f"statement:{event.object_id}", lambda: bank.entries(event.object_id)
    )
    for entry in entries:
        # The credit is what happened, whichever statement tells of it: banks do repeat entries.
        booked = Inbound(
            f"{bank.system}:entry:{entry.reference}", event.flow, entry.reference, event.lane, event.source_at
        )
        try:
            await _apply(engine, booked, entry)
        except DeadLetter as letter:
            engine.open_case(booked, letter)
        except Parked:
            # The same credit was told of before, and is with a person.
            continue
        except Dropped as lost:
            engine.observer.dropped(event, str(lost), engine.clock.now())


async def _apply(engine: Engine, booked: Inbound, entry: BankEntry) -> None:
    erp, journal = engine.erp, engine.journal
    if is_payout(engine, entry):
        return
    key = f"cash:{entry.reference}"
    if engine.has_case(booked, key):
        # It is with a person, who may have posted it by now.
        return
    entry = entered_receipt(engine, entry, key)

    async def decide() -> str:
        return msgspec.json.encode(await _decide(engine, entry, key)).decode()

    posting = _POSTING.decode(await engine.delivery.decided(f"decide:{key}", decide))
    arguments = (entry, posting.customer_id, list(posting.allocations))
    await engine.delivery.write(erp, "put_payment", key, arguments, key, lane=booked.lane)
    if entry.payer_iban and posting.rule in (1, 2, 3, 4) and posting.grade == Grade.INTACT:
        # An alias is learned only from a payment that named what it paid, in so many words.
        known = journal.remote(erp.system, "payer", entry.payer_iban)
        learned = posting.customer_id if known in (None, posting.customer_id) else _NOBODY
        journal.link(erp.system, "payer", entry.payer_iban, learned)
    engine.synced("cash", entry.reference, engine.bank.system, erp.system, booked.source_at)
    if posting.charges and offers(erp, "write_off"):
        for charge in posting.charges:
            what = WriteOff(charge.invoice_erp_id, charge.amount_minor, entry.currency, CHARGES)
            name = f"charges:{entry.reference}:{charge.invoice_erp_id}"
            await engine.delivery.write(erp, "write_off", name, (what,), key, lane=booked.lane)
    await _grant(engine, booked, entry, posting.discounts, key)
    if posting.rule == 0:
        raise DeadLetter(key, f"posted on account, nothing to apply it to: '{entry.remittance}'", "on-account")


async def _grant(engine: Engine, booked: Inbound, entry: BankEntry, discounts: Sequence[Allocation], key: str) -> None:
    """Post the discounts a payment has earned, each once. Raises `DeadLetter` where the ERP takes none."""
    erp = engine.erp
    if discounts and not offers(erp, "grant_discount"):
        open_ = ", ".join(f"{each.amount_minor} of invoice {each.invoice_erp_id}" for each in discounts)
        raise DeadLetter(key, f"{NO_DISCOUNTS}: {open_} (minor units)")
    for each in discounts:
        what = Discount(each.invoice_erp_id, each.amount_minor, entry.currency, entry.value_on, EARLY)
        name = f"discount:{entry.reference}:{each.invoice_erp_id}"
        await engine.delivery.write(erp, "grant_discount", name, (what,), key, lane=booked.lane)


async def _decide(engine: Engine, entry: BankEntry, key: str) -> Posting:
    """Whose money it is and what it pays. Raises `DeadLetter` when only a person can tell."""
    erp = engine.erp
    rung = RUNGS[engine.profile.cash]
    named = references(entry.remittance)
    asked = named or (possible_references(entry.remittance) if rung.policy.mangled else [])
    found = await engine.delivery.read(erp.system, key, lambda: erp.items_named(asked)) if asked else []
    items, possible = (named_payable(engine, found, entry, key), []) if named else ([], payable(engine, found, entry))
    if len({item.customer_erp_id for item in items}) > 1:
        raise DeadLetter(key, f"{SEVERAL}: {entry.payer or 'no name'}, '{entry.remittance}'", "unmatched-cash")
    known = engine.journal.remote(erp.system, "payer", entry.payer_iban or _NOBODY) or None
    owner = owner_of(known, items, entry.amount_minor, possible)
    if owner is None:
        raise DeadLetter(key, f"{UNIDENTIFIED}: {entry.payer or 'no name'}, '{entry.remittance}'", "unmatched-cash")
    receipt = Receipt(entry.amount_minor, entry.remittance, entry.value_on, payer_known=known == owner)
    decision = allocate(receipt, items, rung.policy) if items else None
    if rung.posts_only_exact:
        exact = decision is not None and decision.rule == 1
        return Posting(owner, 1, decision.allocations, decision.grade) if decision and exact else Posting(owner, 0, ())
    if decision is None or decision.rule != 1:
        # What is named does not settle it: a mangled reference or the amount may, among all that is open.
        items = payable(engine, await engine.delivery.read(erp.system, key, lambda: erp.open_items(owner)), entry)
        decision = allocate(receipt, items, rung.policy)
    return Posting(owner, decision.rule, decision.allocations, decision.grade, decision.charges, decision.discounts)
