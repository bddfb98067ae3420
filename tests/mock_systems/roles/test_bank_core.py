"""The bank's core: days of booking, statements that follow on each other, nothing lost or twice."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.mock_systems.roles.bank import BankCalendar, BankCore
from o2c_twin.mock_systems.roles.records import RuleError

MONDAY = date(2026, 3, 2)


def us(day, hour=12, minute=0):
    return int(datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC).timestamp()) * 1_000_000


class Bank:
    """A bank with one account and a clock that can be set."""

    def __init__(self, calendar=None):
        self.now = us(MONDAY, 9)
        self.core = BankCore(lambda: self.now, calendar)
        self.account = self.core.open_account("DE02500105170000000042", "EUR", "Nordwind")

    def credit(self, amount_minor, at=None):
        self.now = at or self.now
        return self.core.credit(
            self.account.id,
            amount_minor,
            end_to_end_id="E2E",
            remittance=("INV1",),
            counterparty="Payer",
            counterparty_iban=None,
        )


@pytest.mark.parametrize(
    ("day", "hour", "minute", "booked_on"),
    [
        (MONDAY, 0, 0, "2026-03-02"),
        (MONDAY, 14, 59, "2026-03-02"),
        (MONDAY, 15, 0, "2026-03-03"),
        (date(2026, 3, 6), 14, 59, "2026-03-06"),
        (date(2026, 3, 6), 15, 0, "2026-03-09"),
        (date(2026, 3, 7), 9, 0, "2026-03-09"),
        (date(2026, 3, 7), 23, 0, "2026-03-09"),
        (date(2026, 3, 8), 16, 0, "2026-03-09"),
        (date(2026, 4, 2), 15, 0, "2026-04-07"),
    ],
    ids=[
        "first instant of a day",
        "just before the cut-off",
        "at the cut-off",
        "Friday before the cut-off",
        "Friday after the cut-off",
        "Saturday",
        "late on Saturday",
        "late on Sunday",
        "Maundy Thursday after the cut-off",
    ],
)
def test_money_is_booked_on_the_business_day_its_arrival_belongs_to(day, hour, minute, booked_on):
    easter = BankCalendar(cut_off_hour=15, holidays=frozenset({date(2026, 4, 3), date(2026, 4, 6)}))
    entry = Bank(easter).credit(100, us(day, hour, minute))
    assert (entry.booked_on, entry.value_on) == (booked_on, booked_on)


def test_a_day_the_bank_is_closed_has_no_statement_and_an_open_day_without_entries_an_empty_one():
    bank = Bank()
    assert bank.core.close_day(date(2026, 3, 7)) == []
    (empty,) = bank.core.close_day(MONDAY)
    assert (empty.sequence, empty.opening_minor, empty.closing_minor, empty.entries) == (1, 0, 0, [])


def test_a_day_is_closed_once_and_none_before_it():
    bank = Bank()
    bank.credit(100)
    assert len(bank.core.close_day(MONDAY)) == 1
    before = bank.core.snapshot()
    assert bank.core.close_day(MONDAY) == []
    assert bank.core.close_day(date(2026, 2, 27)) == []
    assert bank.core.snapshot() == before


def test_money_that_arrives_after_the_books_were_closed_early_is_booked_the_next_day():
    bank = Bank()
    bank.core.close_day(MONDAY)
    assert bank.credit(100).booked_on == "2026-03-03"
    bank.core.close_day(date(2026, 3, 6))
    assert bank.credit(100).booked_on == "2026-03-09"


def test_listeners_hear_of_each_statement():
    bank = Bank()
    heard = []
    bank.core.listeners.append(heard.append)
    (statement,) = bank.core.close_day(MONDAY)
    assert [(c.kind, c.id, c.what, c.at) for c in heard] == [("statement", statement.id, "created", bank.now)]


@pytest.mark.parametrize("amount", [0, -1])
def test_a_credit_is_positive(amount):
    bank = Bank()
    before = bank.core.snapshot()
    with pytest.raises(RuleError) as refused:
        bank.credit(amount)
    assert refused.value.code == "bad-amount"
    assert bank.core.snapshot() == before


def test_accounts_are_told_apart():
    bank = Bank()
    with pytest.raises(RuleError) as twice:
        bank.core.open_account(bank.account.iban, "EUR", "Somebody else")
    assert twice.value.code == "duplicate-account"
    with pytest.raises(RuleError) as unknown:
        bank.core.account("ACC9")
    assert unknown.value.code == "unknown-account"


@given(
    arrivals=st.lists(st.tuples(st.integers(0, 40 * 60), st.integers(1, 10**9)), max_size=60),
    close_hour=st.integers(15, 23),
)
def test_statements_follow_on_each_other_and_hold_every_entry_once(arrivals, close_hour):
    bank = Bank()
    todo = sorted((us(MONDAY, 0) + minutes * 10 * 60_000_000, amount) for minutes, amount in arrivals)
    received = []
    for offset in range(25):
        day = MONDAY + timedelta(days=offset)
        while todo and todo[0][0] < us(day, close_hour):
            at, amount = todo.pop(0)
            received.append(bank.credit(amount, at))
        bank.now = us(day, close_hour)
        bank.core.close_day(day)
        if offset == 9:
            snapshot = bank.core.snapshot()
            bank.core.restore(snapshot)
            assert bank.core.snapshot() == snapshot
            bank.account = bank.core.account(bank.account.id)
    account = bank.account
    assert [s.sequence for s in account.statements] == list(range(1, 20))
    balance = 0
    for statement in account.statements:
        assert date.fromisoformat(statement.date).weekday() < 5
        assert {e.booked_on for e in statement.entries} <= {statement.date}
        assert statement.opening_minor == balance
        balance += sum(e.amount_minor for e in statement.entries)
        assert statement.closing_minor == balance
    assert account.balance_minor == balance
    listed = [e for s in account.statements for e in s.entries] + account.pending
    assert sorted(e.reference for e in listed) == sorted(e.reference for e in received)
    assert len({e.reference for e in listed}) == len(listed)
