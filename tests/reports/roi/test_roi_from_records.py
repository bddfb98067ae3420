"""ROI from two run records: measured in the runs, nothing else, and only when they can be compared."""

import json
from decimal import ROUND_HALF_UP, Decimal

import pytest
import yaml

from o2c_twin.reports.kpis import compute_kpis
from o2c_twin.reports.money import MixedCurrencies
from o2c_twin.reports.roi import (
    RoiError,
    RunsNotComparable,
    default_assumptions_text,
    load_assumptions,
    measure_run,
    parse_assumptions,
    roi_from_pairs,
    roi_from_records,
)
from o2c_twin.run_record import RunRecordError

D = Decimal
YEAR = D(365) / 90  # the hand-made runs last 90 days
PERIOD = {
    "start": "2026-01-01T00:00:00Z",
    "horizon_end": "2026-04-01T00:00:00Z",
    "end": "2026-05-15T00:00:00Z",
    "seed": 7,
}


def cents(value):
    return value.quantize(D("0.01"), ROUND_HALF_UP)


def invoice(name, deal, issued, amount, **more):
    return {
        "document_id": name, "kind": "invoice", "deal_id": deal, "order_id": f"O-{deal}", "delivery_id": f"DN-{deal}",
        "customer_id": "C1", "issued_at": issued, "due_at": "2026-03-31", "amount_minor": amount, **more,
    }  # fmt: skip


def work(role, hours):
    at = "2026-02-01"
    return {
        "role": role, "task": "by hand", "object_id": "D1", "queued_at": at, "started_at": at, "finished_at": at,
        "touch_s": hours * 3600,
    }  # fmt: skip


def receipt(name, on, amount):
    return {"receipt_id": name, "customer_id": "C1", "value_at": on, "amount_minor": amount}


def applied(name, document, on, amount, kind="receipt"):
    return {
        "source_id": name, "source_kind": kind, "document_id": document, "applied_at": on, "amount_minor": amount,
        "channel": "manual",
    }  # fmt: skip


DEALS = [
    {"deal_id": "D1", "customer_id": "C1", "won_at": "2026-01-05", "amount_minor": 10_000_00, "lines": 1},
    {"deal_id": "D2", "customer_id": "C1", "won_at": "2026-02-01", "amount_minor": 10_000_00, "lines": 2},
    {"deal_id": "D3", "customer_id": "C1", "won_at": "2026-02-01", "amount_minor": 1_000_00, "lines": 1},
]
DELIVERIES = [
    {"delivery_id": f"DN-{deal}", "order_id": f"O-{deal}", "deal_id": deal, "issued_at": on, "amount_minor": amount}
    for deal, on, amount in (
        ("D1", "2026-01-10", 10_000_00),
        ("D2", "2026-02-05", 10_000_00),
        ("D3", "2026-02-03", 1_000_00),
    )
]
# By hand: 10,000 owed for 45 days and 10,000 for 35 (DSO 40), one invoice sent twice, one delivery never billed.
AS_IS = {
    "deals": DEALS,
    "deliveries": DELIVERIES,
    "invoices": [
        invoice("I1", "D1", "2026-01-15", 10_000_00),
        invoice("I1-again", "D1", "2026-01-15", 10_000_00),
        invoice("M1", "D1", "2026-01-15", 10_000_00, corrects="I1-again", reason="duplicate", kind="credit_memo"),
        invoice("I2", "D2", "2026-02-09", 10_000_00),
    ],
    "receipts": [receipt("R1", "2026-03-01", 10_000_00), receipt("R2", "2026-03-16", 10_000_00)],
    "applications": [
        applied("M1", "I1-again", "2026-01-15", 10_000_00, "credit_memo"),
        applied("R1", "I1", "2026-03-02", 10_000_00),
        applied("R2", "I2", "2026-03-20", 10_000_00),
    ],
    "work": [work("order_entry", 3), work("billing", 2)],
}
# Integrated: everything billed a day after it left, paid 30 days later (DSO 30); exceptions need an hour.
TO_BE = {
    "deals": DEALS,
    "deliveries": DELIVERIES,
    "invoices": [
        invoice("I1", "D1", "2026-01-11", 10_000_00),
        invoice("I2", "D2", "2026-02-06", 10_000_00),
        invoice("I3", "D3", "2026-02-04", 1_000_00),
    ],
    "receipts": [
        receipt("R1", "2026-02-10", 10_000_00),
        receipt("R2", "2026-03-08", 10_000_00),
        receipt("R3", "2026-03-06", 1_000_00),
    ],
    "applications": [
        applied("R1", "I1", "2026-02-10", 10_000_00),
        applied("R2", "I2", "2026-03-08", 10_000_00),
        applied("R3", "I3", "2026-03-06", 1_000_00),
    ],
    "work": [work("order_entry", 1), work("support", 1)],
}


@pytest.fixture
def pair(record):
    return (
        record(manifest={**PERIOD, "scenario": "by hand"}, **AS_IS),
        record(manifest={**PERIOD, "scenario": "integrated", "trace_hash": "ab" * 32}, **TO_BE),
    )


@pytest.fixture
def result(pair):
    return roi_from_records(*pair, load_assumptions(), draws=50)


def test_the_measures_come_from_the_runs_scaled_to_a_year(result):
    measured = {f.kpi: (f.as_is, f.to_be) for f in result.measured}
    expected = {
        "touch.hours.order_entry": (3 * YEAR, 1 * YEAR),
        "touch.hours.billing": (2 * YEAR, D(0)),
        "touch.hours.support": (D(0), 1 * YEAR),
        "billing.errors": (1 * YEAR, D(0)),
        "leakage.share": (D(1) / 21, D(0)),
        "dso.ledger": (D(40), D(30)),
        "invoices.net": (20_000 * YEAR, 21_000 * YEAR),
        "deals.amount": (21_000 * YEAR, 21_000 * YEAR),
    }
    for kpi, (as_is, to_be) in expected.items():
        assert abs(measured[kpi][0] - as_is) < D("1e-9"), kpi
        assert abs(measured[kpi][1] - to_be) < D("1e-9"), kpi


def test_cash_released_is_days_gained_on_the_revenue_of_the_runs_as_is(result):
    assert cents(result.cash_released) == cents(10 * 20_000 * YEAR / 365) == D("2222.22")
    assert result.case.cash.basis == "dso.ledger"


def test_the_net_annual_benefit_and_the_npv_follow_by_hand(result):
    order_entry = 2 * YEAR * 42 * D("0.5") * D("0.85")
    billing = 2 * YEAR * 40 * D("0.5") * D("0.85")
    support = -1 * YEAR * 48 * D("1.15")  # extra work counts in full and its risk makes it larger
    errors = 1 * YEAR * 10 * D("0.9")
    leakage = 1_000 * YEAR * D("0.7")
    financing = 10 * 20_000 * YEAR / 365 * D("0.065") * D("0.9")
    benefits = order_entry + billing + support + errors + leakage + financing
    yearly = 210_000 * D("1.05")
    assert cents(result.net_annual_benefit) == cents(benefits - yearly)
    flows = [-420_000 * D("1.1"), benefits / 2 - yearly, benefits - yearly, benefits - yearly]
    assert [cents(f) for f in result.appraisal.net_cash_flows] == [cents(f) for f in flows]
    assert cents(result.npv) == cents(sum(f / D("1.08") ** t for t, f in enumerate(flows)))
    assert result.appraisal.irr == "none"  # money goes out in every year
    assert result.appraisal.payback_years is None


def test_an_error_is_worth_only_what_the_clerks_hours_do_not_hold_already(result):
    names = [b.name for b in result.appraisal.benefits]
    assert "billing errors besides clerk hours" in names
    assert len(names) == len(set(names))


def test_every_figure_says_where_it_comes_from(result):
    assert [(r.scenario, r.seed, r.days) for r in (*result.as_is, *result.to_be)] == [
        ("by hand", "7", 90),
        ("integrated", "7", 90),
    ]
    assert result.to_be[0].trace_hash == "ab" * 32
    assert {a.key: a.source for a in result.assumptions} == {a.key: a.source for a in load_assumptions()}
    text = " ".join(result.notes)
    assert "dso.ledger in both runs" in text
    assert f"{len(result.assumptions)} of {len(result.assumptions)} assumptions are placeholders" in text
    assert "365 ÷ 90" in text
    assert "One pair of runs" in text


def test_the_figures_agree_with_the_kpi_report(pair, result):
    kpis = compute_kpis(pair[0])
    measures = measure_run(pair[0])
    assert float(measures.dso_days) == kpis["dso.ledger"].value
    assert cents(measures.credit_revenue) == cents(kpis["invoices.net"].value * 365 / 90)


def test_billing_sooner_releases_cash_that_no_dso_sees_and_counts_when_asked(pair):
    # Value-weighted days from goods issue to the first invoice: 5 and 4 by hand, 1 integrated.
    with_lag = roi_from_records(*pair, load_assumptions(), dso_basis="dso.ledger+dso.invoice_lag", draws=10)
    days = with_lag.case.cash.dso_before - with_lag.case.cash.dso_after
    assert abs(days - D("13.5")) < D("1e-9")
    assert not any("DSO starts at the invoice" in note for note in with_lag.notes)


def test_another_dso_variant_is_used_in_both_runs(pair):
    paid = roi_from_records(*pair, load_assumptions(), dso_basis="dso.true_paid", draws=10)
    assert (paid.case.cash.dso_before, paid.case.cash.dso_after) == (D(40), D(30))
    assert paid.case.cash.basis == "dso.true_paid"


@pytest.mark.parametrize("basis", ["dso", "dso.invoice_lag", "dso.simple.books", "cei", "dso.ledger+cei"])
def test_what_is_no_cash_measure_is_refused_as_a_dso(pair, basis):
    with pytest.raises(RoiError, match=r"choose one of dso.ledger, dso.simple"):
        roi_from_records(*pair, load_assumptions(), dso_basis=basis)


def test_a_dso_that_a_run_cannot_give_is_refused_with_its_reason(pair):
    with pytest.raises(RoiError, match=r"gives no dso.simple.year: the period has 90 days"):
        roi_from_records(*pair, load_assumptions(), dso_basis="dso.simple.year")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 8}, "seed is 7 in the one and 8 in the other"),
        ({"currency": "USD"}, "currency is EUR in the one and USD in the other"),
        ({"start": "2026-01-02T00:00:00Z"}, "start is 2026-01-01.* in the one and 2026-01-02"),
        ({"horizon_end": "2026-03-31T00:00:00Z"}, "horizon_end is 2026-04-01.* in the one and 2026-03-31"),
    ],
)
def test_runs_that_differ_in_more_than_the_design_are_refused(record, pair, change, message):
    other = record(manifest={**PERIOD, **change}, **TO_BE)
    with pytest.raises(RunsNotComparable, match=message) as caught:
        roi_from_records(pair[0], other, load_assumptions())
    assert str(pair[0].directory) in str(caught.value)
    assert "changing nothing but the design" in str(caught.value)


@pytest.mark.parametrize(
    ("deals", "message"),
    [
        (DEALS[:2], "3 deals in the one, 2 in the other"),
        ([*DEALS[:2], {**DEALS[2], "amount_minor": 1_001_00}], "deal D3 has amount_minor 100000 in the one, 100100"),
        ([*DEALS[:2], {**DEALS[2], "won_at": "2026-02-02"}], "deal D3 has won_at"),
        ([*DEALS[:2], {**DEALS[2], "customer_id": "C2"}], "deal D3 has customer_id C1 in the one, C2"),
    ],
)
def test_runs_with_other_demand_are_refused(record, pair, deals, message):
    other = record(manifest=PERIOD, **{**TO_BE, "deals": deals})
    with pytest.raises(RunsNotComparable, match=message):
        roi_from_records(pair[0], other, load_assumptions())


def test_demand_in_another_order_is_the_same_demand(record, pair):
    other = record(manifest=PERIOD, **{**TO_BE, "deals": DEALS[::-1]})
    assert roi_from_records(pair[0], other, load_assumptions(), draws=2).cash_released > 0


def test_assumptions_in_another_currency_are_refused(pair):
    dollars = parse_assumptions(default_assumptions_text().replace("EUR", "USD"), "usd.yaml")
    with pytest.raises(RoiError, match="the runs are in EUR, the assumptions in USD"):
        roi_from_records(*pair, dollars)


def test_foreign_money_in_a_record_is_never_added_up(record, pair):
    mixed = [*TO_BE["receipts"][:2], {**TO_BE["receipts"][2], "currency": "USD"}]
    with pytest.raises(MixedCurrencies):
        roi_from_records(pair[0], record(manifest=PERIOD, **{**TO_BE, "receipts": mixed}), load_assumptions())


def test_a_record_without_seed_is_refused(record):
    run = record(manifest=PERIOD, **AS_IS)
    del run.manifest["seed"]
    with pytest.raises(RunRecordError, match="no 'seed'"):
        measure_run(run)


def test_hours_of_a_desk_without_a_loaded_rate_are_refused(record, pair):
    other = record(manifest=PERIOD, **{**TO_BE, "work": [work("legal", 2)]})
    with pytest.raises(RoiError, match="hours of 'legal', which has no loaded rate"):
        roi_from_records(pair[0], other, load_assumptions())


def test_leakage_that_had_no_time_to_settle_counts_as_unchanged_and_is_said(record):
    early = {**PERIOD, "end": PERIOD["horizon_end"]}
    late = [{**d, "issued_at": "2026-03-20"} for d in DELIVERIES]
    runs = [record(manifest=early, **{**tables, "deliveries": late}) for tables in (AS_IS, TO_BE)]
    result = roi_from_records(*runs, load_assumptions(), draws=2)
    assert next(b for b in result.appraisal.benefits if b.name == "leakage recovered").annual == 0
    assert next(f for f in result.measured if f.kpi == "leakage.share").as_is is None
    assert any("Leakage was not measured" in note for note in result.notes)


def test_leakage_that_one_of_several_pairs_could_not_measure_counts_in_none(record, pair):
    late = [{**d, "issued_at": "2026-03-20"} for d in DELIVERIES]
    unsettled = {**PERIOD, "end": PERIOD["horizon_end"], "seed": 8}
    second = (
        record(manifest={**unsettled, "scenario": "by hand"}, **{**AS_IS, "deliveries": late}),
        record(manifest={**unsettled, "scenario": "integrated"}, **{**TO_BE, "deliveries": late}),
    )
    result = roi_from_pairs([pair, second], load_assumptions(), draws=2)
    assert next(b for b in result.appraisal.benefits if b.name == "leakage recovered").annual == 0
    assert next(f for f in result.measured if f.kpi == "leakage.share").as_is is None


def test_leaving_the_platform_is_paid_at_the_end_of_the_horizon(pair):
    file = yaml.safe_load(default_assumptions_text())
    file["assumptions"]["cost_exit"]["value"] = 1000
    leaving = roi_from_records(*pair, parse_assumptions(yaml.safe_dump(file), "leaving.yaml"), draws=2)
    staying = roi_from_records(*pair, load_assumptions(), draws=2)
    flows = zip(leaving.appraisal.net_cash_flows, staying.appraisal.net_cash_flows, strict=True)
    assert [cents(one - other) for one, other in flows] == [0, 0, 0, D("-1100.00")]


def test_released_cash_as_an_inflow_comes_and_goes_in_the_years_stated(pair):
    file = yaml.safe_load(default_assumptions_text())
    said = {"source": "plan", "owner": "treasury"}
    del file["assumptions"]["released_cash_financing_rate"]
    file["assumptions"]["released_cash_inflow_shares"] = {"value": [0.5, 0.5], "unit": "share", **said}
    file["assumptions"]["released_cash_reversal_year"] = {"value": 3, "unit": "year", **said}
    result = roi_from_records(*pair, parse_assumptions(yaml.safe_dump(file), "inflow.yaml"), draws=2)
    assert [cents(f) for f in result.appraisal.working_capital] == [0, D("1000.00"), D("1000.00"), D("-2000.00")]
    assert all(b.kind != "financing" for b in result.appraisal.benefits)


def test_a_design_against_itself_saves_nothing_and_costs_what_it_costs(pair):
    result = roi_from_records(pair[0], pair[0], load_assumptions(), draws=2)
    assert result.cash_released == 0
    assert result.appraisal.pv_benefits == 0
    assert cents(result.npv) == cents(-result.appraisal.pv_costs)


def built_for(amount):
    """The shipped assumptions with one cost only: building, for ``amount``."""
    file = yaml.safe_load(default_assumptions_text())
    for key, entry in file["assumptions"].items():
        if key.startswith("cost_"):
            entry["value"] = amount if key == "cost_build" else 0
            entry.pop("low", None)
            entry.pop("high", None)
    return parse_assumptions(yaml.safe_dump(file), "cheap.yaml")


def days_to_break_even(result):
    """By hand: NPV is a straight line in the days, so what is missing ÷ the worth of one day."""
    financing = next(b for b in result.appraisal.benefits if b.kind == "financing")
    return 10 - result.npv / (financing.present_value / 10)


def test_break_evens_of_measured_drivers_bring_the_npv_to_zero(pair):
    result = roi_from_records(*pair, built_for(5800), draws=2)
    even = {e.driver: e for e in result.break_evens}
    assert even["dso_days_gained"].base == D(10)
    assert abs(even["dso_days_gained"].value - days_to_break_even(result)) < D("1e-9")
    assert even["discount_rate"].value == pytest.approx(result.appraisal.irr, abs=D("1e-12"))


def test_a_break_even_beyond_what_there_is_to_save_is_none(pair):
    result = roi_from_records(*pair, built_for(7200), draws=2)
    even = {e.driver: e for e in result.break_evens}
    # The project would need more days than today's DSO of 40 has.
    assert 40 < days_to_break_even(result) < 100
    assert even["dso_days_gained"].value is None


def test_several_pairs_are_averaged_and_their_spread_reaches_the_monte_carlo(record, pair):
    second = (
        record(manifest={**PERIOD, "scenario": "by hand", "seed": 8}, **AS_IS),
        record(manifest={**PERIOD, "scenario": "integrated", "seed": 8}, **AS_IS),
    )
    result = roi_from_pairs([pair, second], load_assumptions(), draws=200)
    assert result.case.cash.dso_before - result.case.cash.dso_after == D(5)
    assert result.monte_carlo.replications == 2
    # Half of the draws come from the pair that released nothing.
    assert result.monte_carlo.cash_released.percentiles[0] == 0
    assert cents(result.monte_carlo.cash_released.percentiles[100]) == D("2222.22")
    assert "dso_days_gained" in {bar.driver for bar in result.tornado}
    assert [run.seed for run in result.as_is] == ["7", "8"]
    assert not any("One pair of runs" in note for note in result.notes)


def test_pairs_that_are_no_replications_are_refused(record, pair):
    with pytest.raises(RunsNotComparable, match="same seed"):
        roi_from_pairs([pair, pair], load_assumptions())
    other = record(manifest={**PERIOD, "scenario": "another", "seed": 8}, **AS_IS)
    with pytest.raises(RunsNotComparable, match="differ in scenario"):
        roi_from_pairs([pair, (other, other)], load_assumptions())
    with pytest.raises(RoiError, match="at least one pair"):
        roi_from_pairs([], load_assumptions())


def test_the_result_is_ready_for_json_and_the_same_every_time(pair, result):
    plain = result.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert D(plain["appraisal"]["npv"]) == result.npv
    assert plain["case"]["start"] == "2026-01-01"
    assert plain == roi_from_records(*pair, load_assumptions(), draws=50).to_dict()


def test_a_made_up_half_year_by_hand_against_integrated(business):
    result = roi_from_records(business["by hand"], business["integrated"], load_assumptions(), draws=200)
    assert result.cash_released > 0
    assert result.simple.net_annual > result.net_annual_benefit
    assert result.bridge[-1].net == result.npv
    # Each bar runs between the P10 and P90 of its own triangle, inside the owner's limits.
    limits = {a.key: (a.low, a.high) for a in result.assumptions if a.low is not None}
    assert {bar.driver for bar in result.tornado} == set(limits)
    for bar in result.tornado:
        low, high = limits[bar.driver]
        assert low < min(bar.worse, bar.better) < max(bar.worse, bar.better) < high
