"""PostgreSQL wakes workers, wherever they are."""

import asyncio

from cl_ml_tools.schemas import Job
from cl_server.messaging.postgres_bell import PostgresBell
from cl_server.migrations import migrate
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import open_database


async def test_a_worker_is_woken_when_a_job_is_committed(postgres_url: str) -> None:
    engine = open_database(postgres_url)
    migrate(engine)
    queue = SqlJobRepository(engine)
    rung = asyncio.Event()
    with PostgresBell(postgres_url) as bell:
        bell.attach(rung.set)
        assert await asyncio.to_thread(bell.listening.wait, 10)
        # The bell rings once when it begins to listen, for what came before.
        await asyncio.wait_for(rung.wait(), 30)
        rung.clear()
        job_id = await asyncio.to_thread(queue.add_job, Job(job_id="rung", task_type="bell"))
        await asyncio.wait_for(rung.wait(), 30)
    claim = queue.claim("w0", ["bell"])
    assert claim is not None
    assert claim.job.job_id == job_id
    engine.dispose()
