"""Customers who buy in other currencies: their rates, their money, and what each design makes of their orders."""

from collections import Counter
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from o2c_twin.integration.mappings.rates import Quotes, RateTable
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.reports import compute_kpis
from o2c_twin.reports.validation import checks_of
from o2c_twin.run_record import RunRecord
from o2c_twin.scenarios import load
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.estate import build_estate
from o2c_twin.twin.plan import VENDORS, RunPlan, SystemPlan, one_currency_only
from o2c_twin.twin.run import run
from o2c_twin.twin.world.population import customers
from o2c_twin.twin.world.rates import market
from o2c_twin.twin.world.settings import WorldSettings

DESIGNS = ("relabelled", "converted", "document")
WORLD = WorldSettings(orders=150, days=45, drain_days=90, foreign={"USD": 0.3, "GBP": 0.2})
FOREIGN = [(role, vendor) for role, vendors in VENDORS.items() for vendor in vendors]


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    """The three designs on the same dice: result and record."""
    found = {}
    for design in DESIGNS:
        out = tmp_path_factory.mktemp(design)
        plan = RunPlan("currencies", "", "", seed=3, design=DesignProfile(currencies=design), world=WORLD)
        found[design] = run(plan, out), RunRecord(out)
    return found


# --- rates -----------------------------------------------------------------------------------------


def test_rates_come_from_the_seed_and_hold_over_the_weekend():
    one, other = (market(WORLD, Chance(7), {}) for _ in range(2))
    assert one.table.pairs == other.table.pairs != market(WORLD, Chance(8), {}).table.pairs
    friday = 1_767_340_800_000_000  # 2026-01-02
    assert one.rate("USD", friday) == one.rate("USD", friday + 2 * 86_400_000_000)
    assert one.rate("USD", friday) != one.rate("USD", friday + 3 * 86_400_000_000)
    assert one.rate("EUR", friday) == 1


def test_what_goes_out_of_the_books_currency_comes_back_to_the_cent():
    rates, at = market(WORLD, Chance(7), {}), 1_767_340_800_000_000
    assert rates.into_books(rates.out_of_books(123_456, "GBP", at), "GBP", at) in (123_455, 123_456, 123_457)
    assert rates.exchanged(100, "USD", "USD", at) == 100


def test_rates_may_be_given_and_must_cover_the_run():
    days = range(date(2026, 1, 1).toordinal(), date(2026, 1, 1).toordinal() + 400)
    full = RateTable("ecb", {(c, "EUR"): Quotes(tuple(days), (2,) * 400) for c in ("USD", "GBP")})
    given = replace(WORLD, rates="ecb")
    assert market(given, Chance(7), {"ecb": full}).into_books(100, "USD", 1_767_340_800_000_000) == 200
    with pytest.raises(ValueError, match=r"world\.rates: no rates 'ecb'; name a folder"):
        market(given, Chance(7), {})
    with pytest.raises(ValueError, match=r"world.rates: 'ecb' has no GBP/EUR on 2026-01-01; add it"):
        market(given, Chance(7), {"ecb": RateTable("ecb", {("USD", "EUR"): full.pairs["USD", "EUR"]})})


# --- who buys --------------------------------------------------------------------------------------


def test_as_many_customers_buy_in_a_currency_as_its_share_says_and_the_others_are_who_they_were():
    chance = Chance(7)
    plain = replace(WORLD, foreign={}, customers=40)
    abroad = replace(plain, foreign={"USD": 0.25, "GBP": 0.1})
    at = 1_767_340_800_000_000
    before, after = (customers(each, chance, market(each, chance, {}), at) for each in (plain, abroad))
    assert Counter(customer.currency for customer in after) == {"EUR": 26, "USD": 10, "GBP": 4}
    at_home = {customer.customer_id for customer in after if customer.currency == "EUR"}
    assert [c for c in after if c.customer_id in at_home] == [c for c in before if c.customer_id in at_home]


@pytest.mark.parametrize(
    ("foreign", "told"),
    [
        ({"XXX": 0.1}, "no customers can buy in 'XXX'; there are: USD"),
        ({"EUR": 0.1}, "no customers can buy in 'EUR'"),
        ({"USD": 0.0}, "USD is a share above 0"),
        ({"USD": 0.7, "GBP": 0.7}, "the shares are more than all customers"),
    ],
)
def test_shares_that_make_no_sense_are_refused(foreign, told):
    with pytest.raises(ValueError, match=f"world.foreign: {told}"):
        WorldSettings(foreign=foreign)


@pytest.mark.parametrize(("role", "vendor"), FOREIGN)
def test_an_estate_that_has_one_currency_is_refused_before_anything_starts(role, vendor):
    plan = RunPlan("t", "", "", world=WORLD)
    systems = {**plan.systems, role: SystemPlan(vendor)}
    told = one_currency_only(WORLD, systems)
    assert (told is None) == (vendor in ("salesforce", "netsuite", "bank_iso20022"))
    assert one_currency_only(replace(WORLD, foreign={}), systems) is None
    if told is not None:
        with pytest.raises(ValueError, match=rf"systems\.{role}: .*; (choose|remove it).*world\.foreign"):
            build_estate(replace(plan, systems=systems), None)


# --- three designs on the same dice ------------------------------------------------------------------


def test_the_designs_meet_the_same_deals(year):
    deals = [record.table("deals") for _, record in year.values()]
    assert all(each.equals(deals[0]) for each in deals)
    assert set(deals[0]["currency"]) == {"EUR", "USD", "GBP"}


def test_document_keeps_every_currency_and_nothing_is_broken(year):
    result, record = year["document"]
    assert result.violations == []
    billed = record.table("invoices").merge(record.table("deals"), on="deal_id", suffixes=("", "_agreed"))
    assert (billed["currency"] == billed["currency_agreed"]).all()
    paid = record.table("applications").merge(record.table("receipts"), left_on="source_id", right_on="receipt_id")
    assert len(paid) and (paid["currency_x"] == paid["currency_y"]).all()


@pytest.mark.parametrize("design", ["relabelled", "converted"])
def test_the_other_designs_enter_and_bill_in_the_books_currency(year, design):
    result, record = year[design]
    assert set(record.table("orders")["currency"]) == set(record.table("invoices")["currency"]) == {"EUR"}
    found = Counter(violation.invariant for violation in result.violations)
    foreign = int((record.table("deals")["currency"] != "EUR").sum())
    assert found["order is in the currency agreed"] == foreign > 20
    assert found["order is as agreed"] == (foreign if design == "relabelled" else 0)
    # However the money is changed on the way: bank and books agree, and each receipt is posted once.
    assert found["books balance"] == found["receipt is posted once"] == 0


def test_no_receipt_in_another_currency_finds_its_invoice_where_figures_are_relabelled(year):
    _, record = year["relabelled"]
    told = record.table("cases")["reason"].tolist()
    foreign = record.table("receipts").query("currency != 'EUR'")
    asked = [reason for reason in told if reason.startswith(("paid in USD, and the books are in EUR", "paid in GBP"))]
    assert len(asked) == len(foreign) > 5


def test_each_design_is_better_than_the_one_before(year):
    kpis = {design: compute_kpis(record) for design, (_, record) in year.items()}
    for name in ("leakage.amount", "cases.opened", "touch.hours", "invariants.violations"):
        relabelled, converted, document = (kpis[design][name].value for design in DESIGNS)
        assert relabelled > converted > document, name
    for name in ("billing.errors", "dispute.rate", "orders.entry_errors"):
        relabelled, converted, document = (kpis[design][name].value for design in DESIGNS)
        assert relabelled > converted == document == 0, name
    assert kpis["document"]["leakage.amount"].value == kpis["document"]["cash.unapplied"].value == 0


@pytest.mark.parametrize("design", DESIGNS)
def test_the_figures_of_a_run_in_several_currencies_pass_every_check(year, design):
    _, record = year[design]
    missed = [check for check in checks_of(record) if not check.passed]
    assert [check.name for check in missed] == []


def test_a_run_without_foreign_customers_records_no_rates(tmp_path):
    run(RunPlan("plain", "", "", world=WorldSettings(orders=5, days=5, drain_days=5)), tmp_path)
    assert len(RunRecord(tmp_path).table("exchange_rates")) == 0


def test_clerks_without_an_engine_read_the_currency_on_the_order(tmp_path):
    plan = load("foreign-customers").plan({"topology": "manual", "currencies": "relabelled"}, orders=60, days=30)
    found = Counter(violation.invariant for violation in run(plan, tmp_path).violations)
    assert found["order is in the currency agreed"] == 0
    assert set(pd.read_parquet(tmp_path / "invoices.parquet")["currency"]) >= {"EUR", "USD"}
