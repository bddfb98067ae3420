"""Whether cost grows linearly: processor time per order for years of 5,000, 25,000 and 100,000 orders.

Each size runs in a process of its own. Options: sizes as arguments, e.g. ``1000 5000``.
"""

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from o2c_twin.scenarios import load
from o2c_twin.twin.run import run


def measure(orders: int) -> tuple[int, float, int, float]:
    """Orders, processor seconds, API calls and peak memory in MB of one year."""
    began = time.process_time()
    result = run(load("to-be").plan(orders=orders), None)
    return orders, time.process_time() - began, result.api_calls, result.peak_memory_mb


def main() -> None:
    """Run the sizes one after the other and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", type=int, nargs="*", default=[5_000, 25_000, 100_000])
    sizes = parser.parse_args().sizes
    print(f"{'orders':>9} {'cpu s':>8} {'ms/order':>9} {'API calls':>10} {'us/call':>8} {'peak MB':>8}")
    first = None
    for size in sizes:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            orders, cpu_s, calls, peak = pool.submit(measure, size).result()
        each = cpu_s / orders * 1e3
        first = first or each
        print(
            f"{orders:>9,} {cpu_s:>8.1f} {each:>9.3f} {calls:>10,} {cpu_s / calls * 1e6:>8.1f} {peak:>8.0f}"
            f"   {each / first:.2f} of the first"
        )


if __name__ == "__main__":
    main()
