"""The same plan in virtual time and live over real sockets, and whether all systems end with the same ledgers.

Live the business runs at ``--speed`` times real time, with the engine beside and people working. With
``--skip-quiet`` the time is left out in which nothing is on the wire and nothing is due; without it, 30 days and a
drain of 45 take half an hour at 3,600 times. Prints what differs and ends with status 1 when anything does.
Options: --scenario, --orders, --days, --drain, --speed, --skip-quiet, --set AXIS=VALUE (repeatable).
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "twin"))

from test_live_and_virtual import live, virtually

from o2c_twin.scenarios import load
from o2c_twin.twin.ledger_tables import differences


def main() -> int:
    """Play the plan twice and compare; gives the process's status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default="to-be")
    parser.add_argument("--orders", type=int, default=60)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--drain", type=int, default=45)
    parser.add_argument("--speed", type=float, default=3_600.0)
    parser.add_argument("--skip-quiet", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="AXIS=VALUE")
    options = parser.parse_args()
    choices = dict(choice.split("=", 1) for choice in options.set)
    plan = load(options.scenario).plan(choices, orders=options.orders, days=options.days)
    plan = replace(plan, world=replace(plan.world, drain_days=options.drain))
    began = time.perf_counter()
    expected = virtually(plan)
    virtual_s = time.perf_counter() - began
    began = time.perf_counter()
    found = live(plan, options.speed, skip_quiet=options.skip_quiet)
    live_s = time.perf_counter() - began
    different = differences(expected, found.ledgers, ("virtual", "live"))
    print(f"virtual {virtual_s:.1f} s, live {live_s:.1f} s with {found.calls:,} calls over sockets")
    print("records: " + ", ".join(f"{count} {table}" for table, count in expected.counts().items() if count))
    print(f"ledgers: virtual {expected.digest()}, live {found.ledgers.digest()}, {len(different)} differences")
    for sentence in different:
        print(f"  {sentence}")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
