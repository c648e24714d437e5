"""From what went wrong to one line, what to do next, and an exit code: the one table of the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from cyclopts import CycloptsError, UnknownOptionError, UnusedCliTokensError

from cl_client.cli.output.streams import abandon
from cl_client.errors import (
    AuthenticationError,
    ComputeClientError,
    InputFileError,
    InvalidParameterError,
    NotFoundError,
    ServerUnreachableError,
    WaitTimeoutError,
)
from cl_client.runtime.place import STANDARD

if TYPE_CHECKING:
    from cl_client.cli.output.console import Console

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130
TERMINATED: Final = 143


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, while a command was at work, which knows of it."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command as Ctrl-C does."""


EXIT_CODES: Final[tuple[tuple[type[BaseException], int], ...]] = (
    (Terminated, TERMINATED),
    (KeyboardInterrupt, INTERRUPTED),
    (CycloptsError, USAGE),
    (InvalidParameterError, USAGE),
    (InputFileError, USAGE),
)
"""The first that fits; everything else is a failure."""


def report(error: BaseException, console: Console) -> int:
    """Say what went wrong, on stderr, and give the exit code for it."""
    if console.debug:
        import traceback

        console.trace("".join(traceback.format_exception(error)))
    match error:
        case Interrupted() | Terminated():
            pass  # the user asked for it; the command has printed what keeps running
        case KeyboardInterrupt():
            console.end_echo()
        case BrokenPipeError():
            abandon(sys.stdout)  # the reader of our output has enough
        case CycloptsError():
            console.error(_not_understood(error))
            console.hint(" ".join([console.program, *(error.command_chain or ()), "--help"]))
        case ComputeClientError():
            console.error(_message(error))
            if hint := _hint(error, console.program):
                console.hint(hint)
        case _:
            console.error(f"{type(error).__name__}: {_one_line(str(error))}")
            console.hint("this is a bug: run the command again with --debug, and report the output")
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), FAILED)


def _not_understood(error: CycloptsError) -> str:
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        words = " ".join(error.unused_tokens).replace(STANDARD, "-")
        return f"unexpected arguments: {words}" if len(error.unused_tokens) > 1 else f"unexpected argument: {words}"
    return _one_line(str(error)) + _meant(error)


def _meant(error: CycloptsError) -> str:
    """The global option that was meant by one that is not known; cyclopts only tries those of the command."""
    if not isinstance(error, UnknownOptionError) or "Did you mean" in str(error):
        return ""
    import difflib

    from cl_client.cli.help.options import global_rows

    known = [word for row, _ in global_rows() for word in row.replace(",", "").split() if word.startswith("--")]
    close = difflib.get_close_matches((error.token.keyword or error.token.value).partition("=")[0], known, 1, 0.7)
    return f" Did you mean {close[0]}?" if close else ""


def _message(error: ComputeClientError) -> str:
    message = _one_line(error.message)
    # Where no answer came, no log has the id either.
    if error.request_id and error.status is not None:
        message += f" [request {error.request_id}]"
    return message


def _hint(error: ComputeClientError, program: str) -> str | None:
    """The next command."""
    match error:
        case WaitTimeoutError():
            return f"wait for it again: {program} jobs wait {error.job_id}"
        case AuthenticationError() if program == "cl-client":
            return "cl-client login"
        case NotFoundError() if error.job_id is not None:
            return "list your jobs with `jobs list`, and files with `jobs files JOB`; deleted jobs are gone"
        case ServerUnreachableError() if error.hint is None and program == "cl-client":
            return "cl-client server up"
        case _:
            return error.hint


def _one_line(text: str) -> str:
    return " ".join(text.split())
