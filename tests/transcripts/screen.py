"""A terminal of 80 columns with a shell, and a user who types."""

import re
import secrets
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

COLUMNS, ROWS = 80, 40
PATIENCE = 60.0
PROMPT = "$ "


class Screen:
    """A shell in its own tmux server. `folder` is its home, and appears as `/home/ada`."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._tmux = ["tmux", "-L", f"cl-transcripts-{secrets.token_hex(4)}", "-f", "/dev/null"]
        self._folder = folder
        self._before = ""
        variables = {"HOME": str(folder), "PS1": PROMPT, "HISTFILE": "/dev/null", **environment}
        self._call(
            "new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), "-c", str(folder),
            "env", *(f"{name}={value}" for name, value in variables.items()), "bash", "--norc", "--noprofile",
        )  # fmt: skip
        self.wait(re.escape(PROMPT))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._call("kill-server")

    def type(self, line: str) -> None:
        """Type a line, and Enter."""
        self._before = self.shown()
        self._call("send-keys", "-l", line)
        self._call("send-keys", "Enter")

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._call("send-keys", "C-c")

    def clear(self) -> None:
        """Clear the screen."""
        self.done()
        self.type("clear")
        self.wait(rf"\A{re.escape(PROMPT)}\Z")
        self._call("clear-history")

    def shown(self) -> str:
        """The text on the screen, and above it."""
        lines = self._call("capture-pane", "-p", "-S", "-").splitlines()
        return "\n".join(line.rstrip() for line in lines).strip().replace(str(self._folder), "/home/ada")

    def wait(self, pattern: str) -> str:
        """The text once it matches."""
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, shown := self.shown() + " "):
            if time.monotonic() > end:
                raise TimeoutError(f"{pattern!r} is not in:\n{shown}")
            time.sleep(0.02)
        return shown.rstrip()

    def done(self) -> str:
        """The text once the shell has its prompt again."""
        while self.shown() == self._before:
            time.sleep(0.02)
        return self.wait(r"(\n|\^C)" + re.escape(PROMPT) + r"\Z").removesuffix("$").rstrip()

    def _call(self, *words: str) -> str:
        return subprocess.run([*self._tmux, *words], check=True, capture_output=True, text=True).stdout
