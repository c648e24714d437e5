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
