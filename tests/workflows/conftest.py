"""What the installations on many hosts have in common."""

from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url


@pytest.fixture
def database(postgres_url: str) -> str:
    """A database of its own: jobs of other tests are none of our workers' business."""
    name = f"hosts_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
