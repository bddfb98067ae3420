"""What any worker has read lately: a notice that a later read has answered is known by it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column for when it was read, and an index to find a record's events by."""
    op.add_column("inbox", sa.Column("read_at", sa.BigInteger()))
    op.create_index("inbox_record", "inbox", ["flow", "object_id"])


def downgrade() -> None:
    """Each worker knows what it has read itself."""
    op.drop_index("inbox_record", "inbox")
    op.drop_column("inbox", "read_at")
