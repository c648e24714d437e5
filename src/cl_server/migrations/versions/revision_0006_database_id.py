"""What a database is called, so that the file storage knows whose it is."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, with one row."""
    table = op.create_table("database_id", sa.Column("id", sa.String(32), primary_key=True))
    op.bulk_insert(table, [{"id": secrets.token_hex(16)}])


def downgrade() -> None:
    """Take it away."""
    op.drop_table("database_id")
