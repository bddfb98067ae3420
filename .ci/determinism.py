"""The determinism gate: the same scenario and seed give the same trace hash in every process.

Runs one scenario in processes with different hash seeds, one after another and then side by side,
and once with another seed, which must give another hash: a hash that never changes proves nothing.
Exit status 0 when all holds, 1 when not.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

SCENARIO = ("run", "to-be", "--days", "20", "--orders", "400", "--json")
SEED, OTHER_SEED = 7, 8
LONGEST_SECONDS = 600


class GateFailed(Exception):
    """The gate does not hold; the message says what was found and how to see it again."""


@dataclass(frozen=True)
class Attempt:
    """One run in a process of its own."""

    seed: int
    hash_seed: int

    def shown(self, o2c: str) -> str:
        """The command as a person would type it."""
        return f"PYTHONHASHSEED={self.hash_seed} " + shlex.join([o2c, *SCENARIO, "--seed", str(self.seed)])

    def trace_hash(self, o2c: str) -> str:
        """Run, and return the trace hash. Raises GateFailed when the run gives none."""
        try:
            done = subprocess.run(
                [o2c, *SCENARIO, "--seed", str(self.seed)],
                env={**os.environ, "PYTHONHASHSEED": str(self.hash_seed)},
                capture_output=True,
                text=True,
                timeout=LONGEST_SECONDS,
                check=False,
            )
        except OSError as error:
            raise GateFailed(f"cannot start {o2c}: {error.strerror}. Install with: make dev") from error
        except subprocess.TimeoutExpired as error:
            raise GateFailed(f"no end after {LONGEST_SECONDS} s\n  {self.shown(o2c)}") from error
        if done.returncode != 0:
            raise GateFailed(f"exit status {done.returncode}\n  {self.shown(o2c)}\n{done.stderr[-2000:]}")
        try:
            found = json.loads(done.stdout)["trace_hash"]
        except (ValueError, KeyError, TypeError) as error:
            raise GateFailed(
                f'no JSON object with "trace_hash" on standard output\n  {self.shown(o2c)}\n{done.stdout[-2000:]}'
            ) from error
        if not (isinstance(found, str) and found):
            raise GateFailed(f'"trace_hash" is {found!r}, not a hash\n  {self.shown(o2c)}')
        return found


def check(o2c: str) -> str:
    """Return the one trace hash of the seed. Raises GateFailed."""
    one, two = Attempt(SEED, hash_seed=1), Attempt(SEED, hash_seed=2)
    serial = [attempt.trace_hash(o2c) for attempt in (one, two)]
    side_by_side = [one, two, Attempt(OTHER_SEED, hash_seed=1)]
    with ThreadPoolExecutor(len(side_by_side)) as pool:
        *parallel, other = pool.map(lambda attempt: attempt.trace_hash(o2c), side_by_side)
    if len({*serial, *parallel}) > 1:
        found = [
            f"  {value}  {attempt.shown(o2c)}{note}"
            for values, note in ((serial, ""), (parallel, "   (side by side with other runs)"))
            for value, attempt in zip(values, (one, two), strict=True)
        ]
        raise GateFailed("one seed gave different runs\n" + "\n".join(found))
    if other == serial[0]:
        raise GateFailed(f"seeds {SEED} and {OTHER_SEED} gave the same trace hash {other}: it does not see the run")
    return serial[0]


def main() -> int:
    """Run the gate and print its verdict."""
    parser = argparse.ArgumentParser(description="Same scenario, same seed: same trace hash in every process.")
    parser.add_argument("--o2c", default=str(Path(sys.executable).parent / "o2c"), help="the o2c command to try")
    o2c = parser.parse_args().o2c
    try:
        found = check(o2c)
    except GateFailed as error:
        print(f"determinism gate FAILED: {error}", file=sys.stderr)
        return 1
    print(f"determinism gate passed: seed {SEED} is {found} in 4 runs, seed {OTHER_SEED} differs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
