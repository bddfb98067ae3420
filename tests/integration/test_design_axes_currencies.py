"""The axis ``currencies``: what is entered of a deal in another currency, and what a receipt may be set against."""

from decimal import Decimal

import msgspec
import pytest

from o2c_twin.integration.exchange import Exchange, NoRate
from o2c_twin.integration.model import Inbound, InvoiceStatus, OpenItem

HOUR = 3_600
DESIGNS = ["relabelled", "converted", "document"]
RATES = {("2026-01-05", "USD"): Decimal("0.925"), ("2026-01-06", "USD"): Decimal("0.9")}


def _rate(day, base, target):
    return RATES.get((day, base)) if target == "EUR" else None


EXCHANGE = Exchange("EUR", _rate)


@pytest.fixture
def entered(bench, monkeypatch):
    """The orders that reach the ERP, as deals."""
    deals, put = [], bench.erp.put_order

    async def kept(deal, *rest):
        deals.append(deal)
        return await put(deal, *rest)

    monkeypatch.setattr(bench.erp, "put_order", kept)
    return deals


def _won(bench, deal_id="D1", currency="USD", **party):
    notice = bench.won(deal_id, currency=currency, **party)
    bench.crm.deals[deal_id] = msgspec.structs.replace(bench.crm.deals[deal_id], currency=currency)
    return notice


def _arrives(bench, amount, text, currency, reference="B1", value_on="2026-01-05"):
    entry = msgspec.structs.replace(bench.credit(reference, amount, text), currency=currency, value_on=value_on)
    bench.now_running.receive(bench.bank.closes(value_on, entry))
    bench.pass_time(HOUR)


def _owes(bench, number, amount, currency, customer="C1"):
    bench.erp.items.append(OpenItem(f"i{number}", number, customer, amount, "2026-02-01", currency=currency))


# --- orders ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("design", "currency", "price", "limit"),
    [("relabelled", "EUR", 1_000, 50_000), ("converted", "EUR", 925, 46_250), ("document", "USD", 1_000, 50_000)],
)
def test_a_deal_in_another_currency_is_entered_as_the_design_says(bench, entered, design, currency, price, limit):
    bench.engine(currencies=design, exchange=EXCHANGE).receive(_won(bench, credit_limit_minor=50_000))
    bench.pass_time(60)
    (deal,), (customer,) = entered, bench.erp.customers.values()
    assert (deal.currency, [line.unit_price_minor for line in deal.lines]) == (currency, [price])
    assert (customer.currency, customer.credit_limit_minor) == (currency, limit)


@pytest.mark.parametrize("design", DESIGNS)
def test_a_deal_in_the_books_currency_is_entered_as_it_is_in_every_design(bench, entered, design):
    bench.engine(currencies=design, exchange=EXCHANGE).receive(_won(bench, currency="EUR"))
    bench.pass_time(60)
    assert entered == [bench.crm.deals["D1"]]


def test_a_day_without_a_rate_is_a_case_and_no_order(bench, entered):
    bench.engine(currencies="converted", exchange=EXCHANGE).receive(_won(bench, currency="GBP"))
    bench.pass_time(60)
    assert entered == [] and bench.reasons() == ["no rate GBP to EUR on 2026-01-05; load the rates of that day"]


def test_a_changed_account_is_told_in_the_currency_it_was_entered_in(bench):
    engine = bench.engine(currencies="converted", exchange=EXCHANGE)
    engine.receive(_won(bench, credit_limit_minor=50_000))
    bench.pass_time(60)
    changed = msgspec.structs.replace(bench.crm.parties["A1"], credit_limit_minor=60_000, modified_at=bench.clock.now())
    bench.crm.parties["A1"] = changed
    engine.receive(Inbound("crm:party:A1:2", "customer", "A1", "party:A1", changed.modified_at))
    bench.pass_time(60)
    (customer,) = bench.erp.customers.values()
    assert (customer.currency, customer.credit_limit_minor) == ("EUR", 55_500)


@pytest.mark.parametrize(
    ("design", "exchange", "told"),
    [
        ("relabelled", None, "needs the currency of the books"),
        ("converted", None, "needs rates"),
        ("converted", Exchange("EUR"), "needs rates"),
    ],
)
def test_a_design_that_needs_an_exchange_does_not_start_without(bench, design, exchange, told):
    with pytest.raises(ValueError, match=f"currencies: {design} {told}"):
        bench.engine(currencies=design, exchange=exchange)


# --- credit ----------------------------------------------------------------------------------------


def test_what_is_owed_in_two_currencies_is_compared_with_the_limit_in_that_of_the_books(bench):
    engine = bench.engine(credit_visibility="order-entry", exchange=EXCHANGE)
    engine.receive(_won(bench, "D1", credit_limit_minor=8_000))
    bench.pass_time(60)
    customer = bench.erp.by_key["customer:A1"]
    # 8,000 dollars are 7,400 euros. 2,000 dollars are on order and 2,000 to come, together 3,700: 3,700 are left.
    _owes(bench, "INV8", 3_700, "EUR", customer)
    engine.receive(_won(bench, "D2", credit_limit_minor=8_000))
    bench.pass_time(60)
    assert len(bench.erp.orders) == 2
    _owes(bench, "INV9", 1, "EUR", customer)
    bench.erp.items[0] = msgspec.structs.replace(bench.erp.items[0], open_minor=1_850)
    engine.receive(_won(bench, "D3", credit_limit_minor=8_000))
    bench.pass_time(60)
    assert (len(bench.erp.orders), bench.crm.notes["D3"]) == (2, {"credit": "waits for credit"})


def test_what_is_on_order_in_a_currency_is_taken_off_by_its_own_invoice(bench):
    engine = bench.engine(credit_visibility="order-entry", exchange=EXCHANGE)
    engine.receive(_won(bench, "D1", credit_limit_minor=2_000))
    bench.pass_time(60)
    order = bench.erp.by_key["order:D1"]
    bench.erp.invoices["7"] = InvoiceStatus("7", "INV7", order, 2_000, 0, bench.clock.now(), "USD")
    engine.receive(Inbound("erp:invoice:7", "invoice", "7", f"order:{order}", bench.clock.now()))
    bench.pass_time(60)
    engine.receive(_won(bench, "D2", credit_limit_minor=2_000))
    bench.pass_time(60)
    assert len(bench.erp.orders) == 2


def test_amounts_in_two_currencies_without_rates_are_a_case_and_never_added(bench):
    engine = bench.engine(credit_visibility="order-entry")
    engine.receive(_won(bench, "D1", credit_limit_minor=90_000))
    bench.pass_time(60)
    _owes(bench, "INV9", 1, "EUR", bench.erp.by_key["customer:A1"])
    engine.receive(_won(bench, "D2", credit_limit_minor=90_000))
    bench.pass_time(60)
    assert len(bench.erp.orders) == 1
    assert bench.reasons() == ["no rates, and an amount in EUR; give the engine its exchange"]


# --- cash ------------------------------------------------------------------------------------------


def test_a_receipt_is_set_against_items_of_its_currency(bench):
    bench.engine(exchange=EXCHANGE)
    _owes(bench, "INV1", 10_000, "USD")
    _arrives(bench, 10_000, "INV1", "USD")
    assert bench.erp.payments == [("C1", 10_000, {"iINV1": 10_000})] and bench.reasons() == []


@pytest.mark.parametrize("exchange", [None, EXCHANGE])
def test_a_receipt_that_names_an_item_of_another_currency_is_a_case(bench, exchange):
    bench.engine(exchange=exchange)
    _owes(bench, "INV1", 10_000, "EUR")
    _arrives(bench, 10_000, "INV1", "USD")
    assert bench.erp.payments == [] and bench.reasons() == ["paid in USD, and INV1 is in EUR: 'INV1'"]
    assert [case.kind for case in bench.journal.cases()] == ["unmatched-cash"]


def test_an_amount_alone_is_never_taken_for_an_item_of_another_currency(bench):
    bench.engine(exchange=EXCHANGE)
    iban = "DE02100100100006820101"
    _owes(bench, "INV1", 500, "USD")
    entry = msgspec.structs.replace(bench.credit("B0", 500, "INV1", iban), currency="USD")
    bench.now_running.receive(bench.bank.closes("2026-01-05", entry))
    bench.pass_time(HOUR)
    _owes(bench, "INV2", 10_000, "EUR")
    entry = msgspec.structs.replace(bench.credit("B1", 10_000, "thank you", iban), currency="USD")
    bench.now_running.receive(bench.bank.closes("2026-01-06", entry))
    bench.pass_time(HOUR)
    assert bench.erp.payments[1:] == [("C1", 10_000, {})]


def test_converted_a_receipt_is_posted_at_the_rate_of_its_value_date(bench):
    bench.engine(currencies="converted", exchange=EXCHANGE)
    _owes(bench, "INV1", 9_000, "EUR")
    _arrives(bench, 10_000, "INV1", "USD", value_on="2026-01-06")
    assert bench.erp.payments == [("C1", 9_000, {"iINV1": 9_000})]


def test_relabelled_a_receipt_in_another_currency_is_a_persons(bench):
    bench.engine(currencies="relabelled", exchange=EXCHANGE)
    _owes(bench, "INV1", 10_000, "EUR")
    _arrives(bench, 10_000, "INV1", "USD")
    assert bench.erp.payments == [] and bench.reasons() == ["paid in USD, and the books are in EUR: 'INV1'"]


@pytest.mark.parametrize("exchange", [None, EXCHANGE])
def test_an_erp_that_tells_no_currency_has_that_of_the_books(bench, exchange):
    bench.engine(exchange=exchange)
    _owes(bench, "INV1", 10_000, "")
    _arrives(bench, 10_000, "INV1", "EUR")
    assert bench.erp.payments == [("C1", 10_000, {"iINV1": 10_000})]
    _owes(bench, "INV2", 10_000, "")
    if exchange is not None:
        _arrives(bench, 10_000, "INV2", "USD", "B2", value_on="2026-01-06")
        assert len(bench.erp.payments) == 1
        assert bench.reasons() == ["paid in USD, and INV2 is in EUR: 'INV2'"]


# --- the exchange ------------------------------------------------------------------------------------


def test_an_amount_is_rounded_once_half_up_and_by_the_decimals_of_either_currency():
    exchange = Exchange("EUR", lambda day, base, target: Decimal("0.0055") if base == "JPY" else Decimal("0.5"))
    assert exchange.into_books(1, "USD", "2026-01-05") == 1
    assert exchange.into_books(1_000, "JPY", "2026-01-05") == 550
    assert exchange.into_books(7, "EUR", "2026-01-05") == 7
    with pytest.raises(NoRate, match="no rate USD to EUR on 2026-01-05; load"):
        Exchange("EUR").into_books(1, "USD", "2026-01-05")
