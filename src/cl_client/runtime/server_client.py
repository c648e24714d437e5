"""A client of a server that has no jobs: its address, its connections, who calls."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self, Unpack

from cl_client.config.addresses import without_secrets
from cl_client.config.defaults import ConnectionLimits, Timeouts
from cl_client.config.servers import ServerConfig
from cl_client.http.auth import AuthProvider
from cl_client.http.options import HttpOptions, trust_of
from cl_client.http.sender import AWAY
from cl_client.http.transport import Transport
from cl_client.runtime.server_address import server_at
from cl_client.runtime.sign_in import Scheme, SignIn
from cl_client.watching.listening import Listening
from cl_client.wire.client import Client

if TYPE_CHECKING:
    from cl_client.watching.mqtt_connection import Broker


class ServerClient(Listening):
    """A client of one server, for one event loop: all but the operations, which generated packages mix in.

    Use it as an async context manager, or `await client.close()` at the end.

    Args:
        base_url: of the server; `COMPUTE_URL`, or the address that the spec has, when not given.
        timeout: seconds for each connect, read and write of a request, or a `Timeouts` for each of them its own; 30
            when not given.
        auth_provider: signs the requests.
        server_config: addresses in one object; `base_url` goes before it.
        token: for servers with bearer tokens; `api_key`: for those with keys; `username`, `password`: for basic
            authentication, and for servers that give a token for them; `client_id`, `client_secret`: for those that
            give one to programs (OAuth 2.0), at `token_url` where the spec names no such place, or another one.
            When not given, what the environment has: `{PROGRAM}_TOKEN`, `{PROGRAM}_API_KEY`, `{PROGRAM}_USERNAME`,
            `{PROGRAM}_PASSWORD`, `{PROGRAM}_CLIENT_ID`, `{PROGRAM}_CLIENT_SECRET` and `{PROGRAM}_TOKEN_URL`.
        deadline: seconds that a call may take in all; when not given, a request is tried a few times.
        limits: of the connections.
        mqtt_url: of the broker, for `listen`; `MQTT_URL` when not given.
        http: how requests go out; see `HttpOptions`.

    Raises:
        InvalidParameterError: an address or a time that cannot be one.
    """

    program: ClassVar[str] = ""
    address: ClassVar[str] = ""
    base_path: ClassVar[str] = ""
    """Where the spec has its paths, below an address that says nothing of it."""
    http_library: ClassVar[str] = "httpx"
    """`httpx` or `httpx2`: whose connections they are."""
    schemes: ClassVar[tuple[Scheme, ...]] = ()

    def __init__(
        self,
        base_url: str | None = None,
        timeout: float | Timeouts | None = None,
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
        self._config = config if mqtt_url is None else config.with_broker(mqtt_url)
        self._http = http
        self.base_url: str = config.compute_url.rstrip("/")
        given = {"token": token, "api_key": api_key, "username": username, "password": password}
        given |= {"client_id": client_id, "client_secret": client_secret, "token_url": token_url}
        sign_in = SignIn.of(
            self.schemes, given, self.program, config, timeout=timeout, library=self.http_library, http=http
        )
        self._sign_in = SignIn(None, {}) if auth_provider is not None else sign_in
        self._auth = auth_provider or sign_in.provider
        self._transport = Transport(
            self.base_url,
            timeout=Timeouts() if timeout is None else timeout,
            auth=self._auth,
            deadline=deadline,
            limits=limits or ConnectionLimits(),
            when_away=AWAY,
            ca_file=config.ca_file,
            options=http,
            library=self.http_library,
        )
        sign_in.add_keys(self._transport)
        self.api: Client = Client(base_url=self.base_url).set_async_httpx_client(self._transport)
        """The wire layer beneath."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {without_secrets(self.base_url)}>"

    def _broker(self) -> Broker:
        from cl_client.watching.mqtt_connection import Broker

        return Broker.of(self._config, self._auth, trust_of(self._http, self._config.ca_file))

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()
        await self._sign_in.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
