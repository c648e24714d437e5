"""Where requests go out: an address, and the httpx clients that carry them."""

from typing import Self

from attrs import define, field

from cl_client.http.library import httpx


@define
class Client:
    """A server, and how to reach it.

    Every endpoint function sends through `get_async_httpx_client()`. Hand in a client of your own with
    `set_async_httpx_client`, to add authentication, retries or a transport.
    """

    base_url: str
    headers: dict[str, str] = field(factory=dict, kw_only=True)
    timeout: float | httpx.Timeout | None = field(default=30.0, kw_only=True)
    """Seconds for each request; None waits for ever."""
    _async_client: httpx.AsyncClient | None = field(default=None, init=False)

    def set_async_httpx_client(self, async_client: httpx.AsyncClient) -> Self:
        """Send through this client, with its own base URL, headers and timeout."""
        self._async_client = async_client
        return self

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """The client that endpoint functions send through, made when it is first needed."""
        if self._async_client is None:
            self._async_client = httpx.AsyncClient(base_url=self.base_url, headers=self.headers, timeout=self.timeout)
        return self._async_client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._async_client is not None:
            await self._async_client.aclose()
