"""Bring a journal's tables up to what this version of the engine works with."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0003"
"""The last step; a test holds it to the steps there are."""


def upgrade(engine: Engine) -> None:
    """Run the steps that are missing, in one transaction; several workers may start at once."""
    if _at(engine) == HEAD:
        # Alembic takes longer to load than all the rest of a worker's start.
        return
    from alembic import command

    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # The second worker waits here, and finds nothing left to do.
            connection.exec_driver_sql("select pg_advisory_xact_lock(2026112301)")
        command.upgrade(_config(connection), "head")


def _at(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        row = connection.exec_driver_sql("select version_num from alembic_version").first()
        return None if row is None else str(row[0])


def _config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
