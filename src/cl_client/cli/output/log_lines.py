"""What the client logs, as lines of the command line."""

from __future__ import annotations

import logging

from cl_client.cli.output.console import Console


def listen(console: Console) -> None:
    """Say it on a console, and on no other any more: warnings as a line each; with debug everything."""
    logger = logging.getLogger("cl_client")
    for old in [handler for handler in logger.handlers if isinstance(handler, _LogLines)]:
        logger.removeHandler(old)
    logger.addHandler(_LogLines(console))
    logger.setLevel(logging.DEBUG if console.debug else logging.WARNING)


class _LogLines(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.levelno >= logging.WARNING:
            self._console.warn(message)
        else:
            self._console.trace(f"{record.name}: {message}")
        if record.exc_info:
            self._console.trace(logging.Formatter().formatException(record.exc_info))
