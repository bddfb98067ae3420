"""Random mixes of faults on all systems, and the recommended design: every invariant is to hold in each of them.

A mix draws two to five faults (lost replies, resets, refused connections, errors, throttling, malformed answers,
slowness, maintenance, webhooks lost, doubled and out of order), each on one system, with a share of the calls or a
window of time. Options: --mixes N, --days N, --orders N, --first N, --crm, --erp, --json. Exit code 1 when an
invariant is broken; each mix can be played alone again by its number.
"""

import argparse
import dataclasses
import json
import random
import sys
import time
from typing import Any

from o2c_twin.mock_systems.wire import faults
from o2c_twin.scenarios import load
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.run import run

_DAY_S = 86_400.0


def _fault(dice: random.Random, days: int) -> faults.AnyFault:
    share = dice.choice((0.002, 0.01, 0.03, 0.08))
    kind = dice.randrange(12)
    begins = dice.uniform(0, days - 1) * _DAY_S
    window: dict[str, Any] = {"from_s": begins, "until_s": begins + dice.choice((600.0, 3_600.0, 6 * 3_600.0))}
    made: list[faults.AnyFault] = [
        faults.LostReply(probability=share),
        faults.LostReply(probability=share, how="reset"),
        faults.ConnectionRefused(probability=share),
        faults.ConnectionReset(probability=share),
        faults.TimeoutBefore(probability=share),
        faults.ServerError(probability=share, status=dice.choice((500, 502, 503))),
        faults.Throttled(probability=share),
        faults.MalformedBody(probability=share),
        faults.Latency(probability=share * 5, median_s=dice.choice((2.0, 20.0))),
        faults.MaintenanceWindow(**window),
        faults.LostWebhook(probability=share * 3),
        dice.choice((faults.DuplicatedWebhook(probability=0.2), faults.ReorderedWebhook(probability=0.3))),
    ]
    return made[kind]


def mix(number: int, orders: int, days: int, crm: str, erp: str) -> RunPlan:
    """The plan of a mix."""
    dice = random.Random(f"mix {number}")
    plan = load("to-be").plan(orders=orders, days=days, seed=number)
    struck: dict[str, tuple[faults.AnyFault, ...]] = {}
    for _ in range(dice.randint(2, 5)):
        role = dice.choice(("crm", "erp", "erp", "bank"))
        struck[role] = (*struck.get(role, ()), _fault(dice, days))
    vendors = {"crm": crm, "erp": erp, "bank": "bank_iso20022"}
    systems = {
        role: SystemPlan(vendor, latency_s=plan.systems[role].latency_s, faults=struck.get(role, ()))
        for role, vendor in vendors.items()
    }
    return dataclasses.replace(plan, name=f"mix {number}", systems=systems)


def main() -> None:
    """Play the mixes and print what broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mixes", type=int, default=200)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--orders", type=int, default=40)
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--crm", default="salesforce")
    parser.add_argument("--erp", default="netsuite")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    began, broken, calls = time.monotonic(), {}, 0
    for number in range(options.first, options.first + options.mixes):
        result = run(mix(number, options.orders, options.days, options.crm, options.erp), None)
        calls += result.api_calls
        if result.violations:
            broken[number] = [f"{v.invariant}: {v.key}: {v.detail}" for v in result.violations]
    told = {"mixes": options.mixes, "broken": broken, "calls": calls, "wall_s": round(time.monotonic() - began, 1)}
    print(json.dumps(told, indent=2))
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
