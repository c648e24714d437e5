"""What the files of a job take, for quotas. Jobs from before count nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the column, and an index that holds the sums of users."""
    op.add_column("jobs", sa.Column("size", BIG, nullable=False, server_default="0"))
    op.create_index("ix_jobs_owner", "jobs", ["created_by", "size"])


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_jobs_owner", "jobs")
    with op.batch_alter_table("jobs") as batch:
        batch.drop_column("size")
