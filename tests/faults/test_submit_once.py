"""One submit is one job, however often the connection is cut."""

import asyncio
import io
from pathlib import Path

from cl_api.compute.api.jobs import list_jobs
from cl_client import ComputeClient
from cl_client.http.upload import PIECE
from cl_server.embedded import LocalStack
from tests.faults.proxy import fault_proxy
from tests.integration.client.test_trouble import host_and_port


async def job_ids(client: ComputeClient) -> set[str]:
    return {job.job_id for job in (await list_jobs.asyncio(client=client.api)).jobs}


async def test_a_submit_that_is_cut_after_the_server_took_it_makes_one_job(local_stack: LocalStack, tmp_path: Path):
    path = tmp_path / "cut-after-it-arrived.bin"
    path.write_bytes(bytes(2_000_000))
    async with fault_proxy(*host_and_port(local_stack.compute_url)) as proxy:
        async with (
            ComputeClient(f"http://127.0.0.1:{proxy.port}", mqtt_port=9) as client,
            ComputeClient(local_stack.compute_url, mqtt_port=9) as witness,
        ):
            for source in (path, path.read_bytes(), io.BytesIO(path.read_bytes())):
                before = await job_ids(witness)
                proxy.hold_answers()
                submitting = asyncio.create_task(client.hash.compute(source))
                while not (made := await job_ids(witness) - before):
                    await asyncio.sleep(0.01)
                assert not submitting.done()
                proxy.reset()
                proxy.release()
                job = await submitting
                assert await job_ids(witness) - before == made == {job.job_id}
                assert (await job.wait()).output.sha256 is not None


async def test_a_submit_that_is_cut_on_its_way_arrives(local_stack: LocalStack, tmp_path: Path):
    path = tmp_path / "cut-on-its-way.bin"
    path.write_bytes(bytes(range(256)) * 40_000)
    sent: list[int] = []
    async with fault_proxy(*host_and_port(local_stack.compute_url)) as proxy:
        async with ComputeClient(f"http://127.0.0.1:{proxy.port}", mqtt_port=9) as client:

            def cut(so_far: int, _: int | None) -> None:
                sent.append(so_far)
                if len(sent) == 4:
                    proxy.reset()

            before = await job_ids(client)
            job = await client.hash.compute(path, on_upload=cut)
            assert await job_ids(client) - before == {job.job_id}
    assert sent.count(PIECE) == 2
    assert sent[-1] == path.stat().st_size
