"""The bank's core: money comes in, is booked on a business day and reported at the end of it."""

from collections.abc import Callable
from datetime import date, timedelta

import msgspec

from o2c_twin.mock_systems.roles.bank.calendar import BankCalendar
from o2c_twin.mock_systems.roles.bank.records import BankAccount, BankState, Entry, EntryKind, Statement
from o2c_twin.mock_systems.roles.records import Change, Listener, RuleError


class BankCore:
    """One bank. ``now`` gives microseconds since the epoch."""

    def __init__(self, now: Callable[[], int], calendar: BankCalendar | None = None) -> None:
        self._now = now
        self.calendar = calendar or BankCalendar()
        self.listeners: list[Listener] = []
        self.state = BankState()

    def snapshot(self) -> bytes:
        """The whole state as bytes."""
        return msgspec.msgpack.encode(self.state)

    def restore(self, snapshot: bytes) -> None:
        """Go back to a snapshot; listeners stay."""
        self.state = msgspec.msgpack.decode(snapshot, type=BankState)

    def open_account(self, iban: str, currency: str, owner: str) -> BankAccount:
        """Open an account with balance zero. Raises `RuleError` when the bank has one with this IBAN."""
        if any(account.iban == iban for account in self.state.accounts.values()):
            raise RuleError("duplicate-account", f"there is an account {iban}", "iban")
        account = BankAccount(f"ACC{self.state.numbers.next('account')}", iban, currency, owner)
        self.state.accounts[account.id] = account
        return account

    def account(self, account_id: str) -> BankAccount:
        """The account. Raises `RuleError`."""
        account = self.state.accounts.get(account_id)
        if account is None:
            raise RuleError("unknown-account", f"no account {account_id}")
        return account

    def credit(
        self,
        account_id: str,
        amount_minor: int,
        *,
        end_to_end_id: str | None,
        remittance: tuple[str, ...],
        counterparty: str | None,
        counterparty_iban: str | None,
        kind: EntryKind = "transfer",
    ) -> Entry:
        """Money arrives: booked on the next business day by the cut-off, never on a day closed already.

        Raises `RuleError` when not positive.
        """
        if amount_minor <= 0:
            raise RuleError("bad-amount", "a credit must be positive")
        return self._book(account_id, amount_minor, end_to_end_id, remittance, counterparty, counterparty_iban, kind)

    def debit(
        self,
        account_id: str,
        amount_minor: int,
        *,
        end_to_end_id: str | None,
        remittance: tuple[str, ...],
        counterparty: str | None,
        counterparty_iban: str | None,
        kind: EntryKind = "transfer",
    ) -> Entry:
        """Money leaves: a payment, a fee, a returned credit; ``amount_minor`` is positive. Booked as a credit is.

        Raises `RuleError` when not positive. The bank lets an account go below zero.
        """
        if amount_minor <= 0:
            raise RuleError("bad-amount", "a debit must be positive: its sign is in the name")
        return self._book(account_id, -amount_minor, end_to_end_id, remittance, counterparty, counterparty_iban, kind)

    def _book(
        self,
        account_id: str,
        amount_minor: int,
        end_to_end_id: str | None,
        remittance: tuple[str, ...],
        counterparty: str | None,
        counterparty_iban: str | None,
        kind: EntryKind,
    ) -> Entry:
        account = self.account(account_id)
        now = self._now()
        booking_day = self.calendar.booking_day(now)
        if account.statements:
            after_close = date.fromisoformat(account.statements[-1].date) + timedelta(days=1)
            booking_day = max(booking_day, self.calendar.open_day(after_close))
        day = booking_day.isoformat()
        entry = Entry(
            f"B{self.state.numbers.next('entry'):09d}",
            amount_minor,
            day,
            day,
            end_to_end_id,
            remittance,
            counterparty,
            counterparty_iban,
            now,
            kind,
        )
        account.pending.append(entry)
        return entry

    def close_day(self, day: date) -> list[Statement]:
        """End of a business day: what is booked on it becomes a statement of each account.

        A day on which the bank is closed has none; an open day without entries has an empty one. A day
        is closed once: asked again for it, or for an earlier one, an account gives nothing.
        """
        if not self.calendar.is_open(day):
            return []
        now, stamp = self._now(), day.isoformat()
        closed = []
        for account in self.state.accounts.values():
            if account.statements and account.statements[-1].date >= stamp:
                continue
            booked = [e for e in account.pending if e.booked_on <= stamp]
            account.pending = [e for e in account.pending if e.booked_on > stamp]
            opening = account.balance_minor
            account.balance_minor += sum(e.amount_minor for e in booked)
            sequence = len(account.statements) + 1
            statement = Statement(
                f"{account.id}-{stamp}", sequence, account.id, stamp, opening, account.balance_minor, booked, now
            )
            account.statements.append(statement)
            closed.append(statement)
            change = Change(now, "statement", statement.id, "created")
            self.state.feed.by_kind.setdefault("statement", []).append(change)
            for listener in self.listeners:
                listener(change)
        return closed
