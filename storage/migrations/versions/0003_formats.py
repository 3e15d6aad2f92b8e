"""What a data set holds, and what a run shows at each evaluation."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("datasets", sa.Column("format", sa.Text, nullable=False, server_default=""))
    # Until now a data set held texts or pictures in classes, and said which in its details.
    op.execute(
        "UPDATE datasets SET format = json_extract(details, '$.input_kind') || '-class' "
        "WHERE json_extract(details, '$.input_kind') IS NOT NULL"
    )
    op.create_table(
        "snapshots",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Float, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name="fk_snapshots_run_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_snapshots"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_snapshots_run_id_kind", "snapshots", ["run_id", "kind"])


def downgrade() -> None:
    op.drop_table("snapshots")
    op.drop_column("datasets", "format")
