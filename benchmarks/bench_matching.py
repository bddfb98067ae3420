"""What each matching policy makes of generated customer masters with known truth: right, wrong, and the work left.

Options: real customers (2,000), and the seeds to run, e.g. ``bench_matching.py --customers 500 11 12``.
"""

import argparse
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from random import Random

from o2c_twin.integration.match.party_groups import POLICIES, match_masters

GENERATOR = Path(__file__).parents[1] / "tests/integration/match/customer_masters.py"


def main() -> None:
    """Print one table per seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=int, nargs="*", default=[11, 12, 13])
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--missing", type=float, default=1.0, help="multiplies the share of empty fields")
    options = parser.parse_args()
    spec = spec_from_file_location("customer_masters", GENERATOR)
    if spec is None or spec.loader is None:
        sys.exit(f"{GENERATOR} cannot be loaded; run this from a checkout with its tests")
    generator = module_from_spec(spec)
    sys.modules[spec.name] = generator
    spec.loader.exec_module(generator)
    for seed in options.seeds:
        masters = generator.make_masters(options.customers, Random(seed), options.missing)
        records = len(masters.records)
        print(f"\nseed {seed}: {options.customers:,} customers in {records:,} records")
        print(
            f"{'policy':<14} {'precision':>9} {'recall':>7} {'+ review':>8} {'queue':>6} {'per 1,000':>9} "
            f"{'well asked':>10} {'masters left':>12} {'compared':>9} {'cpu s':>6}"
        )
        for policy in POLICIES:
            began = time.process_time()
            matching = match_masters(masters.records, policy)
            cpu_s = time.process_time() - began
            got = generator.measure(masters, matching)
            precision = f"{got.precision:.4f}" if matching.groups else "-"
            well = f"{got.asked_well / got.asked:.0%}" if got.asked else "-"
            per_thousand = got.asked / records * 1e3
            print(
                f"{policy:<14} {precision:>9} {got.recall:>7.3f} {got.recall_reviewed:>8.3f} {got.asked:>6,} "
                f"{per_thousand:>9.0f} {well:>10} {got.customers:>12,} {matching.compared:>9,} {cpu_s:>6.2f}"
            )


if __name__ == "__main__":
    main()
