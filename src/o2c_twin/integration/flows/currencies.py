"""Money in another currency than the books': how a deal is entered, and what a receipt may be set against.

By the axis ``currencies``. Nothing of one currency is ever set against something of another unless it is converted;
what cannot be is a case.
"""

import msgspec

from o2c_twin.integration.connectors.instants import to_date
from o2c_twin.integration.exchange import NoRate
from o2c_twin.integration.model import BankEntry, Deal, DealLine, InvoiceStatus, OpenItem, Party
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import DeadLetter


def entered_deal(engine: Engine, deal: Deal, key: str) -> Deal:
    """A deal as it is entered in the ERP, its customer included; ``key`` is that of the order.

    Converted is each unit price, at the rate of the day the deal was won. Raises `DeadLetter` where that has none.
    """
    books = _other_books(engine, deal.currency)
    if books is None:
        return deal
    party = entered_party(engine, deal.party, deal.won_at, key)
    lines = deal.lines
    if engine.profile.currencies == "converted":
        day = to_date(deal.won_at)
        lines = tuple(
            DealLine(x.sku, x.quantity, _into_books(engine, x.unit_price_minor, deal.currency, day, key)) for x in lines
        )
    return msgspec.structs.replace(deal, currency=books, party=party, lines=lines)


def entered_party(engine: Engine, party: Party, at: int, key: str) -> Party:
    """A customer as it is entered in the ERP; a credit limit is converted at the rate of the day of an instant.

    Raises `DeadLetter` with that key where that day has no rate.
    """
    books = _other_books(engine, party.currency)
    if books is None:
        return party
    limit = party.credit_limit_minor
    if limit is not None and engine.profile.currencies == "converted":
        limit = _into_books(engine, limit, party.currency, to_date(at), key)
    return msgspec.structs.replace(party, currency=books, credit_limit_minor=limit)


def entered_receipt(engine: Engine, entry: BankEntry, key: str) -> BankEntry:
    """A receipt as it is posted: converted at the rate of its value date where the design converts.

    Raises `DeadLetter` where that day has no rate, and where a design without rates gets another currency.
    """
    books = _other_books(engine, entry.currency)
    if books is None:
        return entry
    if engine.profile.currencies == "relabelled":
        reason = f"paid in {entry.currency}, and the books are in {books}: '{entry.remittance}'"
        raise DeadLetter(key, reason, "unmatched-cash")
    amount = _into_books(engine, entry.amount_minor, entry.currency, entry.value_on, key)
    return msgspec.structs.replace(entry, amount_minor=amount, currency=books)


def payable(engine: Engine, items: list[OpenItem], entry: BankEntry) -> list[OpenItem]:
    """The items a receipt may be set against: those in its currency."""
    return [item for item in items if currency_of(engine, item) in ("", entry.currency)]


def named_payable(engine: Engine, items: list[OpenItem], entry: BankEntry, key: str) -> list[OpenItem]:
    """The same of items a receipt names. Raises `DeadLetter` when it names one in another currency."""
    for item in items:
        currency = currency_of(engine, item)
        if currency not in ("", entry.currency):
            reason = f"paid in {entry.currency}, and {item.number} is in {currency}: '{entry.remittance}'"
            raise DeadLetter(key, reason, "unmatched-cash")
    return items


def currency_of(engine: Engine, item: OpenItem | InvoiceStatus) -> str:
    """An ERP that does not tell has that of the books; empty where nobody has told the engine which that is."""
    return item.currency or ("" if engine.exchange is None else engine.exchange.books)


def in_books(engine: Engine, minor: int, currency: str, at: int, key: str) -> int:
    """An amount in the currency of the books at the rate of the day of an instant, to be compared with others.

    ``currency`` may be empty: the books'. Raises `DeadLetter` where there is no rate.
    """
    exchange = engine.exchange
    if not currency or (exchange is not None and currency == exchange.books):
        return minor
    return _into_books(engine, minor, currency, to_date(at), key)


def _other_books(engine: Engine, currency: str) -> str | None:
    """The currency of the books, where an amount in ``currency`` is not to stay as it is."""
    exchange = engine.exchange
    if exchange is None or engine.profile.currencies == "document" or currency == exchange.books:
        return None
    return exchange.books


def _into_books(engine: Engine, minor: int, currency: str, day: str, key: str) -> int:
    exchange = engine.exchange
    try:
        if exchange is None:
            raise NoRate(f"no rates, and an amount in {currency}; give the engine its exchange")
        return exchange.into_books(minor, currency, day)
    except NoRate as none:
        raise DeadLetter(key, str(none), "refused") from none
