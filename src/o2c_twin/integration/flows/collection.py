"""Collection through a payment provider: the invoice is asked for, its payment posted, its payout recognised."""

from datetime import UTC, datetime

import msgspec

from o2c_twin.integration.connectors.ports import Payments
from o2c_twin.integration.flows.currencies import currency_of, named_payable
from o2c_twin.integration.model import (
    Allocation,
    BankEntry,
    Inbound,
    InvoiceStatus,
    Party,
    PaymentClaim,
    ProviderPayment,
)
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import DeadLetter
from o2c_twin.integration.runtime.saga import kept_for
from o2c_twin.integration.store import Link

_TAKEN_BACK = frozenset({"failed", "charged-back", "refunded", "cancelled"})


class _Settlement(msgspec.Struct, frozen=True):
    customer_id: str
    allocation: Allocation


_SETTLEMENT = msgspec.json.Decoder(_Settlement)


async def collect(engine: Engine, event: Inbound, bill: InvoiceStatus, deal_id: str) -> None:
    """Ask the provider for the money of an open invoice, once."""
    payments, erp, crm = engine.payments, engine.erp, engine.crm
    key = f"collect:{bill.erp_id}"
    if payments is None or bill.open_minor <= 0 or engine.journal.outcome(key) is not None:
        return
    items = await engine.delivery.read(erp.system, key, lambda: erp.items_named([bill.number]))
    if not items:
        return
    deal = await engine.delivery.read(crm.system, key, lambda: crm.deal(deal_id))
    payer = await _ensure_payer(engine, event, payments, deal.party)
    currency = currency_of(engine, items[0]) or deal.currency
    claim = PaymentClaim(bill.number, payer, items[0].open_minor, currency, items[0].due_on)
    await engine.delivery.write(
        payments,
        "collect",
        key,
        (claim,),
        f"collect:{bill.number}",
        lane=event.lane,
        links=lambda _, __: (kept_for(event.event_id, "collection", [key]),),
    )


async def _ensure_payer(engine: Engine, event: Inbound, payments: Payments, party: Party) -> str:
    known = engine.journal.remote(payments.system, "payer", party.crm_id)
    if known is not None:
        return known
    key = f"payer:{party.crm_id}"
    return await engine.delivery.write(
        payments,
        "put_payer",
        key,
        (party,),
        f"payer:{party.number or party.crm_id}",
        lane=event.lane,
        links=lambda sent, made: (
            Link(payments.system, "payer", sent[0].crm_id, made),
            kept_for(event.event_id, "payer", [key]),
        ),
    )


async def payment(engine: Engine, event: Inbound) -> None:
    """A payment changed at the provider: paid ones are posted once; what is taken back is a person's."""
    payments = _provider(engine)
    found = await engine.delivery.read(
        payments.system, f"payment:{event.object_id}", lambda: payments.payment(event.object_id)
    )
    key = f"cash:{found.payment_id}"
    posted = engine.journal.outcome(key) is not None
    if found.state == "paid" and not posted:
        await _post(engine, event, found, key)
    elif found.state in _TAKEN_BACK and (posted or found.state == "failed"):
        done = "after it was posted" if posted else "and was never posted"
        raise DeadLetter(
            f"{found.state}:{found.payment_id}",
            f"payment of {found.invoice_number}: {found.state} {done}: {found.reason}",
            "divergence" if posted else "refused",
        )


async def _post(engine: Engine, event: Inbound, found: ProviderPayment, key: str) -> None:
    erp = engine.erp
    number = found.invoice_number
    if number is None:
        raise DeadLetter(key, f"payment {found.payment_id} names no invoice", "unmatched-cash")

    paid_on = datetime.fromtimestamp(found.modified_at // 1_000_000, UTC).date().isoformat()
    entry = BankEntry(found.payment_id, found.amount_minor, found.currency, paid_on, None, number, None, None)

    async def decide() -> str:
        # On record before it is posted: afterwards the invoice is no longer open.
        items = await engine.delivery.read(erp.system, key, lambda: erp.items_named([number]))
        if not items:
            raise DeadLetter(key, f"payment {found.payment_id}: {number} is not open", "unmatched-cash")
        named_payable(engine, items, entry, key)
        applied = Allocation(items[0].erp_id, min(found.amount_minor, items[0].open_minor))
        return msgspec.json.encode(_Settlement(items[0].customer_erp_id, applied)).decode()

    owed = _SETTLEMENT.decode(await engine.delivery.decided(f"decide:{key}", decide))
    await engine.delivery.write(
        erp, "put_payment", key, (entry, owed.customer_id, [owed.allocation]), key, lane=event.lane
    )
    engine.synced("cash", found.payment_id, _provider(engine).system, erp.system, found.modified_at)


async def payout(engine: Engine, event: Inbound) -> None:
    """The provider sent a sum to the bank: its reference is remembered, so that the statement's line is known.

    A payout whose lines do not make its sum is a case.
    """
    payments = _provider(engine)
    sent = await engine.delivery.read(
        payments.system, f"payout:{event.object_id}", lambda: payments.payout(event.object_id)
    )
    made_of = sum(line.amount_minor - line.fee_minor for line in sent.lines)
    engine.journal.link(payments.system, "payout", sent.reference, sent.payout_id)
    if made_of != sent.amount_minor:
        reason = f"payout {sent.payout_id} is {sent.amount_minor}, its lines make {made_of} (minor units)"
        raise DeadLetter(f"payout:{sent.payout_id}", reason, "divergence")


def is_payout(engine: Engine, entry: BankEntry) -> bool:
    """Whether a credit on a statement is a provider's payout: what is in it was posted payment by payment."""
    if engine.payments is None:
        return False
    names = (entry.end_to_end_id or "", *entry.remittance.split())
    return any(engine.journal.remote(engine.payments.system, "payout", name) is not None for name in names if name)


def _provider(engine: Engine) -> Payments:
    if engine.payments is None:
        raise LookupError("a payment event without a payment provider in the estate")
    return engine.payments
