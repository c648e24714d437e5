"""A server of one's own: the border to the server side, which is an extra."""

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
    """Broker, compute server and workers on 127.0.0.1, on free ports, which are not started yet.

    Raises:
        ComputeClientError: the extra `[server]` is not installed.
    """
    try:
        from cl_server.embedded import LocalStack
    except ImportError as error:
        from cl_extras import install_command

        raise ComputeClientError(
            f"the embedded server needs the extra [server] ({error.name} is missing)",
            hint=install_command("server"),
        ) from error
    return LocalStack(Path(data) if data is not None else None)


@contextlib.asynccontextmanager
async def local_stack(data: str | os.PathLike[str] | None = None) -> AsyncGenerator[LocalStack]:
    """As `new_stack`, for as long as the block lasts.

    Raises:
        ComputeClientError: the extra `[server]` is not installed, or a part does not start.
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
        # A thread cannot be cancelled: what was begun is waited for, so that it can be stopped.
        await asyncio.wait([starting])
        try:
            await asyncio.to_thread(stack.stop)
        except RuntimeError:
            # The process ends, and lends no threads any more; nor is there anything else left to do meanwhile.
            stack.stop()
