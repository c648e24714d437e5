"""What the first version is asked to do. It runs this file, and knows nothing of the rest of the tests.

`data FOLDER`: fill a data folder. `client URL`: run a job on a server. `server FOLDER`: serve until stdin ends.
"""

import asyncio
import json
import sys
from pathlib import Path

from cl_client.auth_client import AuthClient

from cl_client import ComputeClient, JWTAuthProvider, UserCreateRequest
from cl_server.embedded import LocalStack

PASSWORD = "of the first version"


async def fill(stack: LocalStack, picture: bytes) -> dict[str, object]:
    assert stack.auth_url is not None
    assert stack.admin_password is not None
    async with AuthClient(stack.auth_url) as auth:
        token = (await auth.login("admin", stack.admin_password)).access_token
        ana = UserCreateRequest(username="ana", password=PASSWORD, permissions=["ai_inference_support"])
        await auth.create_user(token, ana)
        token = (await auth.login("ana", PASSWORD)).access_token
    async with ComputeClient(base_url=stack.compute_url, auth_provider=JWTAuthProvider(token)) as client:
        hashed = await client.hash.compute(b"words", wait=True)
        thumbnail = await client.media_thumbnail.generate(picture, width=16, wait=True)
    return {
        "admin_password": stack.admin_password,
        "password": PASSWORD,
        "completed": hashed.job_id,
        "with_output": thumbnail.job_id,
    }


async def leave(stack: LocalStack) -> dict[str, object]:
    assert stack.auth_url is not None
    async with AuthClient(stack.auth_url) as auth:
        token = (await auth.login("ana", PASSWORD)).access_token
    async with ComputeClient(base_url=stack.compute_url, auth_provider=JWTAuthProvider(token)) as client:
        queued, cancelled = [await client.hash.compute(text) for text in (b"these wait", b"these do not")]
        await client.jobs.cancel(cancelled.job_id)
        return {"queued": queued.job_id, "cancelled": cancelled.job_id}


def data(folder: Path, picture: Path) -> dict[str, object]:
    with LocalStack(folder, workers=1, auth=True) as stack:
        found = asyncio.run(fill(stack, picture.read_bytes()))
    with LocalStack(folder, workers=0, auth=True) as stack:
        return {**found, **asyncio.run(leave(stack))}


async def client(url: str) -> dict[str, object]:
    async with ComputeClient(base_url=url) as found:
        job = await found.hash.compute(b"words", wait=True)
        listed = [one.job_id async for one in found.jobs.list()]
        return {"status": str(job.status), "output": job.task_output, "listed": job.job_id in listed}


def server(folder: Path) -> None:
    with LocalStack(folder, workers=1) as stack:
        print(json.dumps({"url": stack.compute_url, "mqtt_port": stack.mqtt_port}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["data", folder, picture]:
            print(json.dumps(data(Path(folder), Path(picture))))
        case ["client", url]:
            print(json.dumps(asyncio.run(client(url))))
        case ["server", folder]:
            server(Path(folder))
        case other:
            sys.exit(f"not known: {other}")
