"""The table of jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "jobs",
        sa.Column("seq", BIG, primary_key=True, autoincrement=True),
        sa.Column("job_id", sa.String(64), nullable=False, unique=True),
        sa.Column("task_type", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("progress", sa.Integer, nullable=False),
        sa.Column("params", sa.JSON, nullable=False),
        sa.Column("task_output", sa.JSON(none_as_null=True)),
        sa.Column("error_message", sa.String),
        sa.Column("created_by", sa.String(64)),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("worker_id", sa.String(64)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("updated_at", BIG, nullable=False),
        sa.Column("started_at", BIG),
        sa.Column("completed_at", BIG),
    )
    op.create_index("ix_jobs_queue", "jobs", ["status", "priority", "seq"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("jobs")
