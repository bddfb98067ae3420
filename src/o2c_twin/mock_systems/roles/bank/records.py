"""The bank's records. Money in integer minor units; dates are ISO dates, instants epoch microseconds."""

from typing import Literal

import msgspec

from o2c_twin.mock_systems.roles.records import Feed, Numbers

EntryKind = Literal["transfer", "direct-debit", "return", "fee", "check"]
"""What moved the money. A ``return`` undoes an earlier booking, so its sign is the opposite of that one's."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One booked entry of an account; ``amount_minor`` is positive for a credit, negative for a debit."""

    reference: str
    amount_minor: int
    booked_on: str
    value_on: str
    end_to_end_id: str | None
    remittance: tuple[str, ...]
    counterparty: str | None
    counterparty_iban: str | None
    received_at: int
    kind: EntryKind = "transfer"


class Statement(msgspec.Struct, gc=False):
    """One closed business day of an account."""

    id: str
    sequence: int
    account_id: str
    date: str
    opening_minor: int
    closing_minor: int
    entries: list[Entry]
    created_at: int


class BankAccount(msgspec.Struct, gc=False):
    """An account with its closed statements and the entries of the open day."""

    id: str
    iban: str
    currency: str
    owner: str
    balance_minor: int = 0
    pending: list[Entry] = []
    statements: list[Statement] = []


class BankState(msgspec.Struct):
    """Everything a bank holds; a snapshot is this, encoded."""

    numbers: Numbers = msgspec.field(default_factory=Numbers)
    feed: Feed = msgspec.field(default_factory=Feed)
    accounts: dict[str, BankAccount] = {}
