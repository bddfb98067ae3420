"""Cash application on receipts with known truth: what each rung of the ladder applies, and what wrongly.

The receipts are those of the tests (``tests/integration/mangled_receipts.py``). A payment is right when every
amount on every invoice, and every charge, discount, deduction and remainder, is as it was meant; a wrong post
puts cash on an invoice it was not meant for. Options: --receipts N, --seed S.
"""

import argparse
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "integration"))

from cash_score import LADDER, Score, add, decide
from mangled_receipts import TODAY, receipts

from o2c_twin.integration.match.cash import CashPolicy


def measure(policy: CashPolicy, count: int, seed: int) -> tuple[Score, float]:
    """The score of one policy, and processor microseconds a receipt, generation excluded."""
    score, took = Score(), 0.0
    for ledger, truth in receipts(random.Random(seed).random, count):
        began = time.process_time()
        decision = decide(ledger, truth, policy, TODAY.isoformat())
        took += time.process_time() - began
        add(score, decision, truth)
    return score, took / count * 1e6


def main() -> None:
    """Print a row for each policy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--receipts", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    print(f"{options.receipts:,} receipts, seed {options.seed}")
    heads = f"{'payments':>9} {'lines':>8} {'value':>8} {'wrong':>8} {'uneven':>8} {'unapplied':>10} {'us':>6}"
    print(f"{'policy':<24} {heads}")
    for name, policy in LADDER.items():
        score, us = measure(policy, options.receipts, options.seed)
        n = score.payments
        print(
            f"{name:<24} {score.right / n:>9.2%} {score.lines_right / score.lines:>8.2%}"
            f" {score.value_right / score.value:>8.2%} {score.wrong / n:>8.3%} {score.uneven / n:>8.2%}"
            f" {score.unapplied / n:>10.2%} {us:>6.0f}"
        )


if __name__ == "__main__":
    main()
