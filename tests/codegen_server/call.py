"""Calls of generated endpoints from tests that are not async."""

import asyncio
from types import ModuleType


def call(endpoint: ModuleType, *arguments: object, client: object, **named: object) -> object:
    """What an endpoint answers, in an event loop of its own; an HTTP client that was not handed in goes with it."""

    async def ask() -> object:
        handed_in = client._async_client is not None
        try:
            return await endpoint.asyncio(*arguments, client=client, **named)
        finally:
            if not handed_in:
                await client.get_async_httpx_client().aclose()
                client._async_client = None

    return asyncio.run(ask())
