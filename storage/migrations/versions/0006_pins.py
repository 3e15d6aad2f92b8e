"""Examples of the user's own that a run answers while it learns; the run that one was made from."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "pins",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("truth", sa.Text),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE", name="fk_pins_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_pins"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_pins_run_id", "pins", ["run_id"])
    op.add_column("runs", sa.Column("parent_id", sa.Integer))


def downgrade() -> None:
    with op.batch_alter_table("runs") as runs:
        runs.drop_column("parent_id")
    op.drop_table("pins")
