"""Run by Alembic: the connection comes from `store.migrate`."""

from alembic import context

from o2c_twin.integration.store.tables import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
