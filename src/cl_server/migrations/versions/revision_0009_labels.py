"""Labels of jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the column, and the table with its indexes."""
    op.add_column("jobs", sa.Column("labels", sa.JSON))
    op.create_table(
        "job_labels",
        sa.Column("seq", Big, sa.ForeignKey("jobs.seq", ondelete="CASCADE"), primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.String(256), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
    )
    op.create_index("ix_job_labels_of_owner", "job_labels", ["owner", "name", "value", "seq"])
    op.create_index("ix_job_labels", "job_labels", ["name", "value", "seq"])


def downgrade() -> None:
    """Take them away."""
    op.drop_table("job_labels")
    op.drop_column("jobs", "labels")
