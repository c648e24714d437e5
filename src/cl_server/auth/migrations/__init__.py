"""The history of the schema of users (Alembic)."""

from pathlib import Path

from sqlalchemy import Engine

from cl_server import migrations

# The newest revision in versions/; a test holds it to that.
HEAD = "0001"
SCRIPTS = Path(__file__).parent


def migrate(engine: Engine) -> None:
    """Bring the database of users to `HEAD`."""
    migrations.migrate(engine, scripts=SCRIPTS, head=HEAD)
