"""Every CRM with every ERP and every way to be paid: the recommended design, and every invariant is to hold.

One run a combination, `--days` virtual days each. Options: --days, --orders, --seed, --json. Exit code 1 when an
invariant is broken.
"""

import argparse
import dataclasses
import json
import sys
import time
from itertools import product

from o2c_twin.scenarios import load
from o2c_twin.twin.plan import VENDORS, RunPlan, SystemPlan
from o2c_twin.twin.run import run

_LATENCY_S = {"crm": 0.2, "erp": 0.45, "bank": 0.15, "payments": 0.2}


def plan(crm: str, erp: str, paid: str, orders: int, days: int, seed: int) -> RunPlan:
    """The plan of a combination; ``paid`` is ``transfer`` or a payment provider."""
    base = load("to-be").plan(orders=orders, days=days, seed=seed)
    vendors = {"crm": crm, "erp": erp, "bank": "bank_iso20022"}
    if paid != "transfer":
        vendors["payments"] = paid
    systems = {role: SystemPlan(vendor, latency_s=_LATENCY_S[role]) for role, vendor in vendors.items()}
    return dataclasses.replace(base, name=f"{crm}-{erp}-{paid}", systems=systems)


def main() -> None:
    """Play all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--orders", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    told = []
    for crm, erp, paid in product(VENDORS["crm"], VENDORS["erp"], ("transfer", *VENDORS["payments"])):
        if erp == "legacy_erp" and paid != "transfer":
            continue
        began = time.perf_counter()
        result = run(plan(crm, erp, paid, options.orders, options.days, options.seed), None)
        row = {"crm": crm, "erp": erp, "paid by": paid, "orders": result.orders, "calls": result.api_calls}
        row |= {"seconds": round(time.perf_counter() - began, 1), "violations": len(result.violations)}
        told.append(row | {"first": str(result.violations[0]) if result.violations else ""})
        if not options.json:
            print("  ".join(f"{value!s:<16}" for value in told[-1].values()), flush=True)
    if options.json:
        print(json.dumps(told, indent=2))
    sys.exit(1 if any(row["violations"] for row in told) else 0)


if __name__ == "__main__":
    main()
