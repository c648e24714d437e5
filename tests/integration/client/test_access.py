"""What a client says of calls that are not for everybody, in each mode."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cl_api.compute.api.admin import get_admin_config, get_storage_size
from cl_client import AuthenticationError, ComputeClient, PermissionError
from cl_server.embedded import LocalStack
from tests.accounts import ADMIN, JOBS, STRANGER, USER, Accounts
from tests.integration.client.conftest import Caller

Call = Callable[[ComputeClient], Awaitable[object]]

JOB_CALLS: dict[str, Call] = {
    "submit": lambda client: client.hash.compute(b"x"),
    "submit beneath": lambda client: client.hash.submit_with_files({"file": b"x"}, {}),
    "get": lambda client: client.get_job("none"),
    "wait": lambda client: client.wait_for_job("none"),
    "attach": lambda client: client.jobs.get("none"),
    "delete": lambda client: client.delete_job("none"),
    "download": lambda client: client.download_job_file("none", "output/x", Path("x")),
}
ADMIN_CALLS: dict[str, Call] = {
    "storage": lambda client: get_storage_size.asyncio(client=client.api),
    "configuration": lambda client: get_admin_config.asyncio(client=client.api),
}


@pytest.fixture
def stranger(accounts: Accounts) -> Caller:
    return Caller(accounts.stack, accounts.tokens[STRANGER])


@pytest.mark.parametrize("call", JOB_CALLS.values(), ids=JOB_CALLS)
async def test_a_call_for_jobs_names_the_permission_that_is_missing(stranger: Caller, call: Call):
    async with stranger.client() as client:
        with pytest.raises(PermissionError, match=f"this needs the permission {JOBS}") as refused:
            await call(client)
    assert (refused.value.status, bool(refused.value.request_id)) == (403, True)
    assert "administrator" in (refused.value.hint or "")


async def test_a_watch_that_may_not_ask_ends_with_the_reason(stranger: Caller):
    async with stranger.client() as client:
        with pytest.raises(PermissionError, match=JOBS):
            await client.jobs.watcher.watch("none").end()


async def test_what_is_for_everybody_needs_no_permission(stranger: Caller):
    async with stranger.client() as client:
        assert (await client.get_capabilities()).num_workers == 1


@pytest.mark.parametrize("call", ADMIN_CALLS.values(), ids=ADMIN_CALLS)
@pytest.mark.parametrize("name", [ADMIN, USER, STRANGER])
async def test_a_call_for_admins_says_so(accounts: Accounts, call: Call, name: str):
    async with Caller(accounts.stack, accounts.tokens[name]).client() as client:
        if name == ADMIN:
            assert await call(client)
        else:
            with pytest.raises(PermissionError, match="only an admin may do this"):
                await call(client)


@pytest.mark.parametrize("call", ADMIN_CALLS.values(), ids=ADMIN_CALLS)
async def test_a_guest_is_told_to_log_in(accounts: Accounts, local_stack: LocalStack, call: Call):
    for stack, says in ((accounts.stack, "log in first"), (local_stack, "only an admin may do this: log in first")):
        async with Caller(stack).client() as client:
            with pytest.raises(AuthenticationError, match=says):
                await call(client)


async def test_a_token_means_nothing_to_a_server_without_accounts(local_stack: LocalStack):
    async with Caller(local_stack, "nonsense").client() as client:
        assert (await client.hash.compute(b"x", wait=True)).done()
