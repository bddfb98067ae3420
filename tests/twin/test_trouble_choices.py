"""What the axes make of trouble beyond the pair a scenario's file names: the values between, on the same dice."""

from functools import cache

import pytest

from o2c_twin.reports import compute_kpis
from o2c_twin.run_record import RunRecord
from o2c_twin.scenarios import load
from o2c_twin.twin.run import run


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """`played(scenario, axis=value...)` runs a small business, once; gives its record and its result."""
    folder = tmp_path_factory.mktemp("trouble")

    @cache
    def play(scenario, orders=150, **choices):
        place = folder / "-".join([scenario, *(f"{a}={v}" for a, v in choices.items())])
        result = run(load(scenario).plan(choices, orders=orders, days=40), place)
        return RunRecord(place), result

    return play


def refused_calls(record):
    calls = record.table("api_calls")
    return calls[calls["status"] == 503]


def test_a_retry_budget_alone_takes_the_peak_off_the_calls_into_an_outage_and_a_breaker_nearly_all(played):
    calls = {
        (breaker, budget): refused_calls(played("erp-outage", breaker=breaker, budget=budget)[0])
        for breaker, budget in (("off", "off"), ("off", "on"), ("on", "on"))
    }
    peak = {design: found.groupby(found["at"].dt.floor("min")).size().max() for design, found in calls.items()}
    assert peak["off", "on"] < peak["off", "off"] / 2
    assert len(calls["on", "on"]) * 5 < len(calls["off", "on"]) < len(calls["off", "off"])


def test_of_records_that_changed_each_is_work_the_flow_waits_or_they_are_left_out(played):
    seen = {}
    for contract in ("evolve", "freeze", "discard"):
        record, result = played("changed-records", contract=contract)
        cases, kpis = record.table("cases"), compute_kpis(record)
        unbilled = {v.key for v in result.violations if v.invariant == "shipped equals invoiced"}
        seen[contract] = ((cases["flow"] == "delivery").sum(), len(unbilled), kpis["dso.invoice_lag"].value)
        assert cases["closed_at"].notna().all()
    evolve, freeze, discard = seen["evolve"], seen["freeze"], seen["discard"]
    assert evolve[0] > discard[0] > freeze[0] == 1
    # Where nothing says so, somebody sees after some cases that it is the mapping: not one in the last days of seven.
    opened = played("changed-records", contract="evolve")[0].table("cases").query("flow == 'delivery'")["opened_at"]
    assert (opened.max() - opened.min()).days < 4
    assert (evolve[1], freeze[1]) == (0, 0)
    assert discard[1] > 0
    assert freeze[2] > evolve[2]
