"""What ledgers are made of: a type of row for each table, and how two readings of a business are held together.

Instants are days (UTC). Amounts are integer minor units of the estate's currency, quantities in the item's unit.
"""

from hashlib import blake2b

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One record; ``key`` is its name in every run."""

    key: str


class LineRow(msgspec.Struct, frozen=True, order=True):
    """An article in a document; ``shipped`` and ``billed`` only where it is an order's."""

    sku: str
    quantity: int
    unit_price_minor: int
    shipped: int = 0
    billed: int = 0


class CustomerRow(Row, frozen=True, kw_only=True):
    """A customer of the ERP, by the company's customer number."""

    name: str
    terms_days: int
    credit_limit_minor: int | None
    hold: str
    balance_minor: int
    open_orders_minor: int
    unbilled_minor: int
    unapplied_minor: int


class OrderRow(Row, frozen=True, kw_only=True):
    """A sales order."""

    customer: str
    entered_on: str
    credit: str
    fulfilment: str
    channel: str
    lines: tuple[LineRow, ...]


class DeliveryRow(Row, frozen=True, kw_only=True):
    """A goods issue; ``invoice`` once it is billed."""

    customer: str
    issued_on: str
    invoice: str | None
    lines: tuple[LineRow, ...]


class InvoiceRow(Row, frozen=True, kw_only=True):
    """A posted invoice."""

    customer: str
    issued_on: str
    due_on: str
    total_minor: int
    credited_minor: int
    returned: bool
    channel: str
    lines: tuple[LineRow, ...]


class CreditMemoRow(Row, frozen=True, kw_only=True):
    """A credit against an invoice."""

    invoice: str
    issued_on: str
    amount_minor: int
    unapplied_minor: int
    reason: str


class PaymentRow(Row, frozen=True, kw_only=True):
    """A customer's payment as posted, named by the money it stands for at the bank or the provider."""

    customer: str
    received_on: str
    amount_minor: int
    unapplied_minor: int
    channel: str


class ApplicationRow(Row, frozen=True, kw_only=True):
    """What of a payment or credit memo was set against an invoice on a day."""

    applied_on: str
    amount_minor: int
    channel: str


class OpenItemRow(Row, frozen=True, kw_only=True):
    """What an invoice still has open."""

    customer: str
    due_on: str
    open_minor: int


class BalanceRow(Row, frozen=True, kw_only=True):
    """An account of the general ledger, debit positive."""

    balance_minor: int


class StockRow(Row, frozen=True, kw_only=True):
    """An article in the warehouse."""

    on_hand: int
    committed: int


class AccountRow(Row, frozen=True, kw_only=True):
    """A customer as sales entered it."""

    number: str | None
    terms_days: str | None
    credit_limit: str | None


class DealRow(Row, frozen=True, kw_only=True):
    """A deal, and what sales reads about it. Documents of the ERP are in this record's names, ``?`` for unknown."""

    account: str | None
    stage: str
    closes_on: str
    amount_minor: int | None
    po_number: str | None
    order: str | None
    order_id: str | None
    fulfilment: str | None
    credit: str | None
    invoices: tuple[str, ...]
    payment: str | None
    lines: tuple[LineRow, ...]


class EntryRow(Row, frozen=True, kw_only=True):
    """An entry of one of the company's bank accounts; ``statement`` is the day whose statement has it.

    ``told`` is what the payer wrote in any field, a document once and in no order.
    """

    amount_minor: int
    kind: str
    value_on: str
    statement: str | None
    told: str


class CollectionRow(Row, frozen=True, kw_only=True):
    """A payment as the payment provider holds it."""

    amount_minor: int
    refunded_minor: int
    state: str


class PayoutRow(Row, frozen=True, kw_only=True):
    """A sum the payment provider sends to the bank."""

    amount_minor: int
    state: str


class Ledgers(msgspec.Struct, frozen=True, kw_only=True):
    """All systems' business state, each table by key. Encodes to JSON as it is."""

    customers: tuple[CustomerRow, ...]
    orders: tuple[OrderRow, ...]
    deliveries: tuple[DeliveryRow, ...]
    invoices: tuple[InvoiceRow, ...]
    credit_memos: tuple[CreditMemoRow, ...]
    payments: tuple[PaymentRow, ...]
    applications: tuple[ApplicationRow, ...]
    open_items: tuple[OpenItemRow, ...]
    trial_balance: tuple[BalanceRow, ...]
    stock: tuple[StockRow, ...]
    accounts: tuple[AccountRow, ...]
    deals: tuple[DealRow, ...]
    bank: tuple[EntryRow, ...]
    collections: tuple[CollectionRow, ...] = ()
    payouts: tuple[PayoutRow, ...] = ()

    def digest(self) -> str:
        """The hash of the whole: 32 hexadecimal digits, equal for equal ledgers."""
        return blake2b(msgspec.json.encode(self), digest_size=16).hexdigest()

    def counts(self) -> dict[str, int]:
        """Records by table."""
        return {table: len(getattr(self, table)) for table in self.__struct_fields__}


def differences(one: Ledgers, other: Ledgers, names: tuple[str, str] = ("one", "other")) -> list[str]:
    """What differs, a sentence each, by table and key; nothing for equal ledgers."""
    found: list[str] = []
    for table in Ledgers.__struct_fields__:
        left = {row.key: row for row in getattr(one, table)}
        right = {row.key: row for row in getattr(other, table)}
        for key in sorted(left.keys() | right.keys()):
            at = f"{table}: {key}"
            if key not in right or key not in left:
                found.append(f"{at}: only in {names[0] if key in left else names[1]}")
                continue
            for field in left[key].__struct_fields__:
                a, b = getattr(left[key], field), getattr(right[key], field)
                if a != b:
                    found.append(f"{at}: {field} is {_plain(a)} in {names[0]}, {_plain(b)} in {names[1]}")
    return found


def _plain(value: object) -> str:
    return msgspec.json.encode(value).decode() if isinstance(value, tuple) else repr(value)
