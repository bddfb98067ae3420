"""Credit asked before an order is entered: what the customer owes and has on order, against the limit sales knows.

Exposure as the domain sheet (3.3) has it, but for unapplied cash: open invoices, read from the ERP now, and the
orders this engine entered as far as they are not billed, which it remembers itself. What is in several currencies is
compared in that of the books, at the rates of the day the deal was won.
"""

import msgspec

from o2c_twin.integration.flows.currencies import in_books
from o2c_twin.integration.flows.later import put_off
from o2c_twin.integration.model import Deal, Inbound, InvoiceStatus
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import DeadLetter

WAITS = "waits for credit"
"""What sales reads on a deal whose order was not entered."""

_MICRO = 1_000_000
_HOUR = 3_600 * _MICRO
_PATIENCE = 5 * 24 * _HOUR
_AMOUNTS = msgspec.json.Decoder(dict[str, int])


async def has_credit(engine: Engine, event: Inbound, deal: Deal, customer_id: str, key: str) -> bool:
    """Whether the order of a deal may be entered. If not, sales is told, and the deal is looked at again every hour.

    ``key`` is that of the order. Raises `DeadLetter` when there was no credit for five days.
    """
    limit, erp, crm = deal.party.credit_limit_minor, engine.erp, engine.crm
    if engine.profile.credit_visibility != "order-entry" or limit is None or engine.journal.effect(key) is not None:
        return True
    items = await engine.delivery.read(erp.system, f"credit:{deal.reference}", lambda: erp.open_items(customer_id))
    currencies = _currencies(engine, deal)
    on_order = [(currency, sum(_unbilled(engine, customer_id, currency).values())) for currency in currencies]
    amounts = [*((item.currency, item.open_minor) for item in items), *on_order]
    owed, order, limit = _comparable(engine, deal, amounts, limit, key)
    if owed + order <= limit:
        return True
    if engine.clock.now() - deal.won_at >= _PATIENCE:
        reason = f"no credit for five days: owes {owed}, limit {limit}, order {order} (minor units)"
        raise DeadLetter(key, reason, "deadline")
    if engine.journal.remote(crm.system, "credit-told", deal.crm_id) is None:
        note = f"note:credit:{deal.crm_id}"
        arguments = (deal.crm_id, {"credit": WAITS})
        await engine.delivery.write(
            crm, "note_deal", note, arguments, f"note:{deal.reference}", lane=event.lane, result=WAITS
        )
        engine.journal.link(crm.system, "credit-told", deal.crm_id, WAITS)
    again = (engine.clock.now() // _HOUR + 1) * _HOUR
    name = event.event_id.partition("~")[0]
    put_off(engine, msgspec.structs.replace(event, event_id=f"{name}~{again}"), again)
    return False


def _currencies(engine: Engine, deal: Deal) -> tuple[str, ...]:
    """The currencies this engine may have entered orders of a deal's customer in."""
    books = () if engine.exchange is None else (engine.exchange.books,)
    return tuple(dict.fromkeys((deal.currency, deal.party.currency, *books)))


def _comparable(
    engine: Engine, deal: Deal, amounts: list[tuple[str, int]], limit: int, key: str
) -> tuple[int, int, int]:
    """What is owed, the order's value and the limit in one currency: their own where they share it, else the books'.

    Raises `DeadLetter` where one of them cannot be converted.
    """
    worth = worth_of(deal)
    known = (*amounts, (deal.party.currency, limit))
    if all(not minor or currency in ("", deal.currency) for currency, minor in known):
        return sum(minor for _, minor in amounts), worth, limit

    def worth_in_books(minor: int, currency: str) -> int:
        return in_books(engine, minor, currency, deal.won_at, key)

    owed = sum(worth_in_books(minor, currency) for currency, minor in amounts if minor)
    return owed, worth_in_books(worth, deal.currency), worth_in_books(limit, deal.party.currency)


def worth_of(deal: Deal) -> int:
    """The value of a deal's order, minor units of its currency."""
    return sum(line.quantity * line.unit_price_minor for line in deal.lines)


def entered(engine: Engine, deal: Deal, customer_id: str, order_id: str) -> None:
    """An order was entered: it takes up credit until it is billed."""
    if engine.profile.credit_visibility != "order-entry" or not engine.profile.shares_links:
        # Without shared links nobody here learns when it is billed: only what is open counts then.
        return
    if engine.journal.remote(engine.erp.system, "buyer", order_id) is not None:
        return
    with engine.journal.together():
        engine.journal.link(engine.erp.system, "buyer", order_id, customer_id)
        amounts = _unbilled(engine, customer_id, deal.currency)
        _remember(engine, customer_id, deal.currency, {**amounts, order_id: worth_of(deal)})


def billed(engine: Engine, bill: InvoiceStatus) -> None:
    """An invoice was posted: it is open now, and its part of the order is no longer on order."""
    journal, erp, order_id = engine.journal, engine.erp, bill.order_erp_id or ""
    customer_id = journal.remote(erp.system, "buyer", order_id)
    if customer_id is None or journal.remote(erp.system, "counted", bill.erp_id) is not None:
        return
    amounts = _unbilled(engine, customer_id, bill.currency)
    left = amounts.pop(order_id, 0) - bill.total_minor
    with journal.together():
        journal.link(erp.system, "counted", bill.erp_id, order_id)
        _remember(engine, customer_id, bill.currency, {**amounts, order_id: left} if left > 0 else amounts)


def _unbilled(engine: Engine, customer_id: str, currency: str) -> dict[str, int]:
    """Minor units of ``currency`` by order; empty stands for the books'."""
    known = engine.journal.remote(engine.erp.system, _kept_as(engine, currency), customer_id)
    return {} if known is None else _AMOUNTS.decode(known)


def _remember(engine: Engine, customer_id: str, currency: str, amounts: dict[str, int]) -> None:
    kind = _kept_as(engine, currency)
    engine.journal.link(engine.erp.system, kind, customer_id, msgspec.json.encode(amounts).decode())


def _kept_as(engine: Engine, currency: str) -> str:
    # Without the exchange nobody knows the currency of the books; then all orders are in it.
    exchange = engine.exchange
    own = exchange is None or currency in ("", exchange.books)
    return "unbilled" if own else f"unbilled {currency}"
