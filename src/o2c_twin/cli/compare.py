"""`o2c compare`: two runs side by side, and a report of both."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from o2c_twin.cli import options
from o2c_twin.cli.errors import CommandError
from o2c_twin.cli.places import file_at
from o2c_twin.cli.playing import Figures, promises_missed
from o2c_twin.cli.roi import appraised, read_assumptions
from o2c_twin.cli.sides import Side, records_of, side
from o2c_twin.cli.terminal import console, print_json

if TYPE_CHECKING:
    from o2c_twin.reports import ObservedRun, ReportSection
    from o2c_twin.reports.roi import Assumptions


@click.command(
    short_help="Set one run against another: KPIs, difference, report.",
    epilog="""\b
Examples:
  o2c compare out/as-is-7 out/to-be-7 --out report.html
  o2c compare lost-replies:naive lost-replies
  o2c compare mine.yaml to-be --orders 500 --days 60
  o2c compare out/as-is-7 out/to-be-7 --out report.html --assumptions ours.yaml
""",
)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@options.figures
@click.option("--out", type=options.path(), metavar="FILE.html", help="Write a report of both runs to this file.")
@click.option(
    "--assumptions",
    type=options.path(),
    metavar="FILE",
    help="Assumptions of the report's return on investment; see 'o2c roi --help'. Without them it has one only where "
    "B integrates what people re-key in A: the placeholders cost just that.",
)
@click.option("--all", "everything", is_flag=True, help="Show all KPIs with their parts, not the headline ones.")
@options.as_json
def compare(
    first: str,
    second: str,
    seed: int | None,
    orders: int | None,
    days: int | None,
    out: Path | None,
    assumptions: Path | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Set run B against run A: every KPI of both, the difference, and which is better.

    A and B are run records, or scenarios by name or file, which are run first and their records
    kept in out/. NAME:naive is a scenario's naive design.
    """
    figures = Figures(seed, orders, days)
    sides = [side(given, figures) for given in (first, second)]
    if assumptions is not None and out is None:
        raise CommandError("--assumptions are for the report; add --out FILE.html, or use 'o2c roi'")
    assumed = read_assumptions(assumptions)
    with ExitStack() as stack:
        report = None if out is None else stack.enter_context(file_at(out))
        runs = records_of(sides)
        answer = compared(runs)
        if report is not None:
            from o2c_twin.reports import write_report

            write_report(report, runs, roi_section=_worth(runs, assumed, assumptions is not None))
    missed = _promises_missed(sides, runs)
    if as_json:
        print_json({**answer, "promises_missed": missed, "report": None if out is None else str(out)})
        return
    show_comparison(runs, everything)
    screen = console()
    if missed is not None:
        screen.print("\nAs the scenario promises." if not missed else "")
        for promise in missed:
            screen.print(f"Not as the scenario promises: {promise}")
    if out is not None:
        screen.print(f"\nReport: {out}", soft_wrap=True)


def _worth(runs: "list[ObservedRun]", assumed: "Assumptions", asked: bool) -> "ReportSection | None":
    """The return on investment of the second run's design.

    Unless ``asked`` for, there is none where the placeholders do not fit or there is nothing to value.
    """
    from o2c_twin.reports import roi_section

    by_hand = [(run.manifest.get("design") or {}).get("topology") == "manual" for run in runs]
    if not asked and by_hand != [True, False]:
        return None
    try:
        return roi_section(appraised(runs, assumed))
    except CommandError:
        # Other customers, dice or currency than in A: there are figures to compare, but nothing to value.
        if asked:
            raise
        return None


def _promises_missed(sides: list[Side], runs: "list[ObservedRun]") -> list[str] | None:
    """What one scenario promises of its two designs and the runs do not show; None for any other pair."""
    by_design = {each.design: run for each, run in zip(sides, runs, strict=True)}
    scenario = sides[0].scenario
    if scenario is None or scenario != sides[1].scenario or set(by_design) != {"naive", "recommended"}:
        return None
    return promises_missed(scenario, by_design)


def compared(runs: "list[ObservedRun]") -> dict[str, Any]:
    """Both runs in short and the comparison of every KPI, ready for JSON. Raises `CommandError`."""
    from o2c_twin.reports import MixedCurrencies, compare, compute_kpis
    from o2c_twin.run_record import RunRecordError

    try:
        kpis = [compute_kpis(run) for run in runs]
        pairs = compare(*kpis)
    except (RunRecordError, MixedCurrencies, ValueError) as error:
        raise CommandError(str(error)) from error
    return {
        **{name: in_short(run) for name, run in zip(("first", "second"), runs, strict=True)},
        "kpis": {id: pair.to_dict() for id, pair in pairs.items()},
    }


def in_short(run: "ObservedRun") -> dict[str, Any]:
    """Which run it was, ready for JSON."""
    keys = ("scenario", "title", "seed", "design", "orders", "api_calls", "wall_s", "virtual_days", "trace_hash")
    manifest = {key: run.manifest.get(key) for key in keys}
    violations = run.record.table("violations").to_dict("records")
    return {"label": run.label, **manifest, "violations": violations, "record": str(run.record.directory)}


def show_comparison(runs: "list[ObservedRun]", everything: bool = False) -> None:
    """The KPI table of both runs on standard output."""
    from o2c_twin.cli.tables import kpi_table
    from o2c_twin.reports import compute_kpis, kpi_rows

    kpis = [compute_kpis(run) for run in runs]
    screen = console()
    rows = kpi_rows(kpis[0], kpis[1], "all" if everything else "headline")
    screen.print(kpi_table(rows, [run.label for run in runs]))
    seeds = [run.manifest.get("seed") for run in runs]
    if seeds[0] != seeds[1]:
        screen.print(f"\nThe runs have different seeds ({seeds[0]} and {seeds[1]}): part of the difference is chance.")
