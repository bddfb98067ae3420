"""Figures of a run in several currencies: each amount is valued in the books' before anything is added."""

from decimal import Decimal

import pytest

from o2c_twin.reports import MixedCurrencies, compute_kpis
from o2c_twin.reports.observed_run import ObservedRun
from o2c_twin.reports.validation import checks_of

# A dollar is worth 0.90 when the deal is won and billed, 0.95 when it is paid.
RATES = [
    {"currency": "USD", "day_at": "2026-01-05", "rate": "0.90"},
    {"currency": "USD", "day_at": "2026-02-06", "rate": "0.95"},
]


def deal(name, currency, amount=1_000_00):
    return {"deal_id": name, "customer_id": "C", "won_at": "2026-01-05T09:00", "amount_minor": amount, "lines": 1,
            "currency": currency}  # fmt: skip


def order(name, of, currency):
    return {"order_id": name, "deal_id": of, "customer_id": "C", "entered_at": "2026-01-05T10:00", "channel": "sync",
            "amount_minor": 1_000_00, "duplicate": False, "currency": currency}  # fmt: skip


def delivery(of, currency, amount=1_000_00):
    return {"delivery_id": f"DN-{of}", "order_id": of, "issued_at": "2026-01-07T10:00", "amount_minor": amount,
            "currency": currency}  # fmt: skip


def invoice(name, of, currency, amount=1_000_00):
    return {"document_id": name, "kind": "invoice", "order_id": of, "issued_at": "2026-01-08T10:00",
            "due_at": "2026-02-07", "amount_minor": amount, "currency": currency}  # fmt: skip


def receipt(name, currency, amount):
    return {"receipt_id": name, "customer_id": "C", "value_at": "2026-02-06T00:00", "amount_minor": amount,
            "currency": currency}  # fmt: skip


def applied(source, document, currency, amount, kind="receipt"):
    return {"source_id": source, "source_kind": kind, "document_id": document, "applied_at": "2026-02-07T09:00",
            "amount_minor": amount, "channel": "sync", "currency": currency}  # fmt: skip


def figures(record, *names, **tables):
    made = record(exchange_rates=RATES, **tables)
    assert [check.name for check in checks_of(made) if not check.passed] == []
    kpis = compute_kpis(made)
    return [kpis[name].value for name in names]


def business(billed_in, amount=1_000_00):
    """A deal of 1,000 dollars, billed in a currency, and one of 1,000 euros."""
    return {
        "deals": [deal("D1", "USD"), deal("D2", "EUR")],
        "orders": [order("O1", "D1", billed_in), order("O2", "D2", "EUR")],
        "deliveries": [delivery("O1", "USD"), delivery("O2", "EUR")],
        "invoices": [invoice("I1", "O1", billed_in, amount), invoice("I2", "O2", "EUR")],
    }


def test_dollars_and_euros_are_added_in_euros(record):
    assert figures(record, "deals.amount", "invoices.net", "ar.closing", **business("USD")) == [Decimal("1900.00")] * 3


def test_what_the_rate_does_until_an_invoice_is_paid_is_no_leftover(record):
    paid = [receipt("B1", "USD", 1_000_00), receipt("B2", "EUR", 1_000_00)]
    applications = [applied("B1", "I1", "USD", 1_000_00), applied("B2", "I2", "EUR", 1_000_00)]
    names = ("ar.closing", "cash.unapplied", "cash.collected", "leakage.amount")
    found = figures(record, *names, **business("USD"), receipts=paid, applications=applications)
    assert found == [0, 0, Decimal("1900.00"), 0]


def test_what_a_receipt_has_left_is_worth_what_it_is_on_its_own_day(record):
    paid, applications = [receipt("B1", "USD", 1_000_00)], [applied("B1", "I1", "USD", 600_00)]
    names = ("cash.unapplied", "cash.collected")
    found = figures(record, *names, **business("USD"), receipts=paid, applications=applications)
    assert found == [Decimal("380.00"), Decimal("920.00")]


def test_money_that_was_changed_on_the_way_is_worth_what_it_was_changed_into(record):
    paid, applications = [receipt("B1", "USD", 1_000_00)], [applied("B1", "I1", "EUR", 900_00)]
    names = ("cash.unapplied", "cash.collected")
    found = figures(record, *names, **business("EUR", 900_00), receipts=paid, applications=applications)
    assert found == [Decimal("50.00"), Decimal("950.00")]


@pytest.mark.parametrize(
    ("billed_in", "amount", "leaked", "over"),
    [("USD", 1_000_00, 0, 0), ("USD", 900_00, "90.00", 0), ("EUR", 900_00, 0, 0), ("EUR", 1_000_00, 0, "100.00")],
)
def test_leakage_holds_what_was_billed_against_the_deal_at_the_rate_of_the_deals_day(
    record, billed_in, amount, leaked, over
):
    found = figures(record, "leakage.amount", "overbilling.amount", **business(billed_in, amount))
    assert found == [Decimal(leaked), Decimal(over)]


def test_parts_settle_an_invoice_to_the_cent_however_they_are_rounded(record):
    rates = [{"currency": "USD", "day_at": "2026-01-01", "rate": "0.333333"}]
    parts = (1, 1, 1, 331, 666)
    made = record(
        exchange_rates=rates,
        invoices=[invoice("I1", None, "USD", 1_000)],
        receipts=[receipt(f"B{n}", "USD", part) for n, part in enumerate(parts)],
        applications=[applied(f"B{n}", "I1", "USD", part) for n, part in enumerate(parts)],
    )
    assert compute_kpis(made)["ar.closing"].value == compute_kpis(made)["cash.unapplied"].value == 0


def test_a_credit_memo_is_worth_what_its_invoice_was(record):
    credit = {"document_id": "M1", "kind": "credit_memo", "issued_at": "2026-02-20", "due_at": "2026-02-20",
              "amount_minor": 1_000_00, "corrects": "I1", "reason": "price", "currency": "USD"}  # fmt: skip
    tables = business("USD")
    tables["invoices"] = [*tables["invoices"], credit]
    applications = [applied("M1", "I1", "USD", 1_000_00, "credit_memo")]
    assert (
        figures(record, "invoices.net", "ar.closing", **tables, applications=applications) == [Decimal("1000.00")] * 2
    )


def test_a_day_before_the_first_rate_is_refused_by_file_and_day(record):
    early = {**deal("D1", "USD"), "won_at": "2026-01-04T09:00"}
    with pytest.raises(MixedCurrencies, match=r"deals\.parquet: money in USD, .* no rate of USD on 2026-01-04"):
        compute_kpis(record(exchange_rates=RATES, deals=[early]))


def test_a_run_in_one_currency_reads_its_tables_as_they_are(record):
    run = ObservedRun(record(invoices=[invoice("I1", None, "EUR")]))
    assert run.table("invoices") is run.record.table("invoices")
