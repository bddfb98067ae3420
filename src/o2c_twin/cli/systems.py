"""`o2c systems`: the mock systems there are, and the folder of a new one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from o2c_twin.cli import options
from o2c_twin.cli.errors import CommandError
from o2c_twin.cli.terminal import console, print_json

if TYPE_CHECKING:
    from o2c_twin.mock_systems.catalogue import MockSystem

# As `scaffold.ROLES` has them; a test holds the two equal. Spelled here, so that `o2c --help` stays quick.
ROLES = ("crm", "erp", "bank", "billing", "direct_debit")


@click.group(short_help="List the mock systems, or start a new one.", invoke_without_command=True)
@options.as_json
@click.pass_context
def systems(ctx: click.Context, as_json: bool) -> None:
    """List the mock systems; 'new NAME --role ROLE' starts the folder of another one.

    Operations are counted by standing: documented by the vendor, recorded from published answers, or assumed.
    """
    if ctx.invoked_subcommand is not None:
        ctx.obj = as_json
        return
    from o2c_twin.mock_systems.catalogue import CatalogueError, catalogue

    try:
        found = catalogue()
    except CatalogueError as error:
        raise CommandError(str(error)) from error
    if as_json:
        print_json({"systems": [_described(each) for each in found]})
        return
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in ("system", "vendor", "family"):
        table.add_column(column, no_wrap=column != "vendor", min_width=17 if column == "vendor" else None)
    table.add_column("operations\n(doc/rec/ass)", no_wrap=True)
    table.add_column("plan", no_wrap=True)
    table.add_column("real client", min_width=19)
    for each in found:
        operations = f"{each.operations} ({'/'.join(str(count) for count in each.standing.values())})"
        client = each.client.client.replace(", ", "\n") or "none"
        table.add_row(each.name, each.vendor, each.family, operations, each.plan, client)
    console().print(table)


@systems.command(short_help="Start the folder of a new mock system.")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="The business core it speaks about.")
@click.option(
    "--dir",
    "root",
    type=options.path(),
    default=Path(),
    help="The checkout of the project to write into [default: here].",
)
@options.as_json
@click.pass_context
def new(ctx: click.Context, name: str, role: str, root: Path, as_json: bool) -> None:
    """Write a dialect that answers one request, and tests that say, one by one, what is to be done.

    NAME is the folder: lower-case letters, digits and underscores. Nothing that exists is overwritten.
    """
    from o2c_twin.mock_systems.scaffold import ScaffoldError, scaffold

    try:
        made = scaffold(name, role, root)
    except ScaffoldError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"cannot write {error.filename or root}: {error.strerror or error}") from error
    if as_json or ctx.obj:
        print_json({"system": name, "role": role, "files": [str(path) for path in made.files]})
        return
    for path in made.files:
        click.echo(path)
    click.echo(f"\nNext: pytest {made.tests}\nEach failing test says what is to be done; see docs/adding-a-system.md.")


def _described(system: "MockSystem") -> dict[str, Any]:
    return {
        "name": system.name,
        "vendor": system.vendor,
        "family": system.family,
        "core": system.core,
        "operations": system.operations,
        "standing": system.standing,
        "client": system.client.client or None,
        "client_note": system.client.note or None,
        "plan": system.plan,
        "plans": list(system.plans),
        "limits": list(system.limits),
        "switches": {each.name: each.default for each in system.switches},
        "promises": [{"operation": each.operation, "guard": each.guard} for each in system.promises],
    }
