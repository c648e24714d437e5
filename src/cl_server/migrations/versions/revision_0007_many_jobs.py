"""What makes 200,000 finished jobs cost no more than 1,000: indexes for lists, and sums that are kept; and a clock."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

INDEXES = {
    "ix_jobs_of_owner": ["created_by", "seq"],
    "ix_jobs_of_owner_status": ["created_by", "status", "seq"],
    "ix_jobs_of_owner_task": ["created_by", "task_type", "seq"],
    "ix_jobs_status": ["status", "seq"],
    "ix_jobs_task": ["task_type", "seq"],
    "ix_jobs_completed": ["completed_at"],
}

# Jobs of guests have no owner, which is an empty name here.
ADDING = (
    "BEGIN INSERT INTO usage (owner, bytes) SELECT coalesce({row}.created_by, ''), 0 "
    "WHERE NOT EXISTS (SELECT 1 FROM usage WHERE owner = coalesce({row}.created_by, '')); "
    "UPDATE usage SET bytes = bytes + {bytes} WHERE owner = coalesce({row}.created_by, ''); END"
)
SQLITE = {
    "add": "AFTER INSERT ON jobs WHEN new.size <> 0 " + ADDING.format(row="new", bytes="new.size"),
    "change": "AFTER UPDATE OF size ON jobs WHEN new.size <> old.size "
    + ADDING.format(row="new", bytes="new.size - old.size"),
    "remove": "AFTER DELETE ON jobs WHEN old.size <> 0 " + ADDING.format(row="old", bytes="- old.size"),
}

# Here each change adds a row, for two that change one would wait for each other; `Quota` sums them up.
POSTGRES = """
CREATE FUNCTION cl_usage_add() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO usage (owner, bytes)
        SELECT coalesce(created_by, ''), sum(size) FROM added GROUP BY 1 HAVING sum(size) <> 0;
    RETURN NULL; END $$;
CREATE FUNCTION cl_usage_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO usage (owner, bytes) VALUES (coalesce(new.created_by, ''), new.size - old.size);
    RETURN NULL; END $$;
CREATE FUNCTION cl_usage_remove() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO usage (owner, bytes)
        SELECT coalesce(created_by, ''), -sum(size) FROM gone GROUP BY 1 HAVING sum(size) <> 0;
    RETURN NULL; END $$;
CREATE TRIGGER cl_usage_add AFTER INSERT ON jobs REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION cl_usage_add();
CREATE TRIGGER cl_usage_change AFTER UPDATE OF size ON jobs
    FOR EACH ROW WHEN (new.size <> old.size) EXECUTE FUNCTION cl_usage_change();
CREATE TRIGGER cl_usage_remove AFTER DELETE ON jobs REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION cl_usage_remove();
"""


def upgrade() -> None:
    """Make them."""
    postgres = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "steady_clock",
        sa.Column("boot", sa.String(64), primary_key=True),
        sa.Column("ahead", Big, nullable=False),
    )
    op.create_table(
        "usage",
        sa.Column("seq", Big, primary_key=True, autoincrement=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("bytes", Big, nullable=False),
    )
    op.create_index("ix_usage_owner", "usage", ["owner"])
    op.execute(
        "INSERT INTO usage (owner, bytes) SELECT coalesce(created_by, ''), sum(size) FROM jobs GROUP BY 1 "
        "HAVING sum(size) <> 0"
    )
    if postgres:
        op.execute(POSTGRES)
    else:
        for name, body in SQLITE.items():
            op.execute(f"CREATE TRIGGER cl_usage_{name} {body}")
    op.drop_index("ix_jobs_owner", "jobs")
    for name, columns in INDEXES.items():
        op.create_index(name, "jobs", columns)


def downgrade() -> None:
    """Take them away."""
    for name in INDEXES:
        op.drop_index(name, "jobs")
    op.create_index("ix_jobs_owner", "jobs", ["created_by", "size"])
    postgres = op.get_bind().dialect.name == "postgresql"
    for name in SQLITE:
        op.execute(f"DROP TRIGGER cl_usage_{name}" + (" ON jobs" if postgres else ""))
        if postgres:
            op.execute(f"DROP FUNCTION cl_usage_{name}")
    op.drop_table("usage")
    op.drop_table("steady_clock")
