"""From a scenario to the plan of a run: designs, overrides, and what the catalogue promises."""

from decimal import Decimal
from typing import get_args

import pytest

from o2c_twin.integration.profile import AXES
from o2c_twin.mock_systems.vendors import business_central, hubspot, s4hana
from o2c_twin.mock_systems.vendors.bank_files.config import Format
from o2c_twin.mock_systems.vendors.netsuite.config import Tier
from o2c_twin.mock_systems.vendors.salesforce.config import Edition
from o2c_twin.reports.kpis import DEFINITIONS
from o2c_twin.scenarios import Expectation, ScenarioError, catalogue, load, names, parse, text_of
from o2c_twin.scenarios.expectations import condition
from o2c_twin.scenarios.sections import PLANS, RHYTHM, SYSTEM
from o2c_twin.twin.plan import VENDORS, RunPlan

FAILURES = [
    "api-throttling",
    "changed-records",
    "credit-hold-loop",
    "crm-call-limit",
    "duplicate-masters",
    "early-payment",
    "erp-outage",
    "foreign-customers",
    "generous-sales",
    "intercompany",
    "late-invoices",
    "lost-replies",
    "lost-webhooks",
    "partial-shipments",
    "short-payments",
    "shuffled-notices",
    "two-entities",
]


def test_the_catalogue_lists_the_pair_first_and_then_the_failures():
    assert [scenario.name for scenario in catalogue()] == ["as-is", "to-be", *FAILURES]
    assert names() == sorted(["as-is", "to-be", *FAILURES])


@pytest.mark.parametrize("name", ["as-is", "to-be", *FAILURES])
def test_a_shipped_scenario_tells_its_story_under_its_own_name(name):
    scenario = load(name)
    assert scenario.name == name
    assert 10 <= len(scenario.title) <= 70
    assert len(scenario.story.split()) >= 60
    assert scenario.expect


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_has_a_naive_design_that_differs_from_the_recommended_one(name):
    scenario = load(name)
    recommended, naive = scenario.plan(), scenario.plan(naive=True)
    assert recommended.design != naive.design
    assert (naive.name, naive.seed, naive.world) == (f"{name}:naive", recommended.seed, recommended.world)
    assert naive.systems == recommended.systems
    assert any(each.naive for each in scenario.expect)


def test_the_demonstration_pair_differs_in_the_design_only():
    as_is, to_be = load("as-is").plan(), load("to-be").plan()
    assert (as_is.seed, as_is.world, as_is.systems) == (to_be.seed, to_be.world, to_be.systems)
    assert (as_is.design.topology, to_be.design.topology) == ("manual", "hub")
    assert (as_is.world.orders, as_is.world.days) == (5_000, 365)


@pytest.mark.parametrize("scenario", catalogue(), ids=lambda s: s.name)
def test_expectations_name_kpis_that_exist(scenario):
    assert {e.subject for e in scenario.expect if e.kind == "kpi"} <= set(DEFINITIONS)


def test_overrides_replace_seed_orders_and_days():
    plan = load("lost-replies").plan(seed=99, orders=10, days=5, transport="asgi")
    assert (plan.seed, plan.world.orders, plan.world.days, plan.transport) == (99, 10, 5, "asgi")


def test_choices_come_after_the_naive_design():
    plan = load("lost-replies").plan({"delivery": "fire-and-forget", "trigger": "poll"}, naive=True)
    assert (plan.design.delivery, plan.design.trigger) == ("fire-and-forget", "poll")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"choices": {"delivry": "x"}}, "choice delivry=x: no design axis 'delivry'; did you mean 'delivery'?"),
        ({"choices": {"topology": "hbu"}}, "choice topology=hbu: no value 'hbu'; did you mean 'hub'?"),
        ({"naive": True}, "scenario 'to-be' has no naive design"),
        ({"orders": 0}, "orders is '0'; write a whole number from 1"),
        ({"days": 4_000}, "days is '4000'; write a whole number from 1 to 3660"),
        ({"seed": -1}, "seed is '-1'; write a whole number from 0"),
    ],
)
def test_a_plan_that_cannot_be_says_why(options, said):
    with pytest.raises(ScenarioError) as caught:
        load("to-be").plan(**options)
    assert said in str(caught.value)
    assert len(caught.value.problems) == 1


def test_a_plan_of_a_weekend_is_refused():
    weekend = parse("title: t\nstory: s\ndays: 3\nworld: {start: 2026-01-02}\n", "weekend.yaml", load)
    assert weekend.plan().world.days == 3
    later = parse("title: t\nstory: s\ndays: 3\nworld: {start: 2026-01-03}\n", "weekend.yaml", load)
    with pytest.raises(ScenarioError, match="2 days from 2026-01-03 hold no working day; make it longer"):
        later.plan(days=2)


def test_a_shipped_file_is_a_start_for_ones_own(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(text_of("lost-replies"))
    assert load(path).plan() == load("lost-replies").plan()
    with pytest.raises(ScenarioError, match="no scenario 'as_is'; did you mean 'as-is'"):
        text_of("as_is")


def test_scenarios_that_extend_each_other_are_refused(monkeypatch):
    shelf = {"as-is": "extends: to-be\n", "to-be": "extends: as-is\n"}
    monkeypatch.setattr("o2c_twin.scenarios.library.text_of", shelf.__getitem__)
    with pytest.raises(ScenarioError, match=r"'as-is' extends itself \(as-is -> to-be -> as-is\); break the circle"):
        load("as-is")


def test_the_tables_of_keys_cover_what_a_plan_has():
    plan = RunPlan("", "", "")
    assert set(RHYTHM) == set(plan.rhythm.__dataclass_fields__)
    assert {*SYSTEM, "faults"} == set(plan.systems["erp"].__dataclass_fields__)


def test_the_plans_of_a_vendor_are_those_its_dialect_knows():
    assert {
        "salesforce": set(get_args(Edition)),
        "netsuite": set(get_args(Tier)),
        "hubspot": set(get_args(hubspot.config.Tier)),
        "business_central": set(get_args(business_central.config.Plan)),
        "s4hana": set(get_args(s4hana.Front)),
        "legacy_erp": {"file", "table", "queue"},
        "bank_files": set(get_args(Format)),
        "stripe": {"page", "debit"},
    } == {vendor: set(plans) for vendor, plans in PLANS.items()}
    assert set(PLANS) <= {vendor for vendors in VENDORS.values() for vendor in vendors}


def test_every_axis_has_a_default_a_file_can_name():
    for axis, values in AXES.items():
        for value in values:
            text = f"title: t\nstory: s\ndesign: {{{axis}: {value}}}\n"
            assert getattr(parse(text, "axis.yaml", load).design, axis) == value


@pytest.mark.parametrize(
    ("naive", "recommended", "figures", "missed"),
    [
        ("> 0", "= 0", {"naive": 3, "recommended": 0}, []),
        ("> 0", "= 0", {"naive": 0, "recommended": 0}, ["x, naive: expected > 0, found 0"]),
        ("> 0", "= 0", {"naive": 3, "recommended": 1}, ["x, recommended: expected = 0, found 1"]),
        ("> 0", "= 0", {"recommended": 1}, ["x, recommended: expected = 0, found 1"]),
        ("> recommended", None, {"naive": 2.5, "recommended": 2.4}, []),
        (
            "> recommended",
            None,
            {"naive": 2.4, "recommended": 2.4},
            ["x, naive: expected > recommended (2.4), found 2.4"],
        ),
        ("> recommended", None, {"naive": 2.4}, []),
        (
            "> recommended",
            None,
            {"naive": 2.4, "recommended": None},
            ["x, naive: expected > recommended (None), found 2.4"],
        ),
        (None, "!= 0", {"naive": None, "recommended": None}, ["x, recommended: expected != 0, but it has no value"]),
        (None, "= 0.10", {"recommended": Decimal("0.1")}, []),
    ],
)
def test_an_expectation_says_what_was_missed(naive, recommended, figures, missed):
    sides = [text and condition(text, side) for text, side in ((naive, "naive"), (recommended, "recommended"))]
    assert Expectation("kpi", "x", *sides).failures(figures) == missed
