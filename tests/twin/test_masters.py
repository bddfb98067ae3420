"""Credit decides in the ERP, sales types in the CRM: what both hold in the end, whoever makes the systems."""

from collections import Counter
from dataclasses import replace

import pytest

from o2c_twin.scenarios import catalogue
from o2c_twin.twin.plan import SystemPlan
from o2c_twin.twin.run import run
from o2c_twin.twin.world.credit_reviews import granted
from o2c_twin.twin.world.population import Customer

GENEROUS = next(scenario for scenario in catalogue() if scenario.name == "generous-sales")
IN_ERP, AT_SALES = "terms and limits are what credit agreed", "sales reads the terms credit agreed"


def plan_of(**choices):
    plan = GENEROUS.plan(orders=120, days=45)
    return replace(plan, world=replace(plan.world, drain_days=21), design=replace(plan.design, **choices))


def broken(crm="salesforce", erp="netsuite", **choices):
    plan = plan_of(**choices)
    plan = replace(plan, systems={**plan.systems, "crm": SystemPlan(crm), "erp": SystemPlan(erp)})
    return Counter(violation.invariant for violation in run(plan, None).violations)


@pytest.mark.parametrize("trigger", ["webhook", "nightly"])
@pytest.mark.parametrize("erp", ["netsuite", "s4hana", "business_central"])
@pytest.mark.parametrize("crm", ["salesforce", "hubspot"])
def test_what_credit_agreed_holds_on_both_sides_for_every_vendor(crm, erp, trigger):
    # Without a sweep it is the pushes that are heard; S/4HANA pushes no deliveries, and does not bill them then.
    assert not {IN_ERP, AT_SALES} & set(broken(crm, erp, trigger_erp=trigger, sweep="off"))


@pytest.mark.parametrize("value", ["crm", "last-change"])
def test_where_sales_may_write_what_it_wrote_stands_in_the_erp(value):
    found = broken(master_credit=value)
    assert found[IN_ERP] > 0
    assert found[AT_SALES] > 0
    assert set(found) == {IN_ERP, AT_SALES}


@pytest.mark.parametrize(
    "choices", [{"survivorship": "golden"}, {"master_customer": "erp"}, {"delivery": "naive-retry"}]
)
def test_it_holds_with_the_other_choices_too(choices):
    assert broken(**choices) == {}


def test_of_every_account_of_a_customer():
    plan = plan_of()
    plan = replace(plan, world=replace(plan.world, duplicate_accounts=0.3))
    assert run(plan, None).violations == []


def test_the_old_erp_is_refused_before_anything_happens():
    told = r"^master_credit 'erp' cannot be had of systems\.erp: this ERP tells nothing .*; choose 'crm'$"
    with pytest.raises(ValueError, match=told):
        broken(erp="legacy_erp")


def test_nobody_is_held_to_an_agreement_where_nobody_reviews():
    plan = plan_of(master_credit="crm")
    assert run(replace(plan, world=replace(plan.world, credit_review_days=0.0)), None).violations == []


@pytest.mark.parametrize(
    ("punctuality", "looks", "terms", "limit"),
    [(-1.0, 5, 60, 1_000_000), (2.5, 1, 60, 1_000_000), (2.5, 2, 14, 500_000), (1.0, 2, 30, 750_000)],
)
def test_a_bad_payers_limit_is_cut_and_its_terms_are_shortened_when_it_is_known(punctuality, looks, terms, limit):
    customer = Customer("C1", "Acme", "K1", "Berlin", 60, 1_000_000, "DE", 0.1, punctuality, None, "EUR")
    agreed = granted(customer, looks)
    assert (agreed.terms_days, agreed.credit_limit_minor) == (terms, limit)
