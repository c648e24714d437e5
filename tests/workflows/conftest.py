"""What several workflows stand on."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url

from cl_server.embedded import LocalStack
from tests.media import tiny_models


@pytest.fixture
def database(postgres_url: str) -> str:
    """A database of its own: jobs of other tests are none of our workers' business."""
    name = f"hosts_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A server with models, accounts and guests, for what the project's first texts show. It is shared."""
    folder = tmp_path_factory.mktemp("models")
    tiny_models.all_but_yunet(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CL_MODELS", str(folder))
        stack = LocalStack(workers=2, auth=True, guest_mode=True).start()
    try:
        yield stack
    finally:
        stack.stop()
