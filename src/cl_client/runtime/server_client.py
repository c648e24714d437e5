"""A client of a server that has no jobs: its address, its connections, who calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Unpack

from cl_client.config.addresses import without_secrets
from cl_client.config.defaults import ConnectionLimits, Timeouts
from cl_client.config.servers import ServerConfig
from cl_client.http.auth import AuthProvider
from cl_client.http.options import HttpOptions, trust_of
from cl_client.http.sender import AWAY
from cl_client.http.transport import Transport
from cl_client.runtime.server_address import server_at
from cl_client.runtime.sign_in import Scheme, SignIn, SignsIn
from cl_client.watching.listening import Listening
from cl_client.wire.client import Client

if TYPE_CHECKING:
    from cl_client.watching.mqtt_connection import Broker


class ServerClient(SignsIn, Listening):
    """A client for one server without jobs, and for one event loop.

    Generated packages add their operations. They read the credentials from the environment of the program: `{PROGRAM}`
    is its name in capitals, such as `MY_CLIENT`.

    Use the client as an async context manager, or call `await client.close()` at the end.
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
        """Make a client. It connects to the server when it sends its first request.

        Args:
            base_url: Address of the server. Default: `COMPUTE_URL`, or the address in the document of the server.
            timeout: Seconds for each connect, read and write of a request, or a `Timeouts` with a value for each.
                Default: 30.
            auth_provider: Signs the requests, in place of the credentials below.
            server_config: All addresses in one object. `base_url` takes precedence.
            token: A bearer token. Default: `{PROGRAM}_TOKEN`.
            api_key: An API key. Default: `{PROGRAM}_API_KEY`.
            username, password: For basic authentication, or to get a token. Default: `{PROGRAM}_USERNAME` and
                `{PROGRAM}_PASSWORD`.
            client_id, client_secret: To get a token as a program (OAuth 2.0). Default: `{PROGRAM}_CLIENT_ID` and
                `{PROGRAM}_CLIENT_SECRET`.
            token_url: The URL that returns tokens. Default: `{PROGRAM}_TOKEN_URL`, or the one in the document of the
                server.
            deadline: Seconds for a whole call, including retries, uploads and downloads. With a deadline, the client
                retries until it ends; by default, it makes a few attempts.
            limits: Limits for the connections to the server.
            mqtt_url: The broker for `listen`. Default: `MQTT_URL`.
            http: Options for requests with the names of httpx: `verify`, `transport`, `http_client`, `event_hooks`. See
                `HttpOptions`.

        Raises:
            InvalidParameterError: An address or a time is invalid.
        """
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
        await self._end()
