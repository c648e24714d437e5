"""`cl-client login`, `logout` and `whoami`."""

# Annotations are not strings here: cyclopts reads them.
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from cl_client.cli.output import prompt
from cl_client.cli.output.console import Row
from cl_client.cli.running.run import Run
from cl_client.config.addresses import without_secrets
from cl_client.errors import AuthenticationError, ComputeClientError

if TYPE_CHECKING:
    from cl_api.auth.models import UserResponse


def login(
    username: Annotated[
        str | None,
        Parameter(help="The user. Default: --username, CL_USERNAME, or the profile. Otherwise, the command asks."),
    ] = None,
    /,
    *,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Log in, for this and later commands.

    The command asks for the password, or reads it from stdin with `--password -`, or from CL_PASSWORD. It stores the
    token in the keyring of the system, or in a file that only you can read. It never stores the password.
    """
    from cl_client.config.servers import Credentials

    found = Credentials.from_env()
    name = username or run.username or prompt.line("User", otherwise="name the user: cl-client login USERNAME")
    password = run.options.password or found.password
    password = password or prompt.password(
        f"Password of {name}", otherwise="pass the password on stdin with --password -, or set CL_PASSWORD"
    )
    run.complete(_login(run, name, password))


async def _login(run: Run, username: str, password: str) -> None:
    from cl_client.session import SessionManager

    async with SessionManager(run.server_config) as session:
        token = await session.login(username, password)
        if session.kept_in is None:
            raise ComputeClientError(
                f"{username} can log in, but the session can't be stored",
                hint="set CL_USERNAME and CL_PASSWORD, so that each command logs in",
            )
        user = await session.auth.get_current_user(token.access_token)
        show_user(run, user, [("server", without_secrets(session.auth.base_url)), ("stored in", session.kept_in)])


def logout(*, run: Annotated[Run, Parameter(parse=False)]) -> None:
    """Log out: end the session of the last login, or of the user in --username."""
    run.complete(_logout(run))


async def _logout(run: Run) -> None:
    from cl_client.session import SessionManager

    async with SessionManager(run.server_config, username=run.username) as session:
        name = session.username
        await session.logout()
    if name is None:
        run.console.say("no user was logged in")
    else:
        run.console.result({"username": name}, [("logged out", name)], id=name)


auth = App(name="auth", help="Print your token.")


@auth.command(name="token")
def token(*, run: Annotated[Run, Parameter(parse=False)]) -> None:
    """Print a valid token, for use in other programs."""
    run.complete(_token(run))


async def _token(run: Run) -> None:
    async with run.session() as session:
        if session is None:
            raise AuthenticationError("no user is logged in, and guests have no token")
        valid = await session.get_valid_token()
    run.console.document({"token": valid}, f"{valid}\n")


def whoami(*, run: Annotated[Run, Parameter(parse=False)]) -> None:
    """Show who you are logged in as."""
    run.complete(_whoami(run))


async def _whoami(run: Run) -> None:
    async with run.session() as session:
        user = None if session is None else await session.get_current_user()
    if user is None:
        run.console.result({"username": None}, [("user", "a guest (no user is logged in)")], id="")
    else:
        show_user(run, user)


def show_user(run: Run, user: "UserResponse", rows: list[Row] | None = None) -> None:
    """Print a user, and more rows for people."""
    run.console.result(
        user.to_dict(),
        [
            ("user", user.username),
            ("id", str(user.id)),
            ("admin", "yes" if user.is_admin else "no"),
            ("active", "yes" if user.is_active else "no"),
            ("permissions", ", ".join(user.permissions) or "none"),
            *(rows or []),
        ],
        id=str(user.id),
    )
