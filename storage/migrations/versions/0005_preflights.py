"""What runs would take on this machine: asked for by forms, measured by the standby worker."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "preflights",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("dataset_id", sa.Text, nullable=False),
        sa.Column("config", sa.JSON, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("message", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("result", sa.JSON),
        sa.Column("pid", sa.Integer),
        sa.Column("process_started", sa.Float),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float),
        sa.PrimaryKeyConstraint("id", name="pk_preflights"),
        sa.UniqueConstraint("key", name="uq_preflights_key"),
    )
    op.create_index("ix_preflights_state", "preflights", ["state"])


def downgrade() -> None:
    op.drop_table("preflights")
