"""Rows of several currencies in a comparison: what a plan adds up is in the currency of the books, or is not added.

A row in another currency says what it is about in that of the books, at the rate of the day it was last changed. A
customer as sales knows it is compared as the engine would enter it (the axis ``currencies``).
"""

import msgspec

from o2c_twin.integration.connectors.instants import to_date
from o2c_twin.integration.exchange import NoRate
from o2c_twin.integration.flows.currencies import entered_party
from o2c_twin.integration.model import Party
from o2c_twin.integration.reconcile.ports import Row
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import DeadLetter


def comparable(engine: Engine, role: str, row: Row) -> Row:
    """A row as it is compared; one whose currency has no rate is given as unread, with the reason."""
    exchange = engine.exchange
    if exchange is None or row.unread or row.currency in ("", exchange.books):
        return row
    try:
        if role == "crm" and row.kind == "customer":
            return _as_entered(engine, row)
        amount = exchange.into_books(row.amount_minor, row.currency, to_date(row.at)) if row.amount_minor else 0
    except (NoRate, DeadLetter) as none:
        return msgspec.structs.replace(row, unread=str(none))
    return msgspec.structs.replace(row, amount_minor=amount)


def _as_entered(engine: Engine, row: Row) -> Row:
    limit = row.fields.get("credit_limit_minor")
    known = Party(row.id, "", credit_limit_minor=None if limit is None else int(limit), currency=row.currency)
    party = entered_party(engine, known, row.at, f"customer:{row.id}")
    fields = {**row.fields, "credit_limit_minor": party.credit_limit_minor}
    return msgspec.structs.replace(row, fields=fields, currency=party.currency)


def limits_compare(account: Row, customer: Row) -> bool:
    """Whether the credit limits of an account and its customer may be held against each other."""
    return "" in (account.currency, customer.currency) or account.currency == customer.currency
