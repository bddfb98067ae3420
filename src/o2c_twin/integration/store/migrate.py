"""Bring a journal's tables up to what this version of the engine works with."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine


def upgrade(engine: Engine) -> None:
    """Run the steps that are missing, in one transaction; several workers may start at once."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # The second worker waits here, and finds nothing left to do.
            connection.exec_driver_sql("select pg_advisory_xact_lock(2026112301)")
        command.upgrade(_config(connection), "head")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
