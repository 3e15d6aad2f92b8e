"""Data sets have versions, and a run names the one that it learns from."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "dataset_versions",
        sa.Column("dataset_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("classes", sa.JSON, nullable=False),
        sa.Column("splits", sa.JSON, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["datasets.id"],
            name="fk_dataset_versions_dataset_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dataset_id", "number", name="pk_dataset_versions"),
    )
    # Everything that was there before is a first version; its sum is reckoned when it is needed.
    op.execute(
        "INSERT INTO dataset_versions SELECT id, 1, created_at, 'Brought in.', '', rows, classes, "
        "splits, json_object('counts', json_extract(details, '$.counts')) FROM datasets"
    )
    op.add_column("datasets", sa.Column("version", sa.Integer, nullable=False, server_default="1"))
    op.add_column(
        "runs", sa.Column("dataset_version", sa.Integer, nullable=False, server_default="1")
    )


def downgrade() -> None:
    op.drop_column("runs", "dataset_version")
    op.drop_column("datasets", "version")
    op.drop_table("dataset_versions")
