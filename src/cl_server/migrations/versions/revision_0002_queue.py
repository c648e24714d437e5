"""Leases, fencing tokens, retries, idempotency keys, and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns of the queue."""
    for column in (
        sa.Column("token", BIG, nullable=False, server_default="0"),
        sa.Column("run_at", BIG, nullable=False, server_default="0"),
        sa.Column("lease_until", BIG, nullable=False, server_default="0"),
        sa.Column("cancelling", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("idempotency_key", sa.String(64)),
        sa.Column("fingerprint", sa.String(64), nullable=False, server_default=""),
    ):
        op.add_column("jobs", column)
    op.drop_index("ix_jobs_queue", "jobs")
    op.create_index("ix_jobs_queue", "jobs", ["status", sa.text("priority DESC"), "seq"])
    op.create_index("ux_jobs_idempotency_key", "jobs", ["idempotency_key"], unique=True)
    op.create_table(
        "outbox",
        sa.Column("seq", BIG, primary_key=True, autoincrement=True),
        sa.Column("job", sa.JSON, nullable=False),
        sa.Column("told_at", BIG, nullable=False),
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_table("outbox")
    op.drop_index("ux_jobs_idempotency_key", "jobs")
    op.drop_index("ix_jobs_queue", "jobs")
    op.create_index("ix_jobs_queue", "jobs", ["status", "priority", "seq"])
    with op.batch_alter_table("jobs") as batch:
        for name in ("fingerprint", "idempotency_key", "cancelling", "lease_until", "run_at", "token"):
            batch.drop_column(name)
