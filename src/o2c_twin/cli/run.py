"""`o2c run`: one scenario, one seed, one run record."""

from pathlib import Path

import click

from o2c_twin.cli import options
from o2c_twin.cli.playing import Figures, Played, found, place_of, planned, play, promises_missed, summary
from o2c_twin.cli.terminal import console, print_json


@click.command(
    short_help="Play one scenario and write its run record.",
    epilog="""\b
Examples:
  o2c run to-be                                  the recommended design of a shipped scenario
  o2c run lost-replies --naive                   the design that shows the failure
  o2c run to-be --set trigger=nightly --days 60  one decision taken otherwise
  o2c run mine.yaml --json                       a file of your own

\b
Exit codes: 0 the run is done, whether or not invariants held (they are listed);
1 with --fail-on-violation, when one did not; 2 bad input.
""",
)
@click.argument("scenario", metavar="SCENARIO-OR-FILE")
@click.option(
    "--set",
    "choices",
    multiple=True,
    metavar="AXIS=VALUE",
    callback=options.choices,
    help="Choose a value of a design axis; may be repeated. 'o2c scenarios show NAME' lists axes and values.",
)
@click.option("--naive", is_flag=True, help="Play the scenario's naive design, the one that fails.")
@options.figures
@click.option(
    "--out",
    type=options.path(),
    metavar="DIR",
    help="Directory of the run record [default: out/SCENARIO-SEED]. A run record there is replaced.",
)
@click.option(
    "--transport",
    type=click.Choice(["direct", "asgi"]),
    default="direct",
    show_default=True,
    help="How the engine reaches the mocks: as functions, or as ASGI applications. The trace is the same.",
)
@click.option("--all", "everything", is_flag=True, help="Show all KPIs with their parts, not the headline ones.")
@click.option("--fail-on-violation", is_flag=True, help="Exit with 1 when an invariant is broken.")
@options.as_json
@click.pass_context
def run(
    ctx: click.Context,
    scenario: str,
    choices: tuple[tuple[str, str], ...],
    naive: bool,
    seed: int | None,
    orders: int | None,
    days: int | None,
    out: Path | None,
    transport: str,
    everything: bool,
    fail_on_violation: bool,
    as_json: bool,
) -> None:
    """Play one scenario in virtual time and write its run record.

    SCENARIO-OR-FILE is the name of a shipped scenario ('o2c scenarios' lists them) or a YAML file.
    """
    told = found(scenario)
    plan = planned(told, Figures(seed, orders, days), choices, naive, transport)
    played = play(plan, place_of(plan) if out is None else out)
    from o2c_twin.reports import ObservedRun, compute_kpis, kpi_rows

    observed = ObservedRun(played.record)
    kpis = compute_kpis(observed)
    # A design put together by --set is neither of the two the scenario speaks of.
    missed = [] if choices else promises_missed(told, {"naive" if naive else "recommended": observed})
    if as_json:
        print_json({**summary(played, kpis), "promises_missed": missed})
    else:
        from o2c_twin.cli.tables import kpi_table, violation_table

        screen = console()
        screen.print(_heading(played))
        screen.print(kpi_table(kpi_rows(kpis, shown="all" if everything else "headline"), [plan.name]))
        if played.result.violations:
            screen.print()
            screen.print(violation_table(played.result.violations))
        for promise in missed:
            screen.print(f"\nNot as the scenario promises: {promise}")
        screen.print(_footing(played), soft_wrap=True)
    if fail_on_violation and played.result.violations:
        ctx.exit(1)


def _heading(played: Played) -> str:
    from o2c_twin.integration.profile import described

    plan, world = played.plan, played.plan.world
    design = described(plan.design)
    return f"{plan.title}\n{world.orders:,} orders in {world.days:,} days, seed {plan.seed}; {design}\n"


def _footing(played: Played) -> str:
    result = played.result
    return (
        f"\n{result.virtual_days:,} days in {result.wall_s:.1f} s, {result.api_calls:,} API calls, "
        f"trace {result.trace_hash[:16]}\nRun record: {played.record.directory}"
    )
