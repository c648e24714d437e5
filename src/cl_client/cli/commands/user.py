"""`cl-client user`: what admins do with users."""

# Annotations are not strings here: cyclopts reads them.
import contextlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Annotated, Final, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from cl_client.cli.commands.account import show_user
from cl_client.cli.output import prompt
from cl_client.cli.running.run import Run
from cl_client.errors import AuthenticationError, ComputeClientError, InvalidParameterError, NotFoundError

if TYPE_CHECKING:
    from cl_client.accounts.auth_client import AuthClient
    from cl_client.accounts.user import UserCreateRequest, UserUpdateRequest

User = Annotated[str, Parameter(help="The name or the id. Digits only are an id.", name="USER")]
# After these commands, --password means this one: see `words.own_password`.
NewPassword = Annotated[
    str | None,
    Parameter(
        help="The password of the user, or - for stdin. After the command, --password means the same.",
        metavar="TEXT",
        allow_leading_hyphen=True,
    ),
]
Permissions = Annotated[
    list[str] | None,
    Parameter(
        help="Permissions, such as ai_inference_support. * means all.",
        consume_multiple=True,
        negative=(),
        metavar="WORD",
    ),
]
YesNo = Literal["true", "false"]

_PAGE: Final = 1000
"""Users that the server lists at once."""
_HAVE_JOBS: Final = "ai_inference_support"

app = App(name="user", help="Manage users (admins only).", help_flags=("--help", "-h"))


@app.command(name="create")
def create(
    username: Annotated[str, Parameter(help="The name: letters, digits and ._@+-")],
    /,
    *,
    new_password: NewPassword = None,
    admin: Annotated[bool, Parameter(help="Make the user an admin.", negative=(), show_default=False)] = False,
    permissions: Permissions = None,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Create a user."""
    from cl_client.accounts.user import UserCreateRequest

    password = _password(run, new_password, username) or prompt.password(
        f"Password of {username}", otherwise="give the password of the user with --new-password, or - to read stdin"
    )
    run.complete(
        _create(
            run,
            UserCreateRequest(
                username=username, password=password, is_admin=admin, permissions=_words(permissions) or []
            ),
        )
    )


async def _create(run: Run, wanted: "UserCreateRequest") -> None:
    async with _admin(run) as (auth, token):
        show_user(run, await auth.create_user(token, wanted))
    if not wanted.is_admin and not {_HAVE_JOBS, "*"} & set(wanted.permissions):
        run.console.hint(
            f"to let this user run jobs: cl-client user update {wanted.username} --permissions {_HAVE_JOBS}"
        )


@app.command(name="list")
def list_(
    *,
    skip: Annotated[int, Parameter(help="Skip the first N users.", validator=Number(gte=0))] = 0,
    limit: Annotated[int, Parameter(help="Show at most N users.", validator=Number(gte=1, lte=1000))] = 100,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """List users, oldest first."""
    run.complete(_list(run, skip, limit))


async def _list(run: Run, skip: int, limit: int) -> None:
    async with _admin(run) as (auth, token):
        users = await auth.list_users(token, skip, limit)
    run.console.results(
        ("ID", "USER", "ADMIN", "ACTIVE", "PERMISSIONS"),
        [
            (
                user.to_dict(),
                (
                    str(user.id),
                    user.username,
                    "yes" if user.is_admin else "no",
                    "yes" if user.is_active else "no",
                    ", ".join(user.permissions),
                ),
            )
            for user in users
        ],
    )


@app.command(name="get")
def get(user: User, /, *, run: Annotated[Run, Parameter(parse=False)]) -> None:
    """Show a user."""
    run.complete(_get(run, user))


async def _get(run: Run, user: str) -> None:
    async with _admin(run) as (auth, token):
        show_user(run, await auth.get_user(token, await _id_of(auth, token, user)))


@app.command(name="update")
def update(
    user: User,
    /,
    *,
    new_password: NewPassword = None,
    permissions: Permissions = None,
    admin: Annotated[YesNo | None, Parameter(help="Whether the user is an admin.")] = None,
    active: Annotated[YesNo | None, Parameter(help="Whether the user can log in.")] = None,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Change a user. Options that you leave out change nothing; `--permissions ""` removes all permissions."""
    from cl_client.accounts.user import UserUpdateRequest

    change = UserUpdateRequest(
        password=_password(run, new_password, f"user {user}"),
        permissions=_words(permissions),
        is_admin=None if admin is None else admin == "true",
        is_active=None if active is None else active == "true",
    )
    if change == UserUpdateRequest():
        raise InvalidParameterError("nothing to change: give --new-password, --permissions, --admin or --active")
    run.complete(_update(run, user, change))


async def _update(run: Run, user: str, change: "UserUpdateRequest") -> None:
    async with _admin(run) as (auth, token):
        show_user(run, await auth.update_user(token, await _id_of(auth, token, user), change))


@app.command(name="delete")
def delete(
    user: User,
    /,
    *,
    yes: Annotated[bool, Parameter(name=("--yes", "-y"), help="Don't ask.", negative=(), show_default=False)] = False,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Delete a user. Asks first."""
    if not yes and not prompt.confirmed(f"Delete user {user}?", option="--yes"):
        raise ComputeClientError(f"user {user} was not deleted")
    run.complete(_delete(run, user))


async def _delete(run: Run, user: str) -> None:
    async with _admin(run) as (auth, token):
        user_id = await _id_of(auth, token, user)
        await auth.delete_user(token, user_id)
    run.console.result({"id": user_id}, [("deleted", f"user {user}")], id=str(user_id))


async def _id_of(auth: "AuthClient", token: str, user: str) -> int:
    """Get the id of a user, by the id or by the name.

    Raises:
        NotFoundError: There is no user with that name.
    """
    if user.isascii() and user.isdecimal():
        return int(user)
    skip = 0
    while users := await auth.list_users(token, skip, _PAGE):
        found = next((each.id for each in users if each.username == user), None)
        if found is not None:
            return found
        skip += len(users)
    raise NotFoundError(f"there is no user {user}", hint="`cl-client user list` shows all of them")


@contextlib.asynccontextmanager
async def _admin(run: Run) -> "AsyncGenerator[tuple[AuthClient, str]]":
    """The auth server, and a token for it."""
    async with run.session() as session:
        if session is None:
            raise AuthenticationError("no user is logged in: only an admin may do this")
        yield session.auth, await session.get_valid_token()


def _password(run: Run, given: str | None, whose: str) -> str | None:
    if given == prompt.STDIN:
        return prompt.password_from_stdin(f"Password of {whose}")
    if given is not None:
        run.warn_of_password("--new-password")
    return given


def _words(permissions: list[str] | None) -> list[str] | None:
    """Each word may be a comma list, as the server takes it."""
    if permissions is None:
        return None
    return [word.strip() for words in permissions for word in words.split(",") if word.strip()]
