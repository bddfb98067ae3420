"""The command: which systems, how many requests, and what was found, as text or JSON."""

import argparse
import json
import sys
from collections import Counter

from fuzz.judge import Report
from fuzz.session import fuzz
from o2c_twin.mock_systems.catalogue import names


def main(about: str | None = None) -> None:
    """Fuzz the systems and print what was found; exit code 1 with findings."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--system", action="append", choices=names())
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--show", type=int, default=10, help="findings shown of each system")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    reports = [fuzz(name, options.requests, options.seed) for name in options.system or names()]
    if options.json:
        rows = [
            {"system": r.system, "requests": r.requests, "findings": [vars(f) for f in r.findings.values()]}
            for r in reports
        ]
        print(json.dumps({"systems": rows}, indent=2))
    else:
        for report in reports:
            _tell(report, options.show)
    sys.exit(1 if any(report.findings for report in reports) else 0)


def _tell(report: Report, show: int) -> None:
    kinds = Counter(finding.kind for finding in report.findings.values())
    good = sum(count for status, count in report.statuses.items() if status < 300)
    print(
        f"{report.system:<18} {report.requests:>6,} requests, {len(report.operations):>3} operations,"
        f" {good:>6,} accepted, {len(report.written):>2} writes done, {report.seconds:6.1f} s:"
        f" {dict(kinds) or 'nothing found'}"
    )
    for finding in list(report.findings.values())[:show]:
        print(f"    {finding.operation}: {finding.kind} ({finding.count}): {finding.detail}")
        print(f"        {finding.request[:600]}")
