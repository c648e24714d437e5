"""A client of a job server that people sign in to as its spec says."""

from __future__ import annotations

from typing import ClassVar, Unpack

from cl_client.config.defaults import ConnectionLimits, Timeouts
from cl_client.config.servers import ServerConfig
from cl_client.http.auth import AuthProvider
from cl_client.http.options import HttpOptions
from cl_client.job_client import JobClient
from cl_client.runtime.server_address import server_at
from cl_client.runtime.sign_in import Scheme, SignIn, SignsIn


class SignedJobClient(SignsIn, JobClient):
    """A `JobClient` for a server that requires a token, a key or a password.

    Generated packages add their plugins. They read the credentials from the environment of the program: `{PROGRAM}` is
    its name in capitals, such as `MY_CLIENT`.
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
        """Make a client. It connects to the server when it sends its first request.

        Args:
            base_url: Address of the server. Default: `COMPUTE_URL`, or the address in the document of the server.
            timeout: Seconds for each connect, read and write of a request, or a `Timeouts` with a value for each.
                Default: 30. Waiting for jobs has its own timeouts.
            mqtt_broker: Host of the broker. Default: `MQTT_BROKER_HOST`, or `localhost`. If the broker is down, the
                client follows jobs over HTTP.
            mqtt_port: Port of the broker. Default: `MQTT_BROKER_PORT`, or 1883.
            auth_provider: Signs the requests, in place of the credentials below.
            server_config: All addresses in one object. The arguments above take precedence. Its user, password and
                token are sent only to its own broker, not to a `mqtt_broker` on another host.
            token: A bearer token. Default: `{PROGRAM}_TOKEN`.
            api_key: An API key. Default: `{PROGRAM}_API_KEY`.
            username, password: For basic authentication, or to get a token. Default: `{PROGRAM}_USERNAME` and
                `{PROGRAM}_PASSWORD`.
            client_id, client_secret: To get a token as a program (OAuth 2.0). Default: `{PROGRAM}_CLIENT_ID` and
                `{PROGRAM}_CLIENT_SECRET`.
            token_url: The URL that returns tokens. Default: `{PROGRAM}_TOKEN_URL`, or the one in the document of the
                server.
            deadline: Seconds for a whole call, including retries, uploads and downloads, but not for waiting for jobs.
                With a deadline, the client retries until it ends; by default, it makes a few attempts.
            limits: Limits for the connections to the server.
            mqtt_url: The broker as `mqtt://host:port`, or `mqtts://user:password@host:port` with TLS. Default:
                `MQTT_URL`, if `mqtt_broker` isn't given either.
            http: Options for requests with the names of httpx: `verify`, `transport`, `http_client`, `event_hooks`. See
                `HttpOptions`.

        Raises:
            InvalidParameterError: An address or a time is invalid.
        """
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
        """Close the connections. Watches end with `ClientClosedError`. Jobs continue on the server."""
        await super().close()
        await self._end()
