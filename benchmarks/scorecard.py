"""The scorecard: what the project promises, what was measured, and whether it was met.

Promises are in this file, measurements in ``results/NAME.json``, one file a promise; ``docs/scorecard.md`` is made from
both and never edited. What nobody has measured is listed as not measured.

    python benchmarks/scorecard.py                      write the page
    python benchmarks/scorecard.py names                the promises, and what measures each
    python benchmarks/scorecard.py record NAME --value TEXT [--value TEXT] --met yes|no --how COMMAND [--note TEXT]
                                                        keep a measurement, and write the page
"""

import argparse
import difflib
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import msgspec

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "scorecard.md"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TESTS = "pytest -rP "


@dataclass(frozen=True, slots=True)
class Claim:
    """A promise: ``asked`` is what must be measured for it to be met.

    ``measured_by`` is the command that measures it, empty while there is none.
    """

    name: str
    group: str
    title: str
    asked: str
    measured_by: str


class Result(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A measurement. ``asked`` is what was asked when it was made, ``when`` the ISO date (UTC), ``how`` the command."""

    name: str
    asked: str
    values: tuple[str, ...]
    how: str
    when: str
    machine: str
    met: bool
    note: str = ""


class ScorecardError(ValueError):
    """Something does not fit; the message names the place and the remedy."""


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "crash-points",
        "Effectively once",
        "The engine dies at every edge, up to three deaths deep, against systems of all four guards",
        "at least 2,000 crash points in at most 60 s; 0 lost, 0 doubled; each blind outcome exactly one case",
        _TESTS + "tests/integration/test_crash_points.py tests/integration/test_crash_classes.py",
    ),
    Claim(
        "kill-sqlite",
        "Effectively once",
        "Real `kill -9` of a live engine, journal on SQLite",
        "200 kills: 0 orders lost, 0 doubled",
        "python benchmarks/kill_engine.py --kills 200",
    ),
    Claim(
        "kill-postgresql",
        "Effectively once",
        "Real `kill -9` of live engines, two workers on one PostgreSQL journal",
        "200 kills: 0 orders lost, 0 doubled",
        "python benchmarks/kill_engine.py --kills 200 --workers 2 --journal postgresql+pg8000://USER@HOST/DATABASE",
    ),
    Claim(
        "recovery",
        "Effectively once",
        "From the start of the process to its first resumed call, 10,000 effects in flight: engine and service",
        "p95 at most 1 s",
        "python benchmarks/bench_durable.py",
    ),
    Claim(
        "live-and-virtual",
        "Effectively once",
        "The same business live and in virtual time",
        "the same ledgers",
        "python benchmarks/live_and_virtual.py",
    ),
    Claim(
        "durable-step",
        "Effectively once",
        "A durable step on SQLite, synchronous FULL, beside a step of dbos",
        "p50 at most 0.5 ms",
        "python benchmarks/bench_durable.py",
    ),
    Claim(
        "order-of-events",
        "Order and load",
        "A thousand schedules of late, doubled and reordered notices, and one poisoned key",
        "no inversion within a key; the poisoned key delays others by nothing",
        _TESTS + "tests/integration/test_schedules.py",
    ),
    Claim(
        "quota",
        "Order and load",
        "A backlog against a vendor's quota",
        "at least 95 % of the quota used, at most 1 % of calls refused (429)",
        _TESTS + "tests/integration/test_lines.py -k quota",
    ),
    Claim(
        "outage",
        "Order and load",
        "A system is away for 30 minutes",
        "amplification at most 1.2, and no herd when it is back",
        _TESTS + "tests/integration/test_lines.py -k outage",
    ),
    Claim(
        "reconciliation",
        "Agreement",
        "5 % of webhooks and 1 % of deletes are lost",
        "agreement within one sweep at no more than 5 % of the quota; no false repair",
        _TESTS + "tests/integration/reconcile/test_sweeps.py",
    ),
    Claim(
        "fault-mixes",
        "Agreement",
        "200 random mixes of faults on all systems, 20 days each",
        "every invariant holds in every mix",
        "python benchmarks/fault_mixes.py --mixes 200 --days 20",
    ),
    Claim(
        "matrix",
        "Agreement",
        "Every CRM with every ERP and every way to be paid: 18 combinations, and each CRM with the legacy ERP",
        "every invariant holds in every combination",
        "python benchmarks/matrix.py",
    ),
    Claim(
        "cash",
        "Matching",
        "10,000 receipts with known truth",
        "at least 92 % of payments right and at most 0.1 % wrong; told by payment and by line",
        "python benchmarks/bench_cash.py --receipts 10000",
    ),
    Claim(
        "duplicate-customers",
        "Matching",
        "Customer masters with known truth",
        "precision at least 0.98 automatic; recall at least 0.95 with review",
        "python benchmarks/bench_matching.py",
    ),
    Claim(
        "mapping-refusals",
        "Governance",
        "Map files that do not fit",
        "each is refused when it is loaded, with file, line and remedy",
        _TESTS + "tests/integration/mappings/test_refused_files.py",
    ),
    Claim(
        "roles",
        "Governance",
        "The table of roles and operations",
        "every cell is what is checked",
        _TESTS + "tests/integration/governance/test_roles.py",
    ),
    Claim(
        "audit",
        "Governance",
        "Tampering with the audit trail",
        "all of it is found, with its place",
        _TESTS + "tests/integration/governance/test_audit_trail.py",
    ),
    Claim(
        "erasure",
        "Governance",
        "Erasing a person",
        "nothing kept tells who it was, the audit trail still verifies, what a legal hold keeps is kept",
        _TESTS + "tests/integration/governance/test_personal_data.py",
    ),
    Claim(
        "real-clients",
        "Mock systems",
        "Calls of the vendors' own or public clients, unmodified",
        "calls passed of calls tried, told for each vendor",
        _TESTS + 'tests/mock_systems/vendors -k "client or over_a_socket or mt940_file or bai2_file or ofx_file"',
    ),
    Claim(
        "live-throughput",
        "Mock systems",
        "Live requests per second, beside mountebank, mockoon, prism and moto",
        "told beside all four from the same run",
        "python benchmarks/bench_live.py --npm FOLDER --moto PROGRAM",
    ),
    Claim(
        "fuzz",
        "Mock systems",
        "Requests nobody should send, at every operation of every system",
        "2,000 requests a system: no crash, no 5xx, no refusal that changed the books",
        "python benchmarks/fuzz_systems.py --requests 2000",
    ),
    Claim(
        "year",
        "The twin",
        "A business year of 25,000 orders",
        "told: seconds, cost of a call as a multiple of a bare Starlette route, memory",
        "python benchmarks/bench_year.py --orders 25000",
    ),
    Claim(
        "linearity",
        "The twin",
        "Years of 5,000, 25,000 and 100,000 orders",
        "cost per order does not grow with their number",
        "python benchmarks/bench_linear.py",
    ),
    Claim(
        "determinism",
        "The twin",
        "One seed in different processes",
        "the same trace hash; with another seed another one",
        "make determinism",
    ),
)
_BY_NAME: Mapping[str, Claim] = MappingProxyType({claim.name: claim for claim in CLAIMS})


def claim_named(name: str) -> Claim:
    """The claim of that name. Raises `ScorecardError`."""
    if name not in _BY_NAME:
        near = difflib.get_close_matches(name, _BY_NAME, 1)
        raise ScorecardError(
            f"no claim {name!r}; {f'did you mean {near[0]!r}?' if near else 'see: scorecard.py names'}"
        )
    return _BY_NAME[name]


def read_results(folder: Path = RESULTS) -> dict[str, Result]:
    """All results by name. Raises `ScorecardError` for a file that is none, or that was made for another promise."""
    results: dict[str, Result] = {}
    for path in sorted(folder.glob("*.json")):
        place = f"{folder.name}/{path.name}"
        try:
            result = msgspec.json.decode(path.read_bytes(), type=Result)
            claim = claim_named(result.name)
        except (msgspec.MsgspecError, UnicodeDecodeError, ScorecardError) as bad:
            raise ScorecardError(f"{place}: {bad}; record it anew") from bad
        if path.stem != result.name:
            raise ScorecardError(f"{place}: is the result of {result.name}; name the file {result.name}.json")
        if result.asked != claim.asked:
            raise ScorecardError(f"{place}: something else was asked when it was measured; measure and record it anew")
        _check(result, place)
        results[result.name] = result
    return results


def _check(result: Result, place: str) -> None:
    if not result.values or not all(value.strip() for value in result.values):
        raise ScorecardError(f"{place}: values: nothing was measured; give at least one value")
    if not result.how.strip():
        raise ScorecardError(f"{place}: how: is empty; give the command that measured it")
    if not _DAY.fullmatch(result.when):
        raise ScorecardError(f"{place}: when: {result.when!r} is no date; give it as 2026-01-31")


def record(result: Result, folder: Path = RESULTS) -> Path:
    """Keep a result in the place of an older one. Raises `ScorecardError`."""
    claim_named(result.name)
    _check(result, result.name)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.name}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    return path


def page(results: Mapping[str, Result], claims: Iterable[Claim] = CLAIMS) -> str:
    """The scorecard as Markdown."""
    listed = tuple(claims)
    measured = [results[claim.name] for claim in listed if claim.name in results]
    met = sum(result.met for result in measured)
    failed, open_ = len(measured) - met, len(listed) - len(measured)
    parts = [
        "# Scorecard\n",
        "Made from `benchmarks/results/` by `python benchmarks/scorecard.py`; do not edit by hand.\n",
        f"{len(listed)} promises: {met} met, {failed} not met, {open_} not measured.\n"
        "Seconds are those of the machine named with each; run the command to have your own.\n",
    ]
    for group in dict.fromkeys(claim.group for claim in listed):
        rows = [
            f"| {_cell(claim.title)} | {_cell(claim.asked)} | {_told(results.get(claim.name))} |"
            for claim in listed
            if claim.group == group
        ]
        parts += [f"## {group}\n", "| promise | asked | measured | met |\n| --- | --- | --- | --- |", *rows, ""]
    parts += ["## How each is measured\n", "| promise | command | when | on |\n| --- | --- | --- | --- |"]
    parts += [_measured(claim, results.get(claim.name)) for claim in listed]
    return "\n".join(parts) + "\n"


def _told(result: Result | None) -> str:
    if result is None:
        return "| not measured"
    told = "<br>".join(_cell(text) for text in (*result.values, *([result.note] if result.note else [])))
    return f"{told} | {'yes' if result.met else '**no**'}"


def _measured(claim: Claim, result: Result | None) -> str:
    if result is None:
        how = _code(claim.measured_by) if claim.measured_by else "nothing measures it yet"
        return f"| {_cell(claim.title)} | {how} | | |"
    return f"| {_cell(claim.title)} | {_code(result.how)} | {result.when} | {_cell(result.machine)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _code(text: str) -> str:
    # A command may hold a backtick; two around it keep it one piece.
    fence = "``" if "`" in text else "`"
    return f"{fence}{_cell(text)}{fence}"


def this_machine() -> str:
    """What the machine is, as far as a reader of the figures must know it."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*:\s*(.+)$", info.read_text("utf-8"), re.MULTILINE) if info.exists() else []
    processor = names[0] if names else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("names", help="the promises, and what measures each")
    keep = commands.add_parser("record", help="keep a measurement, and write the page")
    keep.add_argument("name")
    keep.add_argument("--value", dest="values", action="append", required=True, metavar="TEXT", help="repeat for more")
    keep.add_argument("--met", choices=("yes", "no"), required=True)
    keep.add_argument("--how", required=True, metavar="COMMAND", help="the command that measured it")
    keep.add_argument("--when", metavar="DATE", help="ISO date [default: today, UTC]")
    keep.add_argument("--machine", metavar="TEXT", help="[default: this one]")
    keep.add_argument("--note", default="", metavar="TEXT", help="what a reader must know besides")
    return parser


def _record(given: argparse.Namespace) -> None:
    when = given.when or datetime.now(UTC).date().isoformat()
    asked, values = claim_named(given.name).asked, tuple(given.values)
    machine = given.machine or this_machine()
    record(Result(given.name, asked, values, given.how, when, machine, given.met == "yes", given.note))


def main() -> None:
    """Do what was asked. Exit code 2 on bad input."""
    given = _arguments().parse_args()
    try:
        if given.command == "names":
            for claim in CLAIMS:
                print(f"{claim.name:<20}  {claim.measured_by or 'nothing measures it yet'}")
            return
        if given.command == "record":
            _record(given)
        PAGE.write_text(page(read_results()), encoding="utf-8")
    except ScorecardError as bad:
        print(f"scorecard: {bad}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
