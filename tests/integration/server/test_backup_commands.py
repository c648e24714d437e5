"""`cl-server backup` of a stack that runs, and `cl-server restore` to a new place."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from cl_client import AuthClient, ComputeClient, JWTAuthProvider, ServerConfig
from cl_server.embedded import LocalStack
from tests.accounts import USER, Accounts
from tests.media.photo import photo


def run(data: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """`cl-server`, for a data folder."""
    command = [sys.executable, "-m", "cl_server", *map(str, arguments)]
    return subprocess.run(command, env={**os.environ, "CL_DATA": str(data)}, capture_output=True, text=True)


async def test_a_stack_is_saved_while_it_runs_and_its_copy_has_its_jobs_users_and_tokens(
    accounts: Accounts, tmp_path: Path
) -> None:
    token = accounts.tokens[USER]
    config = ServerConfig(compute_url=accounts.stack.compute_url, mqtt_port=accounts.stack.mqtt_port)
    async with ComputeClient(server_config=config, auth_provider=JWTAuthProvider(token)) as client:
        job = await client.media_thumbnail.generate(photo(64, 48), width=16, wait=True)
    saved = run(accounts.stack.data, "backup", tmp_path / "backup")
    assert saved.returncode == 0, saved.stderr
    assert "3 users to" in saved.stdout
    restored = run(tmp_path / "copy", "restore", tmp_path / "backup")
    assert restored.returncode == 0, restored.stderr

    with LocalStack(tmp_path / "copy", workers=0, auth=True) as copy:
        config = ServerConfig(compute_url=copy.compute_url, mqtt_port=copy.mqtt_port)
        # The token is from before the backup: the keys are the same.
        async with ComputeClient(server_config=config, auth_provider=JWTAuthProvider(token)) as client:
            again = await client.jobs.get(job.job_id)
            with Image.open(await again.download(tmp_path / "b.jpg")) as thumbnail:
                assert thumbnail.size == (16, 12)
        assert copy.auth_url is not None
        async with AuthClient(copy.auth_url) as auth:
            assert (await auth.login(USER, accounts.passwords[USER])).access_token


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_wrong_folder_is_named_in_one_line(command: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    refused = run(tmp_path / "data", command, tmp_path)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert str(tmp_path) in refused.stderr
