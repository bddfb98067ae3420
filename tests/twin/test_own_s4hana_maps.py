"""An estate's own maps at an S/4HANA system, in a run: what a file says is what stands there afterwards."""

import dataclasses
from unittest.mock import patch

from o2c_twin.integration.connectors.own_maps import own_maps
from o2c_twin.integration.mappings import shipped_files
from o2c_twin.scenarios import load
from o2c_twin.twin import run as run_module
from o2c_twin.twin.plan import SystemPlan

CHANGES = {
    "party_to_partner": (
        ("to: head.SearchTerm1, invertible: true,", "to: head.SearchTerm1, by: {pattern: {pattern: 'DE-{}'}},"),
        ("SearchTerm1: K-1", "SearchTerm1: DE-K-1"),
    ),
    "receipt_to_journal_entry": (
        ("{given: today, to: PostingDate, by: date,", "{from: entry.value_on, to: PostingDate,"),
        ("      PostingDate: 2026-01-06\n", "      PostingDate: 2026-01-05\n"),
    ),
}  # fmt: skip


def test_customers_are_numbered_as_the_estates_map_says_and_what_they_pay_is_posted(tmp_path):
    (tmp_path / "maps").mkdir()
    for name, changes in CHANGES.items():
        text = shipped_files().maps[f"maps/s4hana/{name}.yaml"]
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "maps" / f"{name}.yaml").write_text(text, encoding="utf-8")
    vendors = {"crm": "salesforce", "erp": "s4hana", "bank": "bank_iso20022"}
    systems = {role: SystemPlan(vendor, latency_s=0.2) for role, vendor in vendors.items()}
    base = load("to-be").plan(orders=20, days=25, seed=7)
    made, build = [], run_module.build_estate

    def keep(*arguments):
        made.append(build(*arguments))
        return made[-1]

    with patch.object(run_module, "build_estate", keep):
        result = run_module.run(dataclasses.replace(base, systems=systems, maps=own_maps(tmp_path)), None)
    assert not result.violations
    state = made[0].erp.state
    customers = [each.number for each in state.customers.values()]
    assert len(customers) > 3
    assert all(number.startswith("DE-") for number in customers)
    assert len(set(customers)) == len(customers)
    assert len(state.payments) > 5
