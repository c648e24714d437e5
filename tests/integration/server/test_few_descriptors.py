"""A server that may open few files: it refuses what it cannot take, loses nothing, and says little about it."""

import os
import resource
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from cl_server.stack import probe
from cl_server.stack.supervisor import wait_until
from tests.integration.server.test_bad_input import FORM_START
from tests.ports import free_port

DESCRIPTORS = 64


@pytest.mark.skipif(sys.platform != "linux", reason="only there a limit holds for what a process inherits")
def test_a_rush_of_submits_is_answered_with_so_few_descriptors(tmp_path: Path) -> None:
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "cl_server", "compute", "--port", str(port)],
            env={**os.environ, "CL_DATA": str(tmp_path / "data")},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS)),
        )
    url = f"http://127.0.0.1:{port}"
    try:
        assert wait_until(lambda: probe.get(url, "/healthz") is not None, 60)
        content = FORM_START + bytes(2 << 20) + b"\r\n--edge--\r\n"
        headers = {"content-type": "multipart/form-data; boundary=edge"}

        def submit(_: int) -> int:
            try:
                return httpx.post(
                    f"{url}/jobs/hash", content=content, headers=headers, timeout=60, verify=False
                ).status_code
            except httpx.TransportError:
                # Refused while it was still sending.
                return 503

        with ThreadPoolExecutor(80) as pool:
            answers = Counter(pool.map(submit, range(160)))
        assert set(answers) == {200, 503}
        assert wait_until(lambda: probe.get(url, "/jobs") is not None, 30)
        jobs = httpx.get(f"{url}/jobs?limit=200").json()["jobs"]
        assert len(jobs) == answers[200]
        assert len(list((tmp_path / "data" / "jobs").iterdir())) == len(jobs)
    finally:
        server.terminate()
        server.wait(30)
    said = (tmp_path / "log").read_text()
    assert "Traceback" not in said
    assert said.count("which is the limit") == 1
