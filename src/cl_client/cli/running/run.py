"""One run of the command line: what its commands work with."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AbstractAsyncContextManager
from types import FrameType
from typing import TYPE_CHECKING

from cl_client.cli.help.options import GlobalOptions
from cl_client.cli.output.console import Console
from cl_client.cli.output.failure import Interrupted, Terminated

if TYPE_CHECKING:
    from cl_client.cli.program import Program
    from cl_client.config.profiles import ConfigFile
    from cl_client.config.servers import ServerConfig
    from cl_client.config.settings import Setting, Told
    from cl_client.job_client import JobClient
    from cl_client.runtime.server_client import ServerClient
    from cl_client.session import SessionManager
    from cl_client.wire.client import Client


class Run:
    """What a command is given: the console, the options, a client when it needs one."""

    def __init__(self, program: Program, options: GlobalOptions) -> None:
        self.program: Program = program
        self.options: GlobalOptions = options
        self.console: Console = Console(
            program=program.name, as_json=options.json, quiet=options.quiet, debug=options.debug
        )

    @property
    def config_file(self) -> ConfigFile:
        """The profiles of this user."""
        from cl_client.config.profiles import ConfigFile

        return ConfigFile.chosen(self.options.config, program=self.program.own_name, services=self.service_settings)

    @functools.cached_property
    def service_settings(self) -> tuple[Setting, ...]:
        """The settings of the servers of the program, where there are several."""
        from cl_client.config.settings import service_settings

        return service_settings(self.program.own_name, [each.name for each in self.program.services])

    @functools.cached_property
    def told(self) -> dict[str, Told]:
        """What is set outside of the program, by field of `ServerConfig`: options go before the environment, and that
        before the profile.

        Raises:
            InvalidParameterError: the environment or the file of profiles is not right.
        """
        from cl_client.config.settings import Told, told_by_all, told_by_environment

        address = self.program.address
        spec = {"compute_url": Told(address, "the specification of the server")} if address else {}
        for service in self.program.services:
            if service.address:
                spec[f"{service.name}_url"] = Told(service.address, "the specification of the server")
        given = {name: Told(url, f"option --{name.replace('_', '-')}") for name, url in self.program.given.items()}
        profile = self.config_file.told_by(self.options.profile or os.environ.get("CL_PROFILE"))
        return told_by_all(spec, profile, told_by_environment(None, self.service_settings), self.options.told(), given)

    @property
    def server_config(self) -> ServerConfig:
        """Where the servers are; raises as `told`."""
        from cl_client.config.servers import ServerConfig

        return ServerConfig.of(self.told)

    @property
    def username(self) -> str | None:
        """The user that the options, the environment or the profile name; raises as `told`."""
        said = self.told.get("username")
        return None if said is None else str(said.value)

    def session(self) -> AbstractAsyncContextManager[SessionManager | None]:
        """The session of who runs it, or `None` for a guest; raises as `sign_in.signed_in`."""
        from cl_client.cli.running.sign_in import signed_in

        return signed_in(self.options, self.server_config, self.username, accounts=bool(self.program.accounts))

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncGenerator[JobClient]:
        """A client of the server that the options name, for the user that they name.

        Raises:
            InvalidParameterError: one of the options is no address.
            AuthenticationError: whom they name cannot log in.
        """
        from cl_client.http.auth import JWTAuthProvider

        async with self.session() as session:
            provider = None if session is None else JWTAuthProvider(session=session)
            async with with_jobs(self.program.client(self.server_config, provider)) as client:
                yield client

    @contextlib.asynccontextmanager
    async def api(self) -> AsyncGenerator[Client]:
        """The wire layer of such a client, whether its server has jobs or not; raises as `client`."""
        from cl_client.http.auth import JWTAuthProvider

        async with self.session() as session:
            provider = None if session is None else JWTAuthProvider(session=session)
            async with self.program.client(self.server_config, provider) as client:
                yield client.api

    def warn_of_password(self, option: str) -> None:
        """Say that an option is no place for a password."""
        self.console.warn(f"other users of this machine can see {option}: use `{option} -`, which reads stdin")

    def complete(self, work: Coroutine[object, object, None]) -> None:
        """Run asynchronous work to its end.

        Raises:
            KeyboardInterrupt: Ctrl-C (`Interrupted`) or SIGTERM (`Terminated`) came; the work was cancelled, and has
                cleaned up.
        """
        # asyncio takes 14 ms to import: help does not pay for it.
        import asyncio

        from cl_client.loops.event_loop import EventLoop

        try:
            with asyncio.Runner(loop_factory=EventLoop) as runner:
                runner.run(_until_terminated(work, self.console))
        except Terminated:
            raise
        except KeyboardInterrupt:
            raise Interrupted from None


def with_jobs(client: JobClient | ServerClient) -> JobClient:
    """The client of a server that has jobs.

    Raises:
        UnsupportedError: it has none.
    """
    from cl_client.errors import UnsupportedError
    from cl_client.job_client import JobClient

    if not isinstance(client, JobClient):
        raise UnsupportedError("this server has no jobs")
    return client


async def _until_terminated(work: Coroutine[object, object, None], console: Console) -> None:
    import asyncio
    import signal

    task = asyncio.ensure_future(work)
    terminated = False

    def terminate() -> None:
        nonlocal terminated
        terminated = True
        task.cancel()

    _tidy_on_ctrl_c(console)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
    try:
        await task
    except asyncio.CancelledError:
        if terminated:
            raise Terminated from None
        raise


def _tidy_on_ctrl_c(console: Console) -> None:
    """Begin a new line at Ctrl-C, before what asyncio.run does, whose own affair it is."""
    import signal

    handle = signal.getsignal(signal.SIGINT)
    if not callable(handle):
        return

    def interrupted(number: int, frame: FrameType | None) -> None:
        console.end_echo()
        handle(number, frame)

    signal.signal(signal.SIGINT, interrupted)
