"""Workers that stand still, and hold nothing that others wait for."""

import signal
import sqlite3
import time
from contextlib import closing

import psutil

from cl_server.embedded import LocalStack


def freeze(stack: LocalStack, *names: str) -> None:
    """Stop processes with SIGSTOP, none of them in the midst of a transaction; SIGCONT wakes them."""
    processes = [psutil.Process(stack.pids()[name]) for name in names]
    while True:
        for name in names:
            stack.kill(name, signal.SIGSTOP)
        while any(process.status() != psutil.STATUS_STOPPED for process in processes):
            time.sleep(0.001)
        try:
            with closing(sqlite3.connect(stack.data / "jobs.sqlite", timeout=0, isolation_level=None)) as database:
                database.execute("BEGIN IMMEDIATE")
                database.execute("ROLLBACK")
                return
        except sqlite3.OperationalError:
            for name in names:
                stack.kill(name, signal.SIGCONT)
            time.sleep(0.01)
