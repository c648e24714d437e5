"""Run by Alembic."""

from typing import cast

from alembic import context
from sqlalchemy import Engine

from cl_server.queue.tables import metadata, without_limit

engine = cast("Engine", context.config.attributes["engine"])
with engine.connect() as connection:
    # SQLite alters most things by copying the table.
    context.configure(connection=without_limit(connection), target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
