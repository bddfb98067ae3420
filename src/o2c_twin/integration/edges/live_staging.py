"""The staging table in a real database: made here, filled by others, read through `legacy_erp_live.DatabaseTables`."""

import sqlalchemy as sa

from o2c_twin.integration.edges.staging import TABLE

_NAME = 255


def create(url: str, table: str = TABLE) -> None:
    """Create the table and the index of its new rows, where it is not there yet. ``url`` is SQLAlchemy's."""
    metadata = sa.MetaData()
    name = table.lower()
    # The key of a busy table outgrows 32 bits; SQLite numbers rows by itself only in its own INTEGER.
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    sa.Table(
        name,
        metadata,
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.String(_NAME), nullable=False),
        sa.Column("flow", sa.String(64), nullable=False),
        sa.Column("object_id", sa.String(_NAME), nullable=False),
        sa.Column("lane", sa.String(_NAME), nullable=False),
        sa.Column("source_at", sa.BigInteger(), nullable=False),
        sa.Column("status_flg", sa.CHAR(1), nullable=False, server_default="N"),
        sa.Column("note", sa.String(_NAME)),
        sa.Index(f"{name}_new", "status_flg", "id"),
    )
    engine = sa.create_engine(url)
    try:
        metadata.create_all(engine)
    finally:
        engine.dispose()
