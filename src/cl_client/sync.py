"""The client without asyncio, for scripts, threads and notebooks.

    with ComputeClient() as client:
        job = client.hash.compute("photo.jpg", wait=True)
        print(job.output.sha256)

It has every method of `cl_client` with the same parameters. A coroutine becomes a call that waits, which Ctrl-C
cancels, and an async iterator becomes an iterator. Several threads can use one client.

Each client has a thread with an event loop, from the first call until `close`. Callbacks run in this thread. They can
be async, and should be short, because the client does nothing else meanwhile. A callback can't call a method that waits
for the client, such as `job.download`. The `finish` argument of `map` runs in a thread of its own, and can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cl_client.lazy_names import lazy_names

if TYPE_CHECKING:
    from cl_sync.auth_client import AuthClient as AuthClient
    from cl_sync.batch import Outcome as Outcome
    from cl_sync.batch import as_completed as as_completed
    from cl_sync.client import ComputeClient as ComputeClient
    from cl_sync.job import Job as Job
    from cl_sync.monitor import MQTTJobMonitor as MQTTJobMonitor
    from cl_sync.session import SessionManager as SessionManager
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "cl_sync.auth_client": "AuthClient",
            "cl_sync.batch": "Outcome as_completed",
            "cl_sync.client": "ComputeClient",
            "cl_sync.job": "Job",
            "cl_sync.monitor": "MQTTJobMonitor",
            "cl_sync.session": "SessionManager",
        },
    )
