"""The journal's history, one step a module, for Alembic."""
