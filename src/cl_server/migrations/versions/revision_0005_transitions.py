"""How often jobs came into each status."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "transitions",
        sa.Column("task_type", sa.String(64), primary_key=True),
        sa.Column("status", sa.String(16), primary_key=True),
        sa.Column("times", Big, nullable=False),
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_table("transitions")
