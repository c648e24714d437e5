"""`cl-client workers` and `capabilities`: who would do a job, now or as it changes."""

# Annotations are not strings here: cyclopts reads them.
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from cl_client.cli.running.run import Run
from cl_client.errors import ComputeClientError

if TYPE_CHECKING:
    from cl_client.cli.output.console import Console
    from cl_client.model import Capabilities, WorkerState
    from cl_client.wire.types import JSONObject

Watch = Annotated[bool, Parameter(help="Show each change until Ctrl-C.", negative="", show_default=False)]

_ANSWER: Final = 5.0
"""Seconds in which the broker has to announce the workers that the server counts."""


def workers(*, watch: Watch = False, run: Annotated[Run, Parameter(parse=False)]) -> None:
    """List the workers, with id, free slots and the kinds of jobs that they run."""
    run.complete(_workers(run, watch))


def capabilities(*, watch: Watch = False, run: Annotated[Run, Parameter(parse=False)]) -> None:
    """List the kinds of jobs that workers can run, and how many of the workers are idle."""
    run.complete(_capabilities(run, watch))


async def _workers(run: Run, watch: bool) -> None:
    import asyncio

    async with run.client() as client:
        if watch:
            client.workers.subscribe(lambda worker_id, worker: _print_worker(run.console, worker_id, worker))
            await asyncio.Event().wait()
        expected = (await client.get_capabilities()).num_workers
        deadline = asyncio.get_running_loop().time() + _ANSWER
        while len(client.workers.known) < expected:
            if not await client.workers.news(max(0.0, deadline - asyncio.get_running_loop().time())):
                raise ComputeClientError(
                    f"the server counts {expected} workers, the MQTT broker {client.mqtt_broker}:{client.mqtt_port} "
                    f"announces {len(client.workers.known)}",
                    hint="is it the broker of this server? `cl-client capabilities` asks the server alone",
                )
        for worker_id, worker in sorted(client.workers.known.items()):
            _print_worker(run.console, worker_id, worker)


async def _capabilities(run: Run, watch: bool) -> None:
    from cl_client.config.defaults import ComputeClientConfig as Config

    async with run.client() as client:
        shown = await client.get_capabilities()
        _print_capabilities(run.console, shown)
        while watch:
            # The broker knows sooner that something has changed; what, the server says.
            await client.workers.news(Config.WORKER_CAPABILITY_CHECK_INTERVAL)
            if (now := await client.get_capabilities()) != shown:
                shown = now
                run.console.say()
                _print_capabilities(run.console, shown)


def _print_worker(console: "Console", worker_id: str, worker: "WorkerState | None") -> None:
    if worker is None:
        console.line({"id": worker_id, "gone": True}, f"{worker_id}  gone", id=worker_id)
        return
    can = ", ".join(sorted(worker.capabilities))
    console.line(worker.to_dict(), f"{worker_id}  {worker.idle_count} idle  {can}", id=worker_id)


def _print_capabilities(console: "Console", now: "Capabilities") -> None:
    if console.as_json:
        console.line(now.to_dict(), "", id="")
        return
    if not now.capabilities:
        console.warn("there are no workers")
    for task_type, idle in sorted(now.capabilities.items()):
        record: JSONObject = {"task_type": task_type, "idle": idle}
        console.line(record, f"{task_type:<18}  {idle} idle", id=task_type)
