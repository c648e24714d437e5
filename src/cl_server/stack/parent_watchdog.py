"""Ends a process when its parent has ended for any reason, because the pipe on standard input then ends."""

import os
import signal
import threading
import time

GRACE = 8.0


def hold() -> None:
    """Watch standard input; at its end ask this process to stop, and after `GRACE` seconds do not ask."""
    threading.Thread(target=_watch, name="lifeline", daemon=True).start()


def _watch() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)
