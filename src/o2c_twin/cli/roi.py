"""`o2c roi`: what the design of one run is worth against another."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from o2c_twin.cli import options
from o2c_twin.cli.errors import CommandError, first_of
from o2c_twin.cli.playing import Figures
from o2c_twin.cli.sides import records_of, side
from o2c_twin.cli.terminal import console, print_json

if TYPE_CHECKING:
    from o2c_twin.reports import ObservedRun
    from o2c_twin.reports.roi import Assumptions, RoiResult

# Days from goods issue to bank: what integration shortens is mostly before the invoice, where DSO begins. Of the
# variants the cohort's is the one for two designs: a shifted period end or a start without receivables is not in it.
DSO_BASIS = "dso.true_cohort+dso.invoice_lag"
# What a screen shows before somebody asks for all of it.
_SHOWN = ("Decision view", "Simple calculator view", "Benefits a year", "Costs", "Net cash flow")


@click.command(
    short_help="What the design of one run is worth against another.",
    epilog="""\b
Examples:
  o2c roi out/as-is-7 out/to-be-7
  o2c roi as-is to-be --template > ours.yaml     then replace the placeholders, and
  o2c roi as-is to-be --assumptions ours.yaml
""",
)
@click.argument("as_is", metavar="A")
@click.argument("to_be", metavar="B")
@click.option(
    "--assumptions",
    type=options.path(),
    metavar="FILE",
    help="Rates, costs and shares of your company, each with source and owner [default: placeholders].",
)
@click.option("--template", is_flag=True, help="Print the assumptions file with its placeholders, and do nothing else.")
@click.option("--all", "everything", is_flag=True, help="Show break-even values, sensitivity and sources as well.")
@options.as_json
def roi(as_is: str, to_be: str, assumptions: Path | None, template: bool, everything: bool, as_json: bool) -> None:
    """Return on investment of B's design against A's: benefits, costs, cash flow, present value.

    A and B are run records with the same customers and dice, or scenarios, which are run first.
    Hours, errors, leakage and days come from the runs; money rates come from the assumptions.
    """
    if template:
        from o2c_twin.reports.roi import demo_assumptions_text

        click.echo(demo_assumptions_text(), nl=False)
        return
    assumed = read_assumptions(assumptions)
    runs = records_of([side(given, Figures()) for given in (as_is, to_be)])
    result = appraised(runs, assumed)
    if as_json:
        print_json(result.to_dict())
        return
    from o2c_twin.cli.tables import roi_tables
    from o2c_twin.reports.roi import roi_rows

    rows = [row for row in roi_rows(result) if everything or row.section.startswith(_SHOWN)]
    screen = console()
    for part in roi_tables(rows):
        screen.print(part)
    for text in result.notes:
        screen.print(f"\n{text}")


def read_assumptions(path: Path | None) -> "Assumptions":
    """The assumptions of a file, or the placeholders for the shipped scenarios' company. Raises `CommandError`."""
    from o2c_twin.reports.roi import AssumptionsError, demo_assumptions, load_assumptions

    try:
        return demo_assumptions() if path is None else load_assumptions(path)
    except AssumptionsError as error:
        raise first_of(error.problems) from error


def appraised(runs: "list[ObservedRun]", assumptions: "Assumptions") -> "RoiResult":
    """The ROI of the second run's design against the first's. Raises `CommandError`."""
    from o2c_twin.reports import MixedCurrencies
    from o2c_twin.reports.roi import RoiError, roi_from_records
    from o2c_twin.run_record import RunRecordError

    try:
        return roi_from_records(runs[0].record, runs[1].record, assumptions, dso_basis=DSO_BASIS)
    except (RoiError, RunRecordError, MixedCurrencies) as error:
        raise CommandError(str(error)) from error
