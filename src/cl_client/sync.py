"""The same client without async, for scripts, for threads, and for notebooks that run a loop already.

    with ComputeClient() as client:
        job = client.hash.compute("photo.jpg", wait=True)
        print(job.output.sha256)

Each client has a thread with an event loop, which begins with the first call and ends with `close`. Every method of
`cl_client` is here with the same parameters: a coroutine is a call that waits (Ctrl-C cancels it), an async iterator is
an iterator. Several threads may use one client.

Callbacks run in the client's thread. They may be async, and should be short: the client does nothing else meanwhile.
What waits for the client, such as `job.download`, cannot be called in one, and says so. The `finish` of `map` runs in a
thread of its own, where it can.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from cl_sync.auth_client import AuthClient
    from cl_sync.batch import Outcome, as_completed
    from cl_sync.client import ComputeClient
    from cl_sync.job import Job
    from cl_sync.monitor import MQTTJobMonitor
    from cl_sync.session import SessionManager

_HOME_OF = {
    "AuthClient": "cl_sync.auth_client",
    "ComputeClient": "cl_sync.client",
    "Job": "cl_sync.job",
    "MQTTJobMonitor": "cl_sync.monitor",
    "Outcome": "cl_sync.batch",
    "SessionManager": "cl_sync.session",
    "as_completed": "cl_sync.batch",
}

__all__ = ["AuthClient", "ComputeClient", "Job", "MQTTJobMonitor", "Outcome", "SessionManager", "as_completed"]


def __getattr__(name: str) -> object:
    if (home := _HOME_OF.get(name)) is None:
        raise AttributeError(f"module 'cl_client.sync' has no attribute {name!r}")
    value = cast("object", getattr(importlib.import_module(home), name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
