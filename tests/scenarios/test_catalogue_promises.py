"""Each failure scenario shows its failure under the naive design and its cure under the recommended one."""

from collections import Counter

import pytest

from o2c_twin.reports import compute_kpis
from o2c_twin.run_record import RunRecord
from o2c_twin.scenarios import catalogue
from o2c_twin.twin.run import run

# Enough business for every mishap to strike; the shipped sizes show the same with more figures.
ORDERS, DAYS = 400, 90
# Half of that is enough where mishaps are frequent: there every promise was kept with seeds 3, 4 and 7.
HALF_IS_ENOUGH = {
    "api-throttling",
    "crm-call-limit",
    "duplicate-masters",
    "early-payment",
    "foreign-customers",
    "generous-sales",
    "intercompany",
    "late-invoices",
    "lost-replies",
    "lost-webhooks",
    "partial-shipments",
    "to-be",
    "two-entities",
}


@pytest.mark.parametrize("scenario", catalogue(), ids=lambda scenario: scenario.name)
def test_a_scenario_keeps_its_promises(scenario, tmp_path):
    """Both designs meet the same customers on the same dice; what differs is the design."""
    figures = {}
    share = 2 if scenario.name in HALF_IS_ENOUGH else 1
    size = {"orders": ORDERS // share, "days": min(scenario.world.days, DAYS // share)}
    for side in ("naive", "recommended") if scenario.naive else ("recommended",):
        plan = scenario.plan(naive=side == "naive", **size)
        result = run(plan, tmp_path / side)
        broken = Counter(violation.invariant for violation in result.violations)
        figures[side] = (compute_kpis(RunRecord(tmp_path / side)), broken)
    missed = []
    for promise in scenario.expect:
        missed += promise.failures(
            {
                side: broken[promise.subject] if promise.kind == "violation" else kpis[promise.subject].value
                for side, (kpis, broken) in figures.items()
            }
        )
    assert missed == []
