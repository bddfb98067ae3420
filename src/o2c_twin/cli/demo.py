"""`o2c demo`: one year as is and one year to be on the same dice, side by side, with a report."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from o2c_twin.cli import options
from o2c_twin.cli.compare import compared, show_comparison
from o2c_twin.cli.errors import CommandError
from o2c_twin.cli.places import check_folder, file_at
from o2c_twin.cli.playing import Figures, found, planned, play, summary
from o2c_twin.cli.roi import appraised, read_assumptions
from o2c_twin.cli.terminal import console, print_json

if TYPE_CHECKING:
    from o2c_twin.reports.roi import RoiResult

MINUS = "\N{MINUS SIGN}"
_PAIR = ("as-is", "to-be")
_REPORT = "report.html"


@click.command(
    short_help="Play a year as is and to be, with KPI table and report.",
    epilog="""\b
Examples:
  o2c demo                                a year of 5,000 orders, twice
  o2c demo --orders 500 --days 60         a small one in seconds
  o2c demo --assumptions ours.yaml        with your own rates in the ROI
""",
)
@options.figures
@click.option(
    "--out",
    type=options.path(),
    default=Path("out") / "demo",
    show_default=True,
    metavar="DIR",
    help="Directory of the report and the two run records.",
)
@click.option(
    "--assumptions", type=options.path(), metavar="FILE", help="Assumptions of the ROI; see 'o2c roi --help'."
)
@options.as_json
def demo(
    seed: int | None, orders: int | None, days: int | None, out: Path, assumptions: Path | None, as_json: bool
) -> None:
    """Play one business year of a distributor twice, on the same customers, orders and dice.

    As is, people re-key between CRM, ERP and bank; to be, the sync engine integrates them. Prints the
    KPIs of both with the difference and writes a one-file HTML report with the return on investment.
    """
    figures = Figures(seed, orders, days)
    plans = [planned(found(name), figures) for name in _PAIR]
    assumed = read_assumptions(assumptions)
    check_folder(out, (*_PAIR, _REPORT))
    from o2c_twin.reports import ObservedRun, compute_kpis, roi_section, write_report

    with ExitStack() as stack:
        report = stack.enter_context(file_at(out / _REPORT))
        played = [play(plan, out / name) for plan, name in zip(plans, _PAIR, strict=True)]
        runs = [ObservedRun(each.record, each.plan.name) for each in played]
        answer: dict[str, Any] = compared(runs)
        try:
            result, why = appraised(runs, assumed), None
        except CommandError as error:
            # A short demonstration may give no DSO to value; its KPIs stand all the same.
            result, why = None, error.message
        write_report(report, runs, roi_section=roi_section(result) if result is not None else None)
    path = out / _REPORT
    if as_json:
        sides = {each.plan.name.replace("-", "_"): summary(each, compute_kpis(each.record)) for each in played}
        worth = result.to_dict() if result is not None else None
        print_json({**sides, "kpis": answer["kpis"], "roi": worth, "roi_note": why, "report": str(path)})
        return
    screen, world = console(), plans[0].world
    screen.print(
        f"One company twice: {world.orders:,} orders in {world.days:,} days, seed {plans[0].seed}, "
        "the same customers and dice in both\n"
    )
    show_comparison(runs)
    screen.print(f"\n{_worth(result) if result is not None else f'No return on investment: {why}'}")
    wall = sum(each.result.wall_s for each in played)
    calls = sum(each.result.api_calls for each in played)
    days_played = sum(each.result.virtual_days for each in played)
    screen.print(f"\n{days_played:,} days of business in {wall:.1f} s, {calls:,} API calls.")
    screen.print(f"Report: {path}", soft_wrap=True)


def _worth(result: "RoiResult") -> str:
    assumed = [each for each in result.assumptions if each.is_placeholder]
    remark = f"{len(assumed)} of {len(result.assumptions)} assumptions are placeholders; see 'o2c roi --help'."
    figures = (
        ("net benefit a year", result.net_annual_benefit),
        (f"net present value over {len(result.case.ramp)} years", result.npv),
        ("cash released once", result.cash_released),
    )
    told = ", ".join(f"{name} {value:,.0f} {result.currency}" for name, value in figures)
    return f"Return on investment: {told.replace('-', MINUS)}. {remark}"
