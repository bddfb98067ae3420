"""`o2c scenarios`: what can be tried."""

from typing import TYPE_CHECKING, Any

import click

from o2c_twin.cli import options
from o2c_twin.cli.errors import first_of
from o2c_twin.cli.playing import found
from o2c_twin.cli.terminal import console, print_json

if TYPE_CHECKING:
    from o2c_twin.scenarios import Scenario


@click.group(short_help="List the shipped scenarios, or show one.", invoke_without_command=True)
@options.as_json
@click.pass_context
def scenarios(ctx: click.Context, as_json: bool) -> None:
    """List the shipped scenarios; 'show NAME' tells one in full."""
    if ctx.invoked_subcommand is not None:
        ctx.obj = as_json
        return
    from o2c_twin.scenarios import ScenarioError, catalogue

    try:
        shelf = catalogue()
    except ScenarioError as error:
        raise first_of(error.problems) from error
    if as_json:
        print_json({"scenarios": [_described(scenario) for scenario in shelf]})
        return
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column, right in (("scenario", False), ("what it is about", False), ("orders", True), ("days", True)):
        table.add_column(column, justify="right" if right else "left", no_wrap=True)
    table.add_column("naive design")
    for scenario in shelf:
        world, naive = scenario.world, ", ".join(f"{axis}={value}" for axis, value in scenario.naive.items())
        table.add_row(scenario.name, scenario.title, f"{world.orders:,}", f"{world.days:,}", naive)
    console().print(table)


@scenarios.command()
@click.argument("name", metavar="NAME-OR-FILE")
@click.option("--yaml", "as_yaml", is_flag=True, help="Print the shipped file as it is: a start for your own.")
@options.as_json
@click.pass_context
def show(ctx: click.Context, name: str, as_yaml: bool, as_json: bool) -> None:
    """Tell one scenario: its story, its design with all axes, what it promises. A file is checked on the way."""
    scenario = found(name)
    if as_yaml:
        from pathlib import Path

        from o2c_twin.scenarios import names, text_of

        text = text_of(name) if name in names() else Path(name).read_text(encoding="utf-8")
        click.echo(text, nl=False)
    elif as_json or ctx.obj:
        print_json(_described(scenario))
    else:
        _tell(scenario)


def _described(scenario: "Scenario") -> dict[str, Any]:
    world = scenario.world
    return {
        "name": scenario.name,
        "title": scenario.title,
        "story": scenario.story,
        "extends": scenario.extends,
        "seed": scenario.seed,
        "orders": world.orders,
        "days": world.days,
        "design": scenario.design.choices(),
        "naive": dict(scenario.naive),
        "expect": [
            {e.kind: e.subject, "naive": e.naive and str(e.naive), "recommended": e.recommended and str(e.recommended)}
            for e in scenario.expect
        ],
    }


def _tell(scenario: "Scenario") -> None:
    from rich import box
    from rich.table import Table

    from o2c_twin.integration.profile import AXES

    screen = console()
    screen.print(f"{scenario.title}\n")
    for paragraph in scenario.story.splitlines():
        screen.print(f"{paragraph}\n")
    world = scenario.world
    screen.print(f"{world.orders:,} orders in {world.days:,} days, seed {scenario.seed}\n")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in ("axis", "value", "what it is", "chosen"):
        table.add_column(column)
    for axis, values in AXES.items():
        for n, (value, meaning) in enumerate(values.items()):
            marks = ["recommended"] if scenario.design.choices()[axis] == value else []
            marks += ["naive"] if scenario.naive.get(axis) == value else []
            table.add_row("" if n else axis, value, meaning, ", ".join(marks))
    screen.print(table)
    if scenario.expect:
        screen.print("\nWhat it promises")
    for each in scenario.expect:
        subject = f"'{each.subject}' broken" if each.kind == "violation" else each.subject
        sides = (("naive", each.naive), ("recommended", each.recommended))
        screen.print(f"  {subject}: " + ", ".join(f"{side} {wanted}" for side, wanted in sides if wanted is not None))
