"""The auth server as a process."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

COMMAND = [sys.executable, "-m", "cl_server", "auth"]
TOLD = re.compile(r"The first admin is 'admin', with the password (\S+) \(shown only this once\)\n")


class AuthServer:
    """`python -m cl_server auth` on a port of its own; tokens live for `lifetime` seconds."""

    def __init__(self, data: Path, *, lifetime: int = 120) -> None:
        self.data = data
        # Bound here and passed on, so that nobody else takes the port.
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            self.log = data.with_suffix(".log")
            with self.log.open("w") as log:
                self.process = subprocess.Popen(
                    [*COMMAND, "--fd", str(listening.fileno())],
                    env={**os.environ, "CL_DATA": str(data), "CL_TOKEN_LIFETIME": str(lifetime)},
                    pass_fds=(listening.fileno(),),
                    stderr=log,
                )
        deadline = time.monotonic() + 30
        while "startup complete" not in self.said() and time.monotonic() < deadline:
            assert self.process.poll() is None, self.said()
            time.sleep(0.02)

    def said(self) -> str:
        return self.log.read_text()

    @property
    def password(self) -> str:
        """Of the first admin."""
        told = TOLD.search(self.said())
        assert told is not None, self.said()
        return told[1]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
