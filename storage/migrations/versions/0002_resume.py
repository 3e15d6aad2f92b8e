"""Held runs, notifications not yet sent, and the preferences of this home."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Not in batch mode: that would make the table anew, and without AUTOINCREMENT.
    op.add_column("runs", sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()))
    # Nobody waits for news of what ended before this.
    op.add_column("runs", sa.Column("told", sa.Boolean, nullable=False, server_default=sa.true()))
    op.create_table(
        "preferences",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_preferences"),
    )


def downgrade() -> None:
    op.drop_table("preferences")
    op.drop_column("runs", "told")
    op.drop_column("runs", "held")
