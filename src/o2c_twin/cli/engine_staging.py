"""`o2c engine staging-table`: the table into which another system puts what it tells."""

import os

import click

from o2c_twin.cli.errors import CommandError


@click.command("staging-table", short_help="Make the staging table a system tells by.")
@click.argument("address")
@click.option("--table", default="o2c_inbound", show_default=True, help="Its name.")
def staging_table(address: str, table: str) -> None:
    """Make the table in the database at ADDRESS (SQLAlchemy's form, or env:NAME), where it is not there yet.

    For a system whose 'inbound' in the service's file is a table. Whoever fills it needs the right to insert, the
    engine to select and update.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from o2c_twin.integration.edges.live_staging import create

    if address.startswith("env:"):
        name = address.removeprefix("env:")
        address = os.environ.get(name, "")
        if not address:
            raise CommandError(f"{name} is not set; put the database's address into it")
    try:
        create(address, table)
    except (SQLAlchemyError, ModuleNotFoundError) as bad:
        told = str(bad).splitlines()[0]
        raise CommandError(f"the table cannot be made: {told}; check the address and the login's rights") from bad
    click.echo(f"table {table} is there; others insert event_id, flow, object_id, lane, source_at")


COMMANDS = (staging_table,)
"""Of this module."""
