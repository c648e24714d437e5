"""The API and a worker as processes, on PostgreSQL."""

import socket
import subprocess
import sys
from pathlib import Path

import httpx

from cl_server.settings import Settings
from cl_server.stack import broker
from cl_server.stack.supervisor import wait_until


def test_a_job_goes_through_postgresql(postgres_url: str, tmp_path: Path) -> None:
    settings = Settings(tmp_path, database_url=postgres_url)
    # Bound here and passed on, so that nobody else takes the port.
    listening = socket.create_server(("127.0.0.1", 0))
    api = [sys.executable, "-m", "cl_server", "compute", "--fd", str(listening.fileno())]
    worker = [sys.executable, "-m", "cl_server", "worker"]
    environment = settings.environment()
    with (
        listening,
        subprocess.Popen(api, env=environment, pass_fds=(listening.fileno(),)) as compute,
        subprocess.Popen(worker, env=environment) as work,
        httpx.Client(verify=False, base_url=f"http://127.0.0.1:{broker.port_of(listening)}", timeout=30) as http,
    ):

        def up() -> bool:
            try:
                return http.get("/healthz").status_code == 200
            except httpx.TransportError:
                return False

        try:
            assert wait_until(up, 60)
            made = http.post("/jobs/hash", files={"file": ("a", b"words")}).json()
            job = f"/jobs/{made['job_id']}"
            assert wait_until(lambda: http.get(job).json()["status"] == "completed", 60)
            assert http.get("/jobs", params={"ids": made["job_id"]}).json()["jobs"] == [http.get(job).json()]
        finally:
            for process in (compute, work):
                process.terminate()
        assert work.wait(30) == 0
