"""A client of several servers that share who calls and the connections. Generated packages add a property for each."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, ClassVar, TypeVar, Unpack, cast

from attrs import evolve, frozen

from cl_client.config.addresses import read_address
from cl_client.config.defaults import ComputeClientConfig, ConnectionLimits, Timeouts
from cl_client.config.servers import ServerConfig
from cl_client.config.settings import Told, service_settings, told_by_all, told_by_environment
from cl_client.errors import InvalidParameterError
from cl_client.http.auth import AuthProvider, JWTAuthProvider
from cl_client.http.connections import connections_to
from cl_client.http.library import httpx
from cl_client.http.options import HttpOptions, trust_of
from cl_client.runtime.server_client import ServerClient
from cl_client.runtime.sign_in import Scheme, Secrets, SignIn, flow_of, secrets_of
from cl_client.runtime.signed_client import SignedJobClient
from cl_client.watching.listening import Listening

if TYPE_CHECKING:
    from cl_client.http.proxies import EnvironmentTransport
    from cl_client.watching.mqtt_connection import Broker

_BEARING = frozenset(["bearer", "client_credentials", "password"])
_USUAL = {
    "auth_url": ComputeClientConfig.DEFAULT_AUTH_URL,
    "compute_url": ComputeClientConfig.DEFAULT_BASE_URL,
    "store_url": ComputeClientConfig.DEFAULT_STORE_URL,
}

Client = TypeVar("Client", bound=ServerClient | SignedJobClient)


@frozen
class Service:
    """One of the servers.

    Attributes:
        name: the attribute of the client. Its address is the setting `{name}_url`.
        address: of the spec.
        base_path: where the spec has its paths, below an address that says nothing of it.
        flows: the ways in which it gives tokens.
    """

    name: str
    address: str = ""
    base_path: str = ""
    flows: tuple[Scheme, ...] = ()


class ServiceClients(Listening):
    """A client for several servers, and for one event loop.

    Generated packages add their servers, and say in their constructor what each argument is.

    Use the client as an async context manager, or call `await client.close()` at the end, which closes the clients of
    all servers.
    """

    program: ClassVar[str] = ""
    http_library: ClassVar[str] = "httpx"
    """`httpx` or `httpx2`: whose connections they are."""
    services: ClassVar[tuple[Service, ...]] = ()

    def __init__(
        self,
        addresses: Mapping[str, str | None],
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
        settings = service_settings(self.program, [each.name for each in self.services])
        told = told_by_environment(None, settings) if server_config is None else server_config.told
        arguments = {f"{name}_url": Told(url, "argument") for name, url in addresses.items() if url}
        self._told = told_by_all(told, arguments)
        config = ServerConfig.of(self._told)
        self._config = config if mqtt_url is None else config.with_broker(mqtt_url)
        self._timeout = timeout
        self._deadline = deadline
        self._limits = limits
        self._open = AsyncExitStack()
        self._http = http
        self._shared = self._connections()
        self._given: Secrets = {
            **{"token": token, "api_key": api_key, "username": username, "password": password},
            **{"client_id": client_id, "client_secret": client_secret, "token_url": token_url},
        }
        self._holder = _Holder(auth_provider or self._flow())
        self._is_signed = auth_provider is not None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {', '.join(each.name for each in self.services)}>"

    def use_token(self, token: str | None) -> None:
        """Send this token to all servers that accept tokens from now on, such as one that an operation returned.

        Args:
            token: The token. `None` for the credentials that the client was made with.

        Raises:
            InvalidParameterError: The token is malformed.
        """
        self._holder.token = None if token is None else JWTAuthProvider(token)

    def only(self, name: str) -> ServerClient | SignedJobClient:
        """The client of one server, whose end is the end of them all: for command lines."""
        client = cast("ServerClient | SignedJobClient", getattr(self, name))
        client.end_with(self)
        return client

    async def close(self) -> None:
        """Close the connections. Watches end with `ClientClosedError`. Jobs continue on their server."""
        await self._open.aclose()
        if (provider := self._holder.provider) is not None and not self._is_signed:
            await SignIn(provider, {}).close()
        if self._shared is not None:
            await self._shared.aclose()

    def _service(self, name: str, kind: type[Client]) -> Client:
        """The client of a server, which is made when it is first asked for."""
        config = self._config_of(next(each for each in self.services if each.name == name))
        auth: AuthProvider | None = self._holder
        keys = SignIn(None, {})
        if not self._is_signed:
            secrets = secrets_of(self._given, config, f"{self.program}_{name}", self.program)
            takes_tokens = not kind.schemes or any(each.kind in _BEARING for each in kind.schemes)
            # Users and programs get their token where the flow is, which is for all.
            secrets |= {"client_id": None} if takes_tokens else {"client_id": None, "token": None}
            flowless = tuple(each for each in kind.schemes if each.kind not in {"client_credentials", "password"})
            keyed = evolve(config, client_id=None)
            keys = SignIn.of(flowless, secrets, "", keyed, timeout=None, library="httpx", http=HttpOptions())
            auth = _ServiceAuth(self._holder if takes_tokens else _Holder(None), keys.provider)
        client = kind(
            timeout=self._timeout,
            auth_provider=auth,
            server_config=config,
            deadline=self._deadline,
            limits=self._limits,
            **self._options(),
        )
        client.sign_in_with(keys)
        self._open.push_async_callback(client.close)
        return client

    def _flow(self) -> AuthProvider | None:
        """What gets tokens, from the first server that gives them for what is given."""
        for each in self.services:
            secrets = secrets_of(self._given, self._config, f"{self.program}_{each.name}", self.program)
            if each.flows and flow_of(each.flows, secrets) is not None:
                return SignIn.of(
                    each.flows,
                    secrets,
                    "",
                    self._config_of(each),
                    timeout=self._timeout,
                    library=self.http_library,
                    http=self._options(),
                ).provider
        return None

    def _config_of(self, service: Service) -> ServerConfig:
        """Where a server is.

        Raises:
            InvalidParameterError: nobody has said it.
        """
        key = f"{service.name}_url"
        told = self._told.get(key)
        is_usual = told is None or (told.source == "server_config" and told.value == _USUAL.get(key))
        url = service.address if is_usual and service.address else told.value if told else _USUAL.get(key, "")
        if not url:
            variable = f"{self.program}_{key}".upper().replace("-", "_")
            raise InvalidParameterError(f"where is {service.name}? pass {key}=, or set {variable}")
        address = str(url).rstrip("/")
        has_path = "/" in address.partition("//")[2].rpartition("@")[2]
        return evolve(self._config, compute_url=address if has_path else f"{address}{service.base_path}")

    def _options(self) -> HttpOptions:
        return self._http if self._shared is None else {**self._http, "transport": self._shared}

    def _connections(self) -> EnvironmentTransport | None:
        """Connections for all servers, if the program has none of its own."""
        if self._http.get("http_client") is not None or self._http.get("transport") is not None:
            return None
        url = httpx.URL(read_address(self._config.compute_url).url)
        limits = self._limits or ConnectionLimits()
        return connections_to(url, limits, self._config.ca_file, self._http, self.http_library)

    def _broker(self) -> Broker:
        from cl_client.watching.mqtt_connection import Broker

        return Broker.of(self._config, self._holder, trust_of(self._http, self._config.ca_file))


class _Holder(AuthProvider):
    """Who calls all servers, which can change.

    Args:
        provider: what the client began with.
    """

    def __init__(self, provider: AuthProvider | None) -> None:
        self.provider = provider
        self.token: AuthProvider | None = None

    @property
    def _now(self) -> AuthProvider | None:
        return self.token or self.provider

    def get_headers(self) -> dict[str, str]:
        return {} if self._now is None else self._now.get_headers()

    async def get_fresh_headers(self) -> dict[str, str]:
        return {} if self._now is None else await self._now.get_fresh_headers()

    async def renew(self, refused: Mapping[str, str]) -> bool:
        return self._now is not None and await self._now.renew(refused)


class _ServiceAuth(AuthProvider):
    """Who calls one server: with its own keys, and as all.

    Args:
        shared: as all; own: with its keys.
    """

    def __init__(self, shared: _Holder, own: AuthProvider | None) -> None:
        self._shared = shared
        self._own = {} if own is None else own.get_headers()

    def get_headers(self) -> dict[str, str]:
        return {**self._own, **self._shared.get_headers()}

    async def get_fresh_headers(self) -> dict[str, str]:
        return {**self._own, **await self._shared.get_fresh_headers()}

    async def renew(self, refused: Mapping[str, str]) -> bool:
        shared = self._shared.get_headers()
        return await self._shared.renew({name: value for name, value in refused.items() if name in shared})
