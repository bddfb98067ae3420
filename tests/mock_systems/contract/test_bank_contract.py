"""What every bank does, whoever makes it: its dialect may not bend the rules of the core."""

from o2c_twin.integration.model import BankEntry

_PAYER = "DE89370400440532013000"


def _credit(bank, amount, remittance="INV1001", reference=None, payer="Acme GmbH"):
    return bank.core.credit(
        bank.stand.accounts["EUR"],
        amount,
        end_to_end_id=reference,
        remittance=(remittance,),
        counterparty=payer,
        counterparty_iban=_PAYER,
    )


def _close(bank, days=0):
    """Close the books of the day that many days after the first Monday; gives the statement."""
    bank.core.close_day(bank.on_day(days))
    bank.later()
    return bank.core.account(bank.stand.accounts["EUR"]).statements[-1]


def _entries(bank, since="2025-12-31"):
    """All credits of all statements after a date, and where to ask from next."""
    events, following = bank.do(bank.system.statements(since))
    return [entry for event in events for entry in bank.do(bank.system.entries(event.object_id))], following


# --- statements -------------------------------------------------------------------------------------


def test_every_credit_is_told_to_the_cent(bank):
    amounts = [1, 99, 100, 1_999, 123_456_789, 99_999_999_999]
    for amount in amounts:
        _credit(bank, amount)
    statement = _close(bank)
    told, _ = _entries(bank)
    assert [entry.amount_minor for entry in told] == amounts
    assert {entry.currency for entry in told} == {"EUR"}
    assert sum(entry.amount_minor for entry in told) == statement.closing_minor - statement.opening_minor


def test_an_entry_carries_what_cash_is_applied_by(bank):
    made = _credit(bank, 5_997, "INV1001 INV1002", "E2E-77", "ACME GMBH")
    _close(bank)
    (told,), _ = _entries(bank)
    assert isinstance(told, BankEntry)
    assert (told.reference, told.amount_minor, told.value_on) == (made.reference, 5_997, "2026-01-05")
    assert (told.end_to_end_id, told.payer, told.payer_iban) == ("E2E-77", "ACME GMBH", _PAYER)
    assert "INV1001 INV1002" in told.remittance


def test_what_leaves_the_account_is_no_receipt(bank):
    _credit(bank, 5_000)
    bank.core.debit(
        bank.stand.accounts["EUR"],
        300,
        end_to_end_id=None,
        remittance=("Fees",),
        counterparty=None,
        counterparty_iban=None,
    )
    statement = _close(bank)
    told, _ = _entries(bank)
    assert [entry.amount_minor for entry in told] == [5_000]
    assert statement.closing_minor == 4_700


def test_statements_are_listed_once_each_over_all_pages_and_on_from_where_one_left_off(bank):
    days = [day for day in range(200) if bank.core.calendar.is_open(bank.on_day(day))]
    for day in days:
        bank.until(day)
        _credit(bank, 100 + day)
        _close(bank, day)
    assert len(days) > 140
    events, following = bank.do(bank.system.statements("2025-12-31"))
    assert [event.object_id for event in events] == list(dict.fromkeys(event.object_id for event in events))
    # A bank that keeps its files for a while lists those; another lists all.
    kept = getattr(bank.server.dialect.config, "keep_days", None)
    days = days if kept is None else days[-len(events) :]
    assert len(events) == len(days)
    assert kept is None or len(events) > kept * 5 // 7 - 3
    assert bank.do(bank.system.statements(following))[0] == []
    amounts = []
    for event in events:
        bank.later(10.0)  # banks let few calls a minute through
        amounts += [entry.amount_minor for entry in bank.do(bank.system.entries(event.object_id))]
    assert amounts == [100 + day for day in days]


def test_a_day_without_money_has_no_entries(bank):
    _close(bank)
    assert _entries(bank)[0] == []


def test_a_statement_there_is_not_is_missing(bank):
    _credit(bank, 100)
    _close(bank)
    ((event,), _) = bank.do(bank.system.statements("2025-12-31"))
    unknown = event.object_id.replace("2026-01-05", "2026-01-06").replace("20260105", "20260106")
    assert unknown != event.object_id
    assert bank.fails(bank.system.entries(unknown)).cause == "missing"


# --- notices ----------------------------------------------------------------------------------------


def test_a_notice_names_the_statement_as_the_list_does(bank):
    bank.stand.subscribe("http://engine.test/bank")
    _credit(bank, 100)
    _close(bank)
    pushed = [event for headers, body in bank.posted for event in bank.system.pushed(body, headers)[0]]
    listed, _ = bank.do(bank.system.statements("2025-12-31"))
    assert [event.event_id for event in pushed] == [event.event_id for event in listed]
    assert [e.amount_minor for e in bank.do(bank.system.entries(pushed[0].object_id))] == [100]
