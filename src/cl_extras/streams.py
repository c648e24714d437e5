"""The streams of a program that may be closed (`>&-`), or lead where nothing fits any more (`>/dev/full`)."""

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path


class OutputError(Exception):
    """What was written did not get there; its cause says why."""


def put(text: str) -> None:
    """Write a text on stdout now. Raises `OutputError`, for `whole`."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        raise OutputError from error


def whole(run: Callable[[], object], *, tells_others: bool = False) -> int:
    """Run a program, and have all that it wrote on stdout get there; else one line on stderr says why not.

    Returns its status, or 2 where its output did not get there. A reader that has enough is no trouble. `tells_others`:
    whether it tells every other `OSError` itself.
    """
    # The lowest number that is free is taken, so they come out as 0, 1 and 2.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
    try:
        status = _status_of(run)
    except OutputError as error:
        return _given_up(error.__cause__)
    except OSError as error:
        if not tells_others:
            raise
        return _given_up(error)
    try:
        sys.stdout.flush()
    except OSError as error:
        return _given_up(error)
    return status


def _status_of(run: Callable[[], object]) -> int:
    try:
        code = run()
    except SystemExit as ended:
        code = ended.code
    return code if isinstance(code, int) else int(code is not None)


def _given_up(error: BaseException | None) -> int:
    # What is in its buffer would fail again at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return 0
    with contextlib.suppress(OSError):
        sys.stderr.write(f"error: cannot write the output: {getattr(error, 'strerror', error)}\n")
    return 2
