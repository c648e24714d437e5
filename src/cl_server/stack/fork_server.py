"""`python -m cl_server.stack.fork_server FD …`: starts parts of the server as forks of itself.

The parts import nearly the same libraries, which is most of the time of their start. This process imports them once,
and its forks share the memory. The response to each request on the socket FD is the process id of the part, and later
its exit status. `fork_client.py` is the other end.

The process has one thread, so that fork(2) is safe. A part dies with this process (prctl(2), PR_SET_PDEATHSIG). This
process stays until its parts have ended, which they do when the process that requested them has ended.
"""

import ctypes
import fcntl
import gc
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final, cast

from cl_server.stack.fork_protocol import LENGTH, Request

MOST_FILES: Final = 32

PR_SET_PDEATHSIG: Final = 1
PR_SET_NAME: Final = 15

# What FastAPI and uvicorn import once they run.
OF_SERVERS: Final = ("pydantic.v1", "uvicorn.loops.asyncio", "uvicorn.lifespan.on", "anyio._backends._asyncio")
MODULES: Final = {
    "compute": ("cl_server.compute.process", *OF_SERVERS),
    "worker": ("cl_server.workers.worker",),
    "auth": ("cl_server.auth.process", *OF_SERVERS),
}

_preloaded: Final[set[str]] = set()


def serve(connection: socket.socket) -> list[str] | None:
    """Start parts until the other end and all parts have ended. In a part, returns its arguments immediately."""
    us = os.getpid()
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                if key.fileobj is not connection:
                    part = cast("int", key.data)
                    selector.unregister(key.fileobj)
                    os.close(key.fd)
                    status = os.waitstatus_to_exitcode(os.waitpid(part, 0)[1])
                    _tell(connection, {"ended": part, "status": status})
                    continue
                received = _receive(connection)
                if received is None:
                    selector.unregister(connection)
                    continue
                request, files = received
                preload(request["argv"][0])
                try:
                    pid = os.fork()
                except OSError as error:
                    _tell(connection, {"pid": 0, "status": error.errno or 0})
                else:
                    if pid == 0:
                        selector.close()
                        connection.close()
                        _become(request, files, us)
                        return request["argv"]
                    selector.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)
                    _tell(connection, {"pid": pid})
                for file in files:
                    os.close(file)
    return None


def preload(command: str) -> None:
    """Import the libraries of a part. If one fails, the part imports it itself and reports the error.

    Plugins of others are not imported here, because threads that they start at import don't survive a fork.
    """
    if command in _preloaded:
        return
    _preloaded.add(command)
    # Imported modules are never garbage.
    gc.disable()
    try:
        for name in MODULES[command]:
            import_module(name)
        if command != "auth":
            from cl_ml_tools import discovery

            discovery.preload(warm=command == "worker")
    except Exception:
        return
    finally:
        # Freeze existing objects. Otherwise, the collector would write to all of them in each part.
        gc.collect()
        gc.freeze()
        gc.enable()


def _receive(connection: socket.socket) -> tuple[Request, list[int]] | None:
    head, files = socket.recv_fds(connection, LENGTH.size, MOST_FILES)[:2]
    if len(head) < LENGTH.size:
        return None
    (size,) = cast("tuple[int]", LENGTH.unpack(head))
    text = bytearray()
    while len(text) < size:
        if not (more := connection.recv(size - len(text))):
            return None
        text += more
    return cast("Request", json.loads(text)), files


def _tell(connection: socket.socket, said: dict[str, int]) -> None:
    try:
        connection.sendall(json.dumps(said).encode() + b"\n")
    except OSError:
        # The other end has closed the socket.
        return


def _become(request: Request, files: Sequence[int], parent: int) -> None:
    """Become the part: set its session, files, folder, environment and name."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    os.setsid()
    numbers = request["numbers"]
    # First out of the way of each other.
    free = max(*numbers, *files) + 1
    moved = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, free) for file in files]
    for file, number in zip(moved, numbers, strict=True):
        os.dup2(file, number)
    for number in [int(name) for name in os.listdir("/proc/self/fd")]:  # noqa: PTH208 - numbers, and no paths
        if number not in numbers:
            try:
                os.close(number)
            except OSError:
                # The one that the list was read from.
                continue
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = [sys.argv[0], *request["argv"]]
    _be_named(request["command_line"])
    libc.prctl(PR_SET_NAME, f"cl-{request['argv'][0]}".encode())


def _be_named(command_line: Sequence[str]) -> None:
    # proc_pid_stat(5): arg_start and arg_end are the fields 48 and 49; the name in brackets may hold anything.
    fields = Path("/proc/self/stat").read_text(errors="replace").rpartition(")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    text = b"\0".join(os.fsencode(word) for word in command_line)[: end - start - 1]
    ctypes.memmove(start, text.ljust(end - start, b"\0"), end - start)


def main() -> int:
    """Be a fork server, or one of the parts that it starts."""
    argv = serve(socket.socket(fileno=int(sys.argv[1])))
    if argv is None:
        return 0
    from cl_server.__main__ import main as part

    return part(argv)


if __name__ == "__main__":
    sys.exit(main())
