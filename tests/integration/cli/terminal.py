"""A command on a terminal of its own, with somebody who answers."""

import os
import pty
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from tests.integration.cli.conftest import CL_CLIENT


@frozen
class Seen:
    """What the terminal showed, echoes of the keyboard too, and how the command ended."""

    code: int
    screen: str


def typed(arguments: Sequence[str], answers: Sequence[tuple[str, str]], folder: Path) -> Seen:
    """Run a command, and type each answer when its question is on the screen."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execv(CL_CLIENT, [CL_CLIENT, *arguments])
    screen, waiting = "", list(answers)
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # Linux says so when the other end is closed
            break
        if not piece:
            break
        screen += piece.decode()
        if waiting and waiting[0][0] in screen:
            os.write(terminal, f"{waiting.pop(0)[1]}\n".encode())
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert not waiting, screen
    return Seen(os.waitstatus_to_exitcode(status), screen)
