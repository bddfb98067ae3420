"""What a choice of the design profile changes in billing, credit and cash, on a bench of three systems."""

from datetime import UTC, datetime

import msgspec
import pytest

from o2c_twin.integration.flows.billing_runs import run_after
from o2c_twin.integration.model import Inbound, InvoiceStatus, OpenItem, Shipment
from o2c_twin.twin.time import epoch

SECOND = 1_000_000
HOUR = 3_600
DAY = 24 * HOUR


# --- invoice trigger -----------------------------------------------------------------------------


def _instant(text):
    return epoch(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("rhythm", "issued", "run"),
    [
        ("daily", "2026-01-05T09:00", "2026-01-05T18:00"),
        ("daily", "2026-01-05T18:00", "2026-01-06T18:00"),
        ("weekly", "2026-01-05T09:00", "2026-01-09T18:00"),
        ("weekly", "2026-01-09T17:59", "2026-01-09T18:00"),
        ("weekly", "2026-01-09T18:00", "2026-01-16T18:00"),
        ("month-end", "2026-01-05T09:00", "2026-01-31T18:00"),
        ("month-end", "2026-01-31T19:00", "2026-02-28T18:00"),
        ("month-end", "2028-02-10T09:00", "2028-02-29T18:00"),
        ("month-end", "2026-12-31T20:00", "2027-01-31T18:00"),
    ],
)
def test_a_goods_issue_belongs_to_one_run(rhythm, issued, run):
    assert run_after(rhythm, _instant(issued)) == _instant(run)


def _goods_issue(bench, name="S1", order="1"):
    now = bench.clock.now()
    bench.erp.shipments[name] = Shipment(name, f"DN-{name}", order, now)
    return Inbound(f"erp:delivery:{name}", "delivery", name, f"order:{order}", now // SECOND * SECOND)


@pytest.mark.parametrize(
    ("when", "after_s"), [("goods-issue", 0), ("daily", 18 * HOUR), ("weekly", 4 * DAY + 18 * HOUR)]
)
def test_goods_are_billed_in_their_run(bench, when, after_s):
    engine = bench.engine(invoice_trigger=when)
    engine.receive(_goods_issue(bench))
    if after_s:
        bench.pass_time(after_s - 1)
        assert bench.erp.invoices == {}
    bench.pass_time(20)
    assert len(bench.erp.invoices) == 1


def test_nothing_else_of_the_order_waits_for_the_run_and_a_told_twice_delivery_is_billed_once(bench):
    engine = bench.engine(invoice_trigger="month-end")
    shipped = _goods_issue(bench)
    for _ in range(2):
        engine.receive(shipped)
        bench.pass_time(60)
    won = bench.won()
    engine.receive(msgspec.structs.replace(won, lane=shipped.lane))
    bench.pass_time(60)
    assert len(bench.erp.orders) == 1
    bench.pass_time(40 * DAY)
    assert bench.erp.calls.count("bill") == 1


def test_a_run_survives_a_restart_and_keeps_its_instant(bench):
    bench.engine(invoice_trigger="daily").receive(_goods_issue(bench))
    bench.pass_time(HOUR)
    bench.kill()
    bench.engine(invoice_trigger="daily").start()
    bench.pass_time(17 * HOUR - 5)
    assert bench.erp.invoices == {}
    bench.pass_time(30)
    assert len(bench.erp.invoices) == 1


def test_where_clerks_bill_the_engine_does_not(bench):
    bench.engine(invoice_trigger="manual").receive(_goods_issue(bench))
    bench.pass_time(40 * DAY)
    assert bench.erp.calls == []


# --- credit visibility ---------------------------------------------------------------------------


def test_a_hold_reaches_sales_as_it_happens_or_in_the_night(bench):
    for number, (visibility, told) in enumerate((("event", "on hold"), ("nightly", "passed"))):
        engine = bench.engine(credit_visibility=visibility)
        deal = f"D{number}"
        engine.receive(bench.won(deal, account=f"A{number}"))
        bench.pass_time(10 * HOUR)
        order = bench.erp.by_key[f"order:{deal}"]
        assert bench.crm.notes[deal]["order_id"] == order
        engine.receive(bench.erp.moves_on(order, credit="on hold", fulfilment="part shipped"))
        bench.pass_time(60)
        assert (bench.crm.notes[deal].get("credit"), bench.crm.notes[deal]["fulfilment"]) == (told, "part shipped")
        bench.pass_time(DAY - 10 * HOUR - 60)
        bench.pass_time(3 * HOUR)
        assert bench.crm.notes[deal]["credit"] == "on hold"
        bench.pass_time(21 * HOUR)


def test_what_was_held_and_released_within_a_day_is_no_news_at_night(bench):
    engine = bench.engine(credit_visibility="nightly")
    engine.receive(bench.won())
    bench.pass_time(27 * HOUR)
    written = bench.crm.calls.count("note_deal")
    for credit in ("on hold", "passed"):
        engine.receive(bench.erp.moves_on(bench.erp.by_key["order:D1"], credit=credit))
        bench.pass_time(HOUR)
    bench.pass_time(2 * DAY)
    assert bench.crm.calls.count("note_deal") == written


def _owes(bench, erp_id, amount):
    bench.erp.items.append(OpenItem("9", "INV9", erp_id, amount, "2026-02-01"))


def test_an_order_without_credit_is_not_entered_until_there_is_some(bench):
    engine = bench.engine(credit_visibility="order-entry")
    engine.receive(bench.won("D1", credit_limit_minor=5_000))
    bench.pass_time(60)
    customer = bench.erp.by_key["customer:A1"]
    _owes(bench, customer, 3_000)
    engine.receive(bench.won("D2", credit_limit_minor=5_000))
    bench.pass_time(60)
    assert (len(bench.erp.orders), bench.crm.notes["D2"]) == (1, {"credit": "waits for credit"})
    bench.erp.items.clear()
    bench.pass_time(HOUR)
    assert len(bench.erp.orders) == 2
    assert bench.crm.notes["D2"]["credit"] == "passed"


def test_what_is_on_order_takes_up_credit_until_it_is_billed_and_a_deal_waits_five_days_at_most(bench):
    engine = bench.engine(credit_visibility="order-entry")
    engine.receive(bench.won("D1", credit_limit_minor=3_000))
    engine.receive(bench.won("D2", credit_limit_minor=3_000))
    bench.pass_time(DAY)
    assert len(bench.erp.orders) == 1
    # D1 is billed over 2,000 and nothing is open: there is room for one more, and D3 is the first to ask.
    bench.erp.invoices["7"] = InvoiceStatus("7", "INV7", bench.erp.by_key["order:D1"], 2_000, 0, bench.clock.now())
    engine.receive(Inbound("erp:invoice:7", "invoice", "7", "order:1", bench.clock.now()))
    engine.receive(bench.won("D3", credit_limit_minor=3_000))
    bench.pass_time(2 * HOUR)
    assert len(bench.erp.orders) == 2
    bench.pass_time(6 * DAY)
    assert [(flow, deal) for flow, deal, _ in bench.seen.cases] == [("order", "D2")]
    assert "no credit for five days: owes 2000, limit 3000" in bench.reasons()[0]


# --- cash ----------------------------------------------------------------------------------------

IBAN = "DE02100100100006820101"
RECEIPTS = {
    "named and equal": (10_000, "INV0010001"),
    "named, less a bank charge": (9_990, "INV0010001"),
    "a damaged reference": (10_000, "INV0010010"),
    "nothing named": (10_000, "thank you"),
}


@pytest.mark.parametrize(
    ("cash", "applied"),
    [("exact", 1), ("tolerance", 2), ("mangled", 3), ("full", 4)],
)
def test_each_rung_applies_what_the_one_below_does_and_one_thing_more(bench, cash, applied):
    bench.engine(cash=cash)
    done = []
    for n, (what, (amount, text)) in enumerate(RECEIPTS.items(), 1):
        bench.erp.items = [
            OpenItem("i1", "INV0010001", "C1", 10_000, "2026-01-01"),
            OpenItem("i2", "INV0020002", "C1", 7_700, "2026-01-02"),
            OpenItem("i3", "INV0030003", "C1", 500, "2026-01-02"),
        ]
        # Whose account it is was learned from a payment that named what it paid.
        for reference, entry in ((f"A{n}", (500, "INV0030003")), (f"B{n}", (amount, text))):
            credit = bench.credit(reference, *entry, iban=IBAN)
            bench.now_running.receive(bench.bank.closes(f"2026-01-{n:02d}-{reference}", credit))
            bench.pass_time(60)
        customer, posted, set_against = bench.erp.payments[-1]
        assert (customer, posted) == ("C1", amount)
        if set_against:
            assert list(set_against) == ["i1"]
            done.append(what)
    assert done == list(RECEIPTS)[:applied]
    assert len(bench.seen.cases) == len(RECEIPTS) - applied
