"""The nine endpoints of the auth server, and what they refuse."""

import asyncio

import pytest

from cl_client import (
    AuthClient,
    AuthenticationError,
    ConflictError,
    InvalidParameterError,
    NotFoundError,
    PermissionError,
    RateLimitError,
    ResponseError,
    ServerConfig,
    ServerUnreachableError,
    UserCreateRequest,
    UserUpdateRequest,
    ValidationError,
)
from cl_client.accounts.auth_client import _listed
from tests.accounts import ADMIN, JOBS, STRANGER, USER, Accounts
from tests.faults.scripted import answer, scripted_server


async def test_a_user_logs_in_and_learns_who_they_are(accounts: Accounts):
    async with AuthClient(accounts.auth_url) as auth:
        token = await auth.login(USER, accounts.passwords[USER])
        assert token.token_type == "bearer"
        me = await auth.get_current_user(token.access_token)
        assert (me.username, me.permissions, me.is_admin, me.is_active) == (USER, [JOBS], False, True)
        newer = await auth.refresh_token(token.access_token)
        assert (await auth.get_current_user(newer.access_token)).id == me.id
        key = await auth.get_public_key()
        assert key.public_key.startswith("-----BEGIN PUBLIC KEY-----")


async def test_an_admin_makes_changes_and_removes_a_user(accounts: Accounts):
    async with AuthClient(server_config=ServerConfig(auth_url=accounts.auth_url)) as auth:
        admin = (await auth.login(ADMIN, accounts.passwords[ADMIN])).access_token
        wanted = UserCreateRequest(username="carol", password="carol's password", permissions=[JOBS, "read:jobs"])
        carol = await auth.create_user(admin, wanted)
        assert carol.permissions == [JOBS, "read:jobs"]
        with pytest.raises(ConflictError, match="there is a user carol already"):
            await auth.create_user(admin, wanted)
        assert await auth.get_user(admin, carol.id) == carol
        asleep = UserCreateRequest(username="dora", password="dora's password", is_active=False)
        dora = await auth.create_user(admin, asleep)
        assert (dora.is_active, dora.permissions) == (False, [])
        await auth.delete_user(admin, dora.id)
        assert [user.username for user in await auth.list_users(admin, skip=1, limit=1)] == [USER]
        same = await auth.update_user(admin, carol.id, UserUpdateRequest())
        assert same == carol
        changed = await auth.update_user(
            admin, carol.id, UserUpdateRequest(password="another password", permissions=[], is_admin=True)
        )
        assert (changed.permissions, changed.is_admin, changed.is_active) == ([], True, True)
        assert (await auth.login("carol", "another password")).access_token
        shut_out = await auth.update_user(admin, carol.id, UserUpdateRequest(is_active=False, is_admin=False))
        assert (shut_out.is_active, shut_out.is_admin) == (False, False)
        with pytest.raises(AuthenticationError, match="not active"):
            await auth.login("carol", "another password")
        await auth.delete_user(admin, carol.id)
        with pytest.raises(NotFoundError, match=f"there is no user {carol.id}"):
            await auth.get_user(admin, carol.id)


async def test_what_is_refused_is_typed_and_says_why(accounts: Accounts):
    async with AuthClient(accounts.auth_url) as auth:
        with pytest.raises(AuthenticationError, match="the user name or the password is wrong") as wrong:
            await auth.login(STRANGER, "a guess")
        assert wrong.value.request_id
        stranger = (await auth.login(STRANGER, accounts.passwords[STRANGER])).access_token
        with pytest.raises(PermissionError, match="only an admin may do this"):
            await auth.list_users(stranger)
        with pytest.raises(AuthenticationError, match="cannot be read"):
            await auth.get_current_user("nonsense")
        admin = (await auth.login(ADMIN, accounts.passwords[ADMIN])).access_token
        with pytest.raises(ValidationError, match="password"):
            await auth.create_user(admin, UserCreateRequest(username="dave", password="short"))
        me = await auth.get_current_user(admin)
        with pytest.raises(ConflictError, match="last active admin"):
            await auth.delete_user(admin, me.id)


async def test_each_call_has_its_own_token_however_many_run(accounts: Accounts):
    async with AuthClient(accounts.auth_url) as auth:
        tokens = {
            name: (await auth.login(name, password)).access_token for name, password in accounts.passwords.items()
        }
        names = list(tokens) * 5
        users = await asyncio.gather(*(auth.get_current_user(tokens[name]) for name in names))
        assert [user.username for user in users] == names


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "schlüssel"])
async def test_what_is_no_token_is_not_sent(token: str):
    async with AuthClient("http://127.0.0.1:9") as auth:
        with pytest.raises(InvalidParameterError, match="this is not a token"):
            await auth.get_current_user(token)


def test_passwords_are_not_printed():
    assert "secret" not in repr(UserCreateRequest(username="a", password="secret"))
    assert "secret" not in repr(UserUpdateRequest(password="secret"))


@pytest.mark.parametrize("body", [b"[1]", b"no JSON", b'[{"id": 1}]', b"7"])
async def test_an_answer_of_the_wrong_shape_is_a_typed_error(body: bytes):
    async with scripted_server(answer(200, body)) as server, AuthClient(server.url) as auth:
        with pytest.raises(ResponseError):
            await auth.list_users("token")
        with pytest.raises(ResponseError):
            await auth.login("a", "b")


async def test_a_token_whose_life_is_not_told_is_a_token():
    async with scripted_server(answer(200, b'{"access_token": "abc", "token_type": "bearer"}')) as server:
        async with AuthClient(server.url) as auth:
            assert (await auth.login("a", "b")).access_token == "abc"


async def test_too_many_attempts_say_when_to_go_on():
    async with scripted_server(answer(429, Retry_After="7")) as server, AuthClient(server.url) as auth:
        with pytest.raises(RateLimitError) as limited:
            await auth.login("a", "b")
        assert limited.value.retry_after == 7
        assert len(server.requests) == 1


async def test_an_auth_server_that_is_down_is_told_with_its_address():
    async with AuthClient("http://127.0.0.1:9") as auth:
        with pytest.raises(ServerUnreachableError, match=r"cannot reach http://127\.0\.0\.1:9"):
            await auth.get_public_key()


@pytest.mark.parametrize(
    ("permissions", "sent"), [(["a", "b:c"], "a,b:c"), (["a"], "a"), ([], ","), (["a,b"], '["a,b"]')]
)
def test_permissions_go_out_as_every_server_of_the_family_reads_them(permissions: list[str], sent: str):
    """Some read a comma list alone, and took the brackets of a JSON list for a part of the words."""
    assert _listed(permissions) == sent
