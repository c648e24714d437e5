"""A client of a job server that people sign in to as its spec says."""

from __future__ import annotations

from typing import ClassVar, Unpack

from cl_client.config.defaults import ConnectionLimits, Timeouts
from cl_client.config.servers import ServerConfig
from cl_client.http.auth import AuthProvider
from cl_client.http.options import HttpOptions
from cl_client.job_client import JobClient
from cl_client.runtime.server_address import server_at
from cl_client.runtime.sign_in import Scheme, SignIn


class SignedJobClient(JobClient):
    """A client of one job server, for one event loop: all but the plugins. As `JobClient`, and beside that:

    Args:
        base_url: of the server; `COMPUTE_URL`, or the address that the spec has, when not given.
        auth_provider: signs the requests, in place of all that follows.
        token: for servers with bearer tokens; `api_key`: for those with keys; `username`, `password`: for basic
            authentication, and for servers that give a token for them; `client_id`, `client_secret`: for those that
            give one to programs (OAuth 2.0), at `token_url` where the spec names no such place, or another one.
            When not given, what the environment has: `{PROGRAM}_TOKEN`, `{PROGRAM}_API_KEY`, `{PROGRAM}_USERNAME`,
            `{PROGRAM}_PASSWORD`, `{PROGRAM}_CLIENT_ID`, `{PROGRAM}_CLIENT_SECRET` and `{PROGRAM}_TOKEN_URL`.

    Raises:
        InvalidParameterError: an address or a time that cannot be one.
    """

    program: ClassVar[str] = ""
    address: ClassVar[str] = ""
    base_path: ClassVar[str] = ""
    """Where the spec has its paths, below an address that says nothing of it."""
    schemes: ClassVar[tuple[Scheme, ...]] = ()

    def __init__(
        self,
        base_url: str | None = None,
        timeout: float | Timeouts | None = None,
        mqtt_broker: str | None = None,
        mqtt_port: int | None = None,
        auth_provider: AuthProvider | None = None,
        server_config: ServerConfig | None = None,
        *,
        token: str | None = None,
        api_key: str | None = None,
        username: str | None = None,
        password: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        token_url: str | None = None,
        deadline: float | None = None,
        limits: ConnectionLimits | None = None,
        mqtt_url: str | None = None,
        **http: Unpack[HttpOptions],
    ) -> None:
        config = server_at(base_url, server_config, address=self.address, base_path=self.base_path)
        given = {"token": token, "api_key": api_key, "username": username, "password": password}
        given |= {"client_id": client_id, "client_secret": client_secret, "token_url": token_url}
        sign_in = SignIn.of(
            self.schemes, given, self.program, config, timeout=timeout, library=self.http_library, http=http
        )
        self._sign_in = SignIn(None, {}) if auth_provider is not None else sign_in
        super().__init__(
            None,
            timeout,
            mqtt_broker,
            mqtt_port,
            auth_provider or sign_in.provider,
            config,
            deadline=deadline,
            limits=limits,
            mqtt_url=mqtt_url,
            **http,
        )
        sign_in.add_keys(self._transport)

    async def close(self) -> None:
        """End all watches with `ClientClosedError`, leave the broker, close the connections. Jobs go on."""
        await super().close()
        await self._sign_in.close()
