"""KPIs of run records small enough to check by hand."""

import json
from decimal import Decimal

import pytest

from o2c_twin.reports import MixedCurrencies, compute_kpis
from o2c_twin.reports.kpis import DEFINITIONS
from o2c_twin.run_record import RunRecordError


def deal(name, won="2026-01-05T09:00", amount=1_000_00):
    return {"deal_id": name, "customer_id": "C1", "won_at": won, "amount_minor": amount, "lines": 1}


def order(name, of, entered="2026-01-05T10:00", **rest):
    return {"order_id": name, "deal_id": of, "customer_id": "C1", "entered_at": entered, "amount_minor": 1_000_00,
            "channel": "sync", "duplicate": False, **rest}  # fmt: skip


def delivery(name, of, issued="2026-01-07T10:00", amount=1_000_00, **rest):
    return {"delivery_id": name, "order_id": of, "issued_at": issued, "amount_minor": amount, **rest}


def invoice(name, issued="2026-01-08T10:00", amount=1_000_00, **rest):
    return {"document_id": name, "kind": "invoice", "issued_at": issued, "due_at": "2026-02-07", "amount_minor": amount,
            **rest}  # fmt: skip


def memo(name, corrects, amount, issued="2026-01-20", **rest):
    return {"document_id": name, "kind": "credit_memo", "issued_at": issued, "due_at": issued, "amount_minor": amount,
            "corrects": corrects, **rest}  # fmt: skip


def receipt(name, value="2026-02-06T08:00", amount=1_000_00):
    return {"receipt_id": name, "customer_id": "C1", "value_at": value, "amount_minor": amount}


def applied(source, document, at, amount=1_000_00, kind="receipt"):
    return {"source_id": source, "source_kind": kind, "document_id": document, "applied_at": at,
            "amount_minor": amount, "channel": "manual"}  # fmt: skip


def work(role, on, started="2026-01-05T09:30", touch_s=600):
    return {"role": role, "task": "task", "object_id": on, "queued_at": started, "started_at": started,
            "finished_at": started, "touch_s": touch_s}  # fmt: skip


def change(on, taken_s, flow="order", source="2026-01-05T10:00:00"):
    arrived = None if taken_s is None else f"2026-01-05T10:00:{taken_s:02d}"
    return {"flow": flow, "object_id": on, "source": "crm", "target": "erp", "source_at": source, "target_at": arrived}


def test_golden_a_read_from_a_record_gives_the_golden_figures(record, golden_a_tables):
    kpis = compute_kpis(record(**golden_a_tables))
    expected = {
        "dso.simple": 38.211864,
        "dso.simple.books": 38.211864,
        "dso.countback": 32.96,
        "dso.ledger": 37.935593,
        "dso.avg": 32.052966,
        "dso.true_paid": 37.221843,
        "dso.true_open": 29.910180,
        "bpdso": 19.525424,
        "add": 18.686441,
        "add.paid": 7.986348,
        "cei": 0.78202847,
        "ar.turnover": 13.653511,
        "ar.current_share": 0.51097804,
    }
    assert {id: kpis[id].value for id in expected} == pytest.approx(expected, abs=1e-6)
    assert kpis["ar.closing"].value == Decimal("50100.00")
    assert kpis["cash.collected"].value == Decimal("87900.00")
    assert [kpis[f"ar.ageing.{part}"].value for part in ("current", "1_to_30", "31_to_60", "61_to_90", "over_90")] == [
        Decimal("25600.00"), Decimal("20000.00"), Decimal("4500.00"), Decimal("0.00"), Decimal("0.00"),
    ]  # fmt: skip
    assert kpis["dso.simple.year"].value is None
    assert "90 days, not 365" in kpis["dso.simple.year"].note


def test_cash_in_the_bank_leaves_dso_at_once_and_the_books_only_when_applied(record):
    kpis = compute_kpis(
        record(
            invoices=[invoice("I1"), invoice("I2")],
            receipts=[receipt("R1", "2026-03-31T08:00")],
            applications=[applied("R1", "I1", "2026-04-02")],
            manifest={"end": "2026-04-30T00:00:00Z"},
        )
    )
    assert kpis["dso.simple"].value == pytest.approx(1_000 / 2_000 * 90)
    assert kpis["dso.simple.books"].value == pytest.approx(90)
    assert kpis["cash.unapplied"].value == Decimal("1000.00")
    # By the end of the run it was matched, so the ageing knows which invoice it paid.
    assert kpis["ar.unapplied"].value == Decimal("0.00")
    assert kpis["ar.closing"].value == Decimal("1000.00")


def test_money_never_matched_stands_apart_from_the_ageing_buckets(record):
    kpis = compute_kpis(record(invoices=[invoice("I1")], receipts=[receipt("R1", amount=300_00)]))
    assert kpis["ar.ageing.31_to_60"].value == Decimal("1000.00")
    assert kpis["ar.unapplied"].value == Decimal("300.00")
    assert kpis["ar.closing"].value == Decimal("700.00")


def test_credit_memos_reduce_sales_and_receivables(record):
    kpis = compute_kpis(record(invoices=[invoice("I1"), memo("M1", "I1", 400_00)]))
    assert kpis["invoices.net"].value == Decimal("600.00")
    assert kpis["ar.closing"].value == Decimal("600.00")
    assert kpis["dso.simple"].value == pytest.approx(90)


def test_a_write_off_reduces_receivables_and_is_a_cost_no_leakage_and_no_error(record):
    kpis = compute_kpis(
        record(
            deals=[deal("D1")],
            orders=[order("O1", "D1")],
            deliveries=[delivery("L1", "O1", deal_id="D1")],
            invoices=[
                invoice("I1", order_id="O1", deal_id="D1"),
                {**memo("W1", "I1", 20_00, reason="bank charge", deal_id="D1"), "kind": "write_off"},
                memo("M1", "I1", 5_00, reason="deduction", deal_id="D1"),
            ],
            manifest={"end": "2026-05-01T00:00:00Z"},
        )
    )
    assert (kpis["invoices.net"].value, kpis["ar.closing"].value) == (Decimal("995.00"), Decimal("975.00"))
    assert kpis["write_offs.amount"].value == Decimal("20.00")
    assert kpis["leakage.amount"].value == Decimal("5.00")
    assert kpis["billing.errors"].value == 1
    assert kpis["billing.errors.deduction"].value == 1


def test_a_discount_earned_by_paying_early_reduces_receivables_and_is_no_write_off_no_leakage_and_no_error(record):
    kpis = compute_kpis(
        record(
            deals=[deal("D1")],
            orders=[order("O1", "D1")],
            deliveries=[delivery("L1", "O1", deal_id="D1")],
            invoices=[
                invoice("I1", order_id="O1", deal_id="D1"),
                {**memo("E1", "I1", 20_00, reason="early payment", deal_id="D1"), "kind": "discount"},
            ],
            manifest={"end": "2026-05-01T00:00:00Z"},
        )
    )
    assert (kpis["invoices.net"].value, kpis["ar.closing"].value) == (Decimal("1000.00"), Decimal("980.00"))
    assert kpis["discounts.amount"].value == Decimal("20.00")
    for name in ("write_offs.amount", "leakage.amount", "billing.errors"):
        assert kpis[name].value == 0


def test_receivables_beyond_all_sales_are_a_bound_and_not_a_number(record):
    tables = {"invoices": [invoice("I1", amount=900_00), memo("M1", "I0", 800_00, issued="2026-02-01")]}
    found = compute_kpis(record(**tables))["dso.countback"]
    # January sold 900, February -800: March and February absorb nothing, their 59 days count.
    assert found.value == pytest.approx(31 + 28 + 100 / 900 * 31)
    tables["receipts"] = [receipt("R1", amount=-5_000_00)]
    exhausted = compute_kpis(record(**tables))["dso.countback"]
    assert exhausted.value is None
    assert "at least 90 days" in exhausted.note


def test_events_on_the_last_day_count_and_events_at_the_horizon_do_not(record):
    kpis = compute_kpis(
        record(
            invoices=[invoice("I1", "2026-03-31T23:59:59.999999"), invoice("I2", "2026-04-01T00:00:00")],
            manifest={"end": "2026-05-01T00:00:00Z"},
        )
    )
    assert kpis["invoices.issued"].value == 1
    assert kpis["ar.closing"].value == Decimal("1000.00")


def test_deals_without_an_invoice_push_the_median_out(record):
    deals = [deal(f"D{n}", "2026-01-05T00:00") for n in range(4)]
    two = [invoice("I0", "2026-01-07T00:00", deal_id="D0"), invoice("I1", "2026-01-09T00:00", deal_id="D1")]
    some = compute_kpis(record(deals=deals, invoices=two))
    assert some["order_to_invoice.median"].value == pytest.approx(4)
    assert (some["order_to_invoice.median"].n, some["order_to_invoice.median"].censored) == (4, 2)
    assert some["order_to_invoice.p90"].value is None


def test_the_invoice_finds_its_deal_through_its_order(record):
    kpis = compute_kpis(
        record(
            deals=[deal("D1")], orders=[order("O1", "D1")], invoices=[invoice("I1", "2026-01-08T09:00", order_id="O1")]
        )
    )
    assert kpis["order_to_invoice.median"].value == pytest.approx(3)


def test_invoice_lag_is_weighted_by_value_and_counts_what_was_never_billed(record):
    kpis = compute_kpis(
        record(
            deliveries=[
                delivery("L1", "O1", "2026-01-07", 300_00),
                delivery("L2", "O2", "2026-01-07", 100_00),
                delivery("L3", "O3", "2026-01-07", 900_00),
            ],
            invoices=[
                invoice("I1", "2026-01-08", delivery_id="L1"),
                invoice("I2", "2026-01-12", delivery_id="L2"),
                invoice("I2b", "2026-02-20", delivery_id="L2", corrects="I2"),
            ],
        )
    )
    assert kpis["dso.invoice_lag"].value == pytest.approx((1 * 300 + 5 * 100) / 400)
    assert kpis["dso.invoice_lag"].censored == 1


def test_an_invoice_bills_what_left_before_it_and_not_what_leaves_after_it(record):
    kpis = compute_kpis(
        record(
            deliveries=[
                delivery("L1", "O1", "2026-01-07"),
                delivery("L2", "O1", "2026-01-09"),
                delivery("L3", "O1", "2026-01-20"),
                delivery("L4", "O2", "2026-01-07"),
            ],
            invoices=[
                invoice("I1", "2026-01-10", delivery_id="L2", order_id="O1"),
                invoice("I1b", "2026-02-10", corrects="I1", order_id="O1"),
            ],
        )
    )
    assert kpis["dso.invoice_lag"].value == pytest.approx((3 + 1) / 2)
    assert (kpis["dso.invoice_lag"].n, kpis["dso.invoice_lag"].censored) == (4, 2)


def test_where_people_re_key_there_are_no_engines_cases_to_count(record):
    kpis = compute_kpis(record(manifest={"design": {"topology": "manual"}}))
    assert (kpis["cases.opened"].value, kpis["cases.open"].value) == (None, None)
    assert kpis["cases.opened"].note == "no engine"


def test_stages_from_win_to_cash_add_up(record):
    kpis = compute_kpis(
        record(
            deals=[deal("D1", "2026-01-05T00:00"), deal("D2", "2026-01-05T00:00")],
            orders=[order("O1", "D1", "2026-01-06T00:00"), order("O2", "D2", "2026-01-06T00:00")],
            deliveries=[delivery("L1", "O1", "2026-01-09T00:00"), delivery("L2", "O2", "2026-01-09T00:00")],
            invoices=[invoice("I1", "2026-01-10T00:00", order_id="O1", delivery_id="L1"),
                      invoice("I2", "2026-01-10T00:00", order_id="O2")],
            receipts=[receipt("R1", "2026-02-09T00:00")],
            applications=[applied("R1", "I1", "2026-02-11T00:00")],
        )
    )  # fmt: skip
    stages = [
        kpis[f"order_to_cash.{s}"].value for s in ("order_entry", "fulfilment", "billing", "payment", "application")
    ]
    assert stages == pytest.approx([1, 3, 1, 30, 2])
    assert kpis["order_to_cash"].value == pytest.approx(37)
    assert kpis["order_to_cash"].censored == 1


def test_a_weekend_does_not_make_cash_application_late(record):
    friday, monday, tuesday = "2026-02-06T08:00", "2026-02-09T08:00", "2026-02-10T08:00"
    kpis = compute_kpis(
        record(
            invoices=[invoice(f"I{n}") for n in range(3)],
            receipts=[receipt("R0", friday), receipt("R1", friday), receipt("R2", friday)],
            applications=[applied("R0", "I0", monday), applied("R1", "I1", tuesday)],
        )
    )
    share = kpis["cash_application.next_day_share"]
    assert share.value == pytest.approx(1 / 3)
    assert share.interval[0] < share.value < share.interval[1]
    assert share.censored == 1
    assert kpis["cash_application.mean"].value == pytest.approx((72 + 96) / 2)
    assert kpis["cash_application.median"].value == pytest.approx(96)


def test_billing_errors_are_the_corrected_invoices_and_nothing_else(record):
    kpis = compute_kpis(
        record(
            invoices=[
                *(invoice(f"I{n}") for n in range(8)),
                memo("M0", "I0", 50_00, reason="price"),
                memo("M1", "I1", 1_000_00, reason="quantity"),
                invoice("I1b", corrects="I1", reason="quantity"),
            ],
            disputes=[
                {
                    "dispute_id": "X",
                    "document_id": "I0",
                    "opened_at": "2026-01-15",
                    "reason": "price",
                    "amount_minor": 5,
                },
                {
                    "dispute_id": "Y",
                    "document_id": "I5",
                    "opened_at": "2026-01-15",
                    "reason": "price",
                    "amount_minor": 5,
                },
            ],
        )
    )
    assert kpis["billing.error_rate"].value == pytest.approx(2 / 9)
    assert [kpis[f"billing.errors.{reason}"].value for reason in ("price", "quantity", "duplicate")] == [1, 1, 0]
    assert kpis["dispute.rate"].value == pytest.approx(2 / 9)


def test_leakage_counts_each_deals_shortfall_and_no_deals_excess_hides_it(record):
    kpis = compute_kpis(
        record(
            deals=[deal(name) for name in ("never", "under", "over", "right", "recent", "twice")],
            orders=[order(f"O-{name}", name) for name in ("never", "under", "over", "right", "recent", "twice")]
            + [order("O-twice-2", "twice", duplicate=True)],
            deliveries=[
                *(delivery(f"L-{name}", f"O-{name}") for name in ("never", "under", "over", "right", "twice")),
                delivery("L-twice-2", "O-twice-2"),
                delivery("L-recent", "O-recent", "2026-03-20"),
            ],
            invoices=[
                invoice("I1", amount=900_00, order_id="O-under"),
                invoice("I2", amount=1_200_00, order_id="O-over"),
                invoice("I3", amount=1_500_00, order_id="O-right"),
                memo("M3", "I3", 500_00, order_id="O-right"),
                # The second delivery of a duplicate was credited in full: that is no leakage.
                invoice("I4", order_id="O-twice"),
                invoice("I5", order_id="O-twice-2"),
                memo("M5", "I5", 1_000_00, order_id="O-twice-2"),
            ],
        )
    )
    assert kpis["leakage.amount"].value == Decimal("1100.00")
    assert kpis["leakage.amount.never_billed"].value == Decimal("1000.00")
    assert kpis["leakage.amount.underbilled"].value == Decimal("100.00")
    assert kpis["overbilling.amount"].value == Decimal("200.00")
    assert kpis["leakage.share"].value == pytest.approx(1_100 / 5_000)
    assert kpis["leakage.amount"].n == 5


def test_lost_deals_and_duplicates_are_counted_from_the_orders_themselves(record):
    kpis = compute_kpis(
        record(
            deals=[deal("lost"), deal("late", "2026-03-30T00:00"), deal("kept")],
            orders=[order("O1", "kept"), order("O2", "kept", "2026-01-06"), order("O3", None), order("O4", None)],
        )
    )
    assert kpis["orders.lost"].value == 1
    assert kpis["orders.duplicate"].value == 1


def test_touch_time_is_told_by_role_and_an_order(record):
    kpis = compute_kpis(
        record(
            orders=[order("O1", "D1"), order("O2", "D2")],
            work=[work("order_entry", "D1", touch_s=1_800), work("warehouse", "L1", touch_s=900), work("night", "x")],
        )
    )
    assert kpis["touch.hours"].value == pytest.approx(3_300 / 3_600)
    assert kpis["touch.hours.order_entry"].value == pytest.approx(0.5)
    assert kpis["touch.hours.billing"].value == 0
    assert kpis["touch.hours.night"].value == pytest.approx(1 / 6)
    assert kpis["touch.minutes_per_order"].value == pytest.approx(27.5)


def test_touchless_orders_reach_the_door_without_a_desk(record):
    kpis = compute_kpis(
        record(
            orders=[order("clean", "D1"), order("keyed", "D2"), order("manual", "D3", channel="manual"),
                    order("unshipped", "D4"), order("later", "D5")],
            deliveries=[delivery("L1", "clean"), delivery("L2", "keyed"), delivery("L3", "manual"),
                        delivery("L5", "later")],
            work=[work("warehouse", "L1"), work("order_entry", "D2"), work("billing", "later", "2026-02-01")],
        )
    )  # fmt: skip
    assert kpis["orders.touchless"].value == pytest.approx(2 / 5)
    assert kpis["orders.touchless"].censored == 1


def test_sync_latency_keeps_changes_that_never_arrived_in_the_tail(record):
    kpis = compute_kpis(
        record(sync=[*(change(f"D{n}", n) for n in range(1, 10)), change("stuck", None), change("I1", 5, "invoice")])
    )
    order_flow = kpis["sync.latency.p50.order"]
    assert (order_flow.value, order_flow.n, order_flow.censored) == (5.0, 10, 1)
    assert kpis["sync.latency.p95.order"].value is None
    assert kpis["sync.latency.p99.invoice"].value == 5.0
    assert kpis["sync.never_arrived"].value == 1
    assert kpis.get("sync.latency.p50.customer") is None


def test_a_change_that_arrives_after_the_end_counts_as_not_arrived(record):
    late = {**change("D1", None), "target_at": "2026-04-03T00:00"}
    assert compute_kpis(record(sync=[late]))["sync.never_arrived"].value == 1


def test_api_calls_are_counted_by_what_became_of_them(record):
    def call(status, throttled=False, fault=None, system="erp"):
        return {"at": "2026-01-05T10:00", "system": system, "operation": "query", "status": status,
                "throttled": throttled, "fault": fault, "duration_us": 10}  # fmt: skip

    kpis = compute_kpis(
        record(
            orders=[order("O1", "D1"), order("O2", "D2")],
            api_calls=[call(200), call(404), call(503), call(0, fault="response lost"), call(429, True, system="crm"),
                       call(403, True)],
            cases=[{"case_id": "K", "flow": "order", "object_id": "D", "opened_at": "2026-01-05", "reason": "r"}],
        )
    )  # fmt: skip
    counted = {id: kpis[id].value for id in ("api.calls", "api.calls.crm", "api.throttled", "api.throttled.erp",
                                            "api.failed", "api.faults", "cases.opened", "cases.open")}  # fmt: skip
    assert counted == {
        "api.calls": 6, "api.calls.crm": 1, "api.throttled": 2, "api.throttled.erp": 1, "api.failed": 4,
        "api.faults": 1, "cases.opened": 1, "cases.open": 1,
    }  # fmt: skip
    assert kpis["api.throttled_share"].value == pytest.approx(1 / 3)
    assert kpis["api.calls_per_order"].value == 3


def test_an_empty_record_has_every_kpi_and_says_why_one_has_no_value(record):
    kpis = compute_kpis(record())
    assert {kpi.definition.id for kpi in kpis} == set(DEFINITIONS)
    assert kpis["orders.lost"].value == 0
    assert kpis["ar.closing"].value == Decimal("0.00")
    for kpi in kpis:
        assert kpi.value is not None or kpi.note, f"{kpi.id} has neither a value nor a reason"


def test_a_run_of_one_hour_is_one_day_and_does_not_fail(record):
    hour = {"horizon_end": "2026-01-01T01:00:00Z", "end": "2026-01-01T02:00:00Z"}
    kpis = compute_kpis(record(invoices=[invoice("I1", "2026-01-01T00:30")], manifest=hour))
    assert kpis["dso.simple"].value == 1.0
    assert kpis["dso.simple"].note == "over 1 day"
    assert kpis["dso.true_cohort"].value is None


def test_kpis_are_json_with_money_as_text_beside_its_currency(record, golden_a_tables):
    found = json.loads(json.dumps(compute_kpis(record(**golden_a_tables)).to_dict()))
    assert found["ar.closing"] == {
        "label": "Receivables at period end", "value": "50100.00", "unit": "money", "currency": "EUR", "n": 8,
        "censored": 0, "interval": None, "variant": "", "period": ["2026-01-01", "2026-03-31"],
        "basis": DEFINITIONS["ar.closing"].basis, "better": "neither", "group": "Cash and receivables", "note": "",
    }  # fmt: skip
    assert found["dso.simple"]["unit"] == "days" and found["dso.simple"]["variant"] == "closing balance"


def test_amounts_follow_the_currencys_own_decimals(record):
    kpis = compute_kpis(record(invoices=[invoice("I1", amount=1234, currency="JPY")], manifest={"currency": "JPY"}))
    assert str(kpis["ar.closing"].value) == "1234"


def test_money_in_a_second_currency_is_refused_by_file_and_name(record):
    odd = record(invoices=[invoice("I1"), invoice("I2", currency="USD")])
    with pytest.raises(MixedCurrencies, match=r"invoices\.parquet: money in USD, the manifest says EUR"):
        compute_kpis(odd)


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ({"horizon_end": "soon"}, "horizon_end is 'soon', not an ISO 8601 instant"),
        ({"end": "2025-01-01T00:00:00Z"}, "must follow each other"),
    ],
)
def test_a_broken_manifest_is_refused_by_place(record, manifest, message):
    with pytest.raises(RunRecordError, match=message):
        compute_kpis(record(manifest=manifest))


def test_a_manifest_without_its_period_is_refused_by_key(record):
    broken = record()
    del broken.manifest["start"]
    with pytest.raises(RunRecordError, match="no 'start'"):
        compute_kpis(broken)


def test_every_definition_says_how_it_is_measured():
    for id, definition in DEFINITIONS.items():
        assert definition.id == id
        assert definition.text.endswith("."), id


def test_asking_for_an_unknown_kpi_names_the_known_ones(record):
    with pytest.raises(KeyError, match=r"dso\.simple"):
        compute_kpis(record())["dso"]
