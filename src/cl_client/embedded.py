"""The embedded server. It needs the extra `[server]`."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING

from cl_client.errors import ComputeClientError

if TYPE_CHECKING:
    from cl_server.embedded import LocalStack


def new_stack(data: str | os.PathLike[str] | None = None) -> LocalStack:
    """Create a broker, a compute server and workers on free ports of 127.0.0.1, without starting them.

    Raises:
        ComputeClientError: the extra `[server]` is not installed.
    """
    try:
        from cl_server.embedded import LocalStack
    except ImportError as error:
        from cl_extras.install import install_command

        raise ComputeClientError(
            f"the embedded server needs the extra [server] ({error.name} is missing)",
            hint=install_command("server"),
        ) from error
    return LocalStack(Path(data) if data is not None else None)


@contextlib.asynccontextmanager
async def local_stack(data: str | os.PathLike[str] | None = None) -> AsyncGenerator[LocalStack]:
    """Run the servers of `new_stack` for the duration of the block.

    Raises:
        ComputeClientError: The extra `[server]` isn't installed, or a part doesn't start.
    """
    stack = new_stack(data)
    from cl_server.embedded import StackError

    starting = asyncio.ensure_future(asyncio.to_thread(stack.start))
    try:
        await asyncio.shield(starting)
        yield stack
    except StackError as error:
        raise ComputeClientError(str(error)) from error
    finally:
        # A thread can't be cancelled, so the start is awaited before the stop.
        await asyncio.wait([starting])
        try:
            await asyncio.to_thread(stack.stop)
        except RuntimeError:
            # The process is ending and starts no threads anymore. There is nothing else to do meanwhile.
            stack.stop()
